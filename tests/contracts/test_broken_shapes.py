"""The contract of shapes refuses those that are broken, and says why."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from broken_components import broken, complaint
from hdbench_shapes.category import Category
from hdbench_shapes.chair import Chairs
from hdbench_sphere.shapes import Spheres, SpheresConfig

from hdbench.shapes import Mesh, Shape, Split
from hdbench.testing import ShapesContract


def frames(change):
    """``shape`` of spheres whose meshes are changed."""
    return lambda self, name: Shape(name, tuple(map(change, Spheres.shape(self, name).frames)), solid=True)


def bent(mesh: Mesh) -> Mesh:
    return Mesh(mesh.vertices + np.random.default_rng().normal(size=3), mesh.faces)  # another place at every call


SHAPES = [
    ({"names": lambda self: ("a", "b", "a")}, "names_are_unique_and_stay", "uniquely, but these come twice: ['a']"),
    ({"names": lambda self: ()}, "names_are_unique_and_stay", "at least one, but names() gives ()"),
    ({"names": lambda self: (str(torch.rand(())),)}, "names_are_unique_and_stay", "the same order every time"),
    ({"shape": frames(bent)}, "a_shape_is_the_same_every_time", "the same surface whenever"),
    ({"shape": frames(lambda m: Mesh(m.vertices, m.faces + 1))}, "a_shape_is_well_formed", "existing vertices"),
    ({"shape": frames(lambda m: Mesh(m.vertices * np.nan, m.faces))}, "a_shape_is_well_formed", "finite vertices"),
    ({"shape": frames(lambda m: Mesh(m.vertices, m.faces[:, ::-1]))}, "a_shape_is_well_formed", "wind solid shapes outwards"),
    ({"shape": lambda self, name: Shape("other", Spheres.shape(self, name).frames)}, "a_shape_is_well_formed", "called 'other'"),
    ({"place": lambda self, s: Shape(s.name, tuple(Mesh(3 * m.vertices, m.faces) for m in s.frames))},
     "a_placed_shape_lies_in_the_box", "in [-0.5, 0.5]^3, but 'sphere-0000' reaches"),
    ({"split": lambda self: Split(("sphere-0000",), (), ("sphere-0000",))}, "a_split_names_shapes_that_exist_once", "one part"),
    ({"split": lambda self: Split(("x",), (), ())}, "a_split_names_shapes_that_exist_once", "but the split names ['x']"),
    ({"shape_with_notes": lambda self, name: (self.shape(name), [3])}, "notes_come_with_the_same_shape", "a list of str"),
]  # fmt: skip


@pytest.mark.parametrize(("methods", "check", "message"), SHAPES)
def test_broken_shapes_are_refused(methods, check, message):
    said = complaint(ShapesContract, Spheres, broken(Spheres, **methods), f"test_{check}", small=SpheresConfig(count=3))
    assert said.startswith("The shapes 'spheres' must ")
    assert message in said


def test_shapes_that_know_every_name_are_refused():
    anything = broken(Chairs, shape=lambda self, name: Chairs.shape(self, "chair-0000"))
    said = complaint(ShapesContract, Chairs, anything, "test_an_unknown_name_is_refused", small=Category.Config(count=2))
    assert said == (
        "The shapes 'chair' must raise HdbenchError for an unknown name, but it gave Shape for 'no shape has this name'."
    )
