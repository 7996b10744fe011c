"""PointNet++ features of 2048-point clouds beside a plain PointNet++ in eager PyTorch, interleaved, in CPU time of one core.

The peer is written from the description of yanx27/Pointnet_Pointnet2_pytorch at eb64fe0: farthest points by a Python loop of
tensor operations, balls by sorting masked indices of all points, padded groups, 1 x 1 convolutions and batch normalisation as
modules, batches of ten as HyperDiffusion evaluates them. It starts at our start and sees our order of points, so that both give
one answer.

    pytest benchmarks/bench_features.py --benchmark-only -s -o addopts=--import-mode=importlib
"""

from __future__ import annotations

import time
from statistics import median

import numpy as np
import torch
from hdbench_fpd.folded import Folded
from hdbench_fpd.grouping import canonical, group
from hdbench_fpd.pointnet2 import PointNet2
from torch import nn
from torch.nn import functional

from hdbench.points import unit_sphere

POINTS, CLOUDS, ROUNDS = 2048, 10, 5


def surfaces(count, seed):
    """Points on the surfaces of boxes of random proportions, on the unit sphere."""
    rng = np.random.default_rng(seed)
    points = rng.uniform(-1, 1, (count, POINTS, 3))
    np.put_along_axis(points, rng.integers(0, 3, (count, POINTS, 1)), rng.choice([-1.0, 1.0], (count, POINTS, 1)), 2)
    return unit_sphere((points * rng.uniform(0.1, 1, (count, 1, 3))).astype(np.float32))


def squared(a, b):
    return -2 * a @ b.mT + (a**2).sum(-1)[..., None] + (b**2).sum(-1)[:, None]


def pick(points, index):
    rows = torch.arange(len(points)).view(-1, *[1] * (index.ndim - 1)).expand_as(index)
    return points[rows, index]


def farthest(xyz, count, start):
    nearest, chosen = torch.full(xyz.shape[:2], 1e10), torch.zeros(len(xyz), count, dtype=torch.long)
    for i in range(count):
        chosen[:, i] = start
        distance = ((xyz - pick(xyz, start[:, None])) ** 2).sum(-1)
        nearest = torch.where(distance < nearest, distance, nearest)
        start = nearest.max(-1)[1]
    return chosen


def ball(radius, most, xyz, centres):
    index = torch.arange(xyz.shape[1]).repeat(len(xyz), centres.shape[1], 1)
    index[squared(centres, xyz) > radius**2] = xyz.shape[1]
    index = index.sort(-1)[0][..., :most]
    return torch.where(index == xyz.shape[1], index[..., :1], index)


class Plain(nn.Module):
    """The weights of one of ours, in modules that work on padded groups."""

    def __init__(self, ours: PointNet2) -> None:
        super().__init__()
        self.stages = [nn.ModuleList(self.modules_of(sa)) for sa in (ours.sa1, ours.sa2, ours.sa3)]
        self.ours = ours

    @staticmethod
    def modules_of(stage):
        for conv, norm in zip(stage.mlp_convs, stage.mlp_bns):
            flat = nn.BatchNorm2d(norm.num_features).eval()
            flat.load_state_dict(norm.state_dict())
            yield from (conv, flat)

    def pooled(self, stage, groups):
        x = groups.permute(0, 3, 2, 1)
        for conv, norm in zip(stage[::2], stage[1::2]):
            x = functional.relu(norm(conv(x)))
        return x.max(2)[0].mT

    def forward(self, xyz, start):
        features = None
        for stage, (count, radius, most) in zip(self.stages, ((512, 0.2, 32), (128, 0.4, 64))):
            chosen = farthest(xyz, count, start)
            centres = pick(xyz, chosen)
            members = ball(radius, most, xyz, centres)
            groups = pick(xyz, members) - centres[:, :, None]
            groups = groups if features is None else torch.cat([groups, pick(features, members)], -1)
            features, xyz, start = self.pooled(stage, groups), centres, torch.zeros_like(start)
        whole = self.pooled(self.stages[2], torch.cat([xyz, features], -1)[:, None])[:, 0]
        hidden = functional.relu(self.ours.bn1(self.ours.fc1(whole)))
        return functional.relu(self.ours.bn2(self.ours.fc2(hidden)))


def network():
    """Random weights, with running statistics that keep features alive."""
    torch.manual_seed(0)
    ours = PointNet2().eval()
    for name, value in ours.named_buffers():
        if value.is_floating_point():
            value.copy_(0.5 * torch.rand(value.shape) + (0.5 if name.endswith("var") else -0.5))
    return ours


def cpu_ms(work):
    begin = time.process_time()
    result = work()
    return (time.process_time() - begin) * 1e3 / CLOUDS, result


@torch.inference_mode()
def test_features_beside_plain_pytorch(benchmark):
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    ours, clouds = network(), np.stack([canonical(cloud) for cloud in surfaces(CLOUDS, 0)])
    plain, folded = Plain(ours), Folded(ours.state_dict())
    start = torch.tensor([group(cloud)[0].centres[0] for cloud in clouds])
    ways = {
        "hdbench": lambda: folded.features(clouds),
        "plain PyTorch": lambda: plain(torch.from_numpy(clouds), start).numpy(),
    }
    folded.features(clouds[:1])  # compiles
    runs = [{name: cpu_ms(work) for name, work in ways.items()} for _ in range(ROUNDS)]
    cost = {name: median(run[name][0] for run in runs) for name in ways}
    found, wanted = (runs[0][name][1] for name in ways)
    benchmark.extra_info.update({f"{name} ms/cloud": round(ms, 1) for name, ms in cost.items()})
    benchmark.extra_info.update(
        ratio=round(cost["plain PyTorch"] / cost["hdbench"], 1),
        difference=float(np.abs(found - wanted).max() / np.abs(wanted).max()),
    )
    print(benchmark.extra_info)
    benchmark.pedantic(ways["hdbench"], rounds=ROUNDS)
    assert np.median(np.abs(found - wanted)) < 1e-5 * np.abs(wanted).max()
    assert cost["plain PyTorch"] >= 4 * cost["hdbench"]
