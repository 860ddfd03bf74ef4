"""Who may take a task over from somebody who leaves: as strict as what lets them do it."""

from __future__ import annotations

from uuid import UUID

import pytest

from domain.accompaniment.workers import DECIDE
from domain.casework import assigning as outside
from domain.casework.board import chains
from domain.declarations.checks.rule import ATTEST, GIVE, SIT
from domain.departure import successors
from domain.follow_ups.assigning import FIND_A_WORKER
from domain.kernel.rows import first, of, surely
from domain.obligations import to_accept
from domain.participants import referring
from domain.people import people
from domain.roles.roles import standing
from models.casework import Case, Link, Task
from tests.casework import complete, open_onboarding
from tests.cast import AT, LOADING, TODAY, Arranged, Cast
from tests.departing import LAST_DAY, TASK, asked, leave, record_protocols, settle
from tests.following import SECOND, WORKER, bar, followed, in_force
from tests.referring import ONDINE, declare_admission, refer, triaged
from tests.refusing import refused

FAR_FROM_IT = ("manager_two", "director_spvm", "administrator", "researcher", "petty_cash_holder", "second_deputy")


def _prepare(cast: Cast) -> None:
    record_protocols(cast)
    declare_admission(cast)
    in_force(cast)


@pytest.fixture
def program(cast: Cast, arranged: Arranged[None]) -> Cast:
    arranged(cast, _prepare)
    return cast


def given(cast: Cast, step: str, chain: list[Link], *, title: str = "A task", evidence: str = "act") -> UUID:
    """A task outside any case, as a clause or a question opens one."""
    with cast.session() as session:
        return outside.assign(
            session,
            step,
            cast.organizations["en-marge"].hex,
            title_fr=title,
            title_en=title,
            chain=chain,
            due_on=LAST_DAY,
            evidence=evidence,
            by=LOADING,
            at=AT,
        )


def listed(cast: Cast, case_id: UUID, task: Task) -> set[str]:
    """Whom the form offers to take a thing over."""
    names = {person: name for name, person in cast.people.items()}
    with cast.session() as session:
        case = first(session, of(Case).where(Case.id == case_id))
        assert case is not None
        return {names[person] for person in successors.may_take_over(session, task, case, AT)}


def asks_about(cast: Cast, case_id: UUID, thing: UUID, step: str = "pass_on_tasks") -> Task:
    (found,) = [row for row in asked(cast, case_id, step) if UUID(row.item) == thing]
    return found


# What an organization's own people do.


def test_a_managers_tasks_go_to_who_answers_for_the_same_organization_and_to_nobody_else(program: Cast) -> None:
    open_onboarding(program)
    case_id = leave(program, "manager_em", "en-marge")
    rows = asked(program, case_id, "pass_on_tasks")
    assert rows
    for row in rows:
        assert listed(program, case_id, row) <= {"director_em", "deputy", "coordinator", "worker_em"}
        assert "deputy" in listed(program, case_id, row)
    for who in FAR_FROM_IT:
        with refused("successor.not_for_this"):
            settle(program, rows[0].id, to=who)


@pytest.mark.parametrize(
    ("step", "able"),
    [
        (ATTEST, set()),
        (GIVE, {"director_em", "coordinator"}),
        (to_accept.GIVE_AGAIN, {"director_em", "coordinator"}),
        (SIT, {"director_em", "coordinator"}),
    ],
)
def test_nobody_states_in_anothers_place_and_proof_is_given_by_who_may_give_it(
    program: Cast, step: str, able: set[str]
) -> None:
    place = str(program.organizations["en-marge"])
    thing = given(program, step, [Link("manager", place)])
    case_id = leave(program, "manager_em", "en-marge")
    row = asks_about(program, case_id, thing)
    assert listed(program, case_id, row) == able
    for who in {"deputy", *FAR_FROM_IT} - able:
        with refused("successor.not_for_this"):
            settle(program, row.id, to=who)


@pytest.mark.ci
def test_an_approval_is_offered_at_the_organization_alone_and_to_nobody_who_is_barred(program: Cast) -> None:
    onboarding = open_onboarding(program)
    complete(program, onboarding, "request_secure_access", by=program.actor("coordinator"))
    case_id = leave(program, "manager_em", "en-marge")
    (row,) = asked(program, case_id, "pass_on_approvals")
    assert listed(program, case_id, row) == {"director_em", "deputy"}
    for who in FAR_FROM_IT:
        with refused("successor.not_for_this"):
            settle(program, row.id, to=who)


def test_who_takes_a_task_over_has_it_under_the_role_by_which_they_may(program: Cast) -> None:
    """Whoever manages the organization too has what a worker owes as the worker that they are."""
    place, takes = program.organizations["codim"], program.people["manager_codim"]
    link = Link("youth_worker", str(place), person=program.people["worker_codim"])
    thing = given(program, "decision", [link], evidence="none")
    by = program.actor("coordinator")
    with program.session() as session:
        people.appoint(
            session, person_id=takes, role="youth_worker", organization_id=place, starts_on=TODAY, by=by, at=AT
        )
    case_id = leave(program, "worker_codim", "codim")
    settle(program, asks_about(program, case_id, thing).id, to="manager_codim")
    with program.session() as session:
        task = first(session, of(Task).where(Task.id == thing))
        assert task is not None
        owed_by_id = surely(task.owed_by_id)
        (held,) = standing(session, LAST_DAY).falls(chains(session, [owed_by_id])[owed_by_id]).holders
    assert (held.person_id, held.role) == (takes, "youth_worker")


# What is asked about participants.


def test_what_the_coordinator_is_asked_about_participants_goes_to_no_manager_and_stays_with_the_role(
    program: Cast,
) -> None:
    with program.session() as session:
        followed(session, program, "#2026-01", worker=None, at=AT)
        draft = referring.begin_referral(session, ONDINE, by=program.actor("worker_codim"), at=AT)
        referring.leave_draft(session, draft, by=LOADING, at=AT)
    triaged(program, refer(program))
    by = program.actor("manager_ccsmtl")
    case_id = leave(program, "coordinator", "ccsmtl", by=by)
    rows = asked(program, case_id, "pass_on_tasks")
    with program.session() as session:
        found = session.execute(TASK.select().where(TASK.c.id.in_([UUID(row.item) for row in rows]))).mappings()
        steps = {task["step"] for task in found}
    assert {referring.UNFINISHED, FIND_A_WORKER, DECIDE} <= steps
    for row in rows:
        assert listed(program, case_id, row) == set()
        with program.session() as session:
            assert successors.why_nobody(session, row) == successors._OF_THE_ROLE
    for who in ("manager_two", "director_ccsmtl", "second_deputy", "manager_ccsmtl", WORKER):
        with refused("successor.not_for_this"):
            settle(program, rows[0].id, to=who, by=by)
    settle(program, rows[0].id, ended="left_vacant", note="Until somebody is hired", by=by)


@pytest.mark.parametrize("barred", [False, True])
def test_what_a_worker_is_asked_of_a_participant_goes_to_whom_the_file_is_open_to(program: Cast, barred: bool) -> None:
    place = program.organizations["ccsmtl"]
    with program.session() as session:
        follow_up = followed(session, program, "#2026-01", second=SECOND, at=AT)
        thing = outside.assign(
            session,
            "return",
            str(follow_up),
            title_fr="Reprendre contact",
            title_en="Make contact again",
            chain=[Link("youth_worker", str(place), person=program.people[WORKER])],
            due_on=LAST_DAY,
            by=LOADING,
            at=AT,
        )
        if barred:
            bar(session, program, follow_up, program.people["coordinator"])
    case_id = leave(program, WORKER, "ccsmtl", by=program.actor("manager_ccsmtl"))
    row = asks_about(program, case_id, thing)
    assert listed(program, case_id, row) == {SECOND} | (set() if barred else {"coordinator"})
    for who in ("manager_codim", "without_mail", "director_ccsmtl"):
        with refused("successor.not_for_this"):
            settle(program, row.id, to=who, by=program.actor("manager_ccsmtl"))
