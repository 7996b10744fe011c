"""The weight transformer: one token per weight or bias tensor of the field, and one for the time.

A G.pt-style transformer (Peebles et al. 2022) as HyperDiffusion (Erkoc et al., ICCV 2023) uses it: linear projections
per tensor in and out, pre-norm blocks, full attention. With ``time="token"``, ``input_norm`` and without
``projection_bias`` it is the released one, to the number of its parameters and the names in its checkpoints. The
defaults are ours: they learn in hundreds of steps instead of hundreds of thousands.
"""

from __future__ import annotations

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
from hdbench_hyperdiffusion.content import content_of
from hdbench_hyperdiffusion.given import error_of, load_into, refuse_other_network

BANDS = 128  # of the released time features
OCTAVES = 20  # their highest frequency is 2^20
WAVES = 32  # of the smooth time features


@dataclass(frozen=True, slots=True, kw_only=True)
class TransformerConfig:
    """``width`` of a token, ``layers`` blocks, ``heads`` of attention (a divisor of the width).

    ``time``: ``everywhere`` adds a smooth embedding of the time to every token, ``token`` gives the raw features one
    token of their own (the paper). ``input_norm`` normalises projected tokens, ``projection_bias`` gives the projections
    a bias (the paper: with, without).

    ``checkpoint`` names a file of a trained denoiser, which is taken instead of training one (its curve ``loss`` is then its
    error on the fields); ``checkpoint_sha256`` is filled in.
    """

    width: int = 192
    layers: int = 4
    heads: int = 4
    time: Literal["everywhere", "token"] = "everywhere"
    input_norm: bool = False
    projection_bias: bool = True
    training: Training = field(default_factory=Training)
    checkpoint: str = ""
    checkpoint_sha256: str = ""

    def __post_init__(self) -> None:
        check(self.width >= 1, "denoiser.width", "at least 1", self.width)
        check(self.layers >= 1, "denoiser.layers", "at least 1", self.layers)
        check(self.heads >= 1, "denoiser.heads", "at least 1", self.heads)
        content = content_of(self.checkpoint, self.checkpoint_sha256, "denoiser.checkpoint", "denoiser")
        object.__setattr__(self, "checkpoint_sha256", content)


class WeightTransformer(WeightDenoiser):
    """Denoises the weights of a field, tensor by tensor."""

    name = "transformer"
    source = "Erkoc et al. 2023 (arXiv 2303.17015), section 3.2; Rgtemze/HyperDiffusion@fd2c581; Peebles et al. 2022"
    Config = TransformerConfig

    @property
    def ready(self) -> bool:
        """With a checkpoint there is nothing to train."""
        return bool(self.config.checkpoint)

    def network(self, layout: WeightLayout) -> nn.Module:
        """An untrained network for weights of this layout; HdbenchError when the heads do not divide the width, or when the
        checkpoint is of another one."""
        config: TransformerConfig = self.config
        if config.width % config.heads:
            raise HdbenchError(
                f"denoiser.width {config.width} does not split into denoiser.heads {config.heads}. "
                f"Set the width to a multiple, such as {config.width // config.heads * config.heads or config.heads}."
            )
        network = WeightTransformerNetwork(layout.sizes, config)
        if config.checkpoint:
            refuse_other_network(network, config.checkpoint)
        return network

    def train(self, network: nn.Module, weights: Tensor, schedule: Schedule, session: Session) -> dict[str, Tensor]:
        """See ``hdbench.training.train``; a checkpoint is loaded, and its error measured, if there are fields to measure on."""
        if self.config.checkpoint:
            load_into(network.to(session.device).eval(), self.config.checkpoint)
            if len(weights) == 0:
                return {}
            return {"loss": error_of(network, weights, schedule, self.config.training.batch, session)}
        return train(network, weights, schedule, self.config.training, session)


class WeightTransformerNetwork(nn.Module):
    """(noised [b, p], step [b]) -> prediction [b, p]."""

    def __init__(self, sizes: tuple[int, ...], config: TransformerConfig) -> None:
        super().__init__()
        smooth = config.time == "everywhere"
        self.scalar_embedder = SmoothTime(config.width) if smooth else RawTime()
        self.decoder = TokenDecoder(sizes, config)

    def forward(self, noised: Tensor, step: Tensor) -> Tensor:
        return self.decoder(noised, self.scalar_embedder(step))


class RawTime(nn.Module):
    """The released time features: step [b] -> [b, 257], sin and cos of 128 octave-spaced multiples, and the step itself.

    The highest frequencies turn so often that an ulp in ``frequencies`` changes them: they are stored with the network,
    and multiplied in float32 also under autocast.
    """

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("frequencies", 2 ** torch.linspace(0, OCTAVES, BANDS))
        self.frequencies: Tensor

    def forward(self, step: Tensor) -> Tensor:
        time = step.to(torch.float32)[:, None]
        angles = time * self.frequencies.float()
        return torch.cat([angles.sin(), angles.cos(), time], dim=1)


class SmoothTime(nn.Module):
    """Sinusoids of slow frequencies through a small network: step [b] -> [b, width]. Source: Ho et al. 2020, appendix B."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("frequencies", 10_000 ** (-torch.arange(WAVES) / WAVES), persistent=False)
        self.frequencies: Tensor
        self.layers = nn.Sequential(nn.Linear(2 * WAVES, width), nn.SiLU(), nn.Linear(width, width))

    def forward(self, step: Tensor) -> Tensor:
        angles = step.to(torch.float32)[:, None] * self.frequencies
        return self.layers(torch.cat([angles.sin(), angles.cos()], dim=1))


class TokenDecoder(nn.Module):
    """Weights [b, p] and time features -> tokens [b, tensors + 1, width], the time last -> weights [b, p]."""

    def __init__(self, sizes: tuple[int, ...], config: TransformerConfig) -> None:
        super().__init__()
        self.sizes, self.time_everywhere = sizes, config.time == "everywhere"
        width, bias = config.width, config.projection_bias
        inputs = sizes if self.time_everywhere else (*sizes, 2 * BANDS + 1)
        self.input_parameter_projections = nn.ModuleList(nn.Sequential(nn.Linear(size, width, bias=bias)) for size in inputs)
        self.ln_in = nn.LayerNorm(width) if config.input_norm else nn.Identity()
        self.pos_emb = nn.Parameter(torch.zeros(1, len(sizes) + 1, width))
        self.blocks = nn.ModuleList(Block(width, config.heads) for _ in range(config.layers))
        self.ln_f = nn.LayerNorm(width)
        self.output_parameter_projections = nn.ModuleList(nn.Sequential(nn.Linear(width, size, bias=bias)) for size in sizes)
        self.apply(_initialise)

    def forward(self, noised: Tensor, time: Tensor) -> Tensor:
        parts = noised.split(self.sizes, dim=1)
        parts = parts if self.time_everywhere else (*parts, time)
        tokens = [project(part) for project, part in zip(self.input_parameter_projections, parts)]
        if self.time_everywhere:
            tokens = [*(token + time for token in tokens), time]
        x = self.ln_in(torch.stack(tokens, dim=1)) + self.pos_emb
        for block in self.blocks:
            x = block(x)
        x = self.ln_f(x)
        return torch.cat([project(x[:, i]) for i, project in enumerate(self.output_parameter_projections)], dim=1)


def _initialise(module: nn.Module) -> None:
    """Linear layers N(0, 0.02) with zero bias, as released."""
    if isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


class Block(nn.Module):
    """x += attention(norm x); x += mlp(norm x)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.ln1, self.attn = nn.LayerNorm(width), Attention(width, heads)
        self.ln2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.ln1(x))
        return x + self.mlp(self.ln2(x))


class Attention(nn.Module):
    """Every token looks at every token, scaled by 1 / sqrt(width / heads)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.key, self.query, self.value, self.proj = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = (f(x).unflatten(-1, (self.heads, -1)).transpose(1, 2) for f in (self.query, self.key, self.value))
        mixed = nn.functional.scaled_dot_product_attention(query, key, value)
        return self.proj(mixed.transpose(1, 2).flatten(2))
