"""DeformingThings4D files: the layout, HyperDiffusion's frames, lists and placement, and files that are not what they say."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from hdbench_shapes.anime import Anime, read_anime

from hdbench.errors import HdbenchError, ShapeError
from hdbench.measures.motion import motion_figures
from hdbench.occupancy import Winding
from hdbench.sampling import evaluation_cloud

SHARED = Path(os.environ.get("HDBENCH_SHARED_DATA", Path(__file__).resolve().parents[4] / "shared" / "data"))
needs_shared = pytest.mark.skipif(not (SHARED / "anime").is_dir(), reason="no folder of shared data (HDBENCH_SHARED_DATA)")
CUBE = trimesh.creation.box((1, 2, 3))


def source(path: Path, **settings: Any) -> Anime:
    return Anime(Anime.Config(path=str(path), **settings))


def content(frames: np.ndarray, faces: np.ndarray = CUBE.faces) -> bytes:
    """A file as the data set has them, from vertices [t, v, 3]."""
    counts = np.array([len(frames), frames.shape[1], len(faces)], "<i4")
    offsets = (frames[1:] - frames[0]).astype("<f4")
    return counts.tobytes() + frames[0].astype("<f4").tobytes() + np.asarray(faces, "<i4").tobytes() + offsets.tobytes()


def write(root: Path, name: str, data: bytes) -> Path:
    (root / name).mkdir(parents=True, exist_ok=True)
    (root / name / f"{name}.anime").write_bytes(data)
    return root / name / f"{name}.anime"


def drifting(count: int) -> np.ndarray:
    """A cube that moves by one along x from frame to frame, [t, 8, 3]."""
    return np.array(CUBE.vertices)[None] + np.arange(count)[:, None, None] * (1.0, 0, 0)


# -------------------------------------------------------------------------------------------------------------- frames


def test_the_size_of_a_file_is_that_of_its_layout():
    assert len(content(drifting(5))) == 12 + 12 * 8 + 12 * 12 + 12 * 8 * 4


@pytest.mark.parametrize("count", [1, 7, 15, 16, 17, 40, 100])
def test_frames_are_those_of_linspace(tmp_path, count):
    """The offsets are from the first frame, so frame t of the drifting cube is t to the right of it."""
    vertices, faces, found = read_anime(write(tmp_path, "a", content(drifting(count))), 16)
    expected = np.linspace(0, count, 16, dtype=int, endpoint=False)
    assert (vertices.shape, faces.shape, found) == ((16, 8, 3), (12, 3), count)
    drift = (vertices - vertices[0])[:, :, 0].T
    assert drift == pytest.approx(np.tile(expected, (8, 1)))


def test_frames_that_are_there_twice_are_noted(tmp_path):
    write(tmp_path, "a_b", content(drifting(14)))
    shape, notes = source(tmp_path).shape_with_notes("a_b")
    assert (len(shape.frames), notes) == (16, ["14 frames for 16: some are there twice"])
    assert source(tmp_path, frames=14).shape_with_notes("a_b")[1] == []


def test_a_closed_mesh_is_solid_and_an_open_one_is_not(tmp_path):
    write(tmp_path, "closed", content(drifting(4)))
    write(tmp_path, "open", content(drifting(4), CUBE.faces[1:]))
    assert source(tmp_path).shape("closed").solid
    assert not source(tmp_path).shape("open").solid


def test_a_mesh_that_closes_in_some_frames_only_is_not_solid(tmp_path):
    """Vertices at one place in the first frame that part afterwards are a crack."""
    soup = np.array(CUBE.triangles).reshape(1, -1, 3)
    faces = np.arange(36).reshape(12, 3)
    write(tmp_path, "whole", content(np.concatenate([soup, soup + 1]), faces))
    cracked = soup.copy()
    cracked[0, 0] += 0.3
    write(tmp_path, "cracked", content(np.concatenate([soup, cracked]), faces))
    assert source(tmp_path).shape("whole").solid
    assert not source(tmp_path).shape("cracked").solid


def test_what_is_mended_is_mended_alike_in_all_frames(tmp_path):
    flat = [[0, 0, 1]]
    write(tmp_path, "double", content(drifting(3), np.concatenate([CUBE.faces, CUBE.faces[:4], flat])))
    write(tmp_path, "inwards", content(drifting(3), CUBE.faces[:, ::-1]))
    expected = {"double": ["1 faces without area dropped", "4 duplicate faces dropped"],
                "inwards": ["wound inwards (volume -6): turned over"]}  # fmt: skip
    for name, notes in expected.items():
        shape, said = source(tmp_path, frames=3).shape_with_notes(name)
        assert (said, shape.solid) == (notes, True)
        assert all(mesh.faces is shape.frames[0].faces for mesh in shape.frames)
        assert Winding(shape.frames[2], True).number(shape.frames[2].vertices.mean(0)[None]).tolist() == [1]


# --------------------------------------------------------------------------------------------------------------- place


def test_frames_are_centred_one_by_one_and_scaled_together(tmp_path):
    """As HyperDiffusion has it: the drift is lost, growth is not, and the largest coordinate of all frames is 0.475."""
    cube = np.array(CUBE.vertices)
    write(tmp_path, "a", content(np.stack([cube, 2 * cube + (5, 0, 0)])))
    placed = source(tmp_path, frames=2)
    frames = [mesh.vertices for mesh in placed.place(placed.shape("a")).frames]
    assert frames[1] == pytest.approx(cube * 0.475 / 1.5, abs=1e-7)
    assert frames[0] == pytest.approx(frames[1] / 2, abs=1e-7)


def test_the_mean_is_that_of_all_vertices_in_the_file(tmp_path):
    """Also of those that are there twice or in no face."""
    cube = np.concatenate([CUBE.vertices, [[9.0, 0, 0]] * 2])
    write(tmp_path, "a", content(cube[None]))
    placed = source(tmp_path, frames=1)
    found = placed.place(placed.shape("a")).frames[0].vertices
    centred = cube - cube.mean(0)
    assert found == pytest.approx(centred * 0.475 / np.abs(centred).max(), abs=1e-7)


def test_the_whole_sequence_can_be_centred_instead(tmp_path):
    write(tmp_path, "a", content(drifting(16)))
    kept = source(tmp_path, centred="sequence")
    middles = [mesh.vertices.mean(0)[0] for mesh in kept.place(kept.shape("a")).frames]
    assert np.diff(middles) == pytest.approx(np.full(15, 0.95 / 16))


# -------------------------------------------------------------------------------------------------------- bad content


def patched(at: int, value: int, kind: str = "<i4") -> bytes:
    data = bytearray(content(drifting(3)))
    data[at : at + 4] = np.array([value], kind).tobytes()
    return bytes(data)


FACES_AT = 12 + 12 * 8
OFFSETS_AT = FACES_AT + 12 * 12


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "ends at byte 0, within the header of 12 bytes"),
        (bytes(11), "ends at byte 11"),
        (patched(0, 0), "names 0 frames at byte 0"),
        (patched(0, -3), "names -3 frames at byte 0"),
        (patched(4, 2), "names 2 vertices at byte 4"),
        (patched(8, 0), "names 0 faces at byte 8"),
        (patched(0, 2**31 - 1), r"has 444 bytes, but the 2147483647 frames, 8 .* of its header take 20615843\d+"),
        (patched(4, 2**31 - 1), "2147483647 vertices"),
        (content(drifting(3))[:-1], "has 443 bytes"),
        (content(drifting(3)) + b"\0", "has 445 bytes"),
        (patched(FACES_AT + 24, 8), f"triangle 2 at byte {FACES_AT + 24}"),
        (patched(FACES_AT, -1), f"triangle 0 at byte {FACES_AT}"),
        (patched(12, np.nan, "<f4"), "frame 0 at byte 12 has coordinates that are not finite"),
        (patched(OFFSETS_AT + 96 + 8, np.inf, "<f4"), f"frame 2 at byte {OFFSETS_AT + 96}"),
        (content(np.zeros((2, 8, 3))), "none of its faces has an area"),
    ],
)  # fmt: skip
def test_files_that_are_not_what_they_say_are_named_with_the_byte(tmp_path, data, reason):
    write(tmp_path, "bad_one", data)
    with pytest.raises(ShapeError, match=reason) as error:
        source(tmp_path).shape("bad_one")
    assert str(error.value).startswith("The file 'bad_one/bad_one.anime' cannot be used: ")


def test_coordinates_that_overflow_are_not_finite(tmp_path):
    frames = drifting(2)
    frames[1] = 3e38
    frames[0] = -3e38
    with np.errstate(over="ignore"):
        data = content(frames)
    write(tmp_path, "a", data)
    with pytest.raises(ShapeError, match="not finite"):
        source(tmp_path).shape("a")


# --------------------------------------------------------------------------------------------------- names and lists


def test_names_are_folders_that_hold_a_file_of_their_name(tmp_path):
    for name in ("fox_Run", "bear_Walk1"):
        write(tmp_path, name, content(drifting(2)))
    (tmp_path / "empty").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "else.anime").write_bytes(b"")
    assert source(tmp_path).names() == ("bear_Walk1", "fox_Run")
    assert source(tmp_path, limit=1).names() == ("bear_Walk1",)
    with pytest.raises(HdbenchError, match="Did you mean 'fox_Run'"):
        source(tmp_path).shape("fox_Ran")


def test_the_folder_above_is_told_from_the_right_one(tmp_path):
    write(tmp_path / "animals", "fox_Run", content(drifting(2)))
    with pytest.raises(HdbenchError, match=r"no sequence NAME/NAME\.anime.*Did you mean '.*animals'"):
        source(tmp_path).names()
    with pytest.raises(HdbenchError, match="There is no folder ''"):
        Anime(Anime.Config()).names()


def test_lists_prescribe_the_split(tmp_path):
    for name in ("a_x_y", "b_z", "c_z"):
        write(tmp_path, name, content(drifting(2)))
    assert source(tmp_path).split() is None
    (tmp_path / "train_split.lst").write_text("c_z\na_x_y\n\n")
    (tmp_path / "test_split.lst").write_text("b_z")
    split = source(tmp_path).split()
    assert split is not None
    assert (split.train, split.val, split.test) == (("c_z", "a_x_y"), (), ("b_z",))
    (tmp_path / "val_split.lst").write_text("b_z")
    with pytest.raises(HdbenchError, match="listed for 'val' and again for 'test'"):
        source(tmp_path).split()


def test_the_fingerprint_sees_files_and_lists(tmp_path):
    file = write(tmp_path, "a", content(drifting(2)))
    seen = {source(tmp_path).fingerprint()}
    file.write_bytes(content(drifting(3)))
    seen.add(source(tmp_path).fingerprint())
    (tmp_path / "train.lst").write_text("a")
    seen.add(source(tmp_path).fingerprint())
    assert len(seen) == 3


# ----------------------------------------------------------------------------------------------------------- real files


@needs_shared
def test_real_sequences_can_be_used_and_move():
    """Their headers say how many frames they have; fish swim in a loop, what dies does not."""
    real = source(SHARED / "anime", up="y")
    clouds = []
    for name in real.names():
        shape, notes = real.shape_with_notes(name)
        placed = real.place(shape)
        assert len(placed.frames) == 16
        assert max(np.abs(m.vertices).max() for m in placed.frames) == pytest.approx(0.475)
        assert bool(notes) == (name == "Parasaurolophus_Run")  # 14 frames
        clouds.append(evaluation_cloud(placed, 256, 0))
    figures = motion_figures(np.stack(clouds))
    dies = np.array([name.endswith("_Death") for name in real.names()])
    assert len(dies) == 14
    assert (figures["loop"][dies] > 0.5 * figures["range"][dies]).all()
    swims = np.array([name.endswith("_Swim") for name in real.names()])
    assert (figures["loop"][swims] < 1.5 * figures["speed"][swims]).all()
