"""What an interface asks of the methods of a component: their arguments, and the type of what they return, read off the
interface itself, so that a forgotten ``return`` is told as one and not as what it breaks later."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from hdbench import interfaces

Breach = Callable[[str, str], Any]


def watch(component: Any, interface: type, breach: Breach) -> None:
    """Hold every method of the component to the interface whenever it is called; ``breach(rule, found)`` fails."""
    for name, method in methods(interface):
        own = getattr(component, name)
        _refuse_other_arguments(name, method, own, breach)
        object.__setattr__(component, name, _watched(name, own, method, breach))


def methods(interface: type) -> Iterator[tuple[str, Callable]]:
    """The public methods that an interface declares on its instances."""
    for cls in interface.__mro__:
        yield from ((name, f) for name, f in vars(cls).items() if inspect.isfunction(f) and not name.startswith("_"))


def missing(component: type) -> list[str]:
    """The methods that its interface demands and it does not have."""
    return sorted(getattr(component, "__abstractmethods__", ()))


def _refuse_other_arguments(name: str, method: Callable, own: Callable, breach: Breach) -> None:
    asked = list(inspect.signature(method).parameters)[1:]  # without self
    try:
        inspect.signature(own).bind(*asked)
    except TypeError:
        found = f"its '{name}' takes ({', '.join(inspect.signature(own).parameters)})"
        breach(f"take the arguments of the interface, {name}({', '.join(asked)})", found)


def _watched(name: str, own: Callable, method: Callable, breach: Breach) -> Callable:
    types = accepted(get_type_hints(method, vars(interfaces), {"Schedule": object})["return"])  # it imports that for mypy alone

    @wraps(own)
    def call(*args: Any, **settings: Any) -> Any:
        value = own(*args, **settings)
        if not isinstance(value, types):
            breach(f"return {method.__annotations__['return']} from '{name}'", _described(value))
        return value

    return call


def accepted(annotation: Any) -> tuple[type, ...]:
    """The types that fit an annotation on the outside; a list does for a tuple and a mapping for a dict."""
    if isinstance(annotation, UnionType):
        return tuple(kind for part in get_args(annotation) for kind in accepted(part))
    kind = get_origin(annotation) or annotation
    if kind is Any:
        return (object,)
    return {dict: (dict, Mapping), list: (list, tuple), tuple: (tuple, list)}.get(kind, (kind,))


def _described(value: Any) -> str:
    if value is None:
        return "it returns None (is a 'return' missing?)"
    text = repr(value)
    return f"it returns a {type(value).__name__}" + (f": {text}" if len(text) <= 40 and "\n" not in text else "")
