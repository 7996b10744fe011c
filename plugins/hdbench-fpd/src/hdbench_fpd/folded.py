"""PointNet++ features on a CPU: batch normalisation folded into the weights, a few balls at a time, one cloud after the other.

Three rearrangements, exact up to rounding: the first layer of a set abstraction is computed once per point, since
W [x_j - c; f_j] = W [x_j; f_j] - W c; copies of points that pad a ball are never made; and the bias and the rectifier of the last
layer come after the maximum. A few balls at a time stay in the cache. Clouds never meet in one product, so that a cloud's
features are the same bits in any company.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hdbench_fpd.grouping import LEVELS, Balls, Cloud, canonical, group
from hdbench_fpd.grouping_kernels import gather_rectified, maxima
from hdbench_fpd.pointnet2 import WIDTHS

_EPSILON = 1e-5  # of batch normalisation
_BALLS_AT_ONCE = 32  # their rows fit a core's cache

Layer = tuple[Tensor, Tensor]  # matrix [in, out], bias [out]


class Folded:
    """A state_dict as a function from clouds to features."""

    def __init__(self, state: Mapping[str, Tensor]) -> None:
        levels = ([_folded(state, f"sa{n}.mlp_convs.{k}", f"sa{n}.mlp_bns.{k}") for k in range(3)] for n in (1, 2, 3))
        self.first, self.second, self.third = levels
        self.head = [_folded(state, f"fc{n}", f"bn{n}") for n in (1, 2)]

    def features(self, clouds: NDArray[np.float32]) -> NDArray[np.float64]:
        """Clouds [n, q, 3] in any order of their points -> relu(bn2(fc2)) [n, 256]; clouds are shared among PyTorch's threads."""
        threads = max(1, min(torch.get_num_threads(), len(clouds)))
        shares = np.array_split(np.arange(len(clouds)), threads)
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            found = pool.map(lambda share: [Scratch(self).features(clouds[k]) for k in share], shares)
            rows = [row for part in found for row in part]
        return np.stack(rows).astype(np.float64) if rows else np.empty((0, self.head[-1][1].numel()))


class Scratch:
    """One thread's work: the layers, and room for the rows of a few balls."""

    def __init__(self, layers: Folded) -> None:
        self.layers = layers
        rows = _BALLS_AT_ONCE * max(level.most for level in LEVELS)
        self.room = [torch.empty(rows * max(widths[k] for widths in WIDTHS[:2])) for k in (1, 2, 3)]

    @torch.inference_mode()
    def features(self, cloud: Cloud) -> NDArray[np.float32]:
        """One cloud [q, 3] -> [256]."""
        places = canonical(cloud)
        first, second = group(places)
        features = self._abstract(places, None, first, self.layers.first)
        places = places[first.centres]
        features = self._abstract(places, features, second, self.layers.second)
        rows = torch.cat([torch.from_numpy(places[second.centres]), features], dim=1)
        for matrix, bias in self.layers.third:
            rows = torch.addmm(bias, rows, matrix).relu_()
        row = rows.amax(0, keepdim=True)
        for matrix, bias in self.layers.head:
            row = torch.addmm(bias, row, matrix).relu_()
        return row[0].numpy()

    def _abstract(self, places: Cloud, features: Tensor | None, balls: Balls, layers: Sequence[Layer]) -> Tensor:
        (one, bias), _, (_, last) = layers
        points = torch.addmm(bias, torch.from_numpy(places), one[:3])
        if features is not None:
            points.addmm_(features, one[3:])
        centres = (torch.from_numpy(places[balls.centres]) @ one[:3]).numpy()
        out = torch.empty(len(centres), len(last))
        for low in range(0, len(centres), _BALLS_AT_ONCE):
            few = slice(low, low + _BALLS_AT_ONCE)
            starts = balls.starts[low : low + _BALLS_AT_ONCE + 1]
            members = balls.members[starts[0] : starts[-1]]
            self._maxima(points.numpy(), centres[few], members, starts - starts[0], layers, out[few])
        return out.add_(last).relu_()

    def _maxima(
        self, points: NDArray, centres: NDArray, members: NDArray, starts: NDArray, layers: Sequence[Layer], out: Tensor
    ) -> None:
        """The maxima over a few balls, before the last bias."""
        one, two, three = (_rows(room, len(members), len(bias)) for room, (_, bias) in zip(self.room, layers))
        gather_rectified(points, centres, members, starts, one.numpy())
        torch.addmm(layers[1][1], one, layers[1][0], out=two).relu_()
        torch.mm(two, layers[2][0], out=three)
        maxima(three.numpy(), starts, out.numpy())


def _rows(room: Tensor, count: int, width: int) -> Tensor:
    """The beginning of a flat buffer as [count, width]."""
    return room[: count * width].view(count, width)


def _folded(state: Mapping[str, Tensor], linear: str, norm: str) -> Layer:
    """A linear map and the batch normalisation after it as one linear map."""
    weight, bias = (state[f"{linear}.{part}"].double() for part in ("weight", "bias"))
    scale = state[f"{norm}.weight"].double() / torch.sqrt(state[f"{norm}.running_var"].double() + _EPSILON)
    shift = (bias - state[f"{norm}.running_mean"].double()) * scale + state[f"{norm}.bias"].double()
    return (weight.reshape(len(bias), -1) * scale[:, None]).T.contiguous().float(), shift.float()
