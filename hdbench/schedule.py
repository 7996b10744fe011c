"""Noise levels of the diffusion: x_t = sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from hdbench.config import check

LEAST_SIGNAL = 1e-5  # of the variance, at the end of schedules that would leave none
GAMMA = 5.0  # of min-SNR: Hang et al. 2023, section 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A discrete noise schedule, what the network predicts, and how much its error counts at each noise level.

    Defaults are HyperDiffusion's: 500 linear steps from 1e-4 to 2e-2, *not* rescaled for 500 steps, so alpha_bar ends at
    0.00635 rather than at zero; the network predicts the clean weights x0, by a plain mean squared error.

    ``kind``: ``linear`` betas; ``rescaled``, the same times 1000 / steps, so that as little signal is left at the end as Ho et
    al. leave after 1000 steps; ``cosine`` and ``sigmoid`` signal. ``zero_terminal`` shifts any of them so that the last step is
    pure noise, as samples start (not with ``epsilon``, which then says nothing of x0).

    ``weighting``: ``plain`` counts squared errors of what is predicted. In terms of x0 that is a weight of 1 for ``x0``, of
    SNR = alpha_bar / (1 - alpha_bar) for ``epsilon`` and of SNR + 1 for ``v``. ``min-snr`` makes it min(SNR, 5) for all three.

    Source: paper section 3.2; Rgtemze/HyperDiffusion at fd2c581. Nichol and Dhariwal 2021 (cosine), Jabri et al. 2022 (sigmoid),
    Lin et al. 2023 (zero terminal), Salimans and Ho 2022 (v), Hang et al. 2023 (min-SNR).
    """

    steps: int = 500
    kind: Literal["linear", "rescaled", "cosine", "sigmoid"] = "linear"
    beta_start: float = 1e-4
    beta_end: float = 2e-2
    zero_terminal: bool = False
    prediction: Literal["x0", "epsilon", "v"] = "x0"
    weighting: Literal["plain", "min-snr"] = "plain"

    def __post_init__(self) -> None:
        check(self.steps >= 2, "schedule.steps", "at least 2", self.steps)
        check(0 < self.beta_start <= self.beta_end < 1, "schedule.beta_start", "in (0, beta_end]", self.beta_start)
        if self.kind == "rescaled":
            least = int(1000 * self.beta_end) + 1
            check(self.steps >= least, "schedule.steps", f"at least {least} when betas are rescaled", self.steps)
        if self.zero_terminal:
            known = "x0 or v where schedule.zero_terminal leaves no signal"
            check(self.prediction != "epsilon", "schedule.prediction", known, self.prediction)

    def alpha_bar(self) -> Tensor:
        """Share of signal variance left after each step, [steps] float64, decreasing."""
        alpha_bar = {"cosine": self._cosine, "sigmoid": self._sigmoid}.get(self.kind, self._linear)()
        return _without_signal_at_the_end(alpha_bar) if self.zero_terminal else alpha_bar

    def _linear(self) -> Tensor:
        betas = torch.linspace(self.beta_start, self.beta_end, self.steps, dtype=torch.float64)
        if self.kind == "rescaled":
            betas = betas * (1000 / self.steps)
        return torch.cumprod(1 - betas, dim=0)

    def _cosine(self) -> Tensor:
        """Nichol and Dhariwal 2021, equation 17."""
        t = torch.arange(1, self.steps + 1, dtype=torch.float64) / self.steps
        f = torch.cos((torch.cat([torch.zeros(1), t]).double() + 0.008) / 1.008 * torch.pi / 2) ** 2
        return (f[1:] / f[0]).clamp(min=LEAST_SIGNAL)

    def _sigmoid(self) -> Tensor:
        """Jabri et al. 2022, appendix B, from -3 to 3 at temperature 1."""
        t = torch.arange(1, self.steps + 1, dtype=torch.float64) / self.steps
        start, end = torch.sigmoid(torch.tensor([-3.0, 3.0], dtype=torch.float64))
        return ((end - torch.sigmoid(6 * t - 3)) / (end - start)).clamp(min=LEAST_SIGNAL)

    def levels(self, step: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
        """(sqrt(alpha_bar), sqrt(1 - alpha_bar)) at ``step`` [b], shaped to broadcast against ``like`` [b, ...]."""
        alpha_bar = self.alpha_bar().to(like.device)[step].view(-1, *[1] * (like.dim() - 1))
        return alpha_bar.sqrt().to(like.dtype), (1 - alpha_bar).sqrt().to(like.dtype)

    def target(self, clean: Tensor, noise: Tensor, step: Tensor) -> Tensor:
        """What the network is asked for, given x0 and the noise that was added at ``step``."""
        signal, sigma = self.levels(step, clean)
        return {"x0": clean, "epsilon": noise, "v": signal * noise - sigma * clean}[self.prediction]

    def clean(self, noised: Tensor, predicted: Tensor, step: Tensor) -> Tensor:
        """x0 from the network's output at ``step``."""
        signal, sigma = self.levels(step, noised)
        if self.prediction == "epsilon":
            return (noised - sigma * predicted) / signal
        return signal * noised - sigma * predicted if self.prediction == "v" else predicted

    def importance(self, step: Tensor) -> Tensor | None:
        """Weights [b] of the squared errors of what is predicted at ``step`` [b]; None when all count alike.

        The squared error of x0 is that of epsilon over SNR, and that of v over SNR + 1.
        """
        if self.weighting == "plain":
            return None
        alpha_bar = self.alpha_bar().to(step.device)[step]
        snr = alpha_bar / (1 - alpha_bar)
        share = {"x0": torch.ones_like(snr), "epsilon": snr, "v": snr + 1}[self.prediction]
        return (snr.clamp(max=GAMMA) / share).float()


def _without_signal_at_the_end(alpha_bar: Tensor) -> Tensor:
    """Lin et al. 2023, algorithm 1: the signal's root is shifted to end at 0 and stretched to begin where it was."""
    root = alpha_bar.sqrt()
    return ((root - root[-1]) * root[0] / (root[0] - root[-1])).square()
