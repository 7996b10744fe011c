"""The contract of the baseline."""

from __future__ import annotations

from hdbench_pvd.baseline import PVDConfig
from hdbench_pvd.chains import SamplingConfig
from hdbench_pvd.learning import Lessons
from hdbench_pvd.network import PVCNN2Config

from hdbench.testing import BaselineContract
from hdbench.training import Training

NETWORK = PVCNN2Config(width=0.25, voxels=(4, 4, 2), centres=(16, 8, 4, 2), radii=(0.5, 1.0, 1.5, 2.0), neighbours=4)
TRAINING = Training(steps=2, batch=2, checkpoint_seconds=0.0)


class TestPVD(BaselineContract):
    component = "pvd"
    small = PVDConfig(
        network=NETWORK,
        training=TRAINING,
        lessons=Lessons(points=32),
        stock=128,
        sampling=SamplingConfig(kind="ddim", steps=3, together=2),
    )
