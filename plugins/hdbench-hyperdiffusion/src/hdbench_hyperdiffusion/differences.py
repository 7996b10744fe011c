"""Tensors held against a layout: what is missing, too many, or of another shape."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path

from torch import Tensor

from hdbench.errors import HdbenchError

Shapes = Mapping[str, tuple[int, ...]]


def refuse_difference(found: Shapes, wanted: Shapes, path: Path, what: str) -> None:
    """HdbenchError that names the first tensor that is missing (and the nearest there is), too many, or of another shape."""
    if said := _difference(found, wanted):
        raise HdbenchError(f"'{path}' is not {what}: {said}.")


def _difference(found: Shapes, wanted: Shapes) -> str:
    missing, extra = [key for key in wanted if key not in found], [key for key in found if key not in wanted]
    if missing:
        near = get_close_matches(missing[0], extra or list(found), n=1, cutoff=0.3)
        nearest = f"; the nearest is '{near[0]}' {list(found[near[0]])}" if near else ""
        return f"'{missing[0]}' {list(wanted[missing[0]])} is missing{nearest}"
    if extra:
        return f"'{extra[0]}' {list(found[extra[0]])} is one too many"
    wrong = [key for key in wanted if tuple(found[key]) != tuple(wanted[key])]
    return f"'{wrong[0]}' is {list(found[wrong[0]])}, expected {list(wanted[wrong[0]])}" if wrong else ""


def shapes_of(tensors: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    """{name: shape}."""
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}
