"""Sequences: the settings of the paper's 4D models, and fields of many frames seen one frame at a time."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hdbench_hyperdiffusion.initialisation import random_weights
from hdbench_hyperdiffusion.mlp import MLPConfig, MLPEncoder

from hdbench.plan import Plan, make_plan
from hdbench.registry import Registry, builtin_commands


def plan(data: str, preset: str) -> Plan:
    return make_plan(builtin_commands(Registry()).load(), ("hyperdiffusion",), preset=preset, data=data)


@pytest.mark.parametrize(
    ("data", "frames", "weights", "parameters"),
    [("airplane", 1, 36_737, 1_407_225_600), ("animals", 16, 37_889, 408_332_160)],
)
def test_the_paper_preset_has_the_sizes_of_the_released_models(data, frames, weights, parameters):
    parts = plan(data, "paper").parts("hyperdiffusion")
    layout = parts["encoder"].build().layout(frames)
    with torch.device("meta"):
        network = parts["denoiser"].build().network(layout)
    assert layout.size == weights
    assert sum(p.numel() for p in network.parameters()) == parameters


def test_the_paper_preset_of_sequences_is_fitted_and_trained_as_released():
    recipe = plan("animals", "paper").settings["hyperdiffusion"]
    queries = MLPEncoder(recipe.encoder).queries()
    assert queries.near + queries.uniform == 200_000  # of every frame
    assert queries.sigmas == (0.01,)
    assert [MLPEncoder(recipe.encoder).encoding.frame_coordinate(k, 16) for k in (0, 7, 15)] == [0.0, 7.0, 15.0]
    assert {recipe.encoder.fit.epoch, recipe.encoder.first.epoch} == {97}
    training = recipe.denoiser.training
    assert (training.lr, training.decay, training.epochs, training.batch) == (5e-5, "none", 6000, 32)


@pytest.mark.parametrize("preset", ["tiny", "small", "paper"])
def test_sequences_have_presets_of_their_own_and_shapes_keep_theirs(preset):
    shapes, sequences = plan("airplane", preset), plan("animals", preset)
    assert sequences.settings["shapes"].count != shapes.settings["shapes"].count
    assert sequences.settings["hyperdiffusion"] != shapes.settings["hyperdiffusion"]
    assert plan("chair", preset).settings["hyperdiffusion"] == shapes.settings["hyperdiffusion"]
    if preset != "paper":
        assert str(sequences.settings["hyperdiffusion"].encoder.hidden) in sequences.notes["hyperdiffusion"]


@pytest.mark.parametrize("frames", [1, 3])
def test_a_frame_alone_is_that_of_the_sequence(frames):
    encoder = MLPEncoder(MLPConfig(hidden=16))
    weights = random_weights(encoder.layout(frames), 5)
    whole = encoder.decode(weights, frames, 24, 0.0)
    assert len({mesh.vertices.tobytes() for mesh in whole}) == frames
    for k, mesh in enumerate(whole):
        alone = encoder.decode_frame(weights, frames, k, 24, 0.0)
        np.testing.assert_array_equal(alone.vertices, mesh.vertices)
        np.testing.assert_array_equal(alone.faces, mesh.faces)
