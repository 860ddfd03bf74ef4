"""Who leaves, stays and leaves once more: nobody is without a departure, and nothing that was late is won back."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from domain.access import invitations
from domain.agreements import succession
from domain.agreements.version_text import Content, content_of
from domain.casework import acts, assigning, cases, tasks
from domain.departure import after_all, departures, foreseeing, hand_overs, offers, taking_up_again, unopened
from domain.departure.recruiting import ANEW, RECRUITING
from domain.kernel.actors import ENGINE, Actor
from domain.kernel.rows import every, of
from domain.people import absences, people
from domain.roles.roles import standing
from meetings import seating
from models.base import table_of
from models.casework import Case, Link
from models.departure import Settlement
from models.program import Absence, Tenure
from tests.agreeing import in_force
from tests.api.application import client_for
from tests.casework import case_row
from tests.cast import AT, LOADING, TODAY, Cast, program_file
from tests.departing import (
    LAST_DAY,
    TASK,
    asked,
    come_back,
    in_hand,
    leave,
    lend,
    record_protocols,
    roles,
    seat_somebody,
    settle,
)
from tests.domain.obligations.signed import kept, period, put_in_force
from tests.domain.test_calling_off_departures import (
    FIRST,
    LEAVER,
    PLACE,
    cancel,
    end,
    handed_on,
    looked_at,
    manages,
    on,
)
from tests.domain.test_hiring import NEW, hire, recruiting
from tests.domain.test_succession import NEW_YEAR, renewed, without
from tests.following import agreed, followed
from tests.refusing import refused

TENURE, CASE, SETTLEMENT, ABSENCE = table_of(Tenure), table_of(Case), table_of(Settlement), table_of(Absence)
DAY = timedelta(days=1)
WORKER = "worker_codim"
#: The last day of a manager, in a year of whose days the agreement allows twenty without one.
LEFT = date(2027, 1, 11)


@pytest.fixture
def program(cast: Cast) -> Cast:
    record_protocols(cast)
    return cast


def appointed(cast: Cast, who: str, role: str) -> UUID:
    """Somebody's latest appointment to a role."""
    with cast.session() as session:
        theirs = (TENURE.c.person_id == cast.people[who], TENURE.c.role == role)
        return session.scalars(select(TENURE.c.id).where(*theirs).order_by(TENURE.c.starts_on.desc())).first()  # type: ignore[return-value]


def take_back(cast: Cast, who: str, role: str, at: date = TODAY) -> None:
    with cast.session() as session:
        by = cast.actor("coordinator")
        departures.end_role(session, appointed(cast, who, role), ends_on=at, by=by, at=on(at))


def add_newcomer(cast: Cast) -> None:
    with cast.session() as session:
        by = cast.actor("coordinator")
        cast.people["newcomer"] = people.add_person(  # type: ignore[index]
            session, given_name="Naïs", family_name="Venelle", email=None, language="fr", by=by, at=AT
        )


def becomes_another(cast: Cast, day: date = TODAY) -> None:
    """The next version, brought in force on a day for New Year, by which youth workers are specialized resources."""
    whole = content_of(program_file().value, PLACE)
    other = {"specialized_resource": whole.roles["youth_worker"]._replace(role="specialized_resource")}
    text = Content(whole.notice_days, {**without("youth_worker").roles, **other}, whole.obligations, whole.terms)
    with cast.session() as session:
        second = renewed(session, cast, text)
        becomes = {"youth_worker": "specialized_resource"}
        succession.begin(session, second, starts_on=NEW_YEAR, becomes=becomes, by=cast.actor("coordinator"), at=on(day))


def names_of(cast: Cast, case_id: UUID) -> list[tuple[str, str, list[str]]]:
    """Each role that a departure asks about: what it is, how its step stands, and who was named to follow."""
    names = {person: name for name, person in cast.people.items()}
    found = []
    for row in asked(cast, case_id, "find_successor"):
        with cast.session() as session:
            told = select(SETTLEMENT.c.successor_id).where(SETTLEMENT.c.task_id == row.id)
            named = session.scalars(told.order_by(SETTLEMENT.c.settled_at)).all()
        title = row.title_en.partition(": ")[2].partition(",")[0]
        found.append((title, row.state, [names[one] for one in named if one]))
    return found


def replaced(cast: Cast, day: date) -> str:
    """How the clause of a quick replacement stands at En Marge on a day."""
    with cast.session() as session:
        kept(session, on(day))
        found: str = period(session, cast, PLACE, "AG-X2.replacement")["state"]
    return found


# -------------------------------------------------------------------------------------- an end that was agreed


@pytest.mark.ci
def test_a_departure_for_an_end_that_was_agreed_is_not_cancelled_before_the_role_goes_on(program: Cast) -> None:
    with program.session() as session:
        lend(session, program.people[WORKER], "SER-1", kind="laptop")
    as_agreed, soon = TODAY + 40 * DAY, TODAY + 13 * DAY
    end(program, WORKER, "youth_worker", as_agreed)
    assert looked_at(program, on(TODAY + 12 * DAY)) == ["open"]
    with program.session() as session:
        (case_id,) = session.scalars(select(CASE.c.id).where(CASE.c.protocol == "departure"))
    with refused("departure.ends_soon") as why:
        cancel(program, case_id, at=on(soon))
    assert why.value.facts == {"day": as_agreed.isoformat(), "until": (soon + unopened.NOTICE).isoformat()}
    # What is advised holds: no other opens before the notice of the new end begins, and then one does.
    later = soon + unopened.NOTICE + 9 * DAY
    end(program, WORKER, "youth_worker", later, at=on(soon))
    cancel(program, case_id, at=on(soon))
    assert roles(program, WORKER) == [("youth_worker", later)]
    assert looked_at(program, on(soon + 8 * DAY)) == ["cancelled"]
    assert looked_at(program, on(soon + 9 * DAY)) == ["cancelled", "open"]


# --------------------------------------------------------------------------------------------- what stays late


@pytest.mark.ci
def test_an_appointment_that_is_taken_back_before_it_begins_cuts_no_vacancy_in_two(program: Cast) -> None:
    with program.session() as session:
        put_in_force(session, program, PLACE)
    end(program, LEAVER, "manager", LEFT)
    entered, first, taken_back = (LEFT + days * DAY for days in (9, 28, 21))
    come_back(program, "worker_em", PLACE, role="manager", starts_on=first, at=on(entered))
    take_back(program, "worker_em", "manager", taken_back)
    assert replaced(program, LEFT + 52 * DAY) == "cannot_be_met"


@pytest.mark.ci
def test_who_never_came_and_comes_after_all_fills_no_day_of_before(program: Cast) -> None:
    with program.session() as session:
        put_in_force(session, program, PLACE)
    end(program, LEAVER, "manager", LEFT)
    add_newcomer(program)
    first, late = LEFT + 7 * DAY, LEFT + 35 * DAY
    come_back(program, "newcomer", PLACE, role="manager", starts_on=first)
    gone = leave(program, "newcomer", PLACE, last_day=first - DAY, planned=False, at=on(first + 7 * DAY))
    assert replaced(program, late) == "cannot_be_met"
    cancel(program, gone, at=on(late))
    assert manages(program, late) == ["newcomer"]
    assert replaced(program, late + DAY) == "cannot_be_met"


@pytest.mark.parametrize("last_day", [date(2024, 1, 1), date(2025, 1, 5)])
def test_nobody_has_gone_already_since_before_a_role_that_they_held(program: Cast, last_day: date) -> None:
    with refused("departure.role_began") as why:
        leave(program, LEAVER, PLACE, last_day=last_day, planned=False)
    assert why.value.facts["first_day"] == "2025-01-06"
    assert roles(program, LEAVER) == [("manager", None)]


@pytest.mark.ci
def test_who_was_to_begin_some_days_ago_never_came_unless_they_did_something_since(program: Cast) -> None:
    for who, did in (("newcomer", False), ("specialist", True)):
        add_newcomer(program)
        come_back(program, who, PLACE, starts_on=TODAY + 2 * DAY)
        at = TODAY + 5 * DAY
        if did:
            with program.session() as session:
                by = program.actor("specialist")
                people.add_person(
                    session, given_name="A", family_name="B", email=None, language="fr", by=by, at=on(TODAY + 3 * DAY)
                )
            with refused("departure.role_began"):
                leave(program, who, PLACE, last_day=TODAY + DAY, planned=False, at=on(at))
        else:
            leave(program, who, PLACE, last_day=TODAY + DAY, planned=False, at=on(at))
            with program.session() as session:
                assert program.people[who] not in standing(session, TODAY + 3 * DAY).live


@pytest.mark.ci
@pytest.mark.parametrize("times", [1, 3])
def test_cancelling_and_opening_anew_gives_no_more_time_to_say_who_follows(program: Cast, times: int) -> None:
    with program.session() as session:
        put_in_force(session, program, PLACE)
    last_day = TODAY + 120 * DAY
    case_id, days = leave(program, "worker_em", PLACE, last_day=last_day), 0
    for _ in range(times):
        cancel(program, case_id, at=on(TODAY + (days + 7) * DAY))
        days += 8
        case_id = leave(program, "worker_em", PLACE, last_day=last_day, at=on(TODAY + days * DAY))
    (row,) = asked(program, case_id, "find_successor")
    assert row.due_on is not None
    assert row.due_on <= TODAY + (days + 3) * DAY, "the time that it takes was over"
    with program.session() as session:
        kept(session, on(TODAY + 30 * DAY))
        found = period(session, program, PLACE, "AG-M4")
    assert "late" in [fact["why"] for fact in found["found"]["facts"]]


@pytest.mark.ci
def test_who_stayed_for_long_and_leaves_once_more_is_asked_about_with_all_the_time_that_it_takes(program: Cast) -> None:
    case_id = leave(program, WORKER, "codim", last_day=TODAY + 60 * DAY)
    cancel(program, case_id, at=on(TODAY + 20 * DAY))
    again = TODAY + 60 * DAY
    case_id = leave(program, WORKER, "codim", last_day=TODAY + 200 * DAY, at=on(again))
    with program.session() as session:
        assert case_row(session, case_id)["anchors"]["opened"] == again


@pytest.mark.ci
def test_what_was_done_in_time_before_they_stayed_makes_nothing_late_when_they_leave_all_the_same(
    program: Cast,
) -> None:
    case_id = leave(program, "worker_em", PLACE, last_day=TODAY + 60 * DAY)
    add_newcomer(program)
    settle(program, asked(program, case_id, "find_successor")[0].id, to="newcomer", at=on(TODAY + 2 * DAY))
    cancel(program, case_id, at=on(TODAY + 50 * DAY))
    again = TODAY + 79 * DAY
    case_id = leave(program, "worker_em", PLACE, last_day=again + 90 * DAY, at=on(again))
    with program.session() as session:
        assert case_row(session, case_id)["anchors"]["opened"] == again


# ------------------------------------------------------------------------------------------- which roles, and who


@pytest.mark.ci
def test_a_role_that_ended_by_itself_before_is_asked_about_and_stays_over_where_they_stay(program: Cast) -> None:
    come_back(program, LEAVER, PLACE, role="second_representative", starts_on=TODAY - 30 * DAY)
    end(program, LEAVER, "manager", TODAY + 5 * DAY)
    at = on(TODAY + 6 * DAY)
    end(program, LEAVER, "second_representative", TODAY + 6 * DAY, at=at)
    with program.session() as session:
        (case_id,) = session.scalars(select(CASE.c.id).where(CASE.c.protocol == "departure"))
    assert [(title, state) for title, state, _ in names_of(program, case_id)] == [
        ("Manager", "open"),
        ("Second representative", "open"),
    ]
    looked_at(program, on(TODAY + 8 * DAY))
    cancel(program, case_id, at=on(TODAY + 9 * DAY))
    assert roles(program, LEAVER) == [("manager", TODAY + 5 * DAY), ("second_representative", None)]


@pytest.mark.ci
def test_who_is_appointed_to_the_role_on_their_own_page_is_offered_first_as_who_follows_in_it(program: Cast) -> None:
    """Nobody is put down as following by that alone: another may leave the same role, or it may be one post more."""
    case_id = leave(program, WORKER, "codim")
    add_newcomer(program)
    come_back(program, "newcomer", "codim", starts_on=FIRST)
    looked_at(program, AT)
    assert names_of(program, case_id) == [("Youth worker", "open", [])]
    context = client_for(program.database, program.people["coordinator"], at=AT)
    page = context.get(f"/departures/{case_id}").text
    first = page.index('value="to:')
    assert page[first:].startswith(f'value="to:{program.people["newcomer"]}"')
    settle(program, asked(program, case_id, "find_successor")[0].id, to="newcomer")
    assert names_of(program, case_id) == [("Youth worker", "done", ["newcomer"])]
    assert "<bdi>Naïs Venelle</bdi>" in context.get(f"/departures/{case_id}").text
    take_back(program, "newcomer", "youth_worker")
    looked_at(program, AT)
    assert [row.state for row in asked(program, case_id, "find_successor")] == ["open"]
    assert "<bdi>Naïs Venelle</bdi>" not in context.get(f"/departures/{case_id}").text
    later = AT + timedelta(hours=1)
    settle(program, asked(program, case_id, "find_successor")[0].id, to="manager_codim", at=later)
    assert names_of(program, case_id) == [("Youth worker", "done", ["newcomer", "manager_codim"])]
    assert "<bdi>Naïs Venelle</bdi>" not in context.get(f"/departures/{case_id}").text


@pytest.mark.ci
@pytest.mark.parametrize("is_prolonged", [False, True])
def test_once_the_appointment_of_who_follows_is_taken_back_it_is_asked_anew_and_who_stays_has_no_hole(
    program: Cast, is_prolonged: bool
) -> None:
    case_id, last = handed_on(program), LAST_DAY
    if is_prolonged:
        last = LAST_DAY + 20 * DAY
        end(program, LEAVER, "manager", last)
    looked_at(program, AT)
    take_back(program, "deputy", "manager")
    looked_at(program, AT)
    assert [(title, state) for title, state, _ in names_of(program, case_id)] == [("Manager", "open")]
    page = client_for(program.database, program.people["coordinator"], at=AT).get(f"/departures/{case_id}").text
    assert "Name who follows" in page
    assert [manages(program, day) for day in (last, last + DAY)] == [[LEAVER], []]
    cancel(program, case_id)
    assert [manages(program, last + n * DAY) for n in (-1, 0, 1, 30)] == [[LEAVER]] * 4


@pytest.mark.ci
def test_the_seat_that_was_passed_on_with_a_role_is_asked_about_anew_with_it(program: Cast) -> None:
    with program.session() as session:
        seat_somebody(session, "steering", program.organizations[PLACE], program.people[LEAVER])
    case_id = leave(program, LEAVER, PLACE)
    for step in ("find_successor", "pass_on_seats"):
        settle(program, asked(program, case_id, step)[0].id, to="deputy")
    take_back(program, "deputy", "manager")
    with program.session() as session:
        seating.end_with_roles(session, by=LOADING, at=AT)
    looked_at(program, AT)
    for step in ("find_successor", "pass_on_seats"):
        assert [row.state for row in asked(program, case_id, step)] == ["open"]


@pytest.mark.ci
def test_a_role_that_becomes_another_by_the_next_version_is_left_as_that_one_and_goes_on_as_that_one(
    program: Cast,
) -> None:
    last_day = NEW_YEAR + 20 * DAY
    with program.session() as session:
        in_force(session, program)
    case_id = leave(program, "worker_em", PLACE, last_day=last_day)
    becomes_another(program)
    assert looked_at(program, on(TODAY + DAY)) == ["open"]
    assert [(title, state) for title, state, _ in names_of(program, case_id) if state == "open"] == [
        ("Specialized resource", "open")
    ]
    assert looked_at(program, on(NEW_YEAR + DAY)) == ["open"], "one departure, and on its day"
    with program.session() as session:
        assert case_row(session, case_id)["anchors"]["last_day"] == last_day
    cancel(program, case_id, at=on(NEW_YEAR + DAY))
    assert roles(program, "worker_em") == [("specialized_resource", None), ("youth_worker", NEW_YEAR - DAY)]


@pytest.mark.ci
def test_whose_role_is_to_become_another_leaves_as_that_one_where_they_leave_later(program: Cast) -> None:
    with program.session() as session:
        in_force(session, program)
    becomes_another(program)
    case_id = leave(program, "worker_em", PLACE, last_day=NEW_YEAR + 20 * DAY)
    assert names_of(program, case_id) == [("Specialized resource", "open", [])]
    looked_at(program, on(NEW_YEAR + DAY))
    assert names_of(program, case_id) == [("Specialized resource", "open", [])]
    cancel(program, case_id, at=on(NEW_YEAR + DAY))
    assert roles(program, "worker_em") == [("specialized_resource", None), ("youth_worker", NEW_YEAR - DAY)]


@pytest.mark.ci
def test_who_follows_was_named_in_time_and_the_next_version_asks_nobody_again(program: Cast) -> None:
    with program.session() as session:
        put_in_force(session, program, PLACE)
    add_newcomer(program)
    case_id = leave(program, "worker_em", PLACE, last_day=NEW_YEAR + 20 * DAY)
    settle(program, asked(program, case_id, "find_successor")[0].id, to="newcomer", at=on(TODAY + 2 * DAY))
    later = TODAY + 22 * DAY
    becomes_another(program, later)
    looked_at(program, on(later))
    assert names_of(program, case_id) == [("Specialized resource", "done", ["newcomer"])]
    with program.session() as session:
        kept(session, on(later + DAY))
        assert period(session, program, PLACE, "AG-M4")["state"] == "on_track"


@pytest.mark.ci
def test_an_appointment_taken_back_by_mistake_and_given_anew_settles_who_follows_as_before(program: Cast) -> None:
    add_newcomer(program)
    case_id = leave(program, WORKER, "codim")
    task_id = asked(program, case_id, "find_successor")[0].id
    settle(program, task_id, to="newcomer", at=on(TODAY + DAY))
    done_at = asked(program, case_id, "find_successor")[0].done_at
    later = on(TODAY + 9 * DAY)
    take_back(program, "newcomer", "youth_worker", later.date())
    looked_at(program, later)
    assert names_of(program, case_id) == [("Youth worker", "open", ["newcomer"])]
    come_back(program, "newcomer", "codim", starts_on=FIRST, at=later)
    looked_at(program, later)
    assert names_of(program, case_id) == [("Youth worker", "done", ["newcomer"])]
    assert asked(program, case_id, "find_successor")[0].done_at == done_at, "as it was, in time"
    with program.session() as session:
        theirs = (CASE.c.protocol == "onboarding", CASE.c.subject_id == program.people["newcomer"])
        assert session.scalars(select(CASE.c.state).where(*theirs)).all() == ["open"], "and welcomed as before"


@pytest.mark.ci
def test_once_a_departure_is_closed_the_manager_is_asked_who_follows_where_an_appointment_is_taken_back(
    program: Cast,
) -> None:
    add_newcomer(program)
    case_id = leave(program, WORKER, "codim", last_day=TODAY + 5 * DAY)
    come_back(program, "newcomer", "codim", starts_on=TODAY + 40 * DAY)
    settle(program, asked(program, case_id, "find_successor")[0].id, to="newcomer")
    for left in asked(program, case_id, "close_accounts"):
        settle(program, left.id, ended="closed")
    _close(program, case_id, on(TODAY + 7 * DAY))
    take_back(program, "newcomer", "youth_worker", TODAY + 20 * DAY)
    title = "Name a successor, or recruit again: Youth worker, CODIM"
    assert _asked_who_follows(program) == [(title, "open")]
    come_back(program, "newcomer", "codim", starts_on=TODAY + 45 * DAY, at=on(TODAY + 20 * DAY))
    take_back(program, "newcomer", "youth_worker", TODAY + 21 * DAY)
    assert _asked_who_follows(program) == [(title, "open")], "once"


def _close(cast: Cast, case_id: UUID, at: datetime) -> None:
    """Do what is left of a departure once its last day is over; it closes with the last of it."""
    looked_at(cast, at)
    with cast.session() as session:
        acts_wanted = select(TASK.c.id).where(TASK.c.case_id == case_id, TASK.c.act_state == "wanted")
        for task_id in session.scalars(acts_wanted).all():
            acts.record_act(session, task_id, undone=False, by=Actor.system(ENGINE), at=at)
    for _ in range(3):  # what waits for others opens with them
        with cast.session() as session:
            still = select(TASK.c.id).where(TASK.c.case_id == case_id, TASK.c.state == "open")
            open_ones = session.scalars(still).all()
        for task_id in open_ones:
            with cast.session() as session:
                tasks.complete_task(session, task_id, by=cast.actor("coordinator"), at=at)
    with cast.session() as session:
        assert case_row(session, case_id)["state"] == "closed"


def _asked_who_follows(cast: Cast) -> list[tuple[str, str]]:
    with cast.session() as session:
        rows = session.execute(select(TASK.c.title_en, TASK.c.state).where(TASK.c.step == ANEW))
        return [(row.title_en, row.state) for row in rows]


@pytest.mark.ci
def test_a_recruiting_that_is_cancelled_has_the_manager_asked_who_follows_until_somebody_does(program: Cast) -> None:
    case_id = leave(program, WORKER, "codim")
    settle(program, asked(program, case_id, "find_successor")[0].id, ended="recruiting", note="As agreed")
    with program.session() as session:
        recruits = session.scalars(select(CASE.c.id).where(CASE.c.protocol == RECRUITING)).one()
    cancel(program, recruits, at=on(TODAY + 2 * DAY))
    title = "Name a successor, or recruit again: Youth worker, CODIM"
    looked_at(program, on(TODAY + 2 * DAY))
    assert _asked_who_follows(program) == [(title, "open")]
    add_newcomer(program)
    come_back(program, "newcomer", "codim", starts_on=FIRST, at=on(TODAY + 3 * DAY))
    looked_at(program, on(TODAY + 3 * DAY))
    assert _asked_who_follows(program) == [(title, "cancelled")]
    # Taken back, it is asked of nobody twice.
    for first in (FIRST + DAY, FIRST + 2 * DAY):
        take_back(program, "newcomer", "youth_worker", TODAY + 4 * DAY)
        come_back(program, "newcomer", "codim", starts_on=first, at=on(TODAY + 4 * DAY))


@pytest.mark.ci
def test_of_two_terms_to_come_the_last_is_taken_back_while_they_leave(program: Cast) -> None:
    leave(program, WORKER, "codim")
    come_back(program, WORKER, "codim", starts_on=FIRST + DAY, ends_on=FIRST + 7 * DAY)
    come_back(program, WORKER, "codim", starts_on=FIRST + 19 * DAY)
    with program.session() as session:
        theirs = (TENURE.c.person_id == program.people[WORKER], TENURE.c.starts_on == FIRST + 19 * DAY)
        last = session.scalars(select(TENURE.c.id).where(*theirs)).one()
        by = program.actor("coordinator")
        assert departures.end_role(session, last, ends_on=TODAY, by=by, at=AT) is None


@pytest.mark.ci
def test_a_slip_that_is_mended_on_the_same_day_leaves_the_record_of_a_role_as_it_was(program: Cast) -> None:
    with program.session() as session:
        put_in_force(session, program, PLACE)
    end(program, LEAVER, "manager", LEFT)
    add_newcomer(program)
    first, slip = LEFT + 5 * DAY, on(LEFT + 75 * DAY)
    come_back(program, "newcomer", PLACE, role="manager", starts_on=first)
    assert replaced(program, slip.date()) == "on_track"
    case_id = leave(program, "newcomer", PLACE, last_day=first - DAY, planned=False, at=slip)
    cancel(program, case_id, at=slip + timedelta(minutes=5))
    assert replaced(program, slip.date() + DAY) == "on_track"


@pytest.mark.ci
def test_standing_in_that_was_passed_on_with_a_role_is_asked_about_anew_with_it(program: Cast) -> None:
    with program.session() as session:
        absences.record_absence(
            session,
            person_id=program.people["director_em"],
            starts_on=TODAY,
            ends_on=LAST_DAY + 20 * DAY,
            deputy_id=program.people[LEAVER],
            by=program.actor("coordinator"),
            at=AT,
        )
    add_newcomer(program)
    case_id = leave(program, LEAVER, PLACE)
    for step in ("find_successor", "pass_on_deputizing"):
        settle(program, asked(program, case_id, step)[0].id, to="newcomer")
    take_back(program, "newcomer", "manager")
    looked_at(program, AT)
    for step in ("find_successor", "pass_on_deputizing"):
        assert [row.state for row in asked(program, case_id, step)] == ["open"]
    settle(program, asked(program, case_id, "pass_on_deputizing")[0].id, to="deputy")
    looked_at(program, on(LAST_DAY + DAY))
    with program.session() as session:
        absence = select(ABSENCE.c.deputy_id).where(ABSENCE.c.person_id == program.people["director_em"])
        assert session.scalars(absence).one() == program.people["deputy"], "who was named last"


@pytest.mark.ci
def test_what_was_given_meanwhile_and_begins_later_is_taken_back_with_the_departure_that_is_taken_up_again(
    program: Cast,
) -> None:
    case_id = leave(program, WORKER, "codim", last_day=TODAY + 5 * DAY)
    cancel(program, case_id)
    come_back(program, WORKER, "codim", role="second_representative", starts_on=TODAY + 9 * DAY, at=on(TODAY + 2 * DAY))
    gone = on(TODAY + 8 * DAY)
    with program.session() as session:
        cases.reopen_case(session, case_id, by=program.actor("coordinator"), at=gone, reason="Gone all the same")
        taking_up_again.take_up_again(session, case_id, by=LOADING, at=gone)
    with program.session() as session:
        for day in (8, 9, 30):
            assert program.people[WORKER] not in standing(session, TODAY + day * DAY).live


# ------------------------------------------------------------------------------------------------- what is shown


@pytest.mark.ci
def test_the_page_of_a_cancelled_departure_says_who_has_what_was_handed_over(program: Cast) -> None:
    with program.session() as session:
        agreed(session, program)
        followed(session, program, "#2026-01", worker="worker_ccsmtl", second="worker_codim")
    case_id = leave(program, "worker_ccsmtl", "ccsmtl")
    settle(program, asked(program, case_id, "hand_over_follow_ups")[0].id, to="worker_codim")
    with program.session() as session:
        (offer,) = offers.offered_to(session, program.people["worker_codim"])
        hand_overs.accept(session, offer.id, by=program.actor("worker_codim"), at=AT)
    cancel(program, case_id)
    with program.session() as session:
        found = after_all.after_all(session, case_id, AT)
    assert found is not None
    assert [(one.title.en, one.holder_id) for one in found.parts] == [
        ("Follow-up of #2026-01", program.people["worker_codim"])
    ]


@pytest.mark.ci
def test_what_nobody_would_have_is_not_offered_as_staying_with_its_role(program: Cast) -> None:
    """A task of the coordinator who leaves, with nobody else who coordinates: it is left vacant, by name."""
    with program.session() as session:
        chain: list[Link] = [Link("coordinator")]
        assigning.assign(
            session,
            "decision.follow_up",
            "x",
            title_fr="Faire suivre",
            title_en="Follow it up",
            chain=chain,
            due_on=FIRST,
            by=LOADING,
            at=AT,
        )
    case_id = leave(program, "coordinator", "ccsmtl", by=program.actor("manager_ccsmtl"))
    client = client_for(program.database, program.people["manager_ccsmtl"], at=AT)
    page = client.get(f"/departures/{case_id}").text
    assert "Follow it up" in page
    assert "end:left_vacant" in page
    assert "end:with_the_role" not in page


def test_a_cancelled_departure_says_over_json_what_its_page_says(program: Cast) -> None:
    with program.session() as session:
        lend(session, program.people[WORKER], "SER-1", kind="laptop")
    case_id = leave(program, WORKER, "codim")
    client = client_for(program.database, program.people["coordinator"], at=AT)
    assert client.get(f"/api/v1/departures/{case_id}").json()["left"]
    cancel(program, case_id)
    assert client.get(f"/api/v1/departures/{case_id}").json()["left"] == []
    for path in (f"/departures/{case_id}", "/departures"):
        assert "Planned last day" in client.get(path).text
    assert in_hand(program, WORKER, "codim")


@pytest.mark.ci
@pytest.mark.parametrize("given_from", [7, 8, 30])
def test_what_was_given_while_they_were_to_stay_ends_with_the_departure_that_is_taken_up_again(
    program: Cast, given_from: int
) -> None:
    """Also where it began after the last day that was meant at first; one that is to begin later never begins."""
    case_id = leave(program, WORKER, "codim", last_day=TODAY - 4 * DAY, planned=False)
    cancel(program, case_id)
    come_back(program, WORKER, "codim", starts_on=TODAY + given_from * DAY, role="second_representative")
    later = on(TODAY + 8 * DAY)
    with program.session() as session:
        cases.reopen_case(session, case_id, by=program.actor("coordinator"), at=later, reason="Gone all the same")
        taking_up_again.take_up_again(session, case_id, by=LOADING, at=later)
    ends = dict(roles(program, WORKER))
    assert ends["youth_worker"] == TODAY + 7 * DAY
    assert ends["second_representative"] == TODAY + (given_from if given_from < 30 else 7) * DAY
    with program.session() as session:
        assert program.people[WORKER] not in standing(session, TODAY + 31 * DAY).live
    if given_from == 8:
        with program.session() as session:
            assert program.people[WORKER] not in standing(session, TODAY + 8 * DAY).live


# ------------------------------------------------------------------------------------- an appointment taken back


@pytest.mark.ci
def test_what_was_taken_back_keeps_nobody_from_going_on_in_the_role_they_had(program: Cast) -> None:
    case_id = leave(program, WORKER, "codim")
    come_back(program, WORKER, "codim", starts_on=LAST_DAY + 30 * DAY)
    take_back(program, WORKER, "youth_worker")
    cancel(program, case_id)
    assert ("youth_worker", None) in roles(program, WORKER)
    add_newcomer(program)
    firsts = [FIRST, FIRST + DAY]
    for first in firsts:
        come_back(program, "newcomer", "codim", starts_on=first)
        take_back(program, "newcomer", "youth_worker")
    with program.session() as session:
        told = select(TENURE.c.starts_on).where(TENURE.c.person_id == program.people["newcomer"])
        assert sorted(session.scalars(told)) == firsts, "what was taken back is told as it was"


@pytest.mark.ci
@pytest.mark.parametrize(("taken_back", "moved"), [(6, 0), (20, 0), (20, 15)])
def test_whose_next_term_is_taken_back_after_the_first_is_over_leaves_by_a_departure(
    program: Cast, taken_back: int, moved: int
) -> None:
    end(program, WORKER, "youth_worker", TODAY + 40 * DAY)
    come_back(program, WORKER, "codim", starts_on=TODAY + 60 * DAY)
    with program.session() as session:
        theirs = (TENURE.c.person_id == program.people[WORKER], TENURE.c.ends_on.is_not(None))
        first = session.scalars(select(TENURE.c.id).where(*theirs)).one()
        by = program.actor("coordinator")
        departures.end_role(session, first, ends_on=TODAY + 3 * DAY, by=by, at=AT)
        if moved:
            (again,) = every(session, of(Tenure).where(Tenure.starts_on == TODAY + 60 * DAY))
            people.move_start(session, again, TODAY + (60 + moved) * DAY, by=by, at=AT)
    assert looked_at(program, on(TODAY + 5 * DAY)) == []
    day = TODAY + taken_back * DAY
    take_back(program, WORKER, "youth_worker", day)
    assert looked_at(program, on(day)) == ["open"]
    with program.session() as session:
        (case_id,) = session.scalars(select(CASE.c.id).where(CASE.c.protocol == "departure"))
    assert names_of(program, case_id) == [("Youth worker", "open", [])]


@pytest.mark.ci
def test_the_next_version_keeps_the_door_open_of_who_is_to_begin(program: Cast) -> None:
    with program.session() as session:
        in_force(session, program)
        by = program.actor("coordinator")
        newcomer = program.people["newcomer"] = people.add_person(  # type: ignore[index]
            session, given_name="Naïs", family_name="Venelle", email="nais@x.example", language="fr", by=by, at=AT
        )
    come_back(program, "newcomer", PLACE, starts_on=NEW_YEAR + DAY)
    by, at = program.actor("coordinator"), on(NEW_YEAR - 4 * DAY)
    with program.session() as session:
        invitations.invite(session, newcomer, by=by, at=at)
    becomes_another(program, at.date())
    with program.session() as session:
        assert invitations.access_of(session, [newcomer], at=at)[newcomer].invited_until is not None


@pytest.mark.ci
def test_who_was_to_begin_some_weeks_ago_and_never_came_leaves_the_vacancy_whole(program: Cast) -> None:
    with program.session() as session:
        put_in_force(session, program, PLACE)
    end(program, LEAVER, "manager", LEFT)
    add_newcomer(program)
    first = LEFT + 28 * DAY
    come_back(program, "newcomer", PLACE, role="manager", starts_on=first, at=on(LEFT + 9 * DAY))
    leave(program, "newcomer", PLACE, last_day=first - DAY, planned=False, at=on(first + 10 * DAY))
    assert replaced(program, LEFT + 52 * DAY) == "cannot_be_met"


@pytest.mark.ci
def test_once_the_appointment_of_who_was_hired_is_taken_back_the_manager_is_asked_to_recruit_anew(cast: Cast) -> None:
    task_id = recruiting(cast)
    case_id = leave(cast, WORKER, "codim")
    settle(cast, asked(cast, case_id, "find_successor")[0].id, ended="recruiting", note="As agreed")
    cast.people["newcomer"] = hire(cast, task_id, new=NEW, starts_on=FIRST).person_id  # type: ignore[index]
    take_back(cast, "newcomer", "youth_worker", TODAY + DAY)
    with cast.session() as session:
        (row,) = session.execute(select(TASK.c.state, TASK.c.title_en).where(TASK.c.step == ANEW)).all()
    assert row.state == "open"
    assert row.title_en.endswith(": Youth worker, CODIM")


@pytest.mark.ci
def test_a_role_that_became_another_while_they_were_to_stay_ends_with_the_departure_that_is_taken_up_again(
    program: Cast,
) -> None:
    with program.session() as session:
        in_force(session, program)
    case_id = leave(program, "worker_em", PLACE, last_day=NEW_YEAR - 12 * DAY)
    cancel(program, case_id)
    gone = on(NEW_YEAR - 10 * DAY)
    becomes_another(program)
    with program.session() as session:
        cases.reopen_case(session, case_id, by=program.actor("coordinator"), at=gone, reason="Gone all the same")
        taking_up_again.take_up_again(session, case_id, by=LOADING, at=gone)
        assert program.people["worker_em"] not in standing(session, NEW_YEAR + DAY).live


@pytest.mark.ci
def test_of_who_still_holds_a_role_no_access_ends_with_an_appointment_that_is_taken_back(program: Cast) -> None:
    end(program, WORKER, "youth_worker", LAST_DAY)
    come_back(program, WORKER, "codim", starts_on=FIRST + 40 * DAY)
    first, by = FIRST + 40 * DAY, program.actor("coordinator")
    with program.session() as session:
        tenure_id = appointed(program, WORKER, "youth_worker")
        found = foreseeing.foresee_end(session, tenure_id, ends_on=first - DAY, by=by, at=AT)
    assert found.never_begins
    assert not found.loses_access
