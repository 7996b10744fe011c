"""The network against its published form, and what its features must not depend on."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hdbench_fpd import extractors
from hdbench_fpd.folded import Folded
from hdbench_fpd.grouping import LEVELS, Balls, canonical, group, spread
from hdbench_fpd.grouping_torch import group_batch
from hdbench_fpd.pointnet2 import PointNet2, together
from torch.nn import functional

from hdbench.points import unit_sphere

RNG = np.random.default_rng(0)


def surfaces(count, points=600, seed=0):
    """Points on the faces of boxes, on the unit sphere's scale."""
    rng = np.random.default_rng(seed)
    cloud = rng.uniform(-1, 1, (count, points, 3))
    np.put_along_axis(cloud, rng.integers(0, 3, (count, points, 1)), rng.choice([-1.0, 1.0], (count, points, 1)), 2)
    return unit_sphere((cloud * rng.uniform(0.2, 1, (count, 1, 3))).astype(np.float32))


@pytest.fixture(scope="module")
def network():
    """Random weights; running statistics that are not those of a fresh network."""
    torch.manual_seed(0)
    net = PointNet2().eval()
    for name, value in net.named_buffers():
        if value.is_floating_point():
            value.copy_(torch.rand(value.shape) + (0.5 if name.endswith("var") else -0.5))
    return net


def test_the_layout_is_the_published_one():
    state = PointNet2().state_dict()
    assert len(state) == 79
    assert sum(v.numel() for v in PointNet2().parameters()) == 1_475_688
    assert sum(v.numel() for v in state.values()) == 1_482_355
    assert state["sa1.mlp_convs.0.weight"].shape == (64, 3, 1, 1)
    assert state["sa3.mlp_convs.2.weight"].shape == (1024, 512, 1, 1)
    assert {"sa2.mlp_bns.1.running_var", "bn2.num_batches_tracked", "fc3.bias"} <= set(state)


# -------------------------------------------------------------------------------------------------------------- grouping


def test_the_canonical_order_spreads_every_beginning():
    assert spread(8).tolist() == [0, 4, 2, 6, 1, 5, 3, 7]
    assert spread(6).tolist() == [0, 4, 2, 1, 5, 3]
    assert spread(1).tolist() == [0]


def test_the_canonical_order_is_that_of_the_set():
    cloud = surfaces(1)[0]
    assert np.array_equal(canonical(cloud[RNG.permutation(len(cloud))]), canonical(cloud))


def test_farthest_points_of_a_line_are_its_ends_and_middle():
    line = np.zeros((5, 3), np.float32)
    line[:, 0] = [0, 1, 2, 3, 10]
    first, _ = group(line)
    assert first.centres.tolist() == [4, 0, 3, 1, 2]  # 10 is farthest from the mean 3.2; 1 and 2 are as far from the rest


def test_a_ball_holds_its_first_points_in_order():
    rng = np.random.default_rng(1)
    cloud = (rng.normal(size=(2000, 3)) * 0.2).astype(np.float32)
    first, _ = group(cloud)
    for i in range(0, 512, 37):
        inside = np.flatnonzero(((cloud - cloud[first.centres[i]]) ** 2).sum(1) <= 0.04)
        assert np.array_equal(first.members[first.starts[i] : first.starts[i + 1]], inside[:32])
    assert np.diff(first.starts).max() == 32


def test_torch_groups_as_numba_does():
    clouds = np.stack([canonical(cloud) for cloud in surfaces(3)])
    clouds[0, 100:200] = clouds[0, 0]  # copies: many equal distances
    ours = [together(balls, count) for balls, count in zip(zip(*map(group, clouds)), (600, 512))]
    for found, wanted in zip(group_batch(torch.from_numpy(clouds)), ours):
        assert torch.equal(found.centres, wanted.centres)
        assert torch.equal(found.members, wanted.members)
        assert torch.equal(found.sizes, wanted.sizes)


# --------------------------------------------------------------------------------------------------------------- features


def normalised(x, norm):
    return functional.batch_norm(x, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps)


def abstraction(module, places, features, balls: Balls, most):
    """The published form: balls padded with their first member, offsets and features side by side, 1 x 1 convolutions."""
    rows = []
    for i, centre in enumerate(balls.centres):
        members = balls.members[balls.starts[i] : balls.starts[i + 1]]
        padded = np.concatenate([members, np.full(most - len(members), members[0])])
        offsets = places[padded] - places[centre]
        rows.append(offsets if features is None else torch.cat([offsets, features[padded]], 1))
    x = torch.stack(rows).permute(2, 1, 0)[None]  # [1, c, most, s]
    for conv, norm in zip(module.mlp_convs, module.mlp_bns):
        x = functional.relu(normalised(conv(x), norm))
    return x.max(2).values[0].T


@torch.no_grad()
def published(network, cloud):
    """Features of one cloud by the published form; everything but the order of the points is its own."""
    cloud = canonical(cloud)
    first, second = group(cloud)
    places = torch.from_numpy(cloud)
    features = abstraction(network.sa1, places, None, first, LEVELS[0].most)
    places = places[first.centres]
    features = abstraction(network.sa2, places, features, second, LEVELS[1].most)
    x = torch.cat([places[second.centres], features], 1).T[None, :, :, None]
    for conv, norm in zip(network.sa3.mlp_convs, network.sa3.mlp_bns):
        x = functional.relu(normalised(conv(x), norm))
    x = functional.relu(network.bn1(network.fc1(x.amax((2, 3)))))
    return functional.relu(network.bn2(network.fc2(x)))[0].double().numpy()


@torch.no_grad()
def by_module(network, clouds):
    places = torch.from_numpy(np.stack([canonical(cloud) for cloud in clouds]))
    return network.embed(places.flatten(0, 1), *group_batch(places), len(clouds)).double().numpy()


@pytest.mark.parametrize("points", [600, 100])  # fewer points than centres
def test_all_three_forms_are_one_function(network, points):
    clouds = surfaces(3, points)
    wanted = np.stack([published(network, cloud) for cloud in clouds])
    scale = np.abs(wanted).max()
    assert (wanted > 0).mean() > 0.2
    assert np.abs(Folded(network.state_dict()).features(clouds) - wanted).max() < 1e-5 * scale
    assert np.abs(by_module(network, clouds) - wanted).max() < 1e-5 * scale


def test_features_are_the_same_bits_in_any_company_order_and_number_of_threads(network):
    clouds, folded = surfaces(5), Folded(network.state_dict())
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        alone = np.concatenate([folded.features(clouds[k : k + 1]) for k in range(5)])
        torch.set_num_threads(2)
        shuffled = clouds[:, RNG.permutation(clouds.shape[1])]
        assert np.array_equal(folded.features(shuffled[::-1])[::-1], alone)
        assert torch.get_num_threads() == 2  # the workers' own setting is theirs
    finally:
        torch.set_num_threads(before)


def test_the_form_for_accelerators_gives_the_same_features(network):
    on_device, clouds = extractors._on_device(network.state_dict(), torch.device("cpu")), surfaces(4, 6000)  # full balls
    wanted = Folded(network.state_dict()).features(clouds)
    assert np.abs(on_device(clouds) - wanted).max() < 1e-5 * np.abs(wanted).max()


def test_features_depend_on_each_point(network):
    cloud = surfaces(1)
    moved = cloud.copy()
    moved[0, 7] *= 1.2
    folded = Folded(network.state_dict())
    assert np.abs(folded.features(moved) - folded.features(cloud)).max() > 0
