"""The authors' fitted MLPs: recognised by their content, the same forward pass, and back to the same bits."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import pytest
import torch
from hdbench_hyperdiffusion.library import read_fields, write_fields
from hdbench_hyperdiffusion.mlp import MLPEncoder
from hdbench_hyperdiffusion.networks import forward
from hdbench_hyperdiffusion.official import load_fields
from hdbench_hyperdiffusion.official.export import export_fields
from hdbench_hyperdiffusion.official.fields import shape_name
from theirs import mlp_logits, mlp_state

from hdbench.errors import HdbenchError


def folder_of(tmp_path, count: int = 3, **settings):
    for k in range(count):
        torch.save(mlp_state(seed=k, **settings), tmp_path / f"occ_shape{k}_jitter_0_model_final.pth")
    return tmp_path


def points(dimensions: int, count: int = 200) -> np.ndarray:
    rng = np.random.default_rng(0)
    x = rng.uniform(-0.5, 0.5, (count, dimensions)).astype(np.float32)
    if dimensions == 4:
        x[:, 3] = rng.integers(0, 16, count)  # the frame's number itself
    return x


@pytest.mark.parametrize(("dimensions", "size"), [(3, 36_737), (4, 37_889)])
def test_an_imported_mlp_computes_what_the_released_one_computes(tmp_path, dimensions, size):
    fields = load_fields(folder_of(tmp_path, dimensions=dimensions))
    assert fields.weights.shape == (3, size)
    encoding, x = MLPEncoder(fields.config).encoding, points(dimensions)
    features = encoding.features(torch.from_numpy(x))[None].expand(3, -1, -1)
    logits = forward(fields.layout.split(fields.weights), features).numpy()
    for k in range(3):
        expected = mlp_logits(mlp_state(dimensions, seed=k), x)
        assert np.abs(expected).max() > 0.1
        np.testing.assert_allclose(logits[k], expected, atol=1e-5)


def test_frames_get_their_numbers_as_the_fourth_coordinate(tmp_path):
    """Frame k of a sequence of 16 is at coordinate k, so decoding it and evaluating there are one thing."""
    fields = load_fields(folder_of(tmp_path, dimensions=4))
    encoding = MLPEncoder(fields.config).encoding
    assert [encoding.frame_coordinate(k, fields.frames) for k in range(fields.frames)] == [float(k) for k in range(16)]


def test_weights_are_flattened_in_the_order_of_the_state_dict(tmp_path):
    fields = load_fields(folder_of(tmp_path))
    expected = torch.cat([value.flatten() for value in mlp_state(seed=1).values()])
    assert torch.equal(fields.weights[1], expected)
    assert fields.layout.names == tuple(mlp_state())


@pytest.mark.parametrize(("dimensions", "octaves", "hidden"), [(3, 0, 128), (3, 10, 32), (4, 4, 16), (4, 0, 8), (3, 4, 64)])
def test_size_and_encoding_are_recognised_by_the_shapes(tmp_path, dimensions, octaves, hidden):
    fields = load_fields(folder_of(tmp_path, dimensions=dimensions, octaves=octaves, hidden=hidden))
    assert fields.encoder == {"hidden": hidden, "depth": 3, "octaves": octaves, "scale": 1.0, "time": "index"}
    assert fields.frames == (16 if dimensions == 4 else 1)
    assert MLPEncoder(fields.config).layout(fields.frames) == fields.layout


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("occ_10155655850468db78d106ce0a280f87_jitter_0_model_final.pth", "10155655850468db78d106ce0a280f87"),
        ("occ_foxXAT_Rotate180R_jitter_0_model_final.pth", "foxXAT_Rotate180R"),
        ("mine.pth", "mine"),
    ],
)
def test_names_of_shapes(tmp_path, name, shape):
    assert shape_name(tmp_path / name) == shape


def test_a_folder_is_read_in_the_order_of_names_whatever_the_disk_says(tmp_path):
    for k in (2, 0, 1):
        torch.save(mlp_state(hidden=8, seed=k), tmp_path / f"occ_s{k}_jitter_0_model_final.pth")
    (tmp_path / "train_split.lst").write_text("s0.obj\n")
    fields = load_fields(tmp_path)
    assert fields.names == ("s0", "s1", "s2")
    assert torch.equal(fields.weights[2, : 8 * 27], mlp_state(hidden=8, seed=2)["layers.0.weight"].flatten())


def test_folders_with_checkpoints_give_the_final_one_first(tmp_path):
    for name, files in (("a", ("model_final", "model_current")), ("b", ("model_current",))):
        (tmp_path / name / "checkpoints").mkdir(parents=True)
        for k, file in enumerate(files):
            torch.save(mlp_state(hidden=8, seed=k), tmp_path / name / "checkpoints" / f"{file}.pth")
    fields = load_fields(tmp_path)
    assert fields.names == ("a", "b")
    assert torch.equal(fields.weights[0], fields.weights[1])  # both of seed 0: a's final, b's current


@pytest.mark.parametrize("dimensions", [3, 4])
def test_theirs_to_ours_and_back_is_the_same_bit_for_bit(tmp_path, dimensions):
    (tmp_path / "in").mkdir()
    fields = load_fields(folder_of(tmp_path / "in", dimensions=dimensions))
    write_fields(tmp_path / "ours.safetensors", fields, {})
    export_fields(read_fields(tmp_path / "ours.safetensors"), tmp_path / "out")
    for k in range(3):
        file = f"occ_shape{k}_jitter_0_model_final.pth"
        before, after = (torch.load(tmp_path / place / file, weights_only=True) for place in ("in", "out"))
        assert list(before) == list(after)
        assert all(torch.equal(before[key], after[key]) for key in before)


def test_ours_to_theirs_and_back_is_the_same_bit_for_bit(tmp_path):
    ours = load_fields(folder_of(tmp_path, hidden=16))
    export_fields(ours, tmp_path / "out")
    again = load_fields(tmp_path / "out")
    assert again.names == ours.names
    assert torch.equal(again.weights, ours.weights)
    assert (again.layout, again.encoder, again.frames) == (ours.layout, ours.encoder, ours.frames)


@pytest.mark.parametrize("change", [{"scale": 2.0}, {"time": "unit"}])
def test_an_encoding_that_their_code_lacks_is_not_exported(tmp_path, change):
    fields = load_fields(folder_of(tmp_path, count=1, dimensions=4, hidden=8))
    fields.encoder.update(change)
    with pytest.raises(HdbenchError, match=r"encoder\.scale=1"):
        export_fields(fields, tmp_path / "out")


def test_another_mlp_than_the_first_is_named_with_both_shapes(tmp_path):
    folder_of(tmp_path, count=2, hidden=8)
    torch.save(mlp_state(hidden=9), tmp_path / "occ_zebra_jitter_0_model_final.pth")
    with pytest.raises(HdbenchError, match=r"occ_zebra.*'layers.0.weight' is \[9, 27\], expected \[8, 27\]"):
        load_fields(tmp_path)


def test_a_missing_tensor_is_named_with_the_nearest(tmp_path):
    state = mlp_state(hidden=8)
    state["layers.1.weights"] = state.pop("layers.1.weight")
    torch.save(state, tmp_path / "occ_a_jitter_0_model_final.pth")
    with pytest.raises(HdbenchError, match=r"'layers.1.weight' \[8, 8\] is missing; the nearest is 'layers.1.weights'"):
        load_fields(tmp_path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"a": 1}, "holds no state_dict: it is a dict with a"),
        ([1, 2], "holds no state_dict: it is a list"),
        (OrderedDict({"net.0.weight": torch.zeros(4, 27)}), "'layers.0.weight' .* is missing"),
        (OrderedDict({"layers.0.weight": torch.zeros(4, 26), "layers.0.bias": torch.zeros(4)}), "reads 26 features"),
        (mlp_state(hidden=8) | {"layers.0.bias": torch.zeros(8, dtype=torch.int64)}, "'layers.0.bias' is of type torch.int64"),
    ],
)
def test_what_is_no_fitted_mlp_is_refused_with_its_name(tmp_path, content, said):
    torch.save(content, tmp_path / "odd.pth")
    with pytest.raises(HdbenchError, match=rf"odd\.pth.*{said}"):
        load_fields(tmp_path / "odd.pth")


class Trap:
    """An object whose loading would run code."""

    loaded = False

    def __reduce__(self):
        return (exec, ("import theirs; theirs.TRAPPED = True",))


def test_objects_are_never_loaded(tmp_path):
    import theirs

    torch.save({"state_dict": Trap()}, tmp_path / "trap.pth")
    with pytest.raises(HdbenchError, match=r"trap\.pth.*not loaded, for safety: .*exec"):
        load_fields(tmp_path / "trap.pth")
    assert not hasattr(theirs, "TRAPPED")


def test_a_zip_of_the_files_is_to_be_unpacked(tmp_path):
    import zipfile

    with zipfile.ZipFile(tmp_path / "planes.zip", "w") as archive:
        archive.writestr("occ_a_jitter_0_model_final.pth", b"x")
    with pytest.raises(HdbenchError, match="Unpack it"):
        load_fields(tmp_path / "planes.zip")


@pytest.mark.parametrize("content", [b"", b"not a file of torch's", b"PK\x03\x04 and then nothing"])
def test_files_of_other_kinds_are_refused(tmp_path, content):
    (tmp_path / "x.pth").write_bytes(content)
    with pytest.raises(HdbenchError, match=r"x\.pth"):
        load_fields(tmp_path / "x.pth")


def test_folders_without_mlps_and_paths_without_anything_are_refused(tmp_path):
    with pytest.raises(HdbenchError, match="holds no fitted MLPs"):
        load_fields(tmp_path)
    with pytest.raises(HdbenchError, match="There is no file or folder"):
        load_fields(tmp_path / "nowhere")
