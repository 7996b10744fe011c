"""Fields and denoisers from files: a run takes them as they are, and a wrong file is refused before anything is computed."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hdbench_hyperdiffusion.library import Fields, read_fields, write_denoiser, write_fields
from hdbench_hyperdiffusion.mlp import MLPConfig, MLPEncoder
from hdbench_hyperdiffusion.networks import layer_layout
from hdbench_hyperdiffusion.official.denoiser import config_of, denoiser_of, network_of
from hdbench_hyperdiffusion.transformer import TransformerConfig, WeightTransformer
from theirs import denoiser_state, mlp_state, sizes_of, write_lightning

from hdbench.config import as_dict, from_dict
from hdbench.engine import Engine
from hdbench.errors import HdbenchError
from hdbench.flow import run
from hdbench.interfaces import Session
from hdbench.plan import make_plan
from hdbench.progress import Reporter
from hdbench.registry import Registry, builtin_commands
from hdbench.schedule import Schedule
from hdbench.store import Store
from hdbench.testing.made import ball_samples
from hdbench.workers import Workers

LAYOUT = layer_layout(27, 8, 3)
ENCODER = {"hidden": 8, "depth": 3, "octaves": 4, "scale": 1.0, "time": "index"}
BALLS = ("ball-0", "ball-1", "ball-2")


@pytest.fixture
def fields_file(tmp_path):
    rows = torch.stack([torch.cat([v.flatten() for v in mlp_state(hidden=8, seed=k).values()]) for k in range(4)])
    write_fields(tmp_path / "fields.safetensors", Fields(("spare", "ball-2", "ball-1", "ball-0"), rows, LAYOUT, ENCODER), {})
    return tmp_path / "fields.safetensors"


@pytest.fixture
def denoiser_file(tmp_path):
    write_lightning(tmp_path / "x.ckpt", denoiser_state(list(LAYOUT.sizes), width=16, blocks=2))
    write_denoiser(tmp_path / "denoiser.safetensors", denoiser_of(tmp_path / "x.ckpt"), {})
    return tmp_path / "denoiser.safetensors"


def given(path, **more) -> MLPConfig:
    return MLPConfig(hidden=8, scale=1.0, held_out=64, fields=str(path), **more)


def released(path, **more) -> TransformerConfig:
    form = {"width": 16, "layers": 2, "heads": 16, "time": "token", "input_norm": True, "projection_bias": False}
    return TransformerConfig(**{**form, "checkpoint": str(path), **more})


def test_given_fields_are_taken_by_name_and_measured(fields_file):
    encoder = MLPEncoder(given(fields_file))
    assert (encoder.queries().near, encoder.queries().uniform) == (0, 0)
    samples = ball_samples(encoder.queries(), 1)
    start = encoder.start([samples], Session(seed=0))
    encoded = encoder.encode(samples, start, Session(seed=0))
    assert samples.names == BALLS
    assert torch.equal(encoded.weights, read_fields(fields_file).weights[[3, 2, 1]])
    assert set(encoded.quality) == {"iou_near", "iou_uniform", "loss"}


def test_given_fields_can_be_aligned_to_the_first(fields_file):
    encoder = MLPEncoder(given(fields_file, align=True))
    samples = ball_samples(encoder.queries(), 1)
    start = encoder.start([samples], Session(seed=0))
    assert torch.equal(start["anchor"], read_fields(fields_file).weights[3])
    assert torch.equal(encoder.encode(samples, start, Session(seed=0)).weights[0], start["anchor"])


def test_a_shape_without_a_field_is_named_before_any_is_read(fields_file, tmp_path):
    fields = read_fields(fields_file)
    write_fields(tmp_path / "fewer.safetensors", Fields(("ball_1", *fields.names[2:]), fields.weights[1:], LAYOUT, ENCODER), {})
    encoder = MLPEncoder(given(tmp_path / "fewer.safetensors"))
    samples = ball_samples(encoder.queries(), 1)
    with pytest.raises(HdbenchError, match=r"none of 1 of these 3 shapes.*'ball-2'"):
        encoder.start([samples], Session(seed=0))


@pytest.mark.parametrize(("change", "said"), [({"hidden": 16}, "-o encoder.hidden=8"), ({"scale": 2.0}, "-o encoder.scale=1.0")])
def test_fields_of_another_encoder_are_refused_with_what_to_set(fields_file, change, said):
    with pytest.raises(HdbenchError, match=said):
        replace(given(fields_file), **change)


def test_the_content_of_the_file_is_a_part_of_the_configuration(fields_file, tmp_path):
    config = given(fields_file)
    fields = read_fields(fields_file)
    assert len(config.fields_sha256) == 64
    assert from_dict(MLPConfig(), as_dict(config)) == config
    write_fields(fields_file, replace(fields, weights=fields.weights + 1), {})
    assert given(fields_file).fields_sha256 != config.fields_sha256
    with pytest.raises(HdbenchError, match=r"not the file that the configuration was made with"):
        from_dict(MLPConfig(), as_dict(config))


def test_paths_of_nothing_and_of_the_other_kind_are_refused(fields_file, denoiser_file, tmp_path):
    with pytest.raises(HdbenchError, match="There is no file"):
        given(tmp_path / "nowhere.safetensors")
    with pytest.raises(HdbenchError, match="holds a denoiser, not fields"):
        given(denoiser_file)
    with pytest.raises(HdbenchError, match="holds fields, not a denoiser"):
        released(fields_file)
    with pytest.raises(HdbenchError, match=r"no file of hdbench's.*weights import"):
        released(tmp_path / "x.ckpt")


def test_a_given_denoiser_is_not_trained(denoiser_file):
    from hdbench_hyperdiffusion.library import read_denoiser

    denoiser = WeightTransformer(released(denoiser_file))
    network, weights = denoiser.network(LAYOUT), torch.randn(5, LAYOUT.size, generator=torch.Generator().manual_seed(0))
    curves = denoiser.train(network, weights, Schedule(), Session(seed=0))
    expected = network_of(read_denoiser(denoiser_file))
    assert all(torch.equal(value, expected.state_dict()[key]) for key, value in network.state_dict().items())
    assert set(curves) == {"loss"}
    assert torch.isfinite(curves["loss"]).all()
    assert not network.training


def test_the_error_of_a_given_denoiser_is_that_of_what_it_predicts(denoiser_file):
    """All weights zero in the last projections: it predicts 0, so its error is the mean square of the fields."""
    denoiser = WeightTransformer(released(denoiser_file, training=replace(TransformerConfig().training, batch=5)))
    network, weights = denoiser.network(LAYOUT), torch.randn(5, LAYOUT.size, generator=torch.Generator().manual_seed(0))
    from hdbench_hyperdiffusion.given import error_of, load_into

    load_into(network, str(denoiser_file))
    with torch.no_grad():
        for project in network.decoder.output_parameter_projections:
            project[0].weight.zero_()
    found = error_of(network, weights, Schedule(), 5, Session(seed=0))
    assert found.tolist() == pytest.approx([weights.square().mean().item()])


@pytest.mark.parametrize(
    ("change", "layout", "said"),
    [
        ({"width": 32}, LAYOUT, r"is \[1, 9, 16\], expected \[1, 9, 32\]"),
        ({"layers": 3}, LAYOUT, r"'decoder.blocks.2.ln1.weight' \[16\] is missing"),
        ({}, layer_layout(36, 8, 3), r"'decoder.input_parameter_projections.0.0.weight' is \[16, 216\], expected \[16, 288\]"),
        ({"time": "everywhere"}, LAYOUT, "is missing"),
    ],
)
def test_a_denoiser_of_another_form_is_refused_before_the_fields_are_fitted(denoiser_file, change, layout, said):
    with pytest.raises(HdbenchError, match=said), torch.device("meta"):
        WeightTransformer(released(denoiser_file, **change)).network(layout)


def test_settings_of_an_imported_denoiser_build_it(denoiser_file):
    from hdbench_hyperdiffusion.library import read_denoiser

    assert config_of(read_denoiser(denoiser_file)) == replace(released(denoiser_file), checkpoint="", checkpoint_sha256="")
    assert sum(LAYOUT.sizes) == sum(sizes_of(mlp_state(hidden=8)))


def labels_of_a_run(folder, checkpoint, *overrides: str, reference_rows: bool = False) -> tuple[set[str], str]:
    """What a run with a given denoiser computes for its method, and the note under its row."""
    form = ("encoder.hidden=8", "encoder.scale=1.0", "encoder.time=index", "encoder.fit.batch=64", "encoder.mean.batch=64",
            "encoder.first.batch=64", "encoder.near=256", "encoder.uniform=256", "encoder.held_out=64", "encoder.fit.steps=2",
            "encoder.mean.steps=2", "encoder.min_iou_near=0", "encoder.min_iou_uniform=0",
            "denoiser.width=16", "denoiser.layers=2", "denoiser.heads=16", "denoiser.time=token", "denoiser.input_norm=true",
            "denoiser.projection_bias=false", f"denoiser.checkpoint={checkpoint}", "space=raw", "sampler.steps=4",
            "meshing.resolution=12", "count=8", "draws=1", "points=32")  # fmt: skip
    registry = builtin_commands(Registry()).load()
    plan = make_plan(registry, ("hyperdiffusion",), preset="tiny", data="spheres", overrides=(*form, *overrides))
    with Workers(1) as workers, Reporter(quiet=True) as reporter:
        engine = Engine(Store(folder), workers, reporter, seed=0)
        result = run(plan, engine, reference_rows)
    [row] = [outcome for outcome in result.outcomes if outcome.title == "HyperDiffusion"]
    assert row.failure is None
    return {record["label"].partition(": ")[2] for record in engine.records if "HyperDiffusion:" in record["label"]}, row.note


def test_a_run_that_is_given_its_denoiser_fits_no_field(denoiser_file, tmp_path):
    labels, note = labels_of_a_run(tmp_path / "store", denoiser_file, "run.metrics=mmd-cd")
    assert labels == {"train", "sample", "meshes", "score", "watch", "between samples", "strips"}
    assert note.startswith("The denoiser was given, so no field was fitted")


@pytest.mark.parametrize(
    ("overrides", "reference_rows", "why"),
    [
        (("run.metrics=mmd-cd,weight-nn-ratio",), False, "the metric 'weight-nn-ratio' compares with them"),
        (("run.metrics=mmd-cd",), True, "the reference rows are made of them"),
        (("run.metrics=mmd-cd", "space=perdim"), False, "the space 'perdim' is measured on them"),
    ],
)
def test_a_run_that_is_given_its_denoiser_says_why_it_fits_fields(denoiser_file, tmp_path, overrides, reference_rows, why):
    labels, note = labels_of_a_run(tmp_path / "store", denoiser_file, *overrides, reference_rows=reference_rows)
    assert {"query points", "shared start", "fit the fields"} <= labels
    assert note.startswith(f"The denoiser was given; fields were fitted because {why}.")


def test_fields_that_lack_a_shape_are_refused_before_its_points_are_sampled(fields_file):
    encoder = MLPEncoder(given(fields_file))
    encoder.refuse_shapes(BALLS)
    with pytest.raises(HdbenchError, match=r"none of 1 of these 2 shapes.*'ball-9'"):
        encoder.refuse_shapes(("ball-1", "ball-9"))
    MLPEncoder(replace(given(fields_file), fields="", fields_sha256="")).refuse_shapes(("ball-9",))
