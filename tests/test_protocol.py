"""Protocols: what the presets stand for, and a hash that changes with every setting and with nothing else."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from hdbench.errors import HdbenchError
from hdbench.protocol import PRESETS, Protocol, preset

OTHER = {
    "points": 1024, "take": "first", "normalisation": "shape_bbox", "distance": "gram", "ties": "first", "sizes": "equal",
    "empties": "drop", "level": 0.5, "resolution": 64, "emd_points": 256, "features_on": "distances", "grid": "as_is",
}  # fmt: skip


@pytest.mark.parametrize("key", OTHER)
def test_every_setting_changes_the_hash(key):
    assert replace(Protocol(), **{key: OTHER[key]}).hash != Protocol().hash


def test_over_generation_changes_the_hash_and_the_list_of_settings_is_complete():
    dropping = replace(Protocol(), empties="drop")
    assert replace(dropping, over_generation=1.1).hash != dropping.hash
    assert {f.name for f in fields(Protocol)} == {*OTHER, "over_generation", "name"}


def test_the_name_is_not_a_setting():
    assert replace(Protocol(), name="mine").hash == Protocol().hash
    assert len(Protocol().hash) == 8


@pytest.mark.parametrize(("name", "count"), [("strict", 606), ("hyperdiffusion", 666)])
def test_how_many_samples_are_made_for_the_papers_606_airplanes(name, count):
    assert preset(name).generated_count(606) == count


def test_the_released_code_meshes_at_probability_080():
    level = PRESETS["hyperdiffusion"].level
    assert level == pytest.approx(1.386)
    assert PRESETS["hyperdiffusion"].resolution == 356


def test_released_codes_that_differ_in_nothing_have_one_hash_and_the_others_have_their_own():
    hashes = {name: protocol.hash for name, protocol in PRESETS.items()}
    assert hashes["pointflow"] == hashes["pvd"] == hashes["lion"]  # they differ in the EMD, which has a name of its own
    assert len({hashes[name] for name in ("strict", "hyperdiffusion", "pointflow", "dpc", "lion-box")}) == 5


def test_a_misspelt_protocol_is_named_with_its_nearest():
    with pytest.raises(HdbenchError, match="Did you mean 'strict'"):
        preset("strikt")


OUT_OF_RANGE = [{"points": 0}, {"over_generation": 1.1}, {"over_generation": 0.5}, {"resolution": 2}, {"emd_points": 0}]


@pytest.mark.parametrize("change", OUT_OF_RANGE)
def test_settings_out_of_range_are_refused(change):
    with pytest.raises(HdbenchError, match=f"protocol.{next(iter(change))}"):
        Protocol(**change)


def test_each_preset_says_what_it_is():
    assert "count as the worst" in preset("strict").sentence()
    assert "1.1 N samples" in preset("hyperdiffusion").sentence()
