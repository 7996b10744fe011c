"""Contracts refuse configurations that do not last, and components that are not what they are offered as."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from broken_components import broken, complaint
from hdbench_samplers.ddim import DDIM

from hdbench.hookspecs import Offer
from hdbench.testing import SamplerContract


@dataclass
class Loose:
    steps: int = 1


@dataclass(frozen=True)
class Demanding:
    steps: int


@dataclass(frozen=True)
class Odd:
    steps: frozenset = frozenset({1, 2})


CONFIGS = [
    (Loose, "is_a_frozen_dataclass_that_needs_no_arguments", "have a frozen dataclass as its Config"),
    (Demanding, "is_a_frozen_dataclass_that_needs_no_arguments", "a Config that builds without arguments"),
    (Odd, "survives_files_and_processes", "plain values or tuples of them, but 'steps' is frozenset"),
]


@pytest.mark.parametrize(("config", "check", "message"), CONFIGS)
def test_broken_configurations_are_refused(config, check, message):
    said = complaint(SamplerContract, DDIM, broken(DDIM, Config=config), f"test_its_config_{check}")
    assert said.startswith("The sampler 'ddim' must ")
    assert message in said


def test_a_component_under_another_name_is_refused():
    offer = Offer("sampler", "ddim", "toys:DDIM", "a toy", "")
    case = type("Case", (SamplerContract,), {"component": broken(DDIM, name="ddmi"), "offer": lambda self: offer})()
    with pytest.raises(AssertionError, match="must have the name 'ddim' that it is offered by, but its class says 'ddmi'"):
        case.test_its_name_is_the_one_it_is_offered_by()
    with pytest.raises(AssertionError, match="be offered with a source"):
        case.test_its_offer_says_what_it_is_and_where_it_comes_from()


def test_a_class_that_nobody_offers_is_refused_and_an_offered_class_is_found():
    check = "test_its_name_is_the_one_it_is_offered_by"
    assert "no installed plugin has an offer with target" in complaint(SamplerContract, DDIM, broken(DDIM), check)
