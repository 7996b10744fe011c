"""Configuration: frozen dataclasses, declared beside the class they configure, read strictly from TOML and KEY=VALUE.

Nothing is coerced beyond the type that a field declares, unknown keys are refused with the nearest name, and a
configuration has a digest: a run's identity is its configuration. Field types: int, float, str, bool, tuples of
these, Literal, Optional, and nested dataclasses.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from hdbench.errors import HdbenchError, unknown

C = TypeVar("C")


def check(holds: bool, key: str, rule: str, found: object) -> None:
    """Raise HdbenchError with the rule and the value unless ``holds``; for use in ``__post_init__``."""
    if not holds:
        raise HdbenchError(f"The setting '{key}' must be {rule}, but it is {found!r}.")


def as_dict(config: Any) -> dict[str, Any]:
    """A nested dataclass as plain nested dicts, tuples as lists (None stays None)."""
    return {f.name: _plain(getattr(config, f.name)) for f in fields(config)}


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return as_dict(value)
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, tuple) else value


def digest(*parts: Any) -> str:
    """A hex digest of dataclasses and plain values; equal content gives an equal digest on every machine."""
    text = json.dumps([_plain(p) for p in parts], sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def leaves(config: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted key, value) of every setting, in declaration order."""
    pairs = config.items() if isinstance(config, Mapping) else ((f.name, getattr(config, f.name)) for f in fields(config))
    for name, value in pairs:
        if isinstance(value, Mapping) or (is_dataclass(value) and not isinstance(value, type)):
            yield from leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def value_of(config: Any, key: str) -> Any:
    """The value of the setting with this full dotted key."""
    for part in key.split("."):
        config = config[part] if isinstance(config, Mapping) else getattr(config, part)
    return config


def resolve_key(config: Any, key: str) -> str:
    """The full dotted key that ``key`` abbreviates: ``init`` finds ``hyperdiffusion.encoder.init`` when it is the only one.

    Raises HdbenchError for a key that does not exist or that fits several settings (all are listed).
    """
    known = [name for name, _ in leaves(config)]
    if key in known:
        return key
    fits = [name for name in known if name.endswith(f".{key}")] or _by_other_name(config, key)
    if len(fits) == 1:
        return fits[0]
    if fits:
        raise HdbenchError(f"The setting '{key}' is ambiguous. Write one of: {', '.join(fits)}.")
    raise unknown("setting", key, known, "'hdbench run --show-config' prints all settings.")


def _by_other_name(config: Any, key: str, prefix: str = "") -> list[str]:
    """Settings that a component calls by ``key`` too: a Config may have ``other_names = {"pe": "octaves"}``, and words for
    values, ``other_values = {"octaves": {"none": "0"}}``."""
    if not isinstance(config, Mapping) and not is_dataclass(config):
        return []
    parts = config.items() if isinstance(config, Mapping) else ((f.name, getattr(config, f.name)) for f in fields(config))
    name = getattr(type(config), "other_names", {}).get(key)
    below = [found for part, value in parts for found in _by_other_name(value, key, f"{prefix}{part}.")]
    return ([f"{prefix}{name}"] if name else []) + below


def override(config: C, assignments: tuple[str, ...]) -> C:
    """The configuration with each ``KEY=VALUE`` applied; values are read by the type of the field."""
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals:
            raise HdbenchError(f"'{assignment}' is not of the form KEY=VALUE. Write for example 'init=random'.")
        full = resolve_key(config, key.strip())
        config = _set(config, full.split("."), text.strip(), full)
    return config


def _set(config: Any, path: list[str], text: str, key: str) -> Any:
    head, rest = path[0], path[1:]
    if isinstance(config, Mapping):
        return {**config, head: _set(config[head], rest, text, key) if rest else text}
    if rest:
        return replace(config, **{head: _set(getattr(config, head), rest, text, key)})
    meant = getattr(type(config), "other_values", {}).get(head, {}).get(text, text)
    return replace(config, **{head: _parse(meant, _hints(type(config))[head], key)})


def _hints(cls: type) -> dict[str, Any]:
    return get_type_hints(cls)


def _parse(text: str, kind: Any, key: str) -> Any:
    """A value of type ``kind`` from the command line's text."""
    if _allows_none(kind) and text.lower() == "none":
        return None
    kind = _without_none(kind)
    if kind is str or (get_origin(kind) is Literal and all(isinstance(a, str) for a in get_args(kind))):
        return _checked(text, kind, key)
    literal = text
    if get_origin(kind) is tuple and not text.startswith("["):
        words = [t.strip() for t in text.split(",") if t.strip()]
        literal = json.dumps(words) if get_args(kind)[0] is str else f"[{text}]"
    try:
        value = tomllib.loads(f"v = {literal}")["v"]
    except tomllib.TOMLDecodeError:
        value = text
    return _checked(value, kind, key)


def _allows_none(kind: Any) -> bool:
    return get_origin(kind) in (Union, UnionType) and NoneType in get_args(kind)


def _without_none(kind: Any) -> Any:
    if not _allows_none(kind):
        return kind
    rest = tuple(a for a in get_args(kind) if a is not NoneType)
    return rest[0] if len(rest) == 1 else Union[rest]  # noqa: UP007 (built from a tuple)


def _checked(value: Any, kind: Any, key: str) -> Any:
    """``value`` if it is of type ``kind`` (an int serves as a float); HdbenchError with the rule otherwise."""
    if value is None and _allows_none(kind):
        return None
    kind = _without_none(kind)
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return _checked_union(value, args, key)
    if origin is Literal:
        if value in args and type(value) in {type(a) for a in args}:
            return value
        raise unknown(f"choice for '{key}'", str(value), map(str, args))
    if origin is tuple:
        check(isinstance(value, (list, tuple)), key, f"a list of {getattr(args[0], '__name__', args[0])}", value)
        return tuple(_checked(v, args[0], key) for v in value)
    if kind is float and type(value) is int:
        return float(value)
    check(type(value) is kind, key, f"{kind.__name__}", value)
    return value


def _checked_union(value: Any, kinds: tuple[Any, ...], key: str) -> Any:
    for kind in kinds:
        try:
            return _checked(value, kind, key)
        except HdbenchError:
            continue
    raise HdbenchError(f"The setting '{key}' must be one of {kinds}, but it is {value!r}.")


def from_dict(default: C, table: Mapping[str, Any], prefix: str = "") -> C:
    """``default`` with the values of a TOML table put in its place; strict about names and types."""
    if isinstance(default, Mapping):
        return _mapping_from_dict(default, table, prefix)  # type: ignore[return-value]
    hints, changes = _hints(type(default)), {}
    for name, value in table.items():
        if name not in hints:
            raise unknown("setting", f"{prefix}{name}", [f"{prefix}{k}" for k in hints])
        current, key = getattr(default, name), f"{prefix}{name}"
        nested = isinstance(current, Mapping) or is_dataclass(current)
        changes[name] = _entry_from_dict(current, value, key) if nested else _checked(value, hints[name], key)
    return replace(default, **changes)  # type: ignore[type-var]


def _mapping_from_dict(default: Mapping[str, Any], table: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    for name in table:
        if name not in default:
            raise unknown("setting", f"{prefix}{name}", [f"{prefix}{k}" for k in default])
    return {k: _entry_from_dict(v, table[k], f"{prefix}{k}") if k in table else v for k, v in default.items()}


def _entry_from_dict(default: Any, value: Any, key: str) -> Any:
    """A nested part, or a plain value of the type of its default."""
    if not isinstance(default, Mapping) and not is_dataclass(default):
        return _checked(value, type(default), key)
    if not isinstance(value, Mapping):
        raise HdbenchError(f"The setting '{key}' must be a table, but it is {value!r}.")
    return from_dict(default, value, f"{key}.")


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file as nested dicts; HdbenchError names the file and the line that does not parse."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise HdbenchError(f"There is no configuration file '{path}'.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise HdbenchError(f"The configuration file '{path}' is not valid TOML: {error}.") from None
