"""The register of decisions, and one decision: who does it, by when, and what the partners say of it (GV-4)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Annotated, Any, Final, NamedTuple, TypeVar
from uuid import UUID

from fastapi import Form, Path, Query, Request, Response
from fastapi.responses import HTMLResponse

from api.access.decisions import RegisterSight, endorsing_for, find_decision, register_file, wanting
from api.access.meetings import find_meeting
from api.access.permissions import Action, Forbidden, Given, asks, is_allowed, organizations_for, require, to_program
from api.access.session import InContext, RequestContext
from api.access.tasks import find_task
from api.acts.decisions import DECISION
from api.pages.act_routes import act_pages
from api.pages.forms import Text, Typed
from api.pages.frame import framed_pages, page, see_other
from api.views.decisions import SAID, STATES, lines_of
from api.views.names import people_by_id
from api.views.sentences import sentence_of
from api.views.sittings import owners_of
from api.web import downloads
from api.web.readers import id_or_none
from domain.endorsement import counts_by
from domain.kernel import Refusal, ask_ahead, every, surely
from locales import N_
from meetings import decisions, endorsements, endorsing, objections, taking_back, wording
from meetings.committees import committee_of, committees, membership, title_of
from meetings.decision_rows import RegisteredDecision
from meetings.decision_words import MAJORITIES, said_as
from meetings.decisions import numbered
from meetings.endorsements import Endorsed
from meetings.objections import StandingItem
from models.decision_kinds import KINDS
from models.minutes import Decision
from models.program import Person

router = framed_pages()

Linked = TypeVar("Linked", bound=Decision)

#: How far back what no partner is asked of is listed for those who may ask for it.
LATELY: Final = timedelta(days=120)
#: What the form sends to take back what an organization said.
TAKE_BACK: Final = "taken_back"

Asked = Annotated[str, Query(max_length=80)]
Year = Annotated[int, Path(ge=2000, le=2100)]
Seen = Annotated[int, Form()]


class _Register(NamedTuple):
    """What the page lists: what is open, a year's decisions, and what partners are asked of, or may be."""

    years: list[int]
    year: int
    open_ones: list[RegisteredDecision]
    of_year: list[RegisteredDecision]
    to_endorse: list[RegisteredDecision]
    not_asked: list[RegisteredDecision]


@router.get("/decisions", name="decisions")
@asks(Action.SEE_DECISIONS)
def show_register(context: InContext, request: Request, committee: Asked = "", year: Asked = "") -> HTMLResponse:
    """What is open first, then a year's decisions: of one committee, or of each whose register is the reader's."""
    require(Action.SEE_DECISIONS, to_program(context.asker))
    sight = RegisterSight.of(context)
    of_reader = [committees(context.session)[one] for one in sight.registers]
    chosen = [one for one in of_reader if one.key == committee]
    found = _read(context, sight, [one.id for one in chosen or of_reader], year)
    rows = (*found.open_ones, *found.of_year, *found.to_endorse, *found.not_asked)
    said = endorsements.endorsements(context.session, {row.id for row in rows}, at=context.at)
    waiting, answered = _parted(found.to_endorse, lambda row: _silent(said[row.id], sight.organizations))
    said_before, _ = _parted(answered, lambda row: not sight.has(row))
    lines = partial(lines_of, context, words=said)
    return page(
        context,
        request,
        "decisions.html",
        committees=sorted((title_of(one, context.language), one.key) for one in of_reader),
        chosen=committee if chosen else "",
        year=found.year,
        years=found.years,
        waiting=lines(waiting),
        said_before=lines(said_before),
        not_asked=lines(found.not_asked),
        open_ones=lines(found.open_ones),
        of_year=lines(found.of_year),
        missing=partial(_missing, found.of_year),
        states=STATES,
        day=context.day,
    )


def _missing(rows: Sequence[RegisteredDecision], key: str, language: str) -> list[RegisteredDecision]:
    """Which decisions of a committee are not written in a language, so that its register is not whole in it."""
    its = [row for row in rows if row.committee_key == key]
    return [row for row in its if decisions.unwritten(row) == language]


def _read(context: RequestContext, sight: RegisterSight, chosen: Sequence[UUID], asked_year: str) -> _Register:
    """The decisions of these committees that the asker may read, of the year that is asked for if it has any."""
    wanted = int(asked_year[:5]) if asked_year.isdecimal() and asked_year.isascii() else context.day.year
    ask_ahead(
        context.session,
        decisions.asked_of_years(chosen),
        decisions.asked_of_open_in(chosen),
        decisions.asked_of_registers(chosen, wanted),
        *([decisions.asked_to_endorse(wanted)] if sight.organizations else []),
        *endorsements.asked_of_partners(context.day),
    )
    years = sorted({*decisions.years(context.session, chosen), context.day.year}, reverse=True)
    year = wanted if wanted in years else context.day.year
    open_ones = [decisions.with_age(context.session, row, context.day) for row in sight.open_ones(context, chosen)]
    of_year = sight.of_year(context, chosen, year)
    # What the partners say of all of these is asked in one; then each list takes its own.
    to_ask = every(context.session, *decisions.asked_to_endorse(year)) if sight.organizations else []
    endorsements.endorsements(context.session, [row.id for row in (*open_ones, *of_year, *to_ask)])
    to_endorse = decisions.to_endorse(context.session, sight.organizations, year)
    return _Register(years, year, open_ones, of_year, to_endorse, _not_asked(context, sight))


@router.get("/committees/{key}/decisions/{year}/{language}.{form}", name="register_paper")
@asks(Action.SEE_DECISIONS)
def download_register(
    context: InContext,
    key: Annotated[str, Path(max_length=61)],
    year: Year,
    language: downloads.Language,
    form: downloads.Form,
) -> Response:
    """A committee's register of a year as a file, in one language."""
    return downloads.download(register_file(context, key, year, language, form))


@router.get("/decisions/{decision_id}", name="decision")
@asks(Action.SEE_DECISION)
def show_decision(context: InContext, request: Request, decision_id: UUID) -> HTMLResponse:
    """One decision."""
    return decision_page(context, request, decision_id, Typed())


@router.post("/decisions/{decision_id}/endorsement")
@asks(Action.ENDORSE)
def endorse(
    context: InContext,
    request: Request,
    decision_id: UUID,
    seen: Seen,
    organization: Text = "",
    said: Text = "",
    reason: Text = "",
) -> Response:
    """Say for one's organization that it endorses the decision, objects to it, or takes back what it said."""
    _, asked, _ = find_decision(context, decision_id)
    mine = endorsing_for(context, asked)
    try:
        place = id_or_none(organization)
    except Refusal as refusal:
        return decision_page(context, request, decision_id, Typed("endorsement", refusal))
    if place not in mine:
        raise Forbidden
    by = require(Action.ENDORSE, mine[place])

    def act() -> None:
        if said == TAKE_BACK:
            endorsing.take_back(context.session, decision_id, place, by=by, at=context.at, seen=seen)
            return
        if said not in ("endorsed", "objected"):
            raise Refusal("endorsement.missing", N_("Choose whether your organization endorses the decision."))
        endorsing.endorse(context.session, decision_id, place, said, reason=reason, by=by, at=context.at, seen=seen)

    refused = context.attempt(act)
    if refused is None:
        return see_other(f"/decisions/{decision_id}#endorsements")
    typed = Typed(f"endorsement-{place}", refused, {"said": said, "reason": reason})
    return decision_page(context, request, decision_id, typed)


def decision_page(context: RequestContext, request: Request, decision_id: UUID, typed: Typed) -> HTMLResponse:
    """The page of a decision that the reader may see; with `typed`, as a rule refused what was sent."""
    row, asked, given = find_decision(context, decision_id)
    (line,) = lines_of(context, [_aged(context, row)], {row.id: asked})
    seats = membership(context.session, row.committee_id, since=context.day).seats
    before = endorsements.words_before(context.session, decision_id)
    people = _people_of(context, row, [*asked, *before])
    is_objected = row.state != "withdrawn" and any(one.word.objects for one in asked)
    return page(
        context,
        request,
        "decision.html",
        typed=typed,
        decision=row,
        line=line,
        states=STATES,
        kind=KINDS[row.kind].title,
        added_by=people[row.added_by].name if row.added_by else "",
        unwritten=decisions.unwritten(row) if is_allowed(Action.RUN_MEETING, given) else None,
        quorum=decisions.quorum_words(row.quorum, seats),
        when=wording.when(context.language, row.starts),
        meeting_is_theirs=_may(lambda: find_meeting(context.session, context.asker, row.meeting_id)),
        task_is_theirs=row.task_id is not None
        and _may(lambda: find_task(context.session, context.asker, surely(row.task_id))),
        asked=_signed(people, asked),
        words_before=_signed(people, before),
        silent=_unspoken(context, row, asked),
        mine=_mine(context, row, asked),
        may_take_back=not counts_by(row),
        majorities=MAJORITIES,
        wanted_by=_wanted_by(row, asked),
        wanting=_named(context, wanting(context, [row]).get(row.id, ())),
        settling=_sitting_on(context, decision_id, given) if is_objected else None,
        settles_at=title_of(
            committee_of(context.session, endorsements.declared(context.session).committee), context.language
        ),
        is_objected=is_objected,
        settled_on=_settled_on(context, decision_id) if is_objected else "",
        said=SAID,
        said_as=said_as,
        take_back=TAKE_BACK,
        withdrawn_by=_withdrawn_by(context, row),
        takes_back=[
            (one, _why_not(context, one, row)) for one in _theirs(context, numbered(context.session, row.takes_back))
        ],
        named_by=[(one, _why_not(context, row, one)) for one in _theirs(context, _later_ones(context, row))],
        day=context.day,
    )


def _people_of(context: RequestContext, row: Decision, said: Iterable[Endorsed]) -> Mapping[UUID, Person]:
    """Who wrote a decision in its other language, and who spoke for the partners."""
    return people_by_id(context, (row.added_by, *(one.said_by for one in said)))


def _signed(people: Mapping[UUID, Person], words: Sequence[Endorsed]) -> list[tuple[Endorsed, str]]:
    """What partners say, each with the name of the person who said it."""
    names = {person_id: person.name for person_id, person in people.items()}
    return [(one, names.get(one.said_by, "") if one.said_by else "") for one in words]


def _unspoken(context: RequestContext, row: RegisteredDecision, asked: Sequence[Endorsed]) -> set[UUID]:
    """The partners that are awaited and that nobody can speak for today."""
    today = context.asker.standing
    awaited = [one.organization_id for one in asked if one.word.is_awaited]
    return {one for one in awaited if endorsements.nobody_speaks_for(context.session, today, row, one, at=context.at)}


def _wanted_by(row: RegisteredDecision, asked: Sequence[Endorsed]) -> str:
    return next((one.organization for one in asked if one.organization_id == row.wanted_by_id), "")


def _later_ones(context: RequestContext, row: RegisteredDecision) -> Sequence[Decision]:
    """The decisions that say that they take this one back, as long as it holds."""
    return [] if row.state == "withdrawn" else taking_back.later_ones(context.session, row)


def _theirs(context: RequestContext, rows: Sequence[Linked]) -> list[Linked]:
    """Those of these decisions that the reader may see."""
    return [row for row in rows if _may(partial(find_decision, context, row.id))]


def _mine(context: RequestContext, row: RegisteredDecision, asked: Sequence[Endorsed]) -> list[tuple[Endorsed, bool]]:
    """What the asker's organizations say of a decision that holds, each with whether the asker is heard for it."""
    mine = endorsing_for(context, asked) if row.state != "withdrawn" else {}
    return [(one, _speaks(context, row, mine[one.organization_id])) for one in asked if one.organization_id in mine]


def _speaks(context: RequestContext, row: RegisteredDecision, given: Given) -> bool:
    by = require(Action.ENDORSE, given)
    return endorsements.may_speak(context.session, context.asker.standing, row, by, at=context.at)


def _aged(context: RequestContext, row: RegisteredDecision) -> RegisteredDecision:
    return decisions.with_age(context.session, row, context.day) if row.state == "open" else row


def _parted(
    rows: Sequence[RegisteredDecision], is_first: Callable[[RegisteredDecision], bool]
) -> tuple[list[RegisteredDecision], list[RegisteredDecision]]:
    """The rows of which something is so, and the others."""
    first = [row for row in rows if is_first(row)]
    return first, [row for row in rows if row not in first]


def _not_asked(context: RequestContext, sight: RegisterSight) -> list[RegisteredDecision]:
    """What was decided lately on something else than management, of which the asker may say that it is on that."""
    if not organizations_for(context.asker, Action.WANT_ENDORSEMENT):
        return []
    rows = [row for row in decisions.not_to_endorse(context.session, context.day - LATELY) if sight.has(row)]
    may_be = wanting(context, rows)
    return [row for row in rows if row.id in may_be]


def _settled_on(context: RequestContext, decision_id: UUID) -> str:
    """When the committee meets on whose agenda the objection to a decision stands; blank where it stands on none."""
    item = objections.stands_on(context.session, decision_id, at=context.at)
    return wording.when(context.language, item.starts) if item is not None else ""


def _sitting_on(context: RequestContext, decision_id: UUID, given: Mapping[Any, Any]) -> StandingItem | None:
    """The item by which an objection stands before a committee that sits now, where the asker records."""
    if not is_allowed(Action.SETTLE_OBJECTION, given):
        return None
    return objections.item_that_sits(context.session, decision_id)


def _named(context: RequestContext, places: Sequence[UUID]) -> list[tuple[UUID, str]]:
    names = dict(owners_of(context)[1]) if places else {}
    return [(place, names[place]) for place in places]


def _silent(asked: Sequence[Endorsed], organizations: Sequence[UUID]) -> bool:
    """Whether one of these organizations is asked and has said nothing yet."""
    return any(one.organization_id in organizations and one.word.is_awaited for one in asked)


def _why_not(context: RequestContext, row: RegisteredDecision, later: Decision) -> str:
    """Why a decision holds still that a later one says that it takes back; blank where it does not hold."""
    refusal = None if row.state == "withdrawn" else taking_back.why_not(context.session, row, later)
    return sentence_of(refusal) if refusal is not None else ""


def _withdrawn_by(context: RequestContext, row: RegisteredDecision) -> RegisteredDecision | None:
    if row.withdrawn_by_id is None:
        return None
    return decisions.decision_of(context.session, row.withdrawn_by_id)


def _may(find: Callable[[], object]) -> bool:
    try:
        find()
    except Forbidden:
        return False
    return True


act_pages(router, DECISION, lambda on, request, typed: decision_page(on.context, request, on.id, typed))
