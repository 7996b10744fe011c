"""PVD as a row of the table: trained here on the training shapes, or with the authors' weights."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import torch
from torch import Tensor

from hdbench.config import check
from hdbench.errors import HdbenchError
from hdbench.external.baseline import ThreeWays, Ways
from hdbench.interfaces import Session, TrainingSet
from hdbench.seeds import torch_generator
from hdbench.training import Training
from hdbench_pvd.chains import KINDS, STEPS, Kind, SamplingConfig, noise_of, run
from hdbench_pvd.checkpoint import read_checkpoint
from hdbench_pvd.learning import Lessons, Normalised, learn, stock_of, untrained
from hdbench_pvd.network import PVCNN2, PVCNN2Config

KEEP_EVERY = 20.0  # seconds between checkpoints of the samples
AIRPLANES = ("airplane", "02691156")

_AUTHORS = Training(
    steps=0, epochs=1800, batch=16, lr=2e-4, warmup=0, decay="staircase", decay_epochs=1, decay_factor=0.998, weight_decay=0.0,
    betas=(0.5, 0.999), clip=0.0, ema=0.0, checkpoint_seconds=300.0,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class PVDConfig(Ways):
    """Defaults are the authors'; 1800 epochs is what their released chairs had (their limit is 10,000).

    ``schedule``: ``linear`` (chairs, cars), ``warm0.1`` (airplanes), or ``auto``, by the names of the training shapes.
    ``stock``: points per shape that training draws from (0: the training clouds').
    ``mean`` and ``deviation``: those of the set that a checkpoint was trained on, which is not in it; by default, those of the
    training shapes. With a checkpoint, ``network`` and ``training`` are not looked at.
    """

    network: PVCNN2Config = field(default_factory=PVCNN2Config)
    training: Training = _AUTHORS
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
    schedule: Literal["auto", "linear", "warm0.1"] = "auto"
    lessons: Lessons = field(default_factory=Lessons)
    stock: int = 10_000
    mean: tuple[float, ...] = ()
    deviation: float = 0.0

    def __post_init__(self) -> None:
        check(self.stock >= 0, "stock", "0 or more", self.stock)
        check(len(self.mean) in (0, 3), "mean", "three numbers, or none", self.mean)
        check(self.deviation >= 0, "deviation", "above 0, or 0 for that of the training shapes", self.deviation)


PRESETS: Mapping[str, Mapping[str, Any]] = {
    "tiny": {
        "network": {
            "width": 0.25, "voxels": (12, 8, 4), "centres": (256, 64, 16, 4), "radii": (0.2, 0.4, 0.8, 1.6), "neighbours": 16,
            "dropout": 0.0,
        },
        "training": {
            "steps": 900, "epochs": 0, "lr": 2e-3, "warmup": 50, "decay": "linear", "betas": (0.9, 0.99), "clip": 1.0,
            "ema": 0.99, "checkpoint_seconds": 20.0,
        },
        "sampling": {"kind": "ddim", "steps": 25},
        "lessons": {"points": 512, "predict": "v", "levels": "log-snr"},
    },
    "small": {
        "network": {"width": 0.5},
        "training": {
            "steps": 20_000, "epochs": 0, "lr": 5e-4, "warmup": 500, "decay": "linear", "betas": (0.9, 0.99), "clip": 1.0,
            "ema": 0.999, "checkpoint_seconds": 60.0,
        },
        "sampling": {"kind": "ddim", "steps": 50, "together": 32},
    },
    "paper": {},
}  # fmt: skip


class PVD(ThreeWays):
    """Point clouds diffuse as a whole under a network that sees them as points and as voxels. Single shapes, not sequences."""

    name = "pvd"
    source = "Zhou et al. 2021 (arXiv 2104.03670); alexzhou907/PVD@9747265"
    title = "PVD"
    Config = PVDConfig
    produces = "clouds"
    wrapped = "hdbench_pvd:external.toml"
    released = "PointFlow's split of ShapeNet (PC15k)"
    presets = PRESETS

    config: PVDConfig

    def row(self) -> str:
        """``PVD``, or of the accelerated sampler ``PVD (DDIM-50)``."""
        faster = self.config.way == "native" and self.config.sampling.kind == "ddim"
        return f"{self.title} (DDIM-{self.config.sampling.steps})" if faster else self.title

    def fitted_with(self) -> PVDConfig:
        """All but the sampler."""
        return replace(self.config, sampling=SamplingConfig())

    def native_provenance(self) -> str:
        """Network, training and sampler in sentences."""
        sampling = self.config.sampling
        sampler = (
            f"The authors' ancestral sampler over all {STEPS} steps."
            if sampling.kind == "ancestral"
            else f"Accelerated: {sampling.steps} deterministic steps of the schedule's {STEPS}, not the authors' sampler."
        )
        return " ".join(filter(None, (self._network(), self._training(), sampler)))

    def _training(self) -> str:
        """How the training departs from the authors', if it does."""
        training, lessons = self.config.training, self.config.lessons
        if self.config.checkpoint or (training == _AUTHORS and lessons == Lessons()):
            return ""
        length = f"{training.steps:,} steps" if training.steps else f"{training.epochs:,} epochs"
        points = f" on {lessons.points} points of a cloud" if lessons.points else ""
        asked = ", asked for v" if lessons.predict == "v" else ""
        return f"Not the authors' training: {length} of {training.batch} clouds{points}{asked}."

    def _network(self) -> str:
        count, authors = _parameters(self.config.network), _parameters(PVCNN2Config())
        if self.config.checkpoint or count == authors:
            return f"The authors' network ({authors:,} parameters)."
        return f"{count:,} parameters ({authors:,} in the authors' network)."

    def native_fit(self, training: TrainingSet, session: Session) -> dict[str, Tensor]:
        """``network.*`` under the authors' names, ``curve.*`` of the training, and ``set.*``: what sampling needs besides."""
        frames, points = training.clouds.shape[1:3]
        if frames != 1:
            raise HdbenchError(
                f"PVD makes single shapes, but these are sequences of {frames} frames. Leave the baseline 'pvd' out."
            )
        kind = self._schedule(training, session)
        checkpoint = self.checkpoint()
        if checkpoint is not None:
            network, curves, normal = read_checkpoint(checkpoint), {}, self._placed_by(training, session)
        else:
            normal = Normalised.of(stock_of(training, self.config.stock, session))
            built = untrained(self.config.network, session.seed)
            lessons = replace(self.config.lessons, points=self.config.lessons.points or points)
            curves = learn(built, normal.clouds, lessons, kind, self.config.training, session)
            network = built.cpu().state_dict()
        velocity = checkpoint is None and self.config.lessons.predict == "v"
        facts = {"mean": normal.mean, "deviation": normal.deviation, "points": points, "warm": kind == "warm0.1", "v": velocity}
        state = {f"set.{name}": torch.as_tensor(value) for name, value in facts.items()}
        state |= {f"network.{name}": value for name, value in network.items()}
        return state | {f"curve.{name}": value for name, value in curves.items()}

    def _schedule(self, training: TrainingSet, session: Session) -> Kind:
        if self.config.schedule != "auto":
            return self.config.schedule
        airplanes = all(any(word in name.lower() for word in AIRPLANES) for name in training.names)
        kind: Kind = "warm0.1" if airplanes else "linear"
        session.notes.append(
            f"PVD's schedule is '{kind}', as its authors have it for {'' if airplanes else 'all but '}airplanes."
        )
        return kind

    def _placed_by(self, training: TrainingSet, session: Session) -> Normalised:
        """Mean and deviation for a checkpoint's clouds: as set, or else those of the training shapes."""
        normal, config = Normalised.of(training.clouds[:, 0]), self.config
        mean = torch.tensor(config.mean) if config.mean else normal.mean
        deviation = torch.tensor(config.deviation) if config.deviation else normal.deviation
        if not (config.mean and config.deviation):
            session.notes.append("PVD's checkpoint does not say its set's mean and deviation; the training shapes' were taken.")
        return Normalised(normal.clouds, mean, deviation)

    def native_sample(self, state: Mapping[str, Tensor], count: int, session: Session) -> Tensor:
        """Clouds [count, 1, q, 3] in the units of the training clouds; one that is not finite becomes nan and counts as empty."""
        network = self._restored(state).to(session.device)
        kept = session.load()
        done, saved_at = [kept["clouds"]] if kept else [], time.monotonic()
        while (first := sum(map(len, done))) < count:
            done.append(self._tile(network, state, first, session))
            if time.monotonic() - saved_at >= KEEP_EVERY and first + len(done[-1]) < count:
                session.save({"clouds": torch.cat(done)})
                saved_at = time.monotonic()
            session.progress(min(first + len(done[-1]), count), count)
        normal = Normalised(state["set.mean"], state["set.mean"], state["set.deviation"])
        clouds = normal.undo(torch.cat(done)[:count].transpose(1, 2))
        clouds[~clouds.isfinite().flatten(1).all(1)] = torch.nan
        return clouds[:, None]

    def _restored(self, state: Mapping[str, Tensor]) -> PVCNN2:
        network = PVCNN2(PVCNN2Config() if self.config.checkpoint else self.config.network)
        network.load_state_dict({k.removeprefix("network."): v for k, v in state.items() if k.startswith("network.")})
        return network.eval().requires_grad_(False)

    @torch.inference_mode()
    def _tile(self, network: PVCNN2, state: Mapping[str, Tensor], first: int, session: Session) -> Tensor:
        """Samples ``first`` and on [together, 3, q], normalised, on the CPU. Sample j draws from a generator of its own."""
        sampling, kind = self.config.sampling, KINDS[bool(state["set.warm"])]
        points = sampling.points or int(state["set.points"])
        generators = [torch_generator(session.seed, "sample", first + j) for j in range(sampling.together)]

        def noise() -> Tensor:
            return torch.stack([torch.randn((3, points), generator=g) for g in generators]).to(session.device, non_blocking=True)

        def predict(noised: Tensor, step: int) -> Tensor:
            said = network(noised, torch.full((len(noised),), step, dtype=torch.long, device=noised.device))
            return noise_of(said, noised, step, kind) if state["set.v"] else said

        return run(predict, noise(), noise, kind, sampling).cpu()


def _parameters(config: PVCNN2Config) -> int:
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in PVCNN2(config).parameters())
