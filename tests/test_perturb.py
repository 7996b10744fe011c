"""Perturbations: nothing at strength 0, more with every step, the same for an item whatever stands beside it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from hdbench.errors import HdbenchError
from hdbench.selftest import deform
from hdbench.selftest.modes import modes, oddity
from hdbench.selftest.perturb import FEWEST, PERTURBATIONS, Around
from hdbench.selftest.replacing import share
from hdbench.shape_set import ShapeSet
from hdbench.testing.sets import broken, ellipsoids, emptied

STRENGTHS = (0.05, 0.1, 0.2, 0.4, 0.7, 1.0)
COUNT, FRAMES = 20, 3
DEFORMING = ("noise", "lumps", "voxels", "parts", "scale", "shift")
SHARES = ("outliers", "torn", "still", "empty", "collapse", "copies", "leak")


@pytest.fixture(scope="module")
def shapes():
    return ellipsoids(COUNT, 200, "generated", FRAMES)


@pytest.fixture(scope="module")
def around(shapes):
    sets = (ellipsoids(count, 200, key, FRAMES) for count, key in ((COUNT, "reference"), (30, "training"), (60, "fresh")))
    return Around(*sets, broken(shapes).figures, emptied(shapes, COUNT).figures, seed=3)


def rows(shapes, name=""):
    """The cloud of each sample as bytes; with what its mesh is, for the perturbation that changes nothing else."""
    meshes = shapes.figures["watertight"] if name == "torn" else np.zeros(len(shapes))
    return [cloud.tobytes() + mesh.tobytes() for cloud, mesh in zip(np.ascontiguousarray(shapes.clouds), meshes)]


@pytest.mark.parametrize("name", PERTURBATIONS)
def test_strength_0_is_the_identity_and_the_set_is_left_alone(name, shapes, around):
    before = rows(shapes, name)
    assert PERTURBATIONS[name](shapes, 0, around) is shapes
    worse = PERTURBATIONS[name](shapes, 1, around)
    assert rows(shapes, name) == before
    assert rows(worse, name) != before


@pytest.mark.parametrize("name", PERTURBATIONS)
def test_the_same_call_gives_the_same_set_and_another_seed_another(name, shapes, around):
    first, again = (rows(PERTURBATIONS[name](shapes, 0.5, around), name) for _ in range(2))
    assert first == again
    other = Around(around.reference, around.training, around.fresh, around.torn, around.nothing, seed=4)
    nothing_is_random = ("voxels", "scale", "shift")
    assert (rows(PERTURBATIONS[name](shapes, 0.5, other), name) == first) == (name in nothing_is_random)


@pytest.mark.parametrize("strength", [-0.1, 1.1])
def test_a_strength_outside_of_0_to_1_is_refused(strength, shapes, around):
    with pytest.raises(HdbenchError, match=r"'strength' must be in 0..1"):
        PERTURBATIONS["noise"](shapes, strength, around)


@pytest.mark.parametrize("name", DEFORMING)
def test_points_go_farther_with_strength(name, shapes, around):
    moved = [PERTURBATIONS[name](shapes, strength, around).clouds - shapes.clouds for strength in STRENGTHS]
    distance = [np.sqrt((step.astype(float) ** 2).sum(-1).mean((1, 2))) for step in moved]  # [strength][shape]
    assert (np.diff(distance, axis=0) > 0).all()


@pytest.mark.parametrize("name", DEFORMING)
def test_a_deformation_of_a_shape_does_not_depend_on_the_others(name, shapes, around):
    some = PERTURBATIONS[name](shapes.select(np.arange(5)), 0.4, around).clouds
    assert np.array_equal(some, PERTURBATIONS[name](shapes, 0.4, around).clouds[:5])


@pytest.mark.parametrize("name", SHARES)
def test_a_share_is_so_many_samples_and_holds_the_smaller_shares(name, shapes, around):
    changed = []
    for strength in STRENGTHS:
        worse = rows(PERTURBATIONS[name](shapes, strength, around), name)
        changed.append({i for i, (a, b) in enumerate(zip(rows(shapes, name), worse)) if a != b})
        if name == "collapse" and strength == 1:  # the one that is repeated is in its own place
            assert len(set(worse)) == 1
        else:
            assert len(changed[-1]) == round(strength * COUNT)
    assert all(small <= large for small, large in itertools.pairwise(changed))


def test_noise_has_the_spread_that_it_says(shapes, around):
    step = PERTURBATIONS["noise"](shapes, 0.5, around).clouds - shapes.clouds
    sigma = 0.5 * deform.NOISE * deform.radius(shapes.clouds)
    assert (step / sigma).std() == pytest.approx(1, abs=0.02)


def test_lumps_are_smooth_and_as_large_as_they_say():
    line = np.linspace(-1, 1, 2001)
    cloud = np.stack([line, 0 * line, 0 * line], -1).astype(np.float32)[None, None].repeat(40, 0)
    step = (deform.lumpy(cloud, 1, 0) - cloud)[:, 0] / deform.radius(cloud)[:, 0]
    assert np.sqrt((step**2).sum(-1).mean()) == pytest.approx(deform.LUMP, rel=0.25)
    assert np.abs(np.diff(step, axis=1)).max() < 0.01


def test_snapped_points_lie_in_the_middle_of_their_cell():
    cloud = np.array([[[[0, 0, 0], [0.9, 0.1, 0], [1.1, 0.9, 0], [4, 2, 1]]]], np.float32)
    assert deform.snapped(cloud, 4).tolist() == [[[[0.5, 0.5, 0.5], [0.5, 0.5, 0.5], [1.5, 0.5, 0.5], [4.5, 2.5, 1.5]]]]
    assert deform.snapped(0 * cloud, 4).tolist() == (0 * cloud).tolist()  # nothing but one place


def test_a_part_is_gone_and_the_number_of_points_stays(shapes, around):
    cut = PERTURBATIONS["parts"](shapes, 0.8, around).clouds
    for before, after in zip(shapes.clouds, cut):
        gone = ~(before[0][:, None] == after[0][None]).all(-1).any(1)
        assert gone.sum() == round(0.8 * deform.LARGEST_CUT * 200)
        # What is left is on one side of a plane: the centres of what is gone and what stays lie far apart.
        assert np.linalg.norm(before[0][gone].mean(0) - before[0][~gone].mean(0)) > 0.5 * deform.radius(before[None])
        assert not (before[1][gone][:, None] == after[1][None]).all(-1).any()  # the same points are gone in every frame


def test_blobs_keep_mean_and_covariance_and_have_no_surface(shapes):
    dense = ellipsoids(4, 20_000, "dense").clouds
    blobs = deform.blobs(dense, 0)
    for blob, cloud in zip(blobs[:, 0], dense[:, 0]):
        assert blob.mean(0) == pytest.approx(cloud.mean(0), abs=0.02)
        assert np.cov(blob.T) == pytest.approx(np.cov(cloud.T), abs=0.02)
    spread = [np.ptp(np.linalg.norm(c / c.std(0), axis=1)) for c in (blobs[0, 0], dense[0, 0])]
    assert spread[0] > 3 > 0.5 > spread[1]  # an ellipsoid has one radius


def test_scale_doubles_and_shift_moves_by_two_radii(shapes, around):
    assert PERTURBATIONS["scale"](shapes, 1, around).clouds == pytest.approx(2 * shapes.clouds)
    step = PERTURBATIONS["shift"](shapes, 1, around).clouds - shapes.clouds
    assert step[..., 0] == pytest.approx(np.broadcast_to(2 * deform.radius(shapes.clouds)[..., 0], step.shape[:-1]), abs=1e-5)
    assert (step[..., 1:] == 0).all()


def test_copies_and_leaks_are_samples_of_their_sources(shapes, around):
    for name, source in (("copies", around.training), ("leak", around.reference)):
        worse = rows(PERTURBATIONS[name](shapes, 1, around))
        assert set(worse) <= set(rows(source))
        assert len(set(worse)) == COUNT  # no copy twice


def test_fewer_are_some_of_the_samples_in_their_order(shapes, around):
    left = rows(PERTURBATIONS["fewer"](shapes, 1, around))
    assert len(left) == round(FEWEST * COUNT)
    assert left == [row for row in rows(shapes) if row in set(left)]


def test_samples_that_came_out_empty_stay_empty_under_deformations(shapes, around):
    some = emptied(shapes, 2)
    for name in DEFORMING:
        worse = PERTURBATIONS[name](some, 0.5, around).clouds
        assert np.isnan(worse[:2]).all()
        assert np.isfinite(worse[2:]).all()


def test_what_changes_clouds_drops_the_figures_of_their_meshes_and_what_replaces_samples_keeps_them(shapes, around):
    assert PERTURBATIONS["noise"](shapes, 0.5, around).figures is None
    torn = PERTURBATIONS["torn"](shapes, 0.5, around)
    assert np.array_equal(torn.clouds, shapes.clouds)
    assert torn.figures["watertight"].mean() == 0.5
    assert PERTURBATIONS["empty"](shapes, 0.5, around).figures["empty"].mean() == 0.5


def test_what_it_needs_says_where_it_fits(shapes):
    single = ShapeSet(shapes.clouds[:, :1])
    assert not PERTURBATIONS["still"].fits(single)
    assert not PERTURBATIONS["torn"].fits(single)
    assert PERTURBATIONS["noise"].fits(single)
    assert all(p.fits(shapes) for p in PERTURBATIONS.values())


def lines_and_balls(count):
    """Clouds of two kinds, half and half: along x, and round."""
    rng = np.random.default_rng(5)
    clouds = rng.normal(size=(count, 1, 300, 3)) * [1, 1, 1]
    clouds[: count // 2] *= [1, 0.02, 0.02]
    return ShapeSet(clouds.astype(np.float32))


def test_a_missing_mode_leaves_shapes_of_the_others(monkeypatch):
    monkeypatch.setattr("hdbench.selftest.perturb.MODES", 2)
    around = Around(lines_and_balls(4), lines_and_balls(4), lines_and_balls(40))
    worse = PERTURBATIONS["modes"](lines_and_balls(20), 1, around)
    thin = worse.clouds.std((1, 2))[:, 1] < 0.5
    assert thin.all() or not thin.any()
    assert len(worse) == 20


def test_two_modes_are_found_where_there_are_two():
    vectors = np.concatenate([np.random.default_rng(0).normal(k, 0.1, (10, 4)) for k in (0, 5)])
    found = modes(vectors, 2, seed=0)
    assert set(found[:10]) != set(found[10:])
    assert len(set(found[:10])) == len(set(found[10:])) == 1


def test_the_unusual_go_first_and_the_ordinary_come():
    around_one = np.concatenate([np.zeros((30, 3)) + np.arange(30)[:, None] * 1e-3, np.full((1, 3), 9.0)])
    assert oddity(around_one, around_one).argmax() == 30
    odd = lines_and_balls(20)
    fresh = ShapeSet(np.random.default_rng(1).normal(size=(60, 1, 300, 3)).astype(np.float32))  # balls alone: lines are unusual
    worse = PERTURBATIONS["ordinary"](odd, 0.5, Around(odd, odd, fresh))
    assert (worse.clouds.std((1, 2))[:, 1] > 0.5).all()


def test_shares_round_to_the_nearest_count():
    assert [len(share(60, s, 0, "x")) for s in (0.05, 0.1, 0.5, 1)] == [3, 6, 30, 60]
