"""The prior of codes: affine couplings between codes z and normally distributed w (Dinh et al. 2017)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class Coupling(nn.Module):
    """Keeps one half of its input, and scales and shifts the other half by what a network reads from the kept one.

    ``swap`` keeps the second half. The scale is sigmoid(s + 2), below one.
    """

    def __init__(self, size: int, hidden: int, swap: bool) -> None:
        super().__init__()
        half = size // 2
        self.swap = swap
        self.net_s_t = nn.Sequential(
            nn.Linear(half, hidden), nn.ReLU(inplace=True), nn.Linear(hidden, hidden), nn.ReLU(inplace=True),
            nn.Linear(hidden, size),
        )  # fmt: skip

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """z [b, d] -> (its image [b, d], log |det| of the Jacobian [b])."""
        kept, other = self._halves(z)
        s, shift = self.net_s_t(kept).chunk(2, 1)
        return self._joined(kept, other * torch.sigmoid(s + 2) + shift), functional.logsigmoid(s + 2).sum(1)

    def inverse(self, w: Tensor) -> Tensor:
        """What ``forward`` maps to w [b, d]."""
        kept, other = self._halves(w)
        s, shift = self.net_s_t(kept).chunk(2, 1)
        return self._joined(kept, (other - shift) / torch.sigmoid(s + 2))

    def _halves(self, x: Tensor) -> tuple[Tensor, Tensor]:
        first, second = x.chunk(2, 1)
        return (second, first) if self.swap else (first, second)

    def _joined(self, kept: Tensor, other: Tensor) -> Tensor:
        return torch.cat([other, kept] if self.swap else [kept, other], 1)


class LatentFlow(nn.Module):
    """Couplings in a row, which keep the second and the first half in turns; of depth 0 it is the identity."""

    def __init__(self, size: int, hidden: int, depth: int) -> None:
        super().__init__()
        self.chain = nn.ModuleList(Coupling(size, hidden, swap=i % 2 == 0) for i in range(depth))

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Codes z [b, d] -> (w [b, d], log |det dw/dz| [b])."""
        total = z.new_zeros(len(z))
        for coupling in self.chain:
            z, log_det = coupling(z)
            total = total + log_det
        return z, total

    def inverse(self, w: Tensor) -> Tensor:
        """w [b, d] -> codes z [b, d]."""
        for coupling in reversed(self.chain):
            w = coupling.inverse(w)  # type: ignore[operator]
        return w
