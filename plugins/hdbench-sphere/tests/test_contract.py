"""The contracts of the tutorial's components."""

from __future__ import annotations

from hdbench_sphere.denoiser import GaussianConfig
from hdbench_sphere.field import RadiusConfig
from hdbench_sphere.shapes import SpheresConfig

from hdbench.testing import BaselineContract, DenoiserContract, EncoderContract, RecipeContract, ShapesContract


class TestSpheres(ShapesContract):
    component = "spheres"
    small = SpheresConfig(count=5)


class TestRadius(EncoderContract):
    component = "radius"
    frames = (1, 2)
    small = RadiusConfig(surface=64)


class TestGaussian(DenoiserContract):
    component = "gaussian"
    small = GaussianConfig(steps=20)
    checkpoints = False  # its training is one formula


class TestResample(BaselineContract):
    component = "resample"
    frames = (1, 2)


class TestSphere(RecipeContract):
    component = "sphere"
