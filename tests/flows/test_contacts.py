"""The round of follow-ups: breaks come back, notes and workers are asked for, and lost contact is the committee's."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from domain.accompaniment import breaks, states
from domain.admissions import duplicates, first_meetings
from domain.casework import asking
from domain.follow_ups import assigning, contacts, owed
from domain.follow_ups.week_row import Week
from flows import contacts as watch
from flows import rounds
from flows.turns import BY_ROUNDS
from meetings import admissions, agendas, recruiters
from meetings.reasons import in_words
from models.agenda import AgendaItem
from models.base import table_of
from models.casework import Responsibility, Task
from tests.cast import AT, TODAY, Cast
from tests.flows.support import Clock, carry_all, means_of, told
from tests.following import THIRD, WORKER, agreed, followed, known_as_somebody, row_of, tasks_of
from tests.noting import write_note
from tests.raw_rows import many
from tests.referring import ONDINE, declare_admission, refer, triaged

DAY = timedelta(days=1)
_item = table_of(AgendaItem)
_task = table_of(Task)
_chain = table_of(Responsibility)


def run(cast: Cast, at: datetime) -> int:
    return rounds.run_round(means_of(cast, Clock(at)), watch.look.key, "worker")


def items(cast: Cast, kind: str = watch.LOST_CONTACT) -> list[dict[str, Any]]:
    with cast.session() as session:
        return many(
            session,
            select(_item)
            .where(_item.c.program_id == cast.program_id, _item.c.kind == kind)
            .order_by(_item.c.asked_at, _item.c.subject),
        )


def on_whom(cast: Cast, step: str) -> list[tuple[UUID, str]]:
    """Of whom something was asked outside any case, and how that stands, the first one first."""
    with cast.session() as session:
        rows = session.execute(
            select(_chain.c.links, _task.c.state)
            .join(_task, _task.c.owed_by_id == _chain.c.id)
            .where(_task.c.step == step)
            .order_by(_task.c.opened_at)
        ).all()
        return [(row.links[0].person, row.state) for row in rows]


def begun(cast: Cast, number: str = "#2026-01") -> UUID:
    with cast.session() as session:
        if number == "#2026-01":
            agreed(session, cast)
        return followed(session, cast, number)


@pytest.mark.ci
def test_a_break_that_ends_today_comes_back_today_and_once(cast: Cast) -> None:
    follow_up = begun(cast)
    with cast.session() as session:
        breaks.take_break(
            session, follow_up, returns_on=TODAY + 6 * DAY, terms="J’appelle.", by=cast.actor(WORKER), at=AT
        )
    run(cast, AT + 5 * DAY)
    with cast.session() as session:
        assert row_of(session, follow_up)["state"] == "on_break"
    assert run(cast, AT + 6 * DAY) == 1  # a Sunday
    with cast.session() as session:
        assert row_of(session, follow_up)["state"] == "active"
    assert len(told(cast, "follow_up.resumed")) == 1
    assert run(cast, AT + 6 * DAY) == 0


@pytest.mark.ci
def test_on_the_day_of_the_return_whoever_accompanies_the_participant_is_asked_to_make_contact(cast: Cast) -> None:
    follow_up, by = begun(cast), cast.actor(WORKER)
    with cast.session() as session:
        breaks.take_break(session, follow_up, returns_on=TODAY + 6 * DAY, terms="J’appelle.", by=by, at=AT)
    run(cast, AT + 5 * DAY)
    with cast.session() as session:
        assert tasks_of(session, breaks.RETURN) == []
    run(cast, AT + 6 * DAY)
    assert on_whom(cast, breaks.RETURN) == [(cast.people[WORKER], "open")]
    with cast.session() as session:
        assert "#2026-01" in tasks_of(session, breaks.RETURN)[0]["title_en"]
        assigning.assign_worker(
            session,
            follow_up,
            cast.people[THIRD],
            instead_of=cast.people[WORKER],
            by=cast.actor("coordinator"),
            at=AT + 7 * DAY,
        )
    run(cast, AT + 8 * DAY)
    assert on_whom(cast, breaks.RETURN) == [(cast.people[WORKER], "cancelled"), (cast.people[THIRD], "open")]
    with cast.session() as session:
        states.deactivate(session, follow_up, "withdrew", by=cast.actor("coordinator"), at=AT + 8 * DAY)
    assert [state for _, state in on_whom(cast, breaks.RETURN)] == ["cancelled", "cancelled"]


@pytest.mark.ci
def test_whoever_comes_back_before_the_day_is_with_their_worker_already_and_nobody_is_asked(cast: Cast) -> None:
    follow_up, by = begun(cast), cast.actor(WORKER)
    with cast.session() as session:
        breaks.take_break(session, follow_up, returns_on=TODAY + 6 * DAY, terms="J’appelle.", by=by, at=AT)
        breaks.come_back(session, follow_up, by=by, at=AT + DAY)
    run(cast, AT + 6 * DAY)
    with cast.session() as session:
        assert tasks_of(session, breaks.RETURN) == []


@pytest.mark.ci
def test_a_return_that_was_asked_is_not_asked_any_more_on_the_next_break(cast: Cast) -> None:
    follow_up, by = begun(cast), cast.actor(WORKER)
    with cast.session() as session:
        breaks.take_break(session, follow_up, returns_on=TODAY + 6 * DAY, terms="J’appelle.", by=by, at=AT)
    run(cast, AT + 6 * DAY)
    with cast.session() as session:
        breaks.take_break(session, follow_up, returns_on=TODAY + 30 * DAY, terms="Plus tard.", by=by, at=AT + 7 * DAY)
    assert on_whom(cast, breaks.RETURN) == [(cast.people[WORKER], "cancelled")]


def test_a_round_that_was_away_for_weeks_brings_back_what_it_missed(cast: Cast) -> None:
    follow_up = begun(cast)
    with cast.session() as session:
        breaks.take_break(
            session, follow_up, returns_on=TODAY + 6 * DAY, terms="J’appelle.", by=cast.actor(WORKER), at=AT
        )
    run(cast, AT + 40 * DAY)
    with cast.session() as session:
        row = row_of(session, follow_up)
        assert (row["state"], row["state_since"]) == ("active", TODAY + 40 * DAY)


@pytest.mark.ci
def test_lost_contact_is_put_before_the_clinical_committee_by_number_with_since_when_and_why(cast: Cast) -> None:
    follow_up = begun(cast)
    with cast.session() as session:
        write_note(session, follow_up, TODAY, Week(why_none="no_news"), by=cast.actor(WORKER), at=AT)
    run(cast, AT + 20 * DAY)
    assert items(cast) == []
    run(cast, AT + 21 * DAY)
    (item,) = items(cast)
    assert (item["subject"], item["state"], item["title_fr"]) == (
        "#2026-01",
        "pool",
        "Contact perdu\N{NO-BREAK SPACE}: #2026-01",
    )
    said = in_words(item["reasons"], "en")
    assert "23 November 2026" in said or "November 23, 2026" in said
    assert "no news" in said
    run(cast, AT + 22 * DAY)
    assert len(items(cast)) == 1


@pytest.mark.ci
def test_once_there_is_contact_again_the_committee_need_not_talk_about_it(cast: Cast) -> None:
    follow_up, other = begun(cast), begun(cast, "#2026-02")
    run(cast, AT + 21 * DAY)
    assert [item["state"] for item in items(cast)] == ["pool", "pool"]
    with cast.session() as session:
        contacts.record_attempt(session, follow_up, means="call", reached=True, by=cast.actor(WORKER), at=AT + 21 * DAY)
        states.deactivate(session, other, "withdrew", by=cast.actor(WORKER), at=AT + 21 * DAY)
    run(cast, AT + 22 * DAY)
    assert [item["state"] for item in items(cast)] == ["withdrawn", "withdrawn"]
    run(cast, AT + 44 * DAY)
    assert [item["subject"] for item in items(cast) if item["state"] == "pool"] == ["#2026-01"]


@pytest.mark.ci
def test_whoever_a_joined_referral_says_to_recruit_comes_before_the_committee_until_nobody_asks_for_it(
    cast: Cast,
) -> None:
    follow_up, by = begun(cast), cast.actor("coordinator")
    referral_id = refer(cast, replace(ONDINE, recruiter=True))
    with cast.session() as session:
        participant_id = row_of(session, follow_up)["participant_id"]
        known_as_somebody(session, participant_id)
        duplicates.join_referral(session, referral_id, participant_id, reason="La même", by=by, at=AT)
    run(cast, AT + DAY)
    run(cast, AT + 2 * DAY)
    assert [(one["subject"], one["state"]) for one in items(cast, recruiters.KIND)] == [("#2026-01", "pool")]
    with cast.session() as session:
        asking.nothing_more(session, participant_id, by=by, at=AT + 2 * DAY)
    run(cast, AT + 3 * DAY)
    assert [one["state"] for one in items(cast, recruiters.KIND)] == ["withdrawn"]


@pytest.mark.ci
def test_two_attempts_are_enough_whatever_the_days(cast: Cast) -> None:
    follow_up = begun(cast)
    with cast.session() as session:
        for day in (1, 2):
            contacts.record_attempt(
                session, follow_up, means="visit", reached=False, by=cast.actor(WORKER), at=AT + day * DAY
            )
    run(cast, AT + 3 * DAY)
    assert [item["subject"] for item in items(cast)] == ["#2026-01"]


@pytest.mark.ci
def test_missing_notes_are_asked_of_the_worker_on_the_monday_after(cast: Cast) -> None:
    begun(cast)
    run(cast, AT + 6 * DAY)
    with cast.session() as session:
        assert tasks_of(session, owed.WRITE) == []
    run(cast, AT + 7 * DAY)
    run(cast, AT + 8 * DAY)
    with cast.session() as session:
        assert [one["state"] for one in tasks_of(session, owed.WRITE)] == ["open"]


@pytest.mark.ci
def test_a_follow_up_whose_worker_left_is_found_and_asked_for_once(cast: Cast) -> None:
    begun(cast)
    with cast.session() as session:
        session.connection().exec_driver_sql(
            "update tenure set ends_on = %s where person_id = %s", (TODAY + DAY, cast.people[WORKER])
        )
    run(cast, AT + DAY)
    with cast.session() as session:
        assert tasks_of(session, assigning.FIND_A_WORKER) == []
    for days in (2, 3):
        run(cast, AT + days * DAY)
    with cast.session() as session:
        assert len(tasks_of(session, assigning.FIND_A_WORKER)) == 1


def test_it_is_due_at_six_in_the_programs_own_zone_also_when_the_clocks_change(cast: Cast) -> None:
    with cast.session() as session:
        assert watch.look.due_at(session, datetime(2027, 3, 14, 10, 30, tzinfo=UTC)) == datetime(
            2027, 3, 14, 10, tzinfo=UTC
        )
        assert watch.look.due_at(session, datetime(2027, 3, 14, 9, 30, tzinfo=UTC)) == datetime(
            2027, 3, 13, 11, tzinfo=UTC
        )
        six = datetime(2027, 3, 14, 10, tzinfo=UTC)
        assert watch.look.due_at(session, six) == six
        assert watch.look.due_at(session, six - timedelta(microseconds=1)) == datetime(2027, 3, 13, 11, tzinfo=UTC)


@pytest.mark.ci
def test_a_candidate_whom_no_agenda_has_is_put_back_on_one_until_the_committee_decides(cast: Cast) -> None:
    declare_admission(cast)
    begun(cast)
    participant_id = triaged(cast, refer(cast, by=WORKER))
    carry_all(means_of(cast, Clock(AT)))
    (item,) = items(cast, admissions.KIND)
    with cast.session() as session:
        agendas.withdraw(session, watch.COMMITTEE, admissions.KIND, item["subject"], by=BY_ROUNDS, at=AT)
    assert run(cast, AT + DAY) == 1
    gone, back = items(cast, admissions.KIND)
    assert (gone["state"], back["state"], back["task_id"]) == ("withdrawn", "pool", item["task_id"])
    assert run(cast, AT + 2 * DAY) == 0
    with cast.session() as session:
        first_meetings.decline(session, participant_id, by=cast.actor("coordinator"), at=AT + 2 * DAY)
        agendas.withdraw(session, watch.COMMITTEE, admissions.KIND, item["subject"], by=BY_ROUNDS, at=AT)
    run(cast, AT + 3 * DAY)
    assert {one["state"] for one in items(cast, admissions.KIND)} == {"withdrawn"}, "nobody waits for it any more"
