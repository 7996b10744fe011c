"""Training: the learning rate, killed runs, and a shape whose answer is known."""

from __future__ import annotations

import pytest
import torch
from hdbench_dpc.baseline import DPC
from hdbench_dpc.config import DPCConfig, NetworkConfig, SamplingConfig, TrainingConfig
from hdbench_dpc.sampling import clouds as drawn
from hdbench_dpc.training import batch, train

from hdbench.errors import HdbenchError
from hdbench.interfaces import Session, TrainingSet

SHORT = TrainingConfig(steps=6, batch=3, points=8, times=2, checkpoint_seconds=0.0)


def test_the_learning_rate_is_the_authors():
    rates = [TrainingConfig().rate(step) for step in (0, 200_000, 300_000, 400_000, 10**7)]
    assert rates == pytest.approx([2e-3, 2e-3, 1.05e-3, 1e-4, 1e-4])


def test_a_killed_training_ends_in_the_same_bits(small, normal):
    clouds, saved = normal(4, 16, 3), []
    keep = lambda state: saved.append({name: value.clone() for name, value in state.items()})  # noqa: E731
    model, loss = train(clouds, small, SHORT, Session(seed=1, save=keep))
    assert [int(state["step"]) for state in saved] == [1, 2, 3, 4, 5]
    again, curve = train(clouds, small, SHORT, Session(seed=1, load=lambda: saved[2]))
    assert torch.equal(curve, loss)
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in model.state_dict().items())


def test_a_step_sees_each_cloud_once_and_few_of_its_points(normal):
    clouds = torch.arange(4.0).view(4, 1, 1).expand(4, 16, 3) + torch.arange(16).view(1, 16, 1) / 100
    seen, draw = batch(clouds, TrainingConfig(batch=4, points=8, times=2), 6, seed=0, step=3)
    assert sorted(seen[:, 0, 0].floor().tolist()) == [0, 1, 2, 3]
    assert len(set((seen[0, :, 0] * 100).round().tolist())) == 8
    assert draw.noise.shape == seen.shape
    assert draw.when.shape == (4, 2)
    assert draw.code.shape == (4, 6)


def test_noise_levels_are_all_of_the_schedule_and_none_is_clean():
    clouds = torch.zeros(2, 2000, 3)
    when = batch(clouds, TrainingConfig(points=2000, times=2000), 6, seed=0, step=0)[1].when
    assert sorted(set(when.flatten().tolist())) == list(range(1, 101))


def test_groups_that_do_not_split_the_points_are_refused(normal, small):
    with pytest.raises(HdbenchError, match=r"16 points do not split into training.times=3 groups"):
        train(normal(4, 16, 3), small, TrainingConfig(steps=1, points=30, times=3), Session(seed=0))


def test_a_loss_that_is_not_finite_stops_the_training(small, normal):
    clouds = normal(4, 16, 3)
    clouds[2, 3] = torch.nan
    with pytest.raises(HdbenchError, match=r"no longer a finite number \(seen at step \d\)\. Lower training\.lr"):
        train(clouds, small, SHORT, Session(seed=0))


def test_sequences_are_refused():
    training = TrainingSet(("a", "b"), torch.zeros(2, 16, 8, 3), lambda name: None)
    with pytest.raises(HdbenchError, match="sequences of 16 frames"):
        DPC(DPCConfig()).fit(training, Session(seed=0))


def test_a_single_cloud_is_too_few():
    training = TrainingSet(("a",), torch.rand(1, 1, 8, 3), lambda name: None)
    with pytest.raises(HdbenchError, match="needs two clouds"):
        DPC(DPCConfig()).fit(training, Session(seed=0))


def test_points_of_spheres_learn_to_lie_on_the_sphere():
    """Normal points have radii of deviation 0.673 around 1.596; a centred sphere of unit deviation has the radius sqrt(3)."""
    generator = torch.Generator().manual_seed(0)
    spheres = torch.nn.functional.normalize(torch.randn(8, 256, 3, generator=generator), dim=-1) * 3**0.5
    network = NetworkConfig(latent=2, pointnet=(4, 4, 4, 4), heads=(4, 4), flow_depth=2, flow_hidden=4, pointwise=(32, 32))
    training = TrainingConfig(steps=500, batch=8, lr=1e-2, end_lr=1e-4, points=32, times=32)
    model, _ = train(spheres, network, training, Session(seed=0))
    radii = drawn(model, SamplingConfig(), 500, 0, 0, 1).norm(dim=-1)
    assert float(radii.mean()) == pytest.approx(3**0.5, rel=0.1)
    assert float(radii.std()) < 0.4
