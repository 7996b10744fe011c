"""Chains whose end is known: data that are one cloud, and data that are normal."""

from __future__ import annotations

import pytest
import torch
from hdbench_pvd.chains import SamplingConfig, ancestral, betas, ddim, run

KINDS = ("linear", "warm0.1")


def kept(kind):
    return (1 - betas(kind)).cumprod(0)


def knows(cloud, kind):
    """The noise in a noised ``cloud``, told exactly."""
    shares = kept(kind)
    return lambda points, t: (points - shares[t].sqrt().float() * cloud) / (1 - shares[t]).sqrt().float()


def of_normal_data(variance, kind):
    """The expected noise in points of N(0, variance)."""
    shares = kept(kind).tolist()
    return lambda points, t: points * (1 - shares[t]) ** 0.5 / (shares[t] * variance + 1 - shares[t])


def drawing(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return lambda: torch.randn(shape, generator=generator)


def test_schedules_are_the_released_ones():
    linear, warm = betas("linear"), betas("warm0.1")
    assert (linear[0].item(), linear[-1].item()) == pytest.approx((1e-4, 0.02))
    assert (warm[0].item(), warm[99].item(), warm[100].item(), warm[-1].item()) == pytest.approx((1e-5, 0.008, 0.008, 0.008))
    assert kept("linear")[-1].item() == pytest.approx(4.0e-5, rel=0.02)
    assert kept("warm0.1")[-1].item() == pytest.approx(4.9e-4, rel=0.02)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [1, 7, 50, 1000])
def test_ddim_finds_the_only_cloud_there_is(kind, count):
    cloud, draw = torch.linspace(-2, 2, 30).view(1, 3, 10), drawing(2, 3, 10)
    assert torch.allclose(ddim(knows(cloud, kind), draw(), betas(kind), count), cloud.expand(2, -1, -1), atol=1e-3)


def test_the_ancestral_chain_finds_the_only_cloud_there_is():
    cloud, draw = torch.linspace(-2, 2, 30).view(1, 3, 10), drawing(2, 3, 10)
    assert torch.allclose(ancestral(knows(cloud, "linear"), draw(), draw, betas("linear")), cloud.expand(2, -1, -1), atol=1e-3)


def test_single_precision_shrinks_airplanes_by_their_0_14_per_cent():
    cloud, draw = torch.linspace(-2, 2, 30).view(1, 3, 10), drawing(2, 3, 10)
    found = ancestral(knows(cloud, "warm0.1"), draw(), draw, betas("warm0.1"))
    assert (found / cloud).mean().item() == pytest.approx(1 - 0.00136, abs=2e-4)


def variance_after_the_chain(variance, kind):
    """Of N(0, variance), by equations 6 and 7 of Ho et al. 2020 with the expected x0 put in. The posterior's variance is that of
    data that are one point, so the chain ends somewhat narrower than the data."""
    shares, found = [1.0, *kept(kind).tolist()], 1.0
    for before, now in zip(shares[-2::-1], shares[:0:-1]):
        beta = 1 - now / before
        clean = now**0.5 * variance / (now * variance + 1 - now)
        mean = before**0.5 * beta / (1 - now) * clean + (now / before) ** 0.5 * (1 - before) / (1 - now)
        found = mean**2 * found + beta * (1 - before) / (1 - now)
    return found


@pytest.mark.parametrize("variance", [0.04, 1.0])
def test_the_ancestral_chain_gives_normal_data_the_variance_that_follows_from_its_equations(variance):
    draw = drawing(1, 3, 20_000)
    found = ancestral(of_normal_data(variance, "linear"), draw(), draw, betas("linear")).var().item()
    assert found == pytest.approx(variance_after_the_chain(variance, "linear"), rel=0.02)
    assert 0.9 * variance < found < 1.02 * variance


def test_ddim_maps_normal_noise_to_normal_data_by_one_factor():
    start = drawing(1, 3, 50)()
    found = ddim(of_normal_data(0.04, "linear"), start, betas("linear"), 1000)
    first = kept("linear")[-1].item()
    factor = (0.04 / (first * 0.04 + 1 - first)) ** 0.5  # of the flow; 1000 steps come within a per cent
    assert torch.allclose(found, factor * start, rtol=0.02)


def test_the_network_is_told_the_original_steps():
    told = []
    predict = lambda points, t: told.append(t) or torch.zeros_like(points)  # noqa: E731
    ddim(predict, torch.zeros(1, 3, 2), betas("linear"), 50)
    assert (told[0], told[-1], len(set(told))) == (999, 0, 50)
    assert max(told[i] - told[i + 1] for i in range(49)) <= 21
    told.clear()
    run(predict, torch.zeros(1, 3, 2), lambda: torch.zeros(1, 3, 2), "linear", SamplingConfig())
    assert told == list(range(999, -1, -1))


def test_fresh_noise_is_drawn_in_every_step_but_the_last():
    drawn = []
    draw = lambda: drawn.append(1) or torch.zeros(1, 3, 2)  # noqa: E731
    ancestral(lambda points, t: torch.zeros_like(points), torch.zeros(1, 3, 2), draw, betas("linear"))
    assert len(drawn) == 999


def test_fresh_noise_has_the_variance_of_the_posterior():
    """Of two steps, with a network that says nothing: the noise of the first, over the signal that the last one restores."""
    few, zero = betas("linear")[500:502], lambda points, t: torch.zeros_like(points)
    start = torch.zeros(1, 3, 4)
    found = ancestral(zero, start, lambda: torch.ones_like(start), few)
    first, second = (1 - few).cumprod(0).tolist()
    posterior = few[1].item() * (1 - first) / (1 - second)
    assert found.flatten().tolist() == pytest.approx([(posterior / first) ** 0.5] * 12, rel=1e-4)
