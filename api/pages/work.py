"""My work: what is now for the reader to do or to approve, for themselves or for someone absent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from fastapi import Request
from fastapi.responses import HTMLResponse
from sqlalchemy import func

from api.access.permissions import Action, allows, asks, require, to_program
from api.access.session import AtDesk, Desk
from api.pages.forms import Typed
from api.pages.frame import framed_pages, page
from api.pages.opening import may_open
from api.views import handed_over
from api.views.tasks import Line, cases_about, lines_of
from domain.agreements import agreements
from domain.casework import board
from domain.casework.watch import engine_state, post_state
from domain.departure import offers
from domain.kernel.rows import col, in_program, only, run, scalar, scalars, select, value_of
from meetings import unmatched_replies as strays
from models.casework import Case, Task

router = framed_pages()

#: The most pressing first; the rest on further pages.
A_PAGE: Final = 50


@dataclass(frozen=True)
class Counts:
    """What waits for the reader, on any page of the list."""

    to_do: int
    to_approve: int
    late: int

    @property
    def all(self) -> int:
        """How many tasks there are."""
        return self.to_do + self.to_approve


@router.get("/", name="work")
@asks(Action.SEE_MY_WORK)
def show_work(desk: AtDesk, request: Request, start: int = 0) -> HTMLResponse:
    """The reader's work today."""
    return work_page(desk, request, Typed(), start=start)


def work_page(desk: Desk, request: Request, typed: Typed, *, start: int = 0) -> HTMLResponse:
    """The page; with `typed`, as a rule refused what was sent. `start` counts the more pressing tasks left out."""
    require(Action.SEE_MY_WORK, to_program(desk.asker))
    hats = board.hats_of(desk.session, desk.asker.standing, desk.asker.person_id)
    counts = _counts(desk, hats)
    start = min(max(start, 0), max(counts.all - 1, 0)) // A_PAGE * A_PAGE
    lines = lines_of(desk, board.work(desk.session, hats, limit=A_PAGE, offset=start))
    given = to_program(desk.asker)
    sees_board = allows(Action.SEE_BOARD, given) is not None
    return page(
        desk,
        request,
        "work.html",
        refused=typed.refusal,
        typed=typed,
        counts=counts,
        start=start,
        shown=len(lines),
        a_page=A_PAGE,
        groups=_groups(desk, lines),
        own=_own_cases(desk),
        kept_from=board.keeps_back(desk.session, hats),
        offered=len(offers.offered_to(desk.session, desk.asker.person_id)),
        to_sign=agreements.to_sign(desk.session, desk.asker.person_id, desk.day),
        was_handed=handed_over.was_handed_over_to(desk.session, desk.asker.person_id),
        wide=_wide(desk) if sees_board else None,
        is_being_written=desk.is_being_written,
        strays=strays.count(desk.session) if allows(Action.KEEP_STRAYS, given) is not None else 0,
        may_open=may_open(desk),
        day=desk.day,
        now=desk.at,
    )


def _counts(desk: Desk, hats: board.Hats) -> Counts:
    row = run(
        desk.session,
        select(
            value_of(func.count().filter(col(Task.state) == "open")),
            value_of(func.count().filter(col(Task.state) == "submitted")),
            value_of(func.count().filter(board.is_late(desk.day))),
        ).where(in_program(Task), board.is_mine(hats)),
    ).one()
    return Counts(*row)


def _groups(desk: Desk, lines: Sequence[Line]) -> list[dict[str, Any]]:
    """The tasks under what they ask of the reader, each once: what is done for someone else stands apart."""
    own = [line for line in lines if line.for_whom is None]
    late = [line for line in own if line.is_late]
    found: list[dict[str, Any]] = [
        {"key": "late", "lines": late},
        {"key": "approve", "lines": [line for line in own if line.task.state == "submitted" and not line.is_late]},
        {"key": "do", "lines": [line for line in own if line.task.state == "open" and not line.is_late]},
    ]
    for absence in desk.asker.standing.acting_for(desk.asker.person_id):
        theirs = [line for line in lines if line.for_whom is not None and line.for_whom.id == absence.person_id]
        found.append({"key": "for", "lines": theirs, "absence": absence})
    # A deputy's deputy acts for someone whose absence names another.
    placed = {line.id for group in found for line in group["lines"]}
    rest = [line for line in lines if line.id not in placed]
    if rest:
        found.append({"key": "for", "lines": rest, "absence": None})
    return found


def _own_cases(desk: Desk) -> list[dict[str, Any]]:
    """The open cases that are about the reader, with how far each is."""
    ids: list[UUID] = list(
        scalars(
            desk.session,
            only(Case.id)
            .where(
                Case.subject_id == desk.asker.person_id,
                Case.state == "open",
            )
            .order_by(col(Case.opened_at)),
        )
    )
    if not ids:
        return []
    progress, about = board.progress(desk.session, ids, desk.day), cases_about(desk, ids)
    return [{"about": about[one], "progress": progress[one]} for one in ids]


def _wide(desk: Desk) -> dict[str, Any]:
    """What a coordinator watches besides: the program's vacancies, what is late in it, and its engine."""
    late = scalar(desk.session, select(func.count()).select_from(Task).where(in_program(Task), board.is_late(desk.day)))
    return {
        "vacant": len(board.vacancies(desk.session, desk.asker.standing)),
        "late": late or 0,
        "engine": engine_state(desk.session, desk.at, watched_since=desk.watched_since),
        "mail": post_state(desk.session, desk.at),
    }
