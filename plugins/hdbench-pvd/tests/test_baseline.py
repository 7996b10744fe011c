from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hdbench_pvd import learning
from hdbench_pvd.baseline import PVD, PVDConfig
from hdbench_pvd.chains import SamplingConfig
from hdbench_pvd.checkpoint import read_checkpoint
from hdbench_pvd.network import PVCNN2, PVCNN2Config

from hdbench.config import from_dict
from hdbench.errors import HdbenchError
from hdbench.interfaces import Session, TrainingSet
from hdbench.shapes import Mesh, Shape
from hdbench.training import Training

NETWORK = PVCNN2Config(width=0.25, voxels=(4, 4, 2), centres=(16, 8, 4, 2), radii=(0.5, 1.0, 1.5, 2.0), neighbours=4)
DDIM = SamplingConfig(kind="ddim", steps=2, together=2)
SMALL = PVDConfig(network=NETWORK, training=Training(steps=6, batch=2, checkpoint_seconds=0.0), stock=0, sampling=DDIM)


def clouds(count=3, points=40, seed=0):
    """Clouds [n, 1, q, 3] about another centre than 0, wider along one axis."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn((count, 1, points, 3), generator=generator) * torch.tensor([0.3, 0.1, 0.1]) + torch.tensor([0.0, 0.2, 0.0])


def training_set(names=("chair-0", "chair-1", "chair-2"), frames=1):
    def shape(name):
        raise AssertionError("no shape is needed when the clouds are the stock")

    return TrainingSet(names, clouds(len(names)).expand(-1, frames, -1, -1), shape)


def pyramid(name):
    vertices = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], float) / 2 - 0.25
    faces = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
    return Shape(name, (Mesh(vertices, faces),))


def test_sets_are_normalised_as_the_authors_do():
    given = clouds()[:, 0]
    normal = learning.Normalised.of(given)
    assert torch.allclose(normal.mean, given.reshape(-1, 3).mean(0))
    assert normal.deviation.item() == pytest.approx(given.flatten().numpy().std(), rel=1e-5)  # not 1 for any axis
    assert torch.allclose(normal.undo(normal.clouds), given, atol=1e-6)


def only(step):
    """Cumulative odds that allow one noise level."""
    return (torch.arange(1000) >= step).double()


def test_the_first_noise_of_a_shape_is_always_the_same():
    noises = {}
    for step in range(4):
        index, when, noise, _ = learning._draw(0, step, 3, (3, 10), 5, only(0))
        assert not when.any()
        for shape, own in zip(index.tolist(), noise):
            assert torch.equal(noises.setdefault(shape, own), own)
    assert not torch.equal(noises[0], noises[1])


def test_later_noise_is_new_in_every_step():
    first, second = (learning._draw(0, step, 3, (3, 10), 5, only(1)) for step in (0, 1))
    assert (torch.cat([first[1], second[1]]) == 1).all()
    assert not torch.equal(first[2], second[2])


@pytest.mark.parametrize("predict", ["noise", "v"])
def test_lessons_are_noised_points_of_the_stock_and_ask_for_the_noise_or_for_v(monkeypatch, predict):
    seen = []
    monkeypatch.setattr(learning, "optimise", lambda network, lesson, *rest: seen.append(lesson(0)) or {})
    stock = clouds(4, 30)[:, 0]
    learning.learn(None, stock, learning.Lessons(points=7, predict=predict), "linear", Training(batch=4), Session(seed=0))
    shares = (1 - learning.betas("linear")).cumprod(0)[seen[0].when].view(4, 1, 1).float()
    said = seen[0].target if predict == "noise" else shares.sqrt() * seen[0].target + (1 - shares).sqrt() * seen[0].noised
    clean = ((seen[0].noised - (1 - shares).sqrt() * said) / shares.sqrt()).transpose(1, 2)
    near = torch.cdist(clean.double(), stock.double()[learning.batch_of(0, 0, 4, 4)]).amin(2)
    assert near[seen[0].when < 500].max() < 1e-3


@pytest.mark.parametrize("kind", ["linear", "warm0.1"])
def test_levels_are_drawn_evenly_or_evenly_in_the_logarithm_of_signal_to_noise(kind):
    kept = (1 - learning.betas(kind)).cumprod(0)
    snr = kept / (1 - kept)
    assert learning.Lessons().odds(kind).tolist() == pytest.approx([1e-3] * 1000)
    odds = learning.Lessons(levels="log-snr").odds(kind)
    assert odds.sum().item() == pytest.approx(1)
    halves = [odds[(snr > low) & (snr < high)].sum().item() for low, high in ((0.01, 4.472), (4.472, 2000))]  # of the logarithms
    assert halves[0] == pytest.approx(halves[1], rel=0.1)
    assert sum(halves) > 0.9


def test_samples_of_a_network_that_says_v_are_made_of_the_noise_that_follows_from_it():
    """DDIM of the only step there is ends in x0 = sqrt(alpha_bar) x - sqrt(1 - alpha_bar) v, and v is the last bias here."""
    config = replace(SMALL, sampling=SamplingConfig(kind="ddim", steps=1, together=2))
    state = PVD(SMALL).fit(training_set(), Session(seed=0)) | {"set.v": torch.tensor(True)}
    state |= {name: torch.zeros_like(value) for name, value in state.items() if name.startswith("network.")}
    state["network.classifier.2.bias"] = torch.tensor([0.5, 0.0, -0.5])
    kept = (1 - learning.betas("linear")).cumprod(0)[-1].item()
    start = torch.randn((3, 40), generator=learning.torch_generator(0, "sample", 3)).T  # of the second tile
    wanted = kept**0.5 * start - (1 - kept) ** 0.5 * state["network.classifier.2.bias"]
    found = PVD(config).sample(state, 4, Session(seed=0))[3, 0]
    assert torch.allclose(found, wanted * state["set.deviation"] + state["set.mean"], atol=1e-3)


def test_the_stock_lies_on_the_shapes():
    given = TrainingSet(("a", "b"), clouds(2), pyramid)
    stock = learning.stock_of(given, 500, Session(seed=0))
    assert stock.shape == (2, 500, 3)
    least = torch.cat([stock + 0.25, (0.5 - 0.25 - stock.sum(2, keepdim=True) - 0.5) / 3**0.5], 2).abs().amin(2)
    assert least.max() < 1e-6
    assert not torch.equal(stock[0], stock[1])


def test_training_lowers_the_loss():
    config = replace(SMALL, training=Training(steps=24, batch=3, lr=1e-2, warmup=0))
    loss = PVD(config).fit(training_set(), Session(seed=0))["curve.loss"]
    assert loss[-8:].mean() < 0.8 * loss[:8].mean()


def kept_in(saved):
    """A session's ``save``: what is trained goes on in the same memory."""
    return lambda tensors: saved.append({name: value.clone() for name, value in tensors.items()})


def test_a_killed_training_ends_in_the_same_bits():
    saved = []
    whole = PVD(SMALL).fit(training_set(), Session(seed=0, save=kept_in(saved)))
    resumed = PVD(SMALL).fit(training_set(), Session(seed=0, load=lambda: saved[2]))
    assert whole.keys() == resumed.keys()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_killed_sampling_ends_in_the_same_bits(monkeypatch):
    monkeypatch.setattr("hdbench_pvd.baseline.KEEP_EVERY", 0.0)
    saved, state = [], PVD(SMALL).fit(training_set(), Session(seed=0))
    whole = PVD(SMALL).sample(state, 5, Session(seed=0, save=kept_in(saved)))
    resumed = PVD(SMALL).sample(state, 5, Session(seed=0, load=lambda: saved[0]))
    assert [len(kept["clouds"]) for kept in saved] == [2, 4]
    assert torch.equal(whole, resumed)


def test_samples_lie_where_the_training_clouds_lay():
    state = PVD(SMALL).fit(training_set(), Session(seed=0))
    state |= {name: torch.zeros_like(value) for name, value in state.items() if name.startswith("network.")}
    drawn = PVD(replace(SMALL, sampling=replace(DDIM, points=4000))).sample(state, 2, Session(seed=0))
    assert drawn.shape == (2, 1, 4000, 3)
    first = (1 - learning.betas("linear")).cumprod(0)[-1].item()
    wide = drawn.std().item()  # a network that sees no noise leaves the start, over the root of what is left of the signal
    assert drawn.mean((0, 1, 2)) == pytest.approx(state["set.mean"], abs=4 * wide / 8000**0.5)
    assert wide == pytest.approx(state["set.deviation"].item() / first**0.5, rel=0.03)


def test_a_sample_that_is_not_finite_is_empty():
    state = PVD(SMALL).fit(training_set(), Session(seed=0))
    state["network.classifier.2.bias"] = torch.tensor([torch.nan, 0.0, 0.0])
    assert PVD(SMALL).sample(state, 2, Session(seed=0)).isnan().all()


@pytest.mark.parametrize(
    ("names", "kind"),
    [(("airplane-0000",) * 3, "warm0.1"), (("02691156/a",) * 3, "warm0.1"), (("chair-0", "airplane-0"), "linear")],
)
def test_airplanes_have_a_schedule_of_their_own(names, kind):
    session = Session(seed=0)
    state = PVD(SMALL).fit(training_set(names), session)
    assert bool(state["set.warm"]) == (kind == "warm0.1")
    assert kind in session.notes[0]


def test_sequences_are_refused():
    with pytest.raises(HdbenchError, match="sequences of 2 frames"):
        PVD(SMALL).fit(training_set(frames=2), Session(seed=0))


@pytest.mark.parametrize("preset", ["tiny", "small", "paper"])
def test_presets_fit_and_say_what_they_are(preset):
    config = from_dict(PVDConfig(), PVD.presets[preset])
    said = PVD(config).provenance()
    assert ("authors' ancestral sampler" in said) == (preset == "paper")
    assert (f"{config.sampling.steps} deterministic steps" in said) == (preset != "paper")
    assert ("Not the authors' training" in said) == (preset != "paper")
    with torch.device("meta"):
        PVCNN2(config.network)


def test_the_paper_preset_is_the_authors_training():
    training = from_dict(PVDConfig(), PVD.presets["paper"]).training
    per_epoch = training.per_epoch(3200)
    assert (training.batch, per_epoch, training.betas, training.weight_decay) == (16, 200, (0.5, 0.999), 0.0)
    assert training.rate(0, 3200) == 2e-4
    assert training.rate(100 * per_epoch, 3200) == pytest.approx(2e-4 * 0.998**100)


# ------------------------------------------------------------------------------------------------- checkpoints


@pytest.fixture(scope="module")
def tensors():
    """A state of the released size that costs no memory: every tensor is one number, expanded."""
    with torch.device("meta"):
        shapes = {name: value.shape for name, value in PVCNN2(PVCNN2Config()).state_dict().items()}
    return {name: torch.full((1,), float(i)).expand(shape) for i, (name, shape) in enumerate(shapes.items())}


@pytest.fixture
def written(tmp_path, monkeypatch):
    def write(state, prefix="model.module.", **more):
        path = tmp_path / "epoch_99.pth"
        torch.save({"epoch": 99, "model_state": {prefix + name: value for name, value in state.items()}, **more}, path)
        return path

    return write


@pytest.mark.parametrize("prefix", ["model.module.", "model."])
def test_checkpoints_are_read_tensor_for_tensor(written, tensors, prefix):
    found = read_checkpoint(written(tensors, prefix, optimizer_state={"state": {}, "param_groups": []}))
    assert found.keys() == tensors.keys()
    assert all(torch.equal(found[name], value) for name, value in tensors.items())


def test_a_checkpoint_takes_the_place_of_training(written, tensors):
    config = replace(SMALL, checkpoint=str(written(tensors)), mean=(1.0, 2.0, 3.0), deviation=0.5)
    state = PVD(config).fit(training_set(), Session(seed=0))
    assert torch.equal(state["network.embedf.2.bias"], tensors["embedf.2.bias"])
    assert (state["set.mean"].tolist(), state["set.deviation"].item()) == ([1.0, 2.0, 3.0], 0.5)
    assert not any(name.startswith("curve.") for name in state)


def test_without_mean_and_deviation_those_of_the_training_shapes_are_taken_and_it_is_said(written, tensors):
    session = Session(seed=0)
    state = PVD(replace(SMALL, checkpoint=str(written(tensors)))).fit(training_set(), session)
    assert torch.allclose(state["set.mean"], learning.Normalised.of(clouds()[:, 0]).mean)
    assert any("does not say its set's mean" in note for note in session.notes)


def test_the_content_of_a_checkpoint_is_in_the_identity_of_the_row(written, tensors):
    built = PVD(replace(SMALL, checkpoint=str(written(tensors))))
    before = built.fingerprint()
    written({**tensors, "embedf.2.bias": torch.zeros(64)})
    assert len(before) == 64
    assert built.fingerprint() != before
    assert before[:12] not in built.provenance()
    assert built.fingerprint()[:12] in built.provenance()


WRONG = {
    "lacks embedf.2.bias": lambda s: s.pop("embedf.2.bias"),
    "has besides embedf.4.bias": lambda s: s.update({"embedf.4.bias": torch.zeros(1)}),
    "has in another shape classifier.2.weight": lambda s: s.update({"classifier.2.weight": torch.zeros(1, 128, 1)}),
}


@pytest.mark.parametrize("complaint", WRONG)
def test_another_networks_tensors_are_refused(written, tensors, complaint):
    state = dict(tensors)
    WRONG[complaint](state)
    with pytest.raises(HdbenchError, match=complaint):
        read_checkpoint(written(state))


class Callable:
    def __reduce__(self):
        return (print, ("the file's code runs",))


def test_a_file_that_would_run_code_is_refused(written, tensors, capsys):
    with pytest.raises(HdbenchError, match="without running its code"):
        read_checkpoint(written({}, more=Callable()))
    assert capsys.readouterr().out == ""


def test_files_that_are_no_checkpoint_are_refused(tmp_path):
    (tmp_path / "text.pth").write_text("nothing")
    torch.save([1], tmp_path / "list.pth")
    for name, complaint in (("text.pth", "not a checkpoint"), ("list.pth", "holds a list"), ("none.pth", "no checkpoint")):
        with pytest.raises(HdbenchError, match=complaint):
            read_checkpoint(tmp_path / name)
