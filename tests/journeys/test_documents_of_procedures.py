"""What a declared procedure brings counts for the clause that it serves, and for no other (AG-X1, GV-6, GV-9)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from domain.casework import cases, tasks
from domain.kernel.refusals import Refusal
from domain.obligations import accepting, attestations, to_accept
from domain.obligations.triggers import judge_touched
from flows import beginnings
from meetings import assembling, attendance, deciding, decisions, running, schedule
from meetings.agenda_items import items_of
from meetings.endorsing import endorse
from models.base import table_of
from models.casework import Case, Evidence
from models.meeting import Meeting
from models.obligation import ObligationFinding, ObligationPeriod
from models.record import Event
from tests.api.pages.looking import signed_in
from tests.casework import approve, complete, step
from tests.cast import AT, Cast
from tests.declared import record
from tests.domain.obligations.signed import agreement_of, follow_with, kept, period, put_in_force
from tests.flows.support import Clock, carry_all, means_of
from tests.meetings.sitting import seat, seat_everyone

_case = table_of(Case)
_meeting = table_of(Meeting)
_period = table_of(ObligationPeriod)
_finding = table_of(ObligationFinding)
_evidence = table_of(Evidence)
_event = table_of(Event)

#: The Steering Committee of 13 January 2027, a Wednesday: local, and five minutes into it.
LOCAL = datetime(2027, 1, 13, 13, 0)  # noqa: DTZ001 - local
THERE = datetime(2027, 1, 13, 18, 5, tzinfo=UTC)
NEW_YEAR = datetime(2027, 1, 4, 15, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
#: What is asked of a team in a year that began in November: the quarters before are over.
DEBRIEFED = ("help_with_safety_plans", "debrief_fourth_quarter")
PRESENT = ("ccsmtl", "codim", "spvm", "en-marge", "anonyme", "marie-vincent")


def looked_at(cast: Cast, case_id: UUID, name: str, who: str, at: datetime) -> None:
    """Have somebody accept the document that a step brought, for each period that it may count for."""
    with cast.session() as session:
        kept(session, at)
        task_id = step(session, case_id, name)["id"]
        for row in to_accept.periods_of(session, task_id):
            if to_accept.waiting(row):
                accepting.accept(session, row.id, task_id, by=cast.actor(who), at=at)


def read_by_who_looks_at_it(cast: Cast, period_id: UUID) -> None:
    """The document of a step is on the page of the clause for whom it falls to, and reading it leaves a line."""
    address = f"/obligations/{period_id}"
    with cast.session() as session:
        evidence = session.scalars(select(_evidence.c.id).where(_evidence.c.kind == "document")).one()
    reader = signed_in(cast, "coordinator")
    assert f"{address}/proofs/{evidence}" in reader.get(address).text
    got = reader.get(f"{address}/proofs/{evidence}")
    assert (got.status_code, got.headers["content-disposition"][:11]) == (200, "attachment;")
    with cast.session() as session:
        assert session.scalars(
            select(_event.c.facts).where(_event.c.verb == "read", _event.c.subject_id == evidence)
        ).all()
    assert signed_in(cast, "worker_codim").get(f"{address}/proofs/{evidence}").status_code == 404
    assert reader.get(f"{address}/proofs/{period_id}").status_code == 404


def begun(cast: Cast, protocol: str, clock: Clock) -> UUID:
    """The case of a protocol that has begun by itself."""
    means = means_of(cast, clock)
    assert beginnings.begin(means, cast.program_id, "test") == 1
    carry_all(means)
    with cast.session() as session:
        found: UUID = session.scalars(select(_case.c.id).where(_case.c.protocol == protocol)).one()
    return found


def stands(cast: Cast, key: str, at: datetime) -> tuple[str, list[tuple[str, bool, str]]]:
    """How the newest period of the host's clause stands, and the facts that say so."""
    with cast.session() as session:
        kept(session, at)
        found: dict[str, Any] = period(session, cast, "ccsmtl", key)
    return found["state"], [(fact["kind"], fact["counts"], fact["why"]) for fact in found["found"]["facts"]]


@pytest.mark.nightly
def test_the_communication_plan_counts_once_the_steering_committee_endorsed_it_and_no_longer_if_it_takes_that_back(
    cast: Cast,
) -> None:
    by, clock = cast.actor("coordinator"), Clock(AT)
    record(cast, "communication_plan")
    with cast.session() as session:
        seat_everyone(session, cast)
        put_in_force(session, cast, "ccsmtl")
        schedule.plan_meetings(session, "steering", [LOCAL], by=by, at=AT)
        meeting = session.scalars(select(_meeting.c.id).where(_meeting.c.starts == LOCAL)).one()
    case_id = begun(cast, "communication_plan", clock)
    for name in ("engage_specialist", "review_last_plan", "draft_plan"):
        complete(cast, case_id, name)
        carry_all(means_of(cast, clock))

    # The plan is for 2027, and not endorsed: it is no plan of 2026, and not yet one of 2027.
    assert stands(cast, "GV-9", AT) == ("at_risk", [("task", False, "other_period")])
    clock.now = NEW_YEAR
    assert stands(cast, "GV-9", NEW_YEAR) == ("on_track", [("task", False, "not_endorsed")])
    with cast.session() as session:  # nor does a file count that somebody gives for the clause itself
        mine = period(session, cast, "ccsmtl", "GV-9")
        attestations.add_document(
            session, mine["id"], "plan.txt", b"Plan", effective_on=NEW_YEAR.date(), by=by, at=NEW_YEAR
        )
    assert stands(cast, "GV-9", NEW_YEAR)[0] == "on_track"

    with cast.session() as session:
        assembling.assemble(session, meeting, by=by, at=NEW_YEAR)
        items = {one.kind: one for one in items_of(session, meeting)}
        running.open_meeting(session, meeting, by=by, at=THERE)
        for key in PRESENT:
            attendance.record(session, meeting, seat(session, "steering", key), "present", by=by, at=THERE)
        item = items["report"].id
        management: dict[str, Any] = {"kind": "management", "by": by, "at": THERE}
        # Another decision under the same item is not the plan's, and nobody says by a tick that the committee agreed.
        other = deciding.decide(session, meeting, item, text_fr="Le logo est changé.", **management)
        endorse(session, other, cast.organizations["ccsmtl"], "endorsed", by=cast.actor("manager_ccsmtl"), at=THERE)
        task_id = step(session, case_id, "endorse_plan")["id"]
        with pytest.raises(Refusal) as refused:
            tasks.complete_task(session, task_id, by=by, at=THERE)
        assert refused.value.code == "task.by_decision"
        assert step(session, case_id, "endorse_plan")["state"] == "open"
    assert ("task", False, "not_endorsed") in stands(cast, "GV-9", THERE)[1]
    with cast.session() as session:
        adopted = deciding.decide(session, meeting, item, text_fr="Le plan est adopté.", grants=True, **management)
        assert step(session, case_id, "endorse_plan")["state"] == "open", "the partners are asked"
        endorse(session, adopted, cast.organizations["ccsmtl"], "endorsed", by=cast.actor("manager_ccsmtl"), at=THERE)
        assert step(session, case_id, "endorse_plan")["state"] == "done"
    assert stands(cast, "GV-9", THERE) == ("met", [("document", False, "given"), ("task", True, "in_period")])
    with cast.session() as session:
        other, then = items["standing"].id, THERE + MINUTE
        named: dict[str, Any] = {"takes_back": [decisions.decision_of(session, adopted).number], "kind": "management"}
        later = deciding.decide(session, meeting, other, text_fr="Le plan est à refaire.", **named, by=by, at=then)
        endorse(session, later, cast.organizations["ccsmtl"], "endorsed", by=cast.actor("manager_ccsmtl"), at=then)
        assert step(session, case_id, "endorse_plan")["state"] == "open"
    assert stands(cast, "GV-9", THERE + MINUTE)[0] == "on_track"


@pytest.mark.ci
def test_a_committee_without_its_quorum_endorses_no_plan(cast: Cast) -> None:
    """The coordinator owes the plan, and records what is decided of it: two who sit are no committee."""
    by, clock = cast.actor("coordinator"), Clock(AT)
    record(cast, "communication_plan")
    with cast.session() as session:
        seat_everyone(session, cast)
        put_in_force(session, cast, "ccsmtl")
        schedule.plan_meetings(session, "steering", [LOCAL], by=by, at=AT)
        meeting = session.scalars(select(_meeting.c.id).where(_meeting.c.starts == LOCAL)).one()
    case_id = begun(cast, "communication_plan", clock)
    for name in ("engage_specialist", "review_last_plan", "draft_plan"):
        complete(cast, case_id, name)
        carry_all(means_of(cast, clock))
    with cast.session() as session:
        assembling.assemble(session, meeting, by=by, at=NEW_YEAR)
        (item,) = [one.id for one in items_of(session, meeting) if one.kind == "report"]
        running.open_meeting(session, meeting, by=by, at=THERE)
        for key in PRESENT[:2]:
            attendance.record(session, meeting, seat(session, "steering", key), "present", by=by, at=THERE)
        adopts: dict[str, Any] = {"text_fr": "Le plan est adopté.", "kind": "management", "by": by, "at": THERE}
        with pytest.raises(Refusal) as refused:
            deciding.decide(session, meeting, item, grants=True, **adopts)
        assert refused.value.code == "decision.grants_with_quorum"
        adopted = deciding.decide(session, meeting, item, **adopts)
        endorse(session, adopted, cast.organizations["ccsmtl"], "endorsed", by=cast.actor("manager_ccsmtl"), at=THERE)
    assert stands(cast, "GV-9", THERE) == ("on_track", [("task", False, "not_endorsed")])


@pytest.mark.nightly
def test_the_quarters_statements_count_for_their_quarter_once_they_are_approved_and_sent(cast: Cast) -> None:
    record(cast, "financial_report")
    with cast.session() as session:
        put_in_force(session, cast, "ccsmtl")
    last = datetime(2026, 12, 31, 15, 0, tzinfo=UTC)
    case_id = begun(cast, "financial_report", Clock(last))
    means = means_of(cast, Clock(NEW_YEAR))
    complete(cast, case_id, "close_petty_cash", by=cast.actor("petty_cash_holder"), at=NEW_YEAR)
    complete(cast, case_id, "gather_expenses", at=NEW_YEAR)
    carry_all(means)
    complete(cast, case_id, "draw_up_statements", at=NEW_YEAR)

    def of_the_quarter() -> tuple[str, list[str]]:
        with cast.session() as session:
            kept(session, NEW_YEAR)
            rows = session.execute(
                select(_period.c.state, _finding.c.found)
                .join(_finding, (_finding.c.period_id == _period.c.id) & (_finding.c.n == _period.c.finding))
                .where(_period.c.key == "GV-6.statements", _period.c.ends_on == last.date())
            )
            row = rows.one()
        return row.state, [fact["why"] for fact in row.found["facts"]]

    assert of_the_quarter() == ("at_risk", ["unfinished"])  # drawn up, and still to be approved
    approve(cast, case_id, "draw_up_statements", by=cast.actor("manager_ccsmtl"), at=NEW_YEAR)
    carry_all(means)
    assert of_the_quarter() == ("at_risk", ["unfinished"])  # and still to be sent
    complete(cast, case_id, "send_statements", at=NEW_YEAR)
    assert of_the_quarter() == ("given", ["given"])  # its own organization's manager approved it: one of another looks
    looked_at(cast, case_id, "draw_up_statements", "manager_em", NEW_YEAR)
    assert of_the_quarter() == ("met", ["in_period"])
    with cast.session() as session:  # a step that is taken back takes the document with it
        task = step(session, case_id, "send_statements")
        tasks.undo_task(session, task["id"], by=cast.actor("coordinator"), at=NEW_YEAR, reason="Pas encore")
    assert of_the_quarter() == ("at_risk", ["unfinished"])


@pytest.mark.ci
def test_the_statements_of_a_quarter_that_was_cut_count_for_one_part_of_it(cast: Cast) -> None:
    """From 16 November on the next version asks for them each month: those of the quarter are of its last days."""
    record(cast, "financial_report")
    with cast.session() as session:
        put_in_force(session, cast, "ccsmtl")
        follow_with(session, cast, "GV-6.statements", period="month", place="ccsmtl", starts_on=date(2026, 11, 16))
    case_id = begun(cast, "financial_report", Clock(datetime(2026, 12, 31, 15, 0, tzinfo=UTC)))
    means = means_of(cast, Clock(NEW_YEAR))
    complete(cast, case_id, "close_petty_cash", by=cast.actor("petty_cash_holder"), at=NEW_YEAR)
    complete(cast, case_id, "gather_expenses", at=NEW_YEAR)
    carry_all(means)
    complete(cast, case_id, "draw_up_statements", at=NEW_YEAR)
    approve(cast, case_id, "draw_up_statements", by=cast.actor("manager_ccsmtl"), at=NEW_YEAR)
    carry_all(means)
    complete(cast, case_id, "send_statements", at=NEW_YEAR)
    looked_at(cast, case_id, "draw_up_statements", "manager_em", NEW_YEAR)
    with cast.session() as session:
        kept(session, NEW_YEAR)
        rows = session.execute(
            select(_period.c.ends_on, _period.c.state)
            .where(_period.c.key == "GV-6.statements", _period.c.ends_on.between(date(2026, 11, 1), date(2026, 12, 31)))
            .order_by(_period.c.ends_on)
        )
        assert [(row.ends_on.month, row.ends_on.day, row.state == "met") for row in rows] == [
            (11, 15, False),
            (11, 30, False),
            (12, 31, True),
        ]


def year_of_training(cast: Cast, place: str) -> UUID:
    """The training of 2026, opened in November: one of its debriefings is still to come."""
    record(cast, "compassion_fatigue")
    with cast.session() as session:
        put_in_force(session, cast, place, "ccsmtl")
        return cases.open_case(
            session,
            "compassion_fatigue",
            organization_id=cast.organizations[place],
            period="2026",
            by=cast.actor("coordinator"),
            at=AT,
        )


def found(cast: Cast, place: str, key: str) -> dict[str, Any]:
    with cast.session() as session:
        kept(session, AT)
        return period(session, cast, place, key)


@pytest.mark.ci
def test_the_training_of_one_role_is_no_proof_of_anothers(cast: Cast) -> None:
    case_id = year_of_training(cast, "codim")
    complete(cast, case_id, "plan_training")
    complete(cast, case_id, "train_manager", by=cast.actor("manager_codim"))
    given = found(cast, "codim", "AG-X1:manager")
    assert given["state"] == "given"
    read_by_who_looks_at_it(cast, given["id"])
    looked_at(cast, case_id, "train_manager", "coordinator", AT)
    assert found(cast, "codim", "AG-X1:manager")["state"] == "met"
    workers = found(cast, "codim", "AG-X1:youth_worker")
    assert (workers["state"], workers["found"]["facts"]) == ("at_risk", [])
    complete(cast, case_id, "train_workers", by=cast.actor("worker_codim"))
    looked_at(cast, case_id, "train_workers", "coordinator", AT)
    assert found(cast, "codim", "AG-X1:youth_worker")["state"] == "met"
    assert len(found(cast, "codim", "AG-X1:manager")["found"]["facts"]) == 1
    assert found(cast, "ccsmtl", "AG-X1:coordinator")["state"] == "at_risk"


@pytest.mark.ci
def test_a_teams_debriefings_and_safety_plans_count_for_its_manager_and_for_no_other_team(cast: Cast) -> None:
    manager, case_id = cast.actor("manager_codim"), year_of_training(cast, "codim")
    assert found(cast, "codim", "AG-X3.team")["found"]["numbers"]["to_come"] == 2
    for name in DEBRIEFED[:-1]:
        complete(cast, case_id, name, by=manager)
    team = found(cast, "codim", "AG-X3.team")
    assert team["found"]["numbers"] == {"in_time": 1, "late": 0, "allowed": 1, "to_come": 1}
    assert found(cast, "ccsmtl", "AG-X3.team")["found"]["facts"] == []


@pytest.mark.ci
def test_what_the_coordinator_does_for_the_workers_training_counts_for_what_the_coordination_owes(cast: Cast) -> None:
    case_id = year_of_training(cast, "codim")
    assert found(cast, "ccsmtl", "GV-5.workers")["found"]["numbers"] == {
        "in_time": 0,
        "late": 0,
        "allowed": 2,
        "to_come": 1,
    }
    complete(cast, case_id, "plan_training")
    workers = found(cast, "ccsmtl", "GV-5.workers")["found"]
    assert workers["numbers"]["in_time"] == 1


@pytest.mark.nightly
def test_a_step_that_is_taken_back_years_after_is_counted_in_the_year_in_which_it_was_due(cast: Cast) -> None:
    manager, case_id = cast.actor("manager_codim"), year_of_training(cast, "codim")
    for name in DEBRIEFED:
        complete(cast, case_id, name, by=manager)
    years_after = datetime(2029, 2, 1, 15, 0, tzinfo=UTC)
    states = []
    for at in (datetime(2027, 6, 1, 15, 0, tzinfo=UTC), years_after):
        with cast.session() as session:
            kept(session, at)
    for undone in ((), (DEBRIEFED[-1], DEBRIEFED[-2])):
        with cast.session() as session:
            for name in undone:
                task = step(session, case_id, name)
                tasks.undo_task(session, task["id"], by=manager, at=years_after, reason="Pas tenu")
            judge_touched(session, at=years_after)
            mine = _period.c.agreement_id == agreement_of(session, cast, "codim")
            asked = select(_period.c.state).where(_period.c.key == "AG-X3.team", mine)
            states.append(session.scalars(asked.order_by(_period.c.starts_on)).first())
    assert states == ["met", "missed"]
