"""The authors' own code beside ours: the same weights and noise, their compiled operations replaced by ours or by loops.

HDBENCH_PVD_REPO names a checkout of alexzhou907/PVD at 9747265; without it these tests are skipped.
"""

from __future__ import annotations

import importlib
import os
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch
from hdbench_pvd import chains, operations
from hdbench_pvd.checkpoint import read_checkpoint
from hdbench_pvd.learning import Normalised
from hdbench_pvd.network import PVCNN2, PVCNN2Config

REPO = os.environ.get("HDBENCH_PVD_REPO", "")
pytestmark = [pytest.mark.checkout, pytest.mark.skipif(not REPO, reason="HDBENCH_PVD_REPO names no checkout of PVD")]

ABSENT = ("open3d", "emd_cuda", "chamfer_3D", "tqdm", "metrics", "metrics.evaluation_metrics", "utils.visualize")
BETAS = {"linear": (1e-4, 0.02), "warm0.1": (1e-5, 0.008)}


class Absent(ModuleType):
    """A module that is not needed to generate, with any name in it."""

    __all__ = ()

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Absent(name)


@pytest.fixture(scope="module")
def theirs():
    """Their train_generation.py as a module, with our operations in the place of the compiled ones."""
    before = set(sys.modules)
    sys.path.insert(0, REPO)
    sys.modules.update({name: Absent(name) for name in ABSENT if name not in sys.modules})
    sys.modules["modules.functional.backend"] = operations
    try:
        yield importlib.import_module("train_generation")
    finally:
        sys.path.remove(REPO)
        for name in set(sys.modules) - before:
            if name in ABSENT or str(getattr(sys.modules[name], "__file__", "")).startswith(REPO):
                del sys.modules[name]
        sys.modules.pop("modules.functional.backend", None)


@pytest.fixture(scope="module")
def pair(theirs):
    """Their Model, and our network with its weights."""
    torch.manual_seed(0)
    options = SimpleNamespace(nc=3, embed_dim=64, attention=True, dropout=0.1)
    model = theirs.Model(options, theirs.get_betas("linear", 1e-4, 0.02, 1000), "mse", "eps", "fixedsmall")
    for parameter in model.parameters():
        parameter.data.add_(0.01 * torch.randn(parameter.shape))
    model.eval()
    ours = PVCNN2(PVCNN2Config()).eval()
    ours.load_state_dict(model.model.state_dict())
    return model, ours


def test_names_and_shapes_of_all_tensors_in_their_order(pair):
    theirs, ours = ({name: value.shape for name, value in m.state_dict().items()} for m in (pair[0].model, pair[1]))
    assert list(theirs.items()) == list(ours.items())


def test_their_checkpoints_are_read_tensor_for_tensor(pair, tmp_path):
    model, _ = pair
    model.multi_gpu_wrapper(torch.nn.DataParallel)
    optimiser = torch.optim.Adam(model.parameters())
    torch.save({"epoch": 1, "model_state": model.state_dict(), "optimizer_state": optimiser.state_dict()}, tmp_path / "1.pth")
    model.multi_gpu_wrapper(lambda wrapped: wrapped.module)
    found = read_checkpoint(tmp_path / "1.pth")
    assert found.keys() == model.model.state_dict().keys()
    assert all(torch.equal(found[name], value) for name, value in model.model.state_dict().items())


@pytest.mark.slow
def test_the_same_weights_and_points_give_the_same_noise(pair):
    generator = torch.Generator().manual_seed(1)
    points, time = torch.randn((1, 3, 2048), generator=generator), torch.tensor([700])
    with torch.no_grad():
        assert (pair[0]._denoise(points, time) - pair[1](points, time)).abs().max() < 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("kind", BETAS)
def test_the_same_chain_of_a_few_steps(theirs, pair, kind):
    """Their sampler over 3 steps of theirs, with given noise, beside ours."""
    schedule = theirs.get_betas(kind, *BETAS[kind], 1000)
    assert torch.allclose(torch.from_numpy(schedule), chains.betas(kind), rtol=1e-12)
    few = chains.betas(kind)[:3]
    generator = torch.Generator().manual_seed(2)
    draws = [torch.randn((1, 3, 512), generator=generator) for _ in range(5)]
    diffusion = theirs.GaussianDiffusion(few.numpy(), "mse", "eps", "fixedsmall")
    queue, own = iter(draws), iter(draws)
    with torch.no_grad():
        wanted = diffusion.p_sample_loop(pair[0]._denoise, (1, 3, 512), "cpu", lambda **_: next(queue), clip_denoised=False)
        start = next(own)
        found = chains.ancestral(lambda x, t: pair[1](x, torch.full((1,), t)), start, lambda: next(own), few)
    assert (found - wanted).abs().max() < 1e-4 * wanted.abs().max()


@pytest.mark.parametrize("kind", BETAS)
def test_every_coefficient_of_their_chains(theirs, kind):
    """With a network that says little, all 1000 steps are the sampler's alone."""
    diffusion = theirs.GaussianDiffusion(theirs.get_betas(kind, *BETAS[kind], 1000), "mse", "eps", "fixedsmall")
    draws = [torch.Generator().manual_seed(3) for _ in range(2)]
    says = lambda points, t: 0.5 * points.roll(1, 2)  # noqa: E731
    noise = lambda: torch.randn((2, 3, 8), generator=draws[0])  # noqa: E731
    wanted = diffusion.p_sample_loop(
        says, (2, 3, 8), "cpu", lambda **_: torch.randn((2, 3, 8), generator=draws[1]), clip_denoised=False
    )
    found = chains.ancestral(says, noise(), noise, chains.betas(kind))
    assert torch.allclose(found, wanted, rtol=1e-5, atol=1e-5 * wanted.abs().max().item())


def test_their_normalisation_is_ours(theirs, tmp_path):
    folder = tmp_path / "02691156" / "train"
    folder.mkdir(parents=True)
    clouds = np.random.default_rng(0).standard_normal((2, 15_000, 3)) * (0.3, 0.1, 0.1) + (0, 0.2, 0)
    for name, cloud in zip("ab", clouds):
        np.save(folder / f"{name}.npy", cloud)
    data = importlib.import_module("datasets.shapenet_data_pc").ShapeNet15kPointClouds(str(tmp_path), ["airplane"], split="train")
    ours = Normalised.of(torch.from_numpy(clouds))
    assert data.all_points_mean.flatten() == pytest.approx(ours.mean.numpy(), abs=1e-6)
    assert data.all_points_std.item() == pytest.approx(ours.deviation.item(), rel=1e-6)
    order = [name.rpartition("/")[2] for _, name in data.all_cate_mids]
    assert np.allclose(data.all_points, ours.clouds[["ab".index(name) for name in order]], atol=1e-5)
