"""The contracts of the procedural categories and of the folders."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import trimesh
from hdbench_shapes.animals.animals import Animals
from hdbench_shapes.animations import Animations
from hdbench_shapes.anime import Anime
from hdbench_shapes.category import Category
from hdbench_shapes.meshes import MeshFolder

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
