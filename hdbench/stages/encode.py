"""Shapes to weights: query points and their occupancy, what all fields share, and the fit of each field."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

from torch import Tensor

from hdbench.interfaces import FieldEncoder, FieldSamples, QuerySpec, Session, ShapeSource
from hdbench.refs import Ref
from hdbench.sampling import sample_field, stack
from hdbench.store import load_info, load_tensors

TENSORS = tuple(f.name for f in fields(FieldSamples) if f.name != "names")


def query(session: Session, source: Ref, names: tuple[str, ...], spec: QuerySpec) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The field samples of some shapes."""
    shapes: ShapeSource = source.build()
    seen = []
    for done, name in enumerate(names):
        seen.append(sample_field(shapes.place(shapes.shape(name)), spec, session.seed))
        session.progress(done + 1, len(names))
    samples = stack(seen)
    return {name: getattr(samples, name) for name in TENSORS}, {"names": list(samples.names)}


def start(session: Session, encoder: Ref, queries: list[Path]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """What all fields of an encoder share, from the training shapes."""
    built: FieldEncoder = encoder.build()
    return dict(built.start(_chunks(queries), session)), {}


def encode(session: Session, encoder: Ref, queries: Path, shared: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """``weights`` [n, p] of one chunk and its quality figures, ``quality.*`` [n]."""
    built: FieldEncoder = encoder.build()
    samples = read_samples(queries)
    encoded = built.encode(samples, load_tensors(shared), session)
    quality = {f"quality.{name}": values for name, values in encoded.quality.items()}
    return {"weights": encoded.weights, **quality}, {"names": list(samples.names)}


def read_samples(path: Path) -> FieldSamples:
    """The samples of one chunk, as the query stage wrote them."""
    return FieldSamples(tuple(load_info(path)["names"]), **load_tensors(path))


def _chunks(paths: list[Path]) -> Iterator[FieldSamples]:
    for path in paths:
        yield read_samples(path)
