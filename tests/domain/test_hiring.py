"""Whom a recruiting or a departure names is appointed, and welcomed in the same transaction (DP-01, GV-8)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import Session

from domain.casework import cases, tasks
from domain.declared.reading import Bilingual
from domain.departure import hiring, interviews
from domain.departure.hiring import Hired
from domain.departure.recruiting import AFTERWARDS, RECRUITING, recruit_afterwards
from domain.people import people
from models.base import table_of
from models.casework import Case
from models.record import Event
from tests.casework import onboard_wholly, open_onboarding
from tests.cast import ARRIVAL, AT, TODAY, Cast
from tests.departing import TASK, TENURE, asked, leave, record_protocols, roles, settle
from tests.following import agreed
from tests.refusing import refused

CASE, EVENT = table_of(Case), table_of(Event)
PLACE = "codim"
NEW = {"given_name": "Jaspe", "family_name": "Grenat", "email": "jaspe@codim.example", "language": "fr"}


def recruiting(cast: Cast, *, up_to: str = hiring.NAMES_THEM) -> UUID:
    """A recruiting at CODIM, every step before this one done by the real verbs; the step that names who is hired."""
    record_protocols(cast)
    manager, coordinator = cast.actor("manager_codim"), cast.actor("coordinator")
    with cast.session() as session:
        agreed(session, cast)
        case_id = cases.open_case(session, RECRUITING, organization_id=cast.organizations[PLACE], by=manager, at=AT)
        for by in (manager, coordinator):
            interviews.record_interview(
                session, case_id, applicant=1, leadership=70, clinical=80, note="Calm", by=by, at=AT
            )
    for name in ("agree_on_criteria", "post_position", "hold_interviews", "choose_person", "see_police_certificate"):
        if name == up_to:
            break
        with cast.session() as session:
            (task,) = asked(cast, case_id, name)
            tasks.complete_task(session, task.id, by=manager, at=AT, note="Done")
            if name == "choose_person":
                tasks.approve_task(session, task.id, by=coordinator, at=AT)
    (last,) = asked(cast, case_id, hiring.NAMES_THEM)
    found: UUID = last.id
    return found


def hire(
    cast: Cast,
    task_id: UUID,
    *,
    applicant: int = 1,
    role: str = "youth_worker",
    by: str = "manager_codim",
    starts_on: date = ARRIVAL,
    **who: Any,
) -> Hired:
    with cast.session() as session:
        return hiring.hire(
            session, task_id, applicant=applicant, role=role, starts_on=starts_on, by=cast.actor(by), at=AT, **who
        )


def onboardings(session: Session, person_id: UUID) -> list[tuple[UUID, date]]:
    rows = session.execute(
        select(CASE.c.id, CASE.c.state, CASE.c.anchors)
        .where(CASE.c.protocol == "onboarding", CASE.c.subject_id == person_id)
        .order_by(CASE.c.opened_at)
    )
    return [(row.id, row.anchors["arrival"]) for row in rows]


@pytest.mark.ci
def test_naming_somebody_new_appoints_them_opens_their_onboarding_and_closes_the_recruiting(cast: Cast) -> None:
    task_id = recruiting(cast)
    hired = hire(cast, task_id, new=NEW)
    assert hired.moved.case_closed
    with cast.session() as session:
        assert onboardings(session, hired.person_id) == [(hired.welcome_id, ARRIVAL)]
        told = session.scalars(
            select(EVENT.c.verb).where(EVENT.c.subject_id == hired.person_id).order_by(EVENT.c.n)
        ).all()
    assert told == ["person.added", "tenure.started", "person.hired"]
    with refused("case.not_open"):
        hire(cast, task_id, new=NEW)


@pytest.mark.ci
def test_somebody_of_the_program_who_was_appointed_before_is_welcomed_too_and_never_twice(cast: Cast) -> None:
    task_id = recruiting(cast)
    who = cast.people["manager_em"]
    with cast.session() as session:
        people.appoint(
            session,
            person_id=who,
            role="youth_worker",
            organization_id=cast.organizations[PLACE],
            starts_on=TODAY - timedelta(days=3),
            by=cast.actor("manager_codim"),
            at=AT,
        )
    hired = hire(cast, task_id, person_id=who)
    with cast.session() as session:
        assert [one for one, _ in onboardings(session, who)] == [hired.welcome_id]
    assert roles(cast, "manager_em").count(("youth_worker", None)) == 1


@pytest.mark.ci
def test_whoever_is_being_welcomed_already_keeps_that_one_case(cast: Cast) -> None:
    task_id = recruiting(cast)
    case_id = open_onboarding(cast, "worker_codim", PLACE)
    assert hire(cast, task_id, person_id=cast.people["worker_codim"]).welcome_id == case_id
    with cast.session() as session:
        assert len(onboardings(session, cast.people["worker_codim"])) == 1


@pytest.mark.ci
def test_who_was_welcomed_to_an_earlier_stay_and_appointed_again_is_welcomed_to_this_one(cast: Cast) -> None:
    task_id = recruiting(cast)
    by, who, place = cast.actor("manager_codim"), cast.people["worker_codim"], cast.organizations[PLACE]
    first = open_onboarding(cast, "worker_codim", PLACE)
    onboard_wholly(cast, first, approver="manager_codim")
    with cast.session() as session:
        (tenure,) = session.scalars(select(TENURE.c.id).where(TENURE.c.person_id == who))
        people.end_tenure(session, tenure, ends_on=TODAY - timedelta(days=30), by=by, at=AT)
        people.appoint(
            session, person_id=who, role="youth_worker", organization_id=place, starts_on=ARRIVAL, by=by, at=AT
        )
    hired = hire(cast, task_id, person_id=who)
    with cast.session() as session:
        assert hired.welcome_id != first
        assert (hired.welcome_id, ARRIVAL) in onboardings(session, who)


@pytest.mark.ci
def test_a_role_that_is_prolonged_from_one_day_to_the_next_is_one_stay_with_one_welcome(cast: Cast) -> None:
    task_id = recruiting(cast)
    who = cast.people["worker_codim"]
    first = open_onboarding(cast, "worker_codim", PLACE)
    with cast.session() as session:
        (tenure,) = session.scalars(select(TENURE.c.id).where(TENURE.c.person_id == who))
        last = ARRIVAL - timedelta(days=1)
        people.end_tenure(session, tenure, ends_on=last, by=cast.actor("manager_codim"), at=AT)
    assert hire(cast, task_id, person_id=who).welcome_id == first


@pytest.mark.ci
@pytest.mark.parametrize(
    ("up_to", "by", "who", "code"),
    [
        ("see_police_certificate", "manager_codim", "manager_em", "task.blocked"),
        (hiring.NAMES_THEM, "manager_codim", "manager_codim", "successor.oneself"),
        (hiring.NAMES_THEM, "manager_codim", None, "person.missing"),
    ],
)
def test_nobody_is_hired_without_the_police_certificate_nor_by_their_own_word(
    cast: Cast, up_to: str, by: str, who: str | None, code: str
) -> None:
    task_id = recruiting(cast, up_to=up_to)
    with refused(code):
        hire(cast, task_id, by=by, person_id=cast.people[who] if who else None)
    with cast.session() as session:
        assert session.scalars(select(CASE.c.id).where(CASE.c.protocol == "onboarding")).all() == []


@pytest.mark.ci
def test_whom_a_recruiting_hires_is_an_applicant_with_the_marks_of_two_that_reach_the_pass_mark(cast: Cast) -> None:
    """And not somebody whom nobody interviewed, whom one did alone, or who did not pass."""
    task_id = recruiting(cast, up_to="see_police_certificate")
    manager, coordinator = cast.actor("manager_codim"), cast.actor("coordinator")
    with cast.session() as session:
        case_id = session.scalars(select(CASE.c.id).where(CASE.c.protocol == RECRUITING)).one()
    (certificate,) = asked(cast, case_id, "see_police_certificate")
    with cast.session() as session:
        for applicant, mark, interviewers in ((2, 90, [manager]), (3, 69, [manager, coordinator])):
            for by in interviewers:
                interviews.record_interview(
                    session, case_id, applicant=applicant, leadership=mark, clinical=mark, note="So", by=by, at=AT
                )
        tasks.complete_task(session, certificate.id, by=manager, at=AT)
    for applicant in (2, 3, 4):
        with refused("interview.not_passed"):
            hire(cast, task_id, applicant=applicant, new=NEW)
    hired = hire(cast, task_id, applicant=1, new=NEW)
    with cast.session() as session:
        told = session.scalars(
            select(EVENT.c.facts).where(EVENT.c.verb == "person.hired", EVENT.c.subject_id == hired.person_id)
        )
        assert [facts["applicant"] for facts in told] == [1]


@pytest.mark.ci
def test_once_somebody_is_hired_the_recruiting_opens_for_the_role_that_waited_for_it(cast: Cast) -> None:
    task_id = recruiting(cast)
    by, place = cast.actor("manager_codim"), cast.organizations[PLACE]
    words = Bilingual(fr="Intervenant·e", en="Youth worker")
    for who in ("worker_codim", "manager_codim"):
        case_id = leave(cast, who, PLACE)
        (task,) = asked(cast, case_id, "find_successor")
        settle(cast, task.id, ended="recruiting")
    hire(cast, task_id, by="coordinator", new=NEW)

    def found() -> tuple[list[str], list[str]]:
        with cast.session() as session:
            states = select(CASE.c.state).where(CASE.c.protocol == RECRUITING).order_by(CASE.c.state)
            waiting = select(TASK.c.state).where(TASK.c.step == AFTERWARDS).order_by(TASK.c.state)
            return list(session.scalars(states)), list(session.scalars(waiting))

    assert found() == (["closed", "open"], ["done"])
    with cast.session() as session:
        recruit_afterwards(session, place, words, by=by, at=AT)
    assert found() == (["closed", "open"], ["done", "open"]), "the one that is open is for the second"


@pytest.mark.ci
def test_a_tick_names_nobody_and_no_other_step_does(cast: Cast) -> None:
    task_id = recruiting(cast, up_to="see_police_certificate")
    with cast.session() as session:
        case_id = session.scalars(select(CASE.c.id).where(CASE.c.protocol == RECRUITING)).one()
    (certificate,) = asked(cast, case_id, "see_police_certificate")
    with refused("hiring.none"):
        hire(cast, certificate.id, new=NEW)
    with refused("task.by_its_act"), cast.session() as session:
        tasks.complete_task(session, task_id, by=cast.actor("manager_codim"), at=AT)


@pytest.mark.ci
def test_a_role_that_cannot_be_given_changes_nothing(cast: Cast) -> None:
    task_id = recruiting(cast)
    with refused("role.not_in_agreement"):
        hire(cast, task_id, role="coordinator", new=NEW)
    with cast.session() as session:
        state = session.scalars(select(CASE.c.state).where(CASE.c.protocol == RECRUITING)).one()
    assert state == "open"


@pytest.mark.ci
@pytest.mark.wide(8)
@pytest.mark.parametrize(("since", "welcomed"), [(None, 1), (TODAY, 1), (TODAY - timedelta(days=300), 0)])
def test_a_departure_welcomes_the_one_it_names_unless_they_have_been_in_the_role_for_a_while(
    cast: Cast, since: date | None, welcomed: int
) -> None:
    record_protocols(cast)
    who = cast.people["manager_em"]
    with cast.session() as session:
        agreed(session, cast)
        if since:
            people.appoint(
                session,
                person_id=who,
                role="youth_worker",
                organization_id=cast.organizations[PLACE],
                starts_on=since,
                by=cast.actor("manager_codim"),
                at=AT,
            )
    case_id = leave(cast, "worker_codim", PLACE)
    (task,) = asked(cast, case_id, "find_successor")
    settle(cast, task.id, to="manager_em")
    with cast.session() as session:
        assert len(onboardings(session, who)) == welcomed
