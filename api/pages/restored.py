"""What a restore from a copy left to decide, for the coordination and the privacy officer, each what is theirs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from fastapi import Request
from fastapi.responses import HTMLResponse

from api.access.permissions import Action, asks, require, to_program
from api.access.restored import theirs, unseen_by
from api.access.session import InContext, RequestContext
from api.acts.restored import JUST, MATTER
from api.pages.act_routes import act_pages
from api.pages.forms import Typed
from api.pages.frame import framed_pages, page
from api.views.restored import (
    DecidedLine,
    MatterLine,
    ToldLine,
    decided_lines_of,
    lines_of,
    report_facts,
    to_ask_anew,
    told_lines_of,
)
from domain.restored import matters, reports
from meetings.told_since import by_meeting, each_once
from models.ledger import RestoredMatter

router = framed_pages(of_acts=True)

#: So many of what waits, and of what was decided, stand on one page.
MOST: Final = 20
#: What waits is shown after a line of the ledger, as meetings are, and what was decided from a matter on.
AFTER, TOLD_AFTER, OLDER = "after", "told", "from"
_NUMBER: Final = re.compile(r"[0-9]{1,18}", re.ASCII)


@router.get("/restored", name="restored")
@asks(Action.SEE_RESTORED)
def show_restored(context: InContext, request: Request) -> HTMLResponse:
    """What had ended and came back, what was told of meetings, and the report of the last restore."""
    require(Action.SEE_RESTORED, to_program(context.asker))
    return _page(context, request, Typed())


def _page(context: RequestContext, request: Request, typed: Typed) -> HTMLResponse:
    waiting = matters.waiting(context.session)
    mine = theirs(context, waiting, waiting)
    was_decided = theirs(context, matters.decided(context.session), waiting)
    asked = request.query_params
    just = [one for one in was_decided if str(one.id) == asked.get(JUST)]
    return page(
        context,
        request,
        "restored.html",
        typed=typed,
        others=len(matters.each_once(waiting)) > len(mine),
        to_ask=to_ask_anew(context, waiting),
        just=decided_lines_of(context, just),
        facts=_facts(context, [*mine, *was_decided]),
        **_ended(context, [one for one in mine if one.kind != "meeting"], asked.get(AFTER, ""))._asdict(),
        **_told(context, mine, asked.get(TOLD_AFTER, ""))._asdict(),
        **_decided(context, was_decided, asked.get(OLDER, ""))._asdict(),
    )


def _facts(context: RequestContext, rows: Sequence[RestoredMatter]) -> list[tuple[str, str]]:
    """The report of the last restore, as far as these matters are of it; empty where there never was one."""
    report = reports.report(context.session, unseen=unseen_by(context))
    if report is None:
        return []
    return report_facts(context, report, [one for one in rows if one.epoch == report.restoration.epoch])


class _Ended(NamedTuple):
    """A page of what waits: how much there is, and where the first and the next ones are."""

    lines: list[MatterLine]
    ended_total: int
    first: str
    next: str


class _Decided(NamedTuple):
    """A page of what was decided: how much there is, and where the newest and the older ones are."""

    decided: list[DecidedLine]
    decided_total: int
    newest: str
    older: str


class _Told(NamedTuple):
    """A page of the meetings that people were told of: how many there are, and where the first and the next are."""

    meetings: list[ToldLine]
    told_total: int
    told_first: str
    told_next: str


def _told(context: RequestContext, rows: Sequence[RestoredMatter], asked: str) -> _Told:
    """The meetings of which people were first told after a line of the ledger, and where the others stand."""
    told, after = by_meeting(rows), _number(asked)
    rest = [one for one in told if one[0].ledger_n > after]
    return _Told(
        told_lines_of(context, [matter for one in rest[:MOST] for matter in one]),
        len(told),
        "/restored#told" if after else "",
        f"/restored?{TOLD_AFTER}={rest[MOST - 1][0].ledger_n}#told" if len(rest) > MOST else "",
    )


def _number(asked: str) -> int:
    return int(asked) if _NUMBER.fullmatch(asked) else 0


def _ended(context: RequestContext, rows: Sequence[RestoredMatter], asked: str) -> _Ended:
    """The part of what waits that comes after a line of the ledger, and where the others stand."""
    after = _number(asked)
    rest = [one for one in rows if one.ledger_n > after]
    return _Ended(
        lines_of(context, rest[:MOST]),
        len(rows),
        "/restored#ended" if after else "",
        f"/restored?{AFTER}={rest[MOST - 1].ledger_n}#ended" if len(rest) > MOST else "",
    )


def _decided(context: RequestContext, rows: list[RestoredMatter], asked: str) -> _Decided:
    """The part of what was decided that begins with a matter, and where the others stand."""
    each = each_once(rows)
    part = _from(each, asked)
    return _Decided(
        decided_lines_of(context, part[:MOST]),
        len(each),
        "/restored#decided" if len(part) < len(each) else "",
        f"/restored?{OLDER}={part[MOST].id}#decided" if len(part) > MOST else "",
    )


def _from(rows: list[RestoredMatter], matter_id: str) -> list[RestoredMatter]:
    """These from one of them on; all where it is not among them."""
    return next((rows[n:] for n, one in enumerate(rows) if str(one.id) == matter_id), rows)


act_pages(router, MATTER, lambda on, request, typed: _page(on.context, request, typed))
