"""From the weights of a fitted 3 x 128 MLP to a mesh at 256^3: as the reference does it, densely in tiles, and certified.

``pytest benchmarks/bench_meshing.py --benchmark-only -s`` (two to four minutes) prints the three times, taken in turns in one
process with one thread, the mesh's faces and whether the meshes agree. The reference's way is written anew from what its
sdf_meshing.py does at Rgtemze/HyperDiffusion@fd2c581: the list of all grid points, chunks of 64^3 through the embedder and the
module, marching cubes.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
import torch
from hdbench_hyperdiffusion.encoding import encode_coordinates
from hdbench_hyperdiffusion.isosurface import Layers, extract
from torch import Tensor, nn

from hdbench.meshing import marching_cubes
from hdbench.shapes import Mesh

RESOLUTION, OCTAVES, CHUNK = 256, 4, 64**3
FIT_STEPS, FIT_POINTS = 1500, 200_000


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def in_airplane(points: Tensor) -> Tensor:
    """A fuselage, swept wings 0.016 thick, a tail and two engines: what coarse grids lose. [q, 3] -> bool [q]."""
    x, y, z = points.T
    side = y.abs()
    fuselage = y.square() + z.square() < (0.05 * (1 - (x / 0.47).square()).clamp(min=0)).square()
    wings = (z.abs() < 0.008) & ((x - 0.25 * side + 0.02).abs() < 0.09 * (1 - side / 0.5).clamp(min=0.25)) & (side < 0.45)
    fin = (side < 0.008) & (x > 0.34) & (x < 0.45) & (z > 0) & (z < 0.14)
    tailplane = ((z - 0.02).abs() < 0.007) & (x > 0.34) & (x < 0.45) & (side < 0.16)
    engines = ((side - 0.2).square() + (z + 0.03).square() < 0.02**2) & (x.abs() < 0.07)
    return fuselage | wings | fin | tailplane | engines


class ReferenceMLP(nn.Module):
    """The field as the reference evaluates it: one module that encodes and applies every layer."""

    def __init__(self, hidden: int, depth: int = 3) -> None:
        super().__init__()
        widths = [3 * (1 + 2 * OCTAVES), *[hidden] * depth, 1]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(widths))

    def forward(self, points: Tensor) -> Tensor:
        x = encode_coordinates(points, OCTAVES)
        for layer in self.layers[:-1]:
            x = torch.relu(layer(x))
        return self.layers[-1](x)


@cache
def fitted(hidden: int) -> ReferenceMLP:
    """A module fitted to the airplane, half of the points near it."""
    torch.manual_seed(0)
    uniform = torch.rand(4 * FIT_POINTS, 3) - 0.5
    inner = uniform[in_airplane(uniform)]
    near = inner[torch.randint(len(inner), (FIT_POINTS // 2,))] + 0.015 * torch.randn(FIT_POINTS // 2, 3)
    points = torch.cat([near, uniform[: FIT_POINTS // 2]])
    labels, net = in_airplane(points).float(), ReferenceMLP(hidden)
    optimiser = torch.optim.Adam(net.parameters(), 5e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, FIT_STEPS)
    for _ in range(FIT_STEPS):
        batch = torch.randint(len(points), (1024,))
        loss = nn.functional.binary_cross_entropy_with_logits(net(points[batch])[:, 0], labels[batch])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return net.eval()


def reference_mesh(net: ReferenceMLP) -> Mesh:
    """Every point of the grid through the module, chunk by chunk, then marching cubes."""
    n = RESOLUTION
    index = torch.arange(n**3)
    grid = torch.zeros(n**3, 4)
    for axis, places in enumerate((index // n**2, index // n % n, index % n)):
        grid[:, axis] = places.float() * (1 / (n - 1)) - 0.5
    with torch.no_grad():
        for start in range(0, n**3, CHUNK):
            grid[start : start + CHUNK, 3] = net(grid[start : start + CHUNK, :3])[:, 0]
    return marching_cubes(grid[:, 3].reshape(n, n, n).numpy())


def layers_of(net: ReferenceMLP) -> Layers:
    return [(layer.weight.detach(), layer.bias.detach()) for layer in net.layers if isinstance(layer, nn.Linear)]


def seconds(action: Callable[[], Mesh]) -> tuple[float, Mesh]:
    start = time.process_time()
    mesh = action()
    return time.process_time() - start, mesh


def test_256_cubed(benchmark):
    module = fitted(128)
    layers = layers_of(module)

    def certified() -> Mesh:
        return extract(layers, OCTAVES, 1.0, None, RESOLUTION, 0.0)[0]

    def tiled() -> Mesh:
        return extract(layers, OCTAVES, 1.0, None, RESOLUTION, 0.0, certified=False)[0]

    certified()  # compiles
    times: dict[str, list[float]] = {"certified": [], "tiled": [], "reference": []}
    for _ in range(2):
        for name, action in (("certified", certified), ("reference", lambda: reference_mesh(module)), ("tiled", tiled)):
            spent, mesh = seconds(action)
            times[name].append(spent)
            if name == "certified":
                found = mesh
            elif name == "tiled":
                assert np.array_equal(found.vertices, mesh.vertices)
                assert np.array_equal(found.faces, mesh.faces)
            else:
                # The reference sums the first layer in another order, so its last bits differ; the surface does not.
                assert abs(len(mesh.faces) - len(found.faces)) <= 0.001 * len(found.faces)
    benchmark.pedantic(certified, rounds=3)
    reference, dense, sparse = (statistics.median(times[name]) for name in ("reference", "tiled", "certified"))
    benchmark.extra_info |= {"reference_seconds": reference, "tiled_seconds": dense, "certified_seconds": sparse}
    print(
        f"\n{RESOLUTION}^3, {len(found.faces)} faces, CPU seconds with marching cubes: reference {reference:.1f}, "
        f"tiled dense {dense:.1f}, certified {sparse:.2f}; {reference / sparse:.0f} times faster than the reference, "
        f"{dense / sparse:.0f} times than tiled dense, whose vertices and faces it has"
    )
    assert reference > 40 * sparse


@pytest.mark.parametrize("certified", [True, False])
def test_64_cubed_small_network(benchmark, certified):
    layers = layers_of(fitted(32))
    benchmark(lambda: extract(layers, OCTAVES, 1.0, None, 64, 0.0, certified))
