"""The authors' denoisers: Lightning checkpoints of the transformer over weights.

Facts: the network's tensors are under ``state_dict`` with the prefix ``model.``: ``decoder.*`` and the buffer
``scalar_embedder.frequencies``, which is kept as it is stored (an ulp of it changes the time features). Beside them are four
buffers of the schedule, all equal to the betas. The number of heads is written nowhere; the released configurations have 16.
Source: Rgtemze/HyperDiffusion at fd2c581, transformer.py, hyperdiffusion.py, configs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from hdbench.errors import HdbenchError
from hdbench.schedule import Schedule
from hdbench.weights import WeightLayout
from hdbench_hyperdiffusion.differences import Shapes, refuse_difference, shapes_of
from hdbench_hyperdiffusion.library import Denoiser, is_ours, read_denoiser
from hdbench_hyperdiffusion.networks import layer_layout
from hdbench_hyperdiffusion.official.fields import encoding_of
from hdbench_hyperdiffusion.official.files import read_torch, tensors_of
from hdbench_hyperdiffusion.stored import FRAMES
from hdbench_hyperdiffusion.transformer import TransformerConfig, WeightTransformer

KIND = "a denoiser of HyperDiffusion"
ANCHOR = "decoder.pos_emb"
HEADS = 16
BUFFERS = ("betas", "alphas", "alpha_hats", "alpha_hats_prev")
RELEASED = {"time": "token", "input_norm": True, "projection_bias": False}  # of the transformer's settings


def load_denoiser(path: Path | str, heads: int = HEADS) -> nn.Module:
    """The network, in evaluation mode: ``network(noised [b, p], step [b]) -> x0 [b, p]``. See ``denoiser_of``."""
    return network_of(denoiser_of(Path(path), heads))


def network_of(denoiser: Denoiser) -> nn.Module:
    """The network with its weights, in evaluation mode."""
    with torch.device("meta"):
        network = WeightTransformer(config_of(denoiser)).network(denoiser.layout)
    network.load_state_dict(dict(denoiser.state), assign=True)
    return network.eval()


def config_of(denoiser: Denoiser) -> TransformerConfig:
    """The transformer's settings, without those of its training."""
    known = ("width", "layers", "heads", "time", "input_norm", "projection_bias")
    return TransformerConfig(**{key: denoiser.network[key] for key in known})


def denoiser_of(path: Path, heads: int = HEADS, frames: int = FRAMES) -> Denoiser:
    """The denoiser of a Lightning checkpoint, of a plain state_dict, or of what hdbench wrote.

    HdbenchError names the file and the tensor that is missing, too many or of another shape; ``heads`` must divide the width.
    """
    if is_ours(path):
        return read_denoiser(path)
    tensors = tensors_of(read_torch(path), path)
    state, extra = _network_tensors(tensors, path)
    layout, config = _sizes(shapes_of(state), path, heads)
    with torch.device("meta"):
        wanted = shapes_of(WeightTransformer(config).network(layout).state_dict())
    refuse_difference(shapes_of(state), wanted, path, f"{KIND} with {config.layers} blocks of width {config.width}")
    encoder = _encoder(layout, path)
    frames = frames if encoder.pop("dimensions") == 4 else 1
    state = {key: _floats(state[key], key, path) for key in wanted}
    raw = {"space.mean": torch.zeros(layout.size), "space.scale": torch.ones(layout.size)}
    return Denoiser(state, layout, _network_settings(config), _schedule(extra, path), encoder, raw, extra, frames)


def _network_tensors(tensors: Mapping[str, Tensor], path: Path) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The network's tensors without their prefix, and the schedule's buffers."""
    anchors = [key for key in tensors if key == ANCHOR or key.endswith(f".{ANCHOR}")]
    if len(anchors) != 1:
        refuse_difference(shapes_of(tensors), {f"model.{ANCHOR}": (1, 9, 2880)}, path, KIND)
    prefix = anchors[0].removesuffix(ANCHOR)
    state = {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
    rest = {key: value for key, value in tensors.items() if not key.startswith(prefix)} if prefix else {}
    extra = {key: source.pop(key) for source in (state, rest) for key in BUFFERS if key in source}
    if rest:
        raise HdbenchError(f"'{path}' is not {KIND}: beside the network it holds '{next(iter(rest))}'.")
    return state, extra


def _sizes(found: Shapes, path: Path, heads: int) -> tuple[WeightLayout, TransformerConfig]:
    """The layout of the fields and the size of the network, from the shapes of its tensors."""
    width = found[ANCHOR][2]
    outputs = {_number(key): shape[0] for key, shape in found.items() if key.startswith("decoder.output_parameter_projections.")}
    blocks = {_number(key) for key in found if key.startswith("decoder.blocks.")}
    if width % heads:
        near = [h for h in range(1, width + 1) if width % h == 0]
        best = min(near, key=lambda h: abs(h - heads))
        raise HdbenchError(f"'{path}' has tokens of width {width}, which {heads} heads do not divide. Give --heads {best}.")
    sizes = [outputs[k] for k in sorted(outputs)]
    config = TransformerConfig(width=width, layers=len(blocks) or 1, heads=heads, **RELEASED)  # type: ignore[arg-type]
    return _field_layout(sizes, path), config


def _number(key: str) -> int:
    """Of ``decoder.blocks.3.ln1.weight`` 3."""
    return int(key.split(".")[2])


def _field_layout(sizes: list[int], path: Path) -> WeightLayout:
    """The MLP whose tensors have these sizes: a matrix and a bias per layer, the last with one unit."""
    units = sizes[1::2]
    whole = len(sizes) >= 4 and len(sizes) % 2 == 0 and units[-1] == 1 and sizes[0] % units[0] == 0
    if whole:
        layout = layer_layout(sizes[0] // units[0], units[0], len(units) - 1)
        if list(layout.sizes) == sizes and all(a == b for a, b in pairwise(units[:-1])):
            return layout
    raise HdbenchError(f"'{path}' is not {KIND}: its tokens have sizes {sizes}, which are not those of an MLP's tensors.")


def _encoder(layout: WeightLayout, path: Path) -> dict[str, Any]:
    hidden, width = layout.shapes[0]
    return {"hidden": hidden, "depth": len(layout.shapes) // 2 - 1} | encoding_of(width, path)


def _network_settings(config: TransformerConfig) -> dict[str, Any]:
    return {key: value for key, value in asdict(config).items() if key in ("width", "layers", "heads", *RELEASED)}


def _schedule(extra: Mapping[str, Tensor], path: Path) -> dict[str, Any]:
    """The schedule that the stored betas are; the released one when there are none."""
    if "betas" not in extra:
        return asdict(Schedule())
    betas = extra["betas"].double()
    schedule = Schedule(steps=len(betas), beta_start=betas[0].item(), beta_end=betas[-1].item())
    if not torch.allclose(torch.cumprod(1 - betas, 0), schedule.alpha_bar(), rtol=1e-6):
        raise HdbenchError(f"'{path}' has a schedule that is not linear, which this import does not know.")
    return asdict(schedule)


def _floats(tensor: Tensor, key: str, path: Path) -> Tensor:
    if not tensor.is_floating_point():
        raise HdbenchError(f"'{path}' is not {KIND}: '{key}' is of type {tensor.dtype}.")
    return tensor.detach().to(torch.float32)
