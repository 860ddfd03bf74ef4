"""The traps in which casework elsewhere was caught when somebody leaves, from the fourth to the tenth.

The first and the third: `test_departure_bad_days`. The second: `test_hand_overs_in_bulk`. Each fails on its trap.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select, text

from domain.casework import board, cases, tasks, versions
from domain.departure import calling_off, current, gathering, offers, ways_in
from domain.kernel.actors import Actor
from domain.kernel.refusals import Refusal
from domain.kernel.rows import every, of
from domain.people import people
from domain.roles.roles import standing
from flows.departing import look_at_hands
from flows.protocols import PROTOCOLS, read_protocol
from models.base import table_of
from models.casework import Task
from models.program import Tenure
from tests.casework import complete, open_onboarding
from tests.cast import AT, LOADING, TODAY, Cast
from tests.departing import LAST_DAY, asked, leave, left, lend, record_protocols, roles, settle
from tests.flows.support import Clock, means_of
from tests.following import SECOND, THIRD, WORKER, agreed, followed
from tests.refusing import refused

TENURE = table_of(Tenure)
LEAVER, PLACE = "worker_codim", "codim"


@pytest.fixture
def program(cast: Cast) -> Cast:
    record_protocols(cast)
    return cast


def verbs(cast: Cast) -> Counter[str]:
    """What the record says of departures, roles and access, and how often."""
    with cast.session() as session:
        return Counter(
            session.scalars(text("select verb from event where verb ~ '^(departure|tenure|access|holdings|task)\\.'"))
        )


def has_it(cast: Cast, task_id: UUID, day_on: int = 0) -> tuple[list[str], bool]:
    names = {person: name for name, person in cast.people.items()}
    with cast.session() as session:
        (row,) = every(session, of(Task).where(Task.id == task_id))
        falls = board.who(
            standing(session, TODAY + timedelta(days=day_on)), row, board.chains(session, [row.owed_by_id])
        )
        assert falls is not None
        return sorted(names[one.person_id] for one in falls.holders), falls.vacant


# 4. A side path skips effects.


def by_a_date(cast: Cast) -> None:
    with cast.session() as session:
        tenure = session.execute(select(TENURE.c.id).where(TENURE.c.person_id == cast.people[LEAVER])).scalar_one()
        people.end_tenure(session, tenure, ends_on=LAST_DAY, by=cast.actor("coordinator"), at=AT)
    look_at_hands(means_of(cast, Clock()))


def by_its_door(cast: Cast) -> None:
    leave(cast, LEAVER, PLACE)


@pytest.mark.ci
@pytest.mark.parametrize("way", [by_its_door, by_a_date])
def test_4_whichever_way_somebody_leaves_the_same_things_are_asked_and_recorded(
    program: Cast, way: Callable[[Cast], None]
) -> None:
    with program.session() as session:
        lend(session, program.people[LEAVER], "SN-1")
    before = verbs(program)
    way(program)
    found = verbs(program)
    found.subtract(before)
    assert (found["departure.opened"], found["tenure.ended"], found["holdings.joined"]) == (1, 1, 1)
    assert roles(program, LEAVER) == [("youth_worker", LAST_DAY)]
    with program.session() as session:
        (case_id,) = current.under_way(session)
    assert [row.state for row in asked(program, case_id, "return_equipment")] == ["open"]
    assert [row.state for row in asked(program, case_id, "find_successor")] == ["open"]


# 5. A role finds the wrong person.


@pytest.mark.ci
def test_5_what_one_partners_manager_leaves_falls_to_nobody_of_the_other_partner(program: Cast) -> None:
    """One person manages two partners, and leaves one of them: the other's steps stay theirs, this one's do not."""
    at_spvm, at_mv = leave(program, "police", "spvm"), leave(program, "specialist", "marie-vincent")
    (spvm,), (mv,) = asked(program, at_spvm, "find_successor"), asked(program, at_mv, "find_successor")
    assert has_it(program, spvm.id) == has_it(program, mv.id) == (["manager_two"], False)
    leave(program, "manager_two", "spvm", last_day=TODAY, planned=False)
    assert has_it(program, mv.id) == (["manager_two"], False), "they manage this partner still"
    assert has_it(program, spvm.id) == (["coordinator"], True), "and not that one"


def test_5_a_departure_from_one_partner_lists_nothing_of_the_other(program: Cast) -> None:
    case_id = leave(program, "manager_two", "spvm")
    assert [words for words in left(program, case_id) if "Manager" in words] == ["Manager, SPVM"]


def test_5_a_new_name_changes_nobodys_work(program: Cast) -> None:
    case_id = leave(program, LEAVER, PLACE)
    (row,) = asked(program, case_id, "find_successor")
    before = has_it(program, row.id)
    with program.session() as session:
        session.execute(text("update role set title_en = 'Lead', title_fr = 'Responsable' where key = 'manager'"))
        session.execute(
            text("update person set given_name = 'Pearl', family_name = 'Nickel' where id = :id"),
            {"id": program.people["manager_codim"]},
        )
    assert has_it(program, row.id) == before == (["manager_codim"], False)


# 6. Nobody is told.


@pytest.mark.parametrize("gone", ["empty", "without access"])
def test_6_where_the_role_is_empty_the_step_is_the_coordinators_and_shows_as_vacant(program: Cast, gone: str) -> None:
    if gone == "empty":
        leave(program, "manager_codim", "codim", last_day=TODAY, planned=False)
    else:
        with program.session() as session:
            ways_in.shut_out(session, program.people["manager_codim"], by=LOADING, at=AT)
            session.execute(
                TENURE.update()
                .where(TENURE.c.person_id == program.people["manager_codim"])
                .values(ends_on=TODAY - timedelta(days=1))
            )
    case_id = leave(program, LEAVER, PLACE)
    (row,) = asked(program, case_id, "find_successor")
    assert has_it(program, row.id) == (["coordinator"], True)


@pytest.mark.ci
def test_6_a_successor_without_an_address_has_it_all_the_same_and_no_letter_is_lost_in_silence(program: Cast) -> None:
    with program.session() as session:
        agreed(session, program)
        followed(session, program, "#2026-01")
    case_id = leave(program, WORKER, "ccsmtl")
    (task,) = asked(program, case_id, "hand_over_follow_ups")
    settle(program, task.id, to=THIRD)
    with program.session() as session:
        assert len(offers.offered_to(session, program.people[THIRD])) == 1
        written = session.scalars(text("select person_id from notice where template = 'no_address'")).all()
    assert written == [program.people["coordinator"]]


# 7. Approving one's own, or what one may not see.


def test_7_nobody_names_themselves_in_the_place_of_who_leaves_nor_takes_back_what_they_return(program: Cast) -> None:
    with program.session() as session:
        lend(session, program.people["officer"], "SN-1")
    case_id = leave(program, "officer", "ccsmtl")
    (role,) = asked(program, case_id, "find_successor")
    by = program.actor("manager_ccsmtl")
    with refused("successor.oneself"):
        settle(program, role.id, to="manager_ccsmtl", by=by)
    as_deputy = Actor("manager", by.person_id, by.organization_id, acting_for=program.people["coordinator"])
    with refused("successor.oneself"):
        settle(program, role.id, to="manager_ccsmtl", by=as_deputy)
    (phone,) = asked(program, case_id, "return_equipment")
    with refused("equipment.not_by_the_leaver"):
        settle(program, phone.id, ended="returned", note="Fine", by=program.actor("officer"))
    assert [row.state for row in asked(program, case_id, "find_successor")] == ["open"]


@pytest.mark.ci
def test_7_an_approval_is_not_passed_on_to_who_did_the_thing(program: Cast) -> None:
    onboarding = open_onboarding(program)
    complete(program, onboarding, "request_secure_access", by=program.actor("coordinator"))
    case_id = leave(program, "manager_em", "en-marge")
    (row,) = asked(program, case_id, "pass_on_approvals")
    with refused("holding.own_request"):
        settle(program, row.id, to="coordinator")
    settle(program, row.id, to="deputy")


# 8. The protocol changes under open cases.


@pytest.mark.ci
def test_8_an_open_departure_keeps_the_protocol_that_it_began_with(program: Cast, tmp_path: Path) -> None:
    with program.session() as session:
        lend(session, program.people[LEAVER], "SN-1")
    case_id = leave(program, LEAVER, PLACE)
    (phone,) = asked(program, case_id, "return_equipment")
    settle(program, phone.id, ended="returned", note="Fine")
    later = tmp_path / "protocol.yaml"
    declared = PROTOCOLS["departure"].file.read_text(encoding="utf-8")
    later.write_text(
        declared.replace("Reprendre le matériel", "Récupérer le matériel").replace("version: 6", "version: 9")
    )
    with program.session() as session:
        versions.record_protocol(session, read_protocol(later), by=LOADING, at=AT)
        lend(session, program.people[LEAVER], "SN-2")
        gathering.gather(session, case_id, by=LOADING, at=AT)
    rows = asked(program, case_id, "return_equipment")
    assert sorted(row.state for row in rows) == ["done", "open"], "what is done is not asked again"
    assert all(row.title_fr.startswith("Reprendre le matériel") for row in rows)
    other = leave(program, "without_mail", "anonyme")
    with program.session() as session:
        lend(session, program.people["without_mail"], "SN-3")
        gathering.gather(session, other, by=LOADING, at=AT)
    assert [row.title_fr[:9] for row in asked(program, other, "return_equipment")] == ["Récupérer"]


# 9. Dates and endings hit the wrong thing.


@pytest.mark.ci
def test_9_another_last_day_of_one_moves_no_day_of_another(program: Cast) -> None:
    one, other = leave(program, LEAVER, PLACE), leave(program, "without_mail", "anonyme")
    before = [(row.step, row.item, row.due_on) for row in asked(program, other, "return_material")]
    with program.session() as session:
        cases.cancel_case(session, one, by=program.actor("coordinator"), at=AT, reason="Stays")
        calling_off.call_off(session, one, by=LOADING, at=AT)
    leave(program, LEAVER, PLACE, last_day=LAST_DAY + timedelta(days=30))
    assert [(row.step, row.item, row.due_on) for row in asked(program, other, "return_material")] == before
    assert roles(program, "without_mail") == [("youth_worker", LAST_DAY)]
    assert roles(program, LEAVER) == [("youth_worker", LAST_DAY + timedelta(days=30))]


@pytest.mark.ci
def test_9_calling_off_deletes_nothing(program: Cast) -> None:
    with program.session() as session:
        agreed(session, program)
        followed(session, program, "#2026-01")
    case_id = leave(program, WORKER, "ccsmtl")
    (task,) = asked(program, case_id, "hand_over_follow_ups")
    settle(program, task.id, to=SECOND)

    def counts() -> dict[str, int]:
        tables = ("task", "hand_over", "settlement", "departure", "event", "notice", "tenure", "assignment")
        with program.session() as session:
            return {name: session.scalar(text(f"select count(*) from {name}")) or 0 for name in tables}  # noqa: S608

    before = counts()
    with program.session() as session:
        cases.cancel_case(session, case_id, by=program.actor("coordinator"), at=AT, reason="Stays")
        calling_off.call_off(session, case_id, by=LOADING, at=AT)
    assert all(counts()[name] >= number for name, number in before.items())
    with program.session() as session:
        assert offers.offered_to(session, program.people[SECOND]) == [], "the offer is taken back"
        assert offers.lapse(session, AT + timedelta(days=30), by=LOADING) == 0, "and nobody is chased for it"


@pytest.mark.ci
def test_9_no_departure_closes_with_a_required_step_open(program: Cast) -> None:
    case_id = leave(program, LEAVER, PLACE, last_day=TODAY, planned=False)
    settle(program, asked(program, case_id, "find_successor")[0].id, ended="not_replaced", note="The post ends")
    with program.session() as session, pytest.raises(Refusal):
        cases.close_case(session, case_id, by=program.actor("coordinator"), at=AT)


# 10. Waiting treated as failing.


@pytest.mark.ci
def test_10_what_is_late_is_told_once_and_stays_to_be_done(program: Cast) -> None:
    with program.session() as session:
        agreed(session, program)
        followed(session, program, "#2026-01")
        lend(session, program.people[WORKER], "SN-1")
    case_id = leave(program, WORKER, "ccsmtl")
    (task,) = asked(program, case_id, "hand_over_follow_ups")
    settle(program, task.id, to=SECOND)
    late = AT + timedelta(days=60)
    clock = Clock(late)
    means = means_of(program, clock)
    for _ in range(3):
        look_at_hands(means)
        clock.pass_by(days=1)
    with program.session() as session:
        assert session.scalar(text("select count(*) from task where step = 'hand_over.silent'")) == 1
        assert len(every(session, of(Task).where(Task.case_id == case_id, Task.step == "return_equipment"))) == 1
    (phone,) = asked(program, case_id, "return_equipment")
    assert phone.state == "open"
    settle(program, phone.id, ended="returned", note="Fine", at=clock.now)
    for row in asked(program, case_id, "return_material"):
        with program.session() as session:
            tasks.complete_task(session, row.id, by=program.actor("coordinator"), at=clock.now)
