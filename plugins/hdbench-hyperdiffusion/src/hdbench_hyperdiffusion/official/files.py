"""PyTorch files of others, read without running code."""

from __future__ import annotations

import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hdbench.errors import HdbenchError

# What PyTorch Lightning puts beside the weights. Nothing of it is used, so a dict stands for each of its classes.
LIGHTNING = (
    "pytorch_lightning.utilities.parsing.AttributeDict",
    "pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint",
    "pytorch_lightning.callbacks.early_stopping.EarlyStopping",
    "lightning_fabric.utilities.data.AttributeDict",
    "lightning.fabric.utilities.data.AttributeDict",
)


def read_torch(path: Path) -> Any:
    """What ``torch.save`` wrote, on the CPU: tensors, numbers, strings, lists and dicts.

    HdbenchError when the file does not exist, is none of PyTorch's, or holds objects of other kinds, which are never loaded.
    """
    if not path.is_file():
        raise HdbenchError(f"There is no file '{path}'.")
    _refuse_archives(path)
    try:
        with torch.serialization.safe_globals(_allowed()):
            return torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except (RuntimeError, pickle.UnpicklingError, EOFError, ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise _unreadable(path, error) from error


def _refuse_archives(path: Path) -> None:
    """The released weights come as a zip archive of .pth files; a .pth file is a zip archive as well."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
        if not any(name.endswith("data.pkl") for name in names):
            raise HdbenchError(f"'{path}' is a zip archive of {len(names)} files. Unpack it, and give the folder.")


def _allowed() -> list[Any]:
    """Lightning's classes, and numpy's scalars under the names of old and new numpy."""
    scalar = np._core.multiarray.scalar  # type: ignore[attr-defined]
    scalars = [(scalar, name) for name in ("numpy._core.multiarray.scalar", "numpy.core.multiarray.scalar")]
    kinds = [type(np.dtype(kind)) for kind in ("float64", "float32", "int64")]
    return [*((OrderedDict, name) for name in LIGHTNING), *scalars, np.dtype, *kinds]


def _unreadable(path: Path, error: Exception) -> HdbenchError:
    try:
        refused = torch.serialization.get_unsafe_globals_in_checkpoint(path)
    except Exception:  # not even a pickle
        refused = []
    known = {*LIGHTNING, "numpy._core.multiarray.scalar", "numpy.core.multiarray.scalar", "numpy.dtype"}
    if others := sorted(set(refused) - known):
        return HdbenchError(
            f"'{path}' holds objects that are not loaded, for safety: {', '.join(others[:5])}. Where it was made, save the "
            "weights alone: torch.save({'state_dict': model.state_dict()}, PATH)."
        )
    return HdbenchError(f"'{path}' cannot be read as a PyTorch file ({_reason(error)}). Download it again, or give another file.")


def _reason(error: Exception) -> str:
    """One line; PyTorch puts its own after advice that nobody should follow."""
    lines = [line.strip() for line in str(error).rpartition("WeightsUnpickler error:")[2].splitlines() if line.strip()]
    return lines[0].rstrip(".") if lines else type(error).__name__


def tensors_of(content: Any, path: Path) -> dict[str, Tensor]:
    """The state_dict of a file: all of it, or what lies under ``state_dict``. HdbenchError when there is none."""
    inner = content.get("state_dict", content) if isinstance(content, Mapping) else content
    if not isinstance(inner, Mapping) or not inner or not all(isinstance(value, Tensor) for value in inner.values()):
        keys = ", ".join(map(str, list(content)[:5])) if isinstance(content, Mapping) else ""
        found = f"a dict with {keys or 'nothing'}" if isinstance(content, Mapping) else f"a {type(content).__name__}"
        raise HdbenchError(f"'{path}' holds no state_dict: it is {found}.")
    return {str(key): value for key, value in inner.items()}
