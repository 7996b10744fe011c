"""The feature extractors ``procedural`` and ``modelnet40``: PointNet++ with two sets of weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from hdbench.interfaces import FeatureExtractor, Session
from hdbench_fpd import weights
from hdbench_fpd.folded import Folded
from hdbench_fpd.grouping import canonical
from hdbench_fpd.grouping_torch import group_batch
from hdbench_fpd.pointnet2 import FEATURES, PointNet2

_AT_ONCE = 64  # clouds between two reports of progress, and on an accelerator


@dataclass(frozen=True, slots=True, kw_only=True)
class NoSettings:
    """Nothing to set: weights have names."""


class PointNet2Features(FeatureExtractor):
    """relu(bn2(fc2)) of PointNet++ (SSG), 256 numbers; the points are put in an order of their own first."""

    Config = NoSettings

    def fingerprint(self) -> str:
        """Which weights: the first digits of a hash. HdbenchError when they are not installed."""
        path = weights.find(self.name)
        return weights.header(path).get("fingerprint") or weights.sha256(path)[: weights.SHORT]

    def extract(self, clouds: NDArray[np.float32], session: Session) -> NDArray[np.float64]:
        """Clouds [n, q, 3] on the unit sphere -> features [n, 256]."""
        state = weights.read(weights.find(self.name))
        network = Folded(state).features if session.device.type == "cpu" else _on_device(state, session.device)
        found = [np.empty((0, FEATURES))]
        for start in range(0, len(clouds), _AT_ONCE):
            found.append(network(np.asarray(clouds[start : start + _AT_ONCE], np.float32)))
            session.progress(min(start + _AT_ONCE, len(clouds)), len(clouds))
        return np.concatenate(found)


class ProceduralFeatures(PointNet2Features):
    """Weights that this project trained on its procedural airplanes, cars and chairs; embedded."""

    name = "procedural"
    source = "this project (hdbench_fpd.train); Qi et al. 2017, section 3"


class ModelNet40Features(PointNet2Features):
    """Weights of a checkpoint that the user added: the paper's FPD, if it is the paper's file."""

    name = "modelnet40"
    source = "yanx27/Pointnet_Pointnet2_pytorch@eb64fe0, pointnet2_ssg_wo_normals; Qi et al. 2017, section 3"


def _on_device(state, device: torch.device):
    """The network on an accelerator, as a function of clouds."""
    network = PointNet2(len(state["fc3.bias"]))
    network.load_state_dict(state)
    network.eval().to(device)

    @torch.inference_mode()
    def features(clouds: NDArray[np.float32]) -> NDArray[np.float64]:
        places = torch.from_numpy(np.stack([canonical(cloud) for cloud in clouds])).to(device)
        first, second = group_batch(places)
        return network.embed(places.flatten(0, 1), first, second, len(clouds)).double().cpu().numpy()

    return features
