"""The sphere's answers are known in closed form, so each link of the chain is held to a number from outside."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hdbench_sphere.denoiser import GaussianConfig, GaussianDenoiser, PosteriorMean
from hdbench_sphere.field import RadiusConfig, RadiusEncoder
from hdbench_sphere.shapes import Spheres, SpheresConfig, sphere

from hdbench.distances.chamfer import chamfer
from hdbench.errors import HdbenchError
from hdbench.interfaces import Session
from hdbench.sampling import sample_field, stack
from hdbench.schedule import Schedule
from hdbench.weights import WeightLayout


def test_a_sphere_is_found_by_its_name_alone():
    few, many = Spheres(SpheresConfig(count=3)), Spheres(SpheresConfig(count=300))
    assert np.array_equal(few.shape("sphere-0002").frames[0].vertices, many.shape("sphere-0002").frames[0].vertices)


def test_radii_are_normally_distributed():
    source = Spheres(SpheresConfig(count=2000, mean=0.3, deviation=0.03))
    radii = np.array([source.radius(name) for name in source.names()])
    assert abs(radii.mean() - 0.3) < 4 * 0.03 / math.sqrt(2000)
    assert abs(radii.std() - 0.03) < 4 * 0.03 / math.sqrt(4000)


def test_chamfer_of_concentric_spheres_is_twice_the_squared_gap():
    assert chamfer(sphere(0.5).vertices, sphere(0.6).vertices) == pytest.approx(2 * 0.1**2, rel=1e-5)


def test_the_encoder_finds_the_radius_and_gives_it_back():
    source, encoder = Spheres(SpheresConfig(count=4)), RadiusEncoder(RadiusConfig())
    samples = stack([sample_field(source.place(source.shape(name)), encoder.queries(), 0) for name in source.names()])
    encoded = encoder.encode(samples, {}, Session(seed=0))
    radii = torch.tensor([[source.radius(name)] for name in source.names()])
    assert torch.allclose(encoded.weights, radii.float(), atol=5e-3)  # the faces of the sphere lie a little inside it
    [mesh] = encoder.decode(encoded.weights[0], 1, 64, 0.0)
    assert np.linalg.norm(mesh.vertices, axis=1) == pytest.approx(float(encoded.weights[0]))


def test_a_radius_below_zero_is_an_empty_mesh():
    assert RadiusEncoder(RadiusConfig()).decode(torch.tensor([-0.1]), 1, 64, 0.0)[0].is_empty


def trained(weights: torch.Tensor, schedule: Schedule) -> PosteriorMean:
    denoiser = GaussianDenoiser(GaussianConfig(steps=schedule.steps))
    network = denoiser.network(WeightLayout(("radius",), ((weights.shape[1],),)))
    denoiser.train(network, weights, schedule, Session(seed=0))
    assert isinstance(network, PosteriorMean)
    return network


def test_the_denoiser_is_the_posterior_mean():
    schedule = Schedule(steps=1000)
    network = trained(torch.tensor([[1.0], [3.0]]), schedule)  # mean 2, deviation sqrt(2)
    step = torch.tensor([400])
    a, b = (float(level) for level in schedule.levels(step, torch.zeros(1, 1)))
    noised = 0.7
    posterior = 2 + a * 2 * (noised - a * 2) / (a * a * 2 + b * b)
    assert network(torch.tensor([[noised]]), step).item() == pytest.approx(posterior, rel=1e-5)


def test_it_ends_at_the_data_where_there_is_no_noise_and_at_the_mean_where_there_is_only_noise():
    schedule = Schedule(steps=1000, beta_start=1e-9, beta_end=0.05)
    network = trained(torch.tensor([[0.2], [0.4]]), schedule)
    noised = torch.tensor([[0.37]])
    assert network(noised, torch.tensor([0])).item() == pytest.approx(0.37, abs=1e-4)
    assert network(noised, torch.tensor([999])).item() == pytest.approx(0.3, abs=1e-4)


def test_a_schedule_that_does_not_fit_is_refused():
    denoiser = GaussianDenoiser(GaussianConfig(steps=10))
    with pytest.raises(HdbenchError, match=r"denoiser\.steps=20"):
        denoiser.train(denoiser.network(WeightLayout(("r",), ((1,),))), torch.ones(2, 1), Schedule(steps=20), Session(seed=0))
