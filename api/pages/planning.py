"""Planning a committee's dates: what the planner proposes and why, ticked one by one, then who will be invited.

A season of a weekly committee, a year of one that meets a few times, a year that was drafted by itself, or one meeting.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated, Final
from uuid import UUID

from fastapi import Form, Query, Request, Response
from fastapi.responses import HTMLResponse

from api.access import meetings as at_meetings
from api.access.meetings import find_committee
from api.access.permissions import Action, Forbidden, asks, require, to_program
from api.access.session import InContext, RequestContext
from api.acts.declaring import Act, On
from api.acts.meetings import MEETINGS
from api.pages.committees import committee_page
from api.pages.forms import Text
from api.pages.frame import framed_pages, page, see_other
from api.pages.previewed_acts import previewed_pages
from api.pages.previews import Preview, previewed
from api.web.readers import day_of, hour_of, id_or_none
from domain.kernel import Refusal
from locales import N_, gettext, show_day
from meetings import drafting, schedule, wording
from meetings.committees import rhythm_of, title_of
from meetings.invitations import PersonalNews
from meetings.proposals import DateProposal, DayObstacle
from models.committee import Committee
from models.meeting import DraftedYear

router = framed_pages()

#: A season at first proposed: from September to June is longer, a term is shorter.
SEASON: Final = timedelta(weeks=26)

Chosen = Mapping[date, datetime | None]
"""For each proposed day, when the meeting is, or None where there is none."""

Asked = Annotated[str, Query(max_length=40)]


@dataclass(frozen=True)
class Option:
    """One proposed date as the page offers it: the day it stands for, what may be chosen, and what speaks against."""

    original: date
    choices: Sequence[tuple[str, str]]
    chosen: str
    reasons: Sequence[str]
    remaining: Sequence[str]
    is_plain: bool


@router.get("/committees/{key}/dates", name="dates")
@asks(Action.PLAN_MEETINGS)
def show_dates(
    context: InContext, request: Request, key: str, first: Asked = "", last: Asked = "", draft: Asked = ""
) -> HTMLResponse:
    """The dates that are proposed for a committee, from a day on or as they were drafted, each to be ticked."""
    require(Action.PLAN_MEETINGS, to_program(context.asker))
    row = _with_rhythm(context, key)
    return _page(context, request, row, {"first": first, "last": last, "draft": draft}, ())


@router.post("/committees/{key}/dates")
@asks(Action.PLAN_MEETINGS)
def plan_dates(
    context: InContext,
    request: Request,
    key: str,
    first: Text = "",
    last: Text = "",
    draft: Text = "",
    place: Text = "",
    online_url: Text = "",
    date: Annotated[list[str] | None, Form()] = None,
    shown: Text = "",
) -> Response:
    """Plan the dates that were ticked, and invite everyone."""
    by = require(Action.PLAN_MEETINGS, to_program(context.asker))
    row = _with_rhythm(context, key)
    dates = date or []
    values = {"first": first, "last": last, "draft": draft, "place": place, "online_url": online_url}
    where = {"place": place, "online_url": online_url}

    def change() -> tuple[PersonalNews, ...]:
        chosen = _chosen(dates)
        if not any(chosen.values()):
            raise Refusal("dates.missing", N_("Choose at least one date."))
        draft_id = id_or_none(draft)
        if draft_id is not None:
            drafting.settle(context.session, draft_id, drafting.PLANNED, by=by, at=context.at)
        if not _is_weekly(row):
            starts = sorted(local for local in chosen.values() if local is not None)
            return schedule.plan_meetings(
                context.session, key, starts, place=place, online_url=online_url, by=by, at=context.at
            )
        season = _Season.of(context, row, day_of(first), day_of(last), chosen)
        return schedule.plan_season(
            context.session, key, **vars(season), place=place, online_url=online_url, by=by, at=context.at
        )

    ask = Preview(
        title=gettext(N_("Plan these dates")),
        facts=_facts(context, row, dates, where),
        action=f"/committees/{key}/dates",
        back=f"/committees/{key}/dates",
        fields=[*values.items(), *(("date", one) for one in dates)],
        shown=shown,
        done=f"/committees/{key}#next",
    )
    outcome = previewed(context, request, ask, change)
    if isinstance(outcome, Refusal):
        return _page(context, request, row, values, dates, refusal=outcome)
    return outcome


def _asked_for_one(on: On[Committee], _: Act, typed: Mapping[str, str]) -> Preview:
    """What the page before a meeting is added says of it."""
    here = f"/committees/{on.row.key}"
    facts = _facts(on.context, on.row, ["{day}|{day}T{hour}".format_map(typed)], typed)
    return Preview(gettext(N_("Add a meeting")), facts, back=here, done=f"{here}#next")


previewed_pages(
    router, MEETINGS, _asked_for_one, lambda on, request, typed: committee_page(on.context, request, on.row, typed)
)


@router.post("/committees/{key}/drafts/{draft_id}/dismissal")
@asks(Action.PLAN_MEETINGS)
def dismiss_draft(context: InContext, key: str, draft_id: UUID) -> Response:
    """Plan nothing of a year that was drafted; it is not drafted again."""
    at_meetings.dismiss_draft(context, key, draft_id)
    return see_other(f"/committees/{key}")


# ------------------------------------------------------------------------------------------------ what was chosen


@dataclass(frozen=True)
class _Season:
    """A weekly season as the ticks make it."""

    first: date
    last: date
    hour: time
    without: Mapping[date, str]
    instead: Mapping[date, datetime]

    @classmethod
    def of(cls, context: RequestContext, row: Committee, first: date, last: date, chosen: Chosen) -> _Season:
        """What is not ticked has no meeting, with the reason that the planner gave, in the words of who plans."""
        hour = _hour_of(row)
        proposals = _proposed(context, row, first, last)
        why = _why_not(proposals, context.language)
        if not why or not chosen.keys() <= why.keys():
            raise Refusal("choice.malformed", N_("Choose from the list."))
        held = {day: starts for day, starts in chosen.items() if starts is not None}
        without = {day: said for day, said in why.items() if day not in held}
        instead = {day: starts for day, starts in held.items() if starts != datetime.combine(day, hour)}
        return cls(proposals[0].original, proposals[-1].original, hour, without, instead)


def _why_not(proposals: Sequence[DateProposal], language: str) -> dict[date, str]:
    """By day, why a date that is not ticked is off."""
    said = {one.original: " ".join(_in_words(one.reasons, language)) for one in proposals}
    return {day: reason[:200] or gettext(drafting.NO_MEETING) for day, reason in said.items()}


def _chosen(dates: Sequence[str]) -> dict[date, datetime | None]:
    """The ticks and lists of the form: "2026-12-23|2026-12-22T09:30", or "2026-12-23|". Raises Refusal."""
    found: dict[date, datetime | None] = {}
    for text in dates:
        original, _, starts = text.partition("|")
        day = day_of(original)
        if day in found:
            raise Refusal("choice.malformed", N_("Choose from the list."))
        if not starts:
            found[day] = None
            continue
        on, _, at = starts.partition("T")
        found[day] = datetime.combine(day_of(on), hour_of(at))
    return found


def _proposed(context: RequestContext, row: Committee, first: date, last: date | None) -> tuple[DateProposal, ...]:
    """What the planner proposes. Raises Refusal."""
    return drafting.propose(context.session, row.id, first, last=last, today=context.day)


def _with_rhythm(context: RequestContext, key: str) -> Committee:
    """A committee that has a rhythm to plan by. Raises Forbidden for one that is not set up, as for one that is not."""
    row = find_committee(context, key)
    if not row.rhythm:
        raise Forbidden
    return row


def _hour_of(row: Committee) -> time:
    return time.fromisoformat(row.rhythm["at"])


def _is_weekly(row: Committee) -> bool:
    rhythm = rhythm_of(row)
    return rhythm is not None and rhythm.per == "week"


# ------------------------------------------------------------------------------------------------ what the page shows


def _page(
    context: RequestContext,
    request: Request,
    row: Committee,
    values: Mapping[str, str],
    ticked: Sequence[str],
    *,
    refusal: Refusal | None = None,
) -> HTMLResponse:
    weekly = _is_weekly(row)
    first, last = _asked_days(context, row, values)
    draft = _draft(context, row, values["draft"])
    proposals: Sequence[DateProposal] = []
    try:
        if draft is not None or values["first"]:
            proposals = _offered(context, row, draft, first, last)
    except Refusal as wrong:
        refusal = refusal or wrong
    if draft is not None and proposals:
        first, last = proposals[0].original.isoformat(), proposals[-1].original.isoformat()
    return page(
        context,
        request,
        "dates.html",
        refused=refusal,
        committee=row,
        title=title_of(row, context.language),
        weekly=weekly,
        first=first,
        last=last,
        draft=draft,
        place=values.get("place", row.place),
        online_url=values.get("online_url", ""),
        options=[_option(one, ticked, context.language) for one in proposals],
        nothing_fits=bool(proposals) and all(one.decision == "skip" for one in proposals),
    )


def _offered(
    context: RequestContext, row: Committee, draft: DraftedYear | None, first: str, last: str
) -> Sequence[DateProposal]:
    """The dates as they were drafted, or as the planner proposes them. Raises Refusal."""
    if draft is not None:
        return [DateProposal.from_json(one) for one in draft.dates]
    return _proposed(context, row, day_of(first), day_of(last) if _is_weekly(row) else None)


def _asked_days(context: RequestContext, row: Committee, values: Mapping[str, str]) -> tuple[str, str]:
    """From which day to which dates are proposed: as it was asked for, else as it is proposed at first."""
    begins = _begins(context, row)
    first, last = values["first"] or begins.isoformat(), values["last"]
    if last or not _is_weekly(row):
        return first, last
    try:
        return first, (max(begins, day_of(first)) + SEASON).isoformat()
    except Refusal:
        return first, (begins + SEASON).isoformat()  # the page says what is wrong with that day


def _draft(context: RequestContext, row: Committee, text: str) -> DraftedYear | None:
    """The draft that an address names, where it waits, is of this committee."""
    return next(
        (one for one in drafting.drafts(context.session) if str(one.id) == text and one.committee_id == row.id), None
    )


def _begins(context: RequestContext, row: Committee) -> date:
    """The day from which dates are proposed at first: after the last planned meeting."""
    last, soon = drafting.last_planned(context.session, row.id), context.day + drafting.NOTICE
    return soon if last is None else max(soon, last + timedelta(days=1))


def _option(proposal: DateProposal, ticked: Sequence[str], language: str) -> Option:
    day = proposal.original.isoformat()
    none, proposed = f"{day}|", _value(day, proposal.starts)
    against: dict[datetime, list[str]] = {proposal.starts: []} | {
        other.starts: _in_words(other.remaining, language) for other in proposal.alternatives
    }
    if proposal.decision == "skip":
        proposed = none
        del against[proposal.starts]
    choices = {
        _value(day, starts): " – ".join([wording.when(language, starts), *said]) for starts, said in against.items()
    }
    choices[none] = gettext(N_("no meeting"))
    kept = next((one for one in ticked if one.startswith(none)), none if ticked else proposed)
    return Option(
        proposal.original,
        [*choices.items()],
        kept if kept in choices else proposed,
        _in_words(proposal.reasons, language),
        _in_words(proposal.remaining, language),
        proposal.decision == "meet" and not proposal.alternatives,
    )


def _value(day: str, starts: datetime) -> str:
    return f"{day}|{starts.isoformat(timespec='minutes')}"


def _in_words(reasons: Sequence[DayObstacle], language: str) -> list[str]:
    return [reason.in_words(language) for reason in reasons]


def _facts(
    context: RequestContext, row: Committee, dates: Sequence[str], where: Mapping[str, str]
) -> list[tuple[str, str]]:
    """What is about to be planned, in words: the dates in order, and the place."""
    found = [(gettext(N_("Committee")), title_of(row, context.language))]
    try:
        planned = sorted(one for one in _chosen(dates).values() if one is not None)
    except Refusal:
        return found  # the change itself refuses it, and the page says why
    if len(planned) == 1:
        found.append((gettext(N_("Day and hour")), wording.when(context.language, planned[0])))
    elif planned:
        found += [
            (gettext(N_("Meetings")), str(len(planned))),
            (gettext(N_("First one")), wording.when(context.language, planned[0])),
            (gettext(N_("Last one")), show_day(context.language, planned[-1].date(), "full")),
        ]
    labels = {"place": N_("Place"), "online_url": N_("Online address")}
    return found + [(gettext(label), where[name]) for name, label in labels.items() if where[name]]
