from __future__ import annotations

import shutil
from dataclasses import replace

import pytest
import torch
from hdbench_hyperdiffusion.transformer import Attention, RawTime, TransformerConfig, WeightTransformer

from hdbench.errors import HdbenchError
from hdbench.interfaces import Session
from hdbench.schedule import Schedule
from hdbench.training import Training
from hdbench.weights import WeightLayout

RELEASED = TransformerConfig(layers=12, heads=16, time="token", input_norm=True, projection_bias=False)
TINY = TransformerConfig(width=16, layers=2, heads=2)
TINY_RELEASED = replace(RELEASED, width=16, layers=2, heads=2)


def mlp(width: int = 4, features: int = 3) -> WeightLayout:
    names = tuple(f"layers.{k}.{kind}" for k in range(4) for kind in ("weight", "bias"))
    shapes = ((width, features), (width,), (width, width), (width,), (width, width), (width,), (1, width), (1,))
    return WeightLayout(names, shapes)


def network(config: TransformerConfig, layout: WeightLayout | None = None) -> torch.nn.Module:
    torch.manual_seed(0)
    return WeightTransformer(config).network(layout or mlp()).eval()


@pytest.mark.parametrize(
    ("width", "features", "count"), [(2880, 27, 1_407_225_600), (1920, 27, 672_729_600), (1440, 36, 408_332_160)]
)
def test_the_released_configurations_have_the_released_number_of_parameters(width, features, count):
    with torch.device("meta"):
        net = WeightTransformer(replace(RELEASED, width=width)).network(mlp(128, features))
    assert sum(p.numel() for p in net.parameters()) == count


def test_names_and_shapes_are_those_of_the_released_checkpoints():
    with torch.device("meta"):
        state = WeightTransformer(replace(RELEASED, width=2880)).network(mlp(128, 27)).state_dict()
    assert len(state) == 215
    expected = {
        "scalar_embedder.frequencies": (128,),
        "decoder.pos_emb": (1, 9, 2880),
        "decoder.ln_in.weight": (2880,),
        "decoder.ln_f.bias": (2880,),
        "decoder.blocks.11.attn.key.weight": (2880, 2880),
        "decoder.blocks.0.mlp.2.weight": (2880, 11520),
        "decoder.input_parameter_projections.0.0.weight": (2880, 3456),
        "decoder.input_parameter_projections.8.0.weight": (2880, 257),
        "decoder.output_parameter_projections.7.0.weight": (1, 2880),
    }
    assert {name: tuple(state[name].shape) for name in expected} == expected


def test_the_raw_time_features_are_sin_cos_and_the_step():
    features = RawTime()(torch.tensor([0, 3]))
    assert features.shape == (2, 257)
    assert features[0].tolist() == [0.0] * 128 + [1.0] * 128 + [0.0]
    assert features[1, [0, 128, 256]].tolist() == pytest.approx([0.14112, -0.98999, 3.0], abs=1e-5)  # sin 3, cos 3, 3
    assert RawTime().frequencies[-1] == 2**20


def test_attention_is_the_softmax_of_scaled_products():
    torch.manual_seed(0)
    attention, x = Attention(8, 2), torch.randn(3, 5, 8)
    heads = []
    for h in range(2):
        cut = slice(4 * h, 4 * h + 4)
        query, key, value = (f(x)[..., cut] for f in (attention.query, attention.key, attention.value))
        heads.append(torch.softmax(query @ key.transpose(1, 2) / 2, dim=-1) @ value)  # 2 = sqrt(8 / 2 heads)
    assert torch.allclose(attention(x), attention.proj(torch.cat(heads, -1)), atol=1e-6)


CONFIGS = [TINY, TINY_RELEASED, replace(TINY, input_norm=True), replace(TINY, time="token")]


@pytest.mark.parametrize("config", CONFIGS)
def test_rows_are_independent_and_keep_their_shape(config):
    net, noised, step = network(config), torch.randn(5, mlp().size), torch.tensor([0, 1, 50, 300, 499])
    with torch.no_grad():
        together, alone = net(noised, step), net(noised[3:4], step[3:4])
    assert together.shape == noised.shape
    assert torch.allclose(together[3:4], alone, atol=1e-5)


@pytest.mark.parametrize("config", CONFIGS)
def test_every_parameter_is_used(config):
    net = network(config)
    net(torch.randn(3, mlp().size), torch.tensor([1, 20, 300])).square().sum().backward()
    unused = [name for name, p in net.named_parameters() if p.grad is None or not p.grad.any()]
    # A shift of all keys cancels in the softmax.
    assert [name for name in unused if not name.endswith("key.bias")] == []


@pytest.mark.parametrize("config", CONFIGS)
def test_every_part_of_the_prediction_sees_every_part_of_the_weights_and_the_time(config):
    net, weights = network(config), torch.randn(1, mlp().size)
    with torch.no_grad():
        for block in net.decoder.blocks:
            block.attn.proj.weight.mul_(50)
        base = mlp().split(net(weights, torch.tensor([7])))
        changed = weights.clone()
        changed[:, 0:12] *= -1
        moved = mlp().split(net(changed, torch.tensor([7])))
        later = mlp().split(net(weights, torch.tensor([400])))
    assert all(not torch.equal(base[name], moved[name]) for name in base)
    assert all(not torch.equal(base[name], later[name]) for name in base)


def test_the_initial_network_is_a_function_of_the_global_seed():
    a, b = network(TINY).state_dict(), network(TINY).state_dict()
    assert all(torch.equal(a[k], b[k]) for k in a)


def test_it_learns_two_points():
    """Fields that are one of two vectors: the best x0 of a hardly noised field is the field itself."""
    points = torch.randn(2, mlp().size, generator=torch.Generator().manual_seed(0))
    schedule = Schedule(steps=50)
    denoiser = WeightTransformer(replace(TINY, training=Training(steps=120, batch=16, lr=5e-3, warmup=10, ema=0.9)))
    net = network(denoiser.config)
    loss = denoiser.train(net, points, schedule, Session(seed=0))["loss"]
    assert loss[-10:].mean() < loss[0] / 5
    with torch.no_grad():
        assert (net(points, torch.tensor([0, 0])) - points).square().mean() < 0.2


@pytest.mark.parametrize("config", [TINY, TINY_RELEASED])
def test_bfloat16_computes_the_same_loss_to_three_digits_and_keeps_float32_weights(config):
    weights, losses = torch.randn(8, mlp().size, generator=torch.Generator().manual_seed(0)), []
    for precision in ("float32", "bfloat16"):
        training = Training(steps=2, batch=8, lr=1e-4, precision=precision)
        denoiser = WeightTransformer(replace(config, training=training))
        net = network(denoiser.config)
        losses.append(denoiser.train(net, weights, Schedule(), Session(seed=0))["loss"])
    assert torch.allclose(losses[0], losses[1], rtol=5e-3)
    assert not torch.equal(losses[0], losses[1])
    assert all(p.dtype == torch.float32 for p in net.parameters())


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("g++"), reason="torch.compile needs a C++ compiler on a CPU")
def test_a_compiled_network_learns_what_the_plain_one_does():
    weights, found = torch.randn(8, mlp().size, generator=torch.Generator().manual_seed(0)), []
    for precision in ("bfloat16", "bfloat16-compiled"):
        denoiser = WeightTransformer(replace(TINY, training=Training(steps=3, batch=8, lr=1e-4, precision=precision)))
        net = network(denoiser.config)
        loss = denoiser.train(net, weights, Schedule(), Session(seed=0))["loss"]
        found.append((loss, net.state_dict()))
    assert torch.allclose(found[0][0], found[1][0], rtol=5e-3)
    assert list(found[0][1]) == list(found[1][1])  # the compiled network's parameters keep their names
    assert all(torch.allclose(a, b, atol=2 * 3e-4) for a, b in zip(found[0][1].values(), found[1][1].values()))


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(HdbenchError, match="such as 15"):
        WeightTransformer(replace(TINY, heads=3)).network(mlp())


@pytest.mark.parametrize("wrong", [{"width": 0}, {"layers": 0}, {"heads": 0}])
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(HdbenchError, match=r"denoiser\."):
        TransformerConfig(**wrong)


def test_the_paper_preset_is_the_released_configuration():
    from hdbench_hyperdiffusion.mlp import MLPEncoder
    from hdbench_hyperdiffusion.recipe import BOOK

    paper = BOOK.presets["paper"]
    layout = MLPEncoder(paper.encoder).layout(frames=1)
    with torch.device("meta"):
        net = WeightTransformer(paper.denoiser).network(layout)
    assert layout.size == 36_737
    assert sum(p.numel() for p in net.parameters()) == 1_407_225_600
    assert paper.denoiser.training.total(2749) == 6000 * 86
    assert (paper.space, paper.sampler["steps"], paper.meshing.resolution, paper.meshing.level) == ("raw", 500, 356, 1.386)
    assert paper.schedule.alpha_bar()[-1].item() == pytest.approx(0.00635, abs=5e-6)
