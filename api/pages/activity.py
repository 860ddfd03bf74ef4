"""The record of the program, the newest first: what happened, by whom, and in which role."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Final
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Query, Request
from fastapi.responses import HTMLResponse
from sqlalchemy import Uuid, func, literal
from sqlalchemy.sql.expression import ColumnElement
from sqlmodel import or_

from api.access.permissions import Action, asks, require, to_program
from api.access.session import InContext, RequestContext
from api.pages.choices import names_to_choose
from api.pages.frame import framed_pages, page
from api.views.tasks import by_day, cases_about
from api.views.timeline import MINOR, NEWEST, told
from api.web.readers import day_or_none, id_or_none
from domain.kernel import Refusal, col, every, in_program, moments_of, select, surely
from domain.record import FOR_PRIVACY
from domain.roles import line_is_open_to
from locales import N_
from models.record import Event

router = framed_pages()

PAGE_SIZE: Final = 50

#: What one may look for: a word for people, and the first words of the verbs that it means.
GROUPS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "cases": (N_("Cases"), ("case", "gate")),
    "tasks": (N_("Tasks"), ("task", "evidence", "act")),
    "people": (N_("People and roles"), ("person", "tenure", "absence")),
    "program": (
        N_("Program and agreements"),
        (
            *("program", "agreement", "obligation", "statement", "protocol", "restored"),
            *("role", "organization", "committee", "seat", "closure"),
        ),
    ),
    "meetings": (
        N_("Meetings"),
        (
            "season",
            "meeting",
            "guest",
            "feed",
            "reply",
            "dates",
            "agenda",
            "agenda_item",
            "attendance",
            "decision",
            "objection",
            "minutes",
            "redaction",
            "name",
        ),
    ),
    "participants": (
        N_("Participants"),
        (
            *("participant", "referral", "referral_link", "criterion", "admission", "first_meeting", "risk", "number"),
            *("consent", "research_consent", "disclosure", "retention", "destruction", "follow_up", "note_import"),
        ),
    ),
    "research": (N_("Research"), ("study", "study_export", "staff_research_consent")),
    "departures": (
        N_("Departures"),
        ("departure", "holding", "holdings", "hand_over", "hand_overs", "equipment", "account", "interview"),
    ),
    "access": (
        N_("Sign-in and access"),
        ("sign_in", "session", "access", "passkey", "identity", "invitation", "enrolment"),
    ),
    "mail": (N_("Letters"), ("notice", "head")),
}


@router.get("/activity", name="activity")
@asks(Action.SEE_ACTIVITY)
def show_activity(
    context: InContext,
    request: Request,
    about: str = "",
    person: str = "",
    on: str = "",
    all_of_it: Annotated[str, Query(alias="all")] = "",
    before: Annotated[int, Query(ge=1, le=NEWEST)] = NEWEST,
) -> HTMLResponse:
    """The lines of the record that are asked for. `before` is the number of a line: the older ones follow.

    What merely follows from something else (a task that opens, a letter that is written) is left out until `all`
    is asked for, or one of its kind.
    """
    require(Action.SEE_ACTIVITY, to_program(context.asker))
    about = about if about in GROUPS else ""
    wrong: Refusal | None = None
    who: UUID | None = None
    day: date | None = None
    try:
        who, day = id_or_none(person), day_or_none(on)
    except Refusal as refusal:
        wrong = refusal
    wanted = _wanted(context, about=about, who=who, day=day, everything=bool(all_of_it) or about in ("mail", "access"))
    rows = every(
        context.session,
        select(Event).where(*wanted, col(Event.n) < before).order_by(col(Event.n).desc()).limit(PAGE_SIZE + 1),
    )
    asked = {"about": about, "person": person, "on": on, "all": all_of_it}
    return page(
        context,
        request,
        "activity.html",
        refused=wrong,
        days=by_day(context, told(context, rows[:PAGE_SIZE])),
        # Beside what happened to a task, the case: the record is of the whole program.
        cases=_cases_of(context, rows[:PAGE_SIZE]),
        older=_address(asked, before=rows[PAGE_SIZE - 1].n) if len(rows) > PAGE_SIZE else "",
        newest=_address(asked) if before != NEWEST else "",
        total=len(rows) if len(rows) <= PAGE_SIZE and before == NEWEST else None,
        groups=[(key, title, _address({**asked, "about": key})) for key, (title, _) in GROUPS.items()],
        everything=_address({**asked, "about": ""}),
        about=about,
        who=who,
        typed_on=on,
        all_of_it=bool(all_of_it),
        people=names_to_choose(context, who),
    )


def _wanted(
    context: RequestContext, *, about: str, who: UUID | None, day: date | None, everything: bool
) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = [
        in_program(Event),
        col(Event.verb).not_in(sorted(FOR_PRIVACY)),
        line_is_open_to(literal(context.asker.person_id, Uuid())),
    ]
    if about:
        wanted.append(func.split_part(col(Event.verb), ".", 1).in_(GROUPS[about][1]))
    if not everything:
        wanted.append(col(Event.verb).not_in(sorted(MINOR)))
    if who is not None:
        # What they did, what was done to them, and what was done in their name.
        wanted.append(or_(Event.actor_id == who, Event.subject_id == who, Event.actor_for == who))
    if day is not None:
        first, after = moments_of(context.session, day)
        wanted += [col(Event.at) >= first, col(Event.at) < after]
    return wanted


def _cases_of(context: RequestContext, rows: list[Event]) -> dict[int, str]:
    """The case of each line that tells of a part of one, by the line's number."""
    cases = cases_about(context, {row.case_id for row in rows if row.case_id})
    return {
        surely(row.n): cases[row.case_id].title for row in rows if row.case_id in cases and row.subject_kind != "case"
    }


def _address(asked: Mapping[str, str], *, before: int | None = None) -> str:
    query = {name: value for name, value in asked.items() if value}
    if before is not None:
        query["before"] = str(before)
    return "/activity" + (f"?{urlencode(query)}" if query else "")
