"""The row of the table: its title, and that another sampler trains nothing anew."""

from __future__ import annotations

from hdbench_pvd.baseline import PRESETS, PVD, PVDConfig
from hdbench_pvd.chains import SamplingConfig

from hdbench.config import from_dict

FASTER = SamplingConfig(kind="ddim", steps=50)


def test_an_accelerated_row_has_a_title_of_its_own():
    assert PVD(PVDConfig()).row() == "PVD"
    assert PVD(PVDConfig(sampling=FASTER)).row() == "PVD (DDIM-50)"
    assert PVD(PVDConfig(sampling=FASTER, mode="external", repo="r")).row() == "PVD"  # their code, their sampler


def test_the_note_says_which_sampler():
    assert "over all 1000 steps" in PVD(PVDConfig()).provenance()
    tiny = PVD(from_dict(PVDConfig(), PRESETS["tiny"])).provenance()
    assert "Accelerated: 25 deterministic steps of the schedule's 1000, not the authors' sampler." in tiny


def test_another_sampler_trains_nothing_anew():
    assert PVD(PVDConfig(sampling=FASTER, stock=7)).fitted_with() == PVDConfig(stock=7)
