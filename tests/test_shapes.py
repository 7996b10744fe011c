"""The noun: normalisation, splits, and the digest that finds copies."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import trimesh

from hdbench.errors import HdbenchError, ShapeError
from hdbench.shapes import Mesh, Shape, geometry_digest, normalise, split_by_fraction


def shape_of(part: trimesh.Trimesh, name: str = "thing") -> Shape:
    return Shape(name, (Mesh(np.array(part.vertices), np.array(part.faces, dtype=np.int64)),))


@pytest.fixture
def torus() -> Shape:
    return shape_of(trimesh.creation.torus(0.7, 0.21, major_sections=24, minor_sections=10))


def test_a_normalised_shape_is_centred_and_its_longest_side_is_95_percent():
    mesh = normalise(shape_of(trimesh.creation.box(bounds=[[1, 2, 3], [5, 4, 4]]))).frames[0]
    assert mesh.vertices.min(0) == pytest.approx([-0.475, -0.2375, -0.11875])
    assert mesh.vertices.max(0) == pytest.approx([0.475, 0.2375, 0.11875])


def test_one_scale_serves_all_frames():
    small, large = (shape_of(trimesh.creation.box((s, s, s))).frames[0] for s in (1, 4))
    frames = normalise(Shape("growing", (small, large))).frames
    assert [np.ptp(m.vertices) for m in frames] == pytest.approx([0.95 / 4, 0.95])


@pytest.mark.parametrize(("value", "reason"), [(np.nan, "not finite"), (np.inf, "not finite"), (1.0, "no extent")])
def test_shapes_without_a_size_are_named(value, reason):
    with pytest.raises(ShapeError, match=f"'odd'.*{reason}"):
        normalise(Shape("odd", (Mesh(np.full((3, 3), value), np.array([[0, 1, 2]])),)))


def test_the_split_of_400_is_320_20_60():
    names = tuple(f"{k}" for k in range(400))
    split = split_by_fraction(names)
    assert [len(p) for p in (split.train, split.val, split.test)] == [320, 20, 60]
    assert split.train + split.val + split.test == names


def test_too_few_shapes_for_a_split_are_an_error():
    with pytest.raises(HdbenchError, match="3 usable shapes are too few"):
        split_by_fraction(("a", "b", "c"))


def test_copies_have_the_same_digest_however_they_are_stored(torus):
    mesh, rng = torus.frames[0], np.random.default_rng(0)
    order = rng.permutation(len(mesh.faces))
    loose = Mesh(mesh.triangles[order].reshape(-1, 3), np.arange(3 * len(order)).reshape(-1, 3))  # no vertex is shared
    turned = Mesh(mesh.vertices, np.roll(mesh.faces, 1, axis=1))
    moved = Mesh(mesh.vertices * 37.3 + (5, -900, 0.1), mesh.faces)
    for copy in (loose, turned, moved):
        assert geometry_digest(Shape("copy", (copy,))) == geometry_digest(torus)


def test_other_surfaces_have_other_digests(torus):
    mesh = torus.frames[0]
    dented = mesh.vertices.copy()
    dented[7] *= 1.001
    others = [Mesh(dented, mesh.faces), Mesh(mesh.vertices, mesh.faces[1:]), Mesh(mesh.vertices[:, [1, 2, 0]], mesh.faces)]
    digests = {geometry_digest(Shape("other", (m,))) for m in others} | {geometry_digest(torus)}
    digests.add(geometry_digest(Shape("twice", (mesh, mesh))))
    assert len(digests) == 5


def test_shapes_travel_between_processes(torus):
    back = pickle.loads(pickle.dumps(Shape("t", torus.frames, True)))
    assert (back.name, back.solid) == ("t", True)
    assert (back.frames[0].faces == torus.frames[0].faces).all()
