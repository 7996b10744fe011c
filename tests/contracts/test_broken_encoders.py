"""The contract of encoders refuses those that are broken, and says why."""

from __future__ import annotations

import pytest
import torch
from broken_components import broken, complaint
from hdbench_sphere.field import RadiusEncoder

from hdbench.interfaces import Encoded
from hdbench.shapes import Mesh
from hdbench.testing import EncoderContract


def encoded(change):
    """``encode`` of radii whose weights [n, t] are changed."""

    def encode(self, samples, start, session):
        sound = RadiusEncoder.encode(self, samples, start, session)
        return Encoded(change(sound.weights), sound.quality)

    return encode


def decoded(change):
    """``decode`` of radii whose meshes are changed."""
    return lambda self, *arguments: tuple(map(change, RadiusEncoder.decode(self, *arguments)))


ENCODERS = [
    ({"encode": encoded(lambda w: w[:, :0])}, "weights_have_the_size_of_the_layout", "[3, 1] in float32 on the CPU, but"),
    ({"encode": encoded(lambda w: w.double())}, "weights_have_the_size_of_the_layout", "they are torch.float64 [3, 1]"),
    ({"encode": encoded(lambda w: w / 0)}, "weights_have_the_size_of_the_layout", "finite weights"),
    ({"accept": lambda self, quality: torch.ones(3)}, "weights_have_the_size_of_the_layout", "accept() gives torch.float32"),
    ({"encode": encoded(lambda w: w + 1e-6 * w.mean())}, "a_shape_does_not_depend_on_its_company", "weights of 'ball-0' differ"),
    ({"encode": encoded(lambda w: w + 1e-6 * torch.rand(()))}, "the_seed_decides_every_bit", "a second time differs"),
    ({"decode": lambda self, *a: RadiusEncoder.decode(self, *a)[1:]}, "decoded_spheres_are_meshes_that_look_outwards",
     "decode to 1 meshes, one per frame, but 'ball-0' became 0"),
    ({"decode": decoded(lambda m: Mesh(m.vertices, m.faces[:, ::-1]))}, "decoded_spheres_are_meshes_that_look_outwards",
     "outwards, but its signed volume is -"),
    ({"decode": decoded(lambda m: Mesh(m.vertices, m.faces[:0]))}, "decoded_spheres_are_meshes_that_look_outwards", "is empty"),
    ({"decode": decoded(lambda m: Mesh(m.vertices * 2, m.faces))}, "decoded_spheres_are_meshes_that_look_outwards", "reach 0.8"),
]  # fmt: skip


@pytest.mark.parametrize(("methods", "check", "message"), ENCODERS)
def test_broken_encoders_are_refused(methods, check, message):
    said = complaint(EncoderContract, RadiusEncoder, broken(RadiusEncoder, **methods), f"test_{check}")
    assert said.startswith("The encoder 'radius' must ")
    assert message in said
