"""What is done to a case as a whole: its end and its beginning again, its named days, and its protocol's version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import Path

from api.access.cases import SeenCase, find_case, may_end, to_case
from api.access.permissions import Action
from api.access.permissions import Given as Relations
from api.access.session import RequestContext
from api.acts.declaring import ActSubject, On
from api.web.given import ActInput, Day, ReasonGiven, on_form
from api.web.readers import chosen
from domain.casework import cases, versions
from locales import N_

Row = SeenCase

#: What a protocol may let further roles do to a case.
_DECLARED: Final[Mapping[Action, Literal["cancel", "reopen"]]] = {
    Action.CANCEL_CASE: "cancel",
    Action.REOPEN_CASE: "reopen",
}


def _find(context: RequestContext, action: Action, case_id: UUID) -> tuple[Row, Relations]:
    case = find_case(context.session, context.asker, case_id)
    if action in _DECLARED:
        return case, may_end(context.session, context.asker, case, _DECLARED[action])
    return case, to_case(context.session, context.asker, case)


CASE: Final = ActSubject("/cases/{case_id}", _find)


class DayGiven(ActInput):
    """The new day of one of a case's named days."""

    day: Day


class VersionGiven(ActInput):
    """The version of its protocol that a case follows from now on."""

    version_id: Annotated[UUID, on_form(chosen("choice.missing", N_("Choose from the list.")), name="version")]


@CASE.act(
    Action.MOVE_DAY,
    "/days/{anchor}",
    form="day-{anchor}",
    place="about",
    once=True,
    versioned=True,
    json="PUT",
    status=200,
)
def move_day(on: On[Row], said: DayGiven, anchor: Annotated[str, Path(max_length=61)]) -> None:
    """Move one of a case's named days; only its own due days follow."""
    cases.move_day(on.session, on.id, anchor=anchor, day=said.day, by=on.by, at=on.at, seen=on.seen)


@CASE.act(Action.CANCEL_CASE, "/cancellation", form="cancel", place="case", once=True, versioned=True, status=200)
def cancel(on: On[Row], said: ReasonGiven) -> None:
    """End a case that will not be finished. Nothing is deleted."""
    cases.cancel_case(on.session, on.id, by=on.by, at=on.at, reason=said.reason, seen=on.seen)


@CASE.act(Action.REOPEN_CASE, "/reopening", form="reopen", place="case", once=True, versioned=True, status=200)
def reopen(on: On[Row], said: ReasonGiven) -> None:
    """Open a case that ended again."""
    cases.reopen_case(on.session, on.id, by=on.by, at=on.at, reason=said.reason, seen=on.seen)


@CASE.act(Action.CLOSE_CASE, "/closing", form="close", place="case", once=True, versioned=True, status=200)
def close(on: On[Row]) -> None:
    """Close a case in which nothing that is required is left."""
    cases.close_case(on.session, on.id, by=on.by, at=on.at, seen=on.seen)


@CASE.act(
    Action.TAKE_VERSION, "/version", form="version", place="case", once=True, versioned=True, json="PUT", status=200
)
def take_version(on: On[Row], said: VersionGiven) -> None:
    """Follow a newer version of the protocol. A done step is not asked again."""
    versions.take_version(on.session, on.id, said.version_id, by=on.by, at=on.at, seen=on.seen)
