"""Everything the study measures, each stage kept on disk as soon as it is done."""

from dataclasses import dataclass

from spinloom.evaluation import BackwardMemory, Paired, backward_memory, compare_pairs
from spinloom.studies.mtj_training.angles import NOMINAL, SITUATIONS, Angles, angles, least
from spinloom.studies.mtj_training.chip import Tuned, tuned
from spinloom.studies.mtj_training.settings import Settings
from spinloom.studies.mtj_training.training import Trained, Trainer

MEMORY_IMAGES = 32


@dataclass(frozen=True)
class Found:
    """trained: networks by way, in the order of the seeds. angles: of the first network trained in the way `angles_of`.
    cosines: the least one of each network of that way on nominal junctions. tuned: None where it was left out.
    """

    trained: dict[str, tuple[Trained, ...]]
    angles: Angles
    angles_of: str
    cosines: tuple[float, ...]
    tuned: Tuned | None
    memory: BackwardMemory

    def accuracies(self, way: str) -> tuple[float, ...]:
        return tuple(network.accuracy for network in self.trained[way])

    def against(self, way: str, other: str) -> Paired | None:
        """Accuracy of one way minus that of the other, percentage points; None where one was not trained."""
        if way not in self.trained or other not in self.trained or way == other:
            return None
        return compare_pairs(*([100 * share for share in self.accuracies(name)] for name in (way, other)))


def measure(trainer: Trainer, settings: Settings) -> Found:
    """All of it. Raises OutputError if a stage cannot be kept."""
    plan, seed = trainer.plan, settings.seed
    networks: dict[str, list[Trained]] = {way: [] for way in dict.fromkeys(settings.ways)}
    for number in range(seed, seed + plan.seeds):  # seed by seed: a run that is stopped early leaves whole pairs
        for way, found in networks.items():
            found.append(trainer.trained(way, number))
    trained = {way: tuple(found) for way, found in networks.items()}
    angles_of = "device" if "device" in trained else next(iter(trained))
    chip = None
    if "software" in trained and plan.instances:
        first = trained["software"][0]
        chip = tuned(trainer, first.weights, first.accuracy, settings.chip_spread, seed)
    turned = [
        angles(trainer, seed + number, one.weights, NOMINAL if number else SITUATIONS)
        for number, one in enumerate(trained[angles_of])
    ]
    return Found(
        trained,
        turned[0],
        angles_of,
        tuple(map(least, turned)),
        chip,
        backward_memory(trainer.start(seed), trainer.test.inputs[:MEMORY_IMAGES]),
    )
