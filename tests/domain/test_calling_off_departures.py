"""A departure that is cancelled: the roles go on, or it is refused with what to do first; what was taken is theirs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from threading import Barrier, Thread
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlmodel import Session

from domain.casework import cases
from domain.departure import after_all, calling_off, current, departures, ending, taking_up_again, unopened
from domain.follow_ups import assigning
from domain.kernel.actors import Actor
from domain.kernel.refusals import Refusal
from domain.kernel.rows import col, every, of
from domain.kernel.scope import local_day
from domain.roles.roles import standing
from flows.departing import close_doors, look_at_hands
from models.base import table_of
from models.casework import Task
from models.committee import SeatHolder
from models.program import Tenure
from tests.api.application import client_for
from tests.casework import carry, case_row
from tests.cast import AT, LOADING, TODAY, Cast
from tests.departing import (
    LAST_DAY,
    TASK,
    asked,
    come_back,
    leave,
    lend,
    record_protocols,
    roles,
    seat_somebody,
    settle,
)
from tests.flows.support import Clock, means_of
from tests.following import SECOND, THIRD, WORKER, agreed, bar, followed, tasks_of, told_of
from tests.refusing import refused

TENURE = table_of(Tenure)
LEAVER, PLACE, FOLLOWS = "manager_em", "en-marge", "deputy"
FIRST = LAST_DAY + timedelta(days=1)


@pytest.fixture
def program(cast: Cast) -> Cast:
    record_protocols(cast)
    return cast


def on(day: date) -> datetime:
    return AT + (day - TODAY)


def cancel(cast: Cast, case_id: UUID, *, by: Actor | None = None, at: datetime = AT) -> None:
    with cast.session() as session:
        cases.cancel_case(session, case_id, by=by or cast.actor("coordinator"), at=at, reason="Elle reste.")


def end(cast: Cast, who: str, role: str, ends_on: date, *, at: datetime = AT) -> None:
    with cast.session() as session:
        held = (TENURE.c.person_id == cast.people[who], TENURE.c.role == role)
        tenure_id = session.scalars(select(TENURE.c.id).where(*held).order_by(TENURE.c.starts_on.desc())).first()
        assert tenure_id is not None
        departures.end_role(session, tenure_id, ends_on=ends_on, by=cast.actor("coordinator"), at=at)


def manages(cast: Cast, day: date) -> list[str]:
    names = {person: name for name, person in cast.people.items()}
    with cast.session() as session:
        found = standing(session, day).holding("manager", cast.organizations[PLACE])
        return [names[one.person_id] for one in found]


def sits(cast: Cast, seat_id: UUID) -> list[tuple[str, str, date, date | None]]:
    """Who is on a seat, or was or is to be: each with the days, the first one first."""
    names = {person: name for name, person in cast.people.items()}
    with cast.session() as session:
        rows = every(
            session,
            of(SeatHolder)
            .where(SeatHolder.seat_id == seat_id, col(SeatHolder.withdrawn_at).is_(None))
            .order_by(col(SeatHolder.starts_on), col(SeatHolder.kind)),
        )
    return [(names[row.person_id], row.kind, row.starts_on, row.ends_on) for row in rows]


def handed_on(cast: Cast) -> UUID:
    """The manager of En Marge leaves, and somebody is named to manage it from the day after."""
    case_id = leave(cast, LEAVER, PLACE)
    settle(cast, asked(cast, case_id, "find_successor")[0].id, to=FOLLOWS)
    return case_id


def looked_at(cast: Cast, at: datetime) -> list[str]:
    """What the departures are after the engine's looks, the oldest first."""
    means = means_of(cast, Clock(at))
    close_doors(means)
    look_at_hands(means)
    with cast.session() as session:
        return list(session.scalars(text("select state from \"case\" where protocol = 'departure' order by opened_at")))


@pytest.mark.parametrize(
    ("day", "by"),
    [
        (TODAY, "coordinator"),
        pytest.param(LAST_DAY, "coordinator", marks=pytest.mark.ci),
        pytest.param(FIRST, "manager_ccsmtl", marks=pytest.mark.ci),
        pytest.param(FIRST + timedelta(days=30), "coordinator", marks=pytest.mark.ci),
    ],
)
def test_a_departure_whose_role_another_is_to_hold_is_not_cancelled_on_any_day_and_it_is_said_what_to_do_first(
    program: Cast, day: date, by: str
) -> None:
    case_id = handed_on(program)
    looked_at(program, on(day))
    with refused("departure.role_taken") as why:
        cancel(program, case_id, by=program.actor(by), at=on(day))
    assert why.value.facts["role"] == {"fr": "Gestionnaire, En Marge 12-17", "en": "Manager, En Marge 12-17"}
    assert why.value.facts["first_day"] == FIRST.isoformat()
    with program.session() as session:
        assert case_row(session, case_id)["state"] == "open", "and it goes on"
        assert not taking_up_again.is_called_off(session, case_id)
        assert every(session, of(Task).where(Task.step == calling_off.ROLE_TAKEN)) == []


@pytest.mark.ci
@pytest.mark.parametrize("day", [TODAY, LAST_DAY, FIRST + timedelta(days=30)])
def test_once_the_others_appointment_is_ended_the_cancelling_gives_the_role_again_from_the_day_after(
    program: Cast, day: date
) -> None:
    """The advice can be followed, however often it is opened and cancelled again; and no departure opens by itself."""
    case_id = handed_on(program)
    carry(program, case_id)
    looked_at(program, on(day))
    last = max(FIRST, day)
    end(program, FOLLOWS, "manager", last, at=on(day))
    again = last + timedelta(days=1)
    for hours in (1, 3):
        at = on(day) + timedelta(hours=hours)
        cancel(program, case_id, at=at)
        carry(program, case_id, at=at)
        assert [manages(program, one) for one in (LAST_DAY, last, again)] == [[LEAVER], [FOLLOWS], [LEAVER]]
        states = looked_at(program, at)
        assert states[0] == "cancelled"
        with program.session() as session:
            assert unopened.due_to_open(session, at, program.people[LEAVER]) == []
            kept = select(TASK.c.act_state).where(TASK.c.case_id == case_id, TASK.c.step == "keep_last_day")
            assert session.execute(kept).scalar_one() == "undone"
            assert every(session, of(Task).where(Task.step == calling_off.ROLE_TAKEN)) == []
        if hours == 1:
            with program.session() as session:
                cases.reopen_case(
                    session, case_id, by=program.actor("coordinator"), at=at + timedelta(hours=1), reason="Leaves"
                )
            carry(program, case_id, at=at + timedelta(hours=1))
            assert manages(program, again) == [], "they leave after all"


@pytest.mark.ci
def test_once_the_others_first_day_is_moved_behind_an_agreed_end_the_departure_is_cancelled(program: Cast) -> None:
    agreed_end = LAST_DAY + timedelta(days=60)
    end(program, LEAVER, "manager", agreed_end)
    case_id = handed_on(program)
    with refused("departure.role_taken"):
        cancel(program, case_id)
    end(program, LEAVER, "manager", agreed_end)
    cancel(program, case_id)
    assert ("manager", agreed_end) in roles(program, LEAVER)
    assert manages(program, agreed_end + timedelta(days=1)) == [FOLLOWS]
    assert looked_at(program, AT + timedelta(hours=1)) == ["cancelled"]


@pytest.mark.parametrize("days", [0, pytest.param(20, marks=pytest.mark.ci)])
def test_once_whoever_follows_in_a_role_of_one_holder_has_begun_nobody_prolongs_it_over_their_days(
    program: Cast, days: int
) -> None:
    case_id = handed_on(program)
    at = on(FIRST + timedelta(days=days))
    looked_at(program, at)
    with refused("tenure.follower_began") as why:
        end(program, LEAVER, "manager", FIRST + timedelta(days=25), at=at)
    assert why.value.facts["first_day"] == FIRST.isoformat()
    assert [manages(program, FIRST + timedelta(days=day)) for day in (-1, 0, 20, 26)] == [[LEAVER], *[[FOLLOWS]] * 3]
    with refused("departure.role_taken") as why:
        cancel(program, case_id, at=at)
    assert "end later" not in why.value.sentence, "nor is it advised"
    # What is advised holds.
    end(program, FOLLOWS, "manager", at.date(), at=at)
    cancel(program, case_id, at=at)
    tomorrow = FIRST + timedelta(days=days + 1)
    assert [manages(program, day) for day in (LAST_DAY, FIRST, tomorrow)] == [[LEAVER], [FOLLOWS], [LEAVER]]


@pytest.mark.ci
@pytest.mark.parametrize("days", [20, -3])
def test_of_a_role_of_several_whoever_follows_and_has_begun_keeps_their_days_where_the_last_day_moves(
    program: Cast, days: int
) -> None:
    case_id = leave(program, "worker_codim", "codim")
    settle(program, asked(program, case_id, "find_successor")[0].id, to="manager_codim")
    at = on(FIRST + timedelta(days=10))
    looked_at(program, at)
    end(program, "worker_codim", "youth_worker", LAST_DAY + timedelta(days=days), at=at)
    looked_at(program, at + timedelta(hours=1))
    with program.session() as session:
        asked_for = (TENURE.c.person_id == program.people["manager_codim"], TENURE.c.role == "youth_worker")
        assert session.scalars(select(TENURE.c.starts_on).where(*asked_for)).all() == [FIRST]


@pytest.mark.ci
@pytest.mark.parametrize("days", [20, -3])
def test_whoever_has_begun_on_a_seat_keeps_it_where_the_last_day_of_who_left_it_moves(program: Cast, days: int) -> None:
    with program.session() as session:
        place, leaver = program.organizations[PLACE], program.people[LEAVER]
        seat_id = seat_somebody(session, "steering", place, leaver)
    case_id = leave(program, LEAVER, PLACE)
    settle(program, asked(program, case_id, "pass_on_seats")[0].id, to=FOLLOWS)
    at = on(FIRST + timedelta(days=10))
    looked_at(program, at)
    follows = (FOLLOWS, "principal", FIRST, None)
    assert follows in sits(program, seat_id)
    end(program, LEAVER, "manager", LAST_DAY + timedelta(days=days), at=at)
    looked_at(program, at + timedelta(hours=1))
    assert follows in sits(program, seat_id)
    assert all(last is not None and last < FIRST for who, _, _, last in sits(program, seat_id) if who == LEAVER)


# Roles that were moved a moment ago.

AGREED = TODAY + timedelta(days=60)
PUT_OFF = AGREED + timedelta(days=2)


def leaves_as_agreed(cast: Cast) -> UUID:
    """They leave on the day on which their role was to end anyway."""
    end(cast, LEAVER, "manager", AGREED)
    return leave(cast, LEAVER, PLACE, last_day=AGREED)


@pytest.mark.parametrize("is_seen", [False, pytest.param(True, marks=pytest.mark.ci)])
def test_a_role_that_was_prolonged_just_before_the_cancelling_stays_so_whether_the_engine_looked_or_not(
    program: Cast, is_seen: bool
) -> None:
    case_id = leaves_as_agreed(program)
    carry(program, case_id)
    end(program, LEAVER, "manager", PUT_OFF)
    if is_seen:
        looked_at(program, AT)
    cancel(program, case_id)
    assert roles(program, LEAVER) == [("manager", PUT_OFF)]
    carry(program, case_id)
    with program.session() as session:
        cases.reopen_case(session, case_id, by=program.actor("coordinator"), at=AT, reason="Leaves after all")
    carry(program, case_id)
    with program.session() as session:
        assert case_row(session, case_id)["anchors"]["last_day"] == PUT_OFF, "taken up again, on that day"
    assert looked_at(program, AT + timedelta(hours=1)) == ["open"]


@pytest.mark.parametrize("is_seen", [False, pytest.param(True, marks=pytest.mark.ci)])
def test_who_was_prolonged_while_another_follows_is_not_kept_by_a_cancelling_that_asks_about_the_day_of_before(
    program: Cast, is_seen: bool
) -> None:
    case_id = handed_on(program)
    last = LAST_DAY + timedelta(days=20)
    end(program, LEAVER, "manager", last)
    if is_seen:
        looked_at(program, AT)
    with refused("departure.role_taken") as why:
        cancel(program, case_id)
    assert (why.value.facts["day"], why.value.facts["first_day"]) == (
        last.isoformat(),
        (last + timedelta(days=1)).isoformat(),
    )
    assert [manages(program, day) for day in (last, last + timedelta(days=1))] == [[LEAVER], [FOLLOWS]]
    for days in (0, 17):
        assert looked_at(program, AT + timedelta(days=days, hours=1)) == ["open"], "the one that goes on"


@pytest.mark.ci
@pytest.mark.parametrize("is_seen", [False, True])
def test_who_was_prolonged_after_they_had_gone_has_again_what_the_last_day_took(program: Cast, is_seen: bool) -> None:
    with program.session() as session:
        seat_id = seat_somebody(session, "steering", program.organizations[PLACE], program.people[LEAVER])
    case_id = leave(program, LEAVER, PLACE)
    at = on(FIRST + timedelta(days=5))
    looked_at(program, at)
    assert (FOLLOWS, "alternate", at.date(), None) in sits(program, seat_id)
    end(program, LEAVER, "manager", at.date() + timedelta(days=30), at=at)
    if is_seen:
        looked_at(program, at)
    cancel(program, case_id, at=at)
    assert roles(program, LEAVER) == [("manager", None)]
    assert [who for who, _, _, last in sits(program, seat_id) if last is None] == [LEAVER], "nobody stands in any more"
    with program.session() as session:
        found = after_all.after_all(session, case_id, at)
        assert found is not None
        assert found.seats == []
        assert found.invited_anew
    assert looked_at(program, at + timedelta(hours=1)) == ["cancelled"]


@pytest.mark.ci
@pytest.mark.parametrize("is_handed_on", [False, True])
def test_of_two_who_prolong_and_cancel_at_once_neither_undoes_the_other_nor_waits_for_ever(
    program: Cast, is_handed_on: bool
) -> None:
    case_id = leaves_as_agreed(program)
    if is_handed_on:
        settle(program, asked(program, case_id, "find_successor")[0].id, to=FOLLOWS)
    carry(program, case_id)
    with program.session() as session:
        held = (TENURE.c.person_id == program.people[LEAVER], TENURE.c.role == "manager")
        tenure_id = session.scalars(select(TENURE.c.id).where(*held)).one()
    start, failed = Barrier(2), list[BaseException]()

    def at_once(act: Callable[[Session], object]) -> None:
        start.wait()
        try:
            with program.session() as session:
                act(session)
        except Refusal:
            pass
        except BaseException as error:  # noqa: BLE001 - told below, in the test's own thread
            failed.append(error)

    by = program.actor("coordinator")
    acts: list[Callable[[Session], object]] = [
        lambda session: cases.cancel_case(session, case_id, by=by, at=AT, reason="They stay"),
        lambda session: departures.end_role(session, tenure_id, ends_on=PUT_OFF, by=by, at=AT),
    ]
    threads = [Thread(target=at_once, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failed == []
    assert roles(program, LEAVER) == [("manager", PUT_OFF)]
    with program.session() as session:
        assert case_row(session, case_id)["state"] == "cancelled"


@pytest.mark.ci
@pytest.mark.parametrize("other_ends", [None, LAST_DAY - timedelta(days=2)])
def test_of_several_roles_one_that_goes_on_lets_it_be_cancelled_and_one_that_ends_before_does_not(
    program: Cast, other_ends: date | None
) -> None:
    come_back(program, LEAVER, PLACE, role="second_representative", starts_on=TODAY - timedelta(days=30))
    if other_ends:
        end(program, LEAVER, "second_representative", other_ends)
    case_id = leave(program, LEAVER, PLACE)
    of_manager = next(row for row in asked(program, case_id, "find_successor") if "Manager" in row.title_en)
    settle(program, of_manager.id, to=FOLLOWS)
    if other_ends:
        with refused("departure.role_taken"):
            cancel(program, case_id)
        return
    cancel(program, case_id)
    assert roles(program, LEAVER) == [("manager", LAST_DAY), ("second_representative", None)]
    with program.session() as session:
        (task,) = every(session, of(Task).where(Task.step == calling_off.ROLE_TAKEN))
        found = after_all.after_all(session, case_id, AT)
        assert found is not None
        assert [(one.holder_id, one.until) for one in found.roles] == [(program.people[FOLLOWS], LAST_DAY)]
        assert ("Manager, En Marge 12-17", False) in [
            (one.title.en, (one.kind, one.id) in found.again) for one in found.in_hand
        ]
    assert (task.state, task.item) == ("open", str(case_id))
    for days in (0, 15, 60):
        assert looked_at(program, AT + timedelta(days=days, hours=1)) == ["cancelled"], "none opens by itself"


@pytest.mark.ci
def test_who_was_given_the_role_again_meanwhile_stays_in_it_and_nobody_asks_who_holds_it(program: Cast) -> None:
    case_id = leave(program, LEAVER, PLACE)
    come_back(program, LEAVER, PLACE, role="manager", starts_on=FIRST)
    cancel(program, case_id)
    assert [manages(program, day) for day in (LAST_DAY, FIRST)] == [[LEAVER], [LEAVER]]
    with program.session() as session:
        assert every(session, of(Task).where(Task.step == calling_off.ROLE_TAKEN)) == []
    assert looked_at(program, AT + timedelta(hours=1)) == ["cancelled"]


# What the departure took by itself.


def followed_by(cast: Cast) -> tuple[UUID, UUID]:
    """Two follow-ups of the worker who leaves: as the primary worker, and as the second of the pair."""
    with cast.session() as session:
        agreed(session, cast)
        return (
            followed(session, cast, "#2026-01", worker=WORKER),
            followed(session, cast, "#2026-07", worker=THIRD, second=WORKER),
        )


def gone(cast: Cast) -> UUID:
    """The worker's departure, with its last day over and nothing of it settled; its case."""
    case_id = leave(cast, WORKER, "ccsmtl")
    with cast.session() as session:
        for departure_id in current.due_to_end(session, AFTER):
            ending.end_departure(session, departure_id, by=LOADING, at=AFTER)
    return case_id


def has_now(cast: Cast, follow_up_id: UUID, at: datetime) -> dict[str, str]:
    """Who has which part in a follow-up on the day of an instant."""
    names = {person: name for name, person in cast.people.items()}
    with cast.session() as session:
        rows = assigning.on_day(session, local_day(session, at), follow_up_ids=[follow_up_id])
        return {row.kind: names[row.person_id] for row in rows}


def open_tasks(cast: Cast, follow_up_id: UUID) -> list[str]:
    with cast.session() as session:
        asks = (TASK.c.item == str(follow_up_id), TASK.c.state == "open")
        return list(session.scalars(select(TASK.c.step).where(*asks)))


AFTER = on(FIRST) + timedelta(hours=1)
STAYS = AFTER + timedelta(hours=2)


def test_the_parts_in_follow_ups_that_the_last_day_ended_are_theirs_again_and_nobody_is_looked_for(
    program: Cast,
) -> None:
    first, pair = followed_by(program)
    case_id = gone(program)
    assert (has_now(program, first, AFTER), has_now(program, pair, AFTER)) == ({}, {"primary": THIRD})
    assert open_tasks(program, first) == [assigning.FIND_A_WORKER]
    cancel(program, case_id, at=STAYS)
    assert has_now(program, first, STAYS) == {"primary": WORKER}
    assert has_now(program, pair, STAYS) == {"primary": THIRD, "second": WORKER}
    assert (open_tasks(program, first), open_tasks(program, pair)) == ([], [])
    with program.session() as session:
        (asked_for,) = tasks_of(session, assigning.FIND_A_WORKER)
        assert asked_for["state"] == "cancelled", "nobody found a worker"
        assert told_of(session, first)[-1] == told_of(session, pair)[-1] == "follow_up.assigned"
        assert after_all.after_all(session, case_id, STAYS).parts == []  # type: ignore[union-attr]


@pytest.mark.ci
def test_taken_up_again_and_cancelled_again_the_parts_are_theirs_once_more(program: Cast) -> None:
    first, pair = followed_by(program)
    case_id = gone(program)
    cancel(program, case_id, at=STAYS)
    leaves = STAYS + timedelta(days=3)
    with program.session() as session:
        cases.reopen_case(session, case_id, by=program.actor("coordinator"), at=leaves, reason="Leaves all the same")
        taking_up_again.take_up_again(session, case_id, by=LOADING, at=leaves)
    assert (has_now(program, first, leaves), has_now(program, pair, leaves)) == ({}, {"primary": THIRD})
    cancel(program, case_id, at=leaves + timedelta(hours=1))
    assert has_now(program, first, leaves) == {"primary": WORKER}
    assert has_now(program, pair, leaves) == {"primary": THIRD, "second": WORKER}


@pytest.mark.ci
def test_a_part_that_somebody_else_was_given_or_that_was_left_vacant_by_name_is_so_and_so(program: Cast) -> None:
    """What another has stays theirs; what was left vacant since they left is theirs again, as a seat is."""
    first, pair = followed_by(program)
    case_id = leave(program, WORKER, "ccsmtl")
    rows = {row.title_en: row for row in asked(program, case_id, "hand_over_follow_ups")}
    vacant = next(row for title, row in rows.items() if "#2026-07" in title)
    settle(program, vacant.id, ended="left_vacant", note="Nobody yet")
    with program.session() as session:
        ending.end_departure(session, *current.due_to_end(session, AFTER), by=LOADING, at=AFTER)
        by = program.actor("coordinator")
        assigning.assign_worker(session, first, program.people[SECOND], by=by, at=AFTER + timedelta(hours=1))
    cancel(program, case_id, at=STAYS)
    assert has_now(program, first, STAYS) == {"primary": SECOND}
    assert has_now(program, pair, STAYS) == {"primary": THIRD, "second": WORKER}
    with program.session() as session:
        found = after_all.after_all(session, case_id, STAYS)
    assert found is not None
    assert [(one.title.en, one.holder_id) for one in found.parts] == [("Follow-up of #2026-01", program.people[SECOND])]


def test_a_part_that_a_rule_refuses_stays_ended_and_is_the_coordinators_task(program: Cast) -> None:
    first, pair = followed_by(program)
    case_id = gone(program)
    with program.session() as session:
        for follow_up_id in (first, pair):
            bar(session, program, follow_up_id, program.people[WORKER], at=AFTER)
    cancel(program, case_id, at=STAYS)
    assert (has_now(program, first, STAYS), has_now(program, pair, STAYS)) == ({}, {"primary": THIRD})
    assert (open_tasks(program, first), open_tasks(program, pair)) == (
        [assigning.FIND_A_WORKER],
        [assigning.FIND_A_SECOND],
    )
    with program.session() as session:
        found = after_all.after_all(session, case_id, STAYS)
        assert found is not None
        assert [one.holder_id for one in found.parts] == [None, None]
        by = program.actor("coordinator")
        assigning.assign_worker(session, pair, program.people[SECOND], kind="second", by=by, at=STAYS)
    assert open_tasks(program, pair) == [], "done by giving it to somebody"


@pytest.mark.ci
@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_page_of_a_cancelled_departure_says_what_they_have_again_and_that_they_are_to_be_invited_anew(
    program: Cast, language: str
) -> None:
    first, _ = followed_by(program)
    with program.session() as session:
        lend(session, program.people[WORKER], "SN-1")
    case_id = gone(program)
    with program.session() as session:
        bar(session, program, first, program.people[WORKER], at=AFTER)
    cancel(program, case_id, at=STAYS)
    client = client_for(program.database, program.people["coordinator"], at=STAYS)
    client.headers["accept-language"] = language
    client.cookies.set("language", language)
    page = client.get(f"/departures/{case_id}").text
    for words in (
        "Ends automatically after the last day",
        "Nothing to settle here",
        "Nothing is left in their hands",
        "Prend fin de lui-même après le dernier jour",
    ):
        assert words not in page
    again, hands = (page.split(mark)[1].split("</ul>")[0] for mark in ('id="again"', 'id="in-hand"'))
    assert "#2026-07" in again
    assert "SN-1" in hands
    assert f"/people/{program.people[WORKER]}/access" in page
    if language == "en":
        assert "They need a new invitation to sign in" in page
        assert "Follow-up of #2026-01</a>: no one yet" in page


@pytest.mark.ci
@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize(
    ("day", "ends_on", "last", "said"),
    [
        (
            TODAY,
            None,
            FIRST,
            {
                "en": ["until December 7, 2026", "from December 9, 2026 on", "holds this role on December 8, 2026."],
                "fr": ["jusqu’au 7 décembre 2026", "à partir du 9 décembre 2026", "occupe ce rôle le 8 décembre 2026."],
            },
        ),
        (
            FIRST,
            AGREED,
            FIRST,
            {
                "en": ["from December 9, 2026 to January 22, 2027", "holds this role until December 8, 2026."],
                "fr": ["du 9 décembre 2026 au 22 janvier 2027", "occupe ce rôle jusqu’au 8 décembre 2026."],
            },
        ),
    ],
)
def test_the_page_says_on_which_days_a_role_is_theirs_again_and_who_holds_it_between(
    program: Cast, day: date, ends_on: date | None, last: date, said: dict[str, list[str]], language: str
) -> None:
    if ends_on:
        end(program, LEAVER, "manager", ends_on)
    case_id = handed_on(program)
    at = on(day)
    looked_at(program, at)
    end(program, FOLLOWS, "manager", last, at=at)
    cancel(program, case_id, at=at)
    client = client_for(program.database, program.people["coordinator"], at=at)
    client.headers["accept-language"] = language
    client.cookies.set("language", language)
    again = client.get(f"/departures/{case_id}").text.split('id="again"')[1].split("</ul>")[0]
    for words in said[language]:
        assert again.count(words) == 1
    with program.session() as session:
        found = after_all.after_all(session, case_id, at)
        assert found is not None
        assert [other.holder_id for term in found.terms.values() for other in term.before] == [program.people[FOLLOWS]]


@pytest.mark.ci
def test_the_page_says_who_holds_for_some_days_a_role_to_which_they_were_appointed_anew(program: Cast) -> None:
    case_id = handed_on(program)
    end(program, FOLLOWS, "manager", FIRST + timedelta(days=5))
    come_back(program, LEAVER, PLACE, role="manager", starts_on=FIRST + timedelta(days=6))
    cancel(program, case_id)
    client = client_for(program.database, program.people["coordinator"], at=AT)
    client.headers["accept-language"] = "en"
    page = client.get(f"/departures/{case_id}").text
    again, hands = (page.split(mark)[1].split("</ul>")[0] for mark in ('id="again"', 'id="in-hand"'))
    assert "until December 7, 2026" in again
    assert "from December 14, 2026 on" in hands
    assert "holds this role from December 8, 2026 to December 13, 2026." in hands
