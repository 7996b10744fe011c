"""Sound components with something replaced, and what a contract says of them."""

from __future__ import annotations

import pytest

from hdbench.testing import Contract


def complaint(contract: type[Contract], sound: object, broken: object, check: str, **attributes: object) -> str:
    """What the check says of the broken component; it must have nothing to say of the sound one."""
    cases = [type("Case", (contract,), {"component": component, **attributes})() for component in (sound, broken)]
    getattr(cases[0], check)()
    with pytest.raises(AssertionError) as error:
        getattr(cases[1], check)()
    return str(error.value)


def broken(parent: type, **methods: object) -> type:
    """The sound component with something replaced."""
    return type(f"Broken{parent.__name__}", (parent,), methods)
