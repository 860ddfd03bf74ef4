"""What a list shows is what the table allows: the condition in SQL and the table agree, whoever asks."""

from __future__ import annotations

import itertools
from datetime import date, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlmodel import Session

from api.access import permissions
from api.access.cases import find_case, visible_cases
from api.access.permissions import TABLE, Action, Asker, Forbidden, Relation
from api.access.tasks import actor_for
from domain.accompaniment import barring
from domain.casework import board, tasks
from domain.people.absences import record_absence
from domain.roles.roles import DayTenures, standing
from domain.roles.sight import sees_by_role
from models.base import table_of
from models.casework import Case, Link
from tests.casework import approve, case_row, complete, open_onboarding, step, steps
from tests.cast import ARRIVAL, AT, TODAY, Cast
from tests.referring import declare_admission, participant_of, refer

_case = table_of(Case)

#: What a row of the table that decides on cases may hold: what can be asked of many cases at once.
OF_CASES = (
    Relation.STAFF,
    Relation.COORDINATOR,
    Relation.OFFICE,
    Relation.ADMINISTRATOR,
    Relation.PRIVACY,
    Relation.MANAGER_HERE,
    Relation.DIRECTOR_HERE,
    Relation.SUBJECT,
    Relation.TAKES_PART,
    Relation.TOOK_PART,
)

DAYS = (TODAY, TODAY + timedelta(days=20), ARRIVAL)


@pytest.fixture(scope="module")
def lived_in(copies: Any, cast_template: tuple[str, Cast]) -> Any:
    """Three onboardings in different states, absences with deputies, a step waived and one handed back; an admission.

    Whom the candidate barred sees every case but theirs, while they act for the coordinator.
    """
    name, built = cast_template
    with copies.of(name) as database:
        cast = built.on(database)
        cases = [
            open_onboarding(cast),
            open_onboarding(cast, "worker_codim", "codim"),
            open_onboarding(cast, "without_mail", "anonyme"),
        ]
        declare_admission(cast)
        referral_id = refer(cast)
        complete(cast, cases[0], "request_secure_access")
        complete(cast, cases[1], "request_secure_access")
        approve(cast, cases[1], "request_secure_access", by=cast.actor("manager_codim"))
        complete(cast, cases[1], "request_petty_cash")
        with cast.session() as session:
            for who, deputy, first in (
                ("manager_codim", "deputy", TODAY),
                ("it_contact", "officer", TODAY + timedelta(days=15)),
                ("coordinator", "manager_em", TODAY + timedelta(days=15)),
                ("manager_la", None, TODAY),
            ):
                record_absence(
                    session,
                    person_id=cast.people[who],
                    starts_on=first,
                    ends_on=first + timedelta(days=10),
                    deputy_id=cast.people[deputy] if deputy else None,
                    kinds=["tasks", "approvals"],
                    by=cast.actor("coordinator"),
                    at=AT,
                )
            cards = step(session, cases[0], "provide_own_cards")["id"]
            tasks.hand_back_task(session, cards, by=cast.actor("officer"), at=AT, reason="None left.")
            paid = step(session, cases[2], "request_petty_cash")["id"]
            tasks.waive_task(session, paid, by=cast.actor("coordinator"), at=AT, reason="Not here.")
            candidate = participant_of(session, referral_id)
            barring.bar(session, candidate, cast.people["manager_em"], by=cast.actor("coordinator"), at=AT)
            cases += session.scalars(select(_case.c.id).where(_case.c.participant_id == candidate))
        yield cast, cases


class Known(NamedTuple):
    """A case as it stands: whom its candidate barred, and its tasks with the chains on which they may fall."""

    row: dict[str, Any]
    barred: set[UUID]
    tasks: list[dict[str, Any]]
    links: dict[UUID, list[Link]]


def _known(session: Session, case_id: UUID) -> Known:
    row, tasks_of = case_row(session, case_id), list(steps(session, case_id).values())
    whose = row["participant_id"]
    barred = {one.person_id for one in barring.barred_of(session, whose)} if whose is not None else set()
    links = board.chains(session, [one[name] for one in tasks_of for name in ("owed_by_id", "approved_by_id")])
    return Known(row, barred, tasks_of, links)


def _relations(today: DayTenures, person: UUID, case: Known) -> set[Relation]:
    """What a person is to a case, reckoned from who holds what, one task at a time: no word of the code under test."""
    found: set[Relation] = set()
    if person in case.barred:
        return {Relation.BARRED}
    if any(tenure.person_id == person for tenure in today.tenures):
        found.add(Relation.STAFF)

    def acts(role: str, at: str = "*") -> bool:
        return any(holder.person_id == person for holder in today.falls([Link(role, at)]).holders)

    for role, relation in (
        ("coordinator", Relation.COORDINATOR),
        ("administrative_officer", Relation.OFFICE),
        ("administrator", Relation.ADMINISTRATOR),
        ("privacy_officer", Relation.PRIVACY),
    ):
        if acts(role):
            found.add(relation)
    for role, relation in (("manager", Relation.MANAGER_HERE), ("director", Relation.DIRECTOR_HERE)):
        if acts(role, str(case.row["organization_id"])):
            found.add(relation)
    if case.row["subject_id"] == person:
        found.add(Relation.SUBJECT)
    for row in case.tasks:
        if person in _who_has(today, row, case) or person in (row["done_by"], row["settled_by"]):
            found.add(Relation.TAKES_PART)
    return found


def _who_has(today: DayTenures, row: dict[str, Any], case: Known) -> set[UUID]:
    if row["state"] in ("planned", "open") and row["owed_by_id"] is not None:
        return {holder.person_id for holder in today.falls(case.links[row["owed_by_id"]]).holders}
    return _judges(today, row, case.links[row["approved_by_id"]]) if row["state"] == "submitted" else set()


def _judges(today: DayTenures, row: dict[str, Any], chain: list[Link]) -> set[UUID]:
    """Who approves a task: by the first link of which anybody may, who neither did it nor is said not to."""
    barred = {row["done_by"], row["done_for"]}
    for link in row["may_not_approve"]:
        barred |= {link.person} if link.person else {holder.person_id for holder in today.falls([link]).holders}
    for link in chain:
        able = {holder.person_id for holder in today.falls([link], kind="approvals").holders} - barred
        if able:
            return able
    return set()


def _seen(session: Session, asker: Asker) -> set[UUID]:
    hats = board.hats_of(session, asker.standing, asker.person_id)
    return set(session.scalars(select(_case.c.id).where(visible_cases(asker, hats))))


def _opens(session: Session, asker: Asker, case_id: UUID) -> bool:
    try:
        find_case(session, asker, case_id)
    except Forbidden:
        return False
    return True


def test_the_row_of_cases_holds_nothing_that_a_list_could_not_ask() -> None:
    assert TABLE[Action.SEE_CASE] <= set(OF_CASES)


@pytest.mark.ci
@pytest.mark.wide(len(DAYS))
@pytest.mark.parametrize("day", DAYS)
def test_the_list_and_the_page_and_the_table_agree_on_every_case_for_everyone(lived_in: Any, day: date) -> None:
    cast, cases = lived_in
    answers = set()
    with cast.session() as session:
        today = standing(session, day)
        known = {case_id: _known(session, case_id) for case_id in cases}
        for person in cast.people.values():
            asker = Asker(person, today)
            seen = _seen(session, asker)
            for case_id, case in known.items():
                relations = _relations(today, person, case)
                allowed = Relation.STAFF in relations and bool(relations & TABLE[Action.SEE_CASE])
                assert (case_id in seen) == allowed, (day, person, relations)
                assert _opens(session, asker, case_id) == allowed, (day, person, relations)
                answers.add(allowed)
    assert answers == {True, False}


@pytest.mark.wide(len(DAYS))
@pytest.mark.parametrize("day", DAYS)
def test_a_letter_leads_to_a_case_whoever_sees_it_by_their_role(lived_in: Any, day: date) -> None:
    cast, cases = lived_in
    by_role = TABLE[Action.SEE_CASE] - {Relation.SUBJECT, Relation.TAKES_PART}
    answers = set()
    with cast.session() as session:
        today = standing(session, day)
        known = [_known(session, case_id) for case_id in cases[:3]]
        for case, person in itertools.product(known, cast.people.values()):
            sees = sees_by_role(today, person, case.row["organization_id"])
            assert sees == bool(_relations(today, person, case) & by_role)
            answers.add(sees)
        assert not sees_by_role(today, cast.people["manager_codim"], None)
    assert answers == {True, False}


@pytest.mark.ci
@settings(max_examples=60)
@given(data=st.data())
def test_they_agree_whatever_the_row_of_the_table_holds(lived_in: Any, data: st.DataObject) -> None:
    """So that a change of the table is a change of every list."""
    cast, cases = lived_in
    row = frozenset(data.draw(st.sets(st.sampled_from(OF_CASES)), label="row"))
    # One question asks for both: what tells them apart is whether the words of the case may be read.
    parts = {Relation.TAKES_PART, Relation.TOOK_PART}
    row |= parts if row & parts else frozenset()
    person = data.draw(st.sampled_from(sorted(cast.people)), label="person")
    day = data.draw(st.sampled_from(DAYS), label="day")
    with pytest.MonkeyPatch.context() as patch, cast.session() as session:
        patch.setattr(permissions, "TABLE", {**TABLE, Action.SEE_CASE: row})
        today = standing(session, day)
        asker = Asker(cast.people[person], today)
        seen = _seen(session, asker)
        for case_id in cases:
            relations = _relations(today, asker.person_id, _known(session, case_id))
            allowed = Relation.STAFF in relations and bool(relations & row)
            assert (case_id in seen) == allowed
            assert _opens(session, asker, case_id) == allowed


def test_a_row_that_allows_nobody_shows_nothing_and_one_that_allows_all_shows_everything(
    lived_in: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    cast, cases = lived_in
    with cast.session() as session:
        today = standing(session, TODAY)
        tasks_of = {case_id: next(iter(steps(session, case_id).values()))["id"] for case_id in cases}
        for row, expected in ((frozenset(), False), (frozenset({Relation.STAFF}), True)):
            monkeypatch.setattr(
                permissions, "TABLE", {**TABLE, Action.SEE_CASE: row, Action.COMPLETE_TASK: frozenset({Relation.STAFF})}
            )
            for name in ("coordinator", "police", "researcher", "administrator"):
                asker = Asker(cast.people[name], today)
                assert _seen(session, asker) == (set(cases) if expected else set())
                for case_id in cases:
                    assert _opens(session, asker, case_id) == expected
                    # The one question before an act on a task asks the same row.
                    try:
                        actor_for(session, asker, Action.COMPLETE_TASK, tasks_of[case_id])
                        may = True
                    except Forbidden:
                        may = False
                    assert may == expected
