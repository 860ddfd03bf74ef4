"""What a restore from a copy left to decide, for the coordination and the privacy officer, each what is theirs."""

from __future__ import annotations

import re
from typing import Final

from fastapi import Request
from fastapi.responses import HTMLResponse

from api.access.permissions import Action, asks, require, to_program
from api.access.restored import theirs, unseen_by
from api.access.session import InContext, RequestContext
from api.acts.restored import JUST, MATTER
from api.pages.act_routes import act_pages
from api.pages.forms import Typed
from api.pages.frame import framed_pages, page
from api.views.restored import decided_lines_of, lines_of, report_facts, told_lines_of
from domain.restored import matters, reports
from models.ledger import RestoredMatter

router = framed_pages(of_acts=True)

#: So many of what waits, and of what was decided, stand on one page.
MOST: Final = 20
#: What waits is shown after a line of the ledger, and what was decided from a matter on.
AFTER, OLDER = "after", "from"
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
    asked = request.query_params
    ended = [one for one in mine if one.kind != "meeting"]
    after = int(asked[AFTER]) if _NUMBER.fullmatch(asked.get(AFTER, "")) else 0
    rest = [one for one in ended if one.ledger_n > after]
    was_decided = theirs(context, matters.decided(context.session), waiting)
    older = _from(was_decided, asked.get(OLDER, ""))
    just = [one for one in was_decided if str(one.id) == asked.get(JUST)]
    report = reports.report(context.session, unseen=unseen_by(context))
    facts = []
    if report is not None:
        left = [one for one in (*mine, *was_decided) if one.epoch == report.restoration.epoch]
        facts = report_facts(context, report, left)
    return page(
        context,
        request,
        "restored.html",
        typed=typed,
        lines=lines_of(context, rest[:MOST]),
        ended_total=len(ended),
        first="/restored#ended" if after else "",
        next=f"/restored?{AFTER}={rest[MOST - 1].ledger_n}#ended" if len(rest) > MOST else "",
        meetings=told_lines_of(context, mine),
        others=len(waiting) > len(mine),
        just=decided_lines_of(context, just),
        decided=decided_lines_of(context, older[:MOST]),
        decided_total=len(was_decided),
        newest="/restored#decided" if len(older) < len(was_decided) else "",
        older=f"/restored?{OLDER}={older[MOST].id}#decided" if len(older) > MOST else "",
        facts=facts,
    )


def _from(rows: list[RestoredMatter], matter_id: str) -> list[RestoredMatter]:
    """These from one of them on; all where it is not among them."""
    return next((rows[n:] for n, one in enumerate(rows) if str(one.id) == matter_id), rows)


act_pages(router, MATTER, lambda on, request, typed: _page(on.context, request, typed))
