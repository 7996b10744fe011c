"""A user's checkpoint: what is taken, what is refused and why, and what stands in the files."""

from __future__ import annotations

import pickle
import zipfile

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from hdbench_fpd import checkpoints
from hdbench_fpd.checkpoints import read_checkpoint
from hdbench_fpd.command import weights as command
from hdbench_fpd.extractors import ModelNet40Features, NoSettings
from hdbench_fpd.pointnet2 import PointNet2
from hdbench_fpd.weights import added, find, header, home, read, write

from hdbench.errors import HdbenchError


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HDBENCH_HOME", str(tmp_path / "home"))


@pytest.fixture
def state():
    torch.manual_seed(1)
    return PointNet2().state_dict()


def published(path, state, **more):
    """A file as the training script of the released code writes it: accuracies are numpy scalars."""
    optimiser = torch.optim.Adam([torch.nn.Parameter(torch.zeros(3))])
    torch.save(
        {"epoch": 199, "instance_acc": np.float64(0.928), "class_acc": np.float64(0.9), "model_state_dict": state,
         "optimizer_state_dict": optimiser.state_dict()} | more, path,
    )  # fmt: skip
    return path


def invoke(*arguments):
    return CliRunner().invoke(command, [str(a) for a in arguments])


@pytest.fixture
def file(tmp_path, state):
    return published(tmp_path / "best_model.pth", state)


def test_an_unknown_file_is_refused_with_its_hashes_and_taken_when_asked(file, state):
    refused = invoke("add", "modelnet40", file)
    assert isinstance(refused.exception, HdbenchError)
    assert "not the file that HyperDiffusion used (git blob c989e2fcefdf8653708fc7993068092bed312858)" in str(refused.exception)
    assert "--accept-unknown" in str(refused.exception)
    assert not added("modelnet40").exists()

    taken = invoke("add", "modelnet40", file, "--accept-unknown")
    found = read_checkpoint(file)
    assert taken.exit_code == 0
    assert taken.output.startswith(f"sha256 {found.sha256}\ngit blob {found.blob}\n")
    kept = read(find("modelnet40"))
    assert kept.keys() == state.keys()
    assert all(torch.equal(kept[k].float(), state[k].float()) for k in state)
    fingerprint = ModelNet40Features(NoSettings()).fingerprint()
    assert fingerprint == f"unknown {found.sha256[:12]}"
    assert f"modelnet40  {fingerprint}" in invoke("list").output


def test_the_papers_file_is_known_by_its_blob(file, monkeypatch):
    blob = read_checkpoint(file).blob
    monkeypatch.setattr(checkpoints, "PAPER_BLOB", blob)
    assert "the file that the paper used" in invoke("add", "modelnet40", file).output
    assert ModelNet40Features(NoSettings()).fingerprint() == f"blob {blob[:12]}"


def test_hashes_are_those_of_git_and_sha256sum(tmp_path, file):
    import subprocess

    found = read_checkpoint(file)
    assert subprocess.run(["git", "hash-object", file], capture_output=True, text=True, check=True).stdout.strip() == found.blob
    assert subprocess.run(["sha256sum", file], capture_output=True, text=True, check=True).stdout.split()[0] == found.sha256


def test_a_bare_state_dict_is_a_checkpoint(tmp_path, state):
    torch.save(state, tmp_path / "bare.pth")
    assert read_checkpoint(tmp_path / "bare.pth").state.keys() == state.keys()


def test_scalars_of_an_old_numpy_are_read(tmp_path, file):
    """numpy 1 wrote its scalars under 'numpy.core', and files of 2019 are of numpy 1."""
    old = tmp_path / "old.pth"
    with zipfile.ZipFile(file) as source, zipfile.ZipFile(old, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            if name.endswith("data.pkl"):
                assert b"cnumpy._core.multiarray\n" in data
                data = data.replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n")
            target.writestr(name, data)
    assert len(read_checkpoint(old).state) == 79


class Evil:
    def __reduce__(self):
        return print, ("code was run",)


def test_a_file_with_code_is_refused_and_not_run(tmp_path, state, capsys):
    published(tmp_path / "evil.pth", state, epoch=Evil())
    with pytest.raises(HdbenchError, match="cannot be read as a PyTorch checkpoint of tensors and numbers"):
        read_checkpoint(tmp_path / "evil.pth")
    assert "code was run" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cannot be read as a PyTorch checkpoint"),
        (b"not a checkpoint at all", "cannot be read as a PyTorch checkpoint"),
        (pickle.dumps({"a": 1}, protocol=2), "cannot be read as a PyTorch checkpoint|holds no state_dict"),
    ],
)
def test_what_is_no_checkpoint_is_refused(tmp_path, content, message):
    (tmp_path / "file.pth").write_bytes(content)
    with pytest.raises(HdbenchError, match=message):
        read_checkpoint(tmp_path / "file.pth")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(HdbenchError, match=r"There is no file '.*nowhere\.pth'"):
        read_checkpoint(tmp_path / "nowhere.pth")


def changed(state, old, new):
    return {(new if key == old else key): value for key, value in state.items()}


def test_another_layout_is_refused_by_its_nearest_key(tmp_path, state):
    cases = {
        "missing": (changed(state, "sa2.mlp_bns.1.bias", "sa2.mlp_bn.1.bias"),
                    r"'sa2.mlp_bns.1.bias' is missing \(there is 'sa2.mlp_bn.1.bias'\)"),
        "normals": (state | {"sa1.mlp_convs.0.weight": torch.zeros(64, 6, 1, 1)},
                    r"'sa1.mlp_convs.0.weight' is \[64, 6, 1, 1\] instead of \[64, 3, 1, 1\]"),
        "more": (state | {"fc4.bias": torch.zeros(3)}, "it also has 'fc4.bias'"),
    }  # fmt: skip
    for name, (content, message) in cases.items():
        torch.save({"model_state_dict": content}, tmp_path / name)
        with pytest.raises(HdbenchError, match=message):
            read_checkpoint(tmp_path / name)
    torch.save({"epoch": 3}, tmp_path / "without")
    with pytest.raises(HdbenchError, match="holds no state_dict: it is a dict with epoch"):
        read_checkpoint(tmp_path / "without")


def test_features_without_weights_say_how_to_add_them():
    with pytest.raises(HdbenchError, match="Add the file with 'hdbench weights add modelnet40 PATH'"):
        ModelNet40Features(NoSettings()).fingerprint()
    assert "modelnet40  not installed" in invoke("list").output


def test_names_with_brackets_are_printed_in_full():
    from hdbench.__main__ import cli

    assert "fpd[modelnet40]" in CliRunner().invoke(cli, ["plugins"], env={"COLUMNS": "200"}).output


def test_weights_live_in_the_users_data_folder(monkeypatch, tmp_path):
    assert home() == tmp_path / "home" / "weights"
    monkeypatch.delenv("HDBENCH_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr("sys.platform", "linux")
    assert home() == tmp_path / "data" / "hdbench" / "weights"


def test_half_precision_is_of_matrices_alone_and_read_as_single(tmp_path, state):
    state["bn1.running_var"] = torch.rand(512)
    write(state, tmp_path / "half.safetensors", {"a": "b"}, half=True)
    found = read(tmp_path / "half.safetensors")
    assert found["fc1.weight"].dtype == torch.float32
    assert torch.equal(found["fc1.weight"], state["fc1.weight"].half().float())
    assert torch.equal(found["bn1.running_var"], state["bn1.running_var"])
    assert header(tmp_path / "half.safetensors") == {"a": "b"}
    assert (tmp_path / "half.safetensors").stat().st_size < 3.1e6
