"""Chamfer distances on a GPU: one fused kernel, written in Triton (which comes with torch on Linux).

A warp holds up to 512 queries of a pair of clouds in registers, 16 per thread, and lets the targets pass by one at a time.
From each squared difference come both directions at once: the minima of the queries stay in registers; the minimum over the
warp's queries is one instruction per target, joined over warps by an atomic minimum (the bits of numbers >= 0 sort as integers).
There is no matrix in memory, no shared memory and no barrier. Means over points are taken in float64. Results do not depend on
the order in which warps run, and agree with the CPU's to the rounding of float32.

Eight instructions per pair of points: two clouds of 2048 points are 33.6 million, about a microsecond of an H100 or H200.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from hdbench.distances.ranks import join, rank_and_world
from hdbench.errors import HdbenchError

try:
    import triton
    import triton.language as tl
except ImportError as problem:  # Windows, macOS
    raise HdbenchError("Distances on CUDA need triton: install it, or leave the device out to use the CPU.") from problem

_THREADS, _MOST_QUERIES = 32, 512  # of a warp
_TOGETHER = tl.constexpr(8)  # targets per turn of the loop; a divisor of 32
_MINIMA_PER_LAUNCH = 1 << 24  # 64 MiB


class CudaPairs:
    """Distances of pairs of sequences [n, t, q, 3] and [m, t, s, 3] that are kept on the GPU; called like those of the CPU.

    Raises HdbenchError on a machine without CUDA.
    """

    def __init__(self, a: NDArray[np.float32], b: NDArray[np.float32]) -> None:
        if not torch.cuda.is_available():
            raise HdbenchError("There is no CUDA device on this machine. Leave the device out to compute distances on the CPU.")
        self.a = planes(a, "cuda")
        self.b = self.a if b is a else planes(b, "cuda")
        self.frames, self.counts = a.shape[1], (a.shape[2], b.shape[2])

    def __call__(self, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> NDArray[np.float64]:
        """Distances [p] of the listed pairs, shared over ranks."""
        rank, world = rank_and_world()
        mine, out = slice(rank, None, world), np.zeros(len(rows))
        out[mine] = distances(self.a, self.b, self.counts, self.frames, rows[mine], columns[mine])
        join(out)
        return out


def queries_per_warp(points: int) -> int:
    """How many queries a warp holds: a power of two, from 32 to 512, and no more than clouds of so many points fill."""
    return min(_MOST_QUERIES, max(_THREADS, triton.next_power_of_2(points)))


def planes(sequences: NDArray[np.float32], device: str) -> torch.Tensor:
    """Sequences [n, t, q, 3] as coordinate planes of their clouds [n t, 3, q'], filled up to whole warps with the last point."""
    clouds = torch.from_numpy(np.ascontiguousarray(sequences)).to(device).flatten(0, 1)
    surplus = -clouds.shape[1] % queries_per_warp(clouds.shape[1])
    return torch.cat([clouds, clouds[:, -1:].expand(-1, surplus, -1)], dim=1).mT.contiguous()


def distances(
    a: torch.Tensor, b: torch.Tensor, counts: tuple[int, int], frames: int, rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Distances [p] of pairs of sequences, mean over frames; planes [n t, 3, q'] and [m t, 3, s'] of q and s points each."""
    at = np.arange(frames)
    first, second = ((numbers[:, None] * frames + at).ravel() for numbers in (rows, columns))
    per_launch = max(1, _MINIMA_PER_LAUNCH // (a.shape[2] + b.shape[2]))
    parts = [
        _launch(a, b, counts, first[start : start + per_launch], second[start : start + per_launch])
        for start in range(0, len(first), per_launch)
    ]
    return np.concatenate([np.empty(0), *parts]).reshape(-1, frames).mean(1)


def _launch(
    a: torch.Tensor, b: torch.Tensor, counts: tuple[int, int], first: NDArray[np.intp], second: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Distances of pairs of clouds, in one launch."""
    i, j = (torch.from_numpy(numbers.astype(np.int64)).to(a.device) for numbers in (first, second))
    there = torch.empty((len(first), a.shape[2]), device=a.device)
    back = torch.full((len(first), b.shape[2]), torch.inf, device=a.device)
    queries = queries_per_warp(counts[0])
    grid = (len(first), a.shape[2] // queries)
    _minima[grid](a, b, i, j, there, back.view(torch.int32), a.shape[2], b.shape[2], QUERIES=queries, num_warps=1)
    means = (minima[:, :count].double().mean(1) for minima, count in zip((there, back), counts))
    return np.asarray(sum(means).cpu().numpy())  # type: ignore[union-attr]


@triton.jit
def _minima(a, b, rows, columns, there, back, q, s, QUERIES: tl.constexpr):  # other annotations would be looked up by triton
    """A warp's queries of one pair against all targets; a [n, 3, q], b [m, 3, s], there [p, q], back [p, s] as int32."""
    pair = tl.program_id(0).to(tl.int64)
    query = tl.program_id(1) * QUERIES + tl.arange(0, QUERIES)
    from_a, from_b = a + tl.load(rows + pair) * 3 * q + query, b + tl.load(columns + pair) * 3 * s
    x, y, z = tl.load(from_a), tl.load(from_a + q), tl.load(from_a + 2 * q)
    nearest = tl.full([QUERIES], float("inf"), tl.float32)
    for start in range(0, s, _TOGETHER):
        for k in tl.static_range(_TOGETHER):
            target = from_b + start + k
            dx, dy, dz = x - tl.load(target), y - tl.load(target + s), z - tl.load(target + 2 * s)
            squared = dx * dx + dy * dy + dz * dz
            nearest = tl.minimum(nearest, squared)
            bits = tl.min(squared.to(tl.int32, bitcast=True), axis=0)
            tl.atomic_min(back + pair * s + start + k, bits, sem="relaxed")
    tl.store(there + pair * q + query, nearest)
