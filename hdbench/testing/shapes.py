"""The contract of a shape source."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from hdbench.clouds import Cloud, draw, place_cloud
from hdbench.errors import HdbenchError
from hdbench.interfaces import ShapeSource
from hdbench.shapes import BOX_HALF_SIDE, Shape, geometry_digest
from hdbench.testing.contract import ComponentContract
from hdbench.testing.made import signed_volume

LOOKED_AT = 4  # shapes of the source
ROUNDING = 1e-9


class ShapesContract(ComponentContract):
    """Names that stay, shapes that are the same every time, in the box once they are placed; of a source of clouds, the same of
    their points, and no surface."""

    kind: ClassVar[str] = "shapes"

    def _some(self, source: ShapeSource) -> list[Shape]:
        """The first shapes of a source of meshes; none of one of clouds."""
        return [source.shape(name) for name in source.names()[:LOOKED_AT]] if source.holds == "meshes" else []

    def _clouds(self, source: ShapeSource) -> list[Cloud]:
        """The first shapes of a source of clouds; none of one of meshes."""
        return [source.cloud(name)[0] for name in source.names()[:LOOKED_AT]] if source.holds == "clouds" else []

    def test_names_are_unique_and_stay(self) -> None:
        source = self.build()
        names = source.names()
        found = f"names() gives {names!r}" if len(names) <= 3 else f"names() gives a {type(names).__name__} of {len(names)}"
        self.must(isinstance(names, tuple) and len(names) > 0, "name its shapes in a tuple, at least one", found)
        twice = sorted({name for name in names if names.count(name) > 1})
        self.must(not twice, "name its shapes uniquely", f"these come twice: {twice[:5]}")
        again = (source.names(), self.build().names())
        self.must(again == (names, names), "give the same names in the same order every time", "a second call differs")
        self.must(source.fingerprint() == self.build().fingerprint(), "have a fingerprint that stays", "a second one differs")

    def test_a_shape_is_the_same_every_time(self) -> None:
        for first, second in zip(self._some(self.build()), self._some(self.build())):
            same = geometry_digest(first, placed=True) == geometry_digest(second, placed=True)
            self.must(same, "give the same surface whenever a shape is asked for", f"'{first.name}' came out differently")

    def test_a_shape_is_well_formed(self) -> None:
        source = self.build()
        for name, shape in zip(source.names(), self._some(source)):
            self.must(shape.name == name, "give a shape the name it was asked for", f"'{name}' is called '{shape.name}'")
            self.must(len(shape.frames) > 0, "give shapes of at least one frame", f"'{name}' has none")
            for k, mesh in enumerate(shape.frames):
                where = f"frame {k} of '{name}'"
                finite = bool(np.isfinite(mesh.vertices).all())
                self.must(finite and mesh.vertices.shape[1:] == (3,), "give finite vertices [v, 3]", f"{where} has others")
                ints = mesh.faces.dtype == np.int64 and mesh.faces.shape[1:] == (3,) and len(mesh.faces) > 0
                self.must(ints, "give faces [f, 3] int64, at least one", f"{where} has {mesh.faces.dtype} {mesh.faces.shape}")
                inside = mesh.faces.min() >= 0 and mesh.faces.max() < len(mesh.vertices)
                self.must(inside, "give faces of existing vertices", f"{where} refers to vertex {mesh.faces.max()}")
                outwards = not shape.solid or signed_volume(mesh) > 0
                self.must(outwards, "wind solid shapes outwards", f"{where} has volume {signed_volume(mesh):.3g}")

    def test_a_cloud_is_well_formed_and_the_same_every_time(self) -> None:
        source = self.build()
        for first, second, name in zip(self._clouds(source), self._clouds(self.build()), source.names()):
            form = first.points.dtype == np.float32 and first.points.ndim == 3 and first.points.shape[2] == 3
            found = f"'{name}' is {first.points.dtype} {first.points.shape}"
            self.must(form and first.name == name, "give clouds [t, q, 3] float32 of the name asked for", found)
            self.must(np.isfinite(first.points).all(), "give points that are finite", f"'{name}' has others")
            same = np.array_equal(first.points, second.points) and (first.first, first.last) == (second.first, second.last)
            self.must(same, "give the same points whenever a cloud is asked for", f"'{name}' came out differently")
            self.must(first.stock > 0, "give clouds of which points may be drawn", f"'{name}' has none")
            reach = float(np.abs(draw(place_cloud(first), min(first.stock, 64), 0)).max())
            self.must(reach <= BOX_HALF_SIDE, "give clouds that can be placed in the box", f"'{name}' reaches {reach:.4g}")

    def test_a_source_gives_what_it_holds(self) -> None:
        source = self.build()
        self.must(source.holds in ("meshes", "clouds"), "hold 'meshes' or 'clouds'", f"it says {source.holds!r}")
        self.must(source.names(), "name its shapes in a tuple, at least one", "names() gives ()")
        name, other = source.names()[0], source.shape if source.holds == "clouds" else source.cloud
        try:
            other(name)
        except HdbenchError:
            return
        self.breach(f"hold {source.holds} and refuse to give others", f"it gave one for '{name}'")

    def test_a_placed_shape_lies_in_the_box(self) -> None:
        source = self.build()
        for shape in self._some(source):
            placed = source.place(shape)
            kept = placed.name == shape.name and len(placed.frames) == len(shape.frames)
            self.must(kept, "keep name and frames of a shape it places", f"'{shape.name}' became '{placed.name}'")
            reach = max(float(np.abs(mesh.triangles).max()) for mesh in placed.frames)
            self.must(reach <= BOX_HALF_SIDE + ROUNDING, "place shapes in [-0.5, 0.5]^3", f"'{shape.name}' reaches {reach:.4g}")

    def test_notes_come_with_the_same_shape(self) -> None:
        source = self.build()
        for shape in self._some(source):
            noted, notes = source.shape_with_notes(shape.name)
            same = geometry_digest(noted, placed=True) == geometry_digest(shape, placed=True)
            self.must(same, "give the same shape with notes as without", f"'{shape.name}' came out differently")
            self.must(all(isinstance(note, str) for note in notes), "give notes as a list of str", f"they are {notes!r}")

    def test_a_split_names_shapes_that_exist_once(self) -> None:
        source = self.build()
        split = source.split()
        if split is None:
            return
        listed = [*split.train, *split.val, *split.test]
        strange = sorted(set(listed) - set(source.names()))
        self.must(not strange, "split shapes that it has", f"the split names {strange[:5]}")
        self.must(len(set(listed)) == len(listed), "put a shape in one part of the split", "some are in two")

    def test_an_unknown_name_is_refused(self) -> None:
        name = "no shape has this name"
        source = self.build()
        try:
            found = source.shape(name) if source.holds == "meshes" else source.cloud(name)
        except HdbenchError:
            return
        except AssertionError:  # of another rule, which says more
            raise
        except Exception as error:
            raise AssertionError(f"{self.title} must raise HdbenchError for an unknown name, but it raised {error!r}.") from error
        self.breach("raise HdbenchError for an unknown name", f"it gave {type(found).__name__} for {name!r}")
