"""The register of decisions, and one decision: who does it, by when, and what the partners say of it (GV-4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Annotated, Any, Final, TypeVar
from uuid import UUID

from fastapi import Form, Path, Query, Request, Response
from fastapi.responses import HTMLResponse

from api.access.decisions import Sight, endorsing_for, find_decision, register_file, wanting
from api.access.meetings import find_meeting
from api.access.permissions import Action, Forbidden, Given, allows, asks, organizations_for, require, to_program
from api.access.session import AtDesk, Desk
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
from domain.endorsement.counting import counts_by
from domain.kernel.asking import ask_ahead
from domain.kernel.refusals import Refusal
from domain.kernel.rows import every, surely
from locales import N_
from meetings import decisions, endorsements, endorsing, objections, taking_back, wording
from meetings.committees import committee_of, committees, membership, title_of
from meetings.decision_rows import RegisteredDecision
from meetings.decision_words import MAJORITIES, said_as
from meetings.decisions import numbered
from meetings.endorsements import Endorsed, WordOfPartner
from meetings.objections import StandingItem
from meetings.quorum import Standing
from models.decision_kinds import KINDS
from models.minutes import Decision
from models.program import Person

router = framed_pages()

Word = TypeVar("Word", Endorsed, WordOfPartner)
Linked = TypeVar("Linked", bound=Decision)

#: How far back what no partner is asked of is listed for those who may ask for it.
LATELY: Final = timedelta(days=120)
#: What the form sends to take back what an organization said.
TAKE_BACK: Final = "taken_back"

Asked = Annotated[str, Query(max_length=80)]
Year = Annotated[int, Path(ge=2000, le=2100)]
Seen = Annotated[int, Form()]


@router.get("/decisions", name="decisions")
@asks(Action.SEE_DECISIONS)
def show_register(desk: AtDesk, request: Request, committee: Asked = "", year: Asked = "") -> HTMLResponse:
    """What is open first, then a year's decisions: of one committee, or of each whose register is the reader's."""
    require(Action.SEE_DECISIONS, to_program(desk.asker))
    sight = Sight.of(desk)
    named = committees(desk.session)
    known = {named[one].key: one for one in sight.registers}
    chosen = [known[committee]] if committee in known else list(sight.registers)
    wanted = int(year[:5]) if year.isdecimal() and year.isascii() else desk.day.year
    ask_ahead(
        desk.session,
        decisions.asked_of_years(chosen),
        decisions.asked_of_open_in(chosen),
        decisions.asked_of_registers(chosen, wanted),
        *((decisions.ASKED_TO_ENDORSE,) if sight.organizations else ()),
        *endorsements.asked_of_partners(desk.day),
    )
    years = sorted({*decisions.years(desk.session, chosen), desk.day.year}, reverse=True)
    shown_year = wanted if wanted in years else desk.day.year
    open_ones = [decisions.with_age(desk.session, row, desk.day) for row in sight.open_ones(desk, chosen)]
    of_year = sight.of_year(desk, chosen, shown_year)
    # What the partners say of all of these is asked in one; then each list takes its own.
    to_ask = every(desk.session, *decisions.ASKED_TO_ENDORSE) if sight.organizations else []
    endorsements.endorsements(desk.session, [row.id for row in (*open_ones, *of_year, *to_ask)])
    asked_of = decisions.to_endorse(desk.session, sight.organizations)
    apart = _not_asked(desk, sight)
    rows = (*open_ones, *of_year, *asked_of, *apart)
    said = endorsements.endorsements(desk.session, {row.id for row in rows}, at=desk.at)
    waiting = [row for row in asked_of if _silent(said[row.id], sight.organizations)]
    return page(
        desk,
        request,
        "decisions.html",
        committees=sorted((title_of(named[one], desk.language), named[one].key) for one in sight.registers),
        chosen=committee if committee in known else "",
        year=shown_year,
        years=years,
        waiting=lines_of(desk, waiting, said),
        said_before=lines_of(desk, [row for row in asked_of if row not in waiting and not sight.has(row)], said),
        not_asked=lines_of(desk, apart, said),
        open_ones=lines_of(desk, open_ones, said),
        of_year=lines_of(desk, of_year, said),
        states=STATES,
        day=desk.day,
    )


@router.get("/committees/{key}/decisions/{year}/{language}.{form}", name="register_paper")
@asks(Action.SEE_DECISIONS)
def download_register(
    desk: AtDesk,
    key: Annotated[str, Path(max_length=61)],
    year: Year,
    language: downloads.Language,
    form: downloads.Form,
) -> Response:
    """A committee's register of a year as a file, in one language."""
    return downloads.download(register_file(desk, key, year, language, form))


@router.get("/decisions/{decision_id}", name="decision")
@asks(Action.SEE_DECISION)
def show_decision(desk: AtDesk, request: Request, decision_id: UUID) -> HTMLResponse:
    """One decision."""
    return decision_page(desk, request, decision_id, Typed())


@router.post("/decisions/{decision_id}/endorsement")
@asks(Action.ENDORSE)
def endorse(
    desk: AtDesk,
    request: Request,
    decision_id: UUID,
    seen: Seen,
    organization: Text = "",
    said: Text = "",
    reason: Text = "",
) -> Response:
    """Say for one's organization that it endorses the decision, objects to it, or takes back what it said."""
    _, asked, _ = find_decision(desk, decision_id)
    mine = endorsing_for(desk, asked)
    try:
        place = id_or_none(organization)
    except Refusal as refusal:
        return decision_page(desk, request, decision_id, Typed("endorsement", refusal))
    if place not in mine:
        raise Forbidden
    by = require(Action.ENDORSE, mine[place])

    def act() -> None:
        if said == TAKE_BACK:
            endorsing.take_back(desk.session, decision_id, place, by=by, at=desk.at, seen=seen)
            return
        if said not in ("endorsed", "objected"):
            raise Refusal("endorsement.missing", N_("Choose whether your organization endorses the decision."))
        endorsing.endorse(desk.session, decision_id, place, said, reason=reason, by=by, at=desk.at, seen=seen)

    refused = desk.attempt(act)
    if refused is None:
        return see_other(f"/decisions/{decision_id}#endorsements")
    typed = Typed(f"endorsement-{place}", refused, {"said": said, "reason": reason})
    return decision_page(desk, request, decision_id, typed)


def decision_page(desk: Desk, request: Request, decision_id: UUID, typed: Typed) -> HTMLResponse:
    """The page of a decision that the reader may see; with `typed`, as a rule refused what was sent."""
    row, asked, given = find_decision(desk, decision_id)
    people = people_by_id(desk)
    (line,) = lines_of(desk, [_aged(desk, row)], {row.id: asked})
    seats = membership(desk.session, row.committee_id).seats
    is_objected = row.state != "withdrawn" and any(one.word.objects for one in asked)
    return page(
        desk,
        request,
        "decision.html",
        refused=typed.refusal,
        typed=typed,
        decision=row,
        line=line,
        states=STATES,
        kind=KINDS[row.kind].title,
        quorum=decisions.quorum_words(Standing.from_json(row.quorum), seats),
        when=wording.when(desk.language, row.starts),
        meeting_is_theirs=_may(lambda: find_meeting(desk.session, desk.asker, row.meeting_id)),
        task_is_theirs=row.task_id is not None
        and _may(lambda: find_task(desk.session, desk.asker, surely(row.task_id))),
        asked=_signed(people, asked),
        words_before=_signed(people, endorsements.words_before(desk.session, decision_id)),
        silent=_unspoken(desk, row, asked),
        mine=_mine(desk, row, asked),
        may_take_back=not counts_by(row),
        majorities=MAJORITIES,
        wanted_by=_wanted_by(row, asked),
        wanting=_named(desk, wanting(desk, row)),
        settling=_sitting_on(desk, decision_id, given) if is_objected else None,
        settles_at=title_of(committee_of(desk.session, endorsements.declared(desk.session).committee), desk.language),
        is_objected=is_objected,
        settled_on=_settled_on(desk, decision_id) if is_objected else "",
        said=SAID,
        said_as=said_as,
        take_back=TAKE_BACK,
        withdrawn_by=_withdrawn_by(desk, row),
        takes_back=[(one, _why_not(desk, one, row)) for one in _theirs(desk, numbered(desk.session, row.takes_back))],
        named_by=[(one, _why_not(desk, row, one)) for one in _theirs(desk, _later_ones(desk, row))],
        day=desk.day,
    )


def _signed(people: Mapping[UUID, Person], words: Sequence[Word]) -> list[tuple[Word, str]]:
    """What partners say, each with the name of the person who said it."""
    names = {person_id: person.name for person_id, person in people.items()}
    return [(one, names.get(one.said_by, "") if one.said_by else "") for one in words]


def _unspoken(desk: Desk, row: RegisteredDecision, asked: Sequence[Endorsed]) -> set[UUID]:
    """The partners that are awaited and that nobody can speak for today."""
    today = desk.asker.standing
    awaited = [one.organization_id for one in asked if one.word.is_awaited]
    return {one for one in awaited if endorsements.nobody_speaks_for(desk.session, today, row, one, at=desk.at)}


def _wanted_by(row: RegisteredDecision, asked: Sequence[Endorsed]) -> str:
    return next((one.organization for one in asked if one.organization_id == row.wanted_by_id), "")


def _later_ones(desk: Desk, row: RegisteredDecision) -> Sequence[Decision]:
    """The decisions that say that they take this one back, as long as it holds."""
    return [] if row.state == "withdrawn" else taking_back.later_ones(desk.session, row)


def _theirs(desk: Desk, rows: Sequence[Linked]) -> list[Linked]:
    """Those of these decisions that the reader may see."""
    return [row for row in rows if _may(partial(find_decision, desk, row.id))]


def _mine(desk: Desk, row: RegisteredDecision, asked: Sequence[Endorsed]) -> list[tuple[Endorsed, bool]]:
    """What the asker's organizations say of a decision that holds, each with whether the asker is heard for it."""
    mine = endorsing_for(desk, asked) if row.state != "withdrawn" else {}
    return [(one, _speaks(desk, row, mine[one.organization_id])) for one in asked if one.organization_id in mine]


def _speaks(desk: Desk, row: RegisteredDecision, given: Given) -> bool:
    by = require(Action.ENDORSE, given)
    return endorsements.may_speak(desk.session, desk.asker.standing, row, by, at=desk.at)


def _aged(desk: Desk, row: RegisteredDecision) -> RegisteredDecision:
    return decisions.with_age(desk.session, row, desk.day) if row.state == "open" else row


def _not_asked(desk: Desk, sight: Sight) -> list[RegisteredDecision]:
    """What was decided lately on something else than management, of which the asker may say that it is on that."""
    if not organizations_for(desk.asker, Action.WANT_ENDORSEMENT):
        return []
    rows = [row for row in decisions.not_to_endorse(desk.session, desk.day - LATELY) if sight.has(row)]
    return [row for row in rows if wanting(desk, row)]


def _settled_on(desk: Desk, decision_id: UUID) -> str:
    """When the committee meets on whose agenda the objection to a decision stands; blank where it stands on none."""
    item = objections.stands_on(desk.session, decision_id, at=desk.at)
    return wording.when(desk.language, item.starts) if item is not None else ""


def _sitting_on(desk: Desk, decision_id: UUID, given: Mapping[Any, Any]) -> StandingItem | None:
    """The item by which an objection stands before a committee that sits now, where the asker records."""
    if allows(Action.SETTLE_OBJECTION, given) is None:
        return None
    return objections.item_that_sits(desk.session, decision_id)


def _named(desk: Desk, places: Sequence[UUID]) -> list[tuple[UUID, str]]:
    names = dict(owners_of(desk)[1]) if places else {}
    return [(place, names[place]) for place in places]


def _silent(asked: Sequence[Endorsed], organizations: Sequence[UUID]) -> bool:
    """Whether one of these organizations is asked and has said nothing yet."""
    return any(one.organization_id in organizations and one.word.is_awaited for one in asked)


def _why_not(desk: Desk, row: RegisteredDecision, later: Decision) -> str:
    """Why a decision holds still that a later one says that it takes back; blank where it does not hold."""
    refusal = None if row.state == "withdrawn" else taking_back.why_not(desk.session, row, later)
    return sentence_of(refusal) if refusal is not None else ""


def _withdrawn_by(desk: Desk, row: RegisteredDecision) -> RegisteredDecision | None:
    if row.withdrawn_by_id is None:
        return None
    return decisions.decision_of(desk.session, row.withdrawn_by_id)


def _may(find: Callable[[], object]) -> bool:
    try:
        find()
    except Forbidden:
        return False
    return True


act_pages(router, DECISION, lambda on, request, typed: decision_page(on.desk, request, on.id, typed))
