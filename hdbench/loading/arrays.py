"""The arrays that a file holds: their names, shapes and types without reading them, and each on request.

Nothing is unpickled: numpy with allow_pickle=False, torch with weights_only=True, safetensors. Arrays of .npy files are mapped
into memory, so that a set of many dense clouds is never there twice.
"""

from __future__ import annotations

import math
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from hdbench.errors import HdbenchError
from hdbench.loading.kinds import Kind
from hdbench.loading.wording import first_line

FLOATS = ("float16", "float32", "float64", "bfloat16")


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """An array in a file: its name (empty in .npy), shape, type (a numpy name, or ``bfloat16``), and how it is read."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    load: Callable[[], NDArray[Any]]

    def __str__(self) -> str:
        return " ".join(filter(None, (self.name, self.dtype, str(list(self.shape)))))


def stored_arrays(path: Path, kind: Kind) -> list[Stored]:
    """All arrays of a .npy, .npz, .safetensors or torch file. HdbenchError, with the next step, when it cannot be read."""
    readers: dict[str, Callable[[Path], list[Stored]]] = {
        "npy": _npy, "npz": _npz, "safetensors": _safetensors, "torch": _torch,
    }  # fmt: skip
    try:
        return [_guarded(path, array) for array in readers[kind](path)]
    except HdbenchError:
        raise
    except Exception as error:  # whatever a reader raises for a damaged file
        raise _unreadable(path, error) from None


def _guarded(path: Path, array: Stored) -> Stored:
    """The same array, whose reading raises HdbenchError alone."""

    def load() -> NDArray[Any]:
        try:
            return array.load()
        except HdbenchError:
            raise
        except Exception as error:
            raise _unreadable(path, error) from None

    return Stored(array.name, array.shape, array.dtype, load)


def _unreadable(path: Path, error: BaseException) -> HdbenchError:
    return HdbenchError(f"'{path}' cannot be read: it is damaged or cut short ({first_line(error)}). Write or copy it again.")


# --------------------------------------------------------------------------------------------------------------- numpy


def _npy(path: Path) -> list[Stored]:
    with path.open("rb") as file:
        shape, dtype = _header(file, path.stat().st_size, f"'{path}'")
    return [Stored("", shape, dtype.name, lambda: _mapped(path, shape))]


def _mapped(path: Path, shape: tuple[int, ...]) -> NDArray[Any]:
    empty = math.prod(shape) == 0  # nothing cannot be mapped
    return np.load(path, mmap_mode=None if empty else "r", allow_pickle=False)


def _npz(path: Path) -> list[Stored]:
    with zipfile.ZipFile(path) as archive:
        return [_npz_member(path, archive, info) for info in archive.infolist() if info.filename.endswith(".npy")]


def _npz_member(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Stored:
    name = info.filename.removesuffix(".npy")
    with archive.open(info) as file:
        shape, dtype = _header(file, info.file_size, f"'{path}' (array '{name}')")  # type: ignore[arg-type]

    def load() -> NDArray[Any]:
        with np.load(path, allow_pickle=False) as content:
            return np.asarray(content[name])

    return Stored(name, shape, dtype.name, load)


def _header(file: BinaryIO, size: int, where: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape and type that a .npy header promises. HdbenchError for Python objects, and when the file is shorter than that."""
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(file)
    if dtype.hasobject:
        raise HdbenchError(
            f"{where} holds Python objects, perhaps a list of clouds of unequal sizes. Only unpickling could read them, and that "
            "can run foreign code. Save one array per shape: numpy.savez('samples.npz', *clouds)."
        )
    missing = file.tell() + math.prod(shape) * dtype.itemsize - size
    if missing > 0:
        raise HdbenchError(
            f"{where} is cut short: {missing} bytes of the array {list(shape)} are missing. Write or copy it again."
        )
    return shape, dtype


# --------------------------------------------------------------------------------------------------------- safetensors

_SAFETENSORS_TYPES = {"F16": "float16", "F32": "float32", "F64": "float64", "BF16": "bfloat16"}


def _safetensors(path: Path) -> list[Stored]:
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        parts = {name: file.get_slice(name) for name in sorted(file.keys())}
        return [
            Stored(name, tuple(part.get_shape()), _SAFETENSORS_TYPES.get(part.get_dtype(), part.get_dtype()), _tensor(path, name))
            for name, part in parts.items()
        ]


def _tensor(path: Path, name: str) -> Callable[[], NDArray[Any]]:
    def load() -> NDArray[Any]:
        from safetensors import safe_open

        with safe_open(path, framework="pt") as file:
            return _plain(file.get_tensor(name))

    return load


# --------------------------------------------------------------------------------------------------------------- torch


def _torch(path: Path) -> list[Stored]:
    """The tensors of the file, in nested dicts and lists too; their names are joined by dots."""
    return [
        Stored(name, tuple(tensor.shape), str(tensor.dtype).removeprefix("torch."), lambda t=tensor: _plain(t))  # type: ignore[misc]
        for name, tensor in _flat(_loaded(path))
    ]


def _loaded(path: Path) -> Any:
    import pickle
    import warnings

    import torch

    try:
        with warnings.catch_warnings(action="ignore"):  # of old or damaged files, which are answered below
            return torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except pickle.UnpicklingError as error:
        found = re.search(r"(?:GLOBAL|global) ([\w.]+)", str(error))
        objects = f" ({found[1]})" if found else ""
        raise HdbenchError(
            f"'{path}' holds Python objects besides tensors{objects}, or is damaged. Only unpickling could read them, and that "
            "can run foreign code. Save the clouds alone, where the file was written: torch.save(samples, 'samples.pth')."
        ) from None


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    import torch

    if isinstance(value, torch.Tensor):
        yield name, value
    elif isinstance(value, (Mapping, list, tuple)):
        pairs = value.items() if isinstance(value, Mapping) else enumerate(value)
        for key, part in pairs:
            yield from _flat(part, f"{name}.{key}" if name else str(key))


def _plain(tensor: Any) -> NDArray[Any]:
    import torch

    tensor = tensor.detach()
    return np.asarray((tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy())
