"""What all contracts have in common: the component under test, its offer, its configuration, and how a breach is told."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import is_dataclass
from functools import cache
from typing import Any, ClassVar, NoReturn

import torch
from safetensors.torch import load, save
from torch import Tensor

from hdbench.config import as_dict, digest, from_dict, leaves
from hdbench.errors import HdbenchError
from hdbench.hookspecs import Offer
from hdbench.interfaces import INTERFACES
from hdbench.registry import Registry
from hdbench.testing.returned import missing, watch

PLAIN = (bool, int, float, str, type(None))


@cache
def installed() -> Registry:
    """The components of all installed plugins, looked up once."""
    return Registry().load()


class Contract:
    """The checks of one kind of component; a plugin's test class inherits them and names the component.

    ``component`` is the name in the registry (``mmd-cd`` or ``metric/mmd-cd``) or the class itself. A check that does not
    hold raises AssertionError with the component, the rule, and what was found.
    """

    kind: ClassVar[str]
    component: ClassVar[Any] = ""
    plugins: ClassVar[Registry | None] = None  # where it is looked up, if not among the installed plugins

    def known(self) -> Registry:
        """The components among which it is looked up."""
        return installed() if self.plugins is None else self.plugins

    @property
    def title(self) -> str:
        """The component as messages name it."""
        name = self.component if isinstance(self.component, str) else getattr(self.component, "name", self.component.__name__)
        return f"The {self.kind} '{name.removeprefix(f'{self.kind}/')}'"

    def breach(self, rule: str, found: str) -> NoReturn:
        """Fail: the component must do what ``rule`` says, and ``found`` is what it does."""
        raise AssertionError(f"{self.title} must {rule}, but {found}.")

    def must(self, holds: Any, rule: str, found: str) -> None:
        """Fail unless ``holds``."""
        if not holds:
            self.breach(rule, found)

    def offer(self) -> Offer:
        """The offer that this component is installed under."""
        if isinstance(self.component, str):
            return self.known().find(self.kind, self.component.removeprefix(f"{self.kind}/")).offer
        target = f"{self.component.__module__}:{self.component.__qualname__}"
        offers = [r.offer for r in self.known().components.values() if r.offer.target == target and r.offer.kind == self.kind]
        self.must(
            offers, "be offered by the hook 'hdbench_components'", f"no installed plugin has an offer with target '{target}'"
        )
        return offers[0]

    def subject(self) -> Any:
        """The class (or recipe book) under test."""
        return self.known().resolve(self.kind, self.offer().name) if isinstance(self.component, str) else self.component

    def test_its_offer_says_what_it_is_and_where_it_comes_from(self) -> None:
        offer = self.offer()
        summary, source = offer.summary.strip(), offer.source.strip()
        self.must(summary and "\n" not in summary, "be offered with a summary of one line", f"it is {offer.summary!r}")
        self.must(source, "be offered with a source (paper, equation, repository)", f"it is {offer.source!r}")


class ComponentContract(Contract):
    """The checks of every component with a ``Config``. ``small`` is a configuration that makes the checks fast; when it is not
    given, it is ``Config()`` with the class's own ``small`` settings."""

    small: Any = None

    def config(self) -> Any:
        """The configuration under test."""
        subject = self.subject()
        self._frozen_config()
        try:
            return from_dict(subject.Config(), subject.small) if self.small is None else self.small
        except HdbenchError as error:
            raise AssertionError(f"{self.title} must have 'small' settings of its own Config: {error}") from error

    def build(self) -> Any:
        """A fresh component, whose methods are held to the interface whenever they are called."""
        absent = missing(self.subject())
        self.must(not absent, f"have the method '{absent[:1] and absent[0]}' of its interface", "its class has none")
        component = self.subject()(self.config())
        watch(component, INTERFACES[self.kind], self.breach)
        return component

    def _frozen_config(self) -> None:
        config = getattr(self.subject(), "Config", None)
        frozen = is_dataclass(config) and getattr(config, "__dataclass_params__").frozen  # noqa: B009 (unknown to mypy)
        self.must(frozen, "have a frozen dataclass as its Config", f"it is {config!r}")

    def test_its_name_is_the_one_it_is_offered_by(self) -> None:
        name, offered = getattr(self.subject(), "name", None), self.offer().name
        self.must(name == offered, f"have the name '{offered}' that it is offered by", f"its class says {name!r}")
        source = getattr(self.subject(), "source", "")
        self.must(str(source).strip(), "say its source", f"its class says {source!r}")

    def test_its_config_is_a_frozen_dataclass_that_needs_no_arguments(self) -> None:
        self._frozen_config()
        try:
            self.subject().Config()
        except Exception as error:
            raise AssertionError(f"{self.title} must have a Config that builds without arguments: {error}") from error

    def test_its_config_survives_files_and_processes(self) -> None:
        self._frozen_config()
        default = self.subject().Config()
        for config in (default, self.config()):
            for key, value in leaves(config):
                parts = value if isinstance(value, tuple) else (value,)
                plain = all(type(part) in PLAIN for part in parts)
                self.must(plain, "have settings that are plain values or tuples of them", f"'{key}' is {value!r}")
            for way, copy in (
                ("as_dict and from_dict", from_dict(default, as_dict(config))),
                ("pickle", pickle.loads(pickle.dumps(config))),  # noqa: S301 (made one line ago)
            ):
                same = copy == config and digest(copy) == digest(config)
                self.must(same, f"have a Config that survives {way} with its digest", f"{config} became {copy}")

    def storable(self, tensors: Any, what: str) -> dict[str, Tensor]:
        """The tensors as they come back from the store; a breach if it cannot hold them."""
        rule = f"give {what} as a flat dict of tensors"
        self.must(isinstance(tensors, Mapping), rule, f"it is a {type(tensors).__name__}")
        wrong = {k: type(v).__name__ for k, v in tensors.items() if not (isinstance(k, str) and isinstance(v, Tensor))}
        self.must(not wrong, rule, f"it holds {wrong}")
        try:
            return load(save(dict(tensors)))
        except Exception as error:
            raise AssertionError(f"{self.title} must give {what} that safetensors can store: {error}") from error


def difference(first: Mapping[str, Tensor], second: Mapping[str, Tensor]) -> str:
    """Which tensors differ in a bit, or the empty string."""
    keys = [key for key in {**first, **second} if not (key in first and key in second and same_bits(first[key], second[key]))]
    return ", ".join(keys)


def same_bits(first: Tensor, second: Tensor) -> bool:
    """Whether two tensors are equal in shape, type and every value; nan equals nan."""
    if first.shape != second.shape or first.dtype != second.dtype:
        return False
    return torch.equal(first, second) or torch.allclose(first, second, rtol=0, atol=0, equal_nan=True)
