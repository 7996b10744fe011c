"""Weights of PointNet++ as safetensors files: the embedded ones, and those that a user added."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load, save
from torch import Tensor

from hdbench.errors import HdbenchError

EMBEDDED = Path(__file__).parent / "data" / "procedural.safetensors"
ADD = "hdbench weights add modelnet40 PATH"
SHORT = 12  # hex digits of a fingerprint


def write(state: Mapping[str, Tensor], path: Path, header: Mapping[str, str], half: bool = False) -> str:
    """Store a state_dict, matrices in half precision if asked, and give the file's sha256."""
    tensors = {k: v.half() if half and v.ndim > 1 else v for k, v in state.items()}
    data = save({k: v.contiguous() for k, v in tensors.items()}, dict(header))
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_bytes(data)
    partial.replace(path)
    return hashlib.sha256(data).hexdigest()


def read(path: Path) -> dict[str, Tensor]:
    """The state_dict in single precision."""
    return {k: v.float() if v.dtype == torch.float16 else v for k, v in load(path.read_bytes()).items()}


def header(path: Path) -> dict[str, str]:
    """What the file says of itself."""
    with safe_open(str(path), framework="pt") as file:
        return dict(file.metadata() or {})


def sha256(path: Path) -> str:
    """Hash of the whole file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def home() -> Path:
    """Where a user's weights are kept: ``$HDBENCH_HOME``, or the platform's folder for the data of programs."""
    if os.environ.get("HDBENCH_HOME"):
        return Path(os.environ["HDBENCH_HOME"]) / "weights"
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "hdbench" / "weights"


def added(name: str) -> Path:
    """Where the weights of this name are when a user has added them."""
    return home() / f"{name}.safetensors"


def find(name: str) -> Path:
    """The file of the extractor ``name``; HdbenchError, with the command that adds it, when it is not there."""
    path = EMBEDDED if name == "procedural" else added(name)
    if not path.exists():
        raise HdbenchError(f"The weights of the features '{name}' are not installed. Add the file with '{ADD}'.")
    return path
