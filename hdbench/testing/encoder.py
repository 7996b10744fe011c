"""The contract of a field encoder, on three spheres."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from hdbench.interfaces import Encoded, FieldEncoder, FieldSamples, Session
from hdbench.shapes import BOX_HALF_SIDE
from hdbench.testing.contract import ComponentContract, difference, same_bits
from hdbench.testing.made import ball_samples, signed_volume

SEED = 3
ENLARGED = 1.1 * BOX_HALF_SIDE


class EncoderContract(ComponentContract):
    """Weights of the promised size, the same for a shape whatever its company, and back to a surface that looks outwards.

    ``frames`` are the lengths of sequences it can encode: (1, 2) for an encoder of 4D shapes. With ``small`` a sphere must
    still be recognisable; ``resolution`` is that of its meshes.
    """

    kind: ClassVar[str] = "encoder"
    frames: ClassVar[tuple[int, ...]] = (1,)
    resolution: ClassVar[int] = 32

    def _samples(self, frames: int) -> FieldSamples:
        return ball_samples(self.build().queries(), frames)

    def _start(self, samples: FieldSamples) -> dict[str, Tensor]:
        return self.storable(self.build().start([samples], Session(seed=SEED)), "its start")

    def _encode(self, samples: FieldSamples, start: dict[str, Tensor]) -> Encoded:
        return self.build().encode(samples, start, Session(seed=SEED))

    def test_it_asks_for_points(self) -> None:
        size = self.build().queries().bytes(frames=1)
        self.must(size > 0, "ask for points of a shape", f"its queries hold {size} bytes")

    def test_layout_has_parts_of_positive_size(self) -> None:
        for frames in self.frames:
            layout = self.build().layout(frames)
            named = len(layout.names) == len(layout.shapes) == len(set(layout.names)) and len(layout.names) > 0
            self.must(named, "give each part of its layout a name of its own", f"they are {layout.names}")
            self.must(min(layout.sizes) > 0, "have a layout of positive sizes", f"they are {layout.sizes}")
            again = self.build().layout(frames)
            self.must(layout == again, "have one layout for a number of frames", f"a second one is {again}")

    def test_weights_have_the_size_of_the_layout(self) -> None:
        for frames in self.frames:
            samples = self._samples(frames)
            encoded, size = self._encode(samples, self._start(samples)), self.build().layout(frames).size
            self._check_weights(encoded.weights, len(samples), size)
            self._check_quality(encoded.quality, len(samples))
            good = self.build().accept(encoded.quality)
            fits = good.dtype == torch.bool and good.shape == (len(samples),)
            self.must(fits, "accept or refuse each field, [n] bool", f"accept() gives {good.dtype} {list(good.shape)}")

    def _check_weights(self, weights: Tensor, count: int, size: int) -> None:
        fits = weights.shape == (count, size) and weights.dtype == torch.float32 and weights.device.type == "cpu"
        found = f"they are {weights.dtype} {list(weights.shape)} on {weights.device}"
        self.must(fits, f"give weights [n, layout.size] = [{count}, {size}] in float32 on the CPU", found)
        self.must(weights.isfinite().all(), "give finite weights for spheres", "some are not")

    def _check_quality(self, quality: dict[str, Tensor], count: int) -> None:
        self.must(quality, "say how good its fields are", "its quality is empty")
        for name, values in quality.items():
            self.must(values.shape == (count,), "give quality figures of shape [n]", f"'{name}' is {list(values.shape)}")
            self.must(values.isfinite().all(), "give finite quality for spheres", f"'{name}' is {values.tolist()}")

    def test_a_shape_does_not_depend_on_its_company(self) -> None:
        for frames in self.frames:
            samples = self._samples(frames)
            start = self._start(samples)
            together = self._encode(samples, start)
            for k, name in enumerate(samples.names):
                alone = self._encode(samples.select([k]), start)
                rule = "encode a shape alone to the same bits as in company"
                self.must(same_bits(alone.weights[0], together.weights[k]), rule, f"the weights of '{name}' differ")
                differ = difference({q: v[0] for q, v in alone.quality.items()}, {q: v[k] for q, v in together.quality.items()})
                self.must(not differ, rule, f"the quality of '{name}' differs: {differ}")

    def test_the_seed_decides_every_bit(self) -> None:
        for frames in self.frames:
            samples = self._samples(frames)
            weights = []
            for stray in (1, 2):  # draws from the global generator are not the session's
                with torch.random.fork_rng(devices=[]):
                    torch.manual_seed(stray)
                    weights.append(self._encode(samples, self._start(samples)).weights)
            self.must(same_bits(*weights), "encode to the same bits for the same seed", "a second time differs")

    def test_decoded_spheres_are_meshes_that_look_outwards(self) -> None:
        for frames in self.frames:
            samples = self._samples(frames)
            encoder: FieldEncoder = self.build()
            weights = self._encode(samples, self._start(samples)).weights
            decoded = [encoder.decode(row, frames, self.resolution, 0.0) for row in weights]
            for name, meshes in zip(samples.names, decoded):
                self.must(len(meshes) == frames, f"decode to {frames} meshes, one per frame", f"'{name}' became {len(meshes)}")
            flat = [mesh for meshes in decoded for mesh in meshes]
            full = [mesh for mesh in flat if not mesh.is_empty]
            self.must(full, "decode spheres to surfaces", "every mesh is empty")
            for mesh in full:
                inside = bool(np.isfinite(mesh.vertices).all()) and np.abs(mesh.vertices).max() <= ENLARGED
                reach = f"they reach {np.abs(mesh.vertices).max():.3g}"
                self.must(inside, "decode to finite vertices in the box (a tenth larger)", reach)
                valid = mesh.faces.min() >= 0 and mesh.faces.max() < len(mesh.vertices)
                self.must(valid, "decode to faces of existing vertices", f"one refers to vertex {mesh.faces.max()}")
                volume = signed_volume(mesh)
                self.must(volume > 0, "wind the faces of a decoded sphere outwards", f"its signed volume is {volume:.3g}")
