"""The gate: what fails, what passes, what is refused, and how often it is wrong."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from scipy.stats import fisher_exact
from scipy.stats import t as student

from hdbench.__main__ import main
from hdbench.errors import HdbenchError
from hdbench.gate.check import check
from hdbench.gate.measured import measured
from hdbench.gate.noise import Noise, as_badness, holm, noise_between
from hdbench.gate.reference import read, to_json
from hdbench.gate.run import Options, gate
from hdbench.gate.timings import timing_lines
from hdbench.gate.words import to_junit, to_markdown, to_text
from hdbench.scoring.intervals import Estimate, estimate
from hdbench.scoring.merging import merged
from hdbench.scoring.replicates import replicate
from hdbench.tables.records import read_record
from hdbench.tables.rows import Column

METRICS = ("mmd-cd", "cov-cd", "1nna-cd", "fpd[procedural]")


@pytest.fixture(scope="module")
def tiny(reference_run):
    return measured([read_record(reference_run)], METRICS)


def with_row(run, title="HyperDiffusion", **changes):
    """The same run, one row changed."""
    return replace(run, rows=tuple(replace(row, **changes) if row.title == title else row for row in run.rows))


def with_value(run, column, value, title="HyperDiffusion"):
    estimates = dict(run.row(title).estimates)
    return with_row(run, title, estimates={**estimates, column: replace(estimates[column], value=value)})


def line(verdict, name, row="HyperDiffusion"):
    [found] = [line for line in verdict.lines if (line.row, line.name) == (row, name)]
    return found


# ---------------------------------------------------------------------------------------------------------- statistics


def test_holms_adjusted_p_values_are_those_of_his_paper():
    """R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []


def test_one_estimated_variance_is_students_test():
    noise = Noise(variance=4.0, uncertainty=4.0**2 / 9)
    assert noise.df == pytest.approx(9)
    assert noise.p_value(3.0) == pytest.approx(student.sf(1.5, 9))
    assert noise.p_value(noise.critical(0.003)) == pytest.approx(0.003)


def test_two_equal_variances_have_twice_the_degrees_of_freedom():
    one = Noise(variance=4.0, uncertainty=4.0**2 / 9)
    assert (one + one).df == pytest.approx(18)


def test_without_noise_any_worsening_is_certain():
    assert (Noise().p_value(1e-9), Noise().p_value(0.0), Noise().critical(0.01)) == (0.0, 1.0, 0.0)


def test_the_distance_to_a_target_counts_on_both_sides():
    accuracy = Column(name="1-NNA", direction="target", target=50.0)
    below, above = (Estimate(value=v, half_width=1.0, replicates=((0.5, 0.7),)) for v in (40.0, 60.0))
    assert as_badness(below, accuracy).value == as_badness(above, accuracy).value == 10
    assert as_badness(below, accuracy).replicates == ((-0.5, -0.7),)
    assert as_badness(above, accuracy).replicates == ((0.5, 0.7),)
    assert as_badness(above, Column(name="COV", direction="higher")).value == -60


ONE = Estimate(value=1.0, half_width=1.0, subsampling_sd=0.5, draws_sd=0.3, draws_df=2, generated_sd=0.2, shapes=60)


def test_on_the_same_shapes_only_the_samples_are_noise():
    assert noise_between(ONE, ONE, True, (1, 1)).variance == pytest.approx(2 * 0.2**2)
    assert noise_between(ONE, ONE, False, (1, 1)).variance == pytest.approx(2 * 0.5**2)
    single = replace(ONE, generated_sd=math.nan, draws_sd=math.nan)
    assert noise_between(single, ONE, True, (1, 1)).variance == pytest.approx(2 * 0.5**2)


def test_trainings_add_noise_only_where_seeds_tell_it():
    """Of three seeds the mean varies by 0.3^2, by 0.2^2 of it for the samples: a training adds three times the rest."""
    rest = 0.3**2 - 0.2**2
    assert noise_between(ONE, ONE, True, (3, 3)).variance == pytest.approx(2 * 0.2**2 + 2 * rest)
    assert noise_between(ONE, ONE, True, (1, 3)).variance == pytest.approx(2 * 0.2**2 + rest + 3 * rest)
    assert noise_between(ONE, replace(ONE, draws_sd=0.1), True, (1, 3)).variance == pytest.approx(2 * 0.2**2)


# Three columns, each the mean of the generated minus the mean of the reference numbers: their sums have known laws.


def scored(rng, reference, training_sd=0.0, shift=0.0, draws=2):
    """Estimates of one run: draws of one training, three columns."""
    found, training = {}, rng.normal(0, training_sd, size=3) if training_sd else np.zeros(3)
    for k in range(3):
        made = [rng.normal(size=len(reference)) + training[k] + shift for _ in range(draws)]
        statistics = [lambda g, r, draw=draw: {"gap": draw[g].mean() - reference[r, k].mean()} for draw in made]  # noqa: B023
        everything = np.arange(len(reference))
        values = [statistic(everything, everything)["gap"] for statistic in statistics]
        found[f"c{k}"] = estimate(values, replicate(statistics, [len(reference)] * draws, len(reference), partitions=6), "gap")
    return found


def fails(run, reference, seeds, alpha):
    p_values = []
    for name, theirs in reference.items():
        noise = noise_between(run[name], theirs, True, seeds)
        p_values.append(noise.p_value(run[name].value - theirs.value))
    return min(holm(p_values)) < alpha


@pytest.mark.parametrize("draws", [1, 2])
def test_a_reseed_fails_as_often_as_alpha_says_over_all_metrics(draws):
    """Always on one reference. Three columns at a tenth each would fail 27 times of 100 without Holm's correction."""
    failed, repeats = 0, 120
    for repeat in range(repeats):
        rng = np.random.default_rng([repeat, draws])
        reference = rng.normal(size=(32, 3))
        failed += fails(scored(rng, reference, draws=draws), scored(rng, reference, draws=draws), (1, 1), alpha=0.1)
    assert 0.02 <= failed / repeats <= 0.18  # 0.1 by three standard errors


def test_it_sees_what_students_test_would_see():
    """A shift of 3.5 standard errors of the difference of two means of 2 x 32 numbers, in three columns at once."""
    shift, failed = 3.5 * np.sqrt(2 / 64), 0
    for repeat in range(60):
        rng = np.random.default_rng([repeat, 5])
        reference = rng.normal(size=(32, 3))
        failed += fails(scored(rng, reference, shift=shift), scored(rng, reference), (1, 1), alpha=0.05)
    assert failed / 60 >= 0.95  # in one column 92 of 100


def test_a_run_of_one_training_is_granted_what_trainings_differ_by():
    """Trainings shift a generator by N(0, 0.5). Against one training nobody can know; against four it is seen."""
    failed = np.zeros(2)
    for repeat in range(60):
        rng = np.random.default_rng([repeat, 3])
        reference = rng.normal(size=(40, 3))
        trainings = [scored(rng, reference, training_sd=0.5) for _ in range(4)]
        mean = {name: merged([one[name] for one in trainings]) for name in trainings[0]}
        run = scored(rng, reference, training_sd=0.5)
        failed += [fails(run, trainings[0], (1, 1), 0.1), fails(run, mean, (1, 4), 0.1)]
    assert failed[0] / 60 > 0.5
    assert failed[1] / 60 <= 0.2


# --------------------------------------------------------------------------------------------------------- what it sees


def test_a_run_against_itself_passes_in_every_line(tiny):
    verdict = check(tiny, tiny, METRICS)
    assert verdict.passed
    assert [line.name for line in verdict.lines] == ["MMD", "COV", "1-NNA", "FPD[procedural]", "empty"] * 2
    assert all(line.p_value == 1.0 for line in verdict.lines)


@pytest.mark.parametrize(("column", "worse", "better"), [
    ("MMD", 7.0, 3.0), ("COV", 10.0, 99.0), ("1-NNA", 99.0, 52.0), ("FPD[procedural]", 80.0, 1.0),
])  # fmt: skip
def test_far_worse_fails_in_that_line_alone_and_far_better_passes(tiny, column, worse, better):
    failed = [line.name for line in check(with_value(tiny, column, worse), tiny, METRICS).lines if line.failed]
    assert failed == [column]
    assert check(with_value(tiny, column, better), tiny, METRICS).passed


def test_a_line_says_from_which_worsening_on_it_fails(tiny):
    limit = line(check(tiny, tiny, ("mmd-cd",), rows=("HyperDiffusion",)), "MMD").fails_from
    value = tiny.row("HyperDiffusion").estimates["MMD"].value
    others = {"rows": ("HyperDiffusion",), "tolerate": ("empty=off",)}
    alone = line(check(tiny, tiny, ("mmd-cd",), **others), "MMD").fails_from
    assert alone < limit  # one question less
    assert not check(with_value(tiny, "MMD", value + 1.01 * alone), tiny, ("mmd-cd",), **others).passed
    assert check(with_value(tiny, "MMD", value + 0.99 * alone), tiny, ("mmd-cd",), **others).passed


def test_a_threshold_is_tolerated_in_the_metrics_unit_or_in_percent(tiny):
    worse = with_value(tiny, "MMD", 6.5)  # 1.48 more
    assert not check(worse, tiny, METRICS).passed
    assert check(worse, tiny, METRICS, tolerate=("MMD=1.4",)).passed
    assert check(worse, tiny, METRICS, tolerate=("mmd-cd=25%",)).passed
    assert check(worse, tiny, METRICS, tolerate=("MMD=off",)).passed
    assert not check(worse, tiny, METRICS, tolerate=("MMD=0.1",)).passed


@pytest.mark.parametrize(("assignment", "message"), [
    ("MDM=1", "Did you mean 'MMD'"), ("MMD", "not of the form METRIC=VALUE"), ("MMD=-1", "must be a number of 0 or more"),
    ("MMD=lots", "must be a number of 0 or more"), ("MMD=nan", "must be a number of 0 or more"),
])  # fmt: skip
def test_a_threshold_that_means_nothing_is_refused(tiny, assignment, message):
    with pytest.raises(HdbenchError, match=message):
        check(tiny, tiny, METRICS, tolerate=(assignment,))


def test_an_infinite_value_fails_whatever_the_noise(tiny):
    found = line(check(with_value(tiny, "MMD", math.inf), tiny, METRICS), "MMD")
    assert (found.verdict, found.reason) == ("fail", "the value is not finite")
    assert check(tiny, with_value(tiny, "MMD", math.inf), METRICS).passed
    both = check(with_value(tiny, "MMD", math.inf), with_value(tiny, "MMD", math.inf), METRICS)
    assert line(both, "MMD").verdict == "not gated"


def test_a_method_that_failed_fails_and_says_why(tiny):
    verdict = check(with_row(tiny, failure="it ran out of memory", estimates={}), tiny, METRICS)
    assert line(verdict, "run").reason == "it failed: it ran out of memory"
    assert not verdict.passed


def test_empty_samples_are_fishers_exact_test(tiny):
    before, after = with_row(tiny, empty=3, requested=180), with_row(tiny, empty=12, requested=180)
    found = line(check(after, before, (), rows=("HyperDiffusion",)), "empty")
    assert found.p_value == pytest.approx(fisher_exact([[12, 168], [3, 177]], "greater").pvalue)
    assert found.worse == pytest.approx(5.0)
    assert check(with_row(tiny, empty=1), tiny, METRICS).passed
    assert not check(with_row(tiny, empty=20), tiny, METRICS).passed
    assert check(with_row(tiny, empty=20), tiny, METRICS, tolerate=("empty=12",)).passed


def without_interval(run, value):
    one = Estimate(value=value, half_width=math.nan)
    return with_row(run, estimates={**run.row("HyperDiffusion").estimates, "MMD": one})


def test_a_value_without_interval_is_not_gated_unless_a_threshold_decides(tiny):
    run, reference = without_interval(tiny, 9.0), without_interval(tiny, 5.0)
    verdict = check(run, reference, METRICS)
    assert line(verdict, "MMD").verdict == "not gated"
    assert to_text(verdict).endswith("PASSED: none of 9 is worse than the reference beyond the noise of both (1 not gated).\n")
    assert line(check(run, reference, METRICS, tolerate=("MMD=3",)), "MMD").verdict == "fail"
    assert line(check(run, reference, METRICS, tolerate=("MMD=5",)), "MMD").verdict == "pass"


def test_a_gate_that_no_metric_has_to_pass_is_refused(tiny):
    run, reference = without_interval(tiny, 9.0), without_interval(tiny, 5.0)
    with pytest.raises(HdbenchError, match="None of 1 metrics can be gated"):
        check(run, reference, ("mmd-cd",), rows=("HyperDiffusion",))


# ------------------------------------------------------------------------------------------------------- what it refuses


def other_shapes(run, **changes):
    return replace(run, shapes=replace(run.shapes, **changes))


REFUSED = {
    "another protocol": (lambda r: replace(r, protocol=replace(r.protocol, points=512)), "points is 512, not 2048"),
    "another source": (lambda r: other_shapes(r, source="chair"), "chair with 1 frames, and airplane with 1"),
    "another setting of the shapes": (lambda r: other_shapes(r, settings={**r.shapes.settings, "seed": 5}), "seed=5, not 0"),
    "another split": (lambda r: other_shapes(r, counts=(320, 0, 80)), "320/0/80 train/validation/test shapes"),
    "other test shapes": (lambda r: other_shapes(r, test_names=r.shapes.test_names[::-1]), "in another order"),
    "another metric": (lambda r: replace(r, columns=tuple(replace(c, unit="m") for c in r.columns)), "defined in another way"),
    "no such metric": (lambda r: replace(r, columns=r.columns[1:]), "The run has no numbers of the metric 'mmd-cd'"),
    "no such row": (lambda r: replace(r, rows=r.rows[:1]), "The run has no row 'Voxel Baseline'"),
    "other sizes": (lambda r: with_row(r, count=30), "30 samples per draw and not 60"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_does_not_compare_is_refused_with_the_reason(tiny, what):
    change, message = REFUSED[what]
    with pytest.raises(HdbenchError, match=message):
        check(change(tiny), tiny, METRICS)


def test_unknown_metrics_and_rows_are_named(tiny):
    with pytest.raises(HdbenchError, match="Did you mean 'mmd-cd'"):
        check(tiny, tiny, ("mmd-dc",))
    with pytest.raises(HdbenchError, match="Did you mean 'HyperDiffusion'"):
        check(tiny, tiny, METRICS, rows=("HyperDifusion",))


def test_what_differs_and_is_allowed_is_said(tiny):
    changed = with_row(tiny, settings={**tiny.row("HyperDiffusion").settings, "space": "raw"})
    notes = check(other_shapes(changed, digest="else"), tiny, METRICS).notes
    assert "HyperDiffusion has other settings: space=raw (was pca)." in notes
    assert any("other bits" in note for note in notes)


# ------------------------------------------------------------------------------------------------------------- references


def test_a_reference_survives_its_file(tiny, tmp_path):
    pairs = ((0.125, -0.25), (1e-7, 3.0))
    estimates = {**tiny.row("HyperDiffusion").estimates, "MMD": Estimate(value=math.inf, half_width=math.nan, replicates=pairs)}
    whole = with_row(replace(tiny, calibration_seconds=0.25), estimates=estimates)
    (tmp_path / "r.json").write_text(to_json(whole))
    again = read(tmp_path / "r.json")
    assert again.row("HyperDiffusion").estimates["MMD"].replicates == pairs
    assert again.row("HyperDiffusion").estimates["MMD"].value == math.inf
    assert (again.shapes, again.columns, again.protocol, again.seeds) == (whole.shapes, whole.columns, whole.protocol, (0,))
    assert again.row("Voxel Baseline").estimates["COV"].value == pytest.approx(32.2222, abs=1e-4)
    assert to_json(again) == to_json(whole)


def test_the_committed_reference_is_that_of_the_committed_run(reference_run):
    file = reference_run.parent / "reference" / "airplane-tiny.json"
    assert gate([reference_run], file).passed
    assert read(file).row("HyperDiffusion").estimates["1-NNA"].value == pytest.approx(66.9444, abs=1e-4)
    assert file.stat().st_size < 50_000


def test_seeds_of_one_configuration_make_one_reference(made_run, tmp_path):
    def change(record):
        [row] = [row for row in record["rows"] if row["title"] == "HyperDiffusion"]
        row["score"]["estimates"]["MMD"]["value"] = 6.0

    runs = [read_record(made_run(tmp_path / "a", 0)), read_record(made_run(tmp_path / "b", 1, change))]
    both = measured(runs, METRICS)
    assert both.seeds == (0, 1)
    assert both.row("HyperDiffusion").estimates["MMD"].value == pytest.approx((5.01687 + 6) / 2, abs=1e-4)
    assert both.row("HyperDiffusion").draws == 6
    with pytest.raises(HdbenchError, match="the seed 0"):
        measured([runs[0], runs[0]], METRICS)


def test_runs_that_differ_in_more_than_the_seed_are_no_reference(made_run, tmp_path):
    def change(record):
        record["configuration"]["voxel"]["space"] = "global"

    runs = [read_record(made_run(tmp_path / "a", 0)), read_record(made_run(tmp_path / "b", 1, change))]
    with pytest.raises(HdbenchError, match="differ in nothing but the seed"):
        measured(runs, METRICS)


@pytest.mark.parametrize(("content", "message"), [
    ("{", "is not JSON"), ("[]", "is no reference"), ('{"kind": "reference", "format": 9}', "has format 9"),
])  # fmt: skip
def test_a_file_that_is_no_reference_is_refused(tmp_path, content, message):
    (tmp_path / "r.json").write_text(content)
    with pytest.raises(HdbenchError, match=message):
        read(tmp_path / "r.json")


# ---------------------------------------------------------------------------------------------------------------- times


def timed(run, **seconds):
    return replace(run, timings=seconds)


BEFORE = {"fit": 10.0, "train": 40.0, "sample": 5.0, "score": 8.0, "tiny": 0.5}


def failed_times(lines):
    return [line.name for line in lines if line.failed]


def test_a_machine_of_half_the_speed_passes(tiny):
    lines = timing_lines(timed(tiny, **{k: 2 * v for k, v in BEFORE.items()}), timed(tiny, **BEFORE))
    assert failed_times(lines) == []
    assert [line.name for line in lines] == ["fit", "train", "sample", "score"]  # half a second is noise
    assert all(line.worse == pytest.approx(1) for line in lines)


def test_a_stage_that_became_slower_than_the_others_fails_on_any_machine(tiny):
    for machine in (0.3, 1.0, 3.0):
        now = {k: machine * v * (1.6 if k == "train" else 1.0) for k, v in BEFORE.items()}
        assert failed_times(timing_lines(timed(tiny, **now), timed(tiny, **BEFORE))) == ["train"]


def test_a_stage_or_a_calibration_can_be_the_measure(tiny):
    slow = timed(tiny, **{k: 2 * v for k, v in BEFORE.items()})
    assert failed_times(timing_lines(slow, timed(tiny, **BEFORE), relative_to="score")) == []
    same = replace(slow, calibration_seconds=0.2), replace(timed(tiny, **BEFORE), calibration_seconds=0.2)
    assert failed_times(timing_lines(*same, relative_to="calibration")) == ["fit", "train", "sample", "score"]
    half = replace(slow, calibration_seconds=0.4), replace(timed(tiny, **BEFORE), calibration_seconds=0.2)
    assert failed_times(timing_lines(*half, relative_to="calibration")) == []


def test_times_that_do_not_compare_are_refused(tiny):
    with pytest.raises(HdbenchError, match="has no calibration"):
        timing_lines(timed(tiny, **BEFORE), timed(tiny, **BEFORE), relative_to="calibration")
    with pytest.raises(HdbenchError, match="Did you mean 'train'"):
        timing_lines(timed(tiny, **BEFORE), timed(tiny, **BEFORE), relative_to="trian")
    with pytest.raises(HdbenchError, match="no stage of two CPU seconds"):
        timing_lines(timed(tiny, a=9.0), timed(tiny, b=9.0))


def test_settings_of_times_without_times_are_refused(reference_run):
    with pytest.raises(HdbenchError, match="settings of --timings"):
        gate([reference_run], reference_run.parent / "reference" / "airplane-tiny.json", Options(slower=2.0))


# ---------------------------------------------------------------------------------------------------------------- words


@pytest.fixture
def verdict(tiny):
    return replace(check(with_value(tiny, "MMD", 7.0), tiny, ("mmd-cd", "cov-cd"), rows=("HyperDiffusion",)), notes=("A & B.",))


def test_the_whole_text(verdict):
    assert to_text(verdict) == (
        "airplane-tiny (seed 0) against airplane-tiny (seed 0)\n"
        "\n"
        "FAIL  HyperDiffusion: MMD    7.00 ±0.34   reference 5.02 ±0.34   worse by 1.98 (p < 0.0001); fails from 0.41\n"
        "pass  HyperDiffusion: COV    53.3 ±5.5 %  reference 53.3 ±5.5 %  equal (p 1); fails from 9.9\n"
        "pass  HyperDiffusion: empty  0.0 %        reference 0.0 %        equal (p 1)\n"
        "\n"
        "Note: A & B.\n"
        "FAILED: 1 of 3 is worse than the reference beyond the noise of both.\n"
    )


def test_junit_has_a_case_per_line_and_a_failure_with_its_reason(verdict):
    [suite] = ElementTree.fromstring(to_junit(verdict))
    assert suite.attrib == {"name": "hdbench check", "tests": "3", "failures": "1", "skipped": "0", "errors": "0"}
    cases = {case.get("name"): case for case in suite}
    assert list(cases) == ["MMD", "COV", "empty"]
    assert cases["MMD"].find("failure").get("message").startswith("7.00 ±0.34, reference 5.02 ±0.34: worse by 1.98")
    assert cases["COV"].find("failure") is None


def test_junit_skips_what_is_not_gated_and_takes_any_text(tiny):
    source = to_junit(check(without_interval(tiny, 5.0), tiny, ("mmd-cd",)))
    [suite] = ElementTree.fromstring(source.replace("HyperDiffusion", "a&lt;b"))
    assert suite.get("skipped") == "1"
    failed = replace(check(with_row(tiny, failure="<b>\x00&", estimates={}), tiny, ()), run="x")
    assert ElementTree.fromstring(to_junit(failed)) is not None


def test_markdown_is_a_headline_a_table_and_notes(verdict):
    lines = to_markdown(verdict).splitlines()
    assert lines[0] == "**hdbench check, FAILED: 1 of 3 is worse than the reference beyond the noise of both**"
    assert lines[6].startswith("| **FAIL** | HyperDiffusion | MMD | 7.00 ±0.34 | 5.02 ±0.34 | worse by 1.98 (p &lt; 0.0001)")
    assert all(row.count("|") == 7 for row in lines[4:9])
    assert "- A & B." in lines


# ------------------------------------------------------------------------------------------------------------- command


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    """Run the command line in this process, in an empty folder: (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        with pytest.raises(SystemExit) as left:
            main(list(arguments))
        return (left.value.code, *capsys.readouterr())

    return run


def test_the_command_ends_in_0_1_or_2(command, made_run, tmp_path):
    def change(record):
        [row] = [row for row in record["rows"] if row["title"] == "HyperDiffusion"]
        row["score"]["estimates"]["1-NNA"]["value"] = 99.0

    made_run(tmp_path / "good", 5)
    made_run(tmp_path / "bad", 5, change)
    assert command("check", "good", "--save", "reference.json")[:2] == (0, "")
    code, shown, _ = command(
        "check", "good", "--against", "reference.json", "--junit", "check.xml", "--markdown", "check.md", "--timings"
    )
    assert (code, shown.splitlines()[-1]) == (0, "PASSED: none of 37 is worse than the reference beyond the noise of both.")
    assert ElementTree.parse(tmp_path / "check.xml").getroot().get("failures") == "0"
    assert (tmp_path / "check.md").read_text().startswith("**hdbench check, PASSED")
    code, shown, said = command("check", "bad", "--against", "reference.json")
    assert (code, said) == (1, "")
    assert "FAIL  HyperDiffusion: 1-NNA" in shown
    code, shown, said = command("check", "bad", "--against", "nowhere.json")
    assert (code, shown) == (2, "")
    assert said.startswith("Error: There is no reference file 'nowhere.json'. 'hdbench check RUN --save nowhere.json'")


@pytest.mark.parametrize(("arguments", "message"), [
    ((), "Name a run folder"), (("runs",), "what it is held against"), (("runs", "--against", "a", "--save", "b"), "not both"),
])  # fmt: skip
def test_half_a_command_is_answered(command, arguments, message):
    code, shown, said = command("check", *arguments)
    assert (code, shown) == (2, "")
    assert message in said


def test_the_workflow_is_yaml_whose_commands_exist():
    yaml = pytest.importorskip("yaml")
    from hdbench.commands.check import check as command
    from hdbench.commands.check import workflow_text

    steps = yaml.safe_load(workflow_text("github"))["jobs"]["check"]["steps"]
    lines = [step["run"] for step in steps if step.get("run", "").startswith("hdbench check")]
    words = lines[0].partition("#")[0].split()
    assert command.make_context("check", words[2:]).params["against"].name == "reference.json"


def test_the_reference_file_is_readable_line_by_line(reference_run):
    text = (reference_run.parent / "reference" / "airplane-tiny.json").read_text()
    assert '"seeds": [0],' in text
    assert json.loads(text)["protocol"]["hash"] == "39119eff"
