"""The contract of samplers refuses those that are broken, and says why."""

from __future__ import annotations

import pytest
import torch
from broken_components import broken, complaint
from hdbench_samplers.ddim import DDIM, DDIMConfig

from hdbench.testing import SamplerContract


def sampled(change):
    """``sample`` of DDIM whose arguments (denoise, schedule, start, noise) are changed."""
    return lambda self, *arguments: DDIM.sample(self, *change(*arguments))


def off(by):
    """``sample`` of DDIM whose result is off by something."""
    return lambda self, *arguments: (drawn := DDIM.sample(self, *arguments)) + by(drawn)


def in_place(self, denoise, schedule, start, noise):
    drawn = DDIM.sample(self, denoise, schedule, start, noise)
    start.zero_()
    return drawn


SAMPLERS = [
    ({"sample": off(lambda x: 0.01)}, "a_constant_denoiser_gives_that_constant", "but it ends 0.01 from it"),
    ({"sample": off(lambda x: x.mean(0))}, "a_sample_does_not_depend_on_its_batch", "sample 0 alone is"),
    ({"sample": off(lambda x: 1e-9 + torch.rand(()))}, "all_randomness_comes_from_noise", "a second time differs"),
    ({"sample": off(lambda x: torch.nan)}, "samples_have_the_shape_of_the_start_and_are_finite", "give finite samples"),
    ({"sample": lambda self, *a: DDIM.sample(self, *a)[:1]}, "samples_have_the_shape_of_the_start_and_are_finite", "[1, 6]"),
    ({"sample": sampled(lambda d, s, x, n: (lambda v, step: d(v, step + 1), s, x, n))}, "it_evaluates_inside_the_schedule",
     "evaluate at steps (int) in 0..39, but it asked for 40"),
    ({"sample": sampled(lambda d, s, x, n: (d, s, x, lambda k: n(99 - k)))}, "draws_of_noise_are_counted_from_zero",
     "in order, but it asked for [99, 98"),
    ({"sample": in_place}, "it_evaluates_inside_the_schedule", "leave the start alone"),
]  # fmt: skip


@pytest.mark.parametrize(("methods", "check", "message"), SAMPLERS)
def test_broken_samplers_are_refused(methods, check, message):
    small = DDIMConfig(steps=6, eta=0.5)
    said = complaint(SamplerContract, DDIM, broken(DDIM, **methods), f"test_{check}", small=small)
    assert said.startswith("The sampler 'ddim' must ")
    assert message in said
