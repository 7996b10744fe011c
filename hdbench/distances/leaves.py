"""Clouds as leaves: 16 near points each, with their boxes, from a balanced kd-tree. What exact distances need to skip most pairs
of points.

Every node is halved along its longest side until single leaves are left; of q points there are ceil(q / 16) leaves, and the
last one is filled up with a point that it already holds.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hdbench.distances.lanes import WIDTH
from hdbench.distances.threads import in_parallel

NOWHERE = np.float32(1e18)  # where the boxes lie that fill up the last 16; they are never visited
_DEEPEST = 64
_CLOUDS_PER_TASK = 16


class Leaves(NamedTuple):
    """Clouds of ``points_each`` points as leaves.

    ``points`` [n, l, 3, 16] (x, y, z by lane); ``boxes`` [n, 9, l'] with l' the next multiple of 16: lowest corner, highest
    corner, centre, by coordinate.
    """

    points: NDArray[np.float32]
    boxes: NDArray[np.float32]
    points_each: int


def leaves_of(clouds: NDArray[np.float32], threads: int = 1) -> Leaves:
    """The leaves of clouds [n, q, 3] whose coordinates are finite (clouds with others get leaves without meaning)."""
    n, q, _ = clouds.shape
    count = -(-q // WIDTH)
    points = np.empty((n, count, 3, WIDTH), np.float32)
    boxes = np.full((n, 9, -(-count // WIDTH) * WIDTH), NOWHERE)

    def task(start: int) -> None:
        part = slice(start, start + _CLOUDS_PER_TASK)
        _build_all(clouds[part], points[part], boxes[part])

    in_parallel(task, range(0, n, _CLOUDS_PER_TASK), threads)
    return Leaves(points, boxes, q)


@njit(cache=True, nogil=True, error_model="numpy")
def _build_all(clouds, points, boxes):
    room = points.shape[1] * WIDTH
    order, keys = np.empty(room, np.int32), np.empty(room, np.uint64)
    open_nodes = np.empty((_DEEPEST, 2), np.int64)
    planes = np.empty((3, room), np.float32)
    for i in range(len(clouds)):
        _build(clouds[i], planes, order, keys, open_nodes, points[i], boxes[i])


@njit(cache=True, nogil=True, error_model="numpy")
def _build(cloud, planes, order, keys, open_nodes, points, boxes):
    """One cloud [q, 3]; a node is a range of leaves, and ``order`` [16 l] lists the points by leaf."""
    q = cloud.shape[0]
    for i in range(len(order)):
        order[i] = min(i, q - 1)
        for d in range(3):
            planes[d, i] = cloud[order[i], d]
    open_nodes[0, 0], open_nodes[0, 1], waiting = 0, points.shape[0], 1
    while waiting:
        waiting -= 1
        start, end = open_nodes[waiting, 0], open_nodes[waiting, 1]
        low, high = start * WIDTH, min(end * WIDTH, q)
        if end - start == 1:
            _close(planes, order, low, high, points[start], boxes, start)
            continue
        middle = start + (end - start) // 2
        _halve(planes[_longest_side(planes, order, low, high)], order, keys, low, high, middle * WIDTH)
        open_nodes[waiting, 0], open_nodes[waiting, 1] = start, middle
        open_nodes[waiting + 1, 0], open_nodes[waiting + 1, 1] = middle, end
        waiting += 2


@njit(cache=True, nogil=True, error_model="numpy")
def _close(planes, order, low, high, leaf, boxes, place):
    """Write the points low..high as a leaf, filled up with the last of them, and its box."""
    for d in range(3):
        lowest = highest = planes[d, order[low]]
        for k in range(WIDTH):
            value = planes[d, order[min(low + k, high - 1)]]
            leaf[d, k] = value
            lowest, highest = min(lowest, value), max(highest, value)
        boxes[d, place], boxes[d + 3, place] = lowest, highest
        boxes[d + 6, place] = np.float32(0.5) * lowest + np.float32(0.5) * highest


@njit(cache=True, nogil=True, error_model="numpy")
def _longest_side(planes, order, low, high):
    """The axis along which the points low..high extend most."""
    axis, longest = 0, np.float32(-1)
    for d in range(3):
        lowest = highest = planes[d, order[low]]
        for i in range(low + 1, high):
            value = planes[d, order[i]]
            lowest, highest = value if value < lowest else lowest, value if value > highest else highest
        if highest - lowest > longest:
            axis, longest = d, highest - lowest
    return axis


@njit(cache=True, nogil=True, error_model="numpy")
def _halve(plane, order, keys, low, high, k):
    """Reorder the points low..high (the last excluded) so that those before place k are the smallest along an axis."""
    bits = plane.view(np.uint32)
    for i in range(low, high):  # the bits of a float32, turned so that they sort as integers; equal ones by number
        value = bits[order[i]]
        value ^= np.uint32(0xFFFFFFFF) if value >> np.uint32(31) else np.uint32(0x80000000)
        keys[i] = (np.uint64(value) << np.uint64(32)) | np.uint64(order[i])
    _select(keys, low, high - 1, k)
    for i in range(low, high):
        order[i] = np.int32(keys[i] & np.uint64(0xFFFFFFFF))


@njit(cache=True, nogil=True, error_model="numpy")
def _select(keys, low, high, k):
    """Bring the k-th smallest of the distinct keys low..high (both included) to place k: quickselect without branches."""
    while low < high:
        middle = (low + high) // 2
        a, b, c = keys[low], keys[middle], keys[high]
        pivot = max(min(a, b), min(max(a, b), c))
        place = low if pivot == a else middle if pivot == b else high
        keys[place], keys[high] = keys[high], pivot
        border = low
        for i in range(low, high):
            key = keys[i]
            keys[i], keys[border] = keys[border], key
            border += np.int64(key < pivot)
        keys[high], keys[border] = keys[border], pivot
        if k < border:
            high = border - 1
        elif k > border:
            low = border + 1
        else:
            return
