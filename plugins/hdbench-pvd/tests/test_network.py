from __future__ import annotations

import pvd_in_loops as loops
import pytest
import torch
from hdbench_pvd import layers, rows
from hdbench_pvd.geometry import grid_of
from hdbench_pvd.network import PVCNN2, PVCNN2Config, embedding
from torch.nn import functional

from hdbench.errors import HdbenchError

SMALL = PVCNN2Config(width=0.25, voxels=(8, 4, 4), centres=(24, 12, 6, 3), radii=(0.5, 0.8, 1.2, 2.0), neighbours=6)


def normal(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def network():
    """A small network, its parameters larger than PyTorch's initial ones, so that every term counts."""
    torch.manual_seed(0)
    net = PVCNN2(SMALL).eval()
    for parameter in net.parameters():
        parameter.data.add_(0.05 * torch.randn(parameter.shape))
    return net


@pytest.fixture(scope="module")
def released():
    with torch.device("meta"):
        return PVCNN2(PVCNN2Config())


def test_the_released_network_has_27_649_987_parameters_in_298_tensors(released):
    assert sum(p.numel() for p in released.parameters()) == 27_649_987
    assert len(released.state_dict()) == 298
    assert list(released.buffers()) == []


PARTS = {
    "sa_layers.0.": 91_200, "sa_layers.1.": 371_392, "sa_layers.2.": 1_186_432, "sa_layers.3.": 282_368, "global_att.": 1_051_648,
    "fp_layers.0.": 11_149_568, "fp_layers.1.": 11_051_264, "fp_layers.2.": 1_944_960, "fp_layers.3.": 503_872,
    "classifier.": 8_963, "embedf.": 8_320,
}  # fmt: skip


@pytest.mark.parametrize(("part", "count"), PARTS.items())
def test_every_part_has_the_released_number_of_parameters(released, part, count):
    assert sum(p.numel() for name, p in released.named_parameters() if name.startswith(part)) == count


SHAPES = {
    "sa_layers.0.1.voxel_layers.4.weight": (32, 32, 3, 3, 3),
    "sa_layers.0.2.mlps.0.layers.0.weight": (32, 35, 1, 1),
    "sa_layers.1.0.voxel_layers.0.weight": (64, 128, 3, 3, 3),
    "sa_layers.1.0.voxel_layers.6.q.weight": (64, 64, 1, 1, 1),
    "sa_layers.2.0.voxel_layers.7.fc.0.weight": (16, 128),
    "sa_layers.3.mlps.0.layers.0.weight": (256, 323, 1, 1),
    "global_att.norm.weight": (512,),
    "fp_layers.0.0.mlp.layers.0.weight": (256, 832, 1),
    "fp_layers.2.2.point_features.layers.1.bias": (128,),
    "fp_layers.3.0.mlp.layers.6.weight": (64, 128, 1),
    "classifier.0.layers.0.weight": (128, 64, 1),
    "classifier.2.weight": (3, 128, 1),
    "embedf.2.bias": (64,),
}


@pytest.mark.parametrize(("name", "shape"), SHAPES.items())
def test_tensors_have_the_released_names_and_shapes(released, name, shape):
    assert tuple(released.state_dict()[name].shape) == shape


@pytest.mark.parametrize("count", [24, 150])
def test_it_computes_what_the_written_out_network_computes(network, count):
    points, time = normal(2, 3, count), torch.tensor([3, 980])
    with torch.no_grad():
        assert torch.allclose(network(points, time), loops.evaluate(network, points, time), atol=2e-5)


def test_its_gradients_are_those_of_the_written_out_network(network):
    points, time, weights = normal(2, 3, 80), torch.tensor([3, 980]), normal(2, 3, 80, seed=1)
    gradients = []
    for forward in (network, lambda *x: loops.evaluate(network, *x)):
        network.zero_grad()
        (forward(points, time) * weights).sum().backward()
        gradients.append({name: p.grad.clone() for name, p in network.named_parameters()})
    for name, ours in gradients[0].items():
        theirs = gradients[1][name]
        assert (ours - theirs).abs().max() <= 2e-4 * theirs.abs().max().clamp(min=1), name


def test_a_cloud_does_not_depend_on_its_batch(network):
    points, time = normal(3, 3, 60), torch.tensor([10, 500, 999])
    with torch.no_grad():
        assert torch.allclose(network(points, time)[1:2], network(points[1:2], time[1:2]), atol=1e-5)


def test_every_weight_is_used(network):
    network.zero_grad()
    network(normal(2, 3, 60), torch.tensor([5, 900])).square().sum().backward()
    assert [name for name, p in network.named_parameters() if p.grad is None] == []
    weights = {name: p for name, p in network.named_parameters() if name.endswith("weight")}
    gates = ".7.fc."  # one rectified number at this width: it may be dead for some input
    assert [name for name, p in weights.items() if gates not in name and not p.grad.any()] == []


def test_the_time_is_embedded_as_sines_and_cosines():
    found = embedding(torch.tensor([0, 700]))
    assert found[0].tolist() == [0.0] * 32 + [1.0] * 32
    assert found[1, 31].item() == pytest.approx(torch.tensor(700 / 10000.0).sin().item(), abs=1e-6)  # the slowest
    assert found[1, 0].item() == pytest.approx(torch.tensor(700.0).sin().item(), abs=1e-6)


def test_a_convolution_of_few_voxels_is_that_of_the_whole_grid(monkeypatch):
    layer, grid = torch.nn.Conv3d(4, 6, 3, padding=1), grid_of(normal(2, 3, 20), 6)
    voxels = normal(len(grid.occupied), 4, seed=1)
    results = []
    for share in (0.0, 1.0):
        monkeypatch.setattr(layers, "DENSE_FROM", share)
        results.append(layers.scattered_convolution(voxels, layer, grid))
    assert torch.allclose(*results, atol=1e-6)


@pytest.mark.parametrize("channels", [8, 24])
def test_normalised_rows_are_those_of_groupnorm(channels):
    x, norm = 3 + 2 * normal(2, 50, channels), torch.nn.GroupNorm(8, channels)
    torch.nn.init.normal_(norm.weight)
    torch.nn.init.normal_(norm.bias)
    wanted = functional.group_norm(x.double().transpose(1, 2), 8, norm.weight.double(), norm.bias.double(), norm.eps)
    assert torch.allclose(layers.normalised(x, norm).double(), wanted.transpose(1, 2), atol=1e-5)


def test_the_normalisation_of_a_large_grid_keeps_its_digits():
    x, norm = normal(1, 32**3, 8), torch.nn.GroupNorm(8, 8)
    wanted = functional.group_norm(x.double().transpose(1, 2), 8, eps=norm.eps).transpose(1, 2)
    with torch.no_grad():
        assert (layers.normalised(x, norm).double() - wanted).abs().max() < 5e-6


def double(*shape, seed=0):
    return normal(*shape, seed=seed).double().requires_grad_()


def test_gradients_of_rows_are_those_of_differences():
    index, weights = torch.tensor([[0, 2], [1, 2], [2, 2]]), normal(3, 2, seed=1).double()
    assert torch.autograd.gradcheck(lambda x: rows.add(x, index.flatten(), 4), double(6, 2))
    assert torch.autograd.gradcheck(lambda x: rows.take(x, index), double(3, 2))
    assert torch.autograd.gradcheck(lambda x: rows.read(x, index, weights), double(3, 2))
    assert torch.autograd.gradcheck(
        lambda x, w, b: rows.normalise(x, w, b, 2, 1e-5), (double(2, 5, 6), double(6, seed=1), double(6, seed=2))
    )


def test_compiled_sums_of_rows_are_those_of_pytorch():
    x, index, weights = normal(40, 5), torch.arange(40) * 7 % 11, normal(40, 3, seed=1)
    assert torch.allclose(rows.add(x, index, 11), rows.add(x.double(), index, 11).float(), atol=1e-6)
    three = (torch.arange(120) * 5 % 13).view(40, 3)
    gradients = []
    for kind in (torch.float32, torch.float64):
        source = normal(13, 5, seed=2).to(kind).requires_grad_()
        (rows.read(source, three, weights.to(kind)) * x.to(kind)).sum().backward()
        gradients.append(source.grad.float())
    assert torch.allclose(*gradients, atol=1e-5)


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [({"width": 0.3}, "network.width"), ({"centres": (4, 8, 2, 1)}, "network.centres"), ({"voxels": (8, 8)}, "network.voxels"),
     ({"radii": (0.1, 0.0, 1.0, 1.0)}, "network.radii"), ({"dropout": 1.0}, "network.dropout")],
)  # fmt: skip
def test_sizes_that_make_no_network_are_refused(settings, complaint):
    with pytest.raises(HdbenchError, match=complaint):
        PVCNN2Config(**settings)
