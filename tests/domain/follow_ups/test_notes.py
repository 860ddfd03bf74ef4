"""The weekly note: what it says, which weeks it is owed for, whom it is asked of; and who is being lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from domain.accompaniment import breaks, states
from domain.follow_ups import contacts, lost, notes, owed, week_row
from domain.follow_ups.locking import follow_ups
from domain.follow_ups.notes import amend_note
from domain.follow_ups.week_row import Week
from domain.follow_ups.weeks import monday_of, sunday_of, weeks_between, weeks_ended
from domain.kernel import every
from tests.cast import AT, TODAY, Arranged, Cast
from tests.following import SECOND, WORKER, followed, in_force, row_of, tasks_of
from tests.noting import write_note
from tests.refusing import refused

DAY, WEEK = timedelta(days=1), timedelta(weeks=1)
MONDAY = TODAY  # a Monday
MET = Week(met=1, minutes=60)
PHONE = ("telephone",)


@pytest.fixture
def cast(cast: Cast, arranged: Arranged[None]) -> Cast:
    """The cast, with every agreement in force."""
    arranged(cast, in_force)
    return cast


@given(st.dates(date(2000, 1, 1), date(2100, 12, 31)))
def test_every_day_is_in_one_week_whatever_the_year_or_the_clock(day: date) -> None:
    week = monday_of(day)
    assert week.isoweekday() == 1
    assert week <= day <= sunday_of(week)
    assert sunday_of(week) + DAY == monday_of(day + WEEK)
    assert week.isocalendar()[:2] == day.isocalendar()[:2]


@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(0, 400))
def test_weeks_follow_each_other_without_a_gap_over_new_year_and_summer_time(first: date, days: int) -> None:
    last = first + days * DAY
    found = list(weeks_between(first, last))
    assert found[0] == monday_of(first)
    assert found[-1] == monday_of(last)
    assert all(after - before == WEEK for before, after in pairwise(found))
    assert list(weeks_ended(first, last)) == [week for week in found if sunday_of(week) < last]


def test_a_note_says_that_they_met_or_were_reached_or_why_not(cast: Cast) -> None:
    by = cast.actor(WORKER)
    with cast.session() as session:
        follow_up = followed(session, cast)
        with refused("note.missing"):
            write_note(session, follow_up, MONDAY, Week(), by=by, at=AT)
        assert write_note(session, follow_up, MONDAY, Week(), unfinished=True, by=by, at=AT, seen=0) == 1
        assert write_note(session, follow_up, MONDAY, Week(why_none="no_news"), by=by, at=AT, seen=1) == 2
        with refused("note.changed"):
            write_note(session, follow_up, MONDAY, MET, by=by, at=AT, seen=1)
        row = notes.note_of(session, follow_up, MONDAY)
        assert row is not None
        assert (row.met, row.why_none, row.is_complete) == (0, "no_news", True)


@pytest.mark.parametrize(
    ("week", "said", "code"),
    [
        (MONDAY + DAY, MET, "week.malformed"),
        (MONDAY + WEEK, MET, "week.malformed"),
        (MONDAY - WEEK, MET, "week.malformed"),
        (MONDAY, Week(met=22), "met.malformed"),
        (MONDAY, Week(met=-1), "met.malformed"),
        (MONDAY, Week(minutes=30, communications=("telephone",)), "minutes.malformed"),
        (MONDAY, Week(met=1, why_none="no_news"), "why_none.malformed"),
        (MONDAY, Week(why_none="rain"), "why_none.malformed"),
        (MONDAY, Week(why_none="other"), "why_other.missing"),
        (MONDAY, Week(communications=("pigeon",)), "communications.malformed"),
        (MONDAY, replace(MET, need="gold"), "need.malformed"),
        (MONDAY, replace(MET, worker_satisfaction="bliss"), "worker_satisfaction.malformed"),
        (MONDAY, replace(MET, activity_type="heist"), "activity_type.malformed"),
        (MONDAY, replace(MET, main_activity="x" * 201), "words.too_long"),
        (MONDAY, replace(MET, summary="x" * 4001), "words.too_long"),
        (MONDAY, Week(met=1, minutes=400), "minutes.long"),
        (MONDAY, Week(met=1, minutes=1500), "minutes.malformed"),
    ],
)
def test_a_note_says_nothing_that_cannot_be(cast: Cast, week: date, said: Week, code: str) -> None:
    with cast.session() as session:
        follow_up = followed(session, cast)
        with refused(code):
            write_note(session, follow_up, week, said, by=cast.actor(WORKER), at=AT)


def test_a_long_meeting_is_asked_about_once_and_then_believed(cast: Cast) -> None:
    by, long = cast.actor(WORKER), Week(met=1, minutes=400)
    with cast.session() as session:
        follow_up = followed(session, cast)
        with refused("minutes.long"):
            write_note(session, follow_up, MONDAY, long, by=by, at=AT)
        write_note(session, follow_up, MONDAY, long, confirmed=True, by=by, at=AT)
        write_note(session, follow_up, MONDAY, replace(long, need="emergency"), by=by, at=AT)
        write_note(session, follow_up, MONDAY, Week(met=2, minutes=400), by=by, at=AT)


def test_what_another_person_wrote_is_written_on_by_who_saw_it_alone(cast: Cast) -> None:
    by, other = cast.actor(WORKER), cast.actor(SECOND)
    with cast.session() as session:
        follow_up = followed(session, cast)
        write_note(session, follow_up, MONDAY, MET, by=by, at=AT)
        with refused("note.changed"):
            amend_note(session, follow_up, MONDAY, {"summary": "Autre."}, by=other, at=AT)
        assert amend_note(session, follow_up, MONDAY, {"summary": "Vu."}, by=other, at=AT, seen=1).version == 2
        again = amend_note(session, follow_up, MONDAY, {"summary": "Vu."}, by=other, at=AT, seen=1)
        assert again.version == 2, "sent again since no answer came back: it is there already"
        for who, words in ((other, "Plus."), (by, "Vu.")):
            with refused("note.changed"):
                amend_note(session, follow_up, MONDAY, {"summary": words}, by=who, at=AT, seen=1)


def test_what_is_saved_as_one_types_leaves_the_words_that_it_does_not_say(cast: Cast) -> None:
    by, whole = cast.actor(WORKER), replace(MET, main_activity="Musée", summary="Bien.", communications=PHONE)
    with cast.session() as session:
        follow_up = followed(session, cast)
        write_note(session, follow_up, MONDAY, whole, by=by, at=AT)
        row = amend_note(session, follow_up, MONDAY, {"other_workers": "  Appel.  "}, by=by, at=AT, seen=1)
        assert (row.is_complete, row.version, row.has_words) == (True, 2, True)
        participant = row_of(session, follow_up)["participant_id"]
        said = notes.read_words(session, row.id, participant, ground="part", by=by, at=AT)
        assert Week.of(row, said) == replace(whole, other_workers="Appel.")
        with refused("note.changed"):
            amend_note(session, follow_up, MONDAY, {"summary": ""}, by=by, at=AT, seen=1)
        emptied = dict.fromkeys(week_row.WORDS, "")
        assert not amend_note(session, follow_up, MONDAY, emptied, by=by, at=AT, seen=2).has_words


@pytest.mark.ci
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@example([(0, "summary", True), (1, "summary", False)])
@given(
    st.lists(
        st.tuples(st.integers(0, 1), st.sampled_from(["summary", "other_information", "main_activity"]), st.booleans()),
        min_size=2,
        max_size=8,
    )
)
def test_two_writers_of_one_week_lose_no_words_in_any_order(cast: Cast, turns: list[tuple[int, str, bool]]) -> None:
    """Each writes on what they saw last, and looks again where they are told to, or before they write."""
    writers = [cast.actor(WORKER), cast.actor(SECOND)]
    written: list[tuple[str, str]] = []
    with cast.session() as session:
        follow_up = followed(session, cast, second=SECOND)
        row = next(one for one in every(session, follow_ups()) if one.id == follow_up)
        saw: list[tuple[int, Week]] = [(0, Week()), (0, Week())]

        def look() -> tuple[int, Week]:
            note, said = notes.standing_weeks(session, row)[MONDAY]
            return note.version, said

        for n, (who, field, looks_first) in enumerate(turns):
            if looks_first and written:
                saw[who] = look()
            said, (seen, stood) = f"mot-{n}-fin", saw[who]
            other = next((found for found in (look(),) if found[0] != seen), None) if written else None
            given = {field: week_row.of_both(getattr(stood, field), said, field)}
            if other is not None:
                with refused("note.changed"):
                    amend_note(session, follow_up, MONDAY, given, by=writers[who], at=AT, seen=seen)
                assert look() == other
                seen, stood = other
                given = {field: week_row.of_both(getattr(stood, field), said, field)}
            amend_note(session, follow_up, MONDAY, given, by=writers[who], at=AT, seen=seen)
            written.append((field, said))
            saw[who] = look()
        stands = look()[1]
        assert [one for one in written if one[1] not in getattr(stands, one[0])] == []
        session.rollback()


def test_a_note_that_no_longer_says_enough_is_no_longer_complete(cast: Cast) -> None:
    by = cast.actor(WORKER)
    with cast.session() as session:
        follow_up = followed(session, cast)
        write_note(session, follow_up, MONDAY, MET, by=by, at=AT)
        assert not amend_note(session, follow_up, MONDAY, {"met": 0, "minutes": 0}, by=by, at=AT).is_complete
        with refused("note.missing"):
            amend_note(session, follow_up, MONDAY, {}, complete=True, by=by, at=AT)


def test_words_saved_as_one_types_make_nobody_s_other_form_out_of_date_and_contact_does(cast: Cast) -> None:
    by = cast.actor(WORKER)
    with cast.session() as session:
        follow_up = followed(session, cast)
        write_note(session, follow_up, MONDAY, Week(), unfinished=True, by=by, at=AT)
        version = row_of(session, follow_up)["version"]
        amend_note(session, follow_up, MONDAY, {"summary": "Bien."}, by=by, at=AT)
        assert row_of(session, follow_up)["version"] == version
        amend_note(session, follow_up, MONDAY, {"met": 1}, by=by, at=AT)
        assert row_of(session, follow_up)["version"] == version + 1


def test_a_message_without_any_news_reached_nobody(cast: Cast) -> None:
    by = cast.actor(WORKER)
    with cast.session() as session:
        follow_up = followed(session, cast)
        tried = Week(communications=("text_message",), why_none="no_news")
        write_note(session, follow_up, MONDAY, tried, by=by, at=AT + 4 * DAY)
        row = notes.note_of(session, follow_up, MONDAY)
        assert row is not None
        assert (row.communications, row.reached, row.is_complete) == (["text_message"], False, True)
        (found,) = lost.losing(session, TODAY + 20 * DAY)
        assert (found.since, found.why) == (TODAY, "no_news")


def test_no_note_is_written_of_a_week_after_the_end_nor_of_long_ago(cast: Cast) -> None:
    by, later = cast.actor(WORKER), AT + 12 * WEEK
    with cast.session() as session:
        follow_up = followed(session, cast)
        with refused("week.malformed"):
            write_note(session, follow_up, MONDAY, MET, by=by, at=later)
        states.deactivate(session, follow_up, "withdrew", by=by, at=later - 2 * WEEK)
        write_note(session, follow_up, MONDAY + 10 * WEEK, MET, by=by, at=later)
        with refused("week.malformed"):
            write_note(session, follow_up, MONDAY + 11 * WEEK, MET, by=by, at=later)


def test_notes_are_owed_of_weeks_that_are_over_by_whoever_was_there_and_none_for_a_break(cast: Cast) -> None:
    by = cast.actor("coordinator")
    with cast.session() as session:
        mine, on_break = followed(session, cast), followed(session, cast, "#2026-02")
        assert owed.missing(session, TODAY + 6 * DAY) == []
        found = owed.missing(session, TODAY + WEEK)
        assert {(one.follow_up_id, one.week) for one in found} == {(mine, MONDAY), (on_break, MONDAY)}
        assert {one.person_id for one in found} == {cast.people[WORKER]}
        breaks.take_break(session, on_break, returns_on=TODAY + 60 * DAY, terms="J’appelle.", by=by, at=AT + 8 * DAY)
        write_note(session, mine, MONDAY, Week(), unfinished=True, by=by, at=AT + 8 * DAY)
        assert [one.follow_up_id for one in owed.missing(session, TODAY + WEEK)] == [mine]
        write_note(session, mine, MONDAY, MET, by=by, at=AT + 8 * DAY)
        assert owed.missing(session, TODAY + WEEK) == []
        # No more than four weeks are asked for, however long nothing was written.
        assert len(owed.missing(session, TODAY + 30 * WEEK)) == owed.WEEKS_ASKED


def test_no_break_however_short_rids_a_worker_of_a_note_that_was_owed_before(cast: Cast) -> None:
    by = cast.actor(WORKER)
    with cast.session() as session:
        follow_up = followed(session, cast)
        away = TODAY + WEEK + 2 * DAY
        breaks.take_break(session, follow_up, returns_on=away + DAY, terms="J’appelle.", by=by, at=AT + WEEK + 2 * DAY)
        breaks.come_back(session, follow_up, by=by, at=AT + WEEK + 3 * DAY)
        assert [one.week for one in owed.missing(session, away + DAY)] == [MONDAY]
        long = AT + WEEK + 4 * DAY
        breaks.take_break(session, follow_up, returns_on=TODAY + 3 * WEEK, terms="J’appelle.", by=by, at=long)
        breaks.come_back(session, follow_up, by=by, at=AT + 3 * WEEK)
        assert [one.week for one in owed.missing(session, TODAY + 4 * WEEK)] == [MONDAY, MONDAY + 3 * WEEK]


def test_a_worker_is_asked_once_a_week_and_is_done_when_the_last_note_is_there(cast: Cast) -> None:
    by, later = cast.actor("coordinator"), AT + WEEK
    with cast.session() as session:
        first, second = followed(session, cast), followed(session, cast, "#2026-02")
        followed(session, cast, "#2026-03", worker=SECOND)
        assert notes.ask_for_notes(session, by=by, at=later) == 2
        assert notes.ask_for_notes(session, by=by, at=later) == 0
        mine = next(one for one in tasks_of(session, owed.WRITE) if str(cast.people[WORKER]) in one["item"])
        assert "#2026" not in mine["title_fr"]
        write_note(session, first, MONDAY, MET, by=cast.actor(WORKER), at=later)
        assert [one["state"] for one in tasks_of(session, owed.WRITE)] == ["open", "open"]
        write_note(session, second, MONDAY, Week(communications=PHONE), by=cast.actor(WORKER), at=later)
        states_of = {one["id"]: one["state"] for one in tasks_of(session, owed.WRITE)}
        assert states_of.pop(mine["id"]) == "done"
        assert list(states_of.values()) == ["open"]


def test_a_note_that_nobody_owes_any_more_is_not_asked_for_any_longer(cast: Cast) -> None:
    by, later = cast.actor("coordinator"), AT + WEEK
    with cast.session() as session:
        follow_up = followed(session, cast)
        notes.ask_for_notes(session, by=by, at=later)
        assert notes.settle_notes(session, by=by, at=later) == 0
        states.deactivate(session, follow_up, "withdrew", by=by, at=later)
        assert notes.settle_notes(session, by=by, at=later) == 1
        assert [one["state"] for one in tasks_of(session, owed.WRITE)] == ["cancelled"]


# Whom the team is losing.


@pytest.mark.parametrize(
    ("days", "attempts", "expected"),
    [(13, 0, None), (14, 0, False), (20, 0, False), (21, 0, True), (1, 1, False), (1, 2, True)],
)
def test_contact_is_being_lost_then_lost(cast: Cast, days: int, attempts: int, expected: bool | None) -> None:
    known = contacts.KnownContact(TODAY, AT, [(TODAY, AT, False)] * attempts)
    found = lost.judged(cast.program_id, "#2026-01", known, "", TODAY + days * DAY)
    assert (found.is_lost if found else None) is expected


@pytest.mark.parametrize(("met_on", "had_contact"), [(None, False), (TODAY - DAY, False), (TODAY, True)])
def test_the_day_on_which_it_was_resumed_is_not_told_as_a_contact(met_on: date | None, had_contact: bool) -> None:
    found = lost.judged(UUID(int=1), "#2026-01", contacts.KnownContact(TODAY, AT, met_on=met_on), "", TODAY + 3 * WEEK)
    assert found is not None
    assert (found.since, found.had_contact) == (TODAY, had_contact)


def test_it_shows_who_since_when_why_and_for_how_long(cast: Cast) -> None:
    by = cast.actor(WORKER)
    with cast.session() as session:
        followed(session, cast, "#2026-02", at=AT)
        follow_up = followed(session, cast)
        write_note(session, follow_up, MONDAY, MET, by=by, at=AT + 4 * DAY)
        write_note(session, follow_up, MONDAY + WEEK, Week(why_none="no_news"), by=by, at=AT + 11 * DAY)
        found = lost.losing(session, TODAY + 25 * DAY)
        assert [(one.number, one.since, one.days, one.weeks, one.why, one.is_lost) for one in found] == [
            ("#2026-02", TODAY, 25, 3, "", True),
            ("#2026-01", TODAY + 4 * DAY, 21, 3, "no_news", True),
        ]
        contacts.record_attempt(session, follow_up, means="call", reached=True, by=by, at=AT + 25 * DAY)
        assert [one.number for one in lost.losing(session, TODAY + 25 * DAY)] == ["#2026-02"]


def test_at_another_loss_of_contact_the_why_of_the_first_one_is_not_said_again(cast: Cast) -> None:
    by = cast.actor(WORKER)
    with cast.session() as session:
        follow_up = followed(session, cast)
        write_note(session, follow_up, MONDAY, Week(why_none="withdrew"), by=by, at=AT + 4 * DAY)
        contacts.record_attempt(session, follow_up, means="call", reached=True, by=by, at=AT + 10 * DAY)
        write_note(
            session,
            follow_up,
            MONDAY + WEEK,
            Week(communications=PHONE, why_none="impossible"),
            by=by,
            at=AT + 10 * DAY,
        )
        (found,) = lost.losing(session, TODAY + 35 * DAY)
        assert (found.since, found.why) == (TODAY + 10 * DAY, "")
        write_note(session, follow_up, MONDAY + 2 * WEEK, Week(why_none="no_news"), by=by, at=AT + 18 * DAY)
        (found,) = lost.losing(session, TODAY + 35 * DAY)
        assert (found.since, found.why) == (TODAY + 10 * DAY, "no_news")


def test_a_note_of_a_past_week_counts_as_contact_on_that_weeks_last_day(cast: Cast) -> None:
    by = cast.actor(WORKER)
    with cast.session() as session:
        follow_up = followed(session, cast)
        write_note(session, follow_up, MONDAY, MET, by=by, at=AT + 20 * DAY)
        assert contacts.last_contacts(session, [follow_up])[follow_up] == MONDAY + 6 * DAY


# Meetings to which nobody came.


def test_the_worker_waits_then_makes_contact_and_a_strategy_is_agreed(cast: Cast) -> None:
    by = cast.actor(WORKER)
    with cast.session() as session:
        follow_up = followed(session, cast)
        hour = AT - timedelta(hours=1)
        for waited, when, code in (
            (5, hour, "no_show.minutes.malformed"),
            (500, hour - 2 * DAY, "no_show.minutes.malformed"),
            (15, AT, "no_show.hour.malformed"),
            (15, AT - 40 * DAY, "day.malformed"),
        ):
            with refused(code):
                contacts.record_no_show(session, follow_up, expected_at=when, waited_minutes=waited, by=by, at=AT)
        missed = contacts.record_no_show(session, follow_up, expected_at=hour, waited_minutes=15, by=by, at=AT)
        with refused("no_show.there_already"):
            contacts.record_no_show(session, follow_up, expected_at=hour, waited_minutes=20, by=by, at=AT)
        assert [one.strategy for one in contacts.no_shows_of(session, follow_up)] == [None]
        with refused("strategy.missing"):
            contacts.agree_strategy(session, follow_up, missed, "shout", by=by, at=AT)
        contacts.agree_strategy(session, follow_up, missed, "another_place", by=by, at=AT + DAY)
        with refused("no_show.settled"):
            contacts.agree_strategy(session, follow_up, missed, "new_meeting", by=by, at=AT + DAY)
        assert [one.strategy for one in contacts.no_shows_of(session, follow_up)] == ["another_place"]


def test_a_note_may_be_written_on_the_night_on_which_the_clocks_change(cast: Cast) -> None:
    at = datetime.fromisoformat("2027-03-14T03:30:00-04:00")  # a Sunday, an hour after 1:30
    with cast.session() as session:
        follow_up = followed(session, cast, at=at)
        with refused("week.malformed"):
            write_note(session, follow_up, date(2027, 3, 15), MET, by=cast.actor(WORKER), at=at)
        write_note(session, follow_up, date(2027, 3, 8), MET, by=cast.actor(WORKER), at=at)
