"""The row of the table: its title says what its shapes owe most to; contouring anew trains nothing anew."""

from __future__ import annotations

import pytest
from hdbench_shapegan.baseline import ShapeGAN
from hdbench_shapegan.settings import PRESETS, ShapeGANConfig, Start

from hdbench.config import from_dict


@pytest.mark.parametrize(("preset", "title"), [("tiny", "ShapeGAN (DeepSDF start)"), ("paper", "ShapeGAN")])
def test_only_what_begins_at_random_has_the_name_alone(preset, title):
    assert ShapeGAN(from_dict(ShapeGANConfig(), PRESETS[preset])).row() == title


def test_the_authors_weights_and_code_have_the_name_alone():
    start = Start(steps=100)
    assert ShapeGAN(ShapeGANConfig(start=start)).row() == "ShapeGAN (DeepSDF start)"
    assert ShapeGAN(ShapeGANConfig(start=start, checkpoint="generator.to")).row() == "ShapeGAN"
    assert ShapeGAN(ShapeGANConfig(start=start, mode="external", repo="r")).row() == "ShapeGAN"


def test_contouring_anew_trains_nothing_anew():
    other = ShapeGANConfig(resolution=96, evaluation="dense", domain="ball", axes=("z", "y", "-x"), hidden=64, level=0.02)
    assert ShapeGAN(other).fitted_with() == ShapeGANConfig(hidden=64, level=0.02)
