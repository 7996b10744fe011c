"""Weights to new weights: the diffused space, the training of the denoiser, and sampling."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from hdbench.errors import HdbenchError
from hdbench.interfaces import FieldEncoder, Sampler, Session, WeightDenoiser
from hdbench.refs import Ref
from hdbench.schedule import Schedule
from hdbench.seeds import seed_of, torch_generator
from hdbench.store import load_info, load_tensors
from hdbench.weights import Mode, WeightLayout, WeightSpace, weight_space

NOISE = 0.02  # standard deviation of the control row with noise, in units of the weights
Noise = Callable[[int], Tensor]  # draw -> [b, k]
Watch = Callable[[int, Tensor], None]  # (step of the schedule, weights [b, p])
TILE = 64  # samples are denoised in tiles of this size, always, so that a sample does not depend on how many there are


def read_fields(paths: list[Path]) -> tuple[list[str], Tensor, dict[str, Tensor]]:
    """(names, weights [n, p], quality figures [n]) of all chunks."""
    names = [name for path in paths for name in load_info(path)["names"]]
    chunks = [load_tensors(path) for path in paths]
    merged = {key: torch.cat([chunk[key] for chunk in chunks]) for key in chunks[0]}
    weights = merged.pop("weights")
    return names, weights, {key.removeprefix("quality."): value for key, value in merged.items()}


def accepted_weights(encoder: Ref, fields: list[Path]) -> tuple[Tensor, int]:
    """(weights [n, p] of the fields that pass the encoder's gate, how many did not). HdbenchError if fewer than two do."""
    built: FieldEncoder = encoder.build()
    _, weights, quality = read_fields(fields)
    good = built.accept(quality)
    if int(good.sum()) < 2:
        worst = ", ".join(f"{name} {values.min():.3f}..{values.max():.3f}" for name, values in quality.items())
        raise HdbenchError(
            f"Only {int(good.sum())} of {len(good)} fitted fields pass the quality gate of '{encoder.name}' ({worst}). "
            f"Fit longer (encoder.steps), or lower the gate in the encoder's settings."
        )
    return weights[good], int((~good).sum())


def train(
    session: Session, encoder: Ref, denoiser: Ref, schedule: Schedule, space: Mode, fields: list[Path], frames: int
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The trained network (``network.*``), the space it works in (``space.*``) and its curves (``curve.*``). Without ``fields``
    the denoiser is one that is given, in the space ``raw``."""
    built: FieldEncoder = encoder.build()
    layout = built.layout(frames)
    weights, refused = accepted_weights(encoder, fields) if fields else (torch.zeros(0, layout.size), 0)
    diffused = weight_space(weights, layout, space)
    there = diffused.to(session.device)
    session.logits = lambda coordinates, points: built.logits(there.inverse(coordinates), points, frames)
    network = _network(denoiser, diffused.layout, session.seed).to(session.device)
    curves = denoiser.build().train(network, diffused.forward(weights), schedule, session)
    parameters = sum(p.numel() for p in network.parameters())
    tensors = {f"network.{k}": v for k, v in network.state_dict().items()}
    tensors |= {f"curve.{k}": v for k, v in curves.items()} | _space_to_tensors(diffused)
    named = {"names": list(diffused.layout.names), "shapes": [list(s) for s in diffused.layout.shapes]}
    return tensors, {"layout": named, "parameters": parameters, "fields": len(weights), "refused": refused}


def _network(denoiser: Ref, layout: WeightLayout, seed: int) -> torch.nn.Module:
    built: WeightDenoiser = denoiser.build()
    torch.manual_seed(seed_of(seed, "network"))
    return built.network(layout)


def sample(
    session: Session, denoiser: Ref, sampler: Ref, schedule: Schedule, trained: Path, tile: int
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """``weights`` [TILE, p]: samples tile * TILE and on. Sample j draws from its own generator."""
    ready = Trained.load(session, denoiser, schedule, trained)
    noise = noise_of(session.seed, range(tile * TILE, (tile + 1) * TILE), ready.space.layout.size)
    return {"weights": ready.draw(sampler.build(), noise)}, {}


@dataclass(frozen=True, slots=True)
class Trained:
    """A denoiser that is trained, on its device, and the space that it works in."""

    network: nn.Module
    space: WeightSpace
    schedule: Schedule
    device: torch.device

    @classmethod
    def load(cls, session: Session, denoiser: Ref, schedule: Schedule, trained: Path) -> Trained:
        """What ``train`` has stored."""
        tensors, layout = load_tensors(trained), load_info(trained)["layout"]
        space = _space_from_tensors(tensors, layout)
        network = _network(denoiser, space.layout, session.seed).to(session.device).eval()
        network.load_state_dict({k.removeprefix("network."): v for k, v in tensors.items() if k.startswith("network.")})
        return cls(network, space, schedule, session.device)

    def denoise(self, noised: Tensor, step: int) -> Tensor:
        """The clean coordinates [b, k] that it predicts from noised ones."""
        steps = torch.full((len(noised),), step, dtype=torch.long, device=noised.device)
        return self.schedule.clean(noised, self.network(noised, steps), steps)

    def draw(self, sampler: Sampler, noise: Noise, watch: Watch | None = None) -> Tensor:
        """Weights [b, p] from noise, whose first draw is the start; ``watch(step, weights)`` sees every prediction on the way."""

        def denoise(noised: Tensor, step: int) -> Tensor:
            clean = self.denoise(noised, step)
            if watch:
                watch(step, self.space.inverse(clean.cpu()))
            return clean

        def fresh(draw: int) -> Tensor:
            return noise(draw).to(self.device)

        with torch.no_grad():
            return self.space.inverse(sampler.sample(denoise, self.schedule, fresh(0), fresh).cpu())


def noise_of(seed: int, samples: Iterable[int], size: int) -> Noise:
    """Draws [b, size] of fresh noise, each sample's from its own generator."""
    generators = [torch_generator(seed, "sample", j) for j in samples]
    return lambda draw: torch.stack([torch.randn(size, generator=g) for g in generators])


def _space_to_tensors(space: WeightSpace) -> dict[str, Tensor]:
    tensors = {"space.mean": space.mean, "space.scale": space.scale}
    return tensors | {f"space.basis.{i:03d}": basis for i, basis in enumerate(space.bases or ())}


def _space_from_tensors(tensors: dict[str, Tensor], layout: dict[str, Any]) -> WeightSpace:
    bases = tuple(tensors[key] for key in sorted(tensors) if key.startswith("space.basis."))
    described = WeightLayout(tuple(layout["names"]), tuple(tuple(s) for s in layout["shapes"]))
    return WeightSpace(described, tensors["space.mean"], tensors["space.scale"], bases or None)


def noise(session: Session, encoder: Ref, fields: list[Path], count: int) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """``weights`` [count, p]: training fields with Gaussian noise of a fixed size, a generator that knows nothing but its data.

    Source: the control of Zeng et al. (github.com/boyazeng/weight_memorization@d613812), at its smaller noise level.
    """
    weights, _ = accepted_weights(encoder, fields)
    rows = []
    for j in range(count):
        generator = torch_generator(session.seed, "noise", j)
        chosen = weights[int(torch.randint(len(weights), (), generator=generator))]
        rows.append(chosen + NOISE * torch.randn(chosen.shape, generator=generator))
    return {"weights": torch.stack(rows)}, {}


def gaussian(session: Session, encoder: Ref, fields: list[Path], count: int) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """``weights`` [count, p] from a Gaussian with the mean and covariance of the training weights: what diffusion must beat."""
    weights, _ = accepted_weights(encoder, fields)
    mean = weights.mean(0)
    draws = torch.stack([torch.randn(len(weights), generator=torch_generator(session.seed, "gaussian", j)) for j in range(count)])
    return {"weights": mean + draws @ (weights - mean) / (len(weights) - 1) ** 0.5}, {}


def interpolate(session: Session, encoder: Ref, fields: list[Path], count: int) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """``weights`` [count, p], each between two training fields at a share drawn from 0.3 to 0.7: a strong trivial reference."""
    weights, _ = accepted_weights(encoder, fields)
    rows = []
    for j in range(count):
        generator = torch_generator(session.seed, "interpolate", j)
        first, second = torch.randperm(len(weights), generator=generator)[:2]
        share = 0.3 + 0.4 * torch.rand((), generator=generator)
        rows.append(torch.lerp(weights[first], weights[second], share))
    return {"weights": torch.stack(rows)}, {}
