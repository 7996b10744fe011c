"""The contracts of the procedural categories and of the mesh folder."""

from __future__ import annotations

from pathlib import Path

import pytest
import trimesh
from hdbench_shapes.category import Category
from hdbench_shapes.meshes import MeshFolder

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
