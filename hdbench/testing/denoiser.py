"""The contract of a weight denoiser, on random weights of a small layout."""

from __future__ import annotations

import inspect
from typing import ClassVar

import torch
from torch import Tensor, nn

from hdbench.interfaces import Session
from hdbench.schedule import Schedule
from hdbench.seeds import torch_generator
from hdbench.testing.contract import ComponentContract, difference, same_bits
from hdbench.weights import WeightLayout

SEED = 3
COUNT = 6  # fields to train on
ROWS = 5  # of a batch

Trained = tuple[nn.Module, dict[str, Tensor], list[dict[str, Tensor]]]  # the network, its curves, its checkpoints


class DenoiserContract(ComponentContract):
    """A network that the seed decides, trains the same way every time, and goes on after a kill to the same bits.

    ``layout`` and ``schedule`` are what it is tried on; with ``small`` a training takes a few steps. Set ``checkpoints`` to
    False for a denoiser that never saves one; otherwise ``small`` must make it save before the end.
    """

    kind: ClassVar[str] = "denoiser"
    layout: ClassVar[WeightLayout] = WeightLayout(("weight", "bias"), ((4, 3), (4,)))
    schedule: ClassVar[Schedule] = Schedule(steps=20)
    checkpoints: ClassVar[bool] = True

    def _network(self) -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(SEED)
            network: nn.Module = self.build().network(self.layout)
        self._refuse_other_inputs(network)
        return network

    def _weights(self) -> Tensor:
        return torch.randn(COUNT, self.layout.size, generator=torch_generator(SEED, "weights"))

    def _train(self, checkpoint: dict[str, Tensor] | None = None, stray: int = 0) -> Trained:
        """Train; ``stray`` seeds torch's global generator, on which a training must not depend."""
        network, saved = self._network(), []
        session = Session(
            seed=SEED, load=lambda: checkpoint, save=lambda tensors: saved.append(self.storable(tensors, "a checkpoint"))
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(stray)
            curves = self.build().train(network, self._weights(), self.schedule, session)
        return network, self.storable(curves, "its curves"), saved

    def _predict(self, network: nn.Module, rows: slice = slice(None)) -> Tensor:
        noised = torch.randn(ROWS, self.layout.size, generator=torch_generator(SEED, "noised"))
        steps = torch.linspace(0, self.schedule.steps - 1, ROWS).long()
        with torch.no_grad():
            predicted: Tensor = network.eval()(noised[rows], steps[rows])
        return predicted

    def _refuse_other_inputs(self, network: nn.Module) -> None:
        """A breach unless the network takes the noised weights and their steps."""
        try:
            inspect.signature(network.forward).bind("noised", "step")
        except TypeError:
            found = f"its '{type(network).__name__}' has forward({', '.join(inspect.signature(network.forward).parameters)})"
            self.breach("build a network with forward(noised [b, p], step [b])", found)

    def test_the_network_is_built_on_the_meta_device_and_on_the_cpu(self) -> None:
        with torch.device("meta"):
            planned = self.build().network(self.layout).state_dict()
        built = self._network().state_dict()
        differ = [key for key in {**planned, **built} if key not in planned or planned[key].shape != built[key].shape]
        self.must(not differ, "build the same network on the device 'meta' as on the CPU", f"these differ: {differ}")
        real = [key for key, value in planned.items() if value.device.type != "meta"]
        self.must(not real, "build all of a network on the device it is asked to", f"these are not on 'meta': {real}")

    def test_the_prediction_has_the_shape_of_the_input(self) -> None:
        self._check_prediction(self._predict(self._network()))
        self._check_prediction(self._predict(self._train()[0]))

    def _check_prediction(self, predicted: Tensor) -> None:
        fits = predicted.shape == (ROWS, self.layout.size) and predicted.dtype == torch.float32
        found = f"it is {predicted.dtype} {list(predicted.shape)}"
        self.must(fits, f"predict [b, p] = [{ROWS}, {self.layout.size}] in float32", found)
        self.must(predicted.isfinite().all(), "predict finite numbers", "some are not")

    def test_a_row_does_not_depend_on_the_others(self) -> None:
        network = self._train()[0]
        with torch.no_grad():  # out of the symmetries that layers start in, where a dependence may be multiplied by zero
            for k, parameter in enumerate(network.parameters()):
                parameter.add_(0.1 * torch.randn(parameter.shape, generator=torch_generator(SEED, "shake", k)))
        together = self._predict(network)
        alone = torch.cat([self._predict(network, slice(k, k + 1)) for k in range(ROWS)])
        gap = float((together - alone).abs().max())
        close = torch.allclose(together, alone, rtol=1e-5, atol=1e-5)
        self.must(close, "predict a row by that row alone", f"alone and in a batch differ by {gap:.2g}")

    def test_the_global_seed_decides_the_first_parameters(self) -> None:
        differ = difference(self._network().state_dict(), self._network().state_dict())
        self.must(not differ, "start from the same parameters for the same torch seed", f"these differ: {differ}")

    def test_training_gives_curves_and_leaves_its_weights_alone(self) -> None:
        weights, network = self._weights(), self._network()
        curves = self.storable(self.build().train(network, weights, self.schedule, Session(seed=SEED)), "its curves")
        self.must(curves, "return curves of its training", "there are none")
        for name, curve in curves.items():
            good = curve.dim() == 1 and len(curve) > 0 and bool(curve.isfinite().all())
            self.must(good, "return finite curves [k]", f"'{name}' is {list(curve.shape)}")
        self.must(same_bits(weights, self._weights()), "leave the weights it trains on alone", "they are changed")

    def test_training_is_decided_by_the_seed_of_the_session(self) -> None:
        (first, curves, _), (second, again, _) = self._train(stray=1), self._train(stray=2)
        differ = difference(first.state_dict(), second.state_dict()) or difference(curves, again)
        self.must(not differ, "train to the same bits for the same session seed", f"these differ: {differ}")

    def test_a_trained_network_is_wholly_in_its_state(self) -> None:
        network, stored = self._train()[0], self._network()
        stored.load_state_dict(self.storable(network.state_dict(), "its state_dict"))
        same = same_bits(self._predict(network), self._predict(stored))
        self.must(same, "predict the same from its stored state_dict in a fresh network", "predictions differ")

    def test_a_killed_training_ends_in_the_same_bits(self) -> None:
        whole, curves, saved = self._train()
        if not self.checkpoints:
            self.must(not saved, "save no checkpoint, as its contract says", f"it saved {len(saved)}")
            return
        self.must(saved, "save a checkpoint before the end", "it saved none (make it save often in 'small')")
        resumed, rest, _ = self._train(saved[len(saved) // 2], stray=5)
        differ = difference(whole.state_dict(), resumed.state_dict()) or difference(curves, rest)
        self.must(not differ, "go on from a checkpoint to the same bits", f"these differ: {differ}")
