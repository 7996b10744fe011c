"""Files in the released layouts: read without running code, with units and level of each."""

from __future__ import annotations

from collections import OrderedDict

import pytest
import torch
from hdbench_shapegan import checkpoints
from hdbench_shapegan.baseline import ShapeGAN
from hdbench_shapegan.checkpoints import Released, interpret, read_generator
from hdbench_shapegan.generators import SDFGenerator, SDFNet
from hdbench_shapegan.settings import ShapeGANConfig

from hdbench.errors import HdbenchError
from hdbench.external.given import content_hash
from hdbench.interfaces import Session


def saturating(value: float) -> SDFNet:
    """A voxel generator that is ``value`` everywhere."""
    net = SDFNet()
    with torch.no_grad():
        net.layers2[6].weight.zero_()
        net.layers2[6].bias.fill_(torch.atanh(torch.tensor(value)))
    return net


def written(path, module):
    torch.save(OrderedDict(module.state_dict()), path, _use_new_zipfile_serialization=False)  # as the voxel files are
    return path


@pytest.mark.parametrize("kind", [SDFNet, SDFGenerator])
def test_both_layouts_come_back_tensor_for_tensor(kind, tmp_path):
    torch.manual_seed(1)
    module = kind()
    found = read_generator(written(tmp_path / "G.pt", module))
    assert type(found) is kind
    assert all(torch.equal(value, module.state_dict()[name]) for name, value in found.state_dict().items())


def test_a_known_file_has_its_unit_level_and_domain(tmp_path, monkeypatch):
    path = written(tmp_path / "G.pt", saturating(0.1))
    monkeypatch.setattr(checkpoints, "KNOWN", {content_hash(path): Released("points, airplanes", "airplane", True)})
    given = interpret(read_generator(path), path, content_hash(path), None, None)
    assert (given.unit, given.level, given.ball) == (1.0, 0.04, True)
    assert interpret(read_generator(path), path, content_hash(path), None, 0.01).level == 0.01


def test_an_unknown_file_needs_a_unit_and_hears_the_likely_one(tmp_path):
    path = written(tmp_path / "G.pt", saturating(0.99))
    with pytest.raises(HdbenchError, match=r"none of the released files.* 0\.99.*likely: 0\.1"):
        interpret(read_generator(path), path, "0", None, None)
    assert interpret(read_generator(path), path, "0", 0.1, None).level == 0.0


def test_a_unit_that_the_values_contradict_is_refused(tmp_path):
    path = written(tmp_path / "G.pt", saturating(0.99))
    with pytest.raises(HdbenchError, match=r"at a distance of 0\.004"):
        interpret(read_generator(path), path, "0", 1.0, 0.04)


def test_a_file_that_would_run_code_is_not_loaded(tmp_path):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "made"), "w"))

    torch.save({"lins.0.weight": Evil()}, tmp_path / "G.pt")
    with pytest.raises(HdbenchError, match="cannot be read"):
        read_generator(tmp_path / "G.pt")
    assert not (tmp_path / "made").exists()


def test_a_file_of_another_network_is_refused_by_its_first_odd_tensor(tmp_path):
    torch.save({"layers1.0.weight": torch.zeros(256, 130)}, tmp_path / "G.pt")
    with pytest.raises(HdbenchError, match=r"of SDFNet .*'layers1.0.bias' is missing there, \[256\] as released"):
        read_generator(tmp_path / "G.pt")


def test_the_baseline_samples_a_given_generator(tmp_path):
    path = written(tmp_path / "G.pt", saturating(0.99))
    baseline = ShapeGAN(ShapeGANConfig(checkpoint=str(path), unit=0.1, resolution=8))
    assert "an output of 1 is a distance of 0.1" in baseline.provenance()
    state = baseline.fit(None, Session(seed=0))
    assert sum(value.numel() for name, value in state.items() if name.startswith("generator.")) == 462_337
    assert [mesh.is_empty for (mesh,) in baseline.sample(state, 3, Session(seed=0))] == [True] * 3  # counted, not replaced


def test_the_row_depends_on_the_content_of_the_file(tmp_path):
    path = written(tmp_path / "G.pt", saturating(0.99))
    config = ShapeGANConfig(checkpoint=str(path), unit=0.1)
    before = ShapeGAN(config).fingerprint()
    written(path, saturating(0.98))
    assert ShapeGAN(config).fingerprint() != before
