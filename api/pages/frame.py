"""What surrounds every page: where one may go and what waits there, who is looking, and which program it is."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, NamedTuple
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy import ARRAY, Uuid, any_, bindparam, func
from sqlmodel.sql.expression import Select as Picked

from api.access.destructions import to_destructions
from api.access.outgoing_mail import to_post
from api.access.permissions import Action, allows, is_allowed, to_program
from api.access.research import to_studies
from api.access.session import SAFE_METHODS, InContext, Installation, RequestContext, asked_of_person
from api.acts.declaring import ActRouter
from api.pages.forms import Typed
from api.views.meetings import heading_of
from api.views.names import ASKED_OF_TITLES, titles_of_roles
from api.views.sentences import sentence_of
from api.views.undecided import Undecided
from api.web.answers import status_of
from api.web.rendering import render
from domain.casework import board, vacancies
from domain.kernel import (
    Part,
    Question,
    Refusal,
    ask_ahead,
    built,
    col,
    in_program,
    only,
    run,
    scalar,
    select,
    title_of,
)
from domain.restored import matters
from locales import N_, gettext
from models.meeting import Meeting
from models.outbox import Notice
from models.program import Person, Program


@dataclass(frozen=True)
class MenuEntry:
    """A page of the menu as one person sees it: whether it is the page shown, and how many things wait there."""

    href: str
    label: str
    current: bool
    section: str
    count: int
    urgent: bool


class Reader(NamedTuple):
    """Who is looking, as base.html shows them."""

    name: str
    href: str
    role: str = ""
    acting_for: str = ""
    sign_out: str = "/sign-out"


@dataclass(frozen=True)
class MenuPage:
    """A page of the menu: its address, its name, its readers, and the heading that it opens, if any."""

    href: str
    label: str
    action: Action
    section: str = ""


PLACES: Final = (
    MenuPage("/", N_("My work"), Action.SEE_MY_WORK),
    MenuPage("/referrals", N_("Referrals"), Action.REFER),
    MenuPage("/caseload", N_("Follow-ups"), Action.SEE_CASELOAD),
    MenuPage("/research-consents", N_("Consents to research"), Action.KEEP_RESEARCH_CONSENTS),
    MenuPage("/staff-research-consents", N_("Staff in the research"), Action.KEEP_RESEARCH_CONSENTS),
    MenuPage("/studies", N_("Studies"), Action.SEE_STUDIES),
    MenuPage("/cases", N_("Cases"), Action.SEE_CASES),
    MenuPage("/departures", N_("Departures"), Action.SEE_DEPARTURES),
    MenuPage("/meetings", N_("Meetings"), Action.SEE_CALENDAR),
    MenuPage("/decisions", N_("Decisions"), Action.SEE_DECISIONS),
    MenuPage("/partners", N_("Partners"), Action.SEE_PARTNERS),
    MenuPage("/board", N_("Coordination board"), Action.SEE_BOARD),
    MenuPage("/people", N_("People and roles"), Action.SEE_PEOPLE, N_("The program")),
    MenuPage("/equipment", N_("Equipment"), Action.SEE_EQUIPMENT),
    MenuPage("/access", N_("Access"), Action.SEE_ACCESS),
    MenuPage("/program", N_("Agreements and committees"), Action.SEE_PROGRAM),
    MenuPage("/protocols", N_("Protocols"), Action.SEE_PROTOCOL),
    MenuPage("/post", N_("Outgoing mail"), Action.SEE_POST, N_("Records")),
    MenuPage("/engine", N_("The engine"), Action.SEE_ENGINE),
    MenuPage("/activity", N_("Activity"), Action.SEE_ACTIVITY),
    MenuPage("/destructions", N_("Files to destroy"), Action.SEE_DESTRUCTIONS),
    MenuPage("/statements", N_("Statements for funders"), Action.SEE_COUNTS),
    MenuPage("/measures", N_("Implementation"), Action.SEE_MEASURES),
    MenuPage("/privacy", N_("Privacy"), Action.SEE_PRIVACY),
    MenuPage("/privacy/rights", N_("People’s own requests"), Action.SEE_RIGHTS),
    MenuPage("/privacy/incidents", N_("Register of incidents"), Action.SEE_INCIDENTS),
    MenuPage("/my-access", N_("My access"), Action.SEE_MY_ACCESS, N_("You")),
)

#: What a demonstration says of the year behind its people until it is there.
YEARS: Final[Mapping[str, str]] = {
    "being_written": N_(
        "Fictitious people. Their past year is still being written: load this page again in some seconds, and you can"
        " act."
    ),
    "missing": N_(
        "Fictitious people. Their past year could not be written: meetings and cases are missing. It is tried again at"
        " the next start."
    ),
}


def framed_pages(prefix: str = "", *, of_acts: bool = False) -> APIRouter:
    """The pages of one module, each inside the frame of who is signed in; `of_acts`, none that writes by hand.

    Each says so here, where it is made: a router around it would work every page out again, which is a second at each
    start.
    """
    router = ActRouter if of_acts else APIRouter
    return router(prefix=prefix, dependencies=[Depends(framed)], include_in_schema=False)


def framed(request: Request, context: InContext) -> None:
    """Puts a frame without counts around whatever answers, so that an error page keeps its menu too.

    A dependency of every page's router. Of a request that changes nothing, all that the frame tells is asked now, in
    one statement.
    """
    ask_ahead(context.session, *_asked(context))
    plain = partial(frame_of, context, request.url.path)
    # What was asked ahead is known after the transaction too; whatever else asks while it lasts.
    request.state.page = plain if request.method in SAFE_METHODS else plain()


def page(
    context: RequestContext,
    request: Request,
    name: str,
    *,
    status: int = 200,
    refused: Refusal | None = None,
    **shown: Any,
) -> HTMLResponse:
    """The page `name` for the signed-in person, with its menu and what waits at each place.

    The counts are those of this very transaction. What was `refused`, or why a form is shown again with what was
    `typed`, gives the status, and its sentence is the page's `refusal`, "" where nothing was. What was written is
    kept on the page, where it has that form no more.
    """
    typed = shown.get("typed")
    if refused is None and isinstance(typed, Typed):
        refused = typed.refusal
    if refused is not None:
        status = status_of(refused)
    shown["undecided"] = Undecided(context)
    shown.setdefault("refusal", sentence_of(refused) if refused is not None else "")
    request.state.page = frame_of(context, request.url.path, counts=True)
    answer = render(request, name, status=status, **shown)
    kept = typed.lost_from(bytes(answer.body).decode()) if isinstance(typed, Typed) else []
    return render(request, name, status=status, **shown, words_kept=kept) if kept else answer


def page_of_meeting(
    context: RequestContext, request: Request, name: str, meeting: Meeting, **shown: Any
) -> HTMLResponse:
    """A page that is about one meeting, with what it says of that."""
    return page(context, request, name, **heading_of(context, meeting), **shown)


class Parts(NamedTuple):
    """The addresses at which the list of a page begins, where this is a later part of it, and goes on; "" for none."""

    beginning: str
    following: str


def around(part: Part[Any], after: object, path: str, at: str = "") -> Parts:
    """Where the list of a part begins and goes on: at a path, and there `at` a place."""
    further = f"{path}{'&' if '?' in path else '?'}after={part.next}{at}"
    return Parts(path + at if after else "", further if part.next else "")


def see_other(address: str) -> RedirectResponse:
    """After a form: to the page that shows what it did. `address` is one of ours, and may name a part of the page."""
    return RedirectResponse(address, 303)


def answered(outcome: str | Refusal, again: Callable[[Refusal], Response]) -> Response:
    """After a form: to where its outcome leads; or the page `again`, which says why it was refused."""
    return again(outcome) if isinstance(outcome, Refusal) else see_other(outcome)


def frame_of(context: RequestContext, path: str, *, counts: bool = False) -> dict[str, object]:
    """What base.html knows of who is looking: program, person, menu, and whether this is the demonstration."""
    places = [place for place in PLACES if may_go(context, place.action)]
    current = max((place.href for place in places if is_under(path, place.href)), key=len, default="")
    waiting = _waiting(context, {place.action for place in places}) if counts else {}
    return {
        "program": title_of(context.program, context.language),
        "demonstration": ribbon_of(context.installation, [context.program]),
        "letters_leave": context.installation.letters_leave,
        "person": _who(context, titled=counts),
        "nav": [
            MenuEntry(
                place.href,
                gettext(place.label),
                place.href == current,
                gettext(place.section) if place.section else "",
                *waiting.get(place.action, (0, False)),
            )
            for place in places
        ],
    }


def ribbon_of(installation: Installation, programs: Sequence[Program]) -> bool | str:
    """What stands above each page of a demonstration: True for its usual words, or a sentence on the year behind."""
    for program in programs:
        year = installation.year_behind(program)
        if year in YEARS:
            return gettext(YEARS[year])
    return installation.demonstration


def may_go(context: RequestContext, action: Action) -> bool:
    """Whether a place of the menu is for the signed-in person."""
    if action in (Action.SEE_POST, Action.RESEND_POST):
        return is_allowed(action, to_post(context.asker, demonstration=context.installation.demonstration))
    if action is Action.SEE_ACCESS:
        managed = context.asker.organizations_as("manager")
        return is_allowed(action, to_program(context.asker, organizations=managed))
    if action is Action.SEE_DESTRUCTIONS:
        return is_allowed(action, to_destructions(context.asker, context.asker.organizations_as("manager")))
    if action in (Action.SEE_STUDIES, Action.SEE_MEASURES):
        return is_allowed(action, to_studies(context.session, context.asker))
    given = to_program(context.asker)
    if action in (Action.SEE_INCIDENTS, Action.SEE_RIGHTS) and allows(Action.SEE_PRIVACY, given):
        return False  # the registers are among the pages of privacy
    return is_allowed(action, given)


def is_under(path: str, href: str) -> bool:
    """Whether the page at `path` belongs to the place `href` of the menu.

    A task is a piece of one's work, and committees are those who meet. Who answers that a file be destroyed sees
    nothing else of it.
    """
    place = next((at for pages, at in _ELSEWHERE if pages.fullmatch(path)), path)
    return place == href or (href != "/" and place.startswith(f"{href}/"))


#: Pages that do not stand under the address of the place that they belong to; the first that fits counts.
_ELSEWHERE: Final = tuple(
    (re.compile(pages, re.DOTALL), place)
    for pages, place in (
        ("/tasks/.*", "/"),
        ("/handed-over", "/departures"),
        ("/participants/(.*/)?destruction", "/destructions"),
        ("/participants/.*", "/referrals"),
        ("/follow-ups/.*|/activities", "/caseload"),
        ("/obligations/.*", "/partners"),
        ("/committees(/.*)?|/strays", "/meetings"),
    )
)


def _who(context: RequestContext, *, titled: bool) -> Reader:
    asker = context.asker
    who = Reader(context.person.name, f"/people/{asker.person_id}")
    if not titled:
        return who
    titles, standing = titles_of_roles(context), asker.standing
    roles = sorted({tenure.role for tenure in standing.roles_of(asker.person_id)})
    away = [absence.person_id for absence in standing.acting_for(asker.person_id)]
    rows = run(context.session, *_asked_of_names(away)) if away else ()
    return who._replace(
        role=", ".join(titles[role] for role in roles),
        acting_for=", ".join(f"{given} {family}" for given, family in rows),
    )


def _waiting(context: RequestContext, actions: set[Action]) -> dict[Action, tuple[int, bool]]:
    """How many things wait at each place, and whether that is urgent."""
    session, standing = context.session, context.asker.standing
    mine = board.counts_of(session, standing, context.asker.person_id)
    found = {Action.SEE_MY_WORK: (mine.to_do + mine.to_approve, mine.late > 0)}
    if Action.SEE_BOARD in actions:
        found[Action.SEE_BOARD] = (len(vacancies.find(session, standing)), False)
    if Action.SEE_POST in actions:
        found[Action.SEE_POST] = (scalar(session, *_ASKED_OF_FAILED) or 0, True)
    return found


_NAMES: Final = built(
    only(Person.given_name, Person.family_name)
    .where(col(Person.id) == any_(bindparam("absent", type_=ARRAY(Uuid()))))
    .order_by(col(Person.sort_key))
)
_ASKED_OF_FAILED: Final = Question(built(select(func.count()).where(in_program(Notice), Notice.state == "failed")))


def _asked_of_names(people: list[UUID]) -> Question[Picked[str, str]]:
    return Question(_NAMES, {"absent": people})


def _asked(context: RequestContext) -> list[Question[Any]]:
    """All that a frame with counts asks of the database."""
    standing, me = context.asker.standing, context.asker.person_id
    asked: list[Question[Any]] = [asked_of_person(me), ASKED_OF_TITLES, *board.asked_of_mine(standing, me)]
    asked.append(matters.ASKED_OF_WAITING)  # what was restored and waits is said wherever it is shown
    away = [absence.person_id for absence in standing.acting_for(me)]
    if away:
        asked.append(_asked_of_names(away))
    if may_go(context, Action.SEE_BOARD):
        asked += vacancies.asked(standing)
    if may_go(context, Action.SEE_POST):
        asked.append(_ASKED_OF_FAILED)
    return asked
