"""A specification is read strictly: what is wrong is said before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from hdbench.errors import HdbenchError
from hdbench.external.inside import launcher
from hdbench.external.layouts import WRITERS
from hdbench.external.specification import LAYOUTS, SHIMS, filled, packaged, read_specification

GOOD = """
parameters = ["epochs=20"]
[about]
title = "Toy"
[environment]
shims = ["seed"]
[data]
layout = "npy"
[train]
run = ["{python}", "train.py", "{data}", "{epochs}"]
output = "{out}/*.npz"
[sample]
run = ["{python}", "tools/sample.py", "{checkpoint}", "{count}"]
output = "{out}/out.npy"
"""


def read(folder: Path, text: str):
    path = folder / "my.toml"
    path.write_text(text)
    return read_specification(path)


def test_what_is_written_is_what_is_read(tmp_path):
    spec = read(tmp_path, GOOD)
    assert spec.about.title == "Toy"
    assert [command.run[1] for command in (*spec.train, *spec.sample)] == ["train.py", "tools/sample.py"]
    assert spec.scripts() == ("train.py", "tools/sample.py")
    assert spec.folder == tmp_path


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('title = "Toy"', 'titel = "Toy"', "There is no setting named 'about.titel'. Did you mean 'about.title'?"),
        ('"seed"', '"sed"', "There is no shim named 'sed'. Did you mean 'seed'?"),
        ('"npy"', '"hdf5"', "There is no data layout named 'hdf5'. Did you mean 'dpc-hdf5'?"),
        ("{epochs}", "{epoch}", "no placeholder in .train. named 'epoch'. Did you mean 'epochs'?"),
        ("{count}", "{counts}", "no placeholder in .sample. named 'counts'. Did you mean 'count'?"),
        ('["{python}", "train.py", "{data}", "{epochs}"]', '"python train.py"', "'train.run' must be a list of str"),
        ('output = "{out}/out.npy"', "", "'sample' must be a table with 'run' and 'output'"),
        ('output = "{out}/out.npy"', 'output = "x"\nprogress = "("', "is no regular expression"),
        ('output = "{out}/out.npy"', 'output = "x"\nprogress = "epoch"', "a pattern with one or two groups"),
        ('["epochs=20"]', '["epochs"]', "'parameters' must be a list of NAME=VALUE"),
        ('shims = ["seed"]', 'patches = ["gone.py"]', "gone.py', named in .environment., is not there"),
    ],
)
def test_what_is_wrong_is_named_with_its_nearest(tmp_path, old, new, message):
    assert old in GOOD
    with pytest.raises(HdbenchError, match=message):
        read(tmp_path, GOOD.replace(old, new)).patches()


def test_a_specification_without_samples_is_none(tmp_path):
    with pytest.raises(HdbenchError, match=r"it has no \[sample\] command"):
        read(tmp_path, GOOD.partition("[sample]")[0])


def test_several_commands_run_in_turn(tmp_path):
    two = GOOD.replace("[train]", "[[train]]") + '[[train]]\nrun = ["{python}", "more.py"]\noutput = "x"\n'
    assert [command.run[1] for command in read(tmp_path, two).train] == ["train.py", "more.py"]


def test_arguments_change_parameters_and_no_others(tmp_path):
    spec = read(tmp_path, GOOD)
    assert spec.values(("epochs=3",)) == {"epochs": "3"}
    with pytest.raises(HdbenchError, match="no parameter named 'epoch'"):
        spec.values(("epoch=3",))


def test_its_hash_knows_every_word_and_the_patches(tmp_path):
    (tmp_path / "patch.py").write_text("a = 1")
    patched = GOOD.replace('shims = ["seed"]', 'patches = ["patch.py"]')
    hashes = [read(tmp_path, text).digest for text in (GOOD, GOOD.replace("train.py", "other.py"), patched)]
    (tmp_path / "patch.py").write_text("a = 2")
    hashes.append(read(tmp_path, patched).digest)
    assert len(set(hashes)) == 4
    assert read(tmp_path, patched).digest == hashes[-1]


def test_a_value_with_braces_is_not_filled_again():
    assert filled("{out}/{count}.npy", {"out": "/tmp/{count}", "count": "3"}) == "/tmp/{count}/3.npy"


def test_every_shim_and_every_layout_that_may_be_named_exists():
    assert set(SHIMS) == set(launcher.SHIMS)
    assert set(LAYOUTS) == set(WRITERS)


@pytest.mark.parametrize("name", ["dpc", "pvd", "shapegan"])
def test_the_specifications_of_the_repository_can_be_read(name):
    spec = packaged(f"hdbench_{name}:external.toml")
    assert spec.train
    assert spec.about.commit
    assert spec.patches() is not None
