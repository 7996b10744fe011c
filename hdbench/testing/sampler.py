"""The contract of a sampler, with denoisers that are known in closed form."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from hdbench.schedule import Schedule
from hdbench.seeds import torch_generator
from hdbench.testing.contract import ComponentContract, same_bits

SIZE = 6  # weights of a sample
SAMPLES = 4


class SamplerContract(ComponentContract):
    """Ends where the denoiser says, stays in the schedule, and takes every random number from ``noise``."""

    kind: ClassVar[str] = "sampler"
    schedule: ClassVar[Schedule] = Schedule(steps=40)

    def _sample(self, samples: tuple[int, ...] = tuple(range(SAMPLES)), constant: Tensor | None = None) -> Tensor:
        """Draw these samples; with the denoiser of weights N(0, 1) or, if given, of one point. Records what was asked for."""
        self.steps: list[int] = []
        self.draws: list[int] = []
        self.seen: list[Tensor] = []
        alpha_bar = self.schedule.alpha_bar().float()
        generators = [torch_generator("sampler", j) for j in samples]

        def noise(draw: int) -> Tensor:
            self.draws.append(draw)
            return torch.stack([torch.randn(SIZE, generator=g) for g in generators])

        def denoise(noised: Tensor, step: int) -> Tensor:
            self._check_step(step)
            self.seen.append(noised)
            return alpha_bar[step].sqrt() * noised if constant is None else constant.expand_as(noised)

        start = torch.stack([torch.randn(SIZE, generator=g) for g in generators])
        before = start.clone()
        drawn = self.build().sample(denoise, self.schedule, start, noise)
        self.must(same_bits(start, before), "leave the start alone", "it is changed")
        return drawn

    def _check_step(self, step: int) -> None:
        inside = type(step) is int and 0 <= step < self.schedule.steps
        self.must(inside, f"evaluate at steps (int) in 0..{self.schedule.steps - 1}", f"it asked for {step!r}")
        self.steps.append(step)

    def test_a_constant_denoiser_gives_that_constant(self) -> None:
        constant = torch.linspace(-2.0, 3.0, SIZE)
        gap = float((self._sample(constant=constant) - constant).abs().max())
        self.must(gap < 1e-4, "end at the one point that its denoiser knows", f"it ends {gap:.2g} from it")

    def test_samples_have_the_shape_of_the_start_and_are_finite(self) -> None:
        drawn = self._sample()
        fits = drawn.shape == (SAMPLES, SIZE) and drawn.dtype == torch.float32
        self.must(fits, f"give samples [b, p] = [{SAMPLES}, {SIZE}] in float32", f"they are {drawn.dtype} {list(drawn.shape)}")
        self.must(drawn.isfinite().all(), "give finite samples", "some are not")
        asked = all(noised.shape == (SAMPLES, SIZE) and bool(noised.isfinite().all()) for noised in self.seen)
        self.must(asked, "show its denoiser finite weights [b, p]", "it showed others")

    def test_it_evaluates_inside_the_schedule(self) -> None:
        self._sample()  # every step is checked as it is asked for
        self.must(self.steps, "evaluate its denoiser", "it never did")

    def test_all_randomness_comes_from_noise(self) -> None:
        drawn = []
        for stray in (1, 2):  # draws from the global generator are not the samples' own
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(stray)
                drawn.append(self._sample())
        self.must(same_bits(*drawn), "give the same samples for the same start and noise", "a second time differs")

    def test_draws_of_noise_are_counted_from_zero(self) -> None:
        self._sample()
        in_order = self.draws == list(range(len(self.draws)))
        self.must(in_order, "ask for the draws of noise 0, 1, 2, ... in order", f"it asked for {self.draws[:8]}")

    def test_a_sample_does_not_depend_on_its_batch(self) -> None:
        together = self._sample()
        for j in range(SAMPLES):
            gap = float((self._sample((j,))[0] - together[j]).abs().max())
            self.must(gap <= 1e-6, "give a sample that does not depend on its batch", f"sample {j} alone is {gap:.2g} off")
