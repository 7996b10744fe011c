"""What the folders ``encode-...`` and ``train-...`` of a run's store say of the fields and the network that they hold."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hdbench.errors import HdbenchError
from hdbench.store import read_json
from hdbench_hyperdiffusion.encoding import Encoding
from hdbench_hyperdiffusion.networks import layer_layout

FRAMES = 16  # of the paper's sequences
ENCODER = ("hidden", "depth", "octaves", "scale", "time")  # the settings that say what a vector of weights means


def facts_of_fields(folder: Path, size: int) -> dict[str, Any]:
    """Layout, encoder and frames of the fields of ``size`` weights in a stage ``encode-...``."""
    encoder = _encoder(_arguments(folder))
    encoding = Encoding(encoder["octaves"], encoder["scale"], encoder["time"])
    layouts = {frames: layer_layout(encoding.width(frames), encoder["hidden"], encoder["depth"]) for frames in (1, FRAMES)}
    frames = next(frames for frames, layout in layouts.items() if layout.size == size)
    layout = {"names": layouts[frames].names, "shapes": layouts[frames].shapes}
    return {"layout": layout, "encoder": encoder, "frames": frames}


def facts_of_network(folder: Path, info: Mapping[str, Any]) -> dict[str, Any]:
    """Layout, network, schedule, encoder and frames of the denoiser in a stage ``train-...``."""
    said = _arguments(folder)
    settings = {"denoiser": said["denoiser"]["config"], "schedule": said["schedule"], "frames": said["frames"]}
    return {"layout": info["layout"], "encoder": _encoder(said), **settings}


def _encoder(said: Mapping[str, Any]) -> dict[str, Any]:
    return {key: said["encoder"]["config"][key] for key in ENCODER}


def _arguments(folder: Path) -> Mapping[str, Any]:
    """The arguments of a stage's first part. HdbenchError for a stage of another encoder."""
    said = (read_json(folder / "key.json") or {}).get("arguments", [{}])[0]
    component = said.get("encoder", {}).get("component", "")
    if not component.endswith(":MLPEncoder"):
        raise HdbenchError(f"'{folder}' was made with the encoder '{component or 'unknown'}', not with 'mlp'.")
    return said
