"""DPC as a row of the table: trained here on the training shapes' clouds, or with the authors' weights."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from hdbench.errors import HdbenchError
from hdbench.external.baseline import ThreeWays
from hdbench.interfaces import Session, TrainingSet
from hdbench.points import shape_bbox_half, shape_unit_legacy
from hdbench.shapes import NORMAL_EXTENT
from hdbench_dpc.checkpoint import Checkpoint, build, read_checkpoint
from hdbench_dpc.config import PRESETS, DPCConfig, NetworkConfig, SamplingConfig
from hdbench_dpc.model import FlowVAE, parameter_count
from hdbench_dpc.sampling import CLOUDS, clouds
from hdbench_dpc.training import train

KEEP_EVERY = 20.0  # seconds between checkpoints of the samples


class DPC(ThreeWays):
    """Points diffuse from a normal distribution to a surface, guided by a code from a flow. Single shapes, not sequences."""

    name = "dpc"
    source = "Luo and Hu 2021 (arXiv 2103.01458); luost26/diffusion-point-cloud@b037c5f"
    title = "DPC"
    wrapped = "hdbench_dpc:external.toml"
    released = "DPC's own split of ShapeNet (PC15k.Resplit)"
    Config = DPCConfig
    produces = "clouds"
    presets = PRESETS

    config: DPCConfig

    def native_provenance(self) -> str:
        """Size, training and sampler; a checkpoint is read here, before anything is computed."""
        return f"{self._weights()} {sampler_sentence(self.config.sampling)}"

    def row(self) -> str:
        """``DPC``, or of the accelerated sampler ``DPC (DDIM-20)``."""
        faster = self.config.way == "native" and self.config.sampling.kind == "ddim"
        return f"{self.title} (DDIM-{self.config.sampling.steps})" if faster else self.title

    def fitted_with(self) -> DPCConfig:
        """All but the sampler."""
        return replace(self.config, sampling=SamplingConfig())

    def _weights(self) -> str:
        if self._given is not None:
            folded = " Spectral norms were divided out of the flow's weights." if self._given.folded else ""
            return f"The authors' weights in our code.{folded}"
        theirs, ours = parameter_count(NetworkConfig()), parameter_count(self.config.network)
        size = "the authors' network" if self.config.network == NetworkConfig() else f"{theirs:,} in the authors' network"
        return f"{self.config.training.steps:,} steps of training, {ours:,} parameters ({size})."

    @cached_property
    def _given(self) -> Checkpoint | None:
        path = self.checkpoint()
        return read_checkpoint(path) if path else None

    def native_fit(self, training: TrainingSet, session: Session) -> dict[str, Tensor]:
        """The parameters under the authors' names, and under ``dpc.`` what sampling and readers need besides."""
        frames, points = training.clouds.shape[1:3]
        if frames != 1:
            raise HdbenchError(
                f"DPC makes single shapes, but these are sequences of {frames} frames. Leave the baseline 'dpc' out."
            )
        if self._given is not None:
            return self._given.state | _facts(self._given.flexibility, self._given.residual, points)
        unit = torch.from_numpy(shape_unit_legacy(training.clouds[:, 0].numpy()))
        model, loss = train(unit, self.config.network, self.config.training, session)
        return model.state_dict() | _facts(0.0, True, points) | {"dpc.loss": loss}

    def native_sample(self, state: Mapping[str, Tensor], count: int, session: Session) -> Tensor:
        """Clouds [count, 1, q, 3] in the box, centred, the longest side as that of other shapes."""
        model = build(_parameters(state), bool(state["dpc.residual"]), "the fitted state").to(session.device)
        sampling, points = self.config.sampling, self.config.sampling.points or int(state["dpc.points"])
        if sampling.flexibility is None:
            sampling = replace(sampling, flexibility=float(state["dpc.flexibility"]))
        return placed(_drawn(model, sampling, points, count, session))[:, None]


def sampler_sentence(sampling: SamplingConfig) -> str:
    """Which sampler, and whether it is the authors'."""
    if sampling.kind == "ddim":
        return f"DDIM over {sampling.steps} of the schedule's 100 steps: accelerated, not the authors' sampler."
    return "The authors' ancestral sampler, all 100 steps."


def _drawn(model: FlowVAE, sampling: SamplingConfig, points: int, count: int, session: Session) -> Tensor:
    """Samples 0 to ``count`` [count, q, 3], tile by tile; goes on from ``session.load()``."""
    kept, saved_at = session.load(), time.monotonic()
    done = [kept["clouds"]] if kept else []
    while (first := sum(map(len, done))) < count:
        tile = min(CLOUDS[session.device.type], count - first)
        done.append(clouds(model, sampling, points, session.seed, first, tile))
        if time.monotonic() - saved_at >= KEEP_EVERY and first + tile < count:
            session.save({"clouds": torch.cat(done)})
            saved_at = time.monotonic()
        session.progress(first + tile, count)
    return torch.cat(done)


def placed(drawn: Tensor) -> Tensor:
    """Clouds [b, q, 3] of any size in the box; if a point is not finite, all of its cloud is nan: empty."""
    broken = ~drawn.isfinite().all(2).all(1)
    boxed = shape_bbox_half(drawn.masked_fill(broken[:, None, None], torch.nan).numpy())
    return torch.from_numpy(boxed * np.float32(NORMAL_EXTENT))


def _parameters(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: value for name, value in state.items() if not name.startswith("dpc.")}


def _facts(flexibility: float, residual: bool, points: int) -> dict[str, Tensor]:
    return {
        "dpc.flexibility": torch.tensor(flexibility, dtype=torch.float64),
        "dpc.residual": torch.tensor(residual),
        "dpc.points": torch.tensor(points),
    }
