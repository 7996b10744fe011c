"""A foreign repository from its shapes to its row: the toy of the example, and toys that misbehave."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hdbench_external.baseline import External, ExternalConfig

from hdbench.config import override
from hdbench.errors import HdbenchError
from hdbench.external.specification import LAYOUTS, PLACEHOLDERS, SHIMS
from hdbench.interfaces import Session, TrainingSet

HERE = Path(__file__).parents[1]
EXAMPLE = HERE / "example"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A checkout of the toy."""
    return Path(shutil.copytree(EXAMPLE / "repository", tmp_path / "repository"))


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """Its specification, to be changed."""
    return Path(shutil.copy(EXAMPLE / "toy.toml", tmp_path / "toy.toml"))


def external(spec: Path, repo: Path, *settings: str) -> External:
    given = (f"external.spec={spec}", f"external.repo={repo}", *(f"external.{text}" for text in settings))
    return External(override({"external": ExternalConfig()}, given)["external"])


def training() -> TrainingSet:
    return TrainingSet(("a", "b", "c"), torch.from_numpy(np.random.default_rng(0).normal(size=(3, 1, 32, 3)).astype("f4")), None)


def session(folder: Path, said: list[str] | None = None) -> Session:
    return Session(seed=1, folder=folder / "work", say=(said if said is not None else []).append)


def drive(baseline: External, folder: Path, count: int = 4):
    """(samples, notes) after training."""
    state = baseline.fit(training(), session(folder))
    drawing = session(folder)
    return baseline.sample(state, count, drawing), drawing.notes


def tree(folder: Path) -> str:
    """A hash of all names, contents and times in a folder."""
    entries = [
        (p.relative_to(folder).as_posix(), p.stat().st_mtime_ns, p.read_bytes() if p.is_file() else b"")
        for p in sorted(folder.rglob("*"))
    ]
    return hashlib.sha256(repr(entries).encode()).hexdigest()


# ------------------------------------------------------------------------------------------------------------ as it should be


def test_samples_come_back_and_the_checkout_is_never_touched(spec, repo, tmp_path):
    before = tree(repo)
    litter = "open('litter.txt', 'w').write('x'); import os; os.makedirs('models', exist_ok=True)\n"
    (repo / "sample.py").write_text((repo / "sample.py").read_text() + litter)
    before = tree(repo)
    samples, _ = drive(external(spec, repo), tmp_path)
    assert samples.shape == (4, 1, 32, 3)
    assert tree(repo) == before


def test_every_sample_is_a_training_cloud_in_another_size(spec, repo, tmp_path):
    samples, _ = drive(external(spec, repo), tmp_path)
    directions = torch.nn.functional.normalize(training().clouds[:, 0].flatten(1), dim=1)
    alike = torch.nn.functional.normalize(samples[:, 0].flatten(1), dim=1) @ directions.T
    assert alike.max(1).values == pytest.approx(torch.ones(4), abs=1e-5)


def test_afterwards_only_the_logs_are_left(spec, repo, tmp_path):
    baseline = external(spec, repo)
    baseline.fit(training(), session(tmp_path))
    assert [p.name for p in (tmp_path / "work").iterdir()] == ["train.log"]
    assert "epoch 20/20" in (tmp_path / "work" / "train.log").read_text()


def test_arguments_reach_the_script_and_progress_is_heard(spec, repo, tmp_path):
    said, told = [], []
    listening = Session(seed=1, folder=tmp_path / "work", say=said.append, progress=lambda done, total: told.append(done / total))
    external(spec, repo, "arguments=epochs=7").fit(training(), listening)
    assert "epoch 7/7" in said
    assert told[-1] == 1
    assert told == sorted(told)


def test_a_given_checkpoint_is_sampled_without_training(spec, repo, tmp_path):
    np.savez(tmp_path / "given.npz", clouds=np.ones((2, 32, 3), "f4"), radii=np.ones(2))
    (repo / "train.py").write_text("raise SystemExit('must not run')")
    baseline = external(spec, repo, f"checkpoint={tmp_path / 'given.npz'}", "training_split=theirs")
    samples, _ = drive(baseline, tmp_path)
    assert torch.equal(samples, torch.ones(4, 1, 32, 3))
    assert "said to be trained on theirs: that may hold shapes of this test set" in baseline.provenance()


def test_the_example_of_the_documentation_is_the_one_that_runs():
    page = (HERE.parents[1] / "docs" / "pages" / "howto" / "external.md").read_text()
    assert f"```toml\n{(EXAMPLE / 'toy.toml').read_text()}```" in page


def test_the_documentation_names_all_shims_layouts_and_placeholders():
    page = (HERE.parents[1] / "docs" / "pages" / "howto" / "external.md").read_text()
    named = set(re.findall(r"`\{?([\w-]+)\}?`", page))
    assert {*SHIMS, *LAYOUTS, *PLACEHOLDERS} <= named


def test_what_the_row_says_of_itself(spec, repo):
    assert external(spec, repo).row() == "Toy"
    git = ["git", "-C", str(repo), "-c", "user.name=n", "-c", "user.email=e"]
    plain = external(spec, repo).provenance()
    assert plain.startswith("External: github.com/somebody/toy at no known commit, files ")
    assert plain.endswith("no diffusion: it resizes training clouds; epochs=20; trained on this run's training shapes.")
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "m"]):
        subprocess.run([*git, *words], check=True)
    commit = subprocess.run([*git, "rev-parse", "--short=7", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    from hdbench.external.checkout import commit as commit_of

    commit_of.cache_clear()
    assert f"somebody/toy at {commit};" in external(spec, repo).provenance()
    (repo / "train.py").write_text("changed")
    commit_of.cache_clear()
    assert f"somebody/toy at {commit}, modified;" in external(spec, repo).provenance()


def test_the_row_depends_on_the_checkout_and_the_specification(spec, repo):
    seen = {external(spec, repo).fingerprint()}
    (repo / "train.py").write_text("other")
    seen.add(external(spec, repo).fingerprint())
    spec.write_text(spec.read_text().replace("epochs=20", "epochs=21"))
    seen.add(external(spec, repo).fingerprint())
    assert len(seen) == 3
    assert external(spec, repo).fingerprint() in seen


def test_large_files_of_the_checkout_are_linked(spec, repo, tmp_path, monkeypatch):
    monkeypatch.setattr("hdbench.external.checkout.LARGE_BYTES", 1000)
    (repo / "big.bin").write_bytes(b"0" * 2000)
    look = "import os, sys; print('linked' if os.path.islink('big.bin') else 'copied')\n"
    (repo / "train.py").write_text(look + (repo / "train.py").read_text())
    external(spec, repo).fit(training(), session(tmp_path))
    assert "linked" in (tmp_path / "work" / "train.log").read_text()


def test_the_last_checkpoint_in_natural_order_counts(spec, repo, tmp_path):
    save = "for k in (9, 10): np.savez(os.path.join(args.save_dir, f'epoch_{k}.npz'), clouds=clouds * k, radii=radii * k)\n"
    (repo / "train.py").write_text((repo / "train.py").read_text() + save)
    state = external(spec, repo, "arguments=epochs=8").fit(training(), session(tmp_path))
    assert bytes(state["checkpoint.name"].numpy()) == b"epoch_10.npz"


# ---------------------------------------------------------------------------------------------------------- as it should not be


def wrong(spec: Path, repo: Path, tmp_path: Path, sample: str, *settings: str) -> str:
    """What is said when the sampling script has this text."""
    (repo / "sample.py").write_text(sample)
    with pytest.raises(HdbenchError) as error:
        drive(external(spec, repo, *settings), tmp_path)
    return str(error.value)


WRITES = """import sys, numpy as np
given = dict(zip(sys.argv[1::2], sys.argv[2::2]))
num = int(given["--num"])
x = np.random.RandomState(0).rand(num, 32, 3).astype("float32")
np.save(given["--out"], x)
"""


def test_a_command_that_hangs_is_stopped(spec, repo, tmp_path):
    said = wrong(spec, repo, tmp_path, "import time\nprint('waiting', flush=True)\ntime.sleep(600)", "timeout_minutes=0.03")
    assert "External external, sample: is not done after 0.03 minutes (it was stopped after " in said
    assert "\n  waiting\n" in said
    assert "timeout_minutes gives it more time" in said


def test_a_command_that_ends_well_without_a_file_has_failed(spec, repo, tmp_path):
    said = wrong(spec, repo, tmp_path, "print('all fine')")
    assert "no new file fits '" in said
    assert "(it ended with code 0 after" in said
    assert "\n  all fine\n" in said
    log = Path(re.search(r"The whole log: (\S+)\.", said)[1])
    assert "all fine" in log.read_text()


def test_a_command_that_fails_after_writing_its_file_has_succeeded(spec, repo, tmp_path):
    (repo / "sample.py").write_text(WRITES + "raise AssertionError('process group')")
    assert drive(external(spec, repo), tmp_path)[0].shape == (4, 1, 32, 3)


def test_an_old_file_of_the_checkout_is_no_result(spec, repo, tmp_path):
    np.save(repo / "old.npy", np.ones((4, 32, 3), "f4"))
    spec.write_text(spec.read_text().replace('output = "{out}/out.npy"', 'output = "old.npy"'))
    assert "no new file fits 'old.npy'" in wrong(spec, repo, tmp_path, "print('nothing new')")


def test_the_last_words_of_a_traceback_are_in_the_error(spec, repo, tmp_path):
    said = wrong(spec, repo, tmp_path, "print('x' * 10**6)\nraise ValueError('no such model')")
    assert "\n  ValueError: no such model\n" in said
    assert len(said) < 6000
    assert "'hdbench doctor external', with the same -o, checks the checkout." in said


def test_samples_that_are_not_numbers_are_counted_not_replaced(spec, repo, tmp_path):
    (repo / "sample.py").write_text(WRITES.replace("np.save", "x[1] = np.nan\nnp.save"))
    samples, notes = drive(external(spec, repo), tmp_path)
    assert samples.isnan().flatten(1).all(1).tolist() == [False, True, False, False]
    assert any("1 of 4 shapes" in note for note in notes)


def test_fewer_samples_than_asked_for_are_refused(spec, repo, tmp_path):
    assert "holds 3 samples, but 4 are asked for" in wrong(spec, repo, tmp_path, WRITES.replace("rand(num,", "rand(3,"))


def test_each_sample_may_fill_its_own_box(spec, repo, tmp_path):
    spec.write_text(spec.read_text() + 'space = "box"\n')
    (repo / "sample.py").write_text(WRITES.replace("np.save", "x = 7 * x + 5\nnp.save"))
    samples, _ = drive(external(spec, repo), tmp_path)
    low, high = samples.amin((1, 2)), samples.amax((1, 2))
    assert (high - low).amax(1) == pytest.approx(torch.full((4,), 0.95), abs=1e-5)
    assert (high + low).abs().max() < 1e-5


def test_a_script_that_old_libraries_would_run_runs(spec, repo, tmp_path):
    (repo / "sample.py").write_text(WRITES.replace("num = int(", "num = np.int("))
    assert drive(external(spec, repo), tmp_path)[0].shape == (4, 1, 32, 3)
    spec.write_text(spec.read_text().replace('shims = ["numpy-aliases"]', "shims = []"))
    assert "module 'numpy' has no attribute 'int'" in wrong(spec, repo, tmp_path, (repo / "sample.py").read_text())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["repo="], "needs a checkout of the authors' repository. Write -o external.repo=DIR"),
        (["repo=/no/such/folder"], "There is no folder '/no/such/folder'"),
        (["python=/no/such/python"], "There is no interpreter '/no/such/python'"),
        (["arguments=epoch=3"], "There is no parameter named 'epoch'. Did you mean 'epochs'?"),
        (["spec="], "Write -o external.spec=FILE.toml"),
        (["spec=/no/such.toml"], "There is no configuration file '/no/such.toml'"),
        (["mode=native"], "'external.repo' is for mode=external"),
    ],
)
def test_what_is_missing_is_said_before_anything_runs(spec, repo, settings, message):
    with pytest.raises(HdbenchError, match=re.escape(message)):
        external(spec, repo, *settings).provenance()


def test_a_specification_that_cannot_train_wants_a_checkpoint(spec, repo):
    text = spec.read_text()
    spec.write_text(text.partition("[train]")[0] + "[sample]" + text.partition("[sample]")[2])
    with pytest.raises(HdbenchError, match=r"has no \[train\]. Write -o external.checkpoint=PATH"):
        external(spec, repo).provenance()


def test_a_checkout_with_data_in_it_must_say_so(spec, repo, monkeypatch):
    monkeypatch.setattr("hdbench.external.checkout.MOST_FILES", 4)
    (repo / "data").mkdir()
    for k in range(4):
        (repo / "data" / f"{k}.npy").write_bytes(b"")
    with pytest.raises(HdbenchError, match="Name what is not to be copied"):
        external(spec, repo).fingerprint()
    spec.write_text(spec.read_text().replace("[environment]", '[environment]\nleave_out = ["data"]'))
    external(spec, repo).fingerprint()


# --------------------------------------------------------------------------------------------------------------- the whole run


def hdbench(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hdbench", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=280)


def run_of(spec: Path, repo: Path, *more: str) -> tuple[str, ...]:
    """A run of spheres in which the toy is a row."""
    settings = (f"spec={spec}", f"repo={repo}", "protocol.points=64", "run.metrics=mmd-cd,1nna-cd")
    return (
        "run",
        "--baseline",
        "external",
        "--data",
        "spheres",
        "--workers",
        "1",
        *(w for s in settings for w in ("-o", s)),
        *more,
    )


def only_record(folder: Path) -> dict:
    [found] = folder.glob("runs/*/run.json")
    return json.loads(found.read_text())


def test_a_whole_run_ends_in_a_row_which_another_version_of_the_repository_makes_anew(spec, repo, tmp_path):
    words = run_of(spec, repo, "-o", "count=20", "-o", "draws=2")
    done = hdbench(tmp_path, *words)
    assert done.returncode == 0, done.stderr
    [row] = [row for row in only_record(tmp_path)["rows"] if row["method"] == "external"]
    assert all(np.isfinite(estimate["value"]) for estimate in row["score"]["estimates"].values())
    assert "Here it took" in row["note"]
    assert "External: github.com/somebody/toy at" in done.stdout
    assert list((tmp_path / "runs" / "store").glob("sample-*/part-00000/sample.log"))
    (repo / "sample.py").write_text((repo / "sample.py").read_text() + "# another version\n")
    hdbench(tmp_path, *words)
    computed = {stage["label"] for stage in only_record(tmp_path)["stages"] if stage["computed"]}
    assert computed == {"Toy: fit", "Toy: sample", "Toy: score"}


def test_a_repository_that_fails_is_a_row_that_says_why(spec, repo, tmp_path):
    (repo / "train.py").write_text("raise SystemExit('no licence key')")
    done = hdbench(tmp_path, *run_of(spec, repo, "-o", "count=10", "-o", "draws=1"))
    assert done.returncode == 2
    assert "no licence key" in done.stderr
    assert "Traceback" not in done.stderr
