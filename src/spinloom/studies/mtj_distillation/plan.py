"""The two sizes of the study."""

from dataclasses import dataclass, replace

from spinloom.data import ImageSet
from spinloom.devices import require_free
from spinloom.errors import InputError, require_non_negative, require_positive
from spinloom.learning import MIRRORED, Augmentation, Training, require_share
from spinloom.studies.mtj_distillation.settings import Settings


@dataclass(frozen=True)
class Plan:
    """How much is trained and measured.

    teacher_channels, teacher_hidden, teacher_dropout, student_channels, student_hidden: of the plain networks.
    teacher_width, student_width, blocks: of the residual ones. train_images, test_images: at most (None: all).
    images: of the students. images_seen: by a student in training, repeats counted; epochs: passes, where given.
    devices: simulated, to draw from. fresh: instances that a noise-aware student is measured on.
    """

    teacher_channels: tuple[int, ...]
    teacher_hidden: int
    teacher_dropout: float
    student_channels: tuple[int, ...]
    student_hidden: int
    teacher_width: int
    student_width: int
    blocks: int
    train_images: int | None
    test_images: int | None
    images: tuple[int, ...]
    images_seen: int
    teacher_epochs: int
    seeds: int
    devices: int
    epochs: int | None = None
    fresh: int = 5
    batch: int = 128
    rate: float = 2e-3
    weight_decay: float = 0.05

    def teaching(self, train: ImageSet, seed: int) -> Training:
        """Of the teacher."""
        return replace(self.learning(train, seed), epochs=self.teacher_epochs)

    def learning(self, train: ImageSet, seed: int) -> Training:
        """Of a student on these images, in both ways alike."""
        colour = train.shape[0] == 3
        return Training(
            epochs=self.epochs or max(1, round(self.images_seen / len(train))),
            batch=min(self.batch, len(train)),
            rate=2 * self.rate if colour else self.rate,
            weight_decay=self.weight_decay,
            augmentation=Augmentation(flip=train.name in MIRRORED, shift=4 if colour else 0),
            seed=seed,
        )


REDUCED = Plan(
    teacher_channels=(32, 64, 64),
    teacher_hidden=128,
    teacher_dropout=0.0,
    student_channels=(16, 30, 32),
    student_hidden=56,
    teacher_width=9,
    student_width=4,
    blocks=1,
    train_images=10_000,
    test_images=None,
    images=(1_000,),
    images_seen=60_000,
    teacher_epochs=4,
    seeds=2,
    devices=64,
)
FULL = replace(
    REDUCED,
    teacher_width=16,
    student_width=7,
    blocks=3,
    train_images=None,
    images=(2_000, 6_000),
    images_seen=120_000,
    teacher_epochs=8,
    seeds=3,
    devices=512,
)


def plan_of(settings: Settings) -> Plan:
    """The size asked for. Raises InputError for settings that cannot be."""
    require_positive("", temperature=settings.temperature)
    require_share(spread=settings.spread, mixing=settings.mixing)
    require_non_negative("K", kelvin=settings.kelvin)
    require_free(settings.response, settings, "junction", "spread", "kelvin")
    for name in ("seeds", "epochs"):
        given = getattr(settings, name)
        if given is not None and given < 1:
            raise InputError(f"{name} must be >= 1, got {given}")
    if min(settings.images, default=1) < 1:
        raise InputError(f"images must be >= 1, got {settings.images}")
    plan = FULL if settings.full else REDUCED
    plan = replace(plan, images=settings.images or plan.images)
    return replace(plan, seeds=settings.seeds or plan.seeds, epochs=settings.epochs)


def require_images(plan: Plan, train: ImageSet) -> None:
    """Raise InputError for students of more images than there are."""
    if max(plan.images) > len(train):
        cut = "; --full takes the whole data set" if plan.train_images == len(train) else ""
        raise InputError(f"--images {max(plan.images):,} are more than the {len(train):,} training images{cut}")
