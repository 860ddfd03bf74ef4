"""The next dates of a committee are drafted when its last ones come near, and wait for the coordinator."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import func, select, update
from sqlmodel import Session

from domain.kernel.refusals import Refusal
from domain.kernel.rows import every, of
from locales import say
from meetings import drafting, schedule
from meetings.committees import committee_of, committees
from meetings.planner import held_already
from meetings.proposals import DateProposal
from models.base import table_of
from models.committee import Committee, SeatHolder
from models.meeting import Meeting
from models.outbox import Notice
from tests.cast import AT, Cast
from tests.following import tasks_of
from tests.meetings.sitting import seat_everyone

_committee = table_of(Committee)
_holder = table_of(SeatHolder)
_meeting = table_of(Meeting)
_notice = table_of(Notice)

#: When the summer's meeting comes near.
NEAR = datetime(2027, 5, 1, 14, 0, tzinfo=UTC)
#: The last meeting of the committees that a test is not about.
FAR = datetime(2029, 6, 12, 15, 0)


@pytest.fixture
def session(cast: Cast) -> Iterator[Session]:
    """A session in which everyone sits, and the Steering Committee has one meeting left."""
    with cast.session() as made:
        seat_everyone(made, cast)
        schedule.plan_meetings(made, "steering", [datetime(2026, 12, 15, 13, 30)], by=cast.actor("coordinator"), at=AT)
        yield made


@pytest.fixture
def others_meet(cast: Cast, session: Session) -> None:
    """Every other committee has its dates, so that none is drafted for it."""
    for committee in _with_a_rhythm(session):
        if committee.key != "steering":
            schedule.plan_meetings(session, committee.key, [FAR], by=cast.actor("coordinator"), at=AT)


@pytest.mark.usefixtures("others_meet")
def test_when_the_last_date_comes_near_the_next_year_is_drafted_once_and_nobody_is_invited(
    cast: Cast, session: Session
) -> None:
    by = cast.actor("coordinator")
    planned = session.scalar(select(func.count()).select_from(_meeting))
    steering = committee_of(session, "steering").id
    assert drafting.draft_due(session, by=by, at=AT) == (steering,)
    assert drafting.draft_due(session, by=by, at=AT + timedelta(days=1)) == ()
    assert session.scalar(select(func.count()).select_from(_meeting)) == planned
    (draft,) = drafting.drafts(session)
    dates = [DateProposal.from_json(one) for one in draft.dates]
    assert len(dates) == 4
    assert all(one.starts.time() == time(13, 30) for one in dates)
    assert all(one.starts.weekday() == 1 for one in dates if one.decision == "meet")
    told = session.execute(select(_notice.c.person_id, _notice.c.subject).where(_notice.c.template == "dates_drafted"))
    assert [row.person_id for row in told] == [cast.people["coordinator"]]
    (task,) = tasks_of(session, drafting.PLAN)
    assert (task["item"], task["state"]) == (str(draft.id), "open"), "a letter may be missed: no committee ends by it"


def test_a_committee_whose_dates_reach_far_or_where_nobody_sits_yet_is_left_alone(cast: Cast) -> None:
    by = cast.actor("coordinator")
    with cast.session() as session:
        assert drafting.draft_due(session, by=by, at=AT) == (), "nobody sits anywhere"
        seat_everyone(session, cast)
        for committee in _with_a_rhythm(session):
            schedule.plan_meetings(session, committee.key, [datetime(2027, 6, 15, 13, 30)], by=by, at=AT)
        assert drafting.draft_due(session, by=by, at=AT) == ()


def test_the_first_dates_of_a_committee_are_drafted_once_somebody_sits_there_and_asked_once(cast: Cast) -> None:
    by = cast.actor("coordinator")
    with cast.session() as session:
        seat_everyone(session, cast)
        theirs = {committee.id for committee in _with_a_rhythm(session)}
        assert set(drafting.draft_due(session, by=by, at=AT)) == theirs
        for draft in drafting.drafts(session):
            assert min(DateProposal.from_json(one).original for one in draft.dates) >= date(2026, 11, 17), "two weeks"
        assert len(tasks_of(session, drafting.PLAN)) == len(theirs)
        for days in (1, 40, 400):
            assert drafting.draft_due(session, by=by, at=AT + timedelta(days=days)) == ()
        assert {task["state"] for task in tasks_of(session, drafting.PLAN)} == {"open"}, "a day that went by plans none"

        for draft in drafting.drafts(session):
            drafting.settle(session, draft.id, "dismissed", by=by, at=AT)
        for days in (1, 400):
            assert drafting.draft_due(session, by=by, at=AT + timedelta(days=days)) == (), "dismissed stays dismissed"


def test_first_dates_that_were_all_called_off_are_drafted_anew(cast: Cast) -> None:
    by, spring = cast.actor("coordinator"), datetime(2027, 3, 16, 13, 30)
    with cast.session() as session:
        seat_everyone(session, cast)
        drafting.draft_due(session, by=by, at=AT)
        steering = committee_of(session, "steering").id
        (first,) = (draft for draft in drafting.drafts(session) if draft.committee_id == steering)
        schedule.plan_meetings(session, "steering", [spring], by=by, at=AT)
        there = session.scalars(select(_meeting.c.id).where(_meeting.c.starts == spring)).one()
        drafting.settle(session, first.id, drafting.PLANNED, by=by, at=AT)
        schedule.cancel_meeting(session, there, reason="Réorganisation", by=by, at=AT + timedelta(hours=1))
        assert drafting.draft_due(session, by=by, at=AT + timedelta(days=1)) == (steering,)


def _with_a_rhythm(session: Session) -> list[Committee]:
    return [one for one in committees(session).values() if one.rhythm]


@pytest.mark.ci
def test_each_season_of_a_weekly_committee_is_drafted_before_the_one_before_ends_year_after_year(
    cast: Cast, session: Session
) -> None:
    """Forty weeks are less than a year: two seasons begin in one calendar year."""
    by, at = cast.actor("coordinator"), AT
    first, last = date(2026, 12, 2), date(2027, 3, 31)
    clinical = committee_of(session, "clinical").id
    for _ in range(4):
        schedule.plan_season(session, "clinical", first=first, last=last, hour=time(9, 30), by=by, at=at)
        at = datetime.combine(last - drafting.HORIZON, time(14, 0), tzinfo=UTC)
        assert clinical in drafting.draft_due(session, by=by, at=at), f"nothing follows {last}"
        (draft,) = (one for one in drafting.drafts(session) if one.committee_id == clinical)
        meets = [one for one in map(DateProposal.from_json, draft.dates) if one.decision == "meet"]
        drafting.settle(session, draft.id, "planned", by=by, at=at)
        assert clinical not in drafting.draft_due(session, by=by, at=at), "not twice"
        first, last = meets[0].starts.date(), meets[-1].starts.date()


def test_committees_that_are_drafted_in_one_round_ask_nobody_to_be_at_both_at_once(
    cast: Cast, session: Session
) -> None:
    by = cast.actor("coordinator")
    schedule.plan_meetings(session, "extended", [datetime(2026, 12, 15, 14, 0)], by=by, at=AT)
    assert len(drafting.draft_due(session, by=by, at=AT)) == 4, "two whose dates run out, two that never met"
    spans = sorted(
        (one.starts, one.starts + timedelta(minutes=one.minutes))
        for draft in drafting.drafts(session)
        for one in map(DateProposal.from_json, draft.dates)
        if one.decision != "skip"
    )
    assert len(spans) > 4 * 2
    assert all(ends <= starts for (_, ends), (starts, _) in pairwise(spans)), "the coordinator sits on both"


def test_one_odd_date_makes_no_custom(cast: Cast, session: Session) -> None:
    by = cast.actor("coordinator")
    tuesdays = [datetime(2026, 12, 1, 13, 30), datetime(2026, 12, 8, 13, 30)]
    odd = datetime(2026, 12, 17, 9, 0)  # a Thursday morning
    schedule.plan_meetings(session, "steering", [*tuesdays, odd], by=by, at=AT)
    dates = drafting.propose(session, committee_of(session, "steering").id, date(2027, 1, 1))
    assert {(one.starts.weekday(), one.starts.time()) for one in dates if one.decision == "meet"} == {(1, time(13, 30))}


@pytest.mark.usefixtures("others_meet")
def test_a_draft_is_settled_once(cast: Cast, session: Session) -> None:
    by = cast.actor("coordinator")
    drafting.draft_due(session, by=by, at=AT)
    (draft,) = drafting.drafts(session)
    drafting.settle(session, draft.id, "dismissed", by=by, at=AT)
    assert drafting.drafts(session) == []
    assert [one["state"] for one in tasks_of(session, drafting.PLAN)] == ["done"]
    with pytest.raises(Refusal):
        drafting.settle(session, draft.id, "planned", by=by, at=AT)
    assert drafting.draft_due(session, by=by, at=AT) == (), "a year that was dismissed is not drafted again"


@pytest.mark.usefixtures("others_meet")
def test_a_draft_that_was_left_open_is_overtaken_by_dates_that_were_planned_without_it(
    cast: Cast, session: Session
) -> None:
    by, steering = cast.actor("coordinator"), committee_of(session, "steering").id
    drafting.draft_due(session, by=by, at=AT)
    (left_open,) = drafting.drafts(session)
    schedule.plan_meetings(session, "steering", [datetime(2026, 12, 22, 13, 30)], by=by, at=AT)
    assert drafting.draft_due(session, by=by, at=AT) == (), "its dates still come next"
    schedule.plan_meetings(session, "steering", [datetime(2027, 6, 15, 13, 30)], by=by, at=AT)
    assert drafting.draft_due(session, by=by, at=AT) == ()
    assert drafting.drafts(session) == [left_open], "it may still be planned from"
    assert [one["state"] for one in tasks_of(session, drafting.PLAN)] == ["cancelled"], "and nothing is asked any more"

    assert drafting.draft_due(session, by=by, at=NEAR) == (steering,)

    (draft,) = drafting.drafts(session)
    assert draft.follows == date(2027, 6, 15)
    with pytest.raises(Refusal):
        drafting.settle(session, left_open.id, "planned", by=by, at=NEAR)
    assert drafting.draft_due(session, by=by, at=NEAR + timedelta(days=1)) == ()


@pytest.mark.ci
@pytest.mark.usefixtures("others_meet")
def test_dates_are_drafted_once_more_where_everything_that_was_planned_from_a_draft_was_called_off(
    cast: Cast, session: Session
) -> None:
    by, steering = cast.actor("coordinator"), committee_of(session, "steering").id
    drafting.draft_due(session, by=by, at=AT)
    (first,) = drafting.drafts(session)
    drafting.settle(session, first.id, "planned", by=by, at=AT)
    spring = [datetime(2027, 3, 16, 13, 30), datetime(2027, 6, 15, 13, 30)]
    schedule.plan_meetings(session, "steering", spring, by=by, at=AT)
    for local in spring:
        assert drafting.draft_due(session, by=by, at=AT) == ()
        there = session.scalars(select(_meeting.c.id).where(_meeting.c.starts == local)).one()
        schedule.cancel_meeting(session, there, reason="Réorganisation", by=by, at=AT + timedelta(hours=1))

    later = AT + timedelta(days=1)
    assert drafting.draft_due(session, by=by, at=later) == (steering,)
    (draft,) = drafting.drafts(session)
    assert (draft.follows, draft.drafted_at) == (date(2026, 12, 15), later)
    told = session.scalars(select(_notice.c.person_id).where(_notice.c.template == "dates_drafted")).all()
    assert told == [cast.people["coordinator"]] * 2
    drafting.settle(session, draft.id, "dismissed", by=by, at=later)
    assert drafting.draft_due(session, by=by, at=later + timedelta(days=1)) == ()


def test_a_weekly_committee_gets_a_season_on_its_day_and_hour_without_the_closed_days(session: Session) -> None:
    clinical = committee_of(session, "clinical").id
    dates = drafting.propose(session, clinical, date(2027, 1, 1), last=date(2027, 7, 31))
    assert {(one.starts.weekday(), one.starts.time()) for one in dates} == {(2, time(9, 30))}
    assert all(one.reasons for one in dates if one.decision == "skip")


def _beside_a_season(session: Session, cast: Cast) -> None:
    """The Clinical Committee meets weekly to 16 June 2027, and again from 8 September; the Steering one on 30 March."""
    by = cast.actor("coordinator")
    for first, last in ((date(2027, 1, 6), date(2027, 6, 16)), (date(2027, 9, 8), date(2027, 12, 15))):
        schedule.plan_season(session, "clinical", first=first, last=last, hour=time(9, 30), by=by, at=AT)
    schedule.plan_meetings(session, "steering", [datetime(2027, 3, 30, 13, 30)], by=by, at=AT)


@pytest.mark.wide(8)
@pytest.mark.parametrize(
    ("committee", "days"),
    [
        ("extended", [date(2027, 2, 17), date(2027, 5, 19), date(2027, 8, 18), date(2027, 11, 17)]),
        # The middle of its first half is 31 March, the day after the Steering Committee meets.
        ("joint", [date(2027, 4, 7), date(2027, 9, 29)]),
    ],
)
def test_a_weekly_committee_takes_no_day_but_its_hours_from_those_that_are_derived_from_it(
    cast: Cast, session: Session, committee: str, days: list[date]
) -> None:
    _beside_a_season(session, cast)
    dates = drafting.propose(session, committee_of(session, committee).id, date(2027, 1, 1))
    assert [one.starts.date() for one in dates] == days
    assert not any(one.remaining for one in dates)
    assert all(one.alternatives for one in dates), "beside each date others are offered"


@pytest.mark.ci
def test_who_sits_on_both_is_not_asked_to_the_extended_committee_at_the_hour_of_the_clinical_one(
    cast: Cast, session: Session
) -> None:
    by = cast.actor("coordinator")
    schedule.plan_meetings(session, "extended", [datetime(2026, 12, 9, 10, 0)], by=by, at=AT)  # its custom
    _beside_a_season(session, cast)
    dates = drafting.propose(session, committee_of(session, "extended").id, date(2027, 1, 1))
    in_season = [one for one in dates if one.original <= date(2027, 6, 16) or date(2027, 9, 8) <= one.original]
    assert len(in_season) == 3
    for one in in_season:
        assert one.decision == "shifted"
        assert [reason.code for reason in one.reasons] == ["clash"]
        assert one.starts.weekday() != 2


def _why(session: Session, committee: str, first: date, **more: date) -> tuple[str, str]:
    with pytest.raises(Refusal) as refused:
        drafting.propose(session, committee_of(session, committee).id, first, **more)
    return refused.value.code, say("fr", refused.value.sentence, **refused.value.facts)


def test_where_nothing_can_be_proposed_the_answer_says_why_and_what_would_help(cast: Cast, session: Session) -> None:
    by = cast.actor("coordinator")
    schedule.plan_meetings(
        session, "steering", [datetime(2027, month, 20, 13, 30) for month in (1, 4, 7, 10)], by=by, at=AT
    )
    code, words = _why(session, "steering", date(2027, 1, 1))
    assert code == "dates.all_planned"
    assert "la dernière est le 20 octobre 2027" in words
    assert "Choisissez un premier jour plus tard" in words
    code, words = _why(session, "clinical", date(2027, 1, 8), last=date(2027, 1, 12))
    assert code == "dates.no_weekday"
    assert "il se réunit chaque mercredi" in words
    assert _why(session, "clinical", date(2027, 1, 8), last=date(2027, 1, 1))[0] == "season.in_order"
    assert _why(session, "steering", date(2026, 11, 22), today=date(2026, 11, 23))[0] == "dates.past"
    for far in (date(1, 1, 1), date(9999, 12, 31)):
        assert _why(session, "steering", far)[0] == "day.out_of_reach"
        assert _why(session, "clinical", far)[0] == "day.out_of_reach"
    session.execute(update(_committee).where(_committee.c.key == "joint").values(rhythm={}))
    assert _why(session, "joint", date(2027, 1, 1))[0] == "dates.no_rhythm"


def test_dates_are_proposed_where_nobody_sits_yet(session: Session) -> None:
    session.execute(update(_holder).values(withdrawn_at=AT))
    assert len(drafting.propose(session, committee_of(session, "steering").id, date(2027, 1, 1))) == 4


def test_no_dates_are_proposed_where_a_season_of_the_committee_stands_and_none_on_a_day_on_which_it_meets(
    cast: Cast, session: Session
) -> None:
    by = cast.actor("coordinator")
    days = {"first": date(2027, 1, 6), "last": date(2027, 3, 31), "hour": time(9, 30)}
    schedule.plan_season(session, "clinical", **days, by=by, at=AT)  # type: ignore[arg-type]
    code, words = _why(session, "clinical", date(2027, 2, 1))
    assert code == "season.overlaps"
    assert "du 6 janvier 2027 au 31 mars 2027" in words
    assert _why(session, "clinical", date(2026, 12, 1), last=date(2027, 1, 6))[0] == "season.overlaps"
    (season,) = session.scalars(
        select(_meeting.c.series_id).where(_meeting.c.starts == datetime(2027, 1, 6, 9, 30))
    ).all()
    assert season is not None
    schedule.change_hour(session, season, since=date(2027, 2, 17), hour=time(14), by=by, at=AT)
    for first, last in ((date(2027, 1, 4), date(2027, 3, 1)), (date(2027, 3, 1), date(2027, 5, 1))):
        _, words = _why(session, "clinical", first, last=last)
        assert "du 6 janvier 2027 au 31 mars 2027" in words, "at whichever hour"
    schedule.plan_meetings(session, "clinical", [datetime(2027, 4, 14, 13, 0)], by=by, at=AT)
    dates = drafting.propose(session, committee_of(session, "clinical").id, date(2027, 4, 1), last=date(2027, 6, 30))
    (held,) = [one for one in dates if one.original == date(2027, 4, 14)]
    assert (held.decision, [one.code for one in held.reasons], held.alternatives) == ("skip", ["own"], ())
    chosen = {one.original: "" for one in dates if one.decision == "skip"}
    schedule.plan_season(
        session, "clinical", first=dates[0].original, last=dates[-1].original, hour=time(9, 30),
        without=chosen, by=by, at=AT,
    )  # fmt: skip


@pytest.mark.ci
def test_days_of_a_season_that_was_called_off_are_free_again(cast: Cast, session: Session) -> None:
    by = cast.actor("coordinator")
    days = {"first": date(2027, 1, 6), "last": date(2027, 1, 20), "hour": time(9, 30)}
    schedule.plan_season(session, "clinical", **days, by=by, at=AT)  # type: ignore[arg-type]
    for one in session.scalars(select(_meeting.c.id)).all():
        schedule.cancel_meeting(session, one, reason="Tempête", by=by, at=AT)
    assert drafting.propose(session, committee_of(session, "clinical").id, date(2027, 1, 6), last=date(2027, 1, 20))
    schedule.plan_season(session, "clinical", **days, by=by, at=AT)  # type: ignore[arg-type]


def test_a_date_left_out_for_another_meeting_says_so_for_as_long_as_that_one_stands(
    cast: Cast, session: Session
) -> None:
    by, first, day = cast.actor("coordinator"), date(2027, 5, 12), date(2027, 5, 19)
    schedule.plan_meetings(session, "clinical", [datetime.combine(day, time(14))], by=by, at=AT)
    why = held_already(day).in_words("fr")
    schedule.plan_season(
        session, "clinical", first=first, last=date(2027, 6, 2), hour=time(9, 30), without={day: why}, by=by, at=AT
    )
    dates = every(session, of(Meeting).where(Meeting.original == datetime.combine(day, time(9, 30))))

    def said() -> list[str]:
        return [drafting.in_the_readers_words(session, dates, one)[0].reason for one in ("fr", "en")]

    assert said() == ["Ce comité a déjà une rencontre le 19 mai 2027.", "This committee meets on May 19, 2027 already."]
    other = session.scalars(select(_meeting.c.id).where(_meeting.c.starts == datetime.combine(day, time(14)))).one()
    schedule.cancel_meeting(session, other, reason="Congé", by=by, at=AT)
    assert said() == ["Pas de rencontre cette semaine-là.", "No meeting that week."]
