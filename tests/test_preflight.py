"""What cannot work is refused before anything is computed but a look at the shapes."""

from __future__ import annotations

import pytest

from hdbench.engine import Engine
from hdbench.errors import HdbenchError
from hdbench.flow import run
from hdbench.plan import make_plan
from hdbench.progress import Reporter
from hdbench.registry import Registry, builtin_commands
from hdbench.store import Store
from hdbench.workers import Workers


def computed(folder, method: str, *overrides: str, data: str = "spheres") -> set[str]:
    """Labels of the stages that were computed until a run was refused; the refusal goes on."""
    plan = make_plan(builtin_commands(Registry()).load(), (method,), preset="tiny", data=data, overrides=overrides)
    with Workers(1) as workers, Reporter(quiet=True) as reporter:
        engine = Engine(Store(folder), workers, reporter, seed=0)
        try:
            run(plan, engine, reference_rows=False)
        except HdbenchError as error:
            error.add_note(str({record["label"] for record in engine.records}))
            raise
    return {record["label"] for record in engine.records}


@pytest.mark.parametrize(
    ("method", "overrides", "said"),
    [
        ("voxel", ("training.surface=1",), r"encoder 'voxel' cannot be evaluated at points. Set training.surface=0"),
        ("sphere", ("sampler.steps=1001",), r"1001 steps of a schedule of 1000"),
        ("hyperdiffusion", ("sampler=dpm-solver++", "sampler.steps=600"), r"600 steps of a schedule of 500"),
        ("voxel", ("space=pca",), r"'unet3d' needs weights that form one grid"),
        ("hyperdiffusion", ("denoiser.heads=5",), r"does not split into denoiser.heads 5"),
        ("sphere", ("count=2", "data.train=0.5", "data.val=0"), r"two training shapes or more; there is 1"),
    ],
)
def test_what_cannot_work_is_refused_after_a_look_at_the_shapes(tmp_path, method, overrides, said):
    count = () if "count=2" in overrides else ("count=8",)
    with pytest.raises(HdbenchError, match=said) as refused:
        computed(tmp_path, method, *count, "points=32", *overrides)
    assert refused.value.__notes__ == ["{'shapes: look at them'}"]
