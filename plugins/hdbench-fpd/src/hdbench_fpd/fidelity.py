"""PointNet++ as a feature extractor of torch-fidelity, so that its ``calculate_metrics`` works on point clouds.

Importing this module imports torch_fidelity (seconds) and registers the extractors, once. hdbench's own metrics compute the same
numbers with their own arithmetic; ``fidelity`` is the other way to them. Source: Obukhov et al. 2020, torch-fidelity 0.4.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
import torch_fidelity
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset
from torch_fidelity.feature_extractor_base import FeatureExtractorBase
from torch_fidelity.registry import FEATURE_EXTRACTORS_REGISTRY

from hdbench.errors import HdbenchError
from hdbench.interfaces import Session
from hdbench_fpd.extractors import ModelNet40Features, NoSettings, PointNet2Features, ProceduralFeatures

LAYER = "fc2"  # relu(bn2(fc2))


class Clouds(Dataset):
    """Clouds [n, q, 3] as a data set of tensors [q, 3]; bring them to the unit sphere first."""

    def __init__(self, clouds: NDArray[np.float32]) -> None:
        self.clouds = torch.from_numpy(np.ascontiguousarray(clouds, np.float32))

    def __len__(self) -> int:
        return len(self.clouds)

    def __getitem__(self, index: int) -> Tensor:
        return self.clouds[index]


class PointNet2Extractor(FeatureExtractorBase):
    """Batches of clouds [b, q, 3] -> float64 features [b, 256]."""

    component: ClassVar[type[PointNet2Features]]

    def __init__(self, name: str, features_list: list[str], **_: object) -> None:
        super().__init__(name, features_list)
        self.extractor = self.component(NoSettings())

    @staticmethod
    def get_provided_features_list() -> tuple[str, ...]:
        return (LAYER,)

    @staticmethod
    def get_default_feature_layer_for_metric(metric: str) -> str:
        """Every metric reads the same layer; there are no logits, so no inception score."""
        if metric == "isc":
            raise HdbenchError("The PointNet++ features have no logits for an inception score. Ask for fid, kid or prc.")
        return LAYER

    @staticmethod
    def can_be_compiled() -> bool:
        return False

    @staticmethod
    def get_dummy_input_for_compile() -> Tensor:
        return torch.zeros(1, 2048, 3)

    def forward(self, clouds: Tensor) -> tuple[Tensor]:
        """The features of each cloud, whatever else is in the batch."""
        found = self.extractor.extract(clouds.cpu().numpy(), Session(0, clouds.device))
        return (torch.from_numpy(found).to(clouds.device),)


class ProceduralExtractor(PointNet2Extractor):
    component = ProceduralFeatures


class ModelNet40Extractor(PointNet2Extractor):
    component = ModelNet40Features


NAMES = {"procedural": "hdbench-pointnet2-procedural", "modelnet40": "hdbench-pointnet2-modelnet40"}
for _name, _cls in (("procedural", ProceduralExtractor), ("modelnet40", ModelNet40Extractor)):
    if NAMES[_name] not in FEATURE_EXTRACTORS_REGISTRY:  # torch-fidelity refuses a name that it knows and cannot forget one
        torch_fidelity.register_feature_extractor(NAMES[_name], _cls)


def fidelity(
    generated: NDArray[np.float32], reference: NDArray[np.float32], extractor: str = "procedural", neighbours: int = 5,
    cuda: bool = False,
) -> dict[str, float]:  # fmt: skip
    """FPD, KPD, precision and recall (shares) by ``torch_fidelity.calculate_metrics`` for clouds [g, q, 3] and [r, q, 3].

    KPD uses one subset, of the size of the smaller set. No cache: torch-fidelity's knows neither content nor weights.
    """
    found = torch_fidelity.calculate_metrics(
        input1=Clouds(generated), input2=Clouds(reference), feature_extractor=NAMES[extractor],
        fid=True, kid=True, prc=True, prc_neighborhood=neighbours,
        kid_subsets=1, kid_subset_size=min(len(generated), len(reference)),
        cuda=cuda, cache=False, save_cpu_ram=True, verbose=False,
    )  # fmt: skip
    names = {"FPD": "frechet_inception_distance", "KPD": "kernel_inception_distance_mean"}
    return {key: float(found[names.get(key, key)]) for key in ("FPD", "KPD", "precision", "recall")}
