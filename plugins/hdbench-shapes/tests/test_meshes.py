"""Folders of meshes: formats, oddities, lists, and what is said about files that cannot be used."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from hdbench_shapes.meshes import MeshFolder

from hdbench.errors import HdbenchError, ShapeError
from hdbench.occupancy import inside
from hdbench.shapes import Mesh, Shape, geometry_digest, normalise

CUBE = trimesh.creation.box((1, 2, 3))
SHARED = Path(os.environ.get("HDBENCH_SHARED_DATA", Path(__file__).resolve().parents[4] / "shared" / "data"))
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="no folder of shared data (HDBENCH_SHARED_DATA)")


def folder(path: Path, **settings: Any) -> MeshFolder:
    return MeshFolder(MeshFolder.Config(path=str(path), **settings))


def volume(shape: Shape) -> float:
    a, b, c = np.moveaxis(shape.frames[0].triangles, 1, 0)
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)


def write_gltf(path: Path, uri: str = "cube.bin", **node: Any) -> None:
    """A cube as glTF; its buffer is ``uri``, its texture does not exist."""
    points, faces = CUBE.vertices.astype("<f4"), CUBE.faces.astype("<u4")
    views = [{"buffer": 0, "byteOffset": 0, "byteLength": points.nbytes},
             {"buffer": 0, "byteOffset": points.nbytes, "byteLength": faces.nbytes}]  # fmt: skip
    accessors = [{"bufferView": 0, "componentType": 5126, "count": len(points), "type": "VEC3"},
                 {"bufferView": 1, "componentType": 5125, "count": faces.size, "type": "SCALAR"}]  # fmt: skip
    document = {
        "asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": [0]}], "nodes": [{"mesh": 0, **node}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1, "material": 0}]}],
        "materials": [{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}],
        "textures": [{"source": 0}], "images": [{"uri": "absent.png"}],
        "buffers": [{"uri": uri, "byteLength": points.nbytes + faces.nbytes}], "bufferViews": views, "accessors": accessors,
    }  # fmt: skip
    path.write_text(json.dumps(document))
    if ".." not in uri:
        (path.parent / uri.replace("%20", " ")).write_bytes(points.tobytes() + faces.tobytes())


# ---------------------------------------------------------------------------------------------------------------- names


def test_names_are_sorted_paths_in_subfolders_too(tmp_path):
    (tmp_path / "b" / "deep").mkdir(parents=True)
    for name in ("z.OBJ", "b/deep/a.stl", "b/c.Ply", "notes.txt", ".hidden.obj"):
        CUBE.export(tmp_path / name, file_type="obj")
    assert folder(tmp_path).names() == ("b/c.Ply", "b/deep/a.stl", "z.OBJ")
    assert folder(tmp_path, limit=2).names() == ("b/c.Ply", "b/deep/a.stl")


def test_a_missing_or_empty_folder_is_a_one_line_error(tmp_path):
    for source, words in (
        (folder(tmp_path / "nowhere"), "no folder"),
        (folder(tmp_path), "no mesh"),
        (MeshFolder(MeshFolder.Config()), "no folder"),
    ):
        with pytest.raises(HdbenchError, match=words) as error:
            source.names()
        assert "\n" not in str(error.value)


def test_the_fingerprint_sees_what_meshes_are_read_from_and_nothing_else(tmp_path):
    CUBE.export(tmp_path / "a.obj")
    before = folder(tmp_path).fingerprint()
    (tmp_path / "notes.txt").write_text("of no account")
    assert folder(tmp_path).fingerprint() == before
    with (tmp_path / "a.obj").open("a") as file:
        file.write("# edited\n")
    edited = folder(tmp_path).fingerprint()
    CUBE.export(tmp_path / "b.obj")
    assert len({before, edited, folder(tmp_path).fingerprint()}) == 3


def test_an_unknown_name_is_an_error_with_the_nearest(tmp_path):
    CUBE.export(tmp_path / "cube.obj")
    with pytest.raises(HdbenchError, match=r"Did you mean 'cube\.obj'"):
        folder(tmp_path).shape("cubes.obj")
    (tmp_path / "in").mkdir()
    CUBE.export(tmp_path / "in" / "cube.obj")
    with pytest.raises(HdbenchError, match="There is no mesh named"):
        folder(tmp_path / "in").shape("../cube.obj")


# -------------------------------------------------------------------------------------------------------------- formats


@pytest.mark.parametrize("name", ["a.obj", "a.OBJ", "a.off", "a.ply", "a.PLY", "a.stl", "a.STL", "a.glb", "a.GLB"])
def test_every_format_gives_the_same_shape(tmp_path, name):
    CUBE.export(tmp_path / name, file_type=name[2:].lower())
    shape, notes = folder(tmp_path).shape_with_notes(name)
    assert geometry_digest(shape) == geometry_digest(_cube())
    assert (len(shape.frames[0].vertices), notes) == (8, [])


def _cube() -> Shape:
    return Shape("cube", (Mesh(np.array(CUBE.vertices), np.array(CUBE.faces)),))


OFF_BODY = "0 0 0\n1 0 0\n0 1 0\n0 0 1\n3 0 2 1\n3 0 1 3\n3 1 2 3\n3 0 3 2\n"


@pytest.mark.parametrize(
    "text",
    [
        "OFF\n4 4 6\n" + OFF_BODY,
        "OFF4 4 6\n" + OFF_BODY,
        "OFF 4  4  6\n" + OFF_BODY,
        "\t  OFF4 4 6 # or nah\n" + OFF_BODY,
        "OFF\n\n# a comment\n4 4 6\n\n" + OFF_BODY,
        "OFF\r\n4 4 6\r\n" + OFF_BODY.replace("\n", "\r\n"),
        "OFF\n4 4 6\n" + OFF_BODY.replace("3 0 2 1", " 3 0 2 1 255 0 0"),
        "COFF\n4 4 6\n" + OFF_BODY.replace("0 0 1\n", "0 0 1 255 0 0 255\n"),
    ],
    ids=["plain", "glued", "one line", "blanks and comment", "blank lines", "windows", "face colours", "vertex colours"],
)
def test_off_headers_as_they_are_met(tmp_path, text):
    (tmp_path / "t.off").write_bytes(text.encode())
    assert volume(folder(tmp_path).shape("t.off")) == pytest.approx(1 / 6)


def test_gltf_with_sidecar_and_without_its_texture(tmp_path):
    write_gltf(tmp_path / "a.gltf")
    write_gltf(tmp_path / "b.gltf", "my%20cube.bin")
    assert [geometry_digest(folder(tmp_path).shape(n)) for n in ("a.gltf", "b.gltf")] == [geometry_digest(_cube())] * 2


def test_scenes_are_put_together_where_their_transforms_place_them(tmp_path):
    scene = trimesh.Scene()
    scene.add_geometry(CUBE, node_name="here")
    scene.add_geometry(CUBE, node_name="there", transform=trimesh.transformations.translation_matrix((10, 0, 0)))
    scene.export(tmp_path / "two.glb")
    shape = folder(tmp_path).shape("two.glb")
    assert shape.frames[0].vertices[:, 0].max() == pytest.approx(10.5)
    assert volume(shape) == pytest.approx(12.0)


def test_a_mirrored_node_stays_wound_outwards(tmp_path):
    write_gltf(tmp_path / "mirror.gltf", scale=[-1, 1, 1])
    shape, notes = folder(tmp_path).shape_with_notes("mirror.gltf")
    assert (volume(shape), notes) == (pytest.approx(6.0), [])


# ---------------------------------------------------------------------------------------------------------- bad content


def test_sidecars_outside_of_the_folder_are_refused(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "secret.bin").write_bytes(bytes(1000))
    write_gltf(tmp_path / "in" / "a.gltf", "../secret.bin")
    write_gltf(tmp_path / "in" / "link.gltf", "link.bin")
    (tmp_path / "in" / "link.bin").unlink()
    (tmp_path / "in" / "link.bin").symlink_to(tmp_path / "secret.bin")
    for name in ("a.gltf", "link.gltf"):
        with pytest.raises(ShapeError, match="outside of the folder"):
            folder(tmp_path / "in").shape(name)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("empty.obj", b"", "empty"),
        ("points.obj", b"v 0 0 0\nv 1 0 0\nv 0 1 0\n", "points but no faces"),
        ("header.off", b"OFF", "cannot be read"),
        ("cut.off", b"OFF\n4 4 6\n0 0 0\n1 0 0\n", "cannot be read"),
        ("range.off", b"OFF\n3 1 0\n0 0 0\n1 0 0\n0 1 0\n3 0 1 7\n", "cannot be read"),
        ("noise.glb", bytes(range(200)), "cannot be read"),
        ("broken.gltf", b"{", "cannot be read"),
        ("nan.obj", b"v 0 0 0\nv 1 0 nan\nv 0 1 0\nf 1 2 3\n", "not finite"),
        ("line.obj", b"v 0 0 0\nv 1 0 0\nv 2 0 0\nf 1 2 3\n", "none of its faces has an area"),
    ],
)
def test_files_that_cannot_be_used_are_named_with_the_reason(tmp_path, name, content, reason):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ShapeError, match=reason) as error:
        folder(tmp_path).shape(name)
    assert f"'{name}'" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_sidecar_is_named(tmp_path):
    write_gltf(tmp_path / "a.gltf")
    (tmp_path / "cube.bin").unlink()
    with pytest.raises(ShapeError, match=r"'cube\.bin', which does not exist"):
        folder(tmp_path).shape("a.gltf")


def _export(path: Path, faces: np.ndarray) -> None:
    trimesh.Trimesh(CUBE.vertices, faces, process=False).export(path)


def test_what_is_mended_is_noted(tmp_path):
    flat = np.array([[0, 1, 0], [3, 3, 3]])
    _export(tmp_path / "double.obj", np.concatenate([CUBE.faces, np.roll(CUBE.faces, 1, axis=1)]))
    _export(tmp_path / "flat.obj", np.concatenate([CUBE.faces, flat]))
    _export(tmp_path / "inwards.obj", CUBE.faces[:, ::-1])
    _export(tmp_path / "both.obj", np.concatenate([CUBE.faces, CUBE.faces[:, ::-1]]))
    expected = {
        "double.obj": "12 duplicate faces dropped", "flat.obj": "2 faces without area dropped",
        "inwards.obj": "wound inwards", "both.obj": "two-sided: 12 reversed copies",
    }  # fmt: skip
    for name, note in expected.items():
        shape, notes = folder(tmp_path).shape_with_notes(name)
        assert len(notes) == 1
        assert note in notes[0]
        assert len(shape.frames[0].faces) == 12
        assert volume(shape) == pytest.approx(6.0)


def test_the_wall_between_two_touching_boxes_is_kept_for_both(tmp_path):
    left, right = trimesh.creation.box((1, 1, 1)), trimesh.creation.box((1, 1, 1))
    right.apply_scale((-1, 1, 1)).apply_translation((1, 0, 0))
    trimesh.util.concatenate([left, right]).export(tmp_path / "touching.obj")
    shape, notes = folder(tmp_path).shape_with_notes("touching.obj")
    assert notes == ["2 faces are there in both orientations"]
    assert inside(shape.frames[0], np.array([[0.45, 0.1, 0.2], [0.55, 0.1, 0.2], [1.6, 0, 0]]), False).tolist() == [
        True,
        True,
        False,
    ]


# ---------------------------------------------------------------------------------------------------------------- lists


@pytest.fixture
def listed(tmp_path) -> Path:
    for name in "abcd":
        CUBE.export(tmp_path / f"{name}.obj")
    return tmp_path


@pytest.mark.parametrize(("suffix", "extension"), [("", ""), ("_split", ".obj")])
def test_list_files_prescribe_the_split(listed, suffix, extension):
    for part, names in {"train": "db", "val": "c", "test": "a"}.items():
        lines = [f"{n}{extension}" for n in names]
        (listed / f"{part}{suffix}.lst").write_text("\n".join(["", *lines, "", " "]))
    split = folder(listed).split()
    assert split is not None
    assert (split.train, split.val, split.test) == (("d.obj", "b.obj"), ("c.obj",), ("a.obj",))


def test_a_limit_holds_for_lists_too(listed):
    (listed / "train.lst").write_text("a\nd")
    (listed / "test.lst").write_text("b")
    split = folder(listed, limit=3).split()
    assert split is not None
    assert (split.train, split.test) == (("a.obj",), ("b.obj",))


def test_without_list_files_nothing_is_prescribed(listed):
    assert folder(listed).split() is None


@pytest.mark.parametrize(
    ("train", "test", "words"),
    [
        ("a\nx", "b", "no mesh named 'x'"),
        ("a\nb", "b", "listed for 'train' and again for 'test'"),
        ("a", "", "no shapes for 'test'"),
    ],
)
def test_wrong_lists_are_errors(listed, train, test, words):
    (listed / "train.lst").write_text(train)
    (listed / "test.lst").write_text(test)
    with pytest.raises(HdbenchError, match=words):
        folder(listed).split()


# ------------------------------------------------------------------------------------------------------------ real files


@needs_shared
def test_all_real_cars_can_be_used_and_the_six_that_are_wound_inwards_are_found():
    source = folder(SHARED / "cars")
    turned = []
    for name in source.names():
        shape, notes = source.shape_with_notes(name)
        assert not normalise(shape).frames[0].is_empty
        turned += [name] if any("wound inwards" in note for note in notes) else []
    assert len(source.names()) >= 60
    assert len(turned) == 6
    assert all(n.startswith("quaternius/") for n in turned)


@needs_shared
def test_chairs_that_differ_in_colour_only_are_copies():
    source = folder(SHARED / "furniture")
    plain, wood = (geometry_digest(source.shape(f"kaykit/{n}.gltf")) for n in ("chair_A", "chair_A_wood"))
    assert plain == wood
    assert plain != geometry_digest(source.shape("kaykit/chair_B.gltf"))


@needs_shared
def test_odd_files_are_read_or_named():
    source = folder(SHARED / "odd")
    refused = set()
    for name in source.names():
        try:
            assert not source.shape(name).frames[0].is_empty
        except ShapeError:
            refused.add(name)
    assert {"empty.obj", "empty.stl", "points_bin.ply", "emptyIO/obj_points.obj"} <= refused
    assert all("empty" in n or "points" in n for n in refused)
