"""Drafting the next dates of each committee when its last planned one comes near, for the coordinator to say yes to.

A draft plans nothing and invites no one: it waits until the coordinator plans from it or dismisses it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import Date, cast
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session

from domain.casework import asking
from domain.declarations import Rhythm, Weekday
from domain.kernel import (
    Actor,
    Calendar,
    Language,
    Refusal,
    calendar_of,
    changes,
    col,
    every,
    first,
    local_day,
    of,
    only,
    program,
    program_of,
    replaced,
    run,
    scalar,
    scalars,
    tuples,
)
from domain.mail import COORDINATION, coordination_chain, notices
from domain.record import events
from domain.roles import standing
from locales import LANGUAGES, N_, say
from meetings.committees import committees, lasts, memberships, rhythm_of, title_of
from meetings.local_times import end_of, local_of, moment_of
from meetings.locking import original_of, refuse_overlap
from meetings.planner import (
    WEEKDAYS,
    BookedMeeting,
    DateConstraints,
    closed_on,
    held_already,
    propose_season,
    propose_year,
)
from meetings.proposals import DateProposal
from meetings.wording import each_week, when
from models.committee import Committee
from models.meeting import DraftedYear, Meeting

#: Dates are drafted when a committee has none left but those of so many days ahead.
HORIZON: Final = timedelta(days=60)
#: The first date of a committee that has none planned is so far ahead: people have to be free.
NOTICE: Final = timedelta(days=14)
#: How long a drafted weekly season is: most of a year, with a summer before the next one.
SEASON: Final = timedelta(weeks=40)
#: A committee's meeting keeps so many days from one of a committee that it is derived from and that meets seldom.
APART: Final = 7
#: Of so many of its last dates a committee's usual weekday and hour are: two years of one that meets four times.
OF_LATE: Final = 8
#: How a draft is settled once dates are planned that follow its day.
PLANNED: Final = "planned"
#: The step of the coordinator's task while a draft waits, its item; and in how many working days it is due.
PLAN: Final = "dates.plan"
DAYS_TO_PLAN: Final = 10
#: Why a date of a season is off that nobody wanted, and against which nothing speaks.
NO_MEETING: Final = N_("No meeting that week.")
#: When committees that meet a few times a year meet, where none of their meetings tells otherwise.
USUAL_WEEKDAY: Final[Weekday] = "wednesday"
USUAL_HOUR: Final = time(13, 30)

_YEAR: Final = 365


def propose(
    session: Session, committee_id: UUID, first: date, *, last: date | None = None, today: date | None = None
) -> tuple[DateProposal, ...]:
    """Dates for a committee from a day on: a season to `last` for a weekly one, else a year at its rhythm.

    Each comes with what speaks for or against it: holidays, closures, and meetings of others who are expected at both.
    Raises Refusal, with what would help, where there is nothing to propose; and, with `today`, where `first` is past.
    """
    row = committees(session)[committee_id]
    rhythm = rhythm_of(row)
    if rhythm is None:
        raise Refusal(
            "dates.no_rhythm",
            N_(
                "The program’s file gives this committee no rhythm, so no dates can be proposed. "
                "Add single meetings, or write the rhythm into the file."
            ),
        )
    if today is not None and first < today:
        raise Refusal("dates.past", N_("Dates are proposed from today on: choose a later first day."))
    calendar_of(session).is_working_day(first)  # before any reckoning: nothing is known of far years
    terms = _terms(session, row, rhythm, first)
    if rhythm.per != "week":
        return propose_year(rhythm.times, first, terms=terms) or _refuse_full(terms, first)
    ends = last or first + SEASON
    found = propose_season(first, ends, terms=terms)
    if not found:
        raise Refusal(
            "dates.no_weekday",
            N_(
                "From %(first)s to %(last)s there is no day on which this committee meets: it meets %(weekday)s."
                " Choose a later last day."
            ),
            first=first.isoformat(),
            last=ends.isoformat(),
            weekday=each_week(WEEKDAYS.index(terms.weekday)),
        )
    refuse_overlap(session, committee_id, found[0].original, found[-1].original)
    return found


def in_the_readers_words(session: Session, meetings: Sequence[Meeting], language: str) -> list[Meeting]:
    """These rows of meetings, with the reason why a date is off in "fr" or "en", where a proposal gave it.

    A season's date that was never planned has it in the language of the person who planned the season. Typed words stay
    as they are. That the committee met on that day already is said for as long as it does.
    """
    never = [one for one in meetings if _never_planned(one)]
    if not never:
        return list(meetings)
    calendar, held = calendar_of(session), _days_held(session, never)
    return [
        replaced(one, reason=_in_language(calendar, one, held, language)) if _never_planned(one) else one
        for one in meetings
    ]


def _days_held(session: Session, meetings: Sequence[Meeting]) -> set[tuple[UUID, date]]:
    """The days of these on which their committees meet, each with its committee."""
    day = cast(col(Meeting.starts), Date)
    held = only(Meeting.committee_id, day).where(
        col(Meeting.committee_id).in_({one.committee_id for one in meetings}),
        Meeting.state != "cancelled",
        day.in_({original_of(one).date() for one in meetings}),
    )
    return set(tuples(session, held))


def _never_planned(meeting: Meeting) -> bool:
    return meeting.state == "cancelled" and meeting.settled_by is None and meeting.series_id is not None


def _in_language(calendar: Calendar, meeting: Meeting, held: Collection[tuple[UUID, date]], language: str) -> str:
    reason, day = meeting.reason, original_of(meeting).date()
    own = held_already(day).in_words
    if (meeting.committee_id, day) not in held and any(_alike(own(other), reason) for other in LANGUAGES):
        return say(language, NO_MEETING)
    said: list[Callable[[str], str]] = [lambda other: say(other, NO_MEETING), own]
    try:
        closed = closed_on(calendar, day)
    except Refusal:  # no holidays are known of a year as far away
        closed = None
    if closed is not None:
        said.append(closed.in_words)
    known = (one for one in said if any(_alike(one(other), reason) for other in LANGUAGES))
    return next((one(language) for one in known), reason)


def _alike(one: str, other: str) -> bool:
    return one.split() == other.split()


def _refuse_full(terms: DateConstraints, first: date) -> tuple[DateProposal, ...]:
    """Refuse to propose more meetings than the rhythm has: those of the year from `first` on stand already."""
    own = [local_of(one.starts_at, terms.zone).date() for one in terms.taken if one.committee == terms.committee]
    raise Refusal(
        "dates.all_planned",
        N_(
            "In the twelve months from %(first)s this committee has as many meetings as its rhythm asks for; the last"
            " one is on %(last)s. Choose a later first day, or add a single meeting."
        ),
        first=first.isoformat(),
        last=max(own).isoformat(),
    )


def draft_due(session: Session, *, by: Actor, at: datetime) -> tuple[UUID, ...]:
    """Draft dates for every committee whose planned ones run out, and ask the coordinator; which committees.

    The first ones of a committee that has none are drafted once somebody sits there. A committee has one draft for what
    follows its last planned date: one that was settled is not drafted again, unless all that was planned after that
    date was called off. One that waits is settled once dates are planned without it.
    """
    today = local_day(session, at)
    for draft in drafts(session):
        if _is_overtaken(draft, last_planned(session, draft.committee_id) or date.min):
            asking.no_more(session, PLAN, draft.id, by=by, at=at)
    members, drafted = memberships(session), []
    for one, row in committees(session).items():
        last = last_planned(session, one)
        runs_out = last <= today + HORIZON if last else bool(members[one].invited(today))
        if row.rhythm and runs_out and _draft_one(session, row, last, today, by=by, at=at):
            drafted.append(one)
    return tuple(drafted)


def last_planned(session: Session, committee_id: UUID) -> date | None:
    """The day of a committee's last meeting that stands."""
    last = next(iter(_last_starts(session, committee_id, 1)), None)
    return None if last is None else last.date()


def _last_starts(session: Session, committee_id: UUID, most: int) -> Sequence[datetime]:
    """When a committee's last meetings that stand begin, the last first."""
    its = only(Meeting.starts).where(Meeting.committee_id == committee_id, Meeting.state != "cancelled")
    return scalars(session, its.order_by(col(Meeting.starts).desc()).limit(most)).all()


def drafts(session: Session) -> list[DraftedYear]:
    """The drafts that wait for the coordinator, the oldest first."""
    waiting = of(DraftedYear).where(col(DraftedYear.settled_at).is_(None))
    return every(session, waiting.order_by(col(DraftedYear.drafted_at), col(DraftedYear.id)))


def is_of(session: Session, committee_id: UUID, draft_id: UUID) -> bool:
    """Whether a draft is a committee's, waiting or settled."""
    its = only(DraftedYear.id).where(DraftedYear.committee_id == committee_id, DraftedYear.id == draft_id)
    return scalar(session, its) is not None


def settle(session: Session, draft_id: UUID, settled_as: str, *, by: Actor, at: datetime) -> DraftedYear:
    """Say that a draft was planned from, or dismissed. Raises Refusal where it is settled, or there is none."""
    row = first(session, of(DraftedYear).where(DraftedYear.id == draft_id).with_for_update())
    if row is None or row.settled_at is not None:
        raise Refusal("draft.unknown", N_("There is no such draft that waits."))
    statement = changes(DraftedYear).where(DraftedYear.id == draft_id)
    run(session, statement.values(settled_at=at, settled_by=by.person_id, settled_as=settled_as))
    events.write(session, f"dates.{settled_as}", "drafted_year", draft_id, by=by, at=at)
    asking.answered(session, PLAN, draft_id, by=by, at=at)
    return row


def _draft_one(session: Session, row: Committee, last: date | None, today: date, *, by: Actor, at: datetime) -> bool:
    known = every(session, of(DraftedYear).where(DraftedYear.committee_id == row.id))
    if _stands(session, known, last):
        return False
    follows, first = (today, today + NOTICE) if last is None else (last, max(last, today) + timedelta(days=1))
    dates = propose(session, row.id, first)
    made = _add_draft(session, row, follows, first.year, dates, at)
    if made is None:
        return False
    for overtaken in (draft for draft in known if draft.settled_at is None):
        settle(session, overtaken.id, PLANNED, by=by, at=at)
    events.write(session, "dates.drafted", "drafted_year", made, by=by, at=at, committee=row.key, dates=len(dates))
    _tell(session, row, made, dates, at)
    title = N_("Plan the dates drafted for a committee: %(committee)s")
    committee = {"fr": row.title_fr, "en": row.title_en}
    chain = coordination_chain(session)
    asking.ask(session, PLAN, made, title, chain=chain, working_days=DAYS_TO_PLAN, by=by, at=at, committee=committee)
    return True


def _stands(session: Session, known: Sequence[DraftedYear], last: date | None) -> bool:
    """Whether what follows a committee's last date was drafted already, or an older draft waits."""
    return any(
        not _fell_through(session, draft)
        if last is None or draft.follows == last
        else draft.settled_at is None and not _is_overtaken(draft, last)
        for draft in known
    )


def _add_draft(
    session: Session, row: Committee, follows: date, year: int, dates: Sequence[DateProposal], at: datetime
) -> UUID | None:
    """Keep a draft in the place of one that was settled; None where one waits, by another round at once."""
    drafted = {"year": year, "dates": [one.to_json() for one in dates], "drafted_at": at}
    its = {"program_id": program_of(session), "committee_id": row.id, "follows": follows}
    return scalar(
        session,
        insert(DraftedYear)
        .values(**its, id=uuid4(), settled_as="", **drafted)
        .on_conflict_do_update(
            index_elements=list(its),
            set_={**drafted, "settled_at": None, "settled_by": None, "settled_as": ""},
            where=col(DraftedYear.settled_at).is_not(None),
        )
        .returning(col(DraftedYear.id)),
    )


def _is_overtaken(draft: DraftedYear, last: date) -> bool:
    """Whether dates were planned without a draft that waits, as far as its first one or further."""
    return last >= min((DateProposal.from_json(one).original for one in draft.dates), default=last)


def _fell_through(session: Session, draft: DraftedYear) -> bool:
    """Whether what was planned after the day that a settled draft follows was called off since."""
    if draft.settled_as != PLANNED:
        return False
    after = datetime.combine(draft.follows + timedelta(days=1), time.min)
    its = only(Meeting.id).where(Meeting.committee_id == draft.committee_id, col(Meeting.starts) >= after)
    return scalar(session, its.where(col(Meeting.cancelled_at) >= draft.settled_at).limit(1)) is not None


def _tell(session: Session, row: Committee, draft_id: UUID, dates: tuple[DateProposal, ...], at: datetime) -> None:
    def facts(language: Language) -> dict[str, object]:
        return {
            "committee": title_of(row, language),
            "lines": [{"text": when(language, one.starts)} for one in dates if one.decision != "skip"],
            "path": f"/committees/{row.key.replace('_', '-')}",
        }

    for holder in standing(session, local_day(session, at)).falls(COORDINATION).holders:
        # By the moment too: what is drafted once more is told once more.
        key = f"draft:{draft_id}:{at.isoformat()}"
        notices.write(session, "dates_drafted", to=holder.person_id, key=key, facts=facts, at=at)


def _terms(session: Session, row: Committee, rhythm: Rhythm, first: date) -> DateConstraints:
    named, members, zone = committees(session), memberships(session), program(session).time_zone
    year_before = datetime.combine(first, time.min) - timedelta(days=370)
    stand = of(Meeting).where(Meeting.state != "cancelled", col(Meeting.starts) >= year_before)
    taken = [
        (one.committee_id, one.starts_at, one.ends_at) for one in every(session, stand.order_by(col(Meeting.starts_at)))
    ]
    taken += _drafted(session, row.id, zone)
    weekday, hour = rhythm.weekday, rhythm.at
    if weekday is None or hour is None:
        weekday, hour = _usual(session, row.id)

    def booked(committee_id: UUID, starts_at: datetime, ends_at: datetime) -> BookedMeeting:
        by, people = named[committee_id], members[committee_id].invited(local_of(starts_at, zone).date())
        return BookedMeeting(by.key, by.title_fr, by.title_en, starts_at, ends_at, frozenset(people))

    return DateConstraints(
        committee=row.key,
        calendar=calendar_of(session),
        zone=zone,
        weekday=weekday,
        at=hour,
        minutes=lasts(row),
        people=frozenset(members[row.id].invited(first)),
        taken=tuple(booked(*one) for one in taken),
        apart={} if rhythm.per == "week" else dict.fromkeys(_kept_apart_from(row, named.values()), APART),
    )


def _kept_apart_from(row: Committee, every: Iterable[Committee]) -> list[str]:
    """The committees from whose meetings this one's keep `APART`: those it is derived from that meet seldom enough."""
    days = {one.key: _days_between(rhythm_of(one)) for one in every}
    return [key for key in row.derived_from if days.get(key, _YEAR) >= 2 * APART]


def _days_between(rhythm: Rhythm | None) -> int:
    """About how many days lie from one meeting of a rhythm to the next; without one yet, a year."""
    if rhythm is None:
        return _YEAR
    return (7 if rhythm.per == "week" else _YEAR) // rhythm.times


def _drafted(session: Session, committee_id: UUID, zone: str) -> Iterator[tuple[UUID, datetime, datetime]]:
    """When the other committees would meet by the drafts that wait: whose, and when each date begins and ends."""
    for draft in drafts(session):
        if draft.committee_id == committee_id:
            continue
        for wanted in map(DateProposal.from_json, draft.dates):
            if wanted.decision != "skip":
                yield draft.committee_id, moment_of(wanted.starts, zone), end_of(wanted.starts, wanted.minutes, zone)


def _usual(session: Session, committee_id: UUID) -> tuple[Weekday, time]:
    """The weekday and the hour at which a committee met most often of late; of two, the one that it had last."""
    met = _last_starts(session, committee_id, OF_LATE)
    if not met:
        return USUAL_WEEKDAY, USUAL_HOUR
    ((weekday, _),) = Counter(one.weekday() for one in met).most_common(1)
    ((hour, _),) = Counter(one.time() for one in met).most_common(1)
    return WEEKDAYS[weekday], hour
