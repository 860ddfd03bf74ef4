"""What runs: this Python, and whether its packages are those of the lock."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from adapters.places import lock_file
from api.cli.checkup.finding import Check, Finding, Group, named, words
from api.cli.checkup.house import House
from locales import N_

PYTHON: Final = Check("versions.python", N_("This Python is one for which the program is tried"))
PACKAGES: Final = Check("versions.packages", N_("The packages are those of the lock"))

_OLDEST: Final = (3, 11)
#: A line of the lock: a package, its version, and where it is needed at all.
_PINNED: Final = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*])?==([^ ;\\]+)\s*(;[^\\]*)?", re.MULTILINE)


def look(_: House) -> Iterator[Finding]:
    """Look at what runs this very command: it is what runs the program."""
    yield judged(sys.version_info[:3])
    yield _packages()


def judged(running: tuple[int, ...]) -> Finding:
    """Whether a version of Python will do."""
    shown = ".".join(map(str, running))
    if running[:2] < _OLDEST:
        return PYTHON.wrong(words(N_("It is %(version)s."), version=shown), words(N_("Take Python 3.11 or newer.")))
    return PYTHON.ok(N_("It is %(version)s."), version=shown)


def _packages() -> Finding:
    lock = lock_file()
    if lock is None:
        return PACKAGES.not_asked(words(N_("Installed from a wheel: it has no lock beside it.")))
    return compared(lock.read_text(encoding="utf-8"))


def compared(lock: str) -> Finding:
    """How the packages that are installed differ from those that a lock names."""
    pinned = [(found[1], found[2], bool(found[3])) for found in _PINNED.finditer(lock)]
    others = [told for name, wanted, at_times in pinned if (told := _differs(name, wanted, at_times=at_times))]
    if others:
        return PACKAGES.warn(
            words(N_("Others than the lock’s: %(packages)s."), packages=named(others)),
            words(N_("Remove the folder .venv and start again: run.py installs what the lock names.")),
        )
    return PACKAGES.ok(N_("Packages: %(count)s."), count=len(pinned))


def _differs(name: str, wanted: str, *, at_times: bool) -> str:
    """How a package differs; one that some systems alone need may be missing."""
    try:
        there = version(name)
    except PackageNotFoundError:
        return "" if at_times else f"{name} –"
    return "" if there == wanted else f"{name} {there}"


GROUP: Final = Group("versions", N_("Versions"), (PYTHON, PACKAGES), look)
