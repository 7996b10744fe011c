"""The contracts of the samplers, with and without fresh noise."""

from __future__ import annotations

from hdbench_samplers.ddim import DDIMConfig
from hdbench_samplers.ddpm import DDPMConfig
from hdbench_samplers.dpm import DPMSolverConfig
from hdbench_samplers.heun import HeunConfig

from hdbench.schedule import Schedule
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


class TestDPMSolver(SamplerContract):
    component = "dpm-solver++"


class TestDPMSolverFromPureNoise(SamplerContract):
    component = "dpm-solver++"
    schedule = Schedule(steps=40, kind="cosine", zero_terminal=True)


class TestDPMSolverOnEveryStep(SamplerContract):
    component = "dpm-solver++"
    small = DPMSolverConfig(steps=40, spacing="uniform")


class TestHeun(SamplerContract):
    component = "heun"


class TestHeunFromPureNoise(SamplerContract):
    component = "heun"
    small = HeunConfig(steps=8, spacing="logsnr")
    schedule = Schedule(steps=40, kind="cosine", zero_terminal=True)
