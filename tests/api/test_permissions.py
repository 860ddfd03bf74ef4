"""What a person may do to a task: asked in one question before an act, and piece by piece for a page."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlmodel import Session, col, select

from api.access.cases import find_case, to_case, to_task
from api.access.permissions import Action, Asker, Forbidden, Given, Relation, allows
from api.access.tasks import actor_for, find_task
from domain.admissions import triage
from domain.casework import tasks
from domain.casework.cases import cancel_case
from domain.kernel.actors import Actor
from domain.people.absences import record_absence
from domain.roles.roles import standing
from models.casework import Case
from tests.casework import approve, complete, open_onboarding, steps
from tests.cast import AT, TODAY, Cast
from tests.referring import declare_admission, look_at_everything, participant_of, refer

#: What can be asked of a task, and of the case around it.
ACTIONS = (
    Action.COMPLETE_TASK,
    Action.UNDO_TASK,
    Action.APPROVE_TASK,
    Action.REJECT_TASK,
    Action.HAND_BACK_TASK,
    Action.RETURN_TASK,
    Action.WAIVE_TASK,
    Action.READ_EVIDENCE,
)

ASKERS = (
    *("coordinator", "officer", "it_contact", "petty_cash_holder", "police", "administrator"),
    *("manager_em", "director_em", "worker_em", "deputy", "manager_la", "manager_codim", "worker_codim"),
)


@pytest.fixture
def lived_in(cast: Cast) -> tuple[Cast, list[UUID]]:
    """Three cases: steps in every state, a manager away whose deputy approves for them, and one case cancelled."""
    theirs = open_onboarding(cast)
    elsewhere = open_onboarding(cast, "worker_codim", "codim")
    cancelled = open_onboarding(cast, "worker_ccsmtl", "ccsmtl")
    complete(cast, theirs, "request_secure_access", by=cast.actor("worker_em"))
    approve(cast, theirs, "request_secure_access", by=cast.actor("manager_em"))
    complete(cast, theirs, "request_petty_cash")
    complete(cast, elsewhere, "request_secure_access", by=cast.actor("worker_codim"))
    complete(cast, elsewhere, "plan_coaching", by=cast.actor("manager_codim"))
    with cast.session() as session:
        record_absence(
            session,
            person_id=cast.people["manager_codim"],
            deputy_id=cast.people["deputy"],
            kinds=["tasks", "approvals"],
            starts_on=TODAY,
            ends_on=TODAY + timedelta(days=3),
            by=cast.actor("coordinator"),
            at=AT,
        )
        cards = steps(session, elsewhere)[("prepare_cards_and_tools", "")]
        tasks.waive_task(session, cards["id"], by=cast.actor("coordinator"), at=AT, reason="Has some.")
        cancel_case(session, cancelled, by=cast.actor("coordinator"), at=AT, reason="Opened by mistake.")
    return cast, [theirs, elsewhere, cancelled]


def _piece_by_piece(session: Session, asker: Asker, task_id: UUID) -> Given | None:
    """What the asker is to a task, as a page finds it; None where they may not see it."""
    try:
        task, case = find_task(session, asker, task_id)
    except Forbidden:
        return None
    return to_task(session, asker, task, case)


def _in_one(session: Session, asker: Asker, action: Action, task_id: UUID) -> Actor | None:
    try:
        return actor_for(session, asker, action, task_id)
    except Forbidden:
        return None


def _one_of_each(found: dict[tuple[str, str], dict[str, Any]]) -> list[UUID]:
    """One task of each state, owner, approver and waiver."""
    kinds = {
        (row["state"], row["owed_by_id"], row["approved_by_id"], str(row["waived_by"])): row["id"]
        for row in found.values()
    }
    return list(kinds.values())


@pytest.mark.nightly
def test_the_one_question_before_an_act_answers_as_the_questions_of_a_page(lived_in: tuple[Cast, list[UUID]]) -> None:
    cast, cases = lived_in
    answers: set[tuple[Action, bool]] = set()
    unseen = 0
    with cast.session() as session:
        today = standing(session, TODAY)
        asked = [task for case_id in cases for task in _one_of_each(steps(session, case_id))]
        for name in ASKERS:
            asker = Asker(cast.people[name], today)
            for task_id in asked:
                given = _piece_by_piece(session, asker, task_id)
                unseen += given is None
                for action in ACTIONS:
                    expected = allows(action, given) if given is not None else None
                    assert _in_one(session, asker, action, task_id) == expected, (name, action, given)
                    answers.add((action, expected is not None))
    # Nothing was shown unless both answers came up for each action, and many saw nothing at all.
    assert answers == {(action, answer) for action in ACTIONS for answer in (True, False)}
    assert unseen > 50


def test_who_only_has_another_step_of_the_case_sees_it_and_may_do_nothing_to_this_one(
    lived_in: tuple[Cast, list[UUID]],
) -> None:
    cast, (theirs, *_) = lived_in
    with cast.session() as session:
        contact = Asker(cast.people["it_contact"], standing(session, TODAY))
        task_id = steps(session, theirs)[("plan_coaching", "")]["id"]
        task, case = find_task(session, contact, task_id)
        assert case is not None
        given = to_task(session, contact, task, case)
        assert Relation.TAKES_PART in given
        assert Relation.OWES not in given
        with pytest.raises(Forbidden):
            actor_for(session, contact, Action.COMPLETE_TASK, task_id)
        assert actor_for(session, contact, Action.READ_EVIDENCE, task_id).person_id == cast.people["it_contact"]


def test_a_deputy_acts_under_the_hat_of_whom_they_act_for(lived_in: tuple[Cast, list[UUID]]) -> None:
    cast, (_, elsewhere, _) = lived_in
    with cast.session() as session:
        deputy = Asker(cast.people["deputy"], standing(session, TODAY))
        task_id = steps(session, elsewhere)[("request_secure_access", "")]["id"]
        by = actor_for(session, deputy, Action.APPROVE_TASK, task_id)
        assert (by.role, by.person_id, by.acting_for) == (
            "manager",
            cast.people["deputy"],
            cast.people["manager_codim"],
        )


def test_what_is_absent_is_refused_as_what_is_not_theirs(lived_in: tuple[Cast, list[UUID]]) -> None:
    cast, (theirs, *_) = lived_in
    with cast.session() as session:
        asker = Asker(cast.people["police"], standing(session, TODAY))
        there = steps(session, theirs)[("plan_coaching", "")]["id"]
        for task_id in (there, uuid4()):
            with pytest.raises(Forbidden) as refused:
                actor_for(session, asker, Action.COMPLETE_TASK, task_id)
            assert refused.value.args == ()
        for case_id in (theirs, uuid4()):
            with pytest.raises(Forbidden):
                find_case(session, asker, case_id)


def test_who_holds_nothing_today_may_do_nothing_even_to_what_they_did(lived_in: tuple[Cast, list[UUID]]) -> None:
    cast, (theirs, *_) = lived_in
    with cast.session() as session:
        before_arrival = Asker(cast.people["worker_em"], standing(session, TODAY))
        assert not before_arrival.is_staff
        task_id = steps(session, theirs)[("request_secure_access", "")]["id"]
        with pytest.raises(Forbidden):
            actor_for(session, before_arrival, Action.UNDO_TASK, task_id)


@pytest.mark.parametrize("name", ["manager_em", "director_em"])
def test_the_case_of_a_candidate_is_of_no_organization_and_nobody_is_its_manager(cast: Cast, name: str) -> None:
    """Who stood in for the coordinator once reads nothing there that people wrote, whatever they manage elsewhere."""
    declare_admission(cast)
    referral_id = refer(cast)
    with cast.session() as session:
        by = replace(cast.actor(name), role="coordinator", acting_for=cast.people["coordinator"])
        look_at_everything(session, cast, referral_id)
        triage.triage(session, referral_id, "committee", reason="", by=by, at=AT)
        candidate = participant_of(session, referral_id)
        case_id = session.scalars(select(Case.id).where(col(Case.participant_id) == candidate)).one()
        asker = Asker(cast.people[name], standing(session, TODAY))
        case = find_case(session, asker, case_id)
        given = to_case(session, asker, case)
        assert given.keys() == {Relation.STAFF, Relation.TOOK_PART}
        assert [one for one in (Action.READ_NOTES, Action.READ_EVIDENCE, Action.MOVE_DAY) if allows(one, given)] == []
