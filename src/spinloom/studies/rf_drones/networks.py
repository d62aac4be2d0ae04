"""The two networks that are compared, and their courses of training."""

from collections.abc import Sequence

from spinloom.learning import Course, MemberMLP
from spinloom.nn.radio import RadioNetwork, multilayer
from spinloom.studies.rf_drones.settings import Settings


def spintronic(sizes: Sequence[int], seeds: Sequence[int], settings: Settings) -> RadioNetwork:
    """Chains, oscillators, chains; one member for every seed, members begin alike where the first seed is the same."""
    return multilayer(
        sizes,
        members=(len(seeds),),
        seed=seeds[0],
        linewidth=settings.damping,
        transconductance=settings.transconductance,
        bias=settings.bias,
        readout=settings.readout,
    )


def software(sizes: Sequence[int], seeds: Sequence[int]) -> MemberMLP:
    return MemberMLP(sizes, seeds)


def course(seeds: Sequence[int], settings: Settings, rate: float) -> Course:
    """The same for both but for the rate."""
    return Course(epochs=settings.epochs, batch=settings.batch, rate=rate, seeds=tuple(seeds))
