"""A user's ModelNet40 checkpoint: read without running code, compared with the layout, identified by its hashes.

The layout is that of github.com/yanx27/Pointnet_Pointnet2_pytorch@eb64fe0, log/classification/pointnet2_ssg_wo_normals: a dict
with ``model_state_dict`` beside epoch, accuracies (numpy scalars) and optimiser, or the state_dict alone.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hdbench.errors import HdbenchError
from hdbench_fpd.pointnet2 import PointNet2

PAPER_BLOB = (
    "c989e2fcefdf8653708fc7993068092bed312858"  # git's name for best_model.pth, the same in yanx27's and HyperDiffusion's trees
)


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """The state_dict of a file in the layout, and the file's hashes."""

    state: dict[str, Tensor]
    sha256: str
    blob: str

    @property
    def is_the_papers(self) -> bool:
        """Whether it is the file that HyperDiffusion computed its FPD with."""
        return self.blob == PAPER_BLOB


def read_checkpoint(path: Path) -> Checkpoint:
    """Read and check a file. HdbenchError when it does not exist, is no checkpoint, or has another layout."""
    if not path.is_file():
        raise HdbenchError(f"There is no file '{path}'. Give the path of a checkpoint such as best_model.pth.")
    state = _state_of(_load(path), path)
    _refuse_other_layout(state, path)
    data = path.read_bytes()
    blob = hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
    return Checkpoint(state, hashlib.sha256(data).hexdigest(), blob)


def _load(path: Path) -> Any:
    try:
        with torch.serialization.safe_globals(_numpy_scalars()):
            return torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, pickle.UnpicklingError, EOFError, ValueError, KeyError, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise HdbenchError(
            f"'{path}' cannot be read as a PyTorch checkpoint of tensors and numbers ({reason}). "
            "Nothing else is read, for safety."
        ) from error


def _numpy_scalars() -> list[Any]:
    """What accuracies in a checkpoint are made of, under the names of old and new numpy."""
    scalar = np._core.multiarray.scalar  # type: ignore[attr-defined]
    names = ("numpy._core.multiarray.scalar", "numpy.core.multiarray.scalar")
    kinds = [type(np.dtype(kind)) for kind in ("float64", "float32", "int64")]
    return [*((scalar, name) for name in names), np.dtype, *kinds]


def _state_of(content: Any, path: Path) -> dict[str, Tensor]:
    inner = content.get("model_state_dict", content) if isinstance(content, Mapping) else content
    if not isinstance(inner, Mapping) or not inner or not all(isinstance(v, Tensor) for v in inner.values()):
        found = (
            f"a dict with {', '.join(map(str, list(content)[:5])) or 'nothing'}"
            if isinstance(content, Mapping)
            else type(content).__name__
        )
        raise HdbenchError(f"'{path}' holds no state_dict: it is {found}. Give the file with 'model_state_dict'.")
    return dict(inner)


def _refuse_other_layout(state: Mapping[str, Tensor], path: Path) -> None:
    wanted = {key: tuple(value.shape) for key, value in PointNet2().state_dict().items()}
    found = {key: tuple(value.shape) for key, value in state.items()}
    if found == wanted:
        return
    missing, extra = [k for k in wanted if k not in found], [k for k in found if k not in wanted]
    if missing:
        near = get_close_matches(missing[0], extra, n=1)
        what = f"'{missing[0]}' is missing" + (f" (there is '{near[0]}')" if near else "")
    elif extra:
        what = f"it also has '{extra[0]}'"
    else:
        key = next(k for k in wanted if found[k] != wanted[k])
        what = f"'{key}' is {list(found[key])} instead of {list(wanted[key])}"
    raise HdbenchError(
        f"'{path}' is not PointNet++ SSG for ModelNet40 without normals ({len(wanted)} tensors in yanx27's layout): {what}. "
        "The file is log/classification/pointnet2_ssg_wo_normals/checkpoints/best_model.pth of yanx27/Pointnet_Pointnet2_pytorch."
    )
