"""The layout of the official files, and gradients by hand against autograd."""

from __future__ import annotations

import pytest
import torch
from hdbench_hyperdiffusion.initialisation import random_weights
from hdbench_hyperdiffusion.networks import Backward, Networks, forward, layer_layout


@pytest.mark.parametrize(("width", "parameters"), [(27, 36_737), (36, 37_889), (3, 33_665)])
def test_sizes_of_the_official_networks(width, parameters):
    assert layer_layout(width, hidden=128, depth=3).size == parameters


def test_names_and_order_are_those_of_the_official_state_dict():
    layout = layer_layout(27, hidden=128, depth=3)
    assert layout.names == tuple(f"layers.{k}.{part}" for k in range(4) for part in ("weight", "bias"))
    assert layout.sizes == (3456, 128, 16384, 128, 16384, 128, 128, 1)


def test_flat_weights_are_those_of_torch_modules():
    layers = [torch.nn.Linear(27, 32), torch.nn.Linear(32, 32), torch.nn.Linear(32, 1)]
    module = torch.nn.Sequential(layers[0], torch.nn.ReLU(), layers[1], torch.nn.ReLU(), layers[2])
    flat = torch.cat([p.detach().flatten() for p in module.state_dict().values()])
    x = torch.randn(50, 27)
    ours = forward(layer_layout(27, 32, 2).split(flat[None]), x[None])[0]
    torch.testing.assert_close(ours, module(x)[:, 0], rtol=1e-5, atol=1e-6)


def three_networks():
    layout = layer_layout(15, hidden=12, depth=3)
    weights = torch.stack([random_weights(layout, k) for k in range(3)]).double()
    features = torch.randn(3, 40, 15, generator=torch.Generator().manual_seed(1)).double()
    labels = (torch.rand(3, 40, generator=torch.Generator().manual_seed(2)) > 0.5).double()
    return layout, weights, features, labels


def test_gradient_by_hand_is_autograds():
    layout, weights, features, labels = three_networks()
    leaf = weights.clone().requires_grad_()
    logits = forward(layout.split(leaf), features)
    torch.nn.functional.binary_cross_entropy_with_logits(logits, labels, reduction="sum").backward()
    backward = Backward(Networks(layout, weights), tile=40)
    torch.testing.assert_close(backward.add(features, labels), logits.detach(), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(backward.gradients.join(), leaf.grad, rtol=1e-12, atol=1e-12)


def test_tiles_add_up_to_the_whole_batch():
    layout, weights, features, labels = three_networks()
    whole, tiled = Backward(Networks(layout, weights), tile=40), Backward(Networks(layout, weights), tile=10)
    whole.add(features, labels)
    for x, y in zip(features.split(10, dim=1), labels.split(10, dim=1)):
        tiled.add(x, y)
    torch.testing.assert_close(tiled.gradients.join(), whole.gradients.join(), rtol=1e-12, atol=1e-12)


def test_networks_give_back_the_weights_they_were_given():
    layout, weights, _, _ = three_networks()
    assert torch.equal(Networks(layout, weights).join(), weights)


def test_a_value_per_network_reaches_all_its_weights():
    layout, weights, _, _ = three_networks()
    networks = Networks(layout, weights)
    networks.flat.copy_(networks.spread(torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)))
    assert torch.equal(networks.join(), torch.tensor([[1.0], [2.0], [3.0]]).double().expand(3, layout.size))


def test_random_weights_are_within_the_default_of_linear_layers():
    layout = layer_layout(27, hidden=128, depth=3)
    parts = layout.split(random_weights(layout, 0)[None])
    for name, inputs in (("layers.0.weight", 27), ("layers.0.bias", 27), ("layers.1.weight", 128), ("layers.3.bias", 128)):
        assert parts[name].abs().max() <= inputs**-0.5
    assert parts["layers.0.weight"].abs().max() > 0.98 * 27**-0.5


def test_importance_weighs_the_gradient_of_each_point():
    """Against autograd of the weighted cross-entropy."""
    layout = layer_layout(5, 7, 2)
    weights = torch.randn(2, layout.size, generator=torch.Generator().manual_seed(0)) * 0.5
    features, labels = torch.randn(2, 16, 5), (torch.rand(2, 16) > 0.5).float()
    importance = torch.linspace(0.1, 3, 16)[None]
    backward = Backward(Networks(layout, weights), 16)
    backward.gradients.flat.zero_()
    backward.add(features, labels, importance)
    free = weights.clone().requires_grad_()
    logits = forward(layout.split(free), features)
    (torch.nn.functional.binary_cross_entropy_with_logits(logits, labels, reduction="none") * importance).sum().backward()
    torch.testing.assert_close(backward.gradients.join(), free.grad, atol=1e-5, rtol=1e-5)
