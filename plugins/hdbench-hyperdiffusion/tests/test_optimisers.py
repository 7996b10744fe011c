"""Adam against torch's, and Muon's orthogonalisation."""

from __future__ import annotations

import torch
from hdbench_hyperdiffusion.initialisation import random_weights
from hdbench_hyperdiffusion.networks import Networks, layer_layout
from hdbench_hyperdiffusion.optimisers import Adam, Muon, orthogonalised

LAYOUT = layer_layout(9, hidden=8, depth=2)


def networks(count: int = 2) -> Networks:
    return Networks(LAYOUT, torch.stack([random_weights(LAYOUT, k) for k in range(count)]).double())


def gradient(step: int, count: int = 2) -> Networks:
    return Networks(LAYOUT, torch.randn(count, LAYOUT.size, generator=torch.Generator().manual_seed(step)).double())


def test_adam_is_torchs_adam():
    nets = networks()
    weights = nets.join().requires_grad_()
    ours, theirs = Adam(nets, beta2=0.99), torch.optim.Adam([weights], lr=0.01, betas=(0.9, 0.99))
    for step in range(5):
        weights.grad = gradient(step).join()
        theirs.step()
        ours.step(gradient(step), 0.01)
    torch.testing.assert_close(nets.join(), weights.detach(), rtol=1e-12, atol=1e-12)


def test_a_share_of_zero_stops_one_network_alone():
    for kind in (Adam, Muon):
        nets = networks()
        before = nets.join()
        optimiser = kind(nets)
        optimiser.set_share(torch.tensor([0.0, 1.0]).double())
        optimiser.step(gradient(0), 0.01)
        moved = (nets.join() != before).any(dim=1)
        assert moved.tolist() == [False, True]


def test_orthogonalised_has_singular_values_near_one_and_the_same_axes():
    matrices = torch.randn(3, 20, 32, generator=torch.Generator().manual_seed(0))
    for given in (matrices, matrices.transpose(1, 2)):
        result = orthogonalised(given)
        values = torch.linalg.svdvals(result)
        assert values.min() > 0.6
        assert values.max() < 1.3
        u, _, vh = torch.linalg.svd(given, full_matrices=False)
        rotated = u.transpose(1, 2) @ result @ vh.transpose(1, 2)
        assert (rotated - torch.diag_embed(rotated.diagonal(dim1=1, dim2=2))).abs().max() < 1e-3


def test_muon_moves_weights_of_layers_by_orthogonal_steps_and_the_rest_as_adam():
    ours, adam = networks(), networks()
    before = ours.parts[2].clone()  # the second layer, [g, 8, 8]
    Muon(ours).step(gradient(0), 0.01)
    Adam(adam).step(gradient(0), 0.01)
    lengths = torch.linalg.svdvals(ours.parts[2] - before)
    assert (lengths.amax(1) / lengths.amin(1)).max() < 2.5
    for k in (1, 3, 4, 5):  # biases and the last layer
        torch.testing.assert_close(ours.parts[k], adam.parts[k])
