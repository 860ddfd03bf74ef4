"""Obligations kept true over the real tables: what changed is written once, corrections keep both, people are asked."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Date, select, text, update
from sqlalchemy import cast as cast_to
from sqlmodel import Session

from domain.agreements import agreements, terminations, version_text
from domain.casework.tasks import complete_task
from domain.declarations.checks.rule import ATTEST
from domain.departure import departures
from domain.kernel.refusals import Refusal
from domain.obligations import accepting, attestations
from domain.obligations.clauses import waivers
from domain.obligations.projection import RECORD
from domain.obligations.reading import PeriodRead, lately, periods
from domain.obligations.triggers import judge_touched
from domain.obligations.turns import take_turn
from domain.participants import referring
from domain.people import people
from meetings import attendance
from models.base import table_of
from models.meeting import Meeting
from models.minutes import Attendance
from models.obligation import Waiver
from models.program import Tenure
from tests import waiving
from tests.agreeing import last_version
from tests.cast import AT, SINCE, TODAY, Arranged, Cast
from tests.departing import record_protocols
from tests.domain.obligations.signed import (
    agreement_of,
    findings,
    follow_with,
    hold,
    kept,
    period,
    put_in_force,
    record,
    tasks,
)
from tests.domain.test_agreements import draft_of
from tests.meetings.sitting import seat, seat_everyone
from tests.referring import ONDINE, ROMARIN, refer

_meeting = table_of(Meeting)
_attendance = table_of(Attendance)
_tenure = table_of(Tenure)
_waiver = table_of(Waiver)

DAY = timedelta(days=1)
FEBRUARY, MAY, AUGUST = date(2026, 2, 10), date(2026, 5, 12), date(2026, 8, 11)
NEW_YEAR = datetime(2027, 1, 20, 14, 0, tzinfo=UTC)


def _judge(cast: Cast, *places: str, seated: bool = False) -> None:
    with cast.session() as made:
        if seated:
            seat_everyone(made, cast)
        put_in_force(made, cast, *places)
        kept(made)


def _judge_seated(cast: Cast) -> None:
    _judge(cast, seated=True)


def _judge_one(cast: Cast) -> None:
    _judge(cast, "en-marge")


@pytest.fixture
def session(cast: Cast, arranged: Arranged[None]) -> Iterator[Session]:
    """A session in which every partner's agreement is in force, and what they owe was judged once."""
    arranged(cast, _judge)
    with cast.session() as made:
        yield made


@pytest.fixture
def seated(cast: Cast, arranged: Arranged[None]) -> Iterator[Session]:
    """The same, and every seat is held."""
    arranged(cast, _judge_seated)
    with cast.session() as made:
        yield made


@pytest.fixture
def alone(cast: Cast, arranged: Arranged[None]) -> Iterator[Session]:
    """A session in which the agreement of one partner, En Marge, is in force and was judged once."""
    arranged(cast, _judge_one)
    with cast.session() as made:
        yield made


def test_drafts_bind_nobody(cast: Cast) -> None:
    with cast.session() as session:
        assert kept(session) == 0


@pytest.mark.ci
def test_every_obligation_of_every_partner_has_its_period_and_judging_again_writes_nothing(cast: Cast) -> None:
    with cast.session() as session:
        put_in_force(session, cast)
        assert kept(session) > 6 * 15
        assert kept(session) == 0
        assert kept(session, AT + timedelta(hours=3)) == 0
        sits = period(session, cast, "en-marge", "AG-M1")
        assert (sits["state"], sits["starts_on"], sits["ends_on"]) == (
            "nothing_recorded",
            date(2026, 1, 5),
            date(2026, 12, 31),
        )


def test_a_committee_that_takes_its_seats_from_others_is_sat_on_by_any_of_them_and_once(cast: Cast) -> None:
    """The Joint Committee: a principal of one seat and an alternate of another who both come are one presence."""
    with cast.session() as session:
        said = version_text.content_of_version(session, last_version(session, cast))
        sits = said.obligations["AG-M1"]
        joint = sits._replace(owed_by="organization", rule={**sits.rule, "committee": "joint"})
        changed = replace(said, obligations={**said.obligations, "AG-M1": joint})
        by = cast.actor("coordinator")
        agreements.redraft_version(session, last_version(session, cast), changed, by=by, at=AT)
        put_in_force(session, cast, "en-marge")
        came = {FEBRUARY: ("present", "alternate"), MAY: ("absent", "alternate"), AUGUST: ("absent", "absent")}
        for day, (steering, clinical) in came.items():
            meeting = hold(session, cast, day, {"en-marge": steering}, committee="joint")
            record(session, cast, meeting, "en-marge", clinical, committee="clinical")
        kept(session)
        found = period(session, cast, "en-marge", "AG-M1")
        assert (found["state"], found["found"]["numbers"]["sat"], found["found"]["numbers"]["absences"]) == (
            "at_risk",
            2,
            1,
        )
        assert [fact["why"] for fact in found["found"]["facts"]] == ["present", "alternate", "absent"]


@pytest.mark.ci
def test_an_empty_seat_is_at_risk_then_cannot_be_met_and_a_correction_keeps_both(cast: Cast, session: Session) -> None:
    others = {"ccsmtl": "present", "codim": "present", "spvm": "present", "marie-vincent": "present"}
    hold(session, cast, FEBRUARY, {**others, "en-marge": "absent", "anonyme": "alternate"})
    kept(session)
    assert period(session, cast, "en-marge", "AG-M1")["state"] == "at_risk"
    assert period(session, cast, "anonyme", "AG-M1")["state"] == "on_track"
    may = hold(session, cast, MAY, {**others, "en-marge": "absent", "anonyme": "present"})
    kept(session)
    lost = period(session, cast, "en-marge", "AG-M1")
    assert lost["state"] == "cannot_be_met"
    assert [(fact["on"], fact["why"]) for fact in lost["found"]["facts"]] == [
        ("2026-02-10", "absent"),
        ("2026-05-12", "absent"),
    ]
    session.execute(
        update(_attendance)
        .where(_attendance.c.meeting_id == may, _attendance.c.state == "absent")
        .values(state="excused")
    )
    kept(session)
    assert period(session, cast, "en-marge", "AG-M1")["state"] == "at_risk"
    assert findings(session, lost["id"]) == ["nothing_recorded", "at_risk", "cannot_be_met", "at_risk"]


@pytest.mark.ci
def test_one_empty_seat_puts_nobody_at_risk_while_nobody_can_tell_the_quorum(cast: Cast, seated: Session) -> None:
    """The seat is the first that is recorded of the meeting; those of the others may have been filled as well."""
    by, meeting = cast.actor("coordinator"), hold(seated, cast, AUGUST, {}, quorate=None)
    # It had its quorum before it was opened again, which says nothing of who is recorded now.
    for state, closed_at, quorate in (("under_way", None, True), ("held", AT, None)):
        now = {"state": state, "closed_at": closed_at, "quorate": quorate}
        seated.execute(update(_meeting).where(_meeting.c.id == meeting).values(now))
        attendance.record(seated, meeting, seat(seated, "steering", "en-marge"), "absent", by=by, at=AT)
        kept(seated)
        found = period(seated, cast, "en-marge", "AG-M1")
        assert (found["state"], found["found"]["numbers"]["absences"]) == ("awaiting_record", 0)
        assert [task["item"] for task in tasks(seated, RECORD)] == [str(meeting)]
    for key in ("coordination", "ccsmtl", "codim", "spvm", "marie-vincent", "anonyme"):
        attendance.record(seated, meeting, seat(seated, "steering", key), "present", by=by, at=AT)
    kept(seated)
    assert period(seated, cast, "en-marge", "AG-M1")["state"] == "at_risk"
    assert [task["state"] for task in tasks(seated, RECORD)] == ["done"]


@pytest.mark.ci
def test_what_nobody_recorded_is_the_coordinators_task_once_a_meeting_and_no_partners_miss(
    cast: Cast, session: Session
) -> None:
    meeting = hold(session, cast, AUGUST, {})
    kept(session)
    assert {period(session, cast, place, "AG-M1")["state"] for place in ("codim", "en-marge")} == {"awaiting_record"}
    (asked,) = tasks(session, RECORD)
    assert (asked["item"], asked["state"]) == (str(meeting), "open")
    kept(session)
    assert len(tasks(session, RECORD)) == 1
    for key in ("ccsmtl", "codim", "spvm", "marie-vincent", "en-marge", "anonyme"):
        record(session, cast, meeting, key, "present")
    kept(session, by=cast.actor("coordinator"))
    assert period(session, cast, "codim", "AG-M1")["state"] == "on_track"
    (asked,) = tasks(session, RECORD)
    assert (asked["state"], asked["done_by"]) == ("done", cast.people["coordinator"])


@pytest.mark.ci
def test_an_attestation_is_asked_of_the_holder_of_its_role_near_the_end_and_done_by_stating_it(
    cast: Cast, session: Session
) -> None:
    late = AT + timedelta(days=28)
    one = period(session, cast, "en-marge", "AG-P2")
    assert one["task_id"] is not None
    for who in ("manager_codim", "director_em", "coordinator"):
        with pytest.raises(Refusal) as refused:
            attestations.attest(session, one["id"], "held", by=cast.actor(who), at=late)
        assert refused.value.code == "attestation.not_yours"
    with pytest.raises(Refusal):
        attestations.attest(session, one["id"], "not_held", by=cast.actor("manager_em"), at=late)
    with pytest.raises(Refusal) as refused:  # a tick would say what nobody stated
        complete_task(session, one["task_id"], by=cast.actor("manager_em"), at=late)
    assert refused.value.code == "task.by_its_act"
    attestations.attest(session, one["id"], "held", by=cast.actor("manager_em"), at=late)
    stated = period(session, cast, "en-marge", "AG-P2")
    assert stated["state"] == "given", "and somebody who does not owe it has to accept it"
    task = next(task for task in tasks(session, ATTEST) if task["id"] == one["task_id"])
    assert (task["state"], task["done_by"]) == ("done", cast.people["manager_em"])
    attestations.attest(session, one["id"], "not_held", note="Le congélateur", by=cast.actor("manager_em"), at=late)
    assert period(session, cast, "en-marge", "AG-P2")["state"] == "at_risk"


@pytest.mark.ci
def test_that_it_held_is_not_stated_before_the_period_has_had_its_time_and_that_it_did_not_is_at_any_time(
    cast: Cast, alone: Session
) -> None:
    first_day = datetime(2027, 1, 1, 15, 0, tzinfo=UTC)
    kept(alone, first_day)
    one, by = period(alone, cast, "en-marge", "AG-P2"), cast.actor("manager_em")
    assert one["starts_on"] == date(2027, 1, 1)
    for at in (first_day, datetime(2027, 7, 1, 15, 0, tzinfo=UTC)):
        with pytest.raises(Refusal, match=r"attestation\.too_soon"):
            attestations.attest(alone, one["id"], "held", by=by, at=at)
    attestations.attest(alone, one["id"], "not_held", note="Personne n’est libre cette année.", by=by, at=first_day)
    assert period(alone, cast, "en-marge", "AG-P2")["state"] == "at_risk"
    attestations.attest(alone, one["id"], "held", by=by, at=datetime(2027, 7, 2, 15, 0, tzinfo=UTC))
    assert period(alone, cast, "en-marge", "AG-P2")["state"] == "given"


@pytest.mark.ci
def test_an_attestation_that_a_decision_waives_is_asked_of_nobody_until_it_is_owed_again(
    cast: Cast, seated: Session
) -> None:
    late = AT + timedelta(days=28)
    kept(seated, late)
    one = period(seated, cast, "en-marge", "AG-P2")
    decision = waiving.freed(seated, cast, "en-marge", "AG-P2", one["starts_on"], one["ends_on"])
    (asked,) = [task for task in tasks(seated, ATTEST) if task["id"] == one["task_id"]]
    freed = period(seated, cast, "en-marge", "AG-P2")
    assert (freed["state"], asked["state"]) == ("waived", "cancelled")
    waiving.withdrawn(seated, cast, decision, at=late)
    kept(seated, late)
    again = period(seated, cast, "en-marge", "AG-P2")
    assert again["state"] != "waived"
    assert [task["state"] for task in tasks(seated, ATTEST) if task["id"] == again["task_id"]] == ["open"]


def test_a_document_meets_what_asks_for_it_from_the_moment_it_is_accepted_and_not_once_it_is_taken_back(
    cast: Cast, session: Session
) -> None:
    by, one = cast.actor("manager_em"), period(session, cast, "en-marge", "AG-P4")
    with pytest.raises(Refusal) as refused:
        attestations.add_document(session, one["id"], "bilan.txt", b"Fait.", effective_on=TODAY + DAY, by=by, at=AT)
    assert refused.value.code == "document.day_to_come"
    with pytest.raises(Refusal) as refused:
        attestations.add_document(session, one["id"], "bilan.pdf", b"Fait.", effective_on=TODAY, by=by, at=AT)
    assert refused.value.code == "document.not_what_it_says"
    document = attestations.add_document(session, one["id"], "bilan.txt", b"Fait.", effective_on=TODAY, by=by, at=AT)
    accepting.accept(session, one["id"], document, by=cast.actor("coordinator"), at=AT)
    assert period(session, cast, "en-marge", "AG-P4")["state"] == "met"
    attestations.withdraw_document(session, document, reason="Mauvais fichier", by=by, at=AT)
    assert period(session, cast, "en-marge", "AG-P4")["state"] == "at_risk"
    assert findings(session, one["id"]) == ["at_risk", "given", "met", "at_risk"]


@pytest.mark.ci
def test_what_was_missed_after_its_days_of_grace_is_shown_for_as_long_as_it_is_talked_about(
    cast: Cast, session: Session
) -> None:
    kept(session, datetime(2027, 4, 2, 14, 0, tzinfo=UTC))
    mine, by_day = [cast.organizations["ccsmtl"]], {}
    for day in (date(2027, 4, 2), date(2027, 5, 2), date(2027, 9, 14), date(2028, 1, 18)):
        rows = [row for row in lately(session, day, organization_ids=mine) if row.ends_on == date(2026, 12, 31)]
        by_day[day] = {row.key for row in rows if row.state == "missed"}, {row.state for row in rows}
    assert ["GV-6.report" in missed for missed, _ in by_day.values()] == [True, True, True, False]
    assert by_day[date(2027, 4, 2)][1] > {"missed"}, "what went well is shown for some months too"
    assert by_day[date(2027, 9, 14)][1] == {"missed"}


def test_an_end_that_is_recorded_late_frees_of_nothing_that_had_begun_since(cast: Cast, alone: Session) -> None:
    """The agreement ended with the year, someone says in March: it ends in March, and what was owed stays owed."""
    march = datetime(2027, 3, 25, 14, 0, tzinfo=UTC)
    kept(alone, datetime(2027, 1, 5, 14, 0, tzinfo=UTC))
    kept(alone, march)
    begun = [
        row
        for row in periods(alone, since=date(2027, 1, 1), until=march.date())
        if row.organization_key == "en-marge" and row.starts_on >= date(2027, 1, 1)
    ]
    assert any(row.task_id for row in begun)
    by, version_id = cast.actor("coordinator"), draft_of(alone, cast)
    with pytest.raises(Refusal) as refused:
        terminations.end_version(alone, version_id, ends_on=date(2026, 12, 31), by=by, at=march)
    assert refused.value.code == "agreement.ends_in_the_past"
    terminations.end_version(alone, version_id, ends_on=march.date(), by=by, at=march)
    kept(alone, march)
    after = {
        row.id: row
        for row in periods(alone, since=date(2026, 1, 1), until=march.date())
        if row.organization_key == "en-marge"
    }
    assert {row.id for row in begun} <= set(after)
    assert "no_occasion" not in {after[row.id].state for row in begun if row.state != "no_occasion"}
    asked = {after[row.id].task_id for row in begun if row.task_id}
    assert {task["state"] for task in tasks(alone, ATTEST) if task["id"] in asked} == {"open"}, "it is asked for still"


def test_an_organization_that_leaves_in_mid_year_owes_what_came_before(cast: Cast, alone: Session) -> None:
    hold(alone, cast, FEBRUARY, {"en-marge": "present"})
    kept(alone)
    by, last = cast.actor("coordinator"), datetime(2026, 6, 30, 14, 0, tzinfo=UTC)
    terminations.end_version(alone, draft_of(alone, cast), ends_on=last.date(), by=by, at=last)
    hold(alone, cast, AUGUST, {"en-marge": "absent"})
    kept(alone)
    left = period(alone, cast, "en-marge", "AG-M1")
    assert (left["state"], left["ends_on"]) == ("met", date(2026, 6, 30))


def test_alternates_are_counted_as_they_are_today(cast: Cast, session: Session) -> None:
    assert period(session, cast, "en-marge", "AG-X2")["state"] == "on_track"
    assert period(session, cast, "codim", "AG-X2")["state"] == "missed"
    people.appoint(
        session,
        person_id=cast.people["worker_codim"],
        organization_id=cast.organizations["codim"],
        role="second_representative",
        starts_on=TODAY,
        by=cast.actor("coordinator"),
        at=AT,
    )
    kept(session)
    assert period(session, cast, "codim", "AG-X2")["state"] == "on_track"


def test_a_waiver_needs_a_decision_that_stands(cast: Cast, session: Session) -> None:
    with pytest.raises(Refusal) as refused:
        attestations.waive(
            session,
            agreement_of(session, cast, "en-marge"),
            "AG-M1",
            starts_on=TODAY,
            ends_on=TODAY,
            decision_id=cast.program_id,
            reason="Déménagement",
            by=cast.actor("coordinator"),
            at=AT,
        )
    assert refused.value.code == "decision.does_not_stand"


@pytest.mark.ci
def test_a_waiver_that_has_ended_excuses_nothing_that_comes_after_it(cast: Cast, seated: Session) -> None:
    """Freed of sitting from May to August: what comes on the day after counts again."""
    hold(seated, cast, FEBRUARY, {"en-marge": "absent"})
    kept(seated)
    waiving.freed(seated, cast, "en-marge", "AG-M1", MAY, AUGUST)
    for day in (MAY, AUGUST):
        hold(seated, cast, day, {"en-marge": "absent"})
    kept(seated)
    freed = period(seated, cast, "en-marge", "AG-M1")
    assert freed["state"] == "at_risk"  # February's alone
    assert [fact["why"] for fact in freed["found"]["facts"]] == ["absent", "waived", "waived", "present"]
    hold(seated, cast, AUGUST + DAY, {"en-marge": "absent"})  # the day after its last
    kept(seated)
    assert period(seated, cast, "en-marge", "AG-M1")["state"] == "cannot_be_met"


@pytest.mark.ci
def test_days_of_a_waiver_whose_decision_was_withdrawn_are_waived_anew_by_another(cast: Cast, seated: Session) -> None:
    """The first freed of sitting until it was withdrawn, and keeps on record what it was for; one never held at all."""
    agreement_id = agreement_of(seated, cast, "en-marge")
    waived = partial(waiving.freed, seated, cast, "en-marge", "AG-M1")
    last = TODAY + 90 * DAY
    first, never = waived(MAY, TODAY + 30 * DAY), waived(TODAY + 40 * DAY, TODAY + 50 * DAY)
    waiving.withdrawn(seated, cast, first, never)
    with pytest.raises(Refusal, match=r"waiver\.twice"):
        waived(TODAY - DAY, last)
    third = waived(TODAY, last)
    found = [(one.decision_id, one.starts_on, one.ends_on) for one in waivers(seated, agreement_id, "AG-M1")]
    assert found == [(first, MAY, TODAY - DAY), (third, TODAY, last)]
    assert seated.scalar(select(_waiver.c.ends_on).where(_waiver.c.decision_id == first)) == TODAY + 30 * DAY
    with pytest.raises(Refusal, match=r"waiver\.twice"):
        waived(last, last)


@pytest.mark.ci
def test_a_waiver_of_what_is_owed_at_all_times_ends_on_its_last_day(cast: Cast, seated: Session) -> None:
    """What is owed at all times is waived to the waiver's last day, and missed again on the next."""
    assert period(seated, cast, "codim", "AG-X2")["state"] == "missed"
    waiving.freed(seated, cast, "codim", "AG-X2", TODAY, TODAY + 9 * DAY)
    assert period(seated, cast, "codim", "AG-X2")["state"] == "waived"
    kept(seated, AT + 9 * DAY)
    assert period(seated, cast, "codim", "AG-X2")["state"] == "waived"
    kept(seated, AT + 10 * DAY)
    row = period(seated, cast, "codim", "AG-X2")
    assert row["state"] == "missed"
    assert findings(seated, row["id"])[-3:] == ["missed", "waived", "missed"]


@pytest.mark.ci
def test_referrals_count_for_the_local_day_and_the_days_in_force_whatever_became_of_them(cast: Cast) -> None:
    with cast.session() as session:
        put_in_force(session, cast, "codim")
        put_in_force(session, cast, "en-marge", since=date(2026, 7, 1))
    new_year = datetime(2027, 1, 1, 4, 30, tzinfo=UTC)  # still 31 December in Montréal
    refer(cast, by="manager_em", at=datetime(2026, 6, 30, 15, 0, tzinfo=UTC))
    refer(cast, ROMARIN, by="manager_codim", at=new_year)
    refer(cast, ROMARIN, by="manager_codim", at=new_year + timedelta(hours=1))
    with cast.session() as session:
        thrown = referring.begin_referral(session, ONDINE, by=cast.actor("manager_em"), at=AT)
        referring.abandon_referral(session, thrown, by=cast.actor("manager_em"), at=AT)
        kept(session, NEW_YEAR)
        counted = {}
        for place in ("codim", "en-marge"):
            rows = periods(session, organization_ids=[cast.organizations[place]])
            counted[place] = [
                (row.period_starts.year, row.state, row.found["numbers"]["counted"])
                for row in rows
                if row.key == "AG-P1"
            ]
    assert counted["codim"] == [(2026, "met", 1), (2027, "met", 1)]
    # June was before the agreement was in force, and what was thrown away is no referral.
    assert counted["en-marge"] == [(2026, "missed", 0), (2027, "nothing_recorded", 0)]


def test_new_year_ends_a_period_and_begins_another(cast: Cast, alone: Session) -> None:
    hold(alone, cast, FEBRUARY, {"en-marge": "present"})
    kept(alone)
    before = period(alone, cast, "en-marge", "AG-M1")
    kept(alone, NEW_YEAR)
    after = period(alone, cast, "en-marge", "AG-M1")
    assert (before["period_starts"], after["period_starts"]) == (date(2026, 1, 1), date(2027, 1, 1))
    assert findings(alone, before["id"])[-1] == "met"


# ------------------------------------------------------------------------------------------------- two who meet


def attested(session: Session, cast: Cast, one: UUID) -> None:
    attestations.attest(session, one, "not_held", note="Le congélateur", by=cast.actor("manager_em"), at=AT)


def documented(session: Session, cast: Cast, one: UUID) -> None:
    by = cast.actor("manager_em")
    attestations.add_document(session, one, "bilan.txt", b"Fait.", effective_on=TODAY, by=by, at=AT)


def ended(session: Session, cast: Cast, _: UUID) -> None:
    terminations.end_version(
        session, draft_of(session, cast), ends_on=date(2027, 6, 30), by=cast.actor("coordinator"), at=AT
    )
    judge_touched(session, at=AT)


def waits_for_a_turn(session: Session) -> bool:
    """Whether somebody waits in this database for whoever judges."""
    waiting = text(
        "select count(*) from pg_locks join pg_database on pg_database.oid = pg_locks.database"
        " where locktype = 'advisory' and not granted and datname = current_database()"
    )
    return bool(session.execute(waiting).scalar_one())


@pytest.mark.wide(8)
@pytest.mark.parametrize(("act", "key"), [(attested, "AG-P2"), (documented, "AG-P4"), (ended, "AG-P2")])
def test_whoever_acts_while_obligations_are_judged_waits_and_is_waited_for_by_nobody(
    cast: Cast, arranged: Arranged[None], act: Callable[[Session, Cast, UUID], None], key: str
) -> None:
    """The round has its turn, and comes to the same rows: a new year's periods of the agreement, and the old ones."""
    arranged(cast, _judge_one)
    with cast.session() as session:
        one = period(session, cast, "en-marge", key)["id"]
    told = list[str]()

    def meanwhile() -> None:
        try:
            with cast.session() as session:
                act(session, cast, one)
            told.append("done")
        except Exception as error:  # noqa: BLE001 - a thread's error is shown by the assertion on the answers
            told.append(repr(error))

    other = threading.Thread(target=meanwhile)
    with cast.session() as session:
        take_turn(session)
        other.start()
        last = time.monotonic() + 20
        while not waits_for_a_turn(session) and time.monotonic() < last:
            time.sleep(0.02)
        assert kept(session, NEW_YEAR) > 0
    other.join(timeout=20)
    assert told == ["done"]


# ------------------------------------------------------------------------------------ another period, a late correction

#: When the year 2026 has been over for longer than a round looks back.
LONG_AFTER = datetime(2029, 2, 1, 14, 0, tzinfo=UTC)


def every_period(session: Session, cast: Cast, key: str, place: str = "en-marge") -> list[PeriodRead]:
    """Each period of an organization's obligation, in order."""
    rows = periods(session, organization_ids=[cast.organizations[place]])
    return [row for row in rows if row.key == key]


def days_and_states(session: Session, cast: Cast, key: str) -> list[tuple[date, date | None, str, str]]:
    """Each of them as its first and last day that count, how often it is checked, and its state."""
    rows = every_period(session, cast, key)
    return [(row.starts_on, row.ends_on, row.how_often, row.state) for row in rows]


def test_a_next_version_with_another_period_leaves_what_was_judged_before_and_cuts_what_is_running(
    cast: Cast, alone: Session
) -> None:
    quarters = days_and_states(alone, cast, "AG-W2")
    assert [(first, last) for first, last, *_ in quarters] == [
        (date(2026, 1, 5), date(2026, 3, 31)),
        (date(2026, 4, 1), date(2026, 6, 30)),
        (date(2026, 7, 1), date(2026, 9, 30)),
        (date(2026, 10, 1), date(2026, 12, 31)),
    ]
    before = {row.id: findings(alone, row.id) for row in every_period(alone, cast, "AG-W2")[:3]}
    follow_with(alone, cast, "AG-W2", period="calendar_year", starts_on=date(2026, 11, 16))
    kept(alone)
    *same, cut, year = days_and_states(alone, cast, "AG-W2")
    assert same == quarters[:3]
    assert {name: findings(alone, name) for name in before} == before
    assert cut[:3] == (date(2026, 10, 1), date(2026, 11, 15), "quarter")
    assert year[:3] == (date(2026, 11, 16), date(2026, 12, 31), "calendar_year")


def test_a_version_that_comes_on_record_late_with_a_longer_period_takes_the_place_of_the_shorter_ones(
    cast: Cast, alone: Session
) -> None:
    follow_with(alone, cast, "AG-W2", period="calendar_year", starts_on=date(2026, 4, 1))
    kept(alone)
    found = days_and_states(alone, cast, "AG-W2")
    assert [line[:2] for line in found if line[3] != "no_occasion"] == [
        (date(2026, 1, 5), date(2026, 3, 31)),
        (date(2026, 4, 1), date(2026, 12, 31)),
    ]
    assert every_period(alone, cast, "AG-W2")[1].period_ends == date(2026, 12, 31)


JULY = date(2026, 7, 1)


def test_a_stricter_text_in_mid_year_does_not_lose_what_the_text_before_it_allowed(cast: Cast) -> None:
    with cast.session() as session:
        put_in_force(session, cast, "en-marge")
        for day in (FEBRUARY, MAY):
            hold(session, cast, day, {"en-marge": "absent"})
        first = version_text.content_of_version(session, draft_of(session, cast)).obligations["AG-M1"]
        strict = {**first.rule, "at_most_absences": 0}
        follow_with(session, cast, "AG-M1", rule=strict, starts_on=date(2026, 2, 11))  # the day after the first one
        kept(session)
        (year,) = days_and_states(session, cast, "AG-M1")
        assert year[3] == "cannot_be_met", "in May none was allowed any more"
        session.execute(
            update(_attendance).where(_attendance.c.meeting_id == meeting_on(session, MAY)).values(state="excused")
        )
        kept(session)
        (row,) = every_period(session, cast, "AG-M1")
        assert (row.state, row.found["numbers"]) == (
            "at_risk",
            {"held": 1, "sat": 0, "absences": 1, "allowed": 1, "unrecorded": 0, "to_come": 0},
        )


def test_a_clause_that_is_proved_otherwise_from_a_day_on_is_judged_by_each_proof_for_its_own_days(cast: Cast) -> None:
    with cast.session() as session:
        put_in_force(session, cast, "en-marge")
        for day in (FEBRUARY, MAY):
            hold(session, cast, day, {"en-marge": "absent"})
        rule = {"kind": "report", "at_least": 1, "grace_days": 0}
        follow_with(session, cast, "AG-M1", check_kind="document", rule=rule, starts_on=JULY)
        kept(session)
        assert days_and_states(session, cast, "AG-M1") == [
            (date(2026, 1, 5), JULY - DAY, "calendar_year", "missed"),
            (JULY, date(2026, 12, 31), "calendar_year", "at_risk"),
        ]


def test_a_year_of_the_agreement_is_the_same_for_a_clause_that_a_later_version_brought(cast: Cast) -> None:
    with cast.session() as session:
        put_in_force(session, cast, "en-marge")
        follow_with(session, cast, "AG-P4.later", like="AG-P4", period="agreement_year", starts_on=JULY)
        kept(session, NEW_YEAR)
        assert [line[:2] for line in days_and_states(session, cast, "AG-P4.later")] == [
            (JULY, date(2027, 1, 4)),
            (date(2027, 1, 5), date(2028, 1, 4)),
        ]


@pytest.mark.ci
@pytest.mark.wide(8)
@pytest.mark.parametrize("named_between", [False, True])
def test_a_worker_who_is_not_replaced_over_new_year_is_missed_in_the_year_in_which_it_takes_too_long(
    cast: Cast, named_between: bool
) -> None:
    """Also where somebody was to follow between the two and never began."""
    record_protocols(cast)
    with cast.session() as session:
        put_in_force(session, cast, "en-marge")
        by, worker = cast.actor("coordinator"), cast.people["worker_em"]
        tenure = session.scalars(
            select(_tenure.c.id).where(_tenure.c.person_id == worker, _tenure.c.role == "youth_worker")
        ).one()
        people.end_tenure(session, tenure, ends_on=date(2026, 12, 9), by=by, at=AT)
        if named_between:
            place: dict[str, Any] = {
                "person_id": cast.people["specialist"],
                "organization_id": cast.organizations["en-marge"],
            }
            people.appoint(session, **place, role="youth_worker", starts_on=date(2027, 1, 11), by=by, at=AT)
            departures.open_departure(session, **place, last_day=TODAY, planned=False, by=by, at=AT)
        people.appoint(
            session,
            person_id=cast.people["police"],
            organization_id=cast.organizations["en-marge"],
            role="youth_worker",
            starts_on=date(2027, 1, 26),
            by=by,
            at=AT,
        )
        kept(session, datetime(2027, 2, 1, 14, 0, tzinfo=UTC))
        found = every_period(session, cast, "AG-X2.replacement")
        assert [(row.state, row.found["numbers"]["counted"]) for row in found] == [
            ("met", 10),  # up to Christmas, and the program is closed until the new year
            ("cannot_be_met", 26),
        ]


def _judge_long_after(cast: Cast) -> None:
    with cast.session() as made:
        seat_everyone(made, cast)
        put_in_force(made, cast, "en-marge")
        for day in (FEBRUARY, MAY):
            hold(made, cast, day, {"en-marge": "absent"})
        for at in (AT, NEW_YEAR + 150 * DAY, LONG_AFTER):
            kept(made, at)


@pytest.fixture
def long_after(cast: Cast, arranged: Arranged[None]) -> Iterator[Session]:
    """A session in which one partner's obligations were judged in 2026, and again years after."""
    arranged(cast, _judge_long_after)
    with cast.session() as made:
        yield made


def first_of(session: Session, cast: Cast, key: str) -> PeriodRead:
    """The period of 2026."""
    return every_period(session, cast, key)[0]


def meeting_on(session: Session, day: date) -> UUID:
    of_day: UUID = session.scalars(select(_meeting.c.id).where(cast_to(_meeting.c.starts, Date) == day)).one()
    return of_day


@pytest.mark.ci
def test_a_correction_counts_however_long_the_period_is_over(cast: Cast, long_after: Session) -> None:
    missed = first_of(long_after, cast, "AG-M1")
    assert missed.state == "missed"
    attendance.record(
        long_after,
        meeting_on(long_after, MAY),
        seat(long_after, "steering", "en-marge"),
        "excused",
        by=cast.actor("coordinator"),
        at=LONG_AFTER,
    )
    judge_touched(long_after, at=LONG_AFTER)
    assert first_of(long_after, cast, "AG-M1").state == "met"
    assert findings(long_after, missed.id)[-2:] == ["missed", "met"]


@pytest.mark.ci
def test_a_last_day_that_was_wrong_counts_where_it_was_however_long_that_is_over(
    cast: Cast, long_after: Session
) -> None:
    """The worker who was said to leave in June 2026 is there to this day: the day that was said tells the year."""
    by = cast.actor("coordinator")
    tenure = long_after.scalars(
        update(_tenure)
        .where(_tenure.c.person_id == cast.people["worker_em"], _tenure.c.role == "youth_worker")
        .values(starts_on=SINCE)
        .returning(_tenure.c.id)
    ).one()
    for last, state in ((date(2026, 6, 19), "missed"), (LONG_AFTER.date(), "met")):
        people.end_tenure(long_after, tenure, ends_on=last, by=by, at=LONG_AFTER)
        judge_touched(long_after, at=LONG_AFTER)
        assert first_of(long_after, cast, "AG-X2.replacement").state == state


def test_a_document_counts_for_the_year_that_it_speaks_of_however_long_that_is_over(
    cast: Cast, long_after: Session
) -> None:
    by, old = cast.actor("manager_em"), first_of(long_after, cast, "AG-P4")
    assert old.state == "missed"
    document = attestations.add_document(
        long_after, old.id, "bilan.txt", b"Fait.", effective_on=TODAY, by=by, at=LONG_AFTER
    )
    assert first_of(long_after, cast, "AG-P4").state == "given"
    accepting.accept(long_after, old.id, document, by=cast.actor("coordinator"), at=LONG_AFTER)
    assert first_of(long_after, cast, "AG-P4").state == "met"
    attestations.withdraw_document(long_after, document, reason="Mauvais fichier", by=by, at=LONG_AFTER)
    assert first_of(long_after, cast, "AG-P4").state == "missed"
    stated = first_of(long_after, cast, "AG-P2")
    attestations.attest(long_after, stated.id, "held", by=by, at=LONG_AFTER)
    assert (stated.state, first_of(long_after, cast, "AG-P2").state) == ("missed", "given")


def test_what_is_long_over_stays_as_it_was_found_where_nothing_of_it_is_touched(
    cast: Cast, long_after: Session
) -> None:
    """Not by the round, and not by what is recorded of another year."""
    long_after.execute(
        update(_attendance)
        .where(_attendance.c.meeting_id == meeting_on(long_after, MAY), _attendance.c.state == "absent")
        .values(state="excused")
    )
    kept(long_after, LONG_AFTER)
    later = hold(long_after, cast, date(2028, 5, 9), {})
    mine = seat(long_after, "steering", "en-marge")
    attendance.record(long_after, later, mine, "absent", by=cast.actor("coordinator"), at=LONG_AFTER)
    judge_touched(long_after, at=LONG_AFTER)
    assert first_of(long_after, cast, "AG-M1").state == "missed"


@pytest.mark.ci
def test_an_attendance_that_nobody_ever_recorded_stays_the_coordinators_to_record(
    cast: Cast, long_after: Session
) -> None:
    hold(long_after, cast, AUGUST, {})
    kept(long_after)
    kept(long_after, LONG_AFTER)
    assert [task["state"] for task in tasks(long_after, RECORD)] == ["open"]
