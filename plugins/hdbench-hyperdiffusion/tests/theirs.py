"""Files in the authors' layouts, with random numbers; and their forward passes, stated once more from their description."""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import contextmanager
from itertools import pairwise
from math import prod, sqrt
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from torch import Tensor

STEPS = 500


def mlp_state(dimensions: int = 3, hidden: int = 128, octaves: int = 4, seed: int = 0) -> OrderedDict[str, Tensor]:
    """layers.0.weight [h, f], layers.0.bias, ..., layers.3.bias, as nn.Linear would fill them."""
    generator = torch.Generator().manual_seed(seed)
    widths = [dimensions * (1 + 2 * octaves), hidden, hidden, hidden, 1]
    state: OrderedDict[str, Tensor] = OrderedDict()
    for k, (inputs, outputs) in enumerate(pairwise(widths)):
        for kind, shape in (("weight", (outputs, inputs)), ("bias", (outputs,))):
            state[f"layers.{k}.{kind}"] = (2 * torch.rand(shape, generator=generator) - 1) * 1.7 / sqrt(inputs)
    return state


def mlp_logits(state: Mapping[str, Tensor], coordinates: np.ndarray, octaves: int = 4) -> np.ndarray:
    """Logits [q] at coordinates [q, d], point by point in numpy: x, sin x, cos x, sin 2x, ...; ReLU; a linear end."""
    x = coordinates.astype(np.float32)
    blocks = [x]
    for frequency in (1, 2, 4, 8, 16)[:octaves]:
        blocks.append(np.sin(np.float32(frequency) * x))
        blocks.append(np.cos(np.float32(frequency) * x))
    y = np.concatenate(blocks, axis=1)
    for k in range(4):
        y = y @ state[f"layers.{k}.weight"].numpy().T + state[f"layers.{k}.bias"].numpy()
        if k < 3:
            y = np.maximum(y, 0)
    return y[:, 0]


def denoiser_state(sizes: list[int], width: int = 64, blocks: int = 12, seed: int = 0) -> OrderedDict[str, Tensor]:
    """The network's tensors under the released names: no biases at the projections, a token for the time."""
    generator = torch.Generator().manual_seed(seed)
    draw = lambda *shape: torch.randn(*shape, generator=generator) / sqrt(shape[-1])  # noqa: E731
    state: OrderedDict[str, Tensor] = OrderedDict({"decoder.pos_emb": draw(1, len(sizes) + 1, width)})
    for b in range(blocks):
        place = f"decoder.blocks.{b}"
        for norm in ("ln1", "ln2"):
            state[f"{place}.{norm}.weight"], state[f"{place}.{norm}.bias"] = 1 + 0.1 * draw(width), draw(width)
        for part in ("key", "query", "value", "proj"):
            state[f"{place}.attn.{part}.weight"], state[f"{place}.attn.{part}.bias"] = draw(width, width), draw(width)
        state[f"{place}.mlp.0.weight"], state[f"{place}.mlp.0.bias"] = draw(4 * width, width), draw(4 * width)
        state[f"{place}.mlp.2.weight"], state[f"{place}.mlp.2.bias"] = draw(width, 4 * width), draw(width)
    for k, size in enumerate([*sizes, 257]):
        state[f"decoder.input_parameter_projections.{k}.0.weight"] = draw(width, size)
    for norm in ("ln_in", "ln_f"):
        state[f"decoder.{norm}.weight"], state[f"decoder.{norm}.bias"] = 1 + 0.1 * draw(width), draw(width)
    for k, size in enumerate(sizes):
        state[f"decoder.output_parameter_projections.{k}.0.weight"] = draw(size, width)
    state["scalar_embedder.frequencies"] = 2 ** torch.linspace(0, 20, 128)
    return state


def denoiser_answer(state: Mapping[str, Tensor], noised: Tensor, step: int, heads: int = 16) -> Tensor:
    """The released forward pass for one row [p], in words made numbers: tokens as rows, heads one after the other."""
    s = state
    outputs = [key for key in s if key.startswith("decoder.output_parameter_projections.")]
    sizes = [s[f"decoder.output_parameter_projections.{k}.0.weight"].shape[0] for k in range(len(outputs))]
    t = torch.tensor(float(step))
    angles = s["scalar_embedder.frequencies"] * t
    parts = [*noised.split(sizes), torch.cat([torch.sin(angles), torch.cos(angles), t[None]])]
    x = torch.stack([s[f"decoder.input_parameter_projections.{k}.0.weight"] @ part for k, part in enumerate(parts)])
    x = _normed(x, s, "decoder.ln_in") + s["decoder.pos_emb"][0]
    for b in range(len({key.split(".")[2] for key in s if key.startswith("decoder.blocks.")})):
        x = x + _attended(_normed(x, s, f"decoder.blocks.{b}.ln1"), s, f"decoder.blocks.{b}.attn", heads)
        y = _normed(x, s, f"decoder.blocks.{b}.ln2")
        y = _linear(y, s, f"decoder.blocks.{b}.mlp.0")
        y = y * 0.5 * (1 + torch.erf(y / sqrt(2)))  # the exact GELU
        x = x + _linear(y, s, f"decoder.blocks.{b}.mlp.2")
    x = _normed(x, s, "decoder.ln_f")
    return torch.cat([s[f"decoder.output_parameter_projections.{k}.0.weight"] @ x[k] for k in range(len(sizes))])


def _normed(x: Tensor, s: Mapping[str, Tensor], name: str) -> Tensor:
    centred = x - x.mean(1, keepdim=True)
    return centred / torch.sqrt(centred.square().mean(1, keepdim=True) + 1e-5) * s[f"{name}.weight"] + s[f"{name}.bias"]


def _linear(x: Tensor, s: Mapping[str, Tensor], name: str) -> Tensor:
    return x @ s[f"{name}.weight"].T + s[f"{name}.bias"]


def _attended(x: Tensor, s: Mapping[str, Tensor], name: str, heads: int) -> Tensor:
    query, key, value = (_linear(x, s, f"{name}.{part}") for part in ("query", "key", "value"))
    width = x.shape[1] // heads
    mixed = []
    for h in range(heads):
        cut = slice(h * width, (h + 1) * width)
        scores = query[:, cut] @ key[:, cut].T / sqrt(width)
        shares = torch.exp(scores - scores.max(1, keepdim=True).values)
        mixed.append(shares / shares.sum(1, keepdim=True) @ value[:, cut])
    return _linear(torch.cat(mixed, 1), s, f"{name}.proj")


def lightning(state: Mapping[str, Tensor]) -> dict:
    """A checkpoint as Lightning 1.5.10 writes it, with its optimiser, callbacks and hyper-parameters."""
    betas = torch.tensor(np.linspace(1e-4, 2e-2, STEPS))
    root = OrderedDict((name, betas.clone()) for name in ("betas", "alphas", "alpha_hats", "alpha_hats_prev"))
    root.update((f"model.{name}", value) for name, value in state.items())
    moments = {k: {"step": 7, "exp_avg": value, "exp_avg_sq": value} for k, value in enumerate(state.values())}
    return {
        "epoch": 12,
        "global_step": 1032,
        "pytorch-lightning_version": "1.5.10",
        "state_dict": root,
        "loops": {"fit_loop": {"state_dict": {}, "epoch_progress": {"current": {"ready": 13}}}},
        "callbacks": {"ModelCheckpoint{'monitor': 'val/1-NN-CD-acc'}": {"best_model_score": torch.tensor(0.7), "dirpath": "x"}},
        "optimizer_states": [{"state": moments, "param_groups": [{"lr": 2e-4, "betas": (0.9, 0.999)}]}],
        "lr_schedulers": [{"step_size": 200, "gamma": 0.9, "_last_lr": [np.float64(1.8e-4)]}],
        "hparams_name": "kwargs",
        "hyper_parameters": attribute_dict(lr=2e-4),
    }


def attribute_dict(**values: object) -> object:
    """A Lightning AttributeDict, of a class that only exists while ``posing_as_lightning``."""
    return type("AttributeDict", (dict,), {"__module__": "pytorch_lightning.utilities.parsing"})(values)


@contextmanager
def posing_as_lightning(content: dict):
    """While a checkpoint is saved, its class can be found under Lightning's name."""
    names = ("pytorch_lightning", "pytorch_lightning.utilities", "pytorch_lightning.utilities.parsing")
    modules = {name: ModuleType(name) for name in names}
    modules[names[-1]].AttributeDict = type(content["hyper_parameters"])
    sys.modules.update(modules)
    try:
        yield
    finally:
        for name in names:
            del sys.modules[name]


def write_lightning(path: Path, state: Mapping[str, Tensor]) -> dict:
    """Write such a checkpoint; returns what was written."""
    content = lightning(state)
    with posing_as_lightning(content):
        torch.save(content, path)
    return content


def sizes_of(state: Mapping[str, Tensor]) -> list[int]:
    """Numbers per tensor, in order."""
    return [prod(value.shape) for value in state.values()]
