"""A worker who is being welcomed is given nobody before the gate of their onboarding is passed."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID

import pytest
from sqlmodel import Session

from domain.accompaniment import proposals
from domain.casework import cases, tasks
from domain.declarations.protocol import MAY_FOLLOW
from domain.departure import calling_off, current, ending, hand_overs, hand_overs_in_bulk, hiring, offers
from domain.follow_ups import assigning, gate, load
from domain.kernel.refusals import Refusal
from domain.people.people import appoint
from domain.roles.roles import standing
from locales import say
from models.base import table_of
from models.program import Tenure
from tests.casework import approve, carry, case_row, complete, onboard_wholly, open_onboarding, step
from tests.cast import AT, TODAY, Arranged, Cast, onboarding
from tests.departing import LAST_DAY, asked, leave, record_protocols, settle
from tests.following import SECOND, THIRD, WORKER, followed, in_force, parts, row_of
from tests.refusing import refused

_tenure = table_of(Tenure)
#: The steps of the gate, in an order in which each can be done; the last one the program does by itself.
PASSING = (
    "request_secure_access",
    "open_secure_account",
    "introduce_program",
    "prepare_notebook_and_guide",
    "hand_over_notebook_and_guide",
    "confirm_notebook_and_guide",
)


@pytest.fixture
def program(cast: Cast, arranged: Arranged[None]) -> Cast:
    arranged(cast, in_force)
    return cast


def pass_gate(cast: Cast, case_id: UUID, *, most: int = len(PASSING)) -> None:
    for name in PASSING[:most]:
        if complete(cast, case_id, name).state == "submitted":
            approve(cast, case_id, name, by=cast.actor("manager_codim"))
    carry(cast, case_id)


def give(session: Session, cast: Cast, follow_up: UUID, name: str, *, kind: str = "primary") -> None:
    assigning.assign_worker(session, follow_up, cast.people[name], kind=kind, by=cast.actor("coordinator"), at=AT)


def offered(session: Session, cast: Cast, name: str) -> load.Load:
    return next(one for one in load.loads(session, TODAY) if one.person_id == cast.people[name])


def test_before_an_agreement_is_in_force_nobody_is_given_anyone(cast: Cast) -> None:
    with cast.session() as session:
        follow_up = followed(session, cast, worker=None)
        with refused("assignment.no_agreement"):
            give(session, cast, follow_up, WORKER)
        assert parts(session, follow_up) == []
        assert not offered(session, cast, WORKER).can_be_given_one


def test_the_gate_that_is_asked_is_one_of_the_onboarding() -> None:
    assert MAY_FOLLOW in onboarding().value.gates


@pytest.mark.ci
def test_who_is_being_welcomed_is_given_nobody_until_the_gate_is_passed_and_is_told_what_is_left(program: Cast) -> None:
    case_id = open_onboarding(program, SECOND, "codim")
    with program.session() as session:
        follow_up = followed(session, program, worker=None)
        with refused("assignment.onboarding"):
            give(session, program, follow_up, SECOND, kind="second")
        with pytest.raises(Refusal, match=r"assignment\.onboarding") as raised:
            give(session, program, follow_up, SECOND)
        facts = raised.value.facts["steps"]
        assert isinstance(facts, dict)
        assert facts["fr"].startswith("Demander l’accès au réseau sécurisé (Agate Améthyste); ")
        # Each of the gate's five steps with who has it, and no other step.
        assert facts["en"].split("; ") == [
            "Ask for access to the secure network (Agate Améthyste)",
            "Create the account and open access to the secure network (Flint Cobalt)",
            "Introduce the program (Agate Améthyste)",
            "Confirm that you received the notebook and the guide (Garnet Schist)",
            "Enrol the person on the Clinical Committee (done automatically)",
        ]
        assert "Demander" in say("fr", raised.value.sentence, **raised.value.facts)
        shown = offered(session, program, SECOND)
        assert shown.bars == (load.ONBOARDING,)
        assert [one.step for one in shown.waits_for] == [
            "request_secure_access",
            "open_secure_account",
            "introduce_program",
            "confirm_notebook_and_guide",
            "enrol_on_clinical_committee",
        ]
        assert parts(session, follow_up) == []
    pass_gate(program, case_id, most=1)
    with program.session() as session:
        assert next(one.step for one in offered(session, program, SECOND).waits_for) == "open_secure_account"
    for name in PASSING[1:]:
        complete(program, case_id, name)
    with program.session() as session:
        left = offered(session, program, SECOND).waits_for
        assert [one.step for one in left] == ["enrol_on_clinical_committee"], "only what the program does is left"
        with refused("assignment.onboarding"):
            give(session, program, follow_up, SECOND)
    carry(program, case_id)
    with program.session() as session:
        assert offered(session, program, SECOND).can_be_given_one
        give(session, program, follow_up, SECOND)
        assert [who for _, who, _, _ in parts(session, follow_up)] == [program.people[SECOND]]


def test_a_step_that_is_handed_in_waits_on_whoever_approves_it(program: Cast) -> None:
    case_id = open_onboarding(program, SECOND, "codim")
    complete(program, case_id, "request_secure_access")
    with program.session() as session:
        (first, *_) = offered(session, program, SECOND).waits_for
        assert first.in_language("en") == "Ask for access to the secure network (Pearl O'Quartz)"


@pytest.mark.ci
def test_whoever_has_no_onboarding_or_one_that_ended_follows_as_before(program: Cast) -> None:
    closed, cancelled = open_onboarding(program, WORKER, "ccsmtl"), open_onboarding(program, SECOND, "codim")
    onboard_wholly(program, closed, approver="manager_ccsmtl")
    by = program.actor("coordinator")
    with program.session() as session:
        cases.cancel_case(session, cancelled, by=by, at=AT, reason="Elle suivait déjà des participant·es.")
        for name in (WORKER, SECOND, THIRD):
            assert offered(session, program, name).can_be_given_one, name
        give(session, program, followed(session, program, worker=None), SECOND)
    with program.session() as session:
        cases.reopen_case(session, cancelled, by=by, at=AT, reason="Il reste à l’accueillir.")
        assert offered(session, program, SECOND).bars == (load.ONBOARDING,)


@pytest.mark.ci
def test_a_gate_that_is_shut_again_takes_nobody_away_and_gives_nobody_more(program: Cast) -> None:
    case_id = open_onboarding(program, SECOND, "codim")
    pass_gate(program, case_id)
    with program.session() as session:
        follow_up = followed(session, program, worker=SECOND)
        task = step(session, case_id, "confirm_notebook_and_guide")
        tasks.undo_task(session, task["id"], by=program.actor("coordinator"), at=AT, reason="Le mauvais carnet.")
        assert [who for _, who, _, _ in parts(session, follow_up)] == [program.people[SECOND]]
        with refused("assignment.onboarding"):
            give(session, program, followed(session, program, "#2026-02", worker=None), SECOND)


@pytest.mark.ci
def test_of_one_who_works_at_two_organizations_only_the_role_that_is_welcomed_waits(program: Cast) -> None:
    with program.session() as session:
        appoint(
            session,
            person_id=program.people[SECOND],
            role="youth_worker",
            organization_id=program.organizations["en-marge"],
            starts_on=TODAY - timedelta(days=1),
            by=program.actor("coordinator"),
            at=AT,
        )
    for at_home, elsewhere in (("codim", "en-marge"), ("en-marge", "codim")):
        case_id = open_onboarding(program, SECOND, at_home)
        with program.session() as session:
            shown = offered(session, program, SECOND)
            assert (shown.organization_id, shown.bars) == (program.organizations[elsewhere], ())
            follow_up = followed(session, program, f"#2026-0{len(at_home)}", worker=SECOND)
            (part,) = assigning.on_day(session, TODAY, follow_up_ids=[follow_up])
            assert part.organization_id == program.organizations[elsewhere]
            held = {(program.people[SECOND], program.organizations[at_home])}
            assert set(gate.awaited(session, [program.people[SECOND]], standing(session, TODAY))) == held
            cases.cancel_case(session, case_id, by=program.actor("coordinator"), at=AT, reason="Essai.")


@pytest.mark.ci
def test_a_follow_up_that_is_handed_over_goes_to_nobody_who_is_being_welcomed(program: Cast) -> None:
    record_protocols(program)
    case_id = open_onboarding(program, SECOND, "codim")
    with program.session() as session:
        follow_up = followed(session, program)
        taken = row_of(session, follow_up)["participant_id"]
        assert program.people[SECOND] not in {
            one.person_id for one in proposals.proposals(session, taken, at=AT) if one.possible
        }
    departure = leave(program, WORKER, "ccsmtl")
    (task,) = asked(program, departure, "hand_over_follow_ups")
    with pytest.raises(Refusal, match=r"assignment\.onboarding"):
        settle(program, task.id, to=SECOND)
    with program.session() as session:
        (line,) = hand_overs_in_bulk.propose_all(
            session, departure, dry_run=True, by=program.actor("coordinator"), at=AT
        )
        assert line.to_id == program.people[THIRD], "who fits less, and may follow, is asked"
    # Offered while the gate stood open, and shut before the answer: it is asked again when they accept.
    pass_gate(program, case_id)
    settle(program, task.id, to=SECOND)
    with program.session() as session:
        undone = step(session, case_id, "confirm_notebook_and_guide")
        tasks.undo_task(session, undone["id"], by=program.actor("coordinator"), at=AT, reason="Le mauvais carnet.")
        (waiting,) = offers.offered_to(session, program.people[SECOND])
        with refused("assignment.onboarding"):
            hand_overs.accept(session, waiting.id, by=program.actor(SECOND), at=AT)
        assert [who for _, who, _, ends in parts(session, follow_up) if ends is None] == [program.people[WORKER]]


BACK_ON = LAST_DAY + timedelta(days=60)


def come_back(cast: Cast, *, at: datetime, starts_on: date = BACK_ON) -> UUID:
    """Have the worker of CODIM, who left, be taken on there again; the case that welcomes them."""
    with cast.session() as session:
        welcome = hiring.take_on(
            session,
            cast.people[SECOND],
            "youth_worker",
            cast.organizations["codim"],
            starts_on=starts_on,
            recruited=True,
            by=cast.actor("manager_codim"),
            at=at,
        )
    assert welcome is not None
    return welcome


def end_day(cast: Cast, departure_case: UUID, *, at: datetime) -> None:
    """End a departure whose last day is over."""
    with cast.session() as session:
        departure = current.due_to_end(session, at)
        assert len(departure) == 1, departure_case
        ending.end_departure(session, departure[0], by=cast.actor("coordinator"), at=at)


@pytest.mark.ci
@pytest.mark.wide(2)
@pytest.mark.parametrize("agreed_before", [False, True])
def test_who_comes_back_is_held_back_until_the_gate_of_their_new_onboarding_is_passed(
    program: Cast, agreed_before: bool
) -> None:
    record_protocols(program)
    first = open_onboarding(program, SECOND, "codim")
    pass_gate(program, first)
    departure = leave(program, SECOND, "codim")
    over = AT + timedelta(days=15)
    second = come_back(program, at=AT) if agreed_before else None
    end_day(program, departure, at=over)
    with program.session() as session:
        assert case_row(session, first)["state"] == "cancelled", "nobody is reminded of whoever has gone"
    second = second or come_back(program, at=over)
    with program.session() as session:
        again = case_row(session, second)
        assert (again["state"], again["anchors"]["arrival"]) == ("open", BACK_ON)
        held = gate.awaited(session, [program.people[SECOND]], standing(session, BACK_ON))
        assert {one.case_id for waits_for in held.values() for one in waits_for} == {second}


@pytest.mark.ci
def test_whose_return_was_settled_without_a_welcome_is_welcomed_anew_once_they_have_left(program: Cast) -> None:
    record_protocols(program)
    first = open_onboarding(program, SECOND, "codim")
    pass_gate(program, first)
    departure = leave(program, SECOND, "codim")
    with program.session() as session:
        appoint(
            session,
            person_id=program.people[SECOND],
            role="youth_worker",
            organization_id=program.organizations["codim"],
            starts_on=BACK_ON,
            by=program.actor("coordinator"),
            at=AT,
        )
    end_day(program, departure, at=AT + timedelta(days=15))
    with program.session() as session:
        held = gate.awaited(session, [program.people[SECOND]], standing(session, BACK_ON))
        (waits_for,) = held.values()
        assert case_row(session, waits_for[0].case_id)["anchors"]["arrival"] == BACK_ON
        assert case_row(session, first)["state"] == "cancelled"


@pytest.mark.ci
def test_whoever_stays_after_all_is_held_back_as_before(program: Cast) -> None:
    record_protocols(program)
    case_id = open_onboarding(program, SECOND, "codim")
    pass_gate(program, case_id, most=2)
    departure = leave(program, SECOND, "codim", planned=False, last_day=TODAY)
    later = AT + timedelta(hours=1)
    with program.session() as session:
        assert case_row(session, case_id)["state"] == "cancelled"
        calling_off.call_off(session, departure, by=program.actor("coordinator"), at=later)
        assert case_row(session, case_id)["state"] == "open"
        assert load.ONBOARDING in offered(session, program, SECOND).bars


@pytest.mark.ci
def test_whoever_leaves_before_they_arrive_is_welcomed_no_more(program: Cast) -> None:
    record_protocols(program)
    case_id = open_onboarding(program)
    leave(program, "worker_em", "en-marge", planned=False, last_day=TODAY)
    with program.session() as session:
        assert case_row(session, case_id)["state"] == "cancelled"
