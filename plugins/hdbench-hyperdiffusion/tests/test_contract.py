"""The contracts of HyperDiffusion's components."""

from __future__ import annotations

from dataclasses import replace

from hdbench_hyperdiffusion.fitting import Fit
from hdbench_hyperdiffusion.mlp import MLPConfig
from hdbench_hyperdiffusion.transformer import TransformerConfig

from hdbench.testing import DenoiserContract, EncoderContract, RecipeContract
from hdbench.training import Training

FIT = Fit(steps=150, batch=256, rate=1e-2)
MLP = MLPConfig(hidden=16, octaves=2, near=1024, uniform=1024, held_out=512, fit=FIT, first=FIT, mean=FIT)
TRANSFORMER = TransformerConfig(width=16, layers=2, heads=2, training=Training(steps=5, batch=4, checkpoint_seconds=0.0))


class TestMLP(EncoderContract):
    component = "mlp"
    frames = (1, 2)
    small = MLP


class TestMLPFromRandomWeights(EncoderContract):
    component = "mlp"
    small = replace(MLP, init="random")


class TestMLPThatAligns(EncoderContract):
    component = "mlp"
    small = replace(MLP, init="random", align=True, fit=replace(FIT, near_weight=2.0))


class TestTransformer(DenoiserContract):
    component = "transformer"
    small = TRANSFORMER


class TestTransformerOfThePaper(DenoiserContract):
    component = "transformer"
    small = replace(TRANSFORMER, time="token", input_norm=True, projection_bias=False)


class TestHyperDiffusion(RecipeContract):
    component = "hyperdiffusion"
