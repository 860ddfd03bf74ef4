"""The page on which a meeting is run: opened, its seats and items recorded, decisions taken, and closed.

Everything stands on one screen and works without the script: each form is sent, and the page comes back where it was.
With the script the part `run` alone is put in place, and what was typed in other forms stays there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Annotated, Final
from uuid import UUID

from fastapi import Depends, Form, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from pydantic import BaseModel

from api.access.meetings import find_meeting
from api.access.permissions import Action, Forbidden, asks, require
from api.access.session import InContext, RequestContext
from api.access.sittings import read_sitting
from api.acts.sittings import CASES, ITEMS, MEETING, SEATS
from api.pages.act_routes import Seen, act_pages
from api.pages.forms import Text, Typed
from api.pages.frame import answered, framed_pages, page_of_meeting
from api.pages.idempotent_forms import AtOnce
from api.views.in_sitting import CASE_WORDS, InSitting, in_sitting
from api.views.meetings import ANSWERS
from api.views.names import people_by_id
from api.views.sittings import ATTENDED, OUTCOMES, owners_of, sitting_of
from api.web.readers import day_or_none, hour_there, id_or_none
from domain.kernel import Actor, Refusal
from locales import N_, gettext, pick
from meetings import attendance, deciding, decisions, running, wording
from meetings.agenda_items import asked_for, items_of
from meetings.committees import Membership, committees, title_of
from meetings.local_times import local_of
from meetings.locking import read_meeting
from models.decision_kinds import KINDS
from models.meeting import Meeting

router = framed_pages()


#: What the buttons "arrives now" and "leaves now" send beside a state.
ARRIVES: Final = "arrives"
LEAVES: Final = "leaves"

#: So many characters of a decision stand in a list of them.
_FIRST_WORDS: Final = 60


@router.get("/meetings/{meeting_id}/run", name="sitting")
@asks(Action.RUN_MEETING)
def show_sitting(context: InContext, request: Request, meeting_id: UUID) -> HTMLResponse:
    """One meeting, to be run."""
    _who_runs(context, meeting_id)
    return sitting_page(context, request, meeting_id, Typed())


class AttendanceTyped(BaseModel):
    """How a seat is filled, as it was typed; `state` may be that its holder arrives, or leaves, now."""

    seen: int
    seat: str = ""
    state: str = ""
    person: str = ""
    remote: str = ""
    arrived: str = ""
    left: str = ""


@router.post("/meetings/{meeting_id}/run/attendance")
@asks(Action.RUN_MEETING)
def record_attendance(
    context: InContext, request: Request, meeting_id: UUID, typed: Annotated[AttendanceTyped, Form()]
) -> Response:
    """Say how one seat is filled, or correct it."""
    by, state, seen = _who_runs(context, meeting_id), typed.state, typed.seen
    values = typed.model_dump(exclude={"seen", "seat"})
    if state in (ARRIVES, LEAVES):
        values = _as_typed(context, meeting_id, state)

    def act() -> None:
        seat_id = id_or_none(typed.seat)
        if seat_id is None:
            raise Refusal("seat.missing", N_("Choose from the list."))
        if state in (ARRIVES, LEAVES):
            _come_or_go(context, meeting_id, seat_id, state, by=by, seen=seen)
            return
        attendance.record(
            context.session,
            meeting_id,
            seat_id,
            state,
            person_id=id_or_none(typed.person),
            is_remote=typed.remote == "yes",
            arrived_at=hour_there(context, meeting_id, typed.arrived),
            left_at=hour_there(context, meeting_id, typed.left),
            by=by,
            at=context.at,
            seen=seen,
        )

    return _done(context, request, meeting_id, Typed(f"seat-{typed.seat}", None, values), act)


@dataclass(frozen=True)
class DecisionTyped:
    """A decision as it was typed, on an item in the version that was seen, or on none."""

    item: Text = ""
    seen: Seen = None
    text_fr: Text = ""
    text_en: Text = ""
    kind: Text = ""
    why_not_management: Text = ""
    owner_role: Text = ""
    owner_organization: Text = ""
    due: Text = ""
    hour: Text = ""
    grants: Text = ""
    takes_back: Text = ""


#: The fields of a decision in which people write in their own words.
_WRITTEN: Final = ("text_fr", "text_en", "why_not_management")


@router.post("/meetings/{meeting_id}/run/decision")
@asks(Action.RUN_MEETING)
def decide(
    context: InContext, request: Request, meeting_id: UUID, once: AtOnce, typed: Annotated[DecisionTyped, Depends()]
) -> Response:
    """Record a decision, on an item or on none; with the role that owes it, its task opens."""
    by = _who_runs(context, meeting_id)
    item_id = _item_seen(context, meeting_id, typed) if typed.item else None
    values = {name: said for name, said in asdict(typed).items() if name not in ("item", "seen")}
    form = Typed(f"decide-{item_id or 'else'}", None, values, _WRITTEN)

    def act() -> str:
        is_answered = typed.grants in ("yes", "no")
        if not typed.kind:
            raise Refusal("kind.missing", N_("Say what kind of decision it is."))
        if item_id is not None and not is_answered and item_id in asked_for(context.session, [item_id]):
            raise Refusal("grants.missing", N_("Say whether the decision is what the procedure asks for."))
        deciding.decide(
            context.session,
            meeting_id,
            item_id,
            text_fr=typed.text_fr,
            text_en=typed.text_en,
            kind=typed.kind,
            why_not_management=typed.why_not_management,
            owner_role=typed.owner_role,
            owner_organization_id=id_or_none(typed.owner_organization),
            due_on=day_or_none(typed.due),
            decided_at=hour_there(context, meeting_id, typed.hour),
            grants=typed.grants == "yes",
            takes_back=[typed.takes_back] if typed.takes_back else (),
            by=by,
            at=context.at,
            seen=typed.seen,
        )
        return _place(meeting_id, form)

    return answered(once.attempt(act), lambda why: sitting_page(context, request, meeting_id, form.refused(why)))


# ------------------------------------------------------------------------------------------------- what the page shows


def sitting_page(context: RequestContext, request: Request, meeting_id: UUID, typed: Typed) -> HTMLResponse:
    """The page of a meeting that is run; with `typed`, as a rule refused it."""
    meeting, members, _ = find_meeting(context.session, context.asker, meeting_id)
    is_open, is_live = meeting.state in ("under_way", "held"), meeting.state == "under_way"
    roles, organizations = owners_of(context) if is_live else ([], [])
    return page_of_meeting(
        context,
        request,
        "sitting.html",
        meeting,
        meeting_id=meeting_id,
        typed=typed,
        is_live=is_live,
        may_open=meeting.state == "planned" and context.at >= running.opens_at(meeting),
        opens=wording.when(context.language, local_of(running.opens_at(meeting), meeting.time_zone)),
        sitting=sitting_of(context, meeting, members, people_by_id(context, members.people_on(meeting.starts.date())))
        if is_open
        else None,
        items=len(items_of(context.session, meeting_id)),
        attended=ATTENDED,
        answers=ANSWERS,
        outcomes=OUTCOMES,
        arrives=ARRIVES,
        leaves=LEAVES,
        others=[
            (row.key, title_of(row, context.language))
            for row in committees(context.session).values()
            if row.id != meeting.committee_id and "rules" in row.agenda
        ],
        kinds=[(kind.key, gettext(kind.title), gettext(kind.hint) if kind.hint else "") for kind in KINDS.values()],
        roles=roles,
        organizations=organizations,
        named=_may_be_named(context, meeting.committee_id) if is_live else [],
        day=context.day,
        now=_cases_now(context, meeting, members),
        **CASE_WORDS,
    )


def _cases_now(context: RequestContext, meeting: Meeting, members: Membership) -> InSitting | None:
    """The cases under the item that a meeting is at, to be recorded; None of one that does not sit."""
    if meeting.state != "under_way":
        return None
    read = read_sitting(context.session, meeting, members, [context.asker.person_id])
    return in_sitting(read, read.seen_by(context.asker), context.language, context.at)


# ---------------------------------------------------------------------------------------------------- what the forms do


def _who_runs(context: RequestContext, meeting_id: UUID) -> Actor:
    """The actor who runs a meeting that the asker may see. Raises Forbidden."""
    _, _, given = find_meeting(context.session, context.asker, meeting_id)
    return require(Action.RUN_MEETING, given)


def _done(
    context: RequestContext, request: Request, meeting_id: UUID, typed: Typed, act: Callable[[], object]
) -> Response:
    """Do what a form asks and go back to it; or show the page again, with what was typed, where a rule refuses."""
    outcome = context.attempt(act) or _place(meeting_id, typed)
    return answered(outcome, lambda why: sitting_page(context, request, meeting_id, typed.refused(why)))


def _place(meeting_id: UUID, typed: Typed) -> str:
    """The part of the page that a form leads to."""
    place = typed.form.replace("decide-", "item-") if typed.form != "decide-else" else "decided"
    return f"/meetings/{meeting_id}/run#{place}"


def _may_be_named(context: RequestContext, committee_id: UUID) -> list[tuple[str, str]]:
    """The decisions that one of the committee may take back: each number, with the first words beside it."""
    found = []
    for row in decisions.may_be_named(context.session, committee_id):
        text = pick(context.language, {"fr": row.text_fr or row.text_en, "en": row.text_en or row.text_fr})
        short = text if len(text) <= _FIRST_WORDS else f"{text[:_FIRST_WORDS].rstrip()}…"
        found.append((row.number, f"{row.number} {short}"))
    return found


def _item_seen(context: RequestContext, meeting_id: UUID, typed: DecisionTyped) -> UUID:
    """The id of the item of this meeting that is decided on. Raises Forbidden where it has none of it, and Refusal.

    Raises RequestValidationError where the form does not say in which version it was seen.
    """
    found = next((row.id for row in items_of(context.session, meeting_id) if str(row.id) == typed.item), None)
    if found is None:
        raise Forbidden
    if typed.seen is None:
        raise RequestValidationError([{"loc": ("body", "seen"), "type": "missing"}])
    return found


def _come_or_go(context: RequestContext, meeting_id: UUID, seat_id: UUID, what: str, *, by: Actor, seen: int) -> None:
    """Record that a person comes to a seat, or leaves it, at this moment: what else is recorded of it stays.

    A person who comes back has never left: a seat has one coming and one leaving, and each decision has its own quorum.
    """
    before = next(
        (one for one in attendance.attendance_of(context.session, meeting_id) if one.seat.id == seat_id), None
    )
    if before is None:
        raise Forbidden
    arrived_at, left_at = before.arrived_at, context.at if what == LEAVES else None
    if what == ARRIVES and before.person_id is None:
        arrived_at = context.at
    attendance.record(
        context.session,
        meeting_id,
        seat_id,
        before.state if before.person_id or what == LEAVES else "present",
        person_id=before.person_id,
        is_remote=before.is_remote,
        arrived_at=arrived_at,
        left_at=left_at,
        by=by,
        at=context.at,
        seen=seen,
    )


def _as_typed(context: RequestContext, meeting_id: UUID, what: str) -> dict[str, str]:
    """What a press of "arrives" or "leaves" would have been if it were typed: a refused one stays in the form."""
    meeting = read_meeting(context.session, meeting_id)
    hour = local_of(context.at, meeting.time_zone).strftime("%H:%M")
    return {"state": "present", "arrived": hour} if what == ARRIVES else {"left": hour}


for subject in (MEETING, SEATS, ITEMS, CASES):
    act_pages(
        router,
        subject,
        lambda on, request, typed: sitting_page(on.context, request, on.id, typed),
        after=lambda _, place: place.replace("#", "/run#"),
        must_have_seen=True,
    )
