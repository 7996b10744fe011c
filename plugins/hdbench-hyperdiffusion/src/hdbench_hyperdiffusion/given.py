"""Fields and denoisers that were made before: a run takes them from a file instead of fitting or training.

hdbench run --method hyperdiffusion --preset paper -o encoder.fields=planes.safetensors -o denoiser.checkpoint=plane.safetensors
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from hdbench.errors import HdbenchError
from hdbench.interfaces import Session
from hdbench.schedule import Schedule
from hdbench.seeds import torch_generator
from hdbench.training import batch_of
from hdbench_hyperdiffusion.differences import refuse_difference, shapes_of
from hdbench_hyperdiffusion.library import info_of

LOOKS = 8  # batches on which the error of a given denoiser is measured


def refuse_other_encoder(path: str, settings: Mapping[str, Any]) -> None:
    """HdbenchError, with what to set, when the fields of a file are not those of an encoder with these settings."""
    info = info_of(Path(path))
    given = {key: value for key, value in info["encoder"].items() if key != "time" or info["frames"] > 1}
    other = {key: value for key, value in given.items() if settings[key] != value}
    if other:
        options = " ".join(f"-o encoder.{key}={value}" for key, value in other.items())
        have = ", ".join(f"encoder.{key} {settings[key]}" for key in other)
        raise HdbenchError(f"'{path}' holds fields of another encoder than {have}. Set '{options}', or take '--preset paper'.")


def load_into(network: nn.Module, path: str) -> None:
    """Give the network the weights of a file. HdbenchError names the first tensor that does not fit."""
    from safetensors import safe_open

    refuse_other_network(network, path)
    state = dict(network.named_parameters()) | dict(network.named_buffers())
    with safe_open(path, framework="pt") as file, torch.no_grad():
        for name in network.state_dict():
            state[name].copy_(file.get_tensor(f"network.{name}"))


def refuse_other_network(network: nn.Module, path: str) -> None:
    """HdbenchError when the weights of a file are not of this form; nothing but the file's header is read."""
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        keys = [key for key in file.keys() if key.startswith("network.")]  # noqa: SIM118 (not a dict)
        found = {key.removeprefix("network."): tuple(file.get_slice(key).get_shape()) for key in keys}
    what = "a denoiser of these settings (denoiser.*, encoder.*, space)"
    refuse_difference(found, shapes_of(network.state_dict()), Path(path), what)


def error_of(network: nn.Module, weights: Tensor, schedule: Schedule, batch: int, session: Session) -> Tensor:
    """Mean squared errors [k] of what the network predicts on some batches of ``weights`` [n, k], with noise by the seed."""
    count = min(LOOKS, -(-len(weights) // batch))
    errors = []
    for look in range(count):
        generator = torch_generator(session.seed, "look", look)
        clean = weights[batch_of(session.seed, look, batch, len(weights))]
        when = torch.randint(schedule.steps, (batch,), generator=generator)
        noise = torch.randn(clean.shape, generator=generator)
        signal, sigma = schedule.levels(when, clean)
        noised, target = signal * clean + sigma * noise, schedule.target(clean, noise, when)
        with torch.no_grad():
            predicted = network(noised.to(session.device), when.to(session.device))
        errors.append((predicted.float().cpu() - target).square().mean())
        session.progress(look + 1, count)
    return torch.stack(errors)
