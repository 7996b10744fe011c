"""Sets of shapes from folders of meshes."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from cloud_files import SHARED, Q, clouds, meshes, note_of, read
from safetensors.numpy import save_file as save_numpy

from hdbench.errors import HdbenchError
from hdbench.loading import load_draws
from hdbench.meshing import export_glb
from hdbench.shapes import Mesh


def test_meshes_are_sampled_on_their_surface_and_described(tmp_path):
    found = read(meshes(tmp_path / "m"))
    assert found.names == ("a.obj", "b.obj", "c.obj")
    x, y, z = np.moveaxis(found.clouds[0, 0], -1, 0)
    on_a_face = np.stack([x, y, z, 1 - x - y - z])
    np.testing.assert_allclose(on_a_face.min(axis=0), 0, atol=1e-6)
    assert found.figures is not None
    assert all(len(values) == 3 for values in found.figures.values())


def test_a_meshs_points_do_not_depend_on_its_company(tmp_path):
    alone, together = meshes(tmp_path / "alone", "b"), meshes(tmp_path / "together", "ab")
    shutil.copy(alone / "b.obj", together / "b.obj")
    np.testing.assert_array_equal(read(alone).clouds[0], read(together).clouds[1])


def test_meshes_that_cannot_be_used_are_empty_samples_with_names(tmp_path):
    folder = meshes(tmp_path / "m")
    (folder / "b.obj").write_text("")
    (folder / "d.off").write_text("OFF\nnonsense\n")
    found = read(folder)
    assert np.isnan(found.clouds).all((1, 2, 3)).tolist() == [False, True, False, True]
    assert note_of(found, "not readable, counted as empty samples: 2 shapes (b.obj: ")
    for file in folder.iterdir():
        file.write_text("")
    with pytest.raises(HdbenchError, match=r"None of the 4 shapes in '.*' can be used"):
        read(folder)


def test_copies_of_a_mesh_are_named_though_their_points_differ(tmp_path):
    folder = meshes(tmp_path / "m")
    shutil.copy(folder / "a.obj", folder / "z.obj")
    found = read(folder)
    assert note_of(found, "copies of another shape").endswith("1 of 4 shapes (a.obj = z.obj)")
    assert not np.array_equal(found.clouds[0], found.clouds[3])


def test_sub_folders_of_mesh_frames_are_sequences(tmp_path):
    for name in ("run", "swim"):
        meshes(tmp_path / "m" / name, ("000", "001", "002"))
    assert read(tmp_path / "m").clouds.shape == (2, 3, Q, 3)
    assert read(tmp_path / "m", frames=1).clouds.shape == (6, 1, Q, 3)
    with pytest.raises(HdbenchError, match="Sequences of 4 frames"):
        read(tmp_path / "m", frames=4)


def tetrahedron(size: float) -> Mesh:
    """A corner of a cube: three faces in the planes x, y, z = 0 and one where x + y + z = size."""
    corners = size * np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    return Mesh(corners, np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]]))


def test_glb_files_that_a_run_wrote_of_sequences_are_read_frame_by_frame(tmp_path):
    for name, first in (("0000", 1.0), ("0001", 2.0)):
        export_glb([tetrahedron(first + k) for k in range(3)], tmp_path / "m" / f"{name}.glb")
    found = read(tmp_path / "m")
    assert found.clouds.shape == (2, 3, Q, 3)
    assert found.clouds.sum(-1).max(-1) == pytest.approx(np.array([[1, 2, 3], [2, 3, 4]]), abs=1e-5)
    assert found.clouds.min() >= -1e-6
    assert note_of(found, "2 sequences of 3 frames each in sorted order")


def test_a_broken_sequence_is_an_empty_sample_and_one_of_another_length_is_refused(tmp_path):
    for name in ("0000", "0001"):
        export_glb([tetrahedron(1.0 + k) for k in range(3)], tmp_path / "m" / f"{name}.glb")
    file = tmp_path / "m" / "0001.glb"
    file.write_bytes(file.read_bytes()[:-40])
    found = read(tmp_path / "m")
    assert np.isnan(found.clouds).all((2, 3)).tolist() == [[False] * 3, [True] * 3]
    export_glb([tetrahedron(1.0), tetrahedron(2.0)], file)
    with pytest.raises(HdbenchError, match=r"sequences of 3 frames, but 1 of 2 have another number: '0001.glb' \(2\)"):
        read(tmp_path / "m")


def test_a_mesh_in_a_glb_file_is_one_frame(tmp_path):
    export_glb(tetrahedron(1.0), tmp_path / "m" / "0.glb")
    assert read(tmp_path / "m").clouds.shape == (1, 1, Q, 3)


def test_a_single_mesh_is_not_a_set(tmp_path):
    with pytest.raises(HdbenchError, match=r"a.obj' is a single mesh. A set of shapes is a folder"):
        read(meshes(tmp_path / "m") / "a.obj")


@pytest.mark.skipif(not (SHARED / "cars").is_dir(), reason="the collection of real files is not here")
def test_real_files_their_copies_and_their_mends():
    found = read(SHARED / "cars" / "kenney")
    assert len(found) == 25
    assert np.isfinite(found.clouds).all()
    odd = read(SHARED / "odd", key="meshes")
    assert note_of(odd, "not readable")
    assert 0 < np.isnan(odd.clouds).all((1, 2, 3)).sum() < len(odd)


def test_figures_beside_clouds_are_those_of_the_shapes(tmp_path):
    path, clouds_of_draws = tmp_path / "method.safetensors", np.stack([clouds(seed=k)[:, None] for k in range(2)])
    closed = np.arange(10.0).reshape(2, 5)
    save_numpy({"clouds": clouds_of_draws, "figures.watertight": closed}, path)
    first, second = load_draws(path, points=Q)
    assert [draw.figures["watertight"].tolist() for draw in (first, second)] == closed.tolist()
    assert not any("not read" in note for note in first.notes)
    save_numpy({"clouds": clouds_of_draws, "figures.watertight": closed[:1]}, path)
    with pytest.raises(HdbenchError, match=r"figures.watertight' is of 5 shapes, the clouds are 10"):
        load_draws(path, points=Q)
