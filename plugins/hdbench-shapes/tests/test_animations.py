"""Animated glTF: nodes, morph targets and skins at known times; what the toolkit writes; files that are broken."""

from __future__ import annotations

import base64
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from hdbench_shapes.animations import Animations

from hdbench.errors import HdbenchError, ShapeError
from hdbench.meshing import export_glb
from hdbench.occupancy import Winding
from hdbench.shapes import Mesh, Shape

CUBE = trimesh.creation.box((2, 2, 2))  # corners at +-1
POINTS, FACES = np.array(CUBE.vertices), np.array(CUBE.faces)
HALF = np.sqrt(0.5)
CODES = {"i1": 5120, "u1": 5121, "i2": 5122, "u2": 5123, "u4": 5125, "f4": 5126}


class Scene:
    """A document in the making; by default a cube (mesh 0) in node 0, that no animation moves."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.tree: dict[str, Any] = {"accessors": [], "bufferViews": []}
        primitive = {"attributes": {"POSITION": self.add(POINTS)}, "indices": self.add(FACES.ravel(), "u2")}
        self.tree |= {"asset": {"version": "2.0"}, "scenes": [{"nodes": [0]}], "nodes": [{"mesh": 0}], "animations": []}
        self.tree["meshes"] = [{"primitives": [primitive]}]

    @property
    def primitive(self) -> dict[str, Any]:
        return self.tree["meshes"][0]["primitives"][0]

    def add(self, values: Any, kind: str = "f4", **more: Any) -> int:
        """An accessor of these values [n] or [n, d]."""
        array = np.asarray(values).astype("<" + kind)
        shape = {1: "SCALAR", 3: "VEC3", 4: "VEC4", 16: "MAT4"}[1 if array.ndim == 1 else array.shape[1]]
        self.data += bytes(-len(self.data) % 4)
        self.tree["bufferViews"].append({"buffer": 0, "byteOffset": len(self.data), "byteLength": array.nbytes})
        self.data += array.tobytes()
        view = {"bufferView": len(self.tree["bufferViews"]) - 1, "componentType": CODES[kind], "count": len(array), "type": shape}
        self.tree["accessors"].append(view | more)
        return len(self.tree["accessors"]) - 1

    def animate(self, path: str, times: Any, values: Any, node: int = 0, kind: str = "LINEAR", name: str | None = None) -> Scene:
        """One more animation with one channel."""
        sampler = {"input": self.add(times), "output": self.add(values), "interpolation": kind}
        channel = {"sampler": 0, "target": {"node": node, "path": path}}
        self.tree["animations"].append({"channels": [channel], "samplers": [sampler]} | ({"name": name} if name else {}))
        return self

    def glb(self) -> bytes:
        self.tree["buffers"] = [{"byteLength": len(self.data)}]
        text = json.dumps(self.tree).encode()
        text += b" " * (-len(text) % 4)
        data = bytes(self.data) + bytes(-len(self.data) % 4)
        body = struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(data), b"BIN\0") + data
        return struct.pack("<4sII", b"glTF", 2, 12 + len(body)) + body


def source(path: Path, **settings: Any) -> Animations:
    return Animations(Animations.Config(path=str(path), **settings))


def read(tmp_path: Path, scene: Scene, frames: int) -> Shape:
    (tmp_path / "a.glb").write_bytes(scene.glb())
    return source(tmp_path, frames=frames).shape("a.glb")


def vertices(shape: Shape) -> np.ndarray:
    return np.stack([mesh.vertices for mesh in shape.frames])


# ---------------------------------------------------------------------------------------------------------------- nodes


def test_frames_are_evenly_spaced_and_leave_the_end_out(tmp_path):
    """A cube that moves by 8 in 2 seconds, in 4 frames: at 0, 0.5, 1 and 1.5 seconds."""
    shape = read(tmp_path, Scene().animate("translation", [1, 3], [[0, 0, 0], [8, 0, 0]]), 4)
    assert vertices(shape) == pytest.approx(POINTS + np.array([0, 2, 4, 6])[:, None, None] * (1.0, 0, 0))
    assert shape.solid
    assert all(mesh.faces is shape.frames[0].faces for mesh in shape.frames)


def test_before_the_first_key_and_after_the_last_nothing_moves(tmp_path):
    scene = Scene().animate("translation", [1, 2], [[0, 0, 0], [4, 0, 0]])
    other = Scene().animate("scale", [0, 4], [[1, 1, 1], [1, 1, 1]]).tree["animations"][0]
    scene.tree["animations"][0]["samplers"].append({"input": scene.add([0, 4.0]), "output": scene.add([[1, 1, 1.0]] * 2)})
    scene.tree["animations"][0]["channels"].append({"sampler": 1, "target": other["channels"][0]["target"]})
    found = vertices(read(tmp_path, scene, 8))[:, 0, 0] - POINTS[0, 0]
    assert found == pytest.approx([0, 0, 0, 2, 4, 4, 4, 4])


def test_rotations_go_along_the_arc(tmp_path):
    """Half way to a quarter turn about z is an eighth, not the mean of the two ends; and -q is the rotation q."""
    for sign in (1, -1):
        turned = np.array([0, 0, HALF, HALF]) * sign
        shape = read(tmp_path, Scene().animate("rotation", [0, 1], [[0, 0, 0, 1], turned]), 3)
        for k, angle in enumerate(np.radians([0, 30, 60])):
            matrix = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
            assert vertices(shape)[k] == pytest.approx(POINTS @ matrix.T, abs=1e-6)


def test_steps_hold_until_the_next_key(tmp_path):
    shape = read(tmp_path, Scene().animate("scale", [0, 1, 4], [[1] * 3, [2] * 3, [3] * 3], kind="STEP"), 4)
    assert np.abs(vertices(shape)).max((1, 2)) == pytest.approx([1, 2, 2, 2])


def test_splines_are_hermite(tmp_path):
    """From 0 to 1 in two seconds: without tangents 3 s^2 - 2 s^3; with tangents of 1/2 per second a straight line."""
    for tangent, expected in ((0.0, [0, 0.15625, 0.5, 0.84375]), (0.5, [0, 0.25, 0.5, 0.75])):
        keys = [[0, 0, 0], [0, 0, 0], [tangent, 0, 0], [tangent, 0, 0], [1, 0, 0], [0, 0, 0]]
        shape = read(tmp_path, Scene().animate("translation", [0, 2], keys, kind="CUBICSPLINE"), 4)
        assert vertices(shape)[:, 0, 0] - POINTS[0, 0] == pytest.approx(expected)


def test_children_move_with_their_parents(tmp_path):
    """The parent turns by a quarter about z, its child stands two to the right and is twice as large."""
    scene = Scene()
    scene.tree["nodes"] = [{"children": [1]}, {"mesh": 0, "matrix": [2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0, 2, 0, 0, 1]}]
    scene.animate("rotation", [0, 1], [[0, 0, 0, 1], [0, 0, 1, 0]])
    found = vertices(read(tmp_path, scene, 2))[1]
    assert found.mean(0) == pytest.approx([0, 2, 0], abs=1e-6)
    assert np.ptp(found, axis=0) == pytest.approx([4, 4, 4])


def test_a_mirror_turns_faces_over(tmp_path):
    scene = Scene().animate("translation", [0, 1], [[0, 0, 0], [1, 0, 0]])
    scene.tree["nodes"][0]["scale"] = [-1, 1, 1]
    shape = read(tmp_path, scene, 2)
    assert Winding(shape.frames[0], True).number(np.zeros((1, 3))).tolist() == [1]


def test_a_node_of_no_size_is_not_shown(tmp_path):
    scene = Scene().animate("scale", [0, 1, 2], [[1] * 3, [0] * 3, [0] * 3], node=1, kind="STEP")
    scene.tree["nodes"].append({"mesh": 0, "translation": [5, 0, 0]})
    scene.tree["scenes"][0]["nodes"] = [0, 1]
    assert [len(mesh.faces) for mesh in read(tmp_path, scene, 4).frames] == [24, 24, 12, 12]
    scene.tree["scenes"][0]["nodes"] = [1]
    with pytest.raises(ShapeError, match="nothing is shown in frame 2"):
        read(tmp_path, scene, 4)


# ------------------------------------------------------------------------------------------------- morph targets, skins


def test_morph_targets_add_up(tmp_path):
    scene = Scene()
    right, taller = np.tile([1.0, 0, 0], (8, 1)), POINTS * (0, 1, 0)
    scene.primitive["targets"] = [{"POSITION": scene.add(right)}, {"NORMAL": 0}, {"POSITION": scene.add(taller)}]
    scene.animate("weights", [0, 2], [0, 9, 1, 4, 9, 0.5])
    found = vertices(read(tmp_path, scene, 2))
    assert found[0] == pytest.approx(POINTS * (1, 2, 1))
    assert found[1] == pytest.approx(POINTS * (1, 1.75, 1) + (2, 0, 0))


def test_weights_that_no_channel_moves_are_those_of_the_node_or_of_the_mesh(tmp_path):
    scene = Scene().animate("translation", [0, 1], [[0, 0, 0], [0, 0, 0]])
    scene.primitive["targets"] = [{"POSITION": scene.add(np.tile([1.0, 0, 0], (8, 1)))}]
    scene.tree["meshes"][0]["weights"] = [2.0]
    assert vertices(read(tmp_path, scene, 1))[0].mean(0) == pytest.approx([2, 0, 0])
    scene.tree["nodes"][0]["weights"] = [3.0]
    assert vertices(read(tmp_path, scene, 1))[0].mean(0) == pytest.approx([3, 0, 0])


def skinned(kind: str = "f4", scale: float = 1.0) -> Scene:
    """A cube whose upper corners follow joint 1, the lower ones half; joint 1 is at y = 1 in its bind pose and moves up by 4."""
    scene = Scene()
    upper = POINTS[:, 1] > 0
    inverse = np.tile(np.eye(4), (2, 1, 1))
    inverse[1, 1, 3] = -1.0
    shares = np.where(upper[:, None], [0, 1, 0, 0], [0.5, 0.5, 0, 0]) * scale
    joints = np.where(shares > -1, [0, 1, 0, 0], 0)
    scene.primitive["attributes"] |= {
        "JOINTS_0": scene.add(joints, "u1"), "WEIGHTS_0": scene.add(shares, kind, normalized=kind != "f4"),
    }  # fmt: skip
    scene.tree["skins"] = [{"joints": [1, 2], "inverseBindMatrices": scene.add(inverse.swapaxes(1, 2).reshape(2, 16))}]
    scene.tree["nodes"] = [{"mesh": 0, "skin": 0, "translation": [100, 0, 0]}, {"children": [2]}, {"translation": [0, 1, 0]}]
    scene.tree["scenes"] = [{"nodes": [0, 1]}]
    return scene.animate("translation", [0, 2], [[0, 1, 0], [0, 5, 0]], node=2)


@pytest.mark.parametrize(("kind", "scale"), [("f4", 1.0), ("f4", 3.0), ("u1", 254.0), ("u2", 65534.0)])
def test_skins_blend_the_matrices_of_their_joints(tmp_path, kind, scale):
    """Half way, joint 1 is 2 higher than in the bind pose: upper corners follow, lower ones half. Where the node is does not
    matter, and weights need not sum to one."""
    shape = read(tmp_path, skinned(kind, scale), 2)
    lift = np.where(POINTS[:, 1] > 0, 2.0, 1.0)[:, None] * (0, 1, 0)
    assert vertices(shape)[0] == pytest.approx(POINTS, abs=1e-6)
    assert vertices(shape)[1] == pytest.approx(POINTS + lift, abs=1e-6)


# -------------------------------------------------------------------------------------------------------------- storage


def test_strips_and_fans_have_the_faces_of_their_triangles(tmp_path):
    """A square of two triangles in each mode, all wound alike; points and lines are no faces."""
    for mode, corners in ((4, [0, 1, 2, 2, 1, 3]), (5, [0, 1, 2, 3]), (6, [0, 1, 3, 2])):
        scene = Scene().animate("translation", [0, 1], [[0, 0, 0], [1, 0, 0]])
        square = scene.add([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]])
        scene.tree["meshes"][0]["primitives"] = [
            {"attributes": {"POSITION": square}, "indices": scene.add(corners, "u1"), "mode": mode},
            {"attributes": {"POSITION": square}, "mode": 0},
        ]
        a, b, c = np.moveaxis(read(tmp_path, scene, 1).frames[0].triangles, 1, 0)
        normals = np.cross(b - a, c - a)
        assert len(normals) == 2
        assert (np.abs(normals).sum(1) == 1).all()
        assert normals[0].tolist() == normals[1].tolist()


def test_interleaved_sparse_and_encoded_buffers(tmp_path):
    """Positions 24 bytes apart; one of them replaced by a sparse accessor; the same bytes inside of the JSON."""
    scene = Scene().animate("translation", [0, 1], [[0, 0, 0], [1, 0, 0]])
    start = len(scene.data)
    scene.data += np.concatenate([POINTS, 7 + POINTS], axis=1).astype("<f4").tobytes()
    scene.tree["bufferViews"].append({"buffer": 0, "byteOffset": start, "byteLength": 8 * 24, "byteStride": 24})
    indices, values = (scene.tree["accessors"][scene.add(v, k)]["bufferView"] for v, k in (([3], "u1"), ([[9, 9, 9]], "f4")))
    scene.tree["accessors"][scene.primitive["attributes"]["POSITION"]] |= {
        "bufferView": values - 2,
        "sparse": {"count": 1, "indices": {"bufferView": indices, "componentType": 5121}, "values": {"bufferView": values}},
    }
    expected = POINTS.copy()
    expected[3] = 9
    assert vertices(read(tmp_path, scene, 1))[0] == pytest.approx(expected)
    uri = "data:application/octet-stream;base64," + base64.b64encode(scene.data).decode()
    (tmp_path / "b.gltf").write_text(json.dumps(scene.tree | {"buffers": [{"byteLength": len(scene.data), "uri": uri}]}))
    assert vertices(source(tmp_path, frames=1).shape("b.gltf"))[0] == pytest.approx(expected)


def test_sidecars_outside_of_the_folder_are_refused(tmp_path):
    scene = Scene().animate("translation", [0, 1], [[0, 0, 0], [1, 0, 0]])
    (tmp_path / "in").mkdir()
    for name, place in (("a", tmp_path / "in" / "my data.bin"), ("b", tmp_path / "data.bin")):
        place.write_bytes(scene.data)
        uri = "my%20data.bin" if name == "a" else "../data.bin"
        (tmp_path / "in" / f"{name}.gltf").write_text(json.dumps(scene.tree | {"buffers": [{"uri": uri, "byteLength": 1}]}))
    assert len(source(tmp_path / "in").shape("a.gltf").frames) == 16
    with pytest.raises(ShapeError, match="outside of the folder"):
        source(tmp_path / "in").shape("b.gltf")


# ---------------------------------------------------------------------------------------------------------------- names


def test_every_animation_of_a_file_is_a_shape(tmp_path):
    scene = Scene()
    for name in ("Walk", "Run", "Run", None, "0"):
        scene.animate("translation", [0, 1], [[0, 0, 0], [1, 0, 0]], name=name)
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "many.GLB").write_bytes(scene.glb())
    (tmp_path / "one.glb").write_bytes(Scene().animate("translation", [0, 1], [[0, 0, 0], [1, 0, 0]], name="Swim").glb())
    (tmp_path / "still.glb").write_bytes(Scene().glb())
    names = source(tmp_path).names()
    assert names == (*(f"deep/many.GLB:{label}" for label in ("Walk", "1", "2", "3", "4")), "one.glb", "still.glb")
    assert source(tmp_path, limit=2).names() == names[:2]
    assert source(tmp_path).shape(names[0]).name == "deep/many.GLB:Walk"
    with pytest.raises(ShapeError, match=r"'still\.glb' cannot be used: it has no animation; 'meshes:FOLDER' reads single"):
        source(tmp_path).shape("still.glb")
    with pytest.raises(HdbenchError, match="There is no animation named"):
        source(tmp_path).shape("deep/many.GLB")


def test_lists_prescribe_the_split(tmp_path):
    for name in "abc":
        (tmp_path / f"{name}.glb").write_bytes(Scene().animate("translation", [0, 1], [[0, 0, 0], [1, 0, 0]]).glb())
    (tmp_path / "train.lst").write_text("c\nb.glb\n")
    (tmp_path / "test.lst").write_text("a")
    split = source(tmp_path).split()
    assert split is not None
    assert (split.train, split.test) == (("c.glb", "b.glb"), ("a.glb",))


def test_a_folder_without_files_is_an_error(tmp_path):
    for path, words in ((tmp_path, "no animation in the folder"), (tmp_path / "nowhere", "no folder")):
        with pytest.raises(HdbenchError, match=words):
            source(path).names()


def test_a_file_that_changed_has_other_names_and_another_fingerprint(tmp_path):
    scene = Scene().animate("translation", [0, 1], [[0, 0, 0], [1, 0, 0]])
    (tmp_path / "a.glb").write_bytes(scene.glb())
    before = source(tmp_path).names(), source(tmp_path).fingerprint()
    (tmp_path / "a.glb").write_bytes(scene.animate("scale", [0, 1], [[1] * 3] * 2).glb())
    after = source(tmp_path).names(), source(tmp_path).fingerprint()
    assert (before[0], after[0]) == (("a.glb",), ("a.glb:0", "a.glb:1"))
    assert before[1] != after[1]


# ----------------------------------------------------------------------------------------------------------- round trip


def grown(count: int) -> list[Mesh]:
    """Spheres that grow and have ever more faces, in numbers that float32 holds."""
    spheres = [trimesh.creation.uv_sphere(0.2 + 0.05 * k, count=(4 + k, 5 + k)) for k in range(count)]
    return [Mesh(s.vertices.astype(np.float32).astype(np.float64), np.array(s.faces, np.int64)) for s in spheres]


@pytest.mark.parametrize("count", [2, 3, 7, 16, 29])
def test_what_is_written_of_a_sequence_is_read_back(tmp_path, count):
    """Every frame in its place, although no two have the same faces."""
    frames = grown(count)
    export_glb(frames, tmp_path / "a.glb")
    shape = source(tmp_path, frames=count).shape("a.glb")
    for mesh, found in zip(frames, shape.frames):
        assert np.array_equal(mesh.vertices, found.vertices)
        assert np.array_equal(mesh.faces, found.faces)


def test_fewer_frames_are_evenly_chosen_and_more_are_repeated(tmp_path):
    frames = grown(8)
    export_glb(frames, tmp_path / "a.glb")
    for count in (4, 16):
        found = [len(mesh.faces) for mesh in source(tmp_path, frames=count).shape("a.glb").frames]
        assert found == [len(frames[k * 8 // count].faces) for k in range(count)]


def test_the_gap_of_an_empty_frame_is_seen(tmp_path):
    frames = grown(4)
    frames[2] = Mesh(np.zeros((0, 3)), np.zeros((0, 3), np.int64))
    export_glb(frames, tmp_path / "a.glb")
    with pytest.raises(ShapeError, match="nothing is shown in frame 2"):
        source(tmp_path, frames=4).shape("a.glb")


def test_a_single_mesh_is_written_without_an_animation(tmp_path):
    export_glb(grown(1)[0], tmp_path / "a.glb")
    with pytest.raises(ShapeError, match="it has no animation"):
        source(tmp_path).shape("a.glb")


# ---------------------------------------------------------------------------------------------------------- bad content


def broken(change: Any) -> bytes:
    scene = Scene().animate("translation", [0, 1], [[0, 0, 0], [1, 0, 0]])
    change(scene)
    return scene.glb()


def put(*path: Any) -> Any:
    """A change that puts the last of ``path`` where the others lead."""

    def change(scene: Scene) -> None:
        place: Any = scene.tree
        for step in path[:-2]:
            place = place[step]
        place[path[-2]] = path[-1]

    return change


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (put("asset", "version", "1.0"), "no glTF of version 2"),
        (put("extensionsRequired", ["KHR_draco_mesh_compression"]), "extension KHR_draco_mesh_compression, which"),
        (put("nodes", 0, "mesh", 3), r"meshes\[3\], but there are 1"),
        (put("nodes", 0, "mesh", "0"), r"meshes\[0\], but there are 1"),
        (put("nodes", 0, "children", [0]), r"nodes\[0\] is in its scene twice"),
        (put("nodes", 0, "skin", 0), r"skins\[0\], but there are 0"),
        (put("nodes", 0, "scale", [1, 2]), "no valid glTF"),
        (put("nodes", 0, {}), "no triangles"),
        (put("scenes", 0, "nodes", [7]), r"nodes\[7\]"),
        (put("meshes", 0, "primitives", 0, "mode", 1), "no triangles"),
        (put("meshes", 0, "primitives", 0, "attributes", "POSITION", 1), r"accessors\[1\] is a SCALAR"),
        (put("meshes", 0, "primitives", 0, "indices", 99), r"accessors\[99\], but there are 4"),
        (put("accessors", 0, "count", 7), "names vertex 7 of 7"),
        (put("accessors", 0, "count", 9), r"accessors\[0\] reaches to byte 108 of a view of 96"),
        (put("accessors", 0, "count", 2**39), "reaches to byte"),
        (put("accessors", 0, "count", -1), "no whole number"),
        (put("accessors", 0, {"count": 2**39, "componentType": 5126, "type": "VEC3"}), "without any bytes"),
        (put("accessors", 0, "componentType", 1), "is a VEC3 of 1"),
        (put("bufferViews", 0, "byteStride", 0), "with a stride of 0"),
        (put("bufferViews", 0, "byteLength", 10**9), "a view ends at byte 1000000000"),
        (put("bufferViews", 0, "buffer", 1), r"buffers\[1\], but there are 1"),
        (put("animations", 0, "channels", []), "moves nothing"),
        (put("animations", 0, "channels", 0, "sampler", 5), "names sampler 5 of 1"),
        (put("animations", 0, "channels", 0, "target", "path", "pointer"), "moves nothing"),
        (put("animations", 0, "samplers", 0, "interpolation", "CUBIC"), "'CUBIC' is not known"),
        (put("animations", 0, "samplers", 0, "interpolation", "CUBICSPLINE"), "2 keys, but 6 numbers"),
        (put("animations", 0, "channels", 0, "target", "path", "rotation"), "2 keys, but 6 numbers"),
        (put("animations", 0, "samplers", 0, "input", 3), r"accessors\[3\] is a VEC3"),
        (put("accessors", []), r"accessors\[2\], but there are 0"),
    ],
)  # fmt: skip
def test_files_that_are_broken_are_named_with_the_reason(tmp_path, change, reason):
    (tmp_path / "bad.glb").write_bytes(broken(change))
    with pytest.raises(ShapeError, match=reason) as error:
        source(tmp_path).shape(source(tmp_path).names()[0])
    assert str(error.value).startswith("The animation 'bad.glb' cannot be used: ")
    assert "\n" not in str(error.value)


def test_times_that_do_not_increase_and_coordinates_that_are_not_finite(tmp_path):
    for times, values, reason in (
        ([1, 1], [[0, 0, 0]] * 2, "do not increase"), ([0, np.nan], [[0, 0, 0]] * 2, "do not increase"),
        ([0, 1], [[0, 0, 0], [np.nan] * 3], "numbers as its values"), ([0, 1], [[0, 0, 0]] * 3, "2 keys, but 9 numbers"),
    ):  # fmt: skip
        with pytest.raises(ShapeError, match=reason):
            read(tmp_path, Scene().animate("translation", times, values), 2)


@pytest.mark.parametrize("content", [b"", b"glTF", bytes(range(100)), b"glTF" + bytes(40), b"{}"])
def test_what_is_no_glb_is_left_out_with_the_reason(tmp_path, content):
    (tmp_path / "a.glb").write_bytes(content)
    assert source(tmp_path).names() == ("a.glb",)
    with pytest.raises(ShapeError, match=r"'a\.glb' cannot be used"):
        source(tmp_path).shape("a.glb")


def test_no_damage_to_a_file_is_anything_but_a_reason(tmp_path):
    """Files cut off anywhere, and files with wrong bytes anywhere, give a shape or a ShapeError, never another exception."""
    whole, rng, refused = skinned().glb(), np.random.default_rng(0), []
    for _ in range(300):
        data = bytearray(whole)
        if rng.random() < 0.3:
            del data[int(rng.integers(len(data))) :]
        for place in rng.integers(0, max(1, len(data)), int(rng.integers(1, 6))):
            data[place : place + 1] = bytes([rng.choice([*b'0129-,:{}[]"ae', 0, 255])])
        (tmp_path / "a.glb").write_bytes(data)
        with np.errstate(all="ignore"):
            try:
                shape = source(tmp_path, frames=3).shape(source(tmp_path).names()[0])
                assert np.isfinite(vertices(shape)).all()
            except ShapeError as error:
                refused.append(str(error))
    assert 50 < len(refused) < 300
    assert not any("\n" in reason for reason in refused)
