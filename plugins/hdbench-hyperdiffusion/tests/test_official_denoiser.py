"""The authors' checkpoints: tensor for tensor the same forward pass, the stored frequencies, and back to the same bits."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hdbench_hyperdiffusion.library import read_denoiser, write_denoiser
from hdbench_hyperdiffusion.official import load_denoiser
from hdbench_hyperdiffusion.official.denoiser import denoiser_of, network_of
from hdbench_hyperdiffusion.official.export import export_denoiser
from hdbench_hyperdiffusion.transformer import TransformerConfig, WeightTransformer
from theirs import denoiser_answer, denoiser_state, mlp_state, sizes_of, write_lightning

from hdbench.errors import HdbenchError

SMALL = {"hidden": 8}


def sizes(dimensions: int = 3, **settings) -> list[int]:
    return sizes_of(mlp_state(dimensions, **settings))


def noised(count: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(4, count, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("dimensions", [3, 4])
def test_the_imported_network_is_the_released_one(tmp_path, dimensions):
    """Twelve blocks of sixteen heads over the tokens of the paper's MLPs; every tensor random, biases and norms too."""
    state = denoiser_state(sizes(dimensions))
    write_lightning(tmp_path / "plane.ckpt", state)
    network = load_denoiser(tmp_path / "plane.ckpt")
    x, steps = noised(sum(sizes(dimensions))), torch.tensor([0, 1, 250, 499])
    with torch.no_grad():
        answers = network(x, steps)
        expected = torch.stack([denoiser_answer(state, row, int(step)) for row, step in zip(x, steps)])
    assert expected.std() > 0.1
    torch.testing.assert_close(answers, expected, rtol=0, atol=1e-5)


def test_every_tensor_of_the_file_matters(tmp_path):
    """Tensor for tensor: change any one in the file, and the network's answer changes with the restated one."""
    sizes_, x, step = sizes(**SMALL), noised(sum(sizes(**SMALL)))[:1], torch.tensor([311])
    for name in denoiser_state(sizes_, width=16, blocks=1):
        if name.endswith("attn.key.bias"):  # cancels in the softmax
            continue
        state = denoiser_state(sizes_, width=16, blocks=1)
        with torch.no_grad():
            before = denoiser_answer(state, x[0], 311)
            state[name] = state[name] + 0.3 * torch.arange(state[name].numel()).sin().view(state[name].shape)
            write_lightning(tmp_path / "x.ckpt", state)
            answer = load_denoiser(tmp_path / "x.ckpt")(x, step)[0]
            expected = denoiser_answer(state, x[0], 311)
        assert (expected - before).abs().max() > 1e-4, name
        torch.testing.assert_close(answer, expected, rtol=0, atol=1e-5, msg=name)


def test_the_stored_frequencies_are_used_not_computed_again(tmp_path):
    """An ulp of a frequency near 2^20 turns the sine of step 499 by far: a buffer that was computed again would show."""
    state = denoiser_state(sizes(**SMALL), width=16, blocks=1)
    shifted = torch.nextafter(state["scalar_embedder.frequencies"], torch.tensor(torch.inf))
    assert (torch.sin(shifted * 499) - torch.sin(state["scalar_embedder.frequencies"] * 499)).abs().max() > 0.01
    state["scalar_embedder.frequencies"] = shifted
    write_lightning(tmp_path / "x.ckpt", state)
    network, x = load_denoiser(tmp_path / "x.ckpt"), noised(sum(sizes(**SMALL)))[:1]
    assert torch.equal(network.scalar_embedder.frequencies, shifted)
    with torch.no_grad():
        torch.testing.assert_close(network(x, torch.tensor([499]))[0], denoiser_answer(state, x[0], 499), rtol=0, atol=1e-5)


@pytest.mark.parametrize("prefix", ["model.", "", "module.model."])
def test_prefixes_and_plain_state_dicts(tmp_path, prefix):
    state = denoiser_state(sizes(**SMALL), width=16, blocks=2)
    torch.save({f"{prefix}{key}": value for key, value in state.items()}, tmp_path / "x.pt")
    denoiser = denoiser_of(tmp_path / "x.pt")
    assert all(torch.equal(denoiser.state[key], value) for key, value in state.items())
    assert denoiser.network == {
        "width": 16, "layers": 2, "heads": 16, "time": "token", "input_norm": True, "projection_bias": False
    }  # fmt: skip


def test_fields_and_schedule_are_recognised(tmp_path):
    write_lightning(tmp_path / "x.ckpt", denoiser_state(sizes(4, **SMALL), width=16, blocks=1))
    denoiser = denoiser_of(tmp_path / "x.ckpt")
    assert denoiser.encoder == {"hidden": 8, "depth": 3, "octaves": 4, "scale": 1.0, "time": "index"}
    assert denoiser.frames == 16
    assert {key: denoiser.schedule[key] for key in ("steps", "beta_start", "beta_end")} == {
        "steps": 500, "beta_start": 1e-4, "beta_end": 2e-2
    }  # fmt: skip


@pytest.mark.parametrize("dimensions", [3, 4])
def test_theirs_to_ours_and_back_is_the_same_bit_for_bit(tmp_path, dimensions):
    written = write_lightning(tmp_path / "in.ckpt", denoiser_state(sizes(dimensions, **SMALL), width=32, blocks=2))
    write_denoiser(tmp_path / "ours.safetensors", denoiser_of(tmp_path / "in.ckpt"), {})
    export_denoiser(read_denoiser(tmp_path / "ours.safetensors"), tmp_path / "out.ckpt")
    again = torch.load(tmp_path / "out.ckpt", weights_only=True)
    assert set(again["state_dict"]) == set(written["state_dict"])
    for key, value in written["state_dict"].items():
        assert again["state_dict"][key].dtype == value.dtype
        assert torch.equal(again["state_dict"][key], value), key


def test_ours_to_theirs_and_back_is_the_same_bit_for_bit(tmp_path):
    write_lightning(tmp_path / "in.ckpt", denoiser_state(sizes(**SMALL), width=32, blocks=2))
    ours = denoiser_of(tmp_path / "in.ckpt")
    export_denoiser(ours, tmp_path / "out.ckpt")
    again = denoiser_of(tmp_path / "out.ckpt")
    assert list(again.state) == list(ours.state)
    assert all(torch.equal(again.state[key], ours.state[key]) for key in ours.state)
    assert (again.layout, again.network, again.schedule) == (ours.layout, ours.network, ours.schedule)


def test_a_network_of_ours_in_the_released_form_goes_out_and_comes_back(tmp_path):
    """An export without imported buffers writes the released schedule's betas four times, as the files have them."""
    write_lightning(tmp_path / "in.ckpt", denoiser_state(sizes(**SMALL), width=16, blocks=1))
    imported = denoiser_of(tmp_path / "in.ckpt")
    network = WeightTransformer(TransformerConfig(**imported.network)).network(imported.layout)
    export_denoiser(replace(imported, state=network.state_dict(), extra={}), tmp_path / "out.ckpt")
    found = torch.load(tmp_path / "out.ckpt", weights_only=True)["state_dict"]
    expected = torch.linspace(1e-4, 2e-2, 500, dtype=torch.float64)
    for name in ("betas", "alphas", "alpha_hats", "alpha_hats_prev"):
        torch.testing.assert_close(found[name], expected, rtol=1e-12, atol=0)
    x = noised(imported.layout.size)
    with torch.no_grad():
        steps = torch.tensor([0, 3, 77, 499])
        assert torch.equal(network_of(denoiser_of(tmp_path / "out.ckpt"))(x, steps), network.eval()(x, steps))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"network": {"time": "everywhere"}}, "denoiser.time=everywhere"),
        ({"space": {"space.scale": torch.tensor([2.0])}}, "space=raw"),
        ({"space": {"space.basis.000": torch.ones(1, 1)}}, "space=raw"),
        ({"schedule": {"prediction": "v"}}, "schedule.prediction 'v'"),
    ],
)
def test_what_their_code_computes_otherwise_is_not_exported(tmp_path, change, said):
    write_lightning(tmp_path / "in.ckpt", denoiser_state(sizes(**SMALL), width=16, blocks=1))
    denoiser = denoiser_of(tmp_path / "in.ckpt")
    changed = {key: {**getattr(denoiser, key), **value} for key, value in change.items()}
    with pytest.raises(HdbenchError, match=said):
        export_denoiser(replace(denoiser, **changed), tmp_path / "out.ckpt")


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("decoder.ln_in.weight", None, r"'decoder.ln_in.weight' \[16\] is missing"),
        ("decoder.blocks.0.attn.key.weight", torch.zeros(16, 15), r"is \[16, 15\], expected \[16, 16\]"),
        ("decoder.input_parameter_projections.0.0.bias", torch.zeros(16), r"projections.0.0.bias' \[16\] is one too many"),
        ("decoder.input_parameter_projections.8.0.weight", torch.zeros(16, 129), r"\[16, 129\], expected \[16, 257\]"),
        ("decoder.output_parameter_projections.7.0.weight", torch.zeros(2, 16), "are not those of an MLP"),
        ("decoder.ln_f.weight", torch.zeros(16, dtype=torch.int64), "of type torch.int64"),
    ],
)
def test_another_network_is_refused_with_the_tensor_that_differs(tmp_path, name, change, said):
    state = denoiser_state(sizes(**SMALL), width=16, blocks=1)
    if change is None:
        del state[name]
    else:
        state[name] = change
    write_lightning(tmp_path / "odd.ckpt", state)
    with pytest.raises(HdbenchError, match=rf"odd\.ckpt.*{said}"):
        load_denoiser(tmp_path / "odd.ckpt")


def test_heads_that_do_not_divide_the_width_are_refused_with_some_that_do(tmp_path):
    write_lightning(tmp_path / "x.ckpt", denoiser_state(sizes(**SMALL), width=20, blocks=1))
    with pytest.raises(HdbenchError, match="Give --heads 20"):
        load_denoiser(tmp_path / "x.ckpt")
    assert load_denoiser(tmp_path / "x.ckpt", heads=4).decoder.blocks[0].attn.heads == 4
