"""Against the authors' own code: marian42/shapegan at 090a6a8, in the folder that HDBENCH_SHAPEGAN_REPO names.

HDBENCH_SHAPEGAN_REPO=~/shapegan pytest plugins/hdbench-shapegan/tests/test_parity.py

HDBENCH_SHAPEGAN_POINTS may name the folder ``point_sdf`` of the released point generators, on the branch of that name (c57a460).
"""

from __future__ import annotations

import importlib
import os
import sys
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest
import skimage.measure
import torch
from hdbench_shapegan.checkpoints import KNOWN, far_value, interpret, read_generator
from hdbench_shapegan.discriminators import PointDiscriminator, VoxelDiscriminator
from hdbench_shapegan.generators import SDFGenerator, SDFNet
from hdbench_shapegan.surface import mesh_of
from scipy.spatial import KDTree

from hdbench.external.given import content_hash

REPO = os.environ.get("HDBENCH_SHAPEGAN_REPO", "")
POINTS = os.environ.get("HDBENCH_SHAPEGAN_POINTS", "")
VOXEL_FILES = sorted(Path(REPO).glob("examples/*.to")) if REPO else []
POINT_FILES = sorted(Path(POINTS).glob("*/G*.pt")) if POINTS else []
FILES = pytest.mark.parametrize("path", VOXEL_FILES + POINT_FILES, ids=lambda p: f"{p.parent.name}/{p.name}")
pytestmark = [pytest.mark.checkout, pytest.mark.skipif(not REPO, reason="HDBENCH_SHAPEGAN_REPO names no checkout of ShapeGAN")]

Authors = namedtuple("Authors", "net points voxels sdf")


@pytest.fixture(scope="module")
def authors(tmp_path_factory):
    """Their modules, imported from their folder; ``util`` makes folders where it is imported."""
    before, here = set(sys.modules), Path.cwd()
    os.chdir(tmp_path_factory.mktemp("authors"))
    sys.path.insert(0, REPO)
    skimage.measure.marching_cubes_lewiner = skimage.measure.marching_cubes  # its name since 0.19
    try:
        names = ("model.sdf_net", "model.point_sdf_net", "model.progressive_gan", "model.sdf_net")
        yield Authors(*(importlib.import_module(name) for name in names))
    finally:
        os.chdir(here)
        sys.path.remove(REPO)
        del skimage.measure.marching_cubes_lewiner
        for name in set(sys.modules) - before:
            if name.partition(".")[0] in ("model", "util"):
                del sys.modules[name]


def close(found, expected):
    assert torch.allclose(found, expected, rtol=1e-5, atol=1e-5), float((found - expected).abs().max())


def draws(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def theirs_of(authors, ours):
    """Their module with the weights of ours."""
    theirs = authors.net.SDFNet(device="cpu") if isinstance(ours, SDFNet) else authors.points.SDFGenerator(128, 256, 8)
    theirs.load_state_dict(ours.state_dict())
    return theirs.eval()


def evaluated(theirs, points, codes):
    """Their distances [b, p] at points [p, 3] for codes [b, 128]."""
    count = len(points)
    with torch.no_grad():
        if hasattr(theirs, "lins"):
            return theirs(points.expand(len(codes), count, 3), codes)[..., 0]
        return theirs(points.repeat(len(codes), 1), codes.repeat_interleave(count, 0)).view(len(codes), count)


@pytest.mark.parametrize("kind", [SDFNet, SDFGenerator])
def test_generators_with_random_weights_agree(authors, kind):
    torch.manual_seed(0)
    ours = kind().requires_grad_(False)
    for parameter in ours.parameters():
        parameter.add_(0.05 * draws(*parameter.shape, seed=1))
    theirs, points, codes = theirs_of(authors, ours), draws(500, 3, seed=2), draws(4, 128, seed=3)
    assert list(theirs.state_dict()) == list(ours.state_dict())
    close(ours(points, codes), evaluated(theirs, points, codes))
    close(torch.stack([ours.field(code)(points) for code in codes]), evaluated(theirs, points, codes))


@FILES
def test_the_released_generators_agree(authors, path):
    ours = read_generator(path)
    points, codes = draws(2000, 3) / 2, draws(4, 128, seed=1)
    close(ours(points, codes), evaluated(theirs_of(authors, ours), points, codes))


@FILES
def test_the_released_files_are_known_with_their_units(path):
    assert content_hash(path) in KNOWN
    given = interpret(read_generator(path), path, content_hash(path), None, None)
    assert (given.unit, given.level) == (1.0, 0.04)
    far = far_value(given.generator)
    assert far == pytest.approx(0.1, abs=0.01) if isinstance(given.generator, SDFNet) else far > 0.3


@pytest.mark.parametrize("path", VOXEL_FILES[:1])
def test_meshes_agree_but_for_the_scale_and_the_shift_of_their_grid(authors, path):
    ours, resolution = read_generator(path), 48
    theirs = theirs_of(authors, ours)
    for seed in range(2):
        code = draws(128, seed=seed)
        expected = theirs.get_mesh(code, voxel_resolution=resolution, sphere_only=False, level=0.04)
        found = mesh_of(ours, code, resolution=resolution, level=0.04, unit=1.0)
        steps = (np.asarray(expected.vertices) + 1) * resolution / 2 - 2  # its grid is padded twice, and its spacing is 2 / r
        places = (found.vertices + 0.5) * (resolution - 1)
        assert abs(len(places) - len(steps)) <= 0.001 * len(steps)
        assert KDTree(steps).query(places)[0].max() < 0.01


@pytest.mark.parametrize("stage", [0, 1, 2, 3])
@pytest.mark.parametrize("fade", [1.0, 0.3])
def test_the_voxel_discriminator_agrees(authors, stage, fade):
    torch.manual_seed(0)
    theirs, ours = authors.voxels.Discriminator(), VoxelDiscriminator()
    assert {k: v.shape for k, v in theirs.state_dict().items()} == {k: v.shape for k, v in ours.state_dict().items()}
    ours.load_state_dict(theirs.state_dict())
    theirs.set_iteration(stage)
    theirs.fade_in_progress = ours.fade = fade
    ours.stage = stage
    grids = draws(2, *[8 * 2**stage] * 3)
    with torch.no_grad():
        close(ours(grids), theirs(grids))


def test_the_point_discriminator_agrees(authors):
    torch.manual_seed(0)
    theirs, ours = authors.points.PointNet(out_channels=1), PointDiscriminator()
    ours.load_state_dict(theirs.state_dict())
    points, values = draws(3, 200, 3), draws(3, 200, seed=1)
    with torch.no_grad():
        close(ours(points, values), theirs(points, values)[:, 0])
