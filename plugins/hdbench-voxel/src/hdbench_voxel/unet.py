"""A 3D UNet that denoises occupancy grids; frames of a sequence are its channels.

With ``resample="conv"``, ``keep_depth`` and attention it is the guided-diffusion UNet (Dhariwal, Nichol 2021) in the
configuration of HyperDiffusion's voxel baseline, to the number of parameters: its "3D" resampling halves only the last
two axes. The defaults are ours, for a CPU: 2 x 2 x 2 cells become channels first, and resampling has no parameters.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor, nn

from hdbench.config import check
from hdbench.errors import HdbenchError
from hdbench.interfaces import Session, WeightDenoiser
from hdbench.schedule import Schedule
from hdbench.training import Training, train
from hdbench.weights import WeightLayout


@dataclass(frozen=True, slots=True, kw_only=True)
class UNetConfig:
    """``channels`` times ``mult`` at each level, ``blocks`` residual blocks per level, ``groups`` of each GroupNorm.

    ``patch``: cells per axis that become channels before the first convolution. ``attention``: the factors of
    downsampling at which (and in the middle) cells attend to each other, in heads of ``head_channels``; none means no
    attention at all. ``resample``: ``pool`` averages and repeats; ``conv`` learns, and its outputs are skips too.
    ``keep_depth`` leaves the first axis at full length (the paper).
    """

    channels: int = 16
    mult: tuple[int, ...] = (1, 2, 3)
    blocks: int = 1
    groups: int = 8
    patch: int = 2
    attention: tuple[int, ...] = ()
    head_channels: int = 32
    resample: Literal["pool", "conv"] = "pool"
    keep_depth: bool = False
    training: Training = field(default_factory=lambda: Training(steps=1000, lr=2e-3, batch=16, ema=0.99))

    def __post_init__(self) -> None:
        check(self.channels >= 2 and self.channels % 2 == 0, "denoiser.channels", "even and at least 2", self.channels)
        check(len(self.mult) >= 1 and min(self.mult, default=0) >= 1, "denoiser.mult", "one or more numbers above 0", self.mult)
        check(self.blocks >= 1, "denoiser.blocks", "at least 1", self.blocks)
        check(self.groups >= 1, "denoiser.groups", "at least 1", self.groups)
        check(self.patch >= 1, "denoiser.patch", "at least 1", self.patch)
        check(all(factor >= 1 for factor in self.attention), "denoiser.attention", "factors of downsampling", self.attention)
        check(self.head_channels >= 1, "denoiser.head_channels", "at least 1", self.head_channels)


class UNet3D(WeightDenoiser):
    """Denoises weights that form one grid [t, r, r, r]."""

    name = "unet3d"
    source = "Dhariwal and Nichol 2021; HyperDiffusion's voxel baseline, Rgtemze/HyperDiffusion@3368e29 (configuration)"
    Config = UNetConfig

    def network(self, layout: WeightLayout) -> nn.Module:
        """An untrained UNet; HdbenchError when the weights are no grid, or the grid does not halve that often."""
        shape = layout.shapes[0]
        if len(layout.shapes) != 1 or len(shape) != 4 or len(set(shape[1:])) != 1:
            raise HdbenchError(
                f"The denoiser 'unet3d' needs weights that form one grid [frames, r, r, r], but these are {layout.shapes}. "
                "Use the encoder 'voxel' and the space 'raw', 'global' or 'perdim'."
            )
        _check_sizes(self.config, shape[1])
        return GridUNet(shape[0], shape[1], self.config)

    def train(self, network: nn.Module, weights: Tensor, schedule: Schedule, session: Session) -> dict[str, Tensor]:
        """See ``hdbench.training.train``."""
        return train(network, weights, schedule, self.config.training, session)


def _check_sizes(config: UNetConfig, resolution: int) -> None:
    halvings = config.patch * 2 ** (len(config.mult) - 1)
    if resolution % halvings:
        raise HdbenchError(
            f"A grid of {resolution} cells per axis does not divide by {halvings} (denoiser.patch {config.patch}, "
            f"{len(config.mult)} levels). Shorten denoiser.mult, or change denoiser.patch or encoder.resolution."
        )
    for factor in config.mult:
        if config.channels * factor % config.groups:
            raise HdbenchError(f"{config.channels * factor} channels do not split into denoiser.groups {config.groups}.")
        if config.attention and config.channels * factor % min(config.head_channels, config.channels * factor):
            raise HdbenchError(f"{config.channels * factor} channels do not split into heads of {config.head_channels}.")


class GridUNet(nn.Module):
    """(noised [b, t r^3], step [b]) -> prediction [b, t r^3]."""

    def __init__(self, frames: int, resolution: int, config: UNetConfig) -> None:
        super().__init__()
        self.frames, self.resolution, self.patch = frames, resolution, config.patch
        self.unet = UNet(frames * config.patch**3, config)

    def forward(self, noised: Tensor, step: Tensor) -> Tensor:
        grid = noised.view(-1, self.frames, *[self.resolution] * 3)
        folded = space_to_channels(grid, self.patch).contiguous(memory_format=torch.channels_last_3d)
        return channels_to_space(self.unet(folded, step), self.patch).flatten(1)


def space_to_channels(grid: Tensor, patch: int) -> Tensor:
    """[b, c, r, r, r] -> [b, c p^3, r/p, r/p, r/p]."""
    b, c, r = grid.shape[:3]
    q = r // patch
    blocks = grid.reshape(b, c, q, patch, q, patch, q, patch)
    return blocks.permute(0, 1, 3, 5, 7, 2, 4, 6).reshape(b, c * patch**3, q, q, q)


def channels_to_space(folded: Tensor, patch: int) -> Tensor:
    """The inverse of ``space_to_channels``."""
    b, c, q = folded.shape[:3]
    blocks = folded.reshape(b, c // patch**3, patch, patch, patch, q, q, q)
    return blocks.permute(0, 1, 5, 2, 6, 3, 7, 4).reshape(b, c // patch**3, *[q * patch] * 3)


class UNet(nn.Module):
    """(grid [b, c, d, h, w], step [b]) -> the same shape."""

    def __init__(self, cells: int, config: UNetConfig) -> None:
        super().__init__()
        base, width = config.channels, 4 * config.channels
        self.base, self.learned = base, config.resample == "conv"
        self.time_embed = nn.Sequential(nn.Linear(base, width), nn.SiLU(), nn.Linear(width, width))
        self.input = nn.Conv3d(cells, base, 3, padding=1)
        widths = [base * factor for factor in config.mult]
        skips = [base] if self.learned else []
        now = base

        self.down = nn.ModuleList()
        for level, channels in enumerate(widths):
            for _ in range(config.blocks):
                self.down.append(Stage(now, channels, level, config))
                now = channels
                skips.append(now)
            if level < len(widths) - 1:
                self.down.append(Resample(now, down=True, config=config))
                skips += [now] if self.learned else []

        self.middle = Middle(now, config)

        self.up = nn.ModuleList()
        for level, channels in reversed(list(enumerate(widths))):
            for _ in range(config.blocks + self.learned):
                self.up.append(Stage(now + skips.pop(), channels, level, config))
                now = channels
            if level:
                self.up.append(Resample(now, down=False, config=config))
        self.output = nn.Sequential(nn.GroupNorm(config.groups, now), nn.SiLU(), _zero(nn.Conv3d(now, cells, 3, padding=1)))

    def forward(self, grid: Tensor, step: Tensor) -> Tensor:
        time = self.time_embed(sinusoids(step, self.base))
        x = self.input(grid)
        skips = [x] if self.learned else []
        for module in self.down:
            x = module(x, time)
            if self.learned or isinstance(module, Stage):
                skips.append(x)
        x = self.middle(x, time)
        for module in self.up:
            x = module(torch.cat([x, skips.pop()], 1) if isinstance(module, Stage) else x, time)
        return self.output(x)


def sinusoids(step: Tensor, width: int) -> Tensor:
    """cos and sin of ``width / 2`` frequencies from 1 to 1/10000: step [b] -> [b, width]. Source: Ho et al. 2020."""
    half = width // 2
    frequencies = torch.exp(-math.log(10_000) * torch.arange(half, device=step.device) / half)
    angles = step.float()[:, None] * frequencies
    return torch.cat([angles.cos(), angles.sin()], dim=1)


class Stage(nn.Module):
    """A residual block, with attention after it at the levels that have it."""

    def __init__(self, inputs: int, outputs: int, level: int, config: UNetConfig) -> None:
        super().__init__()
        self.block = ResidualBlock(inputs, outputs, config)
        self.attention = CellAttention(outputs, config) if 2**level in config.attention else nn.Identity()

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        return self.attention(self.block(x, time))


class Middle(nn.Module):
    """The bottom of the UNet: block, attention, block; without attention one block does."""

    def __init__(self, channels: int, config: UNetConfig) -> None:
        super().__init__()
        attends = bool(config.attention)
        self.first = ResidualBlock(channels, channels, config)
        self.attention = CellAttention(channels, config) if attends else None
        self.second = ResidualBlock(channels, channels, config) if attends else None

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        x = self.first(x, time)
        if self.attention is None or self.second is None:
            return x
        return self.second(self.attention(x), time)


class ResidualBlock(nn.Module):
    """x + conv(norm(conv(norm x) + time)); starts as the identity."""

    def __init__(self, inputs: int, outputs: int, config: UNetConfig) -> None:
        super().__init__()
        self.enter = nn.Sequential(nn.GroupNorm(config.groups, inputs), nn.SiLU(), nn.Conv3d(inputs, outputs, 3, padding=1))
        self.time = nn.Sequential(nn.SiLU(), nn.Linear(4 * config.channels, outputs))
        last = _zero(nn.Conv3d(outputs, outputs, 3, padding=1))
        self.leave = nn.Sequential(nn.GroupNorm(config.groups, outputs), nn.SiLU(), last)
        self.skip = nn.Identity() if inputs == outputs else nn.Conv3d(inputs, outputs, 1)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        inner = self.enter(x) + self.time(time)[:, :, None, None, None]
        return self.skip(x) + self.leave(inner)


class CellAttention(nn.Module):
    """Every cell looks at every cell of its grid; starts as the identity."""

    def __init__(self, channels: int, config: UNetConfig) -> None:
        super().__init__()
        self.heads = max(1, channels // config.head_channels)
        self.norm = nn.GroupNorm(config.groups, channels)
        self.qkv = nn.Conv1d(channels, 3 * channels, 1)
        self.proj = _zero(nn.Conv1d(channels, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        qkv = self.qkv(self.norm(x).flatten(2))  # [b, 3c, cells]
        query, key, value = qkv.unflatten(1, (3, self.heads, -1)).transpose(-1, -2).unbind(1)
        mixed = nn.functional.scaled_dot_product_attention(query, key, value)
        return x + self.proj(mixed.transpose(-1, -2).flatten(1, 2)).view(x.shape)


class Resample(nn.Module):
    """Half or twice as many cells per axis (all but the first with ``keep_depth``)."""

    def __init__(self, channels: int, down: bool, config: UNetConfig) -> None:
        super().__init__()
        self.down, self.factor = down, (1 if config.keep_depth else 2, 2, 2)
        stride = self.factor if down else 1
        learned = config.resample == "conv"
        self.conv = nn.Conv3d(channels, channels, 3, stride=stride, padding=1) if learned else None

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        if self.down:
            return self.conv(x) if self.conv else nn.functional.avg_pool3d(x, self.factor)
        x = nn.functional.interpolate(x, scale_factor=self.factor, mode="nearest")
        return self.conv(x) if self.conv else x


def _zero(module: nn.Conv1d | nn.Conv3d) -> nn.Module:
    nn.init.zeros_(module.weight)
    if module.bias is not None:
        nn.init.zeros_(module.bias)
    return module
