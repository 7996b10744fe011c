"""``hdbench weights`` as a user has it: import, look, decode, sample, export."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
import trimesh
from hdbench_hyperdiffusion.library import Fields, read_fields, write_fields
from hdbench_hyperdiffusion.mlp import MLPEncoder
from hdbench_hyperdiffusion.networks import layer_layout
from hdbench_hyperdiffusion.official import load_denoiser
from hdbench_samplers.ddim import DDIM, DDIMConfig
from theirs import denoiser_state, mlp_state, sizes_of, write_lightning

from hdbench.__main__ import main
from hdbench.schedule import Schedule
from hdbench.seeds import torch_generator


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def weights(capsys):
    """Run ``hdbench weights ...`` in this process: (exit code, stdout, stderr)."""

    def run(*arguments: str):
        with pytest.raises(SystemExit) as stopped:
            main(["weights", *map(str, arguments)])
        said = capsys.readouterr()
        return stopped.value.code, said.out, said.err

    return run


def folder_of(tmp_path, count: int = 2, **settings):
    folder = tmp_path / "mlps"
    folder.mkdir()
    for k in range(count):
        torch.save(mlp_state(seed=k, **settings), folder / f"occ_plane{k}_jitter_0_model_final.pth")
    return folder


def test_a_folder_of_fitted_mlps_is_imported_and_said_what_it_is(tmp_path, weights):
    code, out, _ = weights("import", folder_of(tmp_path))
    assert code == 0
    assert "2 fitted MLPs (3D): 3 x 128 units, 4 octaves, 36,737 weights each" in out
    assert "plane0, plane1" in out
    assert "0 weights (0.00 %) are the same in all of them" in out
    fields = read_fields(tmp_path / "mlps.safetensors")
    low, high = fields.weights[:, :3456].min().item(), fields.weights[:, :3456].max().item()
    [line] = [line for line in out.splitlines() if line.startswith("layers.0.weight")]
    assert [float(word) for word in line.replace(",", "").split()[1:4]] == pytest.approx([2 * 3456, low, high], rel=1e-3)


def test_dead_and_broken_weights_are_said(tmp_path, weights):
    folder = folder_of(tmp_path, count=0)
    for k in range(3):
        state = mlp_state(hidden=8, seed=k)
        state["layers.0.bias"][:2] = 0.5
        if k == 1:
            state["layers.3.bias"][0] = torch.nan
        torch.save(state, folder / f"occ_p{k}_jitter_0_model_final.pth")
    _, out, _ = weights("import", folder)
    assert "2 weights (0.53 %) are the same in all of them" in out  # of 377
    assert "not finite: 1, such as p1" in out


def test_a_checkpoint_is_recognised_by_its_content(tmp_path, weights):
    state = denoiser_state(sizes_of(mlp_state(4, hidden=8)), width=32, blocks=2)
    write_lightning(tmp_path / "anything.bin", state)
    code, out, _ = weights("import", "anything.bin", "--out", "d.safetensors")
    assert code == 0
    count = sum(value.numel() for value in state.values()) - 128
    assert f"width 32, 2 blocks, 16 heads, {count:,} parameters" in out
    assert "4D, 16 frames: MLPs of 3 x 8 units" in out
    assert "500 linear steps, betas 0.0001 to 0.02" in out
    network = load_denoiser("d.safetensors")
    assert all(torch.equal(value, state[key]) for key, value in network.state_dict().items())


def test_what_is_neither_is_refused_with_what_it_holds(tmp_path, weights):
    torch.save({"conv.weight": torch.zeros(3)}, tmp_path / "x.pth")
    code, _, err = weights("import", "x.pth")
    assert code == 2
    assert "neither a fitted MLP (layers.0.weight, ...) nor a denoiser" in err
    assert "conv.weight" in err
    assert "Traceback" not in err


def test_nothing_is_written_over_unasked(tmp_path, weights):
    folder = folder_of(tmp_path, hidden=8)
    (tmp_path / "kept.safetensors").write_bytes(b"kept")
    code, _, err = weights("import", folder, "--out", "kept.safetensors")
    assert (code, (tmp_path / "kept.safetensors").read_bytes()) == (2, b"kept")
    assert "--force" in err
    assert weights("import", folder, "--out", "kept.safetensors", "--force")[0] == 0
    assert len(read_fields(tmp_path / "kept.safetensors").names) == 2


def sphere_mlp(radius: float, dimensions: int = 3) -> torch.Tensor:
    """An MLP of 3 x 6 units that is |x| + |y| + |z| < radius, whatever the other features are: an octahedron."""
    layout = layer_layout(dimensions, 6, 3)
    layers = {name: torch.zeros(1, *shape) for name, shape in zip(layout.names, layout.shapes)}
    for axis in range(3):
        layers["layers.0.weight"][0, 2 * axis, axis], layers["layers.0.weight"][0, 2 * axis + 1, axis] = 1.0, -1.0
    for k in (1, 2):
        layers[f"layers.{k}.weight"][0] = torch.eye(6)
    layers["layers.3.weight"][0] = -1.0
    layers["layers.3.bias"][0] = radius
    return layout.join(layers)[0]


def octahedra(tmp_path, dimensions: int, radii: tuple[float, ...]):
    layout, encoder = layer_layout(dimensions, 6, 3), {"hidden": 6, "depth": 3, "octaves": 0, "scale": 1.0, "time": "index"}
    rows = torch.stack([sphere_mlp(radius, dimensions) for radius in radii])
    names = tuple(f"a/o{k}" for k in range(len(radii)))
    write_fields(tmp_path / "o.safetensors", Fields(names, rows, layout, encoder, 1 if dimensions == 3 else 3), {})


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_decoded_fields_are_meshes_of_their_surface(tmp_path, weights, workers):
    octahedra(tmp_path, 3, (0.2, 0.4, -1.0))
    code, out, _ = weights("decode", "o.safetensors", "--out", "meshes", "--resolution", "33", "--workers", workers)
    assert code == 0
    assert "written 2 meshes of 33^3 at level 0 in meshes; 1 without a surface have no file" in out
    assert sorted(path.name for path in (tmp_path / "meshes").iterdir()) == ["a_o0.glb", "a_o1.glb"]
    for k, radius in enumerate((0.2, 0.4)):
        mesh = trimesh.load(tmp_path / "meshes" / f"a_o{k}.glb", force="mesh")
        assert np.abs(np.abs(mesh.vertices).sum(1) - radius).max() < 1e-4
        assert mesh.volume == pytest.approx(4 / 3 * radius**3, rel=0.05)


def test_decoding_at_a_level_moves_the_surface(tmp_path, weights):
    octahedra(tmp_path, 3, (0.4,))
    weights("decode", "o.safetensors", "--out", "m", "--resolution", "33", "--level", "0.1")
    mesh = trimesh.load(tmp_path / "m" / "a_o0.glb", force="mesh")
    assert np.abs(mesh.vertices).sum(1).mean() == pytest.approx(0.3, abs=1e-3)


def test_sequences_become_folders_of_frames(tmp_path, weights):
    octahedra(tmp_path, 4, (0.3,))
    weights("decode", "o.safetensors", "--out", "m", "--resolution", "17")
    assert sorted(path.name for path in (tmp_path / "m" / "a_o0").iterdir()) == [f"frame_{k:03d}.glb" for k in range(3)]


def test_the_authors_files_are_decoded_without_importing_them(tmp_path, weights):
    code, out, _ = weights("decode", folder_of(tmp_path, hidden=8), "--out", "m", "--resolution", "16", "--count", "1")
    assert code == 0
    assert "meshes of 16^3" in out


@pytest.fixture
def imported(tmp_path, weights):
    write_lightning(tmp_path / "x.ckpt", denoiser_state(sizes_of(mlp_state(hidden=8)), width=16, blocks=1))
    weights("import", "x.ckpt", "--out", "d.safetensors")
    return tmp_path / "d.safetensors"


def test_samples_are_those_of_ddim_over_all_steps(tmp_path, weights, imported):
    """The released sampler, called by hand on the imported network; sample j starts from its own noise."""
    code, out, _ = weights("sample", imported, "--count", "2", "--out", "s.safetensors", "--device", "cpu", "--seed", "4")
    assert code == 0
    assert "DDIMConfig(steps=500, eta=0.0)" in out
    fields, network, schedule = read_fields(tmp_path / "s.safetensors"), load_denoiser(imported), Schedule()
    start = torch.stack([torch.randn(377, generator=torch_generator(4, "sample", j)) for j in range(2)])

    def denoise(x, step):
        with torch.no_grad():
            return network(x, torch.full((len(x),), step))

    expected = DDIM(DDIMConfig(steps=500)).sample(denoise, schedule, start, lambda k: None)
    torch.testing.assert_close(fields.weights, expected, atol=1e-4, rtol=1e-4)
    assert fields.names == ("sample-0000", "sample-0001")
    assert MLPEncoder(fields.config).layout(1) == fields.layout


def test_fewer_samples_are_the_first_of_more_and_few_step_samplers_are_taken_by_name(tmp_path, weights, imported):
    common = ("--sampler", "dpm-solver++", "-o", "steps=5", "--device", "cpu")
    for count in (2, 3):
        code, out, _ = weights("sample", imported, "--count", count, "--out", f"s{count}.safetensors", *common)
        assert code == 0
        assert "steps=5" in out
    two, three = (read_fields(tmp_path / f"s{count}.safetensors").weights for count in (2, 3))
    assert torch.equal(two, three[:2])


def test_an_unknown_sampler_is_refused_with_the_nearest(weights, imported):
    code, _, err = weights("sample", imported, "--count", "1", "--out", "s.safetensors", "--sampler", "ddin")
    assert code == 2
    assert "Did you mean 'ddim'?" in err


def test_exports_are_read_back_as_they_were(tmp_path, weights, imported):
    assert weights("export", imported, "--out", "back.ckpt")[0] == 0
    before, after = (torch.load(tmp_path / name, weights_only=True) for name in ("back.ckpt", "back.ckpt"))
    assert set(before["state_dict"]) == set(after["state_dict"])
    weights("import", folder_of(tmp_path, hidden=8))
    assert weights("export", "mlps.safetensors", "--out", "back")[0] == 0
    for k in range(2):
        state = torch.load(tmp_path / "back" / f"occ_plane{k}_jitter_0_model_final.pth", weights_only=True)
        assert all(torch.equal(state[key], value) for key, value in mlp_state(hidden=8, seed=k).items())


SMALL = (
    "count=20", "run.draws=1", "encoder.fit.steps=30", "encoder.mean.steps=30", "training.steps=3", "min_iou_near=0",
    "min_iou_uniform=0", "points=128", "meshing.resolution=16", "metrics=mmd-cd",
)  # fmt: skip


def run_of(tmp_path, capsys, *more: str, out: str) -> dict:
    settings = [argument for assignment in (*SMALL, *more) for argument in ("-o", assignment)]
    with pytest.raises(SystemExit) as stopped:
        main(["run", "--method", "hyperdiffusion", "--workers", "1", "--device", "cpu", "--out", out, *settings])
    assert stopped.value.code == 0, capsys.readouterr().err
    [found] = (tmp_path / out).glob("*/run.json")
    return json.loads(found.read_text())


@pytest.mark.slow
def test_what_a_run_made_goes_into_another_run_and_gives_the_same_samples(tmp_path, weights, capsys):
    """Fields and denoiser of a run, imported from its store: another run fits and trains nothing and draws the same samples."""
    raw = ("space=raw", "encoder.scale=1.0")
    first = run_of(tmp_path, capsys, *raw, out="first")
    stages = {stage["label"]: stage["stage"] for stage in first["stages"]}
    for label, name in (("HyperDiffusion: fit the fields", "f"), ("HyperDiffusion: train", "d")):
        code, _, err = weights("import", f"first/store/{stages[label]}", "--out", f"{name}.safetensors")
        assert code == 0, err
    second = run_of(tmp_path, capsys, *raw, "encoder.fields=f.safetensors", "denoiser.checkpoint=d.safetensors", out="second")
    digests = [{s["label"]: s["digest"] for s in run["stages"]} for run in (first, second)]
    assert digests[0]["HyperDiffusion: sample"] == digests[1]["HyperDiffusion: sample"]
    assert digests[0]["HyperDiffusion: train"] != digests[1]["HyperDiffusion: train"]  # its curve is another
    weights("sample", "d.safetensors", "--count", "3", "--out", "s.safetensors", "--device", "cpu", "-o", "steps=50")
    [sampled] = (tmp_path / "first" / "store").glob("sample-*/part-00000.safetensors")
    from hdbench.store import load_tensors

    assert torch.equal(read_fields(tmp_path / "s.safetensors").weights, load_tensors(sampled)["weights"][:3])
