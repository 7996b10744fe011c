"""Inside and outside, against closed forms and against libigl's exact winding number."""

from __future__ import annotations

from typing import Any

import igl
import numpy as np
import pytest
import trimesh

from hdbench import occupancy
from hdbench.errors import ShapeError
from hdbench.occupancy import Winding, inside
from hdbench.shapes import Mesh


def mesh_of(*parts: trimesh.Trimesh) -> Mesh:
    together: Any = trimesh.util.concatenate(list(parts))
    return Mesh(np.asarray(together.vertices, dtype=np.float64), np.asarray(together.faces, dtype=np.int64))


def cube(side: float = 1.0, centre: tuple[float, float, float] = (0, 0, 0)) -> trimesh.Trimesh:
    return trimesh.creation.box((side,) * 3, trimesh.transformations.translation_matrix(centre))


def inverted(part: trimesh.Trimesh) -> trimesh.Trimesh:
    return trimesh.Trimesh(part.vertices, part.faces[:, ::-1], process=False)


@pytest.fixture(scope="module")
def queries() -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, (20_000, 3))


@pytest.mark.parametrize("solid", [True, False])
@pytest.mark.parametrize("turn", [lambda part: part, inverted], ids=["outwards", "inwards"])
def test_inside_of_a_cube_is_the_maximum_norm(queries, solid, turn):
    found = inside(mesh_of(turn(cube())), queries, solid)
    assert (found == (np.abs(queries).max(1) < 0.5)).all()


@pytest.mark.parametrize("solid", [True, False])
def test_inside_of_a_sphere_is_the_euclidean_norm(queries, solid):
    radius = np.linalg.norm(queries, axis=1)
    certain = np.abs(radius - 0.75) > 0.01  # the polyhedron lies a little within the sphere
    found = inside(mesh_of(trimesh.creation.icosphere(4, 0.75)), queries, solid)
    assert (found == (radius < 0.75))[certain].all()


@pytest.mark.parametrize("solid", [True, False])
def test_parts_that_intersect_are_a_union(queries, solid):
    found = inside(mesh_of(cube(1, (-0.2, 0, 0)), cube(0.8, (0.3, 0.1, 0.1))), queries, solid)
    first = np.abs(queries - (-0.2, 0, 0)).max(1) < 0.5
    second = np.abs(queries - (0.3, 0.1, 0.1)).max(1) < 0.4
    assert (found == (first | second)).all()


@pytest.mark.parametrize("solid", [True, False])
def test_a_part_wound_inwards_within_another_is_a_cavity(queries, solid):
    found = inside(mesh_of(cube(), inverted(cube(0.5))), queries, solid)
    norm = np.abs(queries).max(1)
    assert (found == ((norm < 0.5) & (norm > 0.25))).all()


def test_crossings_agree_with_the_exact_winding_number_on_soups():
    rng = np.random.default_rng(1)
    for _ in range(4):
        parts = [trimesh.creation.icosphere(2, rng.uniform(0.1, 0.4)) for _ in range(6)] + [cube(rng.uniform(0.2, 0.6))]
        for part in parts:
            part.apply_transform(trimesh.transformations.random_rotation_matrix(rng.random(3)))
            part.apply_translation(rng.uniform(-0.5, 0.5, 3))
        mesh = mesh_of(*parts)
        points = rng.uniform(-1, 1, (5000, 3))
        exact = np.abs(igl.winding_number(mesh.vertices, mesh.faces, points)) >= 0.5
        assert (inside(mesh, points, True) == exact).all()
        assert (inside(mesh, points, False) == exact).mean() > 0.9998


def test_rays_through_edges_and_vertices_are_counted_once(monkeypatch):
    monkeypatch.setattr(occupancy, "_FRAME", np.eye(3))  # rays along z: they meet diagonals, edges and vertices exactly
    line = np.arange(-6, 7) / 4
    lattice = np.stack(np.meshgrid(line, line, line), -1).reshape(-1, 3) + np.array([0, 0, 0.01])
    mesh = mesh_of(trimesh.creation.icosphere(2, 1.0), cube(1.3), cube(2))
    exact = np.rint(igl.winding_number(mesh.vertices, mesh.faces, lattice))
    assert exact.max() == 3
    assert (Winding(mesh, True).number(lattice) == exact)[(np.abs(lattice) < 1).all(1)].all()


@pytest.mark.parametrize("scale", [1e-3, 1e4])
def test_size_and_place_of_the_mesh_do_not_matter(queries, scale):
    here = mesh_of(trimesh.creation.torus(0.6, 0.3))
    offset = np.array([30.0, -50.0, 10.0]) * scale
    there = Mesh(here.vertices * scale + offset, here.faces)
    assert (inside(there, queries * scale + offset, True) == inside(here, queries, True)).all()


def test_a_cube_without_lid_still_has_an_inside():
    """At its centre the winding number is 5/6."""
    part = cube()
    lidless = trimesh.Trimesh(part.vertices, part.faces[part.face_normals[:, 2] < 0.5], process=False)
    assert inside(mesh_of(lidless), np.array([[0.0, 0, 0], [0, 0, 0.51], [0, 0, -0.51]]), False).tolist() == [True, False, False]


@pytest.mark.parametrize("solid", [True, False])
def test_answers_do_not_depend_on_the_batch(queries, solid):
    winding = Winding(mesh_of(trimesh.creation.torus(0.6, 0.3)), solid)
    whole = winding.inside(queries[:200])
    assert (whole == np.concatenate([winding.inside(queries[k : k + 7]) for k in range(0, 200, 7)])[:200]).all()
    assert winding.inside(queries[:0]).shape == (0,)


def test_a_mesh_without_faces_is_an_error():
    with pytest.raises(ShapeError, match="without faces"):
        inside(Mesh(np.zeros((3, 3)), np.zeros((0, 3), np.int64)), np.zeros((1, 3)), True)
