"""Figures of meshes whose topology and volume are known, and agreement with trimesh where it has the same figure."""

from __future__ import annotations

import math

import numpy as np
import pytest
import trimesh
from trimesh import creation

from hdbench.measures.validity import mesh_figures
from hdbench.meshing import empty_mesh
from hdbench.shapes import Mesh

FIGURES = {"empty", "watertight", "components", "main_piece", "degenerate", "genus", "volume"}


def mesh(solid) -> Mesh:
    return Mesh(np.asarray(solid.vertices, np.float64), np.asarray(solid.faces, np.int64))


def joined(*solids) -> Mesh:
    return mesh(trimesh.util.concatenate(solids))


def figures(*frames):
    return mesh_figures(frames)


def moved(solid, *offset):
    return solid.copy().apply_translation(offset)


BALL, BOX, RING = creation.icosphere(), creation.box((1, 2, 3)), creation.torus(1, 0.3)


def soup(solid: Mesh) -> Mesh:
    """The same triangles, none of which shares a vertex with another."""
    return Mesh(solid.triangles.reshape(-1, 3), np.arange(3 * len(solid.faces)).reshape(-1, 3))


@pytest.mark.parametrize("form", [lambda m: m, soup], ids=["shared vertices", "soup"])
@pytest.mark.parametrize(
    ("solid", "components", "genus", "volume"),
    [
        (mesh(BOX), 1, 0, 6),
        (mesh(BALL), 1, 0, BALL.volume),
        (mesh(RING), 1, 1, RING.volume),
        (joined(BALL, moved(BALL, 3, 0, 0)), 2, 0, 2 * BALL.volume),
        (joined(RING, moved(RING, 0, 0, 3), moved(BALL, 9, 9, 9)), 3, 2, 2 * RING.volume + BALL.volume),
        (mesh(creation.annulus(0.5, 1, 1)), 1, 1, None),
        (mesh(moved(BOX, 1e6, 0, 0)), 1, 0, 6),
    ],
)
def test_closed_bodies(form, solid, components, genus, volume):
    found = figures(form(solid))
    assert set(found) == FIGURES
    assert (found["watertight"], found["components"], found["genus"]) == (1, components, genus)
    assert (found["empty"], found["degenerate"]) == (0, 0)
    if volume is not None:
        assert found["volume"] == pytest.approx(volume)


def test_an_open_body_has_neither_genus_nor_volume():
    box = mesh(BOX)
    found = figures(Mesh(box.vertices, box.faces[1:]))
    assert (found["watertight"], found["components"]) == (0, 1)
    assert math.isnan(found["genus"])
    assert math.isnan(found["volume"])


def test_the_main_piece_is_a_share_of_the_area():
    assert figures(joined(creation.box((2, 2, 2)), moved(creation.box(), 9, 0, 0)))["main_piece"] == pytest.approx(4 / 5)
    assert figures(mesh(RING))["main_piece"] == 1


def test_bodies_that_touch_in_a_point_are_two():
    tetrahedron = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], float)
    faces = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
    found = figures(Mesh(np.concatenate([tetrahedron, -tetrahedron]), np.concatenate([faces, faces[:, ::-1] + 4])))
    assert (found["watertight"], found["components"], found["genus"]) == (1, 2, 0)
    assert found["volume"] == pytest.approx(2 / 6)


def test_an_edge_with_four_faces_is_not_watertight():
    assert figures(joined(creation.box(), moved(creation.box(), 1, 1, 0)))["watertight"] == 0


def test_a_body_whose_faces_are_wound_at_random_has_no_volume():
    ball = mesh(BALL)
    faces = ball.faces.copy()
    faces[::2] = faces[::2, ::-1]
    found = figures(Mesh(ball.vertices, faces))
    assert (found["watertight"], found["genus"]) == (1, 0)
    assert math.isnan(found["volume"])


def test_a_body_turned_inside_out_has_the_same_volume():
    ball = mesh(BALL)
    assert figures(Mesh(ball.vertices, ball.faces[:, ::-1]))["volume"] == pytest.approx(BALL.volume)


def test_degenerate_faces_are_counted_and_do_not_open_a_body():
    box = mesh(BOX)
    found = figures(Mesh(box.vertices, np.concatenate([box.faces, [[0, 0, 1], [2, 2, 2], [3, 1, 3], [0, 0, 0]]])))
    assert (found["watertight"], found["genus"], found["degenerate"]) == (1, 0, 4 / 16)
    assert found["volume"] == pytest.approx(6)


@pytest.mark.parametrize("nothing", [empty_mesh(), Mesh(np.zeros((3, 3)), np.array([[0, 1, 2]]))], ids=["no face", "no area"])
def test_an_empty_mesh_is_nothing(nothing):
    found = figures(nothing)
    assert (found["empty"], found["watertight"], found["components"], found["main_piece"]) == (1, 0, 0, 0)
    assert math.isnan(found["volume"])


def test_frames_count_by_their_mean_and_the_worst_decides_what_is_watertight():
    box, ring = mesh(BOX), mesh(RING)
    both = figures(box, ring)
    assert (both["watertight"], both["genus"], both["components"]) == (1, 0.5, 1)
    one_open = figures(box, Mesh(ring.vertices, ring.faces[1:]), joined(BALL, moved(BALL, 3, 0, 0)))
    assert (one_open["watertight"], one_open["genus"], one_open["components"]) == (0, 0, pytest.approx(4 / 3))
    assert figures(box, empty_mesh())["empty"] == 1
    assert figures(box, empty_mesh())["watertight"] == 0


@pytest.mark.parametrize("seed", range(8))
def test_trimesh_agrees_on_random_meshes(seed):
    rng = np.random.default_rng(seed)
    solids = [moved(creation.icosphere(rng.integers(1, 3)), *rng.uniform(-5, 5, 3)) for _ in range(4)]
    whole = joined(*solids, moved(RING, 9, 0, 0))
    kept = Mesh(whole.vertices, whole.faces[rng.permutation(len(whole.faces))[: len(whole.faces) - seed // 2]])
    peer, found = trimesh.Trimesh(kept.vertices, kept.faces, process=True), figures(kept)
    assert found["watertight"] == peer.is_watertight
    assert found["components"] == peer.body_count == 5
    if peer.is_watertight:
        assert 2 * (found["components"] - found["genus"]) == peer.euler_number
        assert found["volume"] == pytest.approx(peer.volume)
