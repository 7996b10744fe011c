"""The field encoder of HyperDiffusion: one small MLP per shape, from coordinates to the logit of occupancy.

Official size: 27 features, three hidden layers of 128, 36,737 weights in state_dict order. ``init=first`` fits the
first training shape from random weights, longer, and starts every other shape from the result, as the paper does.
Source: Erkoc et al., HyperDiffusion, ICCV 2023, section 3.1; Rgtemze/HyperDiffusion at fd2c581, mlp_models.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

import torch
from torch import Tensor

from hdbench.config import check
from hdbench.interfaces import Encoded, FieldEncoder, FieldSamples, QuerySpec, Session
from hdbench.seeds import seed_of
from hdbench.shapes import Mesh
from hdbench.weights import WeightLayout
from hdbench_hyperdiffusion.alignment import aligned
from hdbench_hyperdiffusion.content import content_of
from hdbench_hyperdiffusion.encoding import Encoding
from hdbench_hyperdiffusion.fitting import GPU_GROUP, Fit, Points, cross_entropy, fit
from hdbench_hyperdiffusion.given import refuse_other_encoder
from hdbench_hyperdiffusion.initialisation import first_shape, labelled_points, pooled_points, random_weights
from hdbench_hyperdiffusion.isosurface import extract
from hdbench_hyperdiffusion.library import refuse_missing, rows_of
from hdbench_hyperdiffusion.networks import forward, layer_layout
from hdbench_hyperdiffusion.stored import ENCODER


@dataclass(frozen=True, slots=True, kw_only=True)
class MLPConfig:
    """Size of the MLP, how it is fitted, and when a fit is good enough.

    ``init`` is where a fit starts: ``first`` from the first training shape's weights (the paper), ``mean`` from one MLP
    fitted to the points of all training shapes at once (their average occupancy; ours), ``same`` from one set of random
    weights, ``random`` from fresh random weights per shape. ``first`` and ``mean`` say how that shared MLP is fitted, ``fit``
    how all others are; a slow ``first`` leaves weights that others can leave again (airplanes: uniform IoU 0.87 after 2e-3,
    0.81 after 1e-2). A fit passes the gate when its IoU on held-out points is at least ``min_iou_near`` and
    ``min_iou_uniform``.

    ``align`` puts the hidden units of every fitted MLP in the order that is nearest to one anchor: the shared start of ``first``
    and ``mean``, the first training shape's MLP otherwise. ``fields`` names a file of fitted fields that are taken, by the
    shapes' names, instead of fitting any; ``fields_sha256`` is filled in.
    """

    other_names: ClassVar[dict[str, str]] = {"pe": "octaves"}  # the paper's Table 4 says positional encoding
    other_values: ClassVar[dict[str, dict[str, str]]] = {"octaves": {"none": "0"}}

    hidden: int = 32
    depth: int = 3
    octaves: int = 4
    scale: float = 2.0
    time: Literal["index", "unit"] = "unit"
    init: Literal["first", "random", "mean", "same"] = "first"
    fit: Fit = field(default_factory=Fit)
    first: Fit = field(default_factory=lambda: Fit(steps=3000, batch=1024, rate=2e-3))
    mean: Fit = field(default_factory=lambda: Fit(steps=2000, batch=1024, rate=1e-2))
    near: int = 8192
    uniform: int = 8192
    sigmas: tuple[float, ...] = (0.01, 0.03)
    held_out: int = 4096
    min_iou_near: float = 0.0
    min_iou_uniform: float = 0.0
    align: bool = False
    fields: str = ""
    fields_sha256: str = ""

    def __post_init__(self) -> None:
        check(1 <= self.hidden <= 4096, "hidden", "in 1..4096", self.hidden)
        check(1 <= self.depth <= 16, "depth", "in 1..16", self.depth)
        check(0 <= self.octaves <= 16, "octaves", "in 0..16", self.octaves)
        check(self.scale > 0, "scale", "above 0", self.scale)
        # More points near the surface than in the volume leave empty space unseen: floaters.
        check(self.uniform >= max(1, self.near) and self.near >= 0, "uniform", f"at least near = {self.near}", self.uniform)
        check(
            self.near + self.uniform >= max(self.fit.batch, self.first.batch, self.mean.batch),
            "uniform",
            "a batch at least, with near",
            self.uniform,
        )
        check(len(self.sigmas) > 0 and min(self.sigmas) > 0, "sigmas", "one or more lengths above 0", self.sigmas)
        check(self.held_out >= 2, "held_out", "at least 2", self.held_out)
        for name in ("min_iou_near", "min_iou_uniform"):
            check(0 <= getattr(self, name) <= 1, name, "in [0, 1]", getattr(self, name))
        content = content_of(self.fields, self.fields_sha256, "encoder.fields", "fields")
        object.__setattr__(self, "fields_sha256", content)
        if self.fields:
            refuse_other_encoder(self.fields, {key: getattr(self, key) for key in ENCODER})


class MLPEncoder(FieldEncoder):
    """Shapes -> MLPs -> meshes."""

    name = "mlp"
    source = "Erkoc et al., ICCV 2023, section 3.1; Rgtemze/HyperDiffusion@fd2c581"
    Config = MLPConfig
    config: MLPConfig

    @property
    def encoding(self) -> Encoding:
        """How points become the network's inputs."""
        return Encoding(self.config.octaves, self.config.scale, self.config.time)

    def queries(self) -> QuerySpec:
        """Points near the surface and in the box, and held-out ones for the quality; the last alone when fields are given."""
        c = self.config
        near, uniform = (0, 0) if c.fields else (c.near, c.uniform)
        return QuerySpec(near=near, uniform=uniform, sigmas=c.sigmas, held_out=c.held_out)

    def layout(self, frames: int) -> WeightLayout:
        """layers.0.weight [h, f], layers.0.bias [h], ...: the official state_dict's order. A sequence has one input more."""
        return layer_layout(self.encoding.width(frames), self.config.hidden, self.config.depth)

    def refuse_shapes(self, names: Sequence[str]) -> None:
        """HdbenchError when given fields lack one of them."""
        if self.config.fields:
            refuse_missing(Path(self.config.fields), names)

    def chunk(self, device: str) -> int:
        """Fewer of the large networks at a time, which take minutes each on a CPU; a full group on a GPU."""
        if device != "cpu":
            return GPU_GROUP
        return 16 if self.config.hidden < 128 else 2

    def start(self, chunks: Iterable[FieldSamples], session: Session) -> dict[str, Tensor]:
        """``theta`` [p], where every fit starts (nothing for ``init=random``), and ``anchor`` [p], what fields are aligned to.

        Raises HdbenchError without a training shape, or when given fields lack one.
        """
        if self.config.fields:
            return self._given_start(chunks)
        init, align = self.config.init, self.config.align
        if init in ("first", "mean"):
            theta = self._theta(chunks, session)
            return {"theta": theta, "anchor": theta.clone()} if align else {"theta": theta}
        if init == "random" and not align:
            return {}
        head = first_shape(chunks)
        shared = {"theta": self._theta([head], session)} if init == "same" else {}
        return shared | {"anchor": self._fitted(head, shared, session)[0].cpu()} if align else shared

    def _given_start(self, chunks: Iterable[FieldSamples]) -> dict[str, Tensor]:
        names = [name for chunk in chunks for name in chunk.names]
        refuse_missing(Path(self.config.fields), names)
        return {"anchor": rows_of(Path(self.config.fields), names[:1])[0]} if self.config.align else {}

    def _theta(self, chunks: Iterable[FieldSamples], session: Session) -> Tensor:
        """The shared start of all fits, [p]."""
        pooled = self.config.init == "mean"
        points, frames = pooled_points(chunks, self.encoding, session.seed) if pooled else self._first_points(chunks)
        layout = self.layout(frames)
        theta = random_weights(layout, session.seed, "start").to(session.device)
        if self.config.init == "same":
            return theta.cpu()
        torch.set_flush_denormal(True)
        seed = seed_of(session.seed, "start", "batches")
        how = self.config.mean if pooled else self.config.first
        return fit(theta[None], points, layout, self.encoding.features, how, seed, group=1)[0].cpu()

    def _first_points(self, chunks: Iterable[FieldSamples]) -> tuple[Points, int]:
        first = first_shape(chunks)
        return labelled_points(first, self.encoding), first.near.shape[1]

    def encode(self, samples: FieldSamples, start: Mapping[str, Tensor], session: Session) -> Encoded:
        """Fit the fields of these shapes; quality is ``iou_near``, ``iou_uniform`` and ``loss`` on the held-out points.

        A shape's weights are the same, bit for bit, whatever else is in the chunk.
        """
        layout = self.layout(samples.held_out.shape[1])
        if self.config.fields:
            weights = rows_of(Path(self.config.fields), samples.names).to(session.device)
        else:
            weights = self._fitted(samples, start, session)
        if self.config.align:
            weights = aligned(weights, layout, start["anchor"])
        return Encoded(weights.cpu(), self._quality(weights, samples, layout))

    def _fitted(self, samples: FieldSamples, start: Mapping[str, Tensor], session: Session) -> Tensor:
        """The weights [n, p] on the session's device."""
        torch.set_flush_denormal(True)  # converged networks are full of denormals: 2.4 times slower with them
        points, seed = labelled_points(samples, self.encoding), seed_of(session.seed, "encode", "batches")
        initial, layout = self._initial(samples, start, session), self.layout(samples.near.shape[1])
        return fit(initial, points, layout, self.encoding.features, self.config.fit, seed, progress=session.progress)

    def _initial(self, samples: FieldSamples, start: Mapping[str, Tensor], session: Session) -> Tensor:
        """Where the fits start, [n, p]."""
        if self.config.init != "random":
            return start["theta"].to(session.device).expand(len(samples), -1)
        layout = self.layout(samples.near.shape[1])
        return torch.stack([random_weights(layout, session.seed, "encode", name) for name in samples.names]).to(session.device)

    def _quality(self, weights: Tensor, samples: FieldSamples, layout: WeightLayout) -> dict[str, Tensor]:
        """Per shape, one after the other: a batched product would round by the size of its batch."""
        half = samples.held_out.shape[2] // 2
        rows = []
        for k in range(len(samples)):
            coordinates = self.encoding.coordinates(samples.held_out[k : k + 1]).to(weights)
            logits = forward(layout.split(weights[k : k + 1]), self.encoding.features(coordinates))[0].cpu()
            inside = samples.held_out_inside[k].T.flatten()
            near = torch.arange(len(inside)) < half * samples.held_out.shape[1]
            rows.append(
                (
                    iou(logits[near] > 0, inside[near]),
                    iou(logits[~near] > 0, inside[~near]),
                    cross_entropy(logits, inside.float()).mean(),
                )
            )
        near_iou, uniform_iou, loss = (torch.stack(column) for column in zip(*rows))
        return {"iou_near": near_iou, "iou_uniform": uniform_iou, "loss": loss}

    def logits(self, weights: Tensor, points: Tensor, frames: int) -> Tensor:
        """The fields [b, p] at points [q, 3], [b, q]; point i in frame i modulo ``frames``."""
        if frames > 1:
            times = [self.encoding.frame_coordinate(k % frames, frames) for k in range(len(points))]
            points = torch.cat([points, torch.tensor(times, dtype=points.dtype, device=points.device)[:, None]], dim=1)
        features = self.encoding.features(points.to(weights))
        return forward(self.layout(frames).split(weights), features.expand(len(weights), -1, -1))

    def decode(self, weights: Tensor, frames: int, resolution: int, level: float) -> tuple[Mesh, ...]:
        """One mesh per frame, that of the dense grid of resolution^3 points."""
        return self._extract(weights, frames, range(frames), resolution, level)

    def decode_frame(self, weights: Tensor, frames: int, frame: int, resolution: int, level: float) -> Mesh:
        """The mesh of one frame, without those of the others."""
        return self._extract(weights, frames, range(frame, frame + 1), resolution, level)[0]

    def _extract(self, weights: Tensor, frames: int, shown: range, resolution: int, level: float) -> tuple[Mesh, ...]:
        parts = [part[0] for part in self.layout(frames).split(weights[None]).values()]
        times = None if frames == 1 else [self.encoding.frame_coordinate(k, frames) for k in shown]
        layers = list(zip(parts[::2], parts[1::2]))
        return extract(layers, self.config.octaves, self.config.scale, times, resolution, level)

    def accept(self, quality: Mapping[str, Tensor]) -> Tensor:
        """Whether each field reaches both thresholds on held-out points, [n] bool; one that is not finite does not."""
        near, uniform = quality["iou_near"], quality["iou_uniform"]
        return (near >= self.config.min_iou_near) & (uniform >= self.config.min_iou_uniform) & torch.isfinite(quality["loss"])


def iou(inside: Tensor, expected: Tensor) -> Tensor:
    """Points in both over points in either, scalar; 0 when there are none in either, for nothing was shown then."""
    return (inside & expected).sum() / (inside | expected).sum().clamp(min=1)
