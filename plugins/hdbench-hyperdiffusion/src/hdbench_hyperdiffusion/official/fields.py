"""The authors' fitted MLPs: a state_dict per shape, ``occ_<id>_jitter_0_model_final.pth``, in the order that is diffused.

Facts: ``layers.0.weight`` [128, 27] (3D: 36,737 weights) or [128, 36] (4D: 37,889), ``layers.0.bias``, ... ``layers.3.bias``; the
positional encoding has no weights, its octaves L follow from the first layer's width, 3 (1 + 2L) or 4 (1 + 2L); the fourth
coordinate of frame k is k.
Source: Rgtemze/HyperDiffusion at fd2c581, mlp_models.py, embedder.py, dataset.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hdbench.errors import HdbenchError
from hdbench_hyperdiffusion.differences import refuse_difference, shapes_of
from hdbench_hyperdiffusion.library import Fields, is_ours, read_fields
from hdbench_hyperdiffusion.networks import layer_layout
from hdbench_hyperdiffusion.official.files import read_torch, tensors_of
from hdbench_hyperdiffusion.stored import FRAMES

KIND = "a fitted MLP of HyperDiffusion"
ENDINGS = (".pth", ".pt")
INSIDE = ("checkpoints/model_final.pth", "checkpoints/model_current.pth")  # of a folder per shape
NAME = re.compile(r"^(?:occ|sdf|udf)_(?P<id>.+?)_jitter_\d+(?:_model_(?:final|current))?$")

Progress = Callable[[int, int], None]


def load_fields(path: Path | str, frames: int = FRAMES, progress: Progress = lambda done, total: None) -> Fields:
    """Names, weights [n, p] and layout of fitted MLPs: a folder of the authors' files, one file, or what hdbench wrote.

    In a folder, files are taken in the order of their names. ``frames`` is the length of the sequences of 4D fields, which the
    files do not say. HdbenchError names the file that is no MLP, or another one than the first.
    """
    path = Path(path)
    if is_ours(path):
        return read_fields(path)
    files = field_files(path)
    rows, first = [], None
    for done, file in enumerate(files.values(), start=1):
        state = tensors_of(read_torch(file), file)
        if first is None:
            first = encoder_of(state, file)
            layout = layer_layout(first["width"], first["hidden"], first["depth"])
        refuse_difference(shapes_of(state), dict(zip(layout.names, layout.shapes)), file, _like(first, files))
        rows.append(torch.cat([_floats(state[key], key, file) for key in layout.names]))
        progress(done, len(files))
    assert first is not None
    settings = {key: value for key, value in first.items() if key not in ("width", "dimensions")}
    return Fields(tuple(files), torch.stack(rows), layout, settings, frames if first["dimensions"] == 4 else 1)


def field_files(path: Path) -> dict[str, Path]:
    """{name of a shape: its file}, sorted by name. HdbenchError for a folder without any, or with two of one name."""
    if path.is_file():
        return {shape_name(path): path}
    if not path.is_dir():
        raise HdbenchError(f"There is no file or folder '{path}'.")
    found = [file for file in sorted(path.iterdir()) if file.is_file() and file.suffix in ENDINGS]
    named = [(shape_name(file), file) for file in found] + [(shape_name(file.parents[1]), file) for file in _folders(path)]
    files: dict[str, Path] = {}
    for name, file in sorted(named):
        if name in files:
            raise HdbenchError(f"'{files[name]}' and '{file}' are both of the shape '{name}'. Leave one of them.")
        files[name] = file
    if not files:
        raise HdbenchError(f"'{path}' holds no fitted MLPs. They are files such as occ_<id>_jitter_0_model_final.pth.")
    return files


def _folders(path: Path) -> list[Path]:
    """The newest MLP of every folder that holds its checkpoints."""
    places = ([folder / inside for inside in INSIDE] for folder in sorted(path.iterdir()) if folder.is_dir())
    return [next(file for file in files if file.is_file()) for files in places if any(file.is_file() for file in files)]


def shape_name(path: Path) -> str:
    """``occ_<id>_jitter_0_model_final.pth`` -> ``<id>``; the stem of any other name."""
    stem = path.name.removesuffix(path.suffix) if path.suffix in ENDINGS else path.name
    match = NAME.match(stem)
    return match["id"] if match else stem


def encoder_of(state: Mapping[str, Tensor], path: Path) -> dict[str, Any]:
    """Settings of the encoder that made this MLP, with its ``width`` in features and its number of ``dimensions``."""
    first = state.get("layers.0.weight")
    if first is None or first.dim() != 2:
        refuse_difference(shapes_of(state), {"layers.0.weight": (128, 27)}, path, KIND)
    assert first is not None
    hidden, width = first.shape
    depth = sum(key.startswith("layers.") and key.endswith(".weight") for key in state) - 1
    return {"hidden": hidden, "depth": max(1, depth), "width": width} | encoding_of(width, path)


def encoding_of(width: int, path: Path) -> dict[str, Any]:
    """Dimensions and octaves of the encoding with ``width`` features: 3 and 4 times an odd number have none in common."""
    for dimensions in (3, 4):
        blocks, rest = divmod(width, dimensions)
        if rest == 0 and blocks % 2 == 1:
            return {"dimensions": dimensions, "octaves": blocks // 2, "scale": 1.0, "time": "index"}
    raise HdbenchError(
        f"'{path}' is not {KIND}: its first layer reads {width} features, which is neither 3 nor 4 times an odd number "
        "(the paper has 27 for shapes, 36 for sequences)."
    )


def _like(first: Mapping[str, Any], files: Mapping[str, Path]) -> str:
    others = f" like '{next(iter(files.values())).name}'" if len(files) > 1 else ""
    return f"{KIND} of {first['depth']} x {first['hidden']} units{others}"


def _floats(tensor: Tensor, key: str, path: Path) -> Tensor:
    if not tensor.is_floating_point():
        raise HdbenchError(f"'{path}' is not {KIND}: '{key}' is of type {tensor.dtype}.")
    return tensor.detach().flatten().to(torch.float32)
