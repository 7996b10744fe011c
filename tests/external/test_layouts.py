"""Training shapes in other repositories' layouts: read back by the rules of those repositories."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hdbench_sphere.shapes import Spheres, SpheresConfig

from hdbench.errors import HdbenchError
from hdbench.external.layouts import WRITERS, Material
from hdbench.external.layouts.geometry import signed_distances
from hdbench.external.running import INSIDE
from hdbench.external.specification import Data
from hdbench.shapes import Shape

SPHERES = Spheres(SpheresConfig(count=3))


def material(count: int = 0, points: int = 50, frames: int = 1, category: str = "chair") -> Material:
    clouds = np.random.default_rng(0).normal(size=(3, frames, points, 3)).astype(np.float32)
    shapes = tuple((lambda n=n: SPHERES.shape(n)) for n in SPHERES.names())
    return Material(clouds, None if count else shapes, count, category, 0)


def test_npz_and_npy_hold_the_clouds(tmp_path):
    given = material()
    WRITERS["npz"](tmp_path, given, Data())
    WRITERS["npy"](tmp_path, given, Data())
    assert np.array_equal(np.load(tmp_path / "train.npz")["clouds"], given.clouds[:, 0])
    assert np.array_equal(np.load(tmp_path / "train.npy"), given.clouds[:, 0])


def test_sequences_keep_their_frames_where_they_can_and_are_refused_where_not(tmp_path):
    moving = material(frames=4, points=15_000)
    WRITERS["npy"](tmp_path, moving, Data())
    assert np.load(tmp_path / "train.npy").shape == (3, 4, 15_000, 3)
    for layout in ("pc15k", "dpc-hdf5"):
        with pytest.raises(HdbenchError, match="shapes, not sequences"):
            WRITERS[layout](tmp_path / layout, moving, Data())


def test_pc15k_is_read_as_pointflow_and_pvd_read_it(tmp_path):
    """ROOT/SYNSET/SPLIT/ID.npy of exactly 15000 points; the split that counts has a file per sample."""
    given = material(count=7, points=15_000)
    WRITERS["pc15k"](tmp_path, given, Data(counting="val"))
    root = tmp_path / "03001627"
    sizes = {split: len(list((root / split).glob("*.npy"))) for split in ("train", "val", "test")}
    assert sizes == {"train": 3, "val": 7, "test": 3}
    files = sorted((root / "train").glob("*.npy"))
    assert np.array_equal(np.stack([np.load(f) for f in files]), given.clouds[:, 0])
    every = {given.clouds[i, 0].tobytes() for i in range(3)}
    assert {np.load(f).tobytes() for f in (root / "val").glob("*.npy")} <= every  # nothing but training shapes
    with pytest.raises(HdbenchError, match="Write points = 15000"):
        WRITERS["pc15k"](tmp_path, material(), Data())


def test_dpc_arrays_become_groups_of_an_hdf5_file(tmp_path):
    h5py = pytest.importorskip("h5py", reason="the repository's own environment has it")
    script, *arguments = WRITERS["dpc-hdf5"](tmp_path, material(count=5), Data(counting="test"))
    subprocess.run([sys.executable, str(INSIDE / script), *arguments], check=True)
    with h5py.File(tmp_path / "shapenet.hdf5") as file:
        assert file["03001627/test"].shape == (5, 50, 3)
        assert file["03001627/train"].dtype == np.float32


def test_dpc_arrays_are_there_for_the_script_that_makes_the_file(tmp_path):
    given = material(count=5)
    words = WRITERS["dpc-hdf5"](tmp_path, given, Data(counting="test"))
    assert words == ("write_hdf5.py", str(tmp_path / "arrays"), str(tmp_path / "shapenet.hdf5"))
    sizes = {split: np.load(tmp_path / "arrays" / "03001627" / f"{split}.npy").shape for split in ("train", "val", "test")}
    assert sizes == {"train": (3, 50, 3), "val": (3, 50, 3), "test": (5, 50, 3)}


def test_meshes_come_back_as_they_were(tmp_path):
    from hdbench.registry import Registry

    WRITERS["meshes"](tmp_path, material(), Data())
    assert (tmp_path / "train.lst").read_text().split() == [f"shape_{k:05d}.obj" for k in range(3)]
    read = Registry().load().resolve("shapes", "meshes")
    source = read(read.Config(path=str(tmp_path)))
    for name, ours in zip(sorted(source.names()), SPHERES.names()):
        back, there = source.shape(name).frames[0], SPHERES.shape(ours).frames[0]
        assert np.allclose(np.sort(back.vertices, 0), np.sort(there.vertices, 0), atol=1e-8)
        assert len(back.faces) == len(there.faces)


def test_voxels_hold_the_distance_to_the_sphere_in_the_cube_of_side_two(tmp_path):
    WRITERS["shapegan-voxels"](tmp_path, material(), Data(resolutions=(8, 16)))
    assert (tmp_path / "train.txt").read_text().split() == [f"shape_{k:05d}" for k in range(3)]
    for resolution in (8, 16):
        axis = np.linspace(-1, 1, resolution)
        radius = np.linalg.norm(np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1), axis=-1)
        for k, name in enumerate(SPHERES.names()):
            grid = np.load(tmp_path / f"voxels_{resolution}" / f"shape_{k:05d}.npy")
            assert grid.dtype == np.float32
            assert np.abs(grid - (radius - 2 * SPHERES.radius(name))).max() < 0.02  # the mesh is no perfect sphere


def test_sdf_points_have_their_distance_beside_them(tmp_path):
    one = material()
    one = Material(one.clouds[:1], one.shapes[:1], 0, "chair", 0)
    WRITERS["shapegan-points"](tmp_path, one, Data())
    for part, farthest in (("uniform", 1.0), ("surface", 2 * SPHERES.radius(SPHERES.names()[0]) + 0.03)):
        rows = np.load(tmp_path / part / "shape_00000.npy")
        lengths = np.linalg.norm(rows[:, :3], axis=1)
        assert rows.shape == (64**3, 4)
        assert lengths.max() <= farthest
        assert np.abs(rows[:, 3] - (lengths - 2 * SPHERES.radius(SPHERES.names()[0]))).max() < 0.02
    assert np.mean(np.linalg.norm(np.load(tmp_path / "uniform" / "shape_00000.npy")[:, :3], axis=1) < 0.5) == pytest.approx(
        1 / 8, abs=0.005
    )  # the share of the ball's volume


def test_distances_are_negative_inside_and_along_axes_exact():
    from hdbench.shapes import Mesh

    corners = np.array([[x, y, z] for x in (-0.25, 0.25) for y in (-0.25, 0.25) for z in (-0.25, 0.25)])
    import trimesh

    hull = trimesh.convex.convex_hull(corners)
    box = Shape("box", (Mesh(np.asarray(hull.vertices), np.asarray(hull.faces, np.int64)),), solid=True)
    points = np.array([[0.0, 0, 0], [1, 0, 0], [0.4, 0, 0], [1, 1, 1]])
    assert signed_distances(box, points) == pytest.approx([-0.5, 0.5, -0.1, 0.75**0.5], abs=1e-6)


def test_while_samples_are_drawn_surfaces_are_not_needed(tmp_path):
    for layout in ("meshes", "shapegan-voxels", "shapegan-points", "none"):
        WRITERS[layout](tmp_path / layout, material(count=4), Data(resolutions=(8,)))
        assert list((tmp_path / layout).iterdir()) == []


def test_an_unknown_category_keeps_its_name():
    assert material(category="ships").synset == "ships"
    assert material(category="airplane").synset == "02691156"
