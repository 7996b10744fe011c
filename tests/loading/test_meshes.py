"""Sets of shapes from folders of meshes."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from cloud_files import SHARED, Q, clouds, meshes, note_of, read
from safetensors.numpy import save_file as save_numpy

from hdbench.errors import HdbenchError
from hdbench.loading import load_draws


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


def test_the_frames_of_a_sequence_in_one_glb_are_not_taken_for_one_mesh(tmp_path):
    from hdbench.meshing import export_glb
    from hdbench.shapes import Mesh

    mesh = Mesh(np.eye(3), np.array([[0, 1, 2]]))
    export_glb([mesh, mesh], tmp_path / "m" / "0.glb")
    with pytest.raises(HdbenchError, match="holds the frames of a sequence"):
        read(tmp_path / "m")
    export_glb(mesh, tmp_path / "m" / "0.glb")
    assert len(read(tmp_path / "m")) == 1


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
