"""Weights on the way: what a sampler predicts from step to step, and what lies between two fields or two samples.

Sources: HyperDiffusion, figure 4 (denoising); White 2016, arXiv 1609.04468 (spherical interpolation of noise).
"""

from __future__ import annotations

from math import cos, pi, sin
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hdbench.interfaces import FieldEncoder, Session
from hdbench.refs import Ref
from hdbench.schedule import Schedule
from hdbench.shapes import Mesh
from hdbench.stages.decode import pack
from hdbench.stages.diffuse import TILE, Noise, Trained, noise_of, read_fields
from hdbench.store import Rows


def trajectory(
    session: Session, denoiser: Ref, sampler: Ref, schedule: Schedule, trained: Path, count: int, looks: int
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """``weights`` [count * looks, p]: for each of the first ``count`` samples, the clean weights that are predicted at ``looks``
    evaluations of the network, evenly spread from the first to the last, which is the sample. Info: their ``steps`` of the
    schedule, and how many ``evaluations`` there were."""
    seen: list[tuple[int, Tensor]] = []
    ready = Trained.load(session, denoiser, schedule, trained)
    noise = noise_of(session.seed, range(TILE), ready.space.layout.size)
    ready.draw(sampler.build(), noise, lambda step, weights: seen.append((step, weights[:count].clone())))
    shown = [seen[round(k)] for k in torch.linspace(0, len(seen) - 1, min(looks, len(seen)), dtype=torch.float64).tolist()]
    weights = torch.stack([weights for _, weights in shown], dim=1).flatten(0, 1)
    return {"weights": weights}, {"steps": [step for step, _ in shown], "evaluations": len(seen)}


def between_samples(
    session: Session, denoiser: Ref, sampler: Ref, schedule: Schedule, trained: Path, count: int
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """``weights`` [count, p] of samples whose noise goes from that of sample 0 to that of sample 1 on a quarter of a circle, on
    which it stays N(0, 1)."""
    ready = Trained.load(session, denoiser, schedule, trained)
    noise = _between(noise_of(session.seed, range(2), ready.space.layout.size), count)
    return {"weights": ready.draw(sampler.build(), noise)[:count]}, {}


def _between(noise: Noise, count: int) -> Noise:
    """Draws of a tile of samples whose first ``count`` go from the first sample of ``noise`` to the second."""
    angles = [pi / 2 * min(k / (count - 1), 1.0) for k in range(TILE)]
    cosines, sines = (torch.tensor([turn(angle) for angle in angles])[:, None] for turn in (cos, sin))

    def draw(index: int) -> Tensor:
        first, second = noise(index)
        return cosines * first + sines * second

    return draw


def between_fields(session: Session, encoder: Ref, fields: list[Path], count: int) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """``weights`` [count, p] on the line from the first training field that passes the encoder's gate to the second, both
    included. Info: their ``names``."""
    names, weights, quality = read_fields(fields)
    first, second = encoder.build().accept(quality).nonzero().flatten()[:2].tolist()
    shares = torch.linspace(0, 1, count)[:, None]
    return {"weights": torch.lerp(weights[first], weights[second], shares)}, {"names": [names[first], names[second]]}


def meshes(
    session: Session, encoder: Ref, weights: Rows, frames: int, frame: int, resolution: int, level: float
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The meshes of one frame of some weights, packed."""
    built: FieldEncoder = encoder.build()
    made: list[tuple[Mesh, ...]] = [
        (built.decode_frame(vector, frames, frame, resolution, level),) for vector in weights.load("weights")
    ]
    return pack(made), {}
