"""The audit: verdicts on curves whose reading is known, and on real metrics what the literature says of them."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import dataclass

import numpy as np
import pytest

from hdbench.interfaces import Comparison, Metric, Vector
from hdbench.progress import Reporter
from hdbench.protocol import Protocol
from hdbench.registry import Registry
from hdbench.sampling import evaluation_cloud
from hdbench.selftest import dressing, plot, report, run
from hdbench.selftest.base import SOURCE, Size, make_base
from hdbench.selftest.curves import STRENGTHS, measure_curves
from hdbench.selftest.perturb import PERTURBATIONS
from hdbench.selftest.report import Audit
from hdbench.selftest.vectors import Checked, check_vectors
from hdbench.selftest.verdicts import Verdict, noise_of, read, verdicts


@dataclass(frozen=True)
class Nothing:
    """No settings."""


class Toy(Metric):
    """A metric of clouds alone."""

    name, source, Config, direction, range, unit, definition = "toy", "", Nothing, "lower", (0, 9), "", "d"


class Empties(Toy):
    """The share of samples that are empty."""

    name = "empties"

    def measure(self, comparison):
        return {"Empty": float(comparison.empty().mean()), "detail": 1.0}


class Full(Empties):
    """The same number, read the wrong way round."""

    name, direction = "full", "higher"


class Constant(Toy):
    """Always the same."""

    name = "constant"

    def measure(self, comparison):
        return {"C": 5.0}


class Fussy(Toy):
    """Unknown where samples are empty."""

    name = "fussy"

    def measure(self, comparison):
        return {"F": math.nan if comparison.empty().any() else 0.0}


class Spread(Toy):
    """How many of the samples are different ones, of an ideal of all."""

    name, direction, target = "spread", "target", 1.0

    def measure(self, comparison):
        return {"S": len(np.unique(comparison.generated.reshape(len(comparison.generated), -1), axis=0)) / 12}


class Closed(Toy):
    """The share of meshes that are closed."""

    name, direction, reads = "closed", "higher", ("meshes",)

    def measure(self, comparison):
        return {"W": float(comparison.parts["meshes"].generated["watertight"].mean())}


TOYS = [kind(Nothing()) for kind in (Empties, Full, Constant, Fussy, Spread, Closed)]
TINY = Size(shapes=12, training=8, draws=4, worse=2, points=24)


@pytest.fixture(scope="module")
def registry():
    return Registry().load()


@pytest.fixture(scope="module")
def toys(registry):
    """{(metric, perturbation): verdict} of the toys."""
    curves = measure_curves(TOYS, make_base(registry, TINY), TINY.protocol())
    return {(v.metric, v.perturbation): v for v in verdicts(curves)}


# ------------------------------------------------------------------------------------------------------------- vectors


def nothing():
    cloud, distances = np.zeros((1, 1, 1, 3), np.float32), np.zeros((1, 1))
    return Comparison(cloud, cloud, distances, distances, distances)


def test_a_known_answer_is_compared_with_what_the_metric_says():
    class Right(Constant):
        @classmethod
        def vectors(cls):
            return (Vector("five", nothing(), {"C": 5}), Vector("six", nothing(), {"C": 6}), Vector("other", nothing(), {"D": 5}))

    five, six, other = check_vectors([Right(Nothing())])
    assert (five.passed, six.passed, other.passed) == (True, False, False)
    assert (six.metric, six.case, six.column, six.expected, six.found) == ("constant", "six", "C", 6, 5)
    assert math.isnan(other.found)


@pytest.mark.parametrize(("found", "passed"), [(1 + 5e-7, True), (1 + 5e-6, False), (math.nan, False), (math.inf, False)])
def test_answers_are_compared_to_six_digits(found, passed):
    assert Checked("m", "case", "C", 1.0, found).passed is passed


def test_every_installed_metric_gives_its_known_answers(registry):
    checked = check_vectors([run.built(registry, name) for name in registry.names("metric")])
    assert [c for c in checked if not c.passed] == []
    assert {"mmd-cd", "cov-cd", "1nna-cd"} <= {c.metric for c in checked}


# ------------------------------------------------------------------------------------------------------------ verdicts


@pytest.mark.parametrize(
    ("harm", "word", "since"),
    [
        ((0, 0, 0.9, 1.1, 2, 3), "sees", 0.4),
        ((2, 2, 2, 2, 2, 2), "sees", 0.05),
        ((2, 0, 0, 0, 0, math.inf), "sees", 1.0),
        ((0, -0.5, -1.1, -2, -3, -3), "rewards", 0.2),
        ((0, 0, -5, 0, 0, 2), "sees", 1.0),
        ((9, 9, 9, 9, 9, 0.9), "blind", math.nan),
        ((0, 0, 0, 0, 0, -1), "blind", math.nan),
        ((0, math.nan, 0, 0, 5, 5), "not tried", math.nan),
    ],
)
def test_a_verdict_holds_from_the_first_strength_on_from_which_all_agree(harm, word, since):
    assert read(harm) == (word, pytest.approx(since, nan_ok=True))


def test_two_good_draws_differ_by_more_than_the_noise_once_in_twenty():
    rng = np.random.default_rng(0)
    draws = rng.normal(size=(4000, 8))
    apart = np.abs(np.subtract(*rng.normal(size=(2, 4000))))
    beyond = np.mean([gap > noise_of(row) for gap, row in zip(apart, draws)])
    assert beyond == pytest.approx(0.05, abs=3 * np.sqrt(0.05 * 0.95 / 4000))


def test_a_metric_sees_what_it_counts_and_the_reverse_rewards_it(toys):
    assert (toys["empties", "empty"].word, toys["full", "empty"].word) == ("sees", "rewards")
    assert toys["empties", "empty"].values == pytest.approx([round(s * 12) / 12 for s in STRENGTHS])
    assert toys["empties", "empty"].correlation == pytest.approx(1, abs=0.02)
    assert toys["full", "empty"].correlation == -toys["empties", "empty"].correlation
    assert {v.word for (metric, name), v in toys.items() if metric in ("empties", "full") and name != "empty"} == {"blind"}


def test_a_metric_that_never_changes_is_blind_to_all(toys):
    assert {v.word for (metric, _), v in toys.items() if metric == "constant"} == {"blind"}
    assert math.isnan(toys["constant", "noise"].correlation)


def test_a_metric_that_has_no_value_was_not_tried(toys):
    assert (toys["fussy", "empty"].word, toys["fussy", "noise"].word) == ("not tried", "blind")


def test_a_metric_of_meshes_is_not_tried_on_clouds_that_were_bent(toys):
    seen = {name: toys["closed", name].word for name in ("noise", "outliers", "torn", "empty", "collapse")}
    assert seen == {"noise": "not tried", "outliers": "not tried", "torn": "sees", "empty": "sees", "collapse": "blind"}


def test_badness_is_the_distance_from_a_target(toys):
    found = toys["spread", "collapse"]
    assert found.word == "sees"
    assert found.values[-1] == pytest.approx(1 / 12)
    assert found.harm[-1] > 0


def test_perturbations_that_do_not_fit_are_left_out(toys):
    assert ("empties", "torn") in toys
    assert ("empties", "still") not in toys  # single shapes


def test_the_audit_says_the_same_twice(registry, toys):
    again = verdicts(measure_curves(TOYS, make_base(registry, TINY), TINY.protocol()))
    assert [repr(v) for v in again] == [repr(v) for v in toys.values()]


# ---------------------------------------------------------------------------------------------------------------- base


def test_the_sets_of_the_base_have_no_shape_in_common_and_all_parts(registry):
    made = make_base(registry, TINY)
    sets = (made.reference, made.training, *made.draws)
    names = [name for shapes in sets for name in shapes.names]
    assert len(names) == len(set(names)) == TINY.total
    assert [len(s) for s in sets] == [12, 8, 12, 12, 12, 12]
    assert made.around(0).fresh.clouds.shape == (24, 1, 24, 3)
    for shapes in sets:
        assert shapes.figures["watertight"].all()  # iso-surfaces are closed
        assert shapes.weights.shape == (len(shapes), 2 * dressing.FREQUENCIES)
    assert not made.torn[1]["watertight"].any()
    assert (made.torn[1]["components"] > made.draws[1].figures["components"]).all()


def test_weights_are_the_same_field_for_other_points_of_a_shape(registry):
    source_type = registry.resolve("shapes", SOURCE)
    source = source_type(source_type.Config(count=8))
    shapes = [source.place(source.shape(name)) for name in source.names()]
    first, again = (dressing.weights_of(np.stack([evaluation_cloud(s, 2000, seed) for s in shapes])) for seed in (0, 1))
    apart = np.linalg.norm(first[:, None] - again[None], axis=2)
    assert (apart.argmin(1) == np.arange(8)).all()


def test_swaying_shapes_start_upright_and_come_back():
    cloud = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    moving = dressing.swaying(cloud, 4, seed=1)
    assert np.array_equal(moving[0], cloud)
    assert moving[2] == pytest.approx(cloud, abs=1e-6)
    assert np.abs(moving[1] - cloud)[:, 0].max() > 0.01
    assert np.array_equal(moving[..., 1:], np.broadcast_to(cloud[:, 1:], (4, 50, 2)))


# -------------------------------------------------------------------------------------------- what the literature knows

KNOWN = ("mmd-cd", "cov-cd", "1nna-cd", "zu")
TRIED = ("noise", "empty", "collapse", "copies", "leak", "scale", "shift")


@pytest.fixture(scope="module")
def audit(registry):
    """Well-known metrics on a few perturbations of small sets."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hdbench.selftest.curves.PERTURBATIONS", {name: PERTURBATIONS[name] for name in TRIED})
        size = Size(shapes=40, training=60, draws=8, worse=2, points=256)
        return run.audit(registry, KNOWN, False, Reporter(quiet=True), size)


def words(audit, perturbation):
    return {metric: found[perturbation].word for metric, found in audit.matrix().items()}


def test_chamfer_metrics_cannot_tell_copies_of_training_shapes_and_data_copying_can(audit):
    assert words(audit, "copies") == {"mmd-cd": "blind", "cov-cd": "blind", "1nna-cd": "blind", "zu": "sees"}
    assert audit.matrix()["zu"]["copies"].values[-1] < -5  # Meehan et al. 2020: far below 0


def test_copies_of_the_reference_are_perfect_for_mmd_and_coverage_and_0_for_1nna(audit):
    found = audit.matrix()
    assert {name: found[name]["leak"].values[-1] for name in KNOWN[:3]} == {"mmd-cd": 0, "cov-cd": 100, "1nna-cd": 0}
    assert {name: found[name]["leak"].word for name in KNOWN[:3]} == {
        "mmd-cd": "rewards", "cov-cd": "rewards", "1nna-cd": "sees",
    }  # fmt: skip
    assert found["1nna-cd"]["leak"].values[-2] < 50


def test_coverage_and_1nna_see_collapse_long_before_mmd(audit):
    found = audit.matrix()
    assert (found["cov-cd"]["collapse"].word, found["1nna-cd"]["collapse"].word) == ("sees", "sees")
    at_70_percent = {name: found[name]["collapse"].harm[-2] for name in ("cov-cd", "mmd-cd")}
    assert at_70_percent["cov-cd"] > at_70_percent["mmd-cd"]  # MMD is blind to what else was generated
    assert found["cov-cd"]["collapse"].values[-1] == pytest.approx(100 / 40)  # one shape covers one


def test_all_samples_empty_is_the_worst_value_of_each(audit):
    found = audit.matrix()
    assert {name: found[name]["empty"].values[-1] for name in KNOWN[:3]} == {
        "mmd-cd": math.inf, "cov-cd": 0, "1nna-cd": 100,
    }  # fmt: skip


def test_the_normalisation_of_the_protocol_hides_scale_and_place(audit):
    for name in ("scale", "shift"):
        assert words(audit, name) == dict.fromkeys(KNOWN, "blind")
        for found in audit.matrix().values():
            assert found[name].values == pytest.approx([found[name].start] * len(STRENGTHS), rel=1e-4)


@pytest.mark.slow  # minutes
def test_what_the_installed_metrics_are_made_for_they_see(registry):
    names = [name for name in registry.names("metric") if name not in run.skipped(registry, registry.names("metric"), True)]
    found = run.audit(registry, names, True, Reporter(quiet=True)).matrix()
    assert {found[name]["torn"].word for name in ("watertight", "one-piece")} == {"sees"}
    assert {found[name]["still"].word for name in ("motion-speed", "1nna-motion")} == {"sees"}
    assert {found[name]["copies"].word for name in ("zu", "copies", "novelty-cd", "weight-nn-ratio")} == {"sees"}
    assert {found[name]["copies"].word for name in ("mmd-cd", "cov-cd", "1nna-cd", "jsd", "vendi-cd")} == {"blind"}
    assert found["authpct"]["noise"].word == "rewards"  # noise is new


# -------------------------------------------------------------------------------------------------------------- reports


def verdict(metric="mmd-cd", perturbation="noise", word="sees", since=0.4, harm=(0, 0, 0, 2, 3, 4)):
    return Verdict(
        metric, "MMD", perturbation, word, since, 0.9, 1.0, 0.5, tuple(float(h) for h in harm), tuple(map(float, harm))
    )


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (verdict(), ".4"),
        (verdict(since=1.0), "1"),
        (verdict(harm=(-2, 0, 0, 2, 3, 4)), ".4~"),
        (verdict(word="rewards", since=0.05, harm=[-2] * 6), "!.05"),
        (verdict(word="blind", since=math.nan, harm=[0] * 6), "·"),
        (verdict(word="not tried", since=math.nan, harm=[math.nan] * 6), "-"),
        (None, "-"),
    ],
)
def test_cells_of_the_matrix(given, shown):
    assert report.cell(given) == shown


@pytest.fixture
def small():
    harm = (0.0, 1.0, math.inf, math.nan, -math.inf, 2.0)
    names = ("mmd-cd", "precision[procedural]")
    found = [verdict(metric, name, harm=harm) for metric in names for name in PERTURBATIONS if name != "still"]
    size = Size()
    return Audit([Checked("mmd-cd", "a case", "MMD", 1, 2)], found, {"fid": "no weights"}, size, size.protocol())


def test_the_matrix_fits_in_100_columns_and_names_what_failed(small):
    lines = [line.plain for line in report.to_rich(small)]
    matrix = lines[lines.index("") + 1 : lines.index("", lines.index("") + 1)]
    assert max(map(len, matrix)) == 100
    assert matrix[1].split() + matrix[2].split() == [*list(PERTURBATIONS)[::2], *list(PERTURBATIONS)[1::2]]
    assert matrix[3].split()[0] == "mmd-cd"
    for index, name in enumerate(PERTURBATIONS, start=1):  # each name ends where its cells end
        end = report.NAME + report.CELL * index
        assert matrix[1 + (index - 1) % 2][:end].endswith(f" {name}")
        assert matrix[4][:end].endswith(report.cell(small.matrix()["precision[procedural]"].get(name)))
    assert lines[0] == "FAILED  mmd-cd, a case: MMD is 2, expected 1"
    assert any("fid: not tried, no weights" in line for line in lines)


def test_json_has_everything_and_no_number_that_json_has_not(small):
    read_back = json.loads(report.to_json(small), parse_constant=lambda text: pytest.fail(text))
    assert read_back["verdicts"][0]["harm"] == [0.0, 1.0, "inf", None, "-inf", 2.0]
    assert read_back["vectors"] == [
        {"metric": "mmd-cd", "case": "a case", "column": "MMD", "expected": 1, "found": 2, "passed": False}
    ]  # fmt: skip
    assert read_back["protocol"]["hash"] == small.protocol.hash
    assert len(read_back["perturbations"]) == len(PERTURBATIONS)


def test_csv_has_a_line_per_strength(small):
    lines = list(csv.DictReader(io.StringIO(report.to_csv(small))))
    assert len(lines) == 2 * (len(PERTURBATIONS) - 1) * (1 + len(STRENGTHS))
    assert [line["strength"] for line in lines[:7]] == ["0.0", *map(str, STRENGTHS)]
    assert [line["harm"] for line in lines[:7]] == ["0.0", "0.0", "1.0", "inf", "", "-inf", "2.0"]


def test_markdown_tables_have_as_many_cells_in_every_line(small):
    blocks = report.to_markdown(small).split("\n\n")
    for block in (b for b in blocks if b.startswith("| ")):
        counts = {line.count("|") for line in block.splitlines() if line.startswith("|")}
        assert len(counts) == 1


def test_the_picture_is_a_png_and_the_same_twice(small):
    first = plot.picture(small)
    assert first.startswith(b"\x89PNG")
    assert plot.picture(small) == first


def test_the_protocol_of_the_audit_is_strict_with_fewer_points():
    strict, own = Protocol(), Size(points=64).protocol()
    assert (own.points, own.emd_points) == (64, 64)
    assert own.normalisation == strict.normalisation
    assert own.hash != strict.hash
