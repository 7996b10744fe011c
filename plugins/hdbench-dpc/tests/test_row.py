"""The row of the table: its title, what stands under it, and that another sampler trains nothing anew."""

from __future__ import annotations

import pytest
from hdbench_dpc.baseline import DPC
from hdbench_dpc.config import PRESETS, DPCConfig, SamplingConfig

from hdbench.config import from_dict
from hdbench.errors import HdbenchError

FASTER = SamplingConfig(kind="ddim", steps=25)


def test_an_accelerated_row_has_a_title_of_its_own():
    assert DPC(DPCConfig()).row() == "DPC"
    assert DPC(DPCConfig(sampling=FASTER)).row() == "DPC (DDIM-25)"
    assert DPC(DPCConfig(sampling=FASTER, mode="external", repo="r")).row() == "DPC"  # their code, their sampler


def test_the_note_says_which_sampler_and_how_large_a_network():
    assert DPC(DPCConfig()).provenance() == (
        "Native: trained on this run's training shapes. 400,000 steps of training, 3,879,832 parameters (the authors' network). "
        "The authors' ancestral sampler, all 100 steps."
    )
    tiny = DPC(from_dict(DPCConfig(sampling=FASTER), PRESETS["tiny"])).provenance()
    assert "(3,879,832 in the authors' network)" in tiny
    assert "DDIM over 25 of the schedule's 100 steps: accelerated, not the authors' sampler." in tiny


def test_another_sampler_trains_nothing_anew():
    assert DPC(DPCConfig(sampling=FASTER)).fitted_with() == DPCConfig()
    trained = DPCConfig(checkpoint="GEN_airplane.pt", sampling=FASTER)
    assert DPC(trained).fitted_with().checkpoint == "GEN_airplane.pt"


def test_all_presets_are_settings_of_dpc():
    for preset in PRESETS.values():
        assert isinstance(from_dict(DPCConfig(), preset, "dpc."), DPCConfig)


@pytest.mark.parametrize(
    ("part", "setting", "message"),
    [
        ("network", {"latent": 7}, "'network.latent' must be even"),
        ("network", {"pointnet": (8, 8)}, "'network.pointnet' must be four widths"),
        ("training", {"points": 10, "times": 4}, "'training.times' must be a divisor of training.points"),
        ("training", {"end_lr": 1.0}, "'training.end_lr' must be in"),
        ("sampling", {"steps": 101}, "'sampling.steps' must be in 1..100"),
        ("sampling", {"flexibility": 2.0}, "'sampling.flexibility' must be in"),
    ],
)
def test_settings_that_make_no_sense_are_refused(part, setting, message):
    with pytest.raises(HdbenchError, match=message):
        from_dict(DPCConfig(), {part: setting})
