"""One plugin that is broken, whichever way, is named and left out; all others work."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from hdbench.errors import HdbenchError
from hdbench.hookspecs import API_LEVELS, Offer, hookimpl
from hdbench.registry import Registry


def plugin(*offers: Offer, **extra):
    """A plugin module that offers these components."""

    @hookimpl
    def hdbench_components():
        return list(offers)

    return SimpleNamespace(hdbench_components=hdbench_components, **extra)


def offer(name: str, **changes) -> Offer:
    values = {"kind": "metric", "name": name, "target": "json:loads", "summary": "", "source": "", **changes}
    return Offer(**values)


class Point:
    """An entry point of a distribution that is not installed."""

    def __init__(self, name: str, load) -> None:
        self.name, self.load = name, load
        self.dist = SimpleNamespace(name=f"dist-{name}", version="1.0")


@hookimpl
def hdbench_components(unheard_of):
    return []


UNKNOWN_ARGUMENT = SimpleNamespace(hdbench_components=hdbench_components)


@hookimpl
def hdbench_componets():
    return []


MISSPELT = SimpleNamespace(hdbench_componets=hdbench_componets)


def raises():
    raise ImportError("no module named 'warp_drive'")


BROKEN = {
    "raises at import": (raises, "warp_drive"),
    "raises in its hook": (lambda: plugin(hdbench_commands=hookimpl(_hdbench_commands)), "out of coffee"),
    "asks for an unknown hook argument": (lambda: UNKNOWN_ARGUMENT, "unheard_of"),
    "implements a hook that does not exist": (lambda: MISSPELT, "hdbench_componets"),
    "implements no hook": (lambda: SimpleNamespace(), "it offers nothing"),
    "offers a taken name": (lambda: plugin(offer("good")), "is offered by dist-a-good 1.0 already"),
    "offers a name twice": (lambda: plugin(offer("x"), offer("x")), "twice"),
    "speaks another API level": (lambda: plugin(offer("x", api=API_LEVELS["metric"] + 1)), "Upgrade hdbench"),
    "offers an unknown kind": (lambda: plugin(offer("x", kind="metrics")), "Did you mean 'metric'?"),
}


def _hdbench_commands():
    raise RuntimeError("out of coffee")


_hdbench_commands.__name__ = "hdbench_commands"


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_plugin_is_quarantined_and_the_others_work(case):
    load, reason = BROKEN[case]
    good = Point("a-good", lambda: plugin(offer("good")))
    later = Point("z-good", lambda: plugin(offer("later")))
    registry = Registry().load([later, Point("broken", load), good])
    assert registry.names("metric") == ["good", "later"]
    [left_out] = registry.quarantine
    assert left_out.plugin == "broken"
    assert left_out.distribution == "dist-broken"
    assert reason in str(left_out)


def test_a_quarantined_plugin_leaves_nothing_behind():
    half = plugin(offer("fine"), offer("bad", kind="nonsense"))
    assert Registry().load([Point("half", lambda: half)]).components == {}


def test_an_unknown_name_is_answered_with_the_nearest_and_all():
    registry = Registry().load([Point("a", lambda: plugin(offer("mmd-cd"), offer("cov-cd")))])
    with pytest.raises(HdbenchError) as error:
        registry.find("metric", "mmd-dc")
    assert str(error.value).startswith("There is no metric named 'mmd-dc'. Did you mean 'mmd-cd'? Known: cov-cd, mmd-cd.")


def test_a_target_that_is_not_of_its_kind_is_refused():
    registry = Registry().load([Point("a", lambda: plugin(offer("odd", target="collections:OrderedDict")))])
    with pytest.raises(HdbenchError, match="is not Metric"):
        registry.resolve("metric", "odd")


def test_a_target_that_cannot_be_imported_is_named():
    registry = Registry().load([Point("a", lambda: plugin(offer("gone", target="hdbench.nowhere:Thing")))])
    with pytest.raises(HdbenchError, match=r"cannot be imported from 'hdbench\.nowhere:Thing'"):
        registry.resolve("metric", "gone")


def group(*names):
    import click

    return click.Group("weights", {name: click.Command(name) for name in names})


def commands(*found):
    return plugin(hdbench_commands=hookimpl(lambda: list(found)))


def test_groups_of_one_name_are_joined_and_a_command_of_two_plugins_is_refused():
    import click

    points = [Point("a", lambda: commands(group("add"))), Point("b", lambda: commands(group("import")))]
    points += [Point("c", lambda: commands(group("add", "drop"))), Point("d", lambda: commands(click.Command("weights")))]
    registry = Registry().load(points)
    assert set(registry.commands["weights"].commands) == {"add", "import"}
    assert [q.reason for q in registry.quarantine] == [
        "it offers the command 'weights add', which exists already.",
        "it offers the command 'weights', which exists already.",
    ]
