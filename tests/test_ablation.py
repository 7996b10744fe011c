"""Ablations: which cases are made, what they share, and what a dry run knows without computing anything."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from typing import ClassVar

import pytest

from hdbench.ablation.cases import cases
from hdbench.ablation.estimate import Planned, in_words
from hdbench.config import override, resolve_key
from hdbench.errors import HdbenchError


@dataclass(frozen=True, kw_only=True)
class Encoder:
    other_names: ClassVar[dict[str, str]] = {"pe": "octaves"}
    other_values: ClassVar[dict[str, dict[str, str]]] = {"octaves": {"none": "0"}}

    octaves: int = 4
    init: str = "mean"
    sigmas: tuple[float, ...] = (0.01, 0.03)


@dataclass(frozen=True, kw_only=True)
class Toy:
    encoder: Encoder = field(default_factory=Encoder)
    width: int = 8


@dataclass(frozen=True, kw_only=True)
class Shapes:
    count: int = 40


SETTINGS = {"toy": Toy(), "shapes": Shapes()}


def titles(*assignments, grid=False):
    return [case.title for case in cases(SETTINGS, assignments, grid)]


def test_one_change_at_a_time_and_the_default_value_is_no_case():
    assert titles("init=first,mean,random", "width=16") == ["default", "init=first", "init=random", "width=16"]


def test_a_grid_is_all_combinations():
    assert titles("init=first,mean", "width=8,16", grid=True) == [
        "default", "init=first, width=8", "init=first, width=16", "init=mean, width=16",
    ]  # fmt: skip


def test_values_of_lists_are_parted_by_semicolons():
    assert titles("sigmas=0.01,0.03;0.02") == ["default", "sigmas=0.02"]


def test_a_setting_may_have_another_name_and_words_for_its_values():
    assert resolve_key(SETTINGS, "pe") == "toy.encoder.octaves"
    assert override(SETTINGS, ("pe=none",))["toy"].encoder.octaves == 0
    with pytest.raises(HdbenchError, match=r"'toy.width' must be int"):
        override(SETTINGS, ("width=none",))  # a word of one setting is no value of another
    assert titles("pe=none,2,4") == ["default", "pe=none", "pe=2"]


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("init", "not of the form KEY=VALUE"),
        ("init=", "not of the form KEY=VALUE"),
        ("init=mean", "All of these values are the default's"),
        ("count=80", "'shapes.count' belongs to what all cases share"),
        ("widht=3", "Did you mean 'toy.width'"),
    ],
)
def test_mistakes_are_told_before_anything_runs(assignment, message):
    with pytest.raises(HdbenchError, match=message):
        cases(SETTINGS, [assignment])


ABLATE = (
    "ablate", "sampler.steps=2", "--method", "sphere", "--data", "spheres", "--preset", "tiny", "--seeds", "2",
    "-o", "shapes.count=60", "-o", "protocol.normalisation=none", "-o", "points=128", "-o", "metrics=mmd-cd,1nna-cd",
)  # fmt: skip


@pytest.fixture(scope="module")
def ablated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ablated")

    def call(*more):
        command = [sys.executable, "-m", "hdbench", *ABLATE, *more]
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=280, check=True)

    before, done = call("--dry-run"), call()
    after = call("--dry-run")
    [record] = folder.glob("runs/*/run.json")
    return before.stdout, done, after.stdout, json.loads(record.read_text(), parse_constant=pytest.fail)


def test_the_table_has_rows_differences_and_verdicts(ablated):
    _, done, _, record = ablated
    for said in ("default", "sampler.steps=2 ", "sampler.steps=2 - default", "default: sampler.steps=200."):
        assert said in done.stdout
    rows = {row["title"]: row["score"]["estimates"] for row in record["rows"]}
    assert record["kind"] == "ablation"
    assert rows["sampler.steps=2"]["MMD"]["value"] > rows["default"]["MMD"]["value"]
    assert all(row["score"]["draws"] == 2 for row in record["rows"])  # one per seed


def test_cases_share_what_does_not_depend_on_the_change(ablated):
    stages = ablated[3]["stages"]
    trained = {stage["stage"] for stage in stages if stage["label"] == "Sphere: train"}
    sampled = {stage["stage"] for stage in stages if stage["label"] == "Sphere: sample"}
    assert (len(trained), len(sampled)) == (2, 4)  # a training per seed, a sampling per seed and case


@pytest.mark.parametrize(
    ("stages", "said"),
    [
        ((), "all: 0 stages, 0 parts to compute"),
        ((("fit", 4, 120.0), ("train", 1, 60.0)), "all: 2 stages, 5 parts to compute, about 3.0 CPU minutes; 1.5 minutes with 2"),
        ((("fit", 4, None),), "all: 1 stages, 4 parts to compute; how long they take is not known: this store holds no past run"),
        ((("fit", 4, None), ("train", 1, 60.0)), "about 1.0 CPU minutes; 0.5 minutes with 2 workers if they are never idle; not "
         "counted, since no past run tells how long they take: fit"),
    ],
)  # fmt: skip
def test_what_is_not_known_is_not_taken_for_nothing(stages, said):
    assert said in in_words("all", [Planned(*stage) for stage in stages], workers=2)


def test_a_dry_run_tells_what_is_missing_and_computes_none_of_it(ablated):
    before, _, after, _ = ablated
    assert "CPU minutes" not in before  # nothing like it was ever computed here
    assert "all: " in before
    assert "how long they take is not known" in before
    assert "default: 0 stages, 0 parts to compute\n" in after
    assert "sampler.steps=2: 0 stages" in after
