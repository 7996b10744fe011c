"""The contract of baselines refuses those that are broken, and says why."""

from __future__ import annotations

import pytest
import torch
from broken_components import broken, complaint
from hdbench_sphere.baseline import Resample

from hdbench.testing import BaselineContract


def drawn(change):
    """``sample`` of the baseline whose clouds are changed."""
    return lambda self, state, count, session: change(Resample.sample(self, state, count, session))


BASELINES = [
    ({"produces": "pictures"}, "it_says_what_it_produces", "but it says 'pictures'"),
    ({"sample": drawn(lambda c: torch.cat([c, c]))}, "it_gives_as_many_samples_as_were_asked_for", "but it gives 2"),
    ({"sample": drawn(lambda c: c[:, 0])}, "it_gives_as_many_samples_as_were_asked_for", "but they are [1, 64, 3]"),
    ({"sample": drawn(lambda c: c / 0)}, "it_gives_as_many_samples_as_were_asked_for", "finite, or nan altogether"),
    ({"sample": drawn(lambda c: c + torch.rand(()))}, "sampling_is_decided_by_the_seed", "a second time is"),
    ({"sample": drawn(lambda c: c + len(c))}, "a_sample_does_not_depend_on_how_many_there_are", "2 of 2 and 2 of 5 are 3 apart"),
    ({"fit": lambda self, t, s: {"clouds": t.clouds + torch.rand(())}}, "fitting_is_decided_by_the_seed", "differ: clouds"),
    ({"fit": lambda self, t, s: {"names": t.names}}, "fitting_is_decided_by_the_seed", "but it holds {'names': 'tuple'}"),
]


@pytest.mark.parametrize(("methods", "check", "message"), BASELINES)
def test_broken_baselines_are_refused(methods, check, message):
    said = complaint(BaselineContract, Resample, broken(Resample, **methods), f"test_{check}")
    assert said.startswith("The baseline 'resample' must ")
    assert message in said
