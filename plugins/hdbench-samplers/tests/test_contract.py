"""The contracts of the samplers, with and without fresh noise."""

from __future__ import annotations

from hdbench_samplers.ddim import DDIMConfig
from hdbench_samplers.ddpm import DDPMConfig

from hdbench.testing import SamplerContract


class TestDDIM(SamplerContract):
    component = "ddim"
    small = DDIMConfig(steps=8)


class TestDDIMWithNoise(SamplerContract):
    component = "ddim"
    small = DDIMConfig(steps=8, eta=1.0)


class TestDDPM(SamplerContract):
    component = "ddpm"


class TestDDPMWithTheVarianceOfBeta(SamplerContract):
    component = "ddpm"
    small = DDPMConfig(variance="beta")
