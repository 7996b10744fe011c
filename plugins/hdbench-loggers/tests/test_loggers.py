"""Loggers: what other programs read from their files is what was run."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from hdbench_loggers.hub import Hub, HubConfig
from hdbench_loggers.tensorboard import TensorBoard, TensorBoardConfig
from hdbench_loggers.wandb import WeightsAndBiases, WeightsAndBiasesConfig
from safetensors.torch import load_file, save_file
from torch import ones

from hdbench.errors import HdbenchError
from hdbench.interfaces import Logged

LOSS = np.geomspace(1.0, 0.01, 5)


@pytest.fixture
def run(tmp_path):
    from PIL import Image

    folder = tmp_path / "runs" / "airplane-tiny-0"
    (folder / "clouds").mkdir(parents=True)
    (folder / "run.json").write_text('{"kind": "run"}')
    (folder / "config.toml").write_text("")
    Image.new("RGB", (8, 4), (255, 0, 0)).save(folder / "gallery.png")
    save_file({"clouds": ones(1, 2, 1, 8, 3)}, folder / "clouds" / "voxel.safetensors")
    return Logged(folder.name, folder, "hdbench run", {"data.source": "airplane"}, {'A "row"': {"1-NNA": 61.5}},
                  {"A": {"loss": LOSS}}, (folder / "gallery.png",))  # fmt: skip


def test_tensorboard_reads_the_curve_the_number_and_the_picture(run, tmp_path):
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    for _ in range(2):  # a run that is logged again is there once
        TensorBoard(TensorBoardConfig()).log(run, tmp_path / "logs")
    events = reader.EventAccumulator(str(tmp_path / "logs" / run.name)).Reload()
    assert [(e.step, pytest.approx(e.value)) for e in events.Scalars("A: training/loss")] == list(enumerate(LOSS))
    assert [e.value for e in events.Scalars('A "row"/1-NNA')] == [61.5]
    [image] = events.Images("gallery")
    assert (image.width, image.height) == (8, 4)


def test_wandb_keeps_the_run_on_this_machine(run, tmp_path):
    pytest.importorskip("wandb")
    said = WeightsAndBiases(WeightsAndBiasesConfig()).log(run, tmp_path / "logs")
    [kept] = (tmp_path / "logs").glob("wandb/offline-run-*/run-*.wandb")
    assert "wandb sync" in said
    assert b"1-NNA" in kept.read_bytes()


def test_the_card_of_a_bundle_is_yaml_with_the_numbers(run, tmp_path):
    import yaml  # of mkdocs

    Hub(HubConfig()).log(run, tmp_path / "logs")
    place = tmp_path / "logs" / run.name
    _, header, card = (place / "README.md").read_text().split("---\n", 2)
    [row] = yaml.safe_load(header)["model-index"]
    assert row["name"] == 'A "row"'
    assert row["results"][0]["metrics"] == [{"type": "1-NNA", "value": 61.5}]
    assert "hdbench run" in card
    assert json.loads((place / "run.json").read_text()) == {"kind": "run"}
    assert load_file(place / "samples" / "voxel.safetensors")["clouds"].shape == (1, 2, 1, 8, 3)


def test_clouds_are_left_out_when_asked(run, tmp_path):
    Hub(HubConfig(clouds=False)).log(run, tmp_path / "logs")
    assert not (tmp_path / "logs" / run.name / "samples").exists()


@pytest.mark.parametrize(
    ("logger", "module"),
    [(TensorBoard(TensorBoardConfig()), "torch.utils.tensorboard"), (WeightsAndBiases(WeightsAndBiasesConfig()), "wandb")],
)
def test_what_is_not_installed_comes_with_its_install_line(logger, module, run, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(HdbenchError, match=r"pip install 'hdbench-loggers\["):
        logger.log(run, tmp_path)
