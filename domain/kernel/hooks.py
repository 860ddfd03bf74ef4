"""Hooks: a lower package declares what has to happen, and the higher package that knows how registers for it.

Packages import downwards only. Where a rule needs what only a higher package knows, it declares a hook; that package
owns it. A hook without an owner raises, so that no refusal is ever skipped because a module was not imported.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from typing import Final, Generic, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class Unowned(LookupError):
    """A hook was called, or a process started, while no package owns it."""


class Hook(Generic[P]):
    """What a lower package declares by its signature and docstring, and higher packages do."""

    __name__: str

    def __init__(self, declared: Callable[P, None]) -> None:
        self.name: Final = f"{declared.__module__}.{declared.__name__}"
        self.owners: Final[list[Callable[P, object]]] = []
        update_wrapper(self, declared)
        _DECLARED.append(self)

    def owner(self, does: Callable[P, R]) -> Callable[P, R]:
        """Register a function of a higher package; used as a decorator."""
        self.owners.append(does)
        return does

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Have every owner do it, in the order in which they registered. Raises Unowned where there is none."""
        if not self.owners:
            raise Unowned(self.name)
        for does in self.owners:
            does(*args, **kwargs)


_DECLARED: Final[list[Hook[...]]] = []


def hook(declared: Callable[P, None]) -> Hook[P]:
    """Declare a hook by a function without a body: its parameters, and a docstring that says what is to happen."""
    return Hook(declared)


def refuse_unowned() -> None:
    """Raise Unowned where a declared hook has no owner, naming each."""
    without = sorted(one.name for one in _DECLARED if not one.owners)
    if without:
        raise Unowned(", ".join(without))
