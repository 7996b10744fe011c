"""The settings of ShapeGAN; their defaults are the released recipe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from hdbench.config import check
from hdbench.external.baseline import Ways
from hdbench_shapegan.discriminators import COARSEST, FEATURES
from hdbench_shapegan.generators import HIDDEN, LATENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Stages:
    """The adversarial training, stage by stage: ``sizes`` (grid points per axis, or points per shape), shapes per step, and how
    long: ``steps`` if they are given, else ``epochs``."""

    sizes: tuple[int, ...]
    batches: tuple[int, ...]
    epochs: tuple[int, ...]
    steps: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        check(len(self.sizes) >= 1 and min(self.sizes) >= 1, "stages.sizes", "one or more numbers above 0", self.sizes)
        check(min(self.batches) >= 2, "stages.batches", "at least 2 in every stage", self.batches)
        check(min((*self.epochs, *self.steps), default=0) >= 0, "stages.steps", "0 or more, like stages.epochs", self.steps)

    def refuse_ragged(self) -> None:
        """HdbenchError unless every list has a number per stage; settings come one by one, so it is asked when all are there."""
        for name in ("batches", "steps" if self.steps else "epochs"):
            values = getattr(self, name)
            check(len(values) == len(self.sizes), f"stages.{name}", f"one number per stage, {len(self.sizes)} in all", values)

    def lengths(self, count: int) -> tuple[int, ...]:
        """Steps of each stage on ``count`` training shapes."""
        return self.steps or tuple(epochs * -(-count // batch) for epochs, batch in zip(self.epochs, self.batches))


@dataclass(frozen=True, slots=True, kw_only=True)
class Adversarial:
    """How both networks are trained, WGAN-GP (Gulrajani et al. 2017).

    The generator takes a step at every ``every``-th step of the discriminator, after the first ``alone`` steps of the training,
    in which it rests. ``penalty`` weighs (|gradient| - 1)^2. A new resolution is faded in over the share ``fade`` of its stage.
    ``shared``: the generator learns from the fakes that the discriminator has just seen, instead of fresh ones. ``ema`` is the
    decay of the running average of the generator's parameters, which becomes the generator (0: off).
    """

    every: int = 5
    alone: int = 0
    penalty: float = 10.0
    fade: float = 0.04
    optimiser: Literal["rmsprop", "adam"] = "rmsprop"
    generator_lr: float = 1e-4
    discriminator_lr: float = 1e-4
    shared: bool = False
    ema: float = 0.0
    features: tuple[int, ...] = FEATURES

    def __post_init__(self) -> None:
        check(self.every >= 1, "adversarial.every", "at least 1", self.every)
        check(self.alone >= 0, "adversarial.alone", "0 or more", self.alone)
        check(self.penalty >= 0, "adversarial.penalty", "0 or more", self.penalty)
        check(0 <= self.fade <= 1, "adversarial.fade", "in [0, 1]", self.fade)
        for name in ("generator_lr", "discriminator_lr"):
            check(0 < getattr(self, name) < 1, f"adversarial.{name}", "in (0, 1)", getattr(self, name))
        check(0 <= self.ema < 1, "adversarial.ema", "in [0, 1)", self.ema)
        check(len(self.features) >= 1 and min(self.features) >= 1, "adversarial.features", "numbers above 0", self.features)


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """An autodecoder (DeepSDF) that the generator begins as; 0 ``steps`` begin at random, as the released code does.

    ``pool`` points of every shape are measured, of which ``points`` of each of ``batch`` shapes are in a step. ``prior`` weighs
    |z|^2 of the codes. The learning rate falls to zero over the second half; that of the codes is four times as high.
    """

    steps: int = 0
    batch: int = 32
    pool: int = 8192
    points: int = 256
    lr: float = 2e-3
    prior: float = 1e-4

    def __post_init__(self) -> None:
        check(self.steps >= 0, "start.steps", "0 or more", self.steps)
        check(1 <= self.points <= self.pool, "start.points", "in 1..start.pool", self.points)
        check(self.batch >= 1, "start.batch", "at least 1", self.batch)
        check(0 < self.lr < 1, "start.lr", "in (0, 1)", self.lr)
        check(self.prior >= 0, "start.prior", "0 or more", self.prior)


RELEASED_VOXEL = Stages(sizes=(8, 16, 32, 64), batches=(16, 16, 16, 16), epochs=(250, 250, 250, 250))
RELEASED_POINT = Stages(
    sizes=(1024, 2048, 4096, 8192, 16384, 32768), batches=(32, 32, 32, 24, 12, 6), epochs=(300, 300, 300, 300, 300, 900)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShapeGANConfig(Ways):
    """``variant``: the discriminator sees a grid (``voxel``) or ``point``s; only the settings of that name then matter.

    ``initial`` parameters: those of PyTorch's layers, as released, or such that points weigh more than codes. Lengths are
    those of the cube [-1, 1]^3. ``truncation``: the voxel variant learns distances up to this one, divided by it.
    A mesh is the surface at the distance ``level``; when it is not given, 0.04 for the released checkpoints, 0 for others and for
    what was trained here. ``unit``: the distance that an output of 1 means, for a checkpoint whose file is not known: 1 for
    the released ones, 0.1 for what the released code trains today. ``resolution``: grid points per axis. ``domain``: where the
    surface can be; ``auto`` is the ``ball`` of radius 1.1 for released point checkpoints, else the ``cube``. ``evaluation``: of
    the whole grid (``dense``), or where the surface can be (``sparse``). ``axes``: what the x, y and z of a sample are in the
    generator's axes; the released checkpoints have y up and are mirror images in x, as our procedural shapes are.
    """

    variant: Literal["voxel", "point"] = "voxel"
    latent: int = LATENT
    hidden: int = HIDDEN
    initial: Literal["pytorch", "spread"] = "pytorch"
    truncation: float = 0.1
    voxel: Stages = RELEASED_VOXEL
    point: Stages = RELEASED_POINT
    adversarial: Adversarial = field(default_factory=Adversarial)
    start: Start = field(default_factory=Start)
    level: float | None = None
    unit: float | None = None
    resolution: int = 64
    domain: Literal["auto", "cube", "ball"] = "auto"
    evaluation: Literal["sparse", "dense"] = "sparse"
    axes: tuple[str, ...] = ("x", "y", "z")
    checkpoint_seconds: float = 20.0

    def __post_init__(self) -> None:
        check(self.latent >= 1 and self.hidden >= 1, "shapegan.hidden", "at least 1, like shapegan.latent", self.hidden)
        check(self.truncation > 0, "shapegan.truncation", "above 0", self.truncation)
        check(self.unit is None or self.unit > 0, "shapegan.unit", "above 0", self.unit)
        check(4 <= self.resolution <= 1024, "shapegan.resolution", "in 4..1024", self.resolution)
        letters = sorted(axis.removeprefix("-") for axis in self.axes)
        check(letters == ["x", "y", "z"], "shapegan.axes", "x, y and z in some order, each perhaps with '-'", self.axes)

    def refuse_misfits(self) -> None:
        """HdbenchError when the stages do not fit each other or the discriminator."""
        self.stages.refuse_ragged()
        if self.variant == "voxel":
            sizes, allowed = self.voxel.sizes, tuple(COARSEST * 2**k for k in range(len(self.adversarial.features)))
            fit = set(sizes) <= set(allowed) and sorted(set(sizes)) == list(sizes)
            check(fit, "shapegan.voxel.sizes", f"of {allowed} (a resolution per entry of adversarial.features), rising", sizes)

    @property
    def stages(self) -> Stages:
        """Of the variant."""
        return self.voxel if self.variant == "voxel" else self.point


def _preset(voxel: Stages, point: Stages, **others: Any) -> Mapping[str, Any]:
    plain = {name: {f: getattr(s, f) for f in Stages.__dataclass_fields__} for name, s in (("voxel", voxel), ("point", point))}
    return {**plain, **others}


TINY_VOXEL = Stages(sizes=(16,), batches=(16,), epochs=(0,), steps=(300,))
TINY_POINT = Stages(sizes=(1024,), batches=(32,), epochs=(0,), steps=(300,))
TINY = _preset(
    TINY_VOXEL, TINY_POINT, latent=32, hidden=64, initial="spread", truncation=0.4,
    start={"steps": 6000},
    adversarial={
        "every": 1, "alone": 40, "optimiser": "adam", "generator_lr": 1e-4, "discriminator_lr": 1e-3, "shared": True, "ema": 0.99,
        "features": (128, 64),
    },
)  # fmt: skip
SMALL = _preset(
    Stages(sizes=(16, 32), batches=(16, 16), epochs=(0, 0), steps=(2000, 2000)),
    Stages(sizes=(1024, 4096), batches=(32, 32), epochs=(0, 0), steps=(2000, 2000)), latent=64, hidden=128, initial="spread",
    truncation=0.4,
    start={"steps": 20000},
    adversarial={
        "every": 1, "alone": 40, "optimiser": "adam", "generator_lr": 1e-4, "discriminator_lr": 1e-3, "shared": True,
        "ema": 0.995, "features": (128, 64, 32),
    },
)  # fmt: skip
PRESETS: Mapping[str, Mapping[str, Any]] = {"tiny": TINY, "small": SMALL, "paper": {}}
