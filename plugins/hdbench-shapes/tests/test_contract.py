"""The contracts of the procedural categories and of the folders."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
import trimesh
from hdbench_shapes.animals.animals import Animals
from hdbench_shapes.animations import Animations
from hdbench_shapes.anime import Anime
from hdbench_shapes.category import Category
from hdbench_shapes.cloud_folder import CloudFolder
from hdbench_shapes.clouds import PartsConfig
from hdbench_shapes.meshes import MeshFolder
from hdbench_shapes.shapenet import ShapeNet

from hdbench.meshing import export_glb
from hdbench.shapes import Mesh
from hdbench.testing import ShapesContract


class TestAirplanes(ShapesContract):
    component = "airplane"
    small = Category.Config(count=5)


class TestCars(ShapesContract):
    component = "car"
    small = Category.Config(count=5)


class TestChairs(ShapesContract):
    component = "chair"
    small = Category.Config(count=5)


class TestAnimals(ShapesContract):
    component = "animals"
    small = Animals.Config(count=9, frames=3)


class TestAnime(ShapesContract):
    component = "anime"

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        cube = trimesh.creation.box((1, 2, 3))
        for name, count in (("fox_Run", 20), ("fox_Sit", 1), ("bear_Walk", 7)):
            counts = np.array([count, 8, 12], "<i4").tobytes()
            offsets = np.random.default_rng(count).normal(0, 0.1, (count - 1, 8, 3)).astype("<f4").tobytes()
            (tmp_path / name).mkdir()
            data = counts + cube.vertices.astype("<f4").tobytes() + cube.faces.astype("<i4").tobytes() + offsets
            (tmp_path / name / f"{name}.anime").write_bytes(data)
        for part, names in (("train", "fox_Run\nfox_Sit\n"), ("test", "bear_Walk")):
            (tmp_path / f"{part}_split.lst").write_text(names)
        self.small = Anime.Config(path=str(tmp_path))


class TestAnimations(ShapesContract):
    component = "animations"

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        cube = trimesh.creation.box((1, 2, 3))
        frames = [Mesh(cube.vertices * (1, 1, 1 + k), np.array(cube.faces, np.int64)) for k in range(4)]
        for name in ("b.glb", "deep/a.glb", "c.GLB"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            export_glb(frames, tmp_path / name)
        for part, names in (("train", "b\ndeep/a.glb\n"), ("test", "c")):
            (tmp_path / f"{part}.lst").write_text(names)
        self.small = Animations.Config(path=str(tmp_path), frames=6)


class TestMeshFolder(ShapesContract):
    component = "meshes"

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        (tmp_path / "deep").mkdir()
        for name, size in (("a.ply", 1.0), ("b.obj", 20.0), ("deep/c.STL", 0.03)):
            trimesh.creation.box(extents=(size, size / 2, size / 3)).export(tmp_path / name, file_type=name[-3:].lower())
        for part, names in (("train", "a.ply\nb.obj\n"), ("test", "deep/c.STL\n")):
            (tmp_path / f"{part}.lst").write_text(names)
        self.small = MeshFolder.Config(path=str(tmp_path))


class TestShapeNet(ShapesContract):
    component = "shapenet"

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        for k, place in enumerate(("a/models/model_normalized.obj", "b/model.obj", "c.obj")):
            file = tmp_path / "02691156" / place
            file.parent.mkdir(parents=True, exist_ok=True)
            trimesh.creation.box((1, 2, 3 + k)).export(file)
        for part, names in (("train", "a\nb.obj"), ("test", "c.obj")):
            (tmp_path / "02691156" / f"{part}_split.lst").write_text(names)
        self.small = ShapeNet.Config(path=str(tmp_path / "airplane"))


class TestPC15K(ShapesContract):
    component = "pc15k"

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        rng = np.random.default_rng(0)
        for name in ("train/a", "train/b", "val/c", "test/d"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            np.save(tmp_path / f"{name}.npy", rng.normal(size=(15_000, 3)))
        self.small = PartsConfig(path=str(tmp_path))


class TestHDF5(ShapesContract):
    component = "hdf5"

    @pytest.fixture(autouse=True)
    def _file(self, tmp_path: Path) -> None:
        with h5py.File(tmp_path / "shapenet.hdf5", "w") as file:
            for part, count in (("train", 3), ("val", 1), ("test", 2)):
                clouds = np.random.default_rng(count).normal(size=(count, 2048, 3)).astype(np.float32)
                file.create_dataset(f"02691156/{part}", data=clouds)
        self.small = PartsConfig(path=str(tmp_path / "shapenet.hdf5" / "airplane"))


class TestCloudFolder(ShapesContract):
    component = "clouds"

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        for name in ("a.obj.npy", "b.obj.npy", "c.npy"):
            np.save(tmp_path / name, np.random.default_rng(0).normal(size=(2048, 6)))
        for part, names in (("train", "a.obj\nb"), ("test", "c.npy")):
            (tmp_path / f"{part}_split.lst").write_text(names)
        self.small = CloudFolder.Config(path=str(tmp_path))
