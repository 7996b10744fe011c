"""The six operations of the released network in plain PyTorch, and their gradients: what its CUDA extension computes.

This file needs nothing but PyTorch, of any version. Functions, arguments and layouts ([b, c, n] features, int32 indices) are
those of ``modules.functional.backend`` in the released code, and ``_backend`` is this module: put in that module's place, it
lets the authors' checkout run where there is no CUDA compiler (``sys.modules["modules.functional.backend"] = operations``).

Where points are equally far, a kernel has to choose; the choices are written at each function and are part of what a checkpoint
was trained with. Distances are float32 sums of squared differences in the order x, y, z, never the expanded product. (A GPU may
fuse products, so a near tie may fall otherwise there.)
Source: alexzhou907/PVD at 9747265 (Zhou et al. 2021), whose kernels are of mit-han-lab/pvcnn (Liu et al. 2019).
"""

import sys

import torch

LANES = 512  # threads that search for the furthest point together: they decide which of equals it is
FARTHER_THAN_ALL = 1e38
PAIRS = 1 << 25  # distances in memory at once


# ------------------------------------------------------------------------------------------------- furthest points


def furthest_point_sampling(coords, count):
    """Indices [b, count] of points that spread over coords [b, 3, n]: point 0, then always the one furthest from all chosen.

    Of equally far ones it is that of the smallest index modulo 512, then of the smallest index.
    """
    nearest = torch.full_like(coords[:, 0], FARTHER_THAN_ALL)
    order, back = _order_of_lanes(coords.shape[2], coords.device)
    chosen = torch.zeros(coords.shape[0], count, dtype=torch.long, device=coords.device)
    for k in range(1, count):
        latest = coords.gather(2, chosen[:, k - 1].view(-1, 1, 1).expand(-1, 3, 1))
        nearest = torch.min(nearest, _squared(coords - latest))
        chosen[:, k] = back[_first(nearest == nearest.max(1, keepdim=True)[0], order)]
    return chosen.int()


def _order_of_lanes(count, device):
    """(rank [n] of each index in the order of lanes, the index of each rank)."""
    index = torch.arange(count, device=device)
    rows = (count + LANES - 1) // LANES
    rank = (index % LANES) * rows + index // LANES
    back = torch.zeros(LANES * rows, dtype=torch.long, device=device)
    back[rank] = index
    return rank, back


def _first(hits, rank):
    """The smallest rank [n] among the hits [..., n] of each row."""
    return torch.where(hits, rank.expand_as(hits), torch.full_like(rank, 1 << 40).expand_as(hits)).min(-1)[0]


def _squared(offsets):
    """Squared lengths [b, ...] of offsets [b, 3, ...], added in the order of the axes."""
    return offsets[:, 0] * offsets[:, 0] + offsets[:, 1] * offsets[:, 1] + offsets[:, 2] * offsets[:, 2]


def _squared_distances(to, of):
    """[b, m, n] from each of ``to`` [b, 3, m] to each of ``of`` [b, 3, n]."""
    return _squared(to.unsqueeze(3) - of.unsqueeze(2))


def _by_parts(function, to, of):
    """``function(to, of)`` for as many clouds at a time as memory is meant to hold, put together again."""
    at_once = max(1, PAIRS // (to.shape[2] * of.shape[2]))
    return torch.cat([function(a, b) for a, b in zip(to.split(at_once), of.split(at_once))])


def gather_features_forward(features, indices):
    """features [b, c, n] at indices [b, m] -> [b, c, m]."""
    return features.gather(2, indices.long().unsqueeze(1).expand(-1, features.shape[1], -1))


def gather_features_backward(grad, indices, count):
    """The gradient [b, c, count] of the features from that [b, c, m] of what was gathered."""
    zeros = torch.zeros(grad.shape[0], grad.shape[1], count, dtype=grad.dtype, device=grad.device)
    return zeros.scatter_add_(2, indices.long().unsqueeze(1).expand(-1, grad.shape[1], -1), grad)


# ------------------------------------------------------------------------------------------------- balls, groups


def ball_query(centres, points, radius, most):
    """Indices [b, m, most] of points [b, 3, n] closer than ``radius`` to each centre [b, 3, m], the first ones by index.

    Closer is strict: d^2 < r^2 in float32. Slots that stay free repeat the first hit; without any hit they hold 0.
    """
    radius = torch.tensor(radius, dtype=torch.float32)
    limit = float(radius * radius)
    return _by_parts(lambda c, p: _first_hits(_squared_distances(c, p) < limit, most), centres, points).int()


def _first_hits(hits, most):
    """The first ``most`` positions [..., most] that are true in hits [..., n], filled up as ``ball_query`` says."""
    count = hits.shape[-1]
    index = torch.arange(count, device=hits.device).expand_as(hits)
    index = torch.where(hits, index, torch.full_like(index[..., :1], count).expand_as(hits))
    found = index.topk(min(most, count), dim=-1, largest=False, sorted=True)[0]
    first = found[..., :1]
    found = torch.cat([found] + [first] * (most - found.shape[-1]), dim=-1)
    found = torch.where(found == count, first.expand_as(found), found)
    return torch.where(found == count, torch.zeros_like(found), found)


def grouping_forward(features, indices):
    """features [b, c, n] at indices [b, m, u] -> [b, c, m, u]."""
    flat = gather_features_forward(features, indices.reshape(indices.shape[0], -1))
    return flat.view(features.shape[0], features.shape[1], indices.shape[1], indices.shape[2])


def grouping_backward(grad, indices, count):
    """The gradient [b, c, count] of the features from that [b, c, m, u] of the groups."""
    rows = indices.shape[0]
    return gather_features_backward(grad.reshape(rows, grad.shape[1], -1), indices.reshape(rows, -1), count)


# ------------------------------------------------------------------------------------------------- interpolation


def three_nearest(points, centres):
    """(indices [b, 3, n] int32, weights [b, 3, n]) of the centres [b, 3, m] nearest to each point [b, 3, n].

    Of equally near ones the smallest index comes first. Weights are proportional to 1 / d^2, with d^2 held in [1e-10, 1e10],
    and add up to 1. Where there are fewer than three centres, index 0 fills up at the largest distance.
    """
    found = _by_parts(lambda p, c: _three_smallest(_squared_distances(p, c)), points, centres)
    return found[:, 1].int(), weights_of_three(found[:, 0])


def _three_smallest(distances):
    """The three smallest of distances [b, n, m] and their indices, one above the other: [b, 2, 3, n]."""
    index = torch.arange(distances.shape[2], device=distances.device)
    values, indices = [], []
    for _ in range(3):
        least = distances.min(2, keepdim=True)[0]
        first = _first(distances == least, index)
        values.append(least.squeeze(2))
        indices.append(first)
        distances = distances.scatter(2, first.unsqueeze(2), float("inf"))
    return torch.stack([torch.stack(values, 1), torch.stack(indices, 1).to(distances.dtype)], 1)


def weights_of_three(distances):
    """The weights [b, 3, n] of centres at the squared distances [b, 3, n]."""
    d0, d1, d2 = distances.clamp(1e-10, 1e10).unbind(1)
    parts = torch.stack([d1 * d2, d0 * d2, d0 * d1], 1)
    total = d0 * d1 + d0 * d2 + d1 * d2
    return parts * (1.0 / total).unsqueeze(1)


def three_nearest_neighbors_interpolate_forward(points, centres, features):
    """(features [b, c, n] of the points, indices [b, 3, n], weights [b, 3, n]) from features [b, c, m] of the centres."""
    indices, weights = three_nearest(points, centres)
    return (grouping_forward(features, indices) * weights.unsqueeze(1)).sum(2), indices, weights


def three_nearest_neighbors_interpolate_backward(grad, indices, weights, count):
    """The gradient [b, c, count] of the centres' features."""
    return grouping_backward(grad.unsqueeze(2) * weights.unsqueeze(1), indices, count)


# ------------------------------------------------------------------------------------------------- voxels


def voxel_of(coords, resolution):
    """The flat index x R^2 + y R + z, [b, n], of integer voxel coordinates [b, 3, n]."""
    x, y, z = coords.long().unbind(1)
    return (x * resolution + y) * resolution + z


def avg_voxelize_forward(features, coords, resolution):
    """(means [b, c, R^3] of the features in each voxel, zero where there is no point; voxels [b, n]; counts [b, R^3])."""
    voxels = voxel_of(coords, resolution)
    counts = torch.zeros(voxels.shape[0], resolution**3, device=features.device)
    counts.scatter_add_(1, voxels, torch.ones_like(voxels, dtype=counts.dtype))
    shares = features / counts.gather(1, voxels).unsqueeze(1)
    return gather_features_backward(shares, voxels, resolution**3), voxels.int(), counts.int()


def avg_voxelize_backward(grad, voxels, counts):
    """The gradient [b, c, n] of the features."""
    share = 1.0 / counts.gather(1, voxels.long()).to(grad.dtype)
    return gather_features_forward(grad, voxels) * share.unsqueeze(1)


def corners(coords, resolution):
    """(flat indices [b, 8, n], weights [b, 8, n]) of the voxels around coords [b, 3, n] in [0, R - 1].

    The order is that of binary numbers xyz; a coordinate that is a whole number has no upper neighbour (its weight is 0).
    """
    low = coords.floor()
    upper = coords - low
    step = (upper > 0).long()
    indices, weights = [], []
    for corner in range(8):
        bits = [corner >> 2 & 1, corner >> 1 & 1, corner & 1]
        shares = [upper[:, axis] if bit else 1.0 - upper[:, axis] for axis, bit in enumerate(bits)]
        place = [low[:, axis].long() + (step[:, axis] if bit else 0) for axis, bit in enumerate(bits)]
        indices.append((place[0] * resolution + place[1]) * resolution + place[2])
        weights.append(shares[0] * shares[1] * shares[2])
    return torch.stack(indices, 1), torch.stack(weights, 1)


def trilinear_devoxelize_forward(resolution, is_training, coords, features):
    """(features [b, c, n] at coords [b, 3, n] by linear interpolation in the grid [b, c, R^3], indices, weights [b, 8, n])."""
    indices, weights = corners(coords, resolution)
    return (grouping_forward(features, indices) * weights.unsqueeze(1)).sum(2), indices.int(), weights


def trilinear_devoxelize_backward(grad, indices, weights, resolution):
    """The gradient [b, c, R^3] of the grid."""
    return grouping_backward(grad.unsqueeze(2) * weights.unsqueeze(1), indices, resolution**3)


_backend = sys.modules[__name__]
