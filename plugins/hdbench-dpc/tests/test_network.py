"""The network: names and shapes of the released files, and its formulas against loops over numpy arrays."""

from __future__ import annotations

import dpc_in_loops as loops
import numpy as np
import pytest
import torch
from hdbench_dpc.config import NetworkConfig
from hdbench_dpc.model import Draw, FlowVAE, normal_entropy, parameter_count
from torch.autograd.functional import jacobian


def of_the_authors():
    """{key: shape} of a released generator, written down from its description."""
    shapes = {}
    for i, (inputs, outputs) in enumerate(((3, 128), (128, 128), (128, 256), (256, 512)), 1):
        shapes |= {f"encoder.conv{i}.weight": (outputs, inputs, 1), f"encoder.conv{i}.bias": (outputs,)}
        shapes |= norm(f"encoder.bn{i}", outputs)
    for end in "mv":
        for i, (inputs, outputs) in enumerate(((512, 256), (256, 128), (128, 256)), 1):
            shapes |= {f"encoder.fc{i}_{end}.weight": (outputs, inputs), f"encoder.fc{i}_{end}.bias": (outputs,)}
        shapes |= norm(f"encoder.fc_bn1_{end}", 256) | norm(f"encoder.fc_bn2_{end}", 128)
    for i in range(14):
        for j, (inputs, outputs) in ((0, (128, 256)), (2, (256, 256)), (4, (256, 256))):
            shapes |= {f"flow.chain.{i}.net_s_t.{j}.weight": (outputs, inputs), f"flow.chain.{i}.net_s_t.{j}.bias": (outputs,)}
    for i, (inputs, outputs) in enumerate(((3, 128), (128, 256), (256, 512), (512, 256), (256, 128), (128, 3))):
        name = f"diffusion.net.layers.{i}"
        shapes |= {f"{name}._layer.weight": (outputs, inputs), f"{name}._layer.bias": (outputs,)}
        shapes |= {f"{name}._hyper_gate.weight": (outputs, 259), f"{name}._hyper_gate.bias": (outputs,)}
        shapes |= {f"{name}._hyper_bias.weight": (outputs, 259)}
    names = ("betas", "alphas", "alpha_bars", "sigmas_flex", "sigmas_inflex")
    return shapes | {f"diffusion.var_sched.{name}": (101,) for name in names}


def norm(name, width):
    shapes = {f"{name}.{part}": (width,) for part in ("weight", "bias", "running_mean", "running_var")}
    return shapes | {f"{name}.num_batches_tracked": ()}


def test_names_and_shapes_are_those_of_the_released_files():
    found = {name: tuple(value.shape) for name, value in FlowVAE(NetworkConfig()).state_dict().items()}
    assert found == of_the_authors()
    assert len(found) == 179


def test_the_parameters_are_as_many_as_the_authors():
    assert parameter_count(NetworkConfig()) == 3_879_832
    assert parameter_count(NetworkConfig(flow_depth=0)) == 1_575_320


def test_a_point_is_denoised_as_the_formula_says(model, parameters, normal):
    points, codes, betas = normal(2, 5, 3), normal(2, 6), torch.tensor([0.004, 0.02])
    expected = [
        [loops.noise(parameters, x, b, z) for x in p] for p, b, z in zip(*(a.double().numpy() for a in (points, betas, codes)))
    ]
    assert model.diffusion.net(points, betas, codes).detach().numpy() == pytest.approx(np.array(expected), abs=1e-5)


def test_gates_in_the_weights_change_nothing(model, normal):
    points, codes, betas = normal(3, 5, 3), normal(3, 6), model.diffusion.var_sched.betas
    with torch.no_grad():
        gated = model.diffusion.net.for_codes(codes, betas)
        for level in (1, 50, 100):
            plain = model.diffusion.net(points, betas[level].expand(3), codes)
            assert torch.allclose(gated(points, gated.at(level)), plain, atol=1e-5)


@pytest.mark.parametrize("training", [False, True])
def test_a_cloud_is_encoded_as_the_formula_says(model, parameters, normal, training):
    clouds = normal(4, 9, 3)
    found = model.train(training).encoder(clouds)
    for ours, expected in zip(found, loops.encoded(parameters, clouds.double().numpy(), training)):
        assert ours.detach().numpy() == pytest.approx(expected, abs=1e-5)


def test_the_code_of_a_cloud_does_not_know_the_order_of_its_points(model, normal):
    clouds = normal(2, 9, 3)
    first, second = model.eval().encoder(clouds)[0], model.encoder(clouds[:, torch.randperm(9)])[0]
    assert torch.allclose(first, second, atol=1e-6)


def test_the_flow_is_the_formula_and_undoes_itself(model, parameters, normal):
    codes = normal(5, 6)
    with torch.no_grad():
        w, log_det = model.flow(codes)
    for j in range(5):
        expected, volume = loops.flowed(parameters, codes[j].double().numpy())
        assert w[j].numpy() == pytest.approx(expected, abs=1e-5)
        assert float(log_det[j]) == pytest.approx(volume, abs=1e-5)
    assert torch.allclose(model.flow.inverse(w), codes, atol=1e-5)


def test_the_flow_reports_the_volume_that_it_takes(model, normal):
    code = normal(6)
    volume = torch.linalg.slogdet(jacobian(lambda z: model.flow(z[None])[0][0], code))[1]
    assert float(model.flow(code[None])[1].detach()) == pytest.approx(float(volume), abs=1e-5)


def test_without_couplings_the_prior_is_normal(normal):
    codes = normal(4, 6)
    expected = torch.distributions.Normal(0, 1).log_prob(codes).sum(1)
    assert torch.allclose(FlowVAE(NetworkConfig(latent=6, flow_depth=0)).log_prior(codes), expected, atol=1e-5)


def test_the_entropy_is_that_of_a_normal_distribution(normal):
    log_variance = normal(4, 6)
    expected = torch.distributions.Normal(0, (0.5 * log_variance).exp()).entropy().sum(1)
    assert torch.allclose(normal_entropy(log_variance), expected, atol=1e-5)


def test_the_loss_is_the_formula(model, parameters, normal):
    clouds, when = normal(4, 9, 3), torch.tensor([1, 30, 60, 100])
    draw = Draw(normal(4, 6), normal(4, 9, 3), when[:, None])
    expected = loops.loss(parameters, *(x.double().numpy() for x in (clouds, draw.code, draw.noise)), when.numpy(), 0.5)
    with torch.no_grad():
        found = float(model.train().loss(clouds, draw, kl_weight=0.5))
    assert found == pytest.approx(expected, rel=1e-5)


@torch.no_grad()
def test_groups_of_a_cloud_at_one_level_are_that_cloud(model, normal):
    clouds, codes, noise = normal(3, 8, 3), normal(3, 6), normal(3, 8, 3)
    when = torch.tensor([[3], [40], [99]])
    whole = model.diffusion.error(clouds, codes, noise, when)
    assert float(model.diffusion.error(clouds, codes, noise, when.expand(3, 4))) == pytest.approx(float(whole), rel=1e-5)


@torch.no_grad()
def test_each_group_of_points_has_its_own_level(model, normal):
    clouds, codes, noise, when = normal(2, 6, 3), normal(2, 6), normal(2, 6, 3), torch.tensor([[3, 90], [70, 10]])
    groups = [
        model.diffusion.error(clouds[:, s], codes, noise[:, s], when[:, k : k + 1]) for k, s in enumerate((slice(3), slice(3, 6)))
    ]
    assert float(model.diffusion.error(clouds, codes, noise, when)) == pytest.approx(float(sum(groups)) / 2, rel=1e-5)
