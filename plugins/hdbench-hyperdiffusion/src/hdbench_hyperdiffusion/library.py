"""Fields and denoisers as hdbench keeps them outside of runs: safetensors files that say what they hold.

A file of fields has ``weights`` [n, p] and, in its header, names, layout and the encoder's settings. A file of a denoiser has
what the training stage of a run keeps (``network.*``, ``space.*``), and the settings of network, schedule and encoder. The
folders ``encode-...`` and ``train-...`` of a run's store are read as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from hdbench.errors import HdbenchError, unknown
from hdbench.store import load_info, load_tensors, save_tensors
from hdbench.weights import WeightLayout
from hdbench_hyperdiffusion.stored import facts_of_fields, facts_of_network

if TYPE_CHECKING:
    from hdbench_hyperdiffusion.mlp import MLPConfig

IMPORT = "'hdbench weights import PATH' writes one"
WORDS = {"fields": "fields", "denoiser": "a denoiser"}


@dataclass(frozen=True, slots=True, eq=False)
class Fields:
    """Fitted fields: names, ``weights`` [n, p] and their layout; the settings of the ``encoder`` that reads them, and into how
    many ``frames``."""

    names: tuple[str, ...]
    weights: Tensor
    layout: WeightLayout
    encoder: Mapping[str, Any]
    frames: int = 1

    @property
    def config(self) -> MLPConfig:
        """Settings of the encoder ``mlp`` that decodes them."""
        from hdbench_hyperdiffusion.mlp import MLPConfig

        return MLPConfig(**self.encoder)


@dataclass(frozen=True, slots=True, eq=False)
class Denoiser:
    """A trained network: its state_dict, the layout that it denoises, and the settings of network, schedule and encoder.

    ``space`` are the tensors of the space that it works in, ``extra`` what else its file had.
    """

    state: Mapping[str, Tensor]
    layout: WeightLayout
    network: Mapping[str, Any]
    schedule: Mapping[str, Any]
    encoder: Mapping[str, Any]
    space: Mapping[str, Tensor]
    extra: Mapping[str, Tensor] = field(default_factory=dict)
    frames: int = 1


def is_ours(path: Path) -> bool:
    """Whether hdbench wrote it: a safetensors file, or a folder of a run's store."""
    return path.suffix == ".safetensors" or (path / "key.json").is_file()


def refuse_other(path: Path, kind: str) -> None:
    """HdbenchError unless ``path`` is there and holds what ``kind`` says, ``fields`` or ``denoiser``."""
    if not path.exists():
        raise HdbenchError(f"There is no file '{path}'. {IMPORT}.")
    if not is_ours(path):
        raise HdbenchError(f"'{path}' is no file of hdbench's. {IMPORT}.")
    if (found := kind_of(path)) != kind:
        raise HdbenchError(f"'{path}' holds {WORDS[found]}, not {WORDS[kind]}.")


def kind_of(path: Path) -> str:
    """``fields`` or ``denoiser``. HdbenchError for any other file or folder."""
    if path.is_dir():
        kind = {"encode": "fields", "train": "denoiser"}.get(path.name.partition("-")[0], "")
    else:
        kind = str(info_of(path).get("kind", ""))
    if kind not in WORDS:
        raise HdbenchError(f"'{path}' holds neither fields nor a denoiser. {IMPORT}.")
    return kind


def info_of(path: Path) -> dict[str, Any]:
    """What a file says of itself."""
    try:
        return load_info(path)
    except Exception as error:
        raise HdbenchError(f"'{path}' cannot be read as a safetensors file ({error}). {IMPORT}.") from None


def write_fields(path: Path, fields: Fields, source: Mapping[str, Any]) -> None:
    """Write fields to a file; ``source`` says where they are from."""
    info = {"kind": "fields", "names": list(fields.names), "layout": _plain(fields.layout), "encoder": dict(fields.encoder)}
    save_tensors(path, {"weights": fields.weights}, info | {"frames": fields.frames, "source": dict(source)})


def read_fields(path: Path) -> Fields:
    """Fields of a file, or of the stage ``encode-...`` of a run. HdbenchError when it holds none."""
    refuse_other(path, "fields")
    files = sorted(path.glob("part-*.safetensors")) if path.is_dir() else [path]
    weights = torch.cat([load_tensors(file)["weights"] for file in files])
    names = tuple(name for file in files for name in load_info(file)["names"])
    info = facts_of_fields(path, weights.shape[1]) if path.is_dir() else info_of(path)
    return Fields(names, weights, _layout(info["layout"]), info["encoder"], info["frames"])


def rows_of(path: Path, names: Sequence[str]) -> Tensor:
    """The weights [n, p] of these shapes. HdbenchError, with the nearest name, for a shape that the file does not have."""
    from safetensors import safe_open

    refuse_missing(path, names)
    place = _places(path)
    with safe_open(path, framework="pt") as file:
        rows = file.get_slice("weights")
        return torch.cat([rows[k : k + 1] for k in (_row(name, place) for name in names) if k is not None])


def refuse_missing(path: Path, names: Sequence[str]) -> None:
    """HdbenchError, with the nearest name, when the file lacks the field of one of these shapes."""
    place = _places(path)
    missing = [name for name in names if _row(name, place) is None]
    if missing:
        near = unknown("field", missing[0], sorted(place)[:10])
        lacks = f"'{path}' has {len(place)} fields, but none of {len(missing)} of these {len(names)} shapes"
        raise HdbenchError(f"{lacks}. {near} Leave those shapes out of the training split, or fit them.")


def _places(path: Path) -> dict[str, int]:
    return {name: row for row, name in enumerate(info_of(path)["names"])}


def _row(name: str, place: Mapping[str, int]) -> int | None:
    """By the shape's whole name, or by the last part of it, with or without its ending."""
    return next((place[known] for known in (name, Path(name).name, Path(name).stem) if known in place), None)


def write_denoiser(path: Path, denoiser: Denoiser, source: Mapping[str, Any]) -> None:
    """Write a denoiser to a file; ``source`` says where it is from."""
    tensors = {f"network.{name}": value for name, value in denoiser.state.items()} | dict(denoiser.space)
    tensors |= {f"extra.{name}": value for name, value in denoiser.extra.items()}
    info = {"kind": "denoiser", "layout": _plain(denoiser.layout), "denoiser": dict(denoiser.network), "frames": denoiser.frames}
    info |= {"schedule": dict(denoiser.schedule), "encoder": dict(denoiser.encoder), "source": dict(source)}
    save_tensors(path, tensors, info)


def read_denoiser(path: Path) -> Denoiser:
    """The denoiser of a file, or of the stage ``train-...`` of a run. HdbenchError when it holds none."""
    refuse_other(path, "denoiser")
    file = path / "part-00000.safetensors" if path.is_dir() else path
    info = facts_of_network(path, load_info(file)) if path.is_dir() else info_of(path)
    tensors = load_tensors(file)
    space = {key: value for key, value in tensors.items() if key.startswith("space.")}
    return Denoiser(
        _under("network.", tensors), _layout(info["layout"]), info["denoiser"], info["schedule"], info["encoder"], space,
        _under("extra.", tensors), info["frames"],
    )  # fmt: skip


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}


def _plain(layout: WeightLayout) -> dict[str, Any]:
    return {"names": list(layout.names), "shapes": [list(shape) for shape in layout.shapes]}


def _layout(said: Mapping[str, Any]) -> WeightLayout:
    return WeightLayout(tuple(said["names"]), tuple(tuple(shape) for shape in said["shapes"]))
