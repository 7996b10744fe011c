"""The six operations as loops over single numbers, and the network as its authors wrote it: everything gathered, nothing shared.

They are slow and plain, so that they can be read beside the published kernels.
"""

from __future__ import annotations

import numpy as np
import torch
from hdbench_pvd import operations
from hdbench_pvd.network import PVCNN2, embedding
from torch import nn
from torch.nn import functional

F32 = np.float32


def squared(a, b):
    u, v, w = (F32(p) - F32(q) for p, q in zip(a, b))
    return F32(F32(F32(u * u) + F32(v * v)) + F32(w * w))


def furthest(points, count, lanes=512):
    """[count] of points [n, 3], as 512 threads find them: each the furthest of every 512th point, then a tournament."""
    nearest, chosen = np.full(len(points), F32(1e38)), [0]
    while len(chosen) < count:
        best = []
        for lane in range(lanes):
            distance, index = F32(-1), 0
            for k in range(lane, len(points), lanes):
                nearest[k] = min(squared(points[k], points[chosen[-1]]), nearest[k])
                if nearest[k] > distance:
                    distance, index = nearest[k], k
            best.append((distance, index))
        while len(best) > 1:
            best = [right if left[0] < right[0] else left for left, right in zip(best[::2], best[1::2])]
        chosen.append(best[0][1])
    return chosen


def ball(centre, points, radius, most):
    found = []
    for k, point in enumerate(points):
        if squared(centre, point) < F32(radius) * F32(radius):
            found.append(k)
            if len(found) == most:
                break
    return (found + [found[0]] * (most - len(found))) if found else [0] * most


def three(point, centres):
    """Indices and weights of the three nearest centres."""
    best = [(1e40, 0)] * 3
    for k, centre in enumerate(centres):
        d = float(squared(point, centre))
        if d < best[2][0]:
            best[2] = (d, k)
            if d < best[1][0]:
                best[1], best[2] = (d, k), best[1]
                if d < best[0][0]:
                    best[0], best[1] = (d, k), best[0]
    a, b, c = (max(min(1e10, d), float(F32(1e-10))) for d, _ in best)
    total = b * c + a * c + a * b
    return [k for _, k in best], [b * c / total, a * c / total, a * b / total]


def voxel_means(features, voxels, resolution):
    """[c, R, R, R] of features [c, n] at voxels [3, n]."""
    total, counts = np.zeros((len(features), *[resolution] * 3)), np.zeros([resolution] * 3)
    for k, (x, y, z) in enumerate(voxels.T):
        counts[x, y, z] += 1
        total[:, x, y, z] += features[:, k]
    return total / np.maximum(counts, 1)


def trilinear(grid, coords):
    """[c, n] of the grid [c, R, R, R] at coords [3, n]."""
    out = np.zeros((len(grid), coords.shape[1]))
    for k, place in enumerate(coords.T.astype(np.float64)):
        low = np.floor(place).astype(int)
        for corner in np.ndindex(2, 2, 2):
            weight = np.prod(np.where(corner, place - low, 1 - (place - low)))
            if weight:
                out[:, k] += weight * grid[(slice(None), *(low + corner))]
    return out


def interpolate(points, centres, features):
    return operations.three_nearest_neighbors_interpolate_forward(points, centres, features)[0]


def shared_mlp(mlp, x):
    return mlp.layers(x)


def attention(module, x):
    """softmax(q k) as a whole matrix."""
    weights = {layer: (getattr(module, layer).weight.flatten(1), getattr(module, layer).bias) for layer in ("q", "k", "v", "out")}
    flat = x.flatten(2)
    q, k, v = (functional.conv1d(flat, weights[n][0][..., None], weights[n][1]) for n in ("q", "k", "v"))
    seen = v @ torch.softmax(q.transpose(1, 2) @ k, -1).transpose(1, 2)
    out = functional.conv1d(seen, weights["out"][0][..., None], weights["out"][1])
    return functional.silu(module.norm((out + flat).view_as(x)))


def pvconv(module, x, coords, resolution):
    centred = coords - coords.mean(2, keepdim=True)
    inside = centred / (centred.norm(dim=1, keepdim=True).max(2, keepdim=True)[0] * 2.0) + 0.5
    inside = (inside * resolution).clamp(0, resolution - 1)
    grid = operations.avg_voxelize_forward(x, inside.round().int(), resolution)[0].view(*x.shape[:2], *[resolution] * 3)
    layers = list(module.voxel_layers)
    for layer in layers[:6]:
        grid = layer(grid)
    grid = functional.silu(grid) if isinstance(layers[6], nn.SiLU) else attention(layers[6], grid)
    grid = grid * layers[7].fc(grid.mean((2, 3, 4)))[..., None, None, None]
    return operations.trilinear_devoxelize_forward(resolution, False, inside, grid.flatten(2))[0] + shared_mlp(
        module.point_features, x
    )


def abstraction(module, x, coords, stage):
    centres = operations.gather_features_forward(coords, operations.furthest_point_sampling(coords, stage.centres))
    index = operations.ball_query(centres, coords, stage.radius, stage.most)
    around = operations.grouping_forward(coords, index) - centres[..., None]
    groups = torch.cat([around, operations.grouping_forward(x, index)], 1)
    return shared_mlp(module.mlps[0], groups).max(-1)[0], centres


def evaluate(network: PVCNN2, points, time):
    """The network's output [b, 3, n] with the time as further channels of every point."""
    config, stages = network.config, network.config.stages()
    embedded, x, coords, levels, skips = network.embedf(embedding(time))[..., None], points, points, [], []
    for depth, layer in enumerate(network.sa_layers):
        parts = list(layer) if isinstance(layer, nn.Sequential) else [layer]
        levels.append(coords)
        skips.append(x if depth else x[:, :0])
        x = torch.cat([x, embedded.expand(-1, -1, x.shape[2])], 1) if depth else x
        for part in parts[:-1]:
            x = pvconv(part, x, coords, stages[depth].grid)
        x, coords = abstraction(parts[-1], x, coords, stages[depth])
    x = attention(network.global_att, x)
    for layer, resolution in zip(network.fp_layers, (config.voxels[2], *reversed(config.voxels))):
        above = levels.pop()
        x = interpolate(above, coords, torch.cat([x, embedded.expand(-1, -1, x.shape[2])], 1))
        x, coords = shared_mlp(layer[0].mlp, torch.cat([x, skips.pop()], 1)), above
        for part in layer[1:]:
            x = pvconv(part, x, coords, resolution)
    return network.classifier[2](network.classifier[1](shared_mlp(network.classifier[0], x)))
