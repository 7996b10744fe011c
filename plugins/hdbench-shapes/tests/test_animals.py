"""Animals made by rule: one topology, closed, whole, thick enough, varied, and moving as animals do."""

from __future__ import annotations

import igl
import numpy as np
import pytest
from hdbench_shapes.animals import actions, fish, legged, moving, skeleton
from hdbench_shapes.animals.actions import ACTIONS
from hdbench_shapes.animals.animals import ALL, Animals
from hdbench_shapes.animals.species import SPECIES
from hdbench_shapes.category import Draw
from scipy.ndimage import distance_transform_edt, label

from hdbench.errors import HdbenchError
from hdbench.interfaces import QuerySpec
from hdbench.measures.motion import motion_figures
from hdbench.occupancy import Winding
from hdbench.sampling import cell_centres, evaluation_cloud, sample_field
from hdbench.seeds import numpy_generator
from hdbench.shapes import Shape, geometry_digest, normalise

ROUND = len(ALL) * len(ACTIONS)  # every species in every action once


@pytest.fixture(scope="module")
def animals() -> Animals:
    return Animals(Animals.Config(count=ROUND))


@pytest.fixture(scope="module")
def shapes(animals) -> list[Shape]:
    return [normalise(animals.shape(name)) for name in animals.names()]


@pytest.fixture(scope="module")
def figures(shapes) -> dict[str, np.ndarray]:
    """Figures of motion by species and action [s, a]."""
    found = motion_figures(np.stack([evaluation_cloud(s, 2048, 0) for s in shapes]))
    return {name: values.reshape(len(ACTIONS), len(ALL)).T for name, values in found.items()}


def grid(shape: Shape, frame: int, resolution: int) -> np.ndarray:
    """Occupancy at the centres of the cells, [r, r, r]."""
    return Winding(shape.frames[frame], True).inside(cell_centres(resolution).reshape(-1, 3)).reshape((resolution,) * 3)


# ---------------------------------------------------------------------------------------------------------------- names


def test_every_species_does_everything_and_names_say_so(animals):
    pairs = [name.rpartition("-")[0] for name in animals.names()]
    expected = {f"{s}_{a}" for s in SPECIES for a in ACTIONS} | {"fish_swim", "fish_jump", "fish_turn", "fish_rest"}
    assert (len(pairs), set(pairs)) == (ROUND, expected)
    assert animals.names()[0] == "horse_walk-0000"
    assert len(Animals(Animals.Config(count=240)).names()) == 240


def test_a_sequence_depends_on_seed_and_index_alone(animals):
    name = animals.names()[9]
    again, other = (Animals(Animals.Config(count=40, seed=seed)).shape(name) for seed in (0, 1))
    assert geometry_digest(again, placed=True) == geometry_digest(animals.shape(name), placed=True)
    assert geometry_digest(again) != geometry_digest(other)


def test_no_two_sequences_are_copies(shapes):
    assert len({geometry_digest(shape) for shape in shapes}) == ROUND


def test_species_and_actions_can_be_chosen():
    chosen = Animals(Animals.Config(count=4, species=("dog", "fish"), actions=("walk",), frames=5))
    assert chosen.names() == ("dog_walk-0000", "fish_swim-0001", "dog_walk-0002", "fish_swim-0003")
    assert len(chosen.shape("fish_swim-0001").frames) == 5


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"species": ("hose",)}, "Did you mean 'horse'"),
        ({"actions": ("walk", "walk")}, "different names"),
        ({"actions": ()}, "different names"),
        ({"frames": 1}, "'frames' must be"),
        ({"count": 0}, "'count' must be"),
    ],
)
def test_wrong_settings_are_refused(setting, words):
    with pytest.raises(HdbenchError, match=words):
        Animals.Config(**setting)


@pytest.mark.parametrize("name", ["horse_walk-0001", "horse_swim-0000", "animals-0000", "horse_walk-00000", "horse_walk-9999"])
def test_a_name_that_is_not_that_of_its_index_is_unknown(animals, name):
    with pytest.raises(HdbenchError, match="There is no shape named"):
        animals.shape(name)


# ----------------------------------------------------------------------------------------------------------------- body


def test_frames_share_their_faces_and_every_part_is_closed(shapes):
    for shape in shapes:
        faces = shape.frames[0].faces
        assert (len(shape.frames), shape.solid) == (16, True)
        assert all(mesh.faces is faces and mesh.vertices.shape == shape.frames[0].vertices.shape for mesh in shape.frames)
        start, end = faces.reshape(-1), np.roll(faces, -1, axis=1).reshape(-1)
        assert sorted(zip(start.tolist(), end.tolist())) == sorted(zip(end.tolist(), start.tolist()))


def test_parts_are_wound_outwards_in_all_frames(shapes):
    """Nowhere is the winding number negative, so no part is inside out, folded over or mirrored on its way."""
    points = cell_centres(32).reshape(-1, 3)
    for shape in shapes:
        for mesh in shape.frames[::3]:
            numbers = Winding(mesh, True).number(points)
            assert numbers.min() == 0, shape.name
            assert numbers.max() >= 1, shape.name


def test_occupancy_is_that_of_the_generalised_winding_number(shapes):
    for shape in shapes[::5]:
        seen = sample_field(shape, QuerySpec(near=100, uniform=100, sigmas=(0.01,)), 0)
        for k in (0, 7, 15):
            points, labels = (
                np.concatenate(p) for p in ((seen.near[k], seen.uniform[k]), (seen.near_inside[k], seen.uniform_inside[k]))
            )
            exact = igl.winding_number(shape.frames[k].vertices, shape.frames[k].faces, points.astype(np.float64))
            assert (labels == (exact >= 0.5)).all()


def test_an_animal_is_one_body_in_every_frame(shapes):
    for shape in shapes:
        for k in range(0, 16, 3):
            _, pieces = label(grid(shape, k, 48), structure=np.ones((3, 3, 3)))
            assert pieces == 1, (shape.name, k)


def test_a_grid_of_24_cells_still_holds_it(shapes):
    for shape in shapes:
        for k in (0, 5, 10):
            pieces, _ = label(grid(shape, k, 24), structure=np.ones((3, 3, 3)))
            sizes = np.bincount(pieces.ravel())[1:]
            assert sizes.max() >= 0.97 * sizes.sum(), (shape.name, k)


def test_no_limb_is_thinner_than_a_24th_of_the_box(shapes):
    """A ball of that diameter reaches all but a little of the inside (at 96 cells a side, rounding takes up to 7 %)."""
    for shape in shapes[::3]:
        inside = grid(shape, 8, 96)
        reached = distance_transform_edt(~(distance_transform_edt(inside) >= 1.9)) < 1.9
        assert (reached & inside).sum() >= 0.92 * inside.sum(), shape.name


@pytest.mark.parametrize("species", ALL)
def test_ten_numbers_or_more_make_a_body_and_each_of_them_shows(species):
    """Change one number at a time to that of another animal: the surface changes every time."""
    build = fish.fish if species == "fish" else SPECIES[species]
    drawn, other = (_drawn(build, k) for k in (0, 1))
    assert sum(isinstance(value, float) for value in drawn) >= 10
    whole = _standing(species, build, drawn)
    for k in range(len(drawn)):
        changed = _standing(species, build, [*drawn[:k], other[k], *drawn[k + 1 :]])
        assert np.abs(changed - whole).max() > 1e-3, f"number {k}"


class Given(Draw):
    """Numbers that were drawn before, in their order."""

    def __init__(self, values: list) -> None:
        super().__init__(np.random.default_rng(0))
        self.values = list(values)

    def between(self, low: float, high: float) -> float:
        return self.values.pop(0)


def _drawn(build, index: int) -> list:
    draw = Draw(numpy_generator(5, "body", index))
    build(draw)
    return draw.drawn


def _standing(species: str, build, values: list) -> np.ndarray:
    draw = Given(values)
    if species == "fish":
        motion = fish.Swim(np.zeros(2), np.zeros(2), np.zeros(2), np.zeros((2, fish.BONES)), np.zeros(2))
        parts = fish.pose(build(draw), motion)
    else:
        plan, _ = build(draw)
        parts = legged.pose(plan, actions.Motion.still(2, len(plan.legs)))
    return np.concatenate([vertices[0] for vertices, _ in parts])


# --------------------------------------------------------------------------------------------------------------- motion


def test_at_rest_an_animal_moves_less_than_when_it_does_anything_else(figures):
    actions = list(ACTIONS)
    rest = figures["range"][:, actions.index("rest")]
    for action in ("walk", "jump", "turn"):
        assert (figures["range"][:, actions.index(action)] > 1.2 * rest).all(), action
        assert (figures["speed"][:, actions.index(action)] > figures["speed"][:, actions.index("rest")]).all(), action


def test_motion_is_seen_at_64_cells_a_side(shapes):
    """Between the two frames that differ most, a body's vertices move by a cell on average, at rest by half of one."""
    for shape in shapes:
        frames = np.stack([mesh.vertices for mesh in shape.frames])
        moved = max(np.linalg.norm(frames - frames[k], axis=2).mean(1).max() for k in range(16))
        assert moved * 64 > (0.5 if "rest" in shape.name else 1.0), (shape.name, moved * 64)


def test_walking_jumping_and_resting_end_where_they_begin_and_a_turn_does_not(figures):
    loop, speed, span = (figures[name] for name in ("loop", "speed", "range"))
    for k, action in enumerate(ACTIONS):
        if action == "turn":
            assert (loop[:, k] > 0.8 * span[:, k]).all()
        else:
            assert (loop[:, k] < 1.5 * speed[:, k]).all(), action


def test_a_jump_leaves_the_ground_and_a_walk_does_not(animals):
    for name in animals.names():
        species, action = name.rpartition("-")[0].split("_")
        if species != "fish":
            lowest = np.array([mesh.vertices[:, 1].min() for mesh in animals.shape(name).frames])
            if action == "jump":
                assert lowest.max() > 0.08, name
            else:
                assert np.abs(lowest).max() < 0.03, name


def test_feet_on_the_ground_go_straight_back_at_one_speed_and_take_turns():
    """In a walk, what is on the ground moves against the body: a stance is a straight line in time."""
    draw = Draw(numpy_generator(0, "walk"))
    plan, temper = SPECIES["horse"](draw)
    motion = ACTIONS["walk"](draw, temper, plan.legs, 200)
    down = motion.lift == 0
    assert down.mean(0) == pytest.approx(np.full(4, temper.duty), abs=0.02)
    assert (down.sum(1) >= 2).all()  # never on less than two of four feet
    both = down & np.roll(down, -1, axis=0)
    steps = (np.roll(motion.step, -1, axis=0) - motion.step)[both]
    assert steps == pytest.approx(np.full(len(steps), steps.mean()), rel=1e-6)
    assert steps.mean() < 0
    left, right = motion.step[:, 0], motion.step[:, 1]
    assert np.roll(left, 100) == pytest.approx(right, abs=1e-9)  # half a stride apart


def test_the_order_of_frames_matters(shapes):
    """A turn played backwards is another sequence: its mean distance frame by frame is far from zero."""
    turn = next(s for s in shapes if s.name.startswith("fish_turn"))
    forth = np.stack([mesh.vertices for mesh in turn.frames])
    assert np.linalg.norm(forth - forth[::-1], axis=2).mean() > 0.05
    assert geometry_digest(turn) != geometry_digest(Shape(turn.name, turn.frames[::-1], True))


def test_animals_look_towards_minus_z_with_y_up(animals):
    """The head is ahead, the legs reach down to y = 0, and left and right are alike when it stands still."""
    horse = animals.shape("horse_rest-0021").frames[0]
    assert horse.vertices[:, 1].min() == pytest.approx(0, abs=0.01)
    top = horse.vertices[horse.vertices[:, 1].argmax()]  # an ear
    middle = (horse.vertices[:, 2].min() + horse.vertices[:, 2].max()) / 2
    assert top[2] < middle


def test_an_animal_that_stands_still_is_symmetric():
    plan, _ = SPECIES["bird"](Draw(numpy_generator(1, "bird")))
    shape = moving.assemble_frames(legged.pose(plan, actions.Motion.still(2, 2)))
    points = np.random.default_rng(0).uniform(-0.6, 1.2, (4000, 3))
    winding = Winding(shape[0], True)
    assert (winding.inside(points) != winding.inside(points * (-1, 1, 1))).mean() < 0.001
    assert winding.inside(points).sum() > 20


# ------------------------------------------------------------------------------------------------------------- builders


def _volume(part: moving.Moving, frame: int) -> float:
    a, b, c = np.moveaxis(part[0][frame][part[1]], 1, 0)
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)


def test_a_bone_is_a_cylinder_with_two_domes():
    """With many sides: pi r^2 l, and domes between a cone's and a ball's volume; wherever it points, in every frame."""
    ends = np.array([[0, 0, 3.0], [0, 3.0, 0], [-3.0, 0, 0], [1.0, -2.0, 2.0]])
    bone = moving.bone(np.zeros((4, 3)), ends, (0.5, 0.5), 200)
    tube, ball = np.pi * 0.25 * 3, 4 / 3 * np.pi * 0.125
    for frame in range(4):
        assert tube + 0.5 * ball < _volume(bone, frame) < tube + ball
    assert np.linalg.norm(bone[0], axis=2).max() <= 3.5 + 1e-9


def test_a_flat_sweep_has_the_volume_of_its_ellipses():
    places = np.zeros((1, 2, 3))
    places[0, 1, 0] = 2.0
    wide, high = (np.tile(axis, (1, 2, 1)) for axis in (np.array([0, 1.0, 0]), np.array([0, 0, 1.0])))
    part = moving.sweep(places, wide, high, [1.0, 1.0], [0.01, 0.01], 400)
    assert _volume(part, 0) == pytest.approx(np.pi * 0.01 * 2, rel=0.02)


def test_the_skin_of_a_bone_that_comes_back_along_an_arc_is_where_it_was():
    """Least rotations undo each other on the way back, and a bone that does not move has a skin that does not."""
    way = np.concatenate([np.linspace(0, 3, 9), np.linspace(3, 0, 9)[1:]])
    ends = np.stack([np.cos(way), np.sin(way), 0.2 * np.ones(17)], axis=1)
    skin, _ = moving.bone(np.zeros((17, 3)), ends, (0.1, 0.1))
    assert skin[-1] == pytest.approx(skin[0], abs=1e-12)
    assert np.abs(np.diff(skin, axis=0)).max() < 0.5


def test_a_knee_obeys_the_law_of_cosines():
    hip, ankle, ahead = np.zeros((2, 3)), np.array([[0, 0, -5.0], [0, 0, -9.0]]), np.array([[-1.0, 0, 0]] * 2)
    joint, reached = skeleton.knee(hip, ankle, 3.0, 4.0, ahead)
    assert joint[0] == pytest.approx([-2.4, 0, -1.8])  # the triangle of 3, 4 and 5
    assert reached[0] == pytest.approx(ankle[0])
    assert np.linalg.norm(reached[1] - joint[1]) == pytest.approx(4.0)  # too far: stretched, as far as it goes
    assert np.linalg.norm(reached[1]) == pytest.approx(7.0, rel=0.01)


def test_a_chain_turns_left_with_positive_headings_and_up_with_positive_pitches():
    quarter = np.full((1, 1), np.pi / 2)
    left, up = (
        skeleton.chain(np.zeros((1, 3)), *angles, 2.0).points[0, -1]
        for angles in ((quarter, 0 * quarter), (0 * quarter, quarter))
    )
    assert left == pytest.approx([0, -2, 0], abs=1e-12)
    assert up == pytest.approx([0, 0, 2], abs=1e-12)
