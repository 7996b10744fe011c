"""Configuration is strict: what does not exist or does not fit is refused in one line that says what to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import pytest

from hdbench.config import as_dict, check, digest, from_dict, leaves, override, read_toml, resolve_key
from hdbench.errors import HdbenchError


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    depth: int = 3
    rate: float = 1e-3
    init: Literal["first", "random"] = "first"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outer:
    inner: Inner = field(default_factory=Inner)
    sigmas: tuple[float, ...] = (0.1, 0.2)
    names: tuple[str, ...] = ()
    level: float | None = None
    fast: bool = False
    depth: int = 1

    def __post_init__(self) -> None:
        check(self.depth > 0, "depth", "positive", self.depth)


SETTINGS = {"a": Outer(), "b": Outer()}


@pytest.mark.parametrize(
    ("assignment", "read"),
    [
        ("a.inner.depth=6", lambda s: s["a"].inner.depth == 6),
        ("a.inner.rate=2e-4", lambda s: s["a"].inner.rate == 2e-4),
        ("a.inner.rate=2", lambda s: s["a"].inner.rate == 2.0),
        ("a.inner.init=random", lambda s: s["a"].inner.init == "random"),
        ("b.sigmas=0.5,1", lambda s: s["b"].sigmas == (0.5, 1.0)),
        ("b.names=x, y", lambda s: s["b"].names == ("x", "y")),
        ("a.level=0.5", lambda s: s["a"].level == 0.5),
        ("a.level=none", lambda s: s["a"].level is None),
        ("a.fast=true", lambda s: s["a"].fast is True),
    ],
)
def test_an_override_is_read_by_the_type_of_its_field(assignment, read):
    assert read(override(SETTINGS, (assignment,)))


def test_an_override_leaves_the_rest_and_the_original_alone():
    changed = override(SETTINGS, ("a.inner.depth=6",))
    assert changed["b"] == SETTINGS["b"]
    assert SETTINGS["a"].inner.depth == 3


def test_a_short_key_finds_the_only_setting_of_that_name():
    assert resolve_key({"a": Outer()}, "init") == "a.inner.init"


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("a.inner.dept=6", "Did you mean 'a.inner.depth'?"),
        ("init=random", "'init' is ambiguous. Write one of: a.inner.init, b.inner.init."),
        ("a.inner.depth=deep", "must be int, but it is 'deep'"),
        ("a.inner.depth=true", "must be int, but it is True"),
        ("a.inner.depth=1.5", "must be int, but it is 1.5"),
        ("a.inner.init=frist", "Did you mean 'first'?"),
        ("a.fast=1", "must be bool, but it is 1"),
        ("a.depth=-1", "must be positive, but it is -1"),
        ("a.inner.depth", "is not of the form KEY=VALUE"),
        ("a.sigmas=x", "must be a list of float, but it is 'x'"),
        ("a.sigmas=0.1,true", "must be float, but it is True"),
    ],
)
def test_a_wrong_override_is_refused_in_words(assignment, message):
    with pytest.raises(HdbenchError) as error:
        override(SETTINGS, (assignment,))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_table_is_as_strict_as_the_command_line():
    assert from_dict(SETTINGS, {"a": {"inner": {"depth": 9}}})["a"].inner.depth == 9
    with pytest.raises(HdbenchError, match=r"Did you mean 'a\.inner\.depth'"):
        from_dict(SETTINGS, {"a": {"inner": {"dept": 9}}})
    with pytest.raises(HdbenchError, match="must be a table"):
        from_dict(SETTINGS, {"a": {"inner": 9}})
    with pytest.raises(HdbenchError, match="no setting named 'c'"):
        from_dict(SETTINGS, {"c": {}})


def test_a_configuration_survives_the_way_through_plain_values():
    changed = override(Outer(), ("inner.depth=8", "sigmas=1,2,3", "fast=true"))
    assert from_dict(Outer(), as_dict(changed)) == changed


def test_equal_configurations_have_equal_digests_and_others_do_not():
    assert digest(Outer()) == digest(Outer())
    assert digest(Outer()) != digest(override(Outer(), ("inner.rate=0.002",)))


def test_leaves_are_dotted_and_in_order():
    keys = ["inner.depth", "inner.rate", "inner.init", "sigmas", "names", "level", "fast", "depth"]
    assert [key for key, _ in leaves(Outer())] == keys


def test_a_file_that_does_not_parse_is_named(tmp_path):
    broken = tmp_path / "run.toml"
    broken.write_text("a = = 1")
    with pytest.raises(HdbenchError, match=r"run\.toml' is not valid TOML"):
        read_toml(broken)
    with pytest.raises(HdbenchError, match=r"no configuration file '.*missing\.toml'"):
        read_toml(tmp_path / "missing.toml")
