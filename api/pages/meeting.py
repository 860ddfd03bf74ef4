"""One meeting: when and where, who is invited and what they answered, what is on its agenda, and its forms.

What changes its dates is asked twice: `api.pages.previews` shows first who will be told what.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import Form, Request, Response
from fastapi.responses import HTMLResponse

from api.access import summaries as at_summaries
from api.access.meetings import audience_of, find_meeting
from api.access.participants import find_participant
from api.access.permissions import Action, Forbidden, Given, allows, asks, is_allowed, require
from api.access.session import InContext, RequestContext
from api.access.sittings import may_sit
from api.acts.invitations import INVITED
from api.acts.meetings import DATES, GUESTS
from api.pages.act_routes import act_pages
from api.pages.forms import Text, Typed
from api.pages.frame import framed_pages, page_of_meeting
from api.pages.previewed_acts import previewed_pages
from api.pages.previews import Preview, previewed
from api.views.agendas import documents_of
from api.views.meetings import ANSWERS
from api.views.names import people_by_id, present
from api.web.readers import day_of, hour_of, id_or_none, minutes_or_none
from domain.kernel import Refusal, first, of
from locales import N_, gettext, show_clock, show_day
from meetings import agenda_papers, answers, drafting, recruiters, schedule, wording
from meetings.answers import Answered, MeetingQuestion
from meetings.committees import ALTERNATE, PRINCIPAL, CommitteeSeat, Membership, committees, title_of
from meetings.invitations import PersonalNews
from meetings.invitees import guests_of, invited_to
from meetings.locking import original_of
from models.meeting import Meeting, MeetingSeries
from models.program import Person

router = framed_pages()

Seen = Annotated[int, Form()]
Facts = list[tuple[str, str]]

#: What is at most said of why somebody is on the list of a seat.
AS: Final[Mapping[str, str]] = {
    PRINCIPAL: "",
    ALTERNATE: N_("alternate"),
    "deputy": N_("sits for someone away"),
    "named": N_("comes instead"),
}


@router.get("/meetings/{meeting_id}", name="meeting")
@asks(Action.SEE_MEETING)
def show_meeting(context: InContext, request: Request, meeting_id: UUID) -> HTMLResponse:
    """One meeting."""
    return meeting_page(context, request, meeting_id, Typed())


@router.post("/meetings/{meeting_id}/hour")
@asks(Action.PLAN_MEETINGS)
def change_hour(
    context: InContext,
    request: Request,
    meeting_id: UUID,
    seen: Seen,
    hour: Text = "",
    minutes: Text = "",
    shown: Text = "",
) -> Response:
    """Have this meeting and every later one of its season at another hour. `seen` is the season's version."""
    row, _, given = find_meeting(context.session, context.asker, meeting_id)
    by = require(Action.PLAN_MEETINGS, given)
    values = {"hour": hour, "minutes": minutes}

    def change() -> tuple[PersonalNews, ...]:
        season_id, length = schedule.season_of(row), minutes_or_none(minutes)
        since = original_of(row).date()
        return schedule.change_hour(
            context.session, season_id, since=since, hour=hour_of(hour), minutes=length, by=by, at=context.at, seen=seen
        )

    asked = replace(
        _asked(context, row, "hour", values),
        action=request.url.path,
        fields=[*values.items(), ("seen", str(seen))],
        shown=shown,
    )
    outcome = previewed(context, request, asked, change)
    if isinstance(outcome, Refusal):
        return meeting_page(context, request, meeting_id, Typed("hour", outcome, values))
    return outcome


# ------------------------------------------------------------------------------------------------- what the page shows


def meeting_page(context: RequestContext, request: Request, meeting_id: UUID, typed: Typed) -> HTMLResponse:
    """The page of a meeting that the reader may see; with `typed`, as a rule refused it. Raises Forbidden."""
    meeting, members, given = find_meeting(context.session, context.asker, meeting_id)
    audience = audience_of(context, members, given, meeting.starts.date())
    is_open = meeting.state == "planned"
    may_plan = is_open and is_allowed(Action.PLAN_MEETINGS, given)
    said = {row.person_id: row for row in answers.given(context.session, [meeting_id])}
    guests = guests_of(context.session, meeting_id)
    concerned = {*members.people_on(meeting.starts.date()), *guests, *_alternates(said)}
    people = people_by_id(context, concerned | _may_be_guests(context, may_plan=may_plan))
    (in_words,) = drafting.in_the_readers_words(context.session, [meeting], context.language)
    return page_of_meeting(
        context,
        request,
        "meeting.html",
        in_words,
        typed=typed,
        season=_season(context, meeting) if may_plan else None,
        seats=seats_of(context, meeting, members, people, said),
        guests=[(people[one], said.get(one)) for one in guests],
        mine=_mine(context, meeting, given),
        people=people,
        answers=ANSWERS,
        roles_on_seats=AS,
        may_plan=may_plan,
        may_run=meeting.state != "cancelled" and is_allowed(Action.RUN_MEETING, given),
        may_sit=may_sit(context, meeting, members, given),
        to_invite=_to_invite(context, meeting, people) if may_plan else [],
        agenda=agenda_papers.whole(context.session, meeting_id, audience=audience),
        documents=[one for one in documents_of(context, meeting_id, audience) if not one.version.is_replaced],
        may_keep_agenda=is_allowed(Action.KEEP_AGENDA, given),
        may_ask=is_open and is_allowed(Action.ASK_FOR_ITEM, given),
        day=context.day,
        candidates=_candidates(context, meeting),
        summaries=at_summaries.on_the_table(context.session, context.asker, meeting),
    )


def _mine(context: RequestContext, meeting: Meeting, given: Given) -> MeetingQuestion | None:
    """What the meeting asks the reader, where they may still answer."""
    if meeting.state != "planned" or meeting.ends_at <= context.at or not allows(Action.ANSWER_INVITATION, given):
        return None
    return next(iter(answers.asked_of(context.session, context.asker.person_id, [meeting])), None)


def _alternates(said: Mapping[UUID, Answered]) -> set[UUID | None]:
    """Who was named to come in the place of those who answered."""
    return {row.alternate_id for row in said.values()}


def _may_be_guests(context: RequestContext, *, may_plan: bool) -> set[UUID]:
    """Who may be invited beside the committee, for a reader who may plan."""
    return present(context) if may_plan else set()


def _to_invite(context: RequestContext, meeting: Meeting, people: Mapping[UUID, Person]) -> list[tuple[UUID, str]]:
    invited = invited_to(context.session, meeting)
    may_come = present(context) - invited
    return [(one.id, one.name) for one in people.values() if one.id in may_come]


def _candidates(context: RequestContext, meeting: Meeting) -> list[tuple[str, UUID]]:
    """The candidates that a meeting under way decides on, by reference or number, as far as the reader may see them."""
    if meeting.state != "under_way":
        return []
    found = []
    for participant_id in recruiters.sat_on(context.session, meeting.id).values():
        try:
            row, _ = find_participant(context.session, context.asker, participant_id)
        except Forbidden:
            continue
        found.append((row.number or row.candidate_ref, participant_id))
    return sorted(found)


@dataclass(frozen=True)
class SeatedPerson:
    """Someone on the list of a seat: as what, whether they are away that day, and what they answered if invited."""

    person: Person
    why: str
    is_away: bool
    is_invited: bool
    answer: Answered | None


@dataclass(frozen=True)
class SeatOnDay:
    """One seat on the day of the meeting, and who holds it or sits for them."""

    seat: CommitteeSeat
    title: str
    is_vacant: bool
    people: Sequence[SeatedPerson]


def seats_of(
    context: RequestContext,
    meeting: Meeting,
    members: Membership,
    people: Mapping[UUID, Person],
    said: Mapping[UUID, Answered],
) -> list[SeatOnDay]:
    """Each seat on the day of the meeting: who holds it or sits for them, who is invited, and what they answered."""
    day = meeting.starts.date()
    invited = invited_to(context.session, meeting)
    named = {(row.seat_id, row.alternate_id) for row in said.values()}
    found = []
    for seat in members.seats_on(day):
        listed = _listed(members, seat, day)
        of_seat = [
            SeatedPerson(
                people[one],
                AS["named"] if (seat.id, one) in named else AS[kind],
                kind == PRINCIPAL and members.away(one, day) is not None,
                one in invited,
                said.get(one),
            )
            for one, kind in listed.items()
        ]
        found.append(SeatOnDay(seat, title_of(seat, context.language), PRINCIPAL not in listed.values(), of_seat))
    return found


def _listed(members: Membership, seat: CommitteeSeat, day: date) -> dict[UUID, str]:
    """Who holds a seat on a day, who sits for them while they are away, and its alternates: by a key of `AS`."""
    listed: dict[UUID, str] = dict.fromkeys(members.holders(seat.id, day, PRINCIPAL), PRINCIPAL)
    for person in tuple(listed):
        gone = members.away(person, day)
        if gone is not None and gone.deputy_id is not None:
            listed.setdefault(gone.deputy_id, "deputy")
    for person in members.holders(seat.id, day, ALTERNATE):
        listed.setdefault(person, ALTERNATE)
    return listed


def _season(context: RequestContext, meeting: Meeting) -> MeetingSeries | None:
    """The season that a meeting is of."""
    if meeting.series_id is None:
        return None
    return first(context.session, of(MeetingSeries).where(MeetingSeries.id == meeting.series_id))


# ---------------------------------------------------------------------------------------------------- what the forms do


#: What each form changes.
_TITLES: Final[Mapping[str, str]] = {
    "time": N_("Move the meeting"),
    "cancellation": N_("Cancel the meeting"),
    "place": N_("Change the place"),
    "hour": N_("Change the hour from this day on"),
    "guests": N_("Invite a guest"),
    "withdrawal": N_("Withdraw the invitation"),
}


def _asked(context: RequestContext, meeting: Meeting, form: str, values: Mapping[str, str]) -> Preview:
    """What the page before a change says of it."""
    title = title_of(committees(context.session)[meeting.committee_id], context.language)
    facts = _facts(context, title, meeting, form, values)
    return Preview(gettext(_TITLES[form]), facts, back=f"/meetings/{meeting.id}", is_harsh=form == "cancellation")


def _facts(context: RequestContext, committee: str, meeting: Meeting, form: str, values: Mapping[str, str]) -> Facts:
    """What a change comes to, as the page before it says it: what was typed is what is shown."""
    found = [(gettext(N_("Meeting")), f"{committee}, {wording.when(context.language, meeting.starts)}")]
    try:
        found += _NEW[form](context, meeting, values) if form in _NEW else []
    except Refusal:
        return found  # the change itself refuses it, and the page says why
    found += [(gettext(label), values[name]) for name, label in _LABELS.items() if values.get(name)]
    if values.get("following") == "yes":
        found.append((gettext(N_("Which")), gettext(N_("This meeting and every later one of the season"))))
    return found


def _new_time(context: RequestContext, _: Meeting, values: Mapping[str, str]) -> Facts:
    starts = datetime.combine(day_of(values["day"]), hour_of(values["hour"]))
    return [(gettext(N_("New time")), wording.when(context.language, starts))]


def _new_hour(context: RequestContext, meeting: Meeting, values: Mapping[str, str]) -> Facts:
    found = [(gettext(N_("New hour")), show_clock(context.language, hour_of(values["hour"])))]
    season = _season(context, meeting)
    if season is None:
        return found
    reached = gettext(N_("This meeting and the later ones, until %(day)s"))
    return [*found, (gettext(N_("Which")), reached % {"day": show_day(context.language, season.ends_on)})]


def _new_guest(context: RequestContext, _: Meeting, values: Mapping[str, str]) -> Facts:
    guest = id_or_none(values["person"])
    if guest is None:
        return []
    person = people_by_id(context, [guest]).get(guest)
    return [(gettext(N_("Guest")), person.name if person else "")]


#: What is new by a form, in words; each raises Refusal where it cannot be read.
_NEW: Final[Mapping[str, Callable[[RequestContext, Meeting, Mapping[str, str]], Facts]]] = {
    "time": _new_time,
    "hour": _new_hour,
    "guests": _new_guest,
}
_LABELS: Final[Mapping[str, str]] = {
    "minutes": N_("Length in minutes"),
    "place": N_("Place"),
    "online_url": N_("Online address"),
    "reason": N_("Reason"),
}


for subject in (DATES, GUESTS):
    previewed_pages(
        router,
        subject,
        lambda on, act, typed: _asked(on.context, on.row, act.path.rpartition("/")[2], typed),
        lambda on, request, typed: meeting_page(on.context, request, on.id, typed),
    )
act_pages(router, INVITED, lambda on, request, typed: meeting_page(on.context, request, on.id, typed))
