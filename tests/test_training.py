from __future__ import annotations

import pytest
import torch
from torch import nn

from hdbench.errors import HdbenchError
from hdbench.interfaces import Session
from hdbench.schedule import Schedule
from hdbench.training import Training, _noised, batch_of, train

SCHEDULE = Schedule(steps=20)
SHORT = Training(steps=24, batch=8, lr=1e-2, warmup=4, ema=0.9, checkpoint_seconds=0)
WEIGHTS = torch.randn(10, 6, generator=torch.Generator().manual_seed(0))


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(7, 16), nn.SiLU(), nn.Linear(16, 6))

    def forward(self, noised, step):
        return self.layers(torch.cat([noised, step[:, None] / 20], 1))


def network() -> nn.Module:
    torch.manual_seed(0)
    return Net()


class Store:
    """Keeps the last checkpoint and pulls the plug at the n-th."""

    def __init__(self, kill_at: int = 10**9) -> None:
        self.kept, self.saves, self.kill_at = None, 0, kill_at

    def save(self, tensors):
        self.kept = {k: v.clone() for k, v in tensors.items()}
        self.saves += 1
        if self.saves == self.kill_at:
            raise KeyboardInterrupt

    def session(self) -> Session:
        return Session(seed=3, load=lambda: self.kept, save=self.save)


def finished(training: Training, kill_at: int | None) -> tuple[dict, dict]:
    store = Store(kill_at or 10**9)
    if kill_at:
        with pytest.raises(KeyboardInterrupt):
            train(network(), WEIGHTS, SCHEDULE, training, store.session())
    net = network() if kill_at is None else Net()  # a restart must not depend on the initial parameters
    curves = train(net, WEIGHTS, SCHEDULE, training, store.session())
    return net.state_dict(), curves


@pytest.mark.parametrize("kill_at", [1, 7, 23])
@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_a_killed_training_ends_in_the_same_bits(kill_at, ema):
    training = Training(steps=24, batch=8, lr=1e-2, warmup=4, ema=ema, checkpoint_seconds=0)
    whole, whole_curves = finished(training, None)
    parts, parts_curves = finished(training, kill_at)
    assert all(torch.equal(whole[k], parts[k]) for k in whole)
    assert torch.equal(whole_curves["loss"], parts_curves["loss"])


def test_the_number_of_checkpoints_does_not_change_the_result():
    never = Training(steps=24, batch=8, lr=1e-2, warmup=4, ema=0.9, checkpoint_seconds=1e9)
    assert all(torch.equal(finished(SHORT, None)[0][k], v) for k, v in finished(never, None)[0].items())


def test_a_checkpoint_is_flat_contiguous_and_shares_no_memory():
    store = Store(kill_at=2)
    seen: list = []
    store.save = lambda tensors: seen.append(tensors)  # type: ignore[method-assign]
    train(network(), WEIGHTS, SCHEDULE, SHORT, store.session())
    assert all(isinstance(v, torch.Tensor) and v.is_contiguous() for v in seen[0].values())
    assert len({v.data_ptr() for v in seen[0].values()}) == len(seen[0])


def test_another_seed_gives_another_network():
    a, b = network(), network()
    train(a, WEIGHTS, SCHEDULE, SHORT, Session(seed=3))
    train(b, WEIGHTS, SCHEDULE, SHORT, Session(seed=4))
    assert not torch.equal(a.layers[0].weight, b.layers[0].weight)


def test_an_epoch_sees_every_field_once():
    seen = torch.cat([batch_of(seed=1, step=s, batch=4, count=10) for s in range(5)])
    assert sorted(seen[:10].tolist()) == list(range(10))
    assert sorted(seen[10:20].tolist()) == list(range(10))
    assert not torch.equal(seen[:10], seen[10:20])


def test_a_batch_larger_than_the_data_is_filled_with_further_shuffles():
    assert batch_of(seed=1, step=0, batch=9, count=3).bincount().tolist() == [3, 3, 3]


@pytest.mark.parametrize("prediction", ["x0", "epsilon", "v"])
def test_the_loss_of_a_network_that_says_zero_is_the_mean_square_of_the_target(prediction):
    """x0 = 2 everywhere: the loss is 4 for x0, 1 for noise, and 1 a + 4 (1 - a) for v, on average over steps."""
    zero = nn.Module()
    zero.scale = nn.Parameter(torch.zeros(1))
    zero.forward = lambda noised, step: zero.scale * noised
    schedule = Schedule(steps=20, prediction=prediction, beta_end=0.3)
    slow = Training(steps=40, batch=256, lr=1e-12, weight_decay=0.0, ema=0, warmup=0)
    loss = train(zero, torch.full((5, 50), 2.0), schedule, slow, Session(seed=0))["loss"].mean()
    alpha = schedule.alpha_bar().mean().item()
    assert loss.item() == pytest.approx({"x0": 4.0, "epsilon": 1.0, "v": alpha + 4 * (1 - alpha)}[prediction], rel=0.02)


def test_training_finds_the_best_linear_denoiser():
    """Data N(0, 1) per coordinate: the best x0 at signal level a is a * noised, with loss 1 - a^2."""
    net = nn.Module()
    net.scale = nn.Embedding(2, 1)
    nn.init.zeros_(net.scale.weight)
    net.forward = lambda noised, step: net.scale(step) * noised
    schedule = Schedule(steps=2, beta_start=0.3, beta_end=0.5)
    weights = torch.randn(4096, 8, generator=torch.Generator().manual_seed(1))
    training = Training(steps=300, batch=512, lr=0.02, weight_decay=0.0, clip=0)
    train(net, weights, schedule, training, Session(seed=0))
    expected = schedule.alpha_bar().sqrt().float()
    assert torch.allclose(net.scale.weight[:, 0], expected, atol=0.01)


def test_the_papers_learning_rate_falls_by_a_tenth_every_200_epochs():
    paper = Training(steps=0, epochs=6000, batch=32, lr=2e-4, warmup=0, decay="staircase")
    assert paper.total(2749) == 6000 * 86
    assert paper.rate(200 * 86 - 1, 2749) == pytest.approx(2e-4)
    assert paper.rate(200 * 86, 2749) == pytest.approx(1.8e-4)
    assert paper.rate(6000 * 86 - 1, 2749) == pytest.approx(2e-4 * 0.9**29)


def test_the_linear_decay_holds_for_half_the_steps():
    training = Training(steps=100, lr=1.0, warmup=10)
    rates = [training.rate(s, 5) for s in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[50] == 1.0
    assert rates[75] == pytest.approx(0.5)
    assert rates[99] == pytest.approx(0.02)


def test_the_first_limit_ends_the_training():
    assert Training(steps=100, epochs=3, batch=4).total(10) == 9
    assert Training(steps=5, epochs=3, batch=4).total(10) == 5


def test_progress_ends_at_the_total():
    seen: list[tuple[int, int]] = []
    train(network(), WEIGHTS, SCHEDULE, SHORT, Session(seed=0, progress=lambda done, total: seen.append((done, total))))
    assert seen[-1] == (24, 24)


def test_a_loss_that_is_not_finite_stops_the_training():
    with pytest.raises(HdbenchError, match=r"training\.lr"):
        train(network(), torch.full((4, 6), float("nan")), SCHEDULE, SHORT, Session(seed=0))


def test_nothing_to_train_on_is_said():
    with pytest.raises(HdbenchError, match="no fields"):
        train(network(), torch.zeros(0, 6), SCHEDULE, SHORT, Session(seed=0))


@pytest.mark.parametrize("wrong", [{"lr": 0.0}, {"steps": 0}, {"batch": 0}, {"ema": 1.0}, {"betas": (0.9,)}, {"clip": -1.0}])
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(HdbenchError, match=r"training\."):
        Training(**wrong)


def test_weight_noise_trains_on_a_wider_set_of_fields():
    """A network that has learned the mean of N(m, s^2) data is off by s^2 on the data: noise on the weights adds its variance."""

    class Mean(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.mean = nn.Parameter(torch.zeros(2000))

        def forward(self, noised, step):
            return self.mean.expand(len(noised), -1)

    one_field, settings = torch.ones(1, 2000), {"steps": 300, "batch": 64, "lr": 0.05, "warmup": 0, "ema": 0.0, "clip": 0.0}
    losses = [
        train(Mean(), one_field, SCHEDULE, Training(**settings, weight_noise=s), Session(seed=0))["loss"][-50:].mean()
        for s in (0.0, 0.3)
    ]
    assert losses[0].item() == pytest.approx(0.0, abs=1e-3)
    assert losses[1].item() == pytest.approx(0.09, rel=0.02)


def test_rows_are_weighed_by_the_schedules_importance():
    """The first step's loss, before anything is learned, by hand."""
    schedule = Schedule(steps=20, weighting="min-snr")
    noised, when, target = _noised(WEIGHTS, schedule, 8, 3, 0)
    errors = (network()(noised, when) - target).square().mean(1)
    loss = train(network(), WEIGHTS, schedule, SHORT, Session(seed=3))["loss"][0]
    assert loss.item() == pytest.approx((errors * schedule.importance(when)).mean().item(), rel=1e-5)
    assert loss.item() != pytest.approx(errors.mean().item(), rel=1e-2)
