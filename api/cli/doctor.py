"""`spheres doctor`: looks at everything that an installation needs, running or stopped, and says what to do.

It changes nothing, and answers in seconds with everything away: each group of checks has a thread of its own, and one
that does not come back in time is told of as such.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Annotated, Final, NamedTuple

import typer
from sqlalchemy.exc import SQLAlchemyError

from adapters.database import BEHIND
from adapters.environment import SettingsError
from adapters.settings import Settings
from api.access.permissions import Action, asks, at_the_terminal, require
from api.cli.checkup.finding import GRAVEST, Check, Finding, Group, State, words
from api.cli.checkup.groups import GROUPS
from api.cli.checkup.house import Away, House
from api.cli.checkup.settings import READ
from api.cli.ready import trouble_of
from locales import N_, current_language, say

#: All checks together take no longer.
ALL_SECONDS: Final = 8.0
#: Of the answer in JSON: it changes where a key does.
FORMAT: Final = 1

_STATES: Final[Mapping[State, str]] = {
    "ok": N_("well"),
    "warn": N_("look"),
    "wrong": N_("WRONG"),
    "not_asked": N_("not asked"),
}
_FAILED: Final = N_("The check itself failed (%(error)s).")
_TELL_US: Final = N_("Tell those who keep the program, with this line. What it looks at may be well or not.")
_BROKEN_OFF: Final = N_("The database broke off what was asked (%(error)s).")
_SEE_DATABASE: Final = N_("See that it runs and has room, and what it logs.")
_HANGS: Final = N_("No answer came within %(seconds)s s.")
_SEE_WHY: Final = N_(
    "Something that it asks hangs: a disk, the network, or a name server. Ask again, one thing at a time."
)
_UNREAD: Final = N_("The settings cannot be used: nothing else was looked at.")
_SET_IT: Final = N_("Correct the variable. README lists every one, under Configuration.")
_WELL: Final = N_("%(name)s. %(seen)s")
_SUMS: Final = N_("Wrong: %(wrong)s. To look at: %(warn)s. Well: %(ok)s. Not asked: %(not_asked)s.")


@asks(Action.RUN_INSTALLATION)
def doctor(
    in_json: Annotated[bool, typer.Option("--json", help="Answer in JSON, whose keys stay the same.")] = False,
    has_to_run: Annotated[
        bool, typer.Option("--running", help="For a timer: that the installation does not run here is wrong too.")
    ] = False,
) -> None:
    """Look at everything that the installation needs, and say what to do. Status 1 where something is wrong.

    It runs whether the installation runs or not, starts nothing, and changes nothing.
    """
    require(Action.RUN_INSTALLATION, at_the_terminal())
    found = examined(os.environ, has_to_run=has_to_run)
    language = current_language()
    typer.echo(as_json(found, language, datetime.now(UTC)) if in_json else "\n".join(as_text(found, language)))
    raise typer.Exit(1 if gravest(found) == "wrong" else 0)


def examined(
    environment: Mapping[str, str],
    groups: Sequence[Group] = GROUPS,
    *,
    seconds: float = ALL_SECONDS,
    has_to_run: bool = False,
) -> list[tuple[Group, Finding]]:
    """What every check finds of the installation that an environment describes, each once and in its order."""
    try:
        settings = Settings.from_env(environment)
    except SettingsError as error:
        return _unset(error, groups)
    return examine(House(settings, environment, has_to_run=has_to_run), groups, seconds=seconds)


def examine(house: House, groups: Sequence[Group], *, seconds: float = ALL_SECONDS) -> list[tuple[Group, Finding]]:
    """What the checks of these groups find, all at once."""
    found: dict[str, list[Finding]] = {group.key: [] for group in groups}
    logging.disable(logging.CRITICAL)  # what is to be told is a finding
    looking = [threading.Thread(target=_look, args=(group, house, found[group.key]), daemon=True) for group in groups]
    for one in looking:
        one.start()
    ends = time.monotonic() + seconds
    for one in looking:
        one.join(max(0.0, ends - time.monotonic()))
    logging.disable(logging.NOTSET)
    return [(group, finding) for group in groups for finding in _whole(group, list(found[group.key]), seconds)]


def _look(group: Group, house: House, found: list[Finding]) -> None:
    """Have a group look, and keep each finding as it comes. What fails in it is a finding too."""
    try:
        if group.needs_database:
            _ = house.engine
        for finding in group.look(house):
            found.append(finding)  # noqa: PERF402 - one at a time: who waits may leave before the last
    except Exception as error:  # noqa: BLE001 - a check that fails is told like what it looks for
        found += [_failed(check, error) for check in _without(group, found)]


def _failed(check: Check, error: Exception) -> Finding:
    """What is told of a check that could not be made."""
    if isinstance(error, Away):
        return check.not_asked(error.why)
    kind = type(error).__name__
    if not isinstance(error, SQLAlchemyError):
        return check.wrong(words(_FAILED, error=kind), words(_TELL_US))
    if trouble_of(error) == BEHIND:  # which the check of the tables tells
        return check.not_asked(words(BEHIND))
    return check.wrong(words(_BROKEN_OFF, error=kind), words(_SEE_DATABASE))


def _without(group: Group, found: Sequence[Finding]) -> list[Check]:
    """The checks of a group that have found nothing yet."""
    return [check for check in group.checks if check not in {one.check for one in found}]


def _whole(group: Group, found: Sequence[Finding], seconds: float) -> list[Finding]:
    """The findings in the order of the checks. One without any hangs, in what it asks."""
    hangs = words(_HANGS, seconds=round(seconds))
    late = [check.wrong(hangs, words(_SEE_WHY)) for check in _without(group, found)]
    by_check = {one.check: one for one in (*found, *late)}
    return [by_check[check] for check in group.checks]


def _unset(error: SettingsError, groups: Sequence[Group]) -> list[tuple[Group, Finding]]:
    """What is found where the settings cannot be read: that, and nothing else is asked."""
    why = words("%(variable)s %(sentence)s", variable=error.variable, sentence=words(error.sentence, **error.facts))
    unread = words(_UNREAD)
    return [
        (group, check.wrong(why, words(_SET_IT)) if check is READ else check.not_asked(unread))
        for group in groups
        for check in group.checks
    ]


def gravest(found: Sequence[tuple[Group, Finding]]) -> State:
    """The gravest state of all."""
    states = {finding.state for _, finding in found}
    return next(state for state in GRAVEST if state in states)


def as_text(found: Sequence[tuple[Group, Finding]], language: str) -> Iterator[str]:
    """The findings as lines for a terminal: a heading a group, and below what is not well what to do.

    What was not asked for one and the same reason is one line.
    """
    for group, several in groupby(found, key=lambda one: one[0]):
        yield say(language, group.title)
        yield from _lines(_said(finding, language) for _, finding in several)
        yield ""
    counts = Counter(finding.state for _, finding in found)
    yield say(language, _SUMS, **{state: counts[state] for state in _STATES})


class _Line(NamedTuple):
    """A finding in words: how it is, what is said of it, what to do, and the key of its check."""

    state: str
    said: str
    todo: str
    key: str


def _said(one: Finding, language: str) -> _Line:
    """What is well is called by its name; else what was seen says it."""
    seen = one.seen.told_in(language)
    said = say(language, _WELL, name=say(language, one.check.name), seen=seen) if one.state == "ok" else seen
    wide = max(len(say(language, word)) for word in _STATES.values())
    todo = one.todo.told_in(language) if one.todo is not None else ""
    return _Line(say(language, _STATES[one.state]).ljust(wide), said, todo, one.check.key)


def _lines(lines: Iterable[_Line]) -> Iterator[str]:
    for (state, said, todo), alike in groupby(lines, key=lambda one: one[:3]):
        yield f"  {state}  {said} [{', '.join(one.key for one in alike)}]"
        if todo:
            yield f"  {' ' * len(state)}  → {todo}"


def as_json(found: Sequence[tuple[Group, Finding]], language: str, at: datetime) -> str:
    """The findings for a program: `key`, `group` and `state` stay what they are, the words are the reader's."""
    checks = [
        {
            "key": one.check.key,
            "group": group.key,
            "name": say(language, one.check.name),
            "state": one.state,
            "seen": one.seen.told_in(language),
            "todo": one.todo.told_in(language) if one.todo is not None else "",
        }
        for group, one in found
    ]
    whole = {"format": FORMAT, "at": at.isoformat(timespec="seconds"), "state": gravest(found), "checks": checks}
    return json.dumps(whole, ensure_ascii=False, indent=1)
