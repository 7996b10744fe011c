"""DPC whole: encoder, flow and diffusion under the names of the released checkpoints, and the loss that trains them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from hdbench_dpc.config import NetworkConfig
from hdbench_dpc.flow import LatentFlow
from hdbench_dpc.pointnet import PointNetEncoder
from hdbench_dpc.pointwise import PointwiseNet
from hdbench_dpc.schedule import STEPS, VarianceSchedule


@dataclass(frozen=True, slots=True, eq=False)
class Draw:
    """What is random in one training step: ``code`` [b, latent] and ``noise`` [b, n, 3], both normal, and for each of k equal
    groups of a cloud's points the step t of their noise, ``when`` [b, k]."""

    code: Tensor
    noise: Tensor
    when: Tensor


class Diffusion(nn.Module):
    """The points' network and its noise levels."""

    def __init__(self, config: NetworkConfig, residual: bool, steps: int) -> None:
        super().__init__()
        self.net = PointwiseNet(config.latent, config.pointwise, residual)
        self.var_sched = VarianceSchedule(steps)

    def error(self, clouds: Tensor, codes: Tensor, noise: Tensor, when: Tensor) -> Tensor:
        """Mean squared error of the predicted noise, [], of clouds [b, n, 3] with codes [b, latent]; see ``Draw``."""
        groups = when.shape[1]
        clean, noise = (x.reshape(-1, x.shape[1] // groups, 3) for x in (clouds, noise))
        kept = self.var_sched.alpha_bars[when.flatten()].view(-1, 1, 1)
        noised = kept.sqrt() * clean + (1 - kept).sqrt() * noise
        predicted = self.net(noised, self.var_sched.betas[when.flatten()], codes.repeat_interleave(groups, 0))
        return functional.mse_loss(predicted, noise)


class FlowVAE(nn.Module):
    """A variational autoencoder: codes of clouds with a flow as their prior, clouds of codes by diffusion."""

    def __init__(self, config: NetworkConfig, residual: bool = True, steps: int = STEPS) -> None:
        super().__init__()
        self.latent = config.latent
        self.encoder = PointNetEncoder(config)
        self.flow = LatentFlow(config.latent, config.flow_hidden, config.flow_depth)
        self.diffusion = Diffusion(config, residual, steps)

    def loss(self, clouds: Tensor, draw: Draw, kl_weight: float) -> Tensor:
        """The bound on -log p(clouds [b, n, 3]) with its first two terms weighed, []."""
        mean, log_variance = self.encoder(clouds)
        codes = mean + (0.5 * log_variance).exp() * draw.code
        divergence = -normal_entropy(log_variance) - self.log_prior(codes)
        return kl_weight * divergence.mean() + self.diffusion.error(clouds, codes, draw.noise, draw.when)

    def log_prior(self, codes: Tensor) -> Tensor:
        """log p(z) of codes [b, latent], [b]: that of their normally distributed images, and the volume that the flow takes."""
        w, log_det = self.flow(codes)
        return -0.5 * (w.square() + math.log(2 * math.pi)).sum(1) + log_det


def normal_entropy(log_variance: Tensor) -> Tensor:
    """Entropy of independent normals with these log-variances [b, d], in nats, [b]."""
    return 0.5 * (log_variance + 1 + math.log(2 * math.pi)).sum(1)


def parameter_count(config: NetworkConfig) -> int:
    """How many numbers a network of these widths learns."""
    with torch.device("meta"):
        return sum(p.numel() for p in FlowVAE(config).parameters())
