"""Meshes from a generator of ShapeGAN's size at 64^3: the whole grid as the released code has it, ours whole, and ours sparse.

``pytest benchmarks/bench_shapegan.py --benchmark-only -o addopts=--import-mode=importlib -s`` (a minute or two) prints CPU
seconds per shape, taken in turns in one process with one thread, marching cubes included. With HDBENCH_SHAPEGAN_REPO=DIR the
peer is the authors' own module and the generator is their released one of airplanes; without, the peer is written from its
description (rows of point and code through the layers, 100,000 at a time) and the generator is fitted to spheres for a moment.
"""

from __future__ import annotations

import importlib
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import skimage.measure
import torch
from hdbench_shapegan.autodecoder import spread
from hdbench_shapegan.checkpoints import read_generator
from hdbench_shapegan.generators import SDFNet
from hdbench_shapegan.surface import mesh_of
from torch import Tensor

from hdbench.meshing import marching_cubes
from hdbench.shapes import Mesh

REPO = os.environ.get("HDBENCH_SHAPEGAN_REPO", "")
RESOLUTION, LEVEL, CUT, CHUNK, SHAPES = 64, 0.04, 0.1, 100_000, 3


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def fitted() -> SDFNet:
    """A generator whose code says the radius of a sphere in its first entry, its distances cut at 0.1."""
    torch.manual_seed(0)
    net = SDFNet()
    spread(net)
    optimiser = torch.optim.Adam(net.parameters(), 1e-3)
    for _ in range(300):
        codes, points = torch.randn(8, 1) * torch.eye(128)[:1], torch.rand(256, 3) * 2 - 1
        radii = 0.4 + 0.1 * torch.tanh(codes[:, :1])
        loss = (net(points, codes) - (points.norm(dim=1) - radii).clamp(-CUT, CUT)).abs().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return net.eval().requires_grad_(False)


class Described:
    """The peer without a checkout: every point of the grid beside its copy of the code."""

    def __init__(self, net: SDFNet) -> None:
        self.net = net
        axis = torch.linspace(-1, 1, RESOLUTION)
        self.points = torch.cartesian_prod(axis, axis, axis)

    def mesh(self, code: Tensor) -> Mesh:
        values = []
        with torch.no_grad():
            for part in self.points.split(CHUNK):
                rows = torch.cat([part, code.expand(len(part), -1)], 1)
                values.append(self.net.layers2(torch.cat([self.net.layers1(rows), rows], 1))[:, 0])
        return marching_cubes(-torch.cat(values).view(*[RESOLUTION] * 3).numpy(), -LEVEL)


class Theirs:
    """The authors' module with the same weights."""

    def __init__(self, net: SDFNet, folder: Path) -> None:
        here = Path.cwd()
        os.chdir(folder)  # its import makes folders
        sys.path.insert(0, REPO)
        skimage.measure.marching_cubes_lewiner = skimage.measure.marching_cubes
        try:
            self.net = importlib.import_module("model.sdf_net").SDFNet(device="cpu")
        finally:
            os.chdir(here)
            sys.path.remove(REPO)
        self.net.load_state_dict(net.state_dict())

    def mesh(self, code: Tensor) -> object:
        return self.net.get_mesh(code, voxel_resolution=RESOLUTION, sphere_only=False, level=LEVEL)


def seconds(action: Callable[[], object]) -> tuple[float, object]:
    start = time.process_time()
    found = action()
    return time.process_time() - start, found


@pytest.mark.timeout(1500)  # on a busy machine
def test_meshes_at_64(benchmark, tmp_path):
    path = Path(REPO) / "examples" / "gan_generator_voxels_airplanes.to"
    net = read_generator(path) if REPO else fitted()
    peer = Theirs(net, tmp_path) if REPO else Described(net)
    codes = [torch.randn(128, generator=torch.Generator().manual_seed(k)) for k in range(SHAPES)]
    codes = codes if REPO else [code * torch.eye(128)[0] for code in codes]
    ours = lambda code, sparse: mesh_of(net, code, resolution=RESOLUTION, level=LEVEL, unit=1.0, sparse=sparse)  # noqa: E731
    peer.mesh(codes[0])
    ours(codes[0], True)
    times: dict[str, list[float]] = {"peer": [], "whole": [], "sparse": []}
    for code in codes:
        found = {}
        ways = {"sparse": lambda c: ours(c, True), "peer": peer.mesh, "whole": lambda c: ours(c, False)}
        for name, way in ways.items():
            spent, found[name] = seconds(lambda way=way, code=code: way(code))
            times[name].append(spent)
        assert np.array_equal(found["sparse"].vertices, found["whole"].vertices)
        assert np.array_equal(found["sparse"].faces, found["whole"].faces)
        assert len(found["sparse"].faces) > 0
        assert abs(len(found["peer"].faces) - len(found["whole"].faces)) <= 0.001 * len(found["whole"].faces)
    benchmark.pedantic(lambda: ours(codes[0], True), rounds=3)
    whole_peer, whole, sparse = (statistics.median(times[name]) for name in ("peer", "whole", "sparse"))
    print(
        f"\n{RESOLUTION}^3, CPU seconds per shape with marching cubes: {'authors' if REPO else 'peer'} {whole_peer:.2f}, whole "
        f"grid {whole:.2f} ({whole_peer / whole:.1f} times), sparse {sparse:.2f} ({whole_peer / sparse:.1f} times), whose meshes "
        "are the whole grid's bit for bit"
    )
    assert whole < whole_peer
    assert sparse < whole_peer
