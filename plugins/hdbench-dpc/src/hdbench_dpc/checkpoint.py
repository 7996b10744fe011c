"""The authors' checkpoints, tensor for tensor.

A file holds ``args`` (argparse.Namespace), ``state_dict`` and ``others`` (the optimiser's state). It is unpickled with
``weights_only`` and Namespace as the one further class allowed: no code of the file runs. Widths are read off the tensors, so
that files whose ``args`` have other names (older ones say ``dataset_dir``) are read too.
Source: luost26/diffusion-point-cloud@b037c5f, utils/misc.py, train_gen.py, models/flow.py.
"""

from __future__ import annotations

import argparse
import pickle
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hdbench.errors import HdbenchError
from hdbench_dpc.config import NetworkConfig
from hdbench_dpc.model import FlowVAE

MADE_BY = "A generator of DPC comes from its train_gen.py, such as GEN_airplane.pt."
SPECTRAL = ("weight_orig", "weight_u", "weight_v")
COUPLING = re.compile(r"flow\.chain\.\d+\.net_s_t\.\d+\.")


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """The parameters under the authors' names, and of their arguments what sampling needs. ``folded``: whether spectral norms
    were divided out of the flow's weights."""

    state: dict[str, Tensor]
    flexibility: float
    residual: bool
    folded: bool


def read_checkpoint(path: Path) -> Checkpoint:
    """A checkpoint of the authors' training. HdbenchError, with the reason, for anything else."""
    content = _unpickled(path)
    args = content.get("args")
    args = vars(args) if isinstance(args, argparse.Namespace) else {}
    state, folded = without_spectral_norms(dict(content["state_dict"]))
    if args.get("model") != "gaussian" and not any(key.startswith("flow.") for key in state):
        raise HdbenchError(
            f"'{path}' has no prior of codes to draw from: it may be DPC's autoencoder (AE_airplane.pt). {MADE_BY}"
        )
    found = Checkpoint(state, float(args.get("flexibility", 0.0)), bool(args.get("residual", True)), folded)
    build(found.state, found.residual, str(path))  # tells now what does not fit
    return found


def _unpickled(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise HdbenchError(f"There is no checkpoint '{path}'. Give the path of a file with -o dpc.checkpoint=FILE. {MADE_BY}")
    try:
        with torch.serialization.safe_globals([argparse.Namespace]):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError, OSError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise HdbenchError(
            f"'{path}' is not a checkpoint that can be read without running its code: {reason} {MADE_BY}"
        ) from None
    if not isinstance(content, dict) or not isinstance(content.get("state_dict"), Mapping):
        raise HdbenchError(f"'{path}' holds no 'state_dict'. {MADE_BY}")
    return content


def without_spectral_norms(state: dict[str, Tensor]) -> tuple[dict[str, Tensor], bool]:
    """The state with every weight_orig divided by its largest singular value u' W v, as the authors do before each use."""
    originals = [key for key in state if COUPLING.match(key) and key.endswith("weight_orig")]
    for key in originals:
        stem = key.removesuffix("weight_orig")
        weight, u, v = (state.pop(f"{stem}{name}") for name in SPECTRAL)
        state[f"{stem}weight"] = weight / torch.dot(u, weight @ v)
    return state, bool(originals)


def widths_of(state: Mapping[str, Tensor]) -> NetworkConfig:
    """The widths of the network that has these parameters. KeyError when a part is missing."""
    couplings = {key.split(".")[2] for key in state if key.startswith("flow.chain.")}
    layers = sum(bool(re.fullmatch(r"diffusion\.net\.layers\.\d+\._layer\.weight", key)) for key in state)
    return NetworkConfig(
        latent=len(state["encoder.fc3_m.bias"]),
        pointnet=tuple(len(state[f"encoder.conv{i}.bias"]) for i in range(1, 5)),
        heads=tuple(len(state[f"encoder.fc{i}_m.bias"]) for i in (1, 2)),
        flow_depth=len(couplings),
        flow_hidden=len(state["flow.chain.0.net_s_t.0.bias"]) if couplings else 1,
        pointwise=tuple(len(state[f"diffusion.net.layers.{i}._layer.bias"]) for i in range(layers - 1)),
    )


def build(state: Mapping[str, Tensor], residual: bool, origin: str) -> FlowVAE:
    """The network of these parameters, ready to sample. HdbenchError when they are not a network of DPC."""
    try:
        model = FlowVAE(widths_of(state), residual, steps=len(state["diffusion.var_sched.betas"]) - 1)
        model.load_state_dict(dict(state))
    except (KeyError, RuntimeError) as error:
        reason = f"it has no {error}" if isinstance(error, KeyError) else "; ".join(str(error).split("\n\t")[1:3]) or str(error)
        raise HdbenchError(f"The parameters in '{origin}' are not those of DPC: {reason}. {MADE_BY}") from None
    return model.eval().requires_grad_(False)
