"""Who can be given a follow-up and who cannot, how a part ends, and what becomes of one that nobody has."""

from __future__ import annotations

import threading
from datetime import date, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlmodel import Session

from domain.accompaniment import barring, states
from domain.agreements.agreements import version_in_force
from domain.agreements.terminations import end_version
from domain.casework.tasks import complete_task
from domain.departure import current, ending
from domain.follow_ups import assigning, load, opening
from domain.kernel.refusals import Refusal
from domain.people.absences import record_absence
from domain.people.people import appoint, end_tenure
from models.base import table_of
from models.follow_up import FollowUp
from models.program import Tenure
from tests.cast import AT, SINCE, TODAY, Arranged, Cast
from tests.departing import leave, lend, record_protocols
from tests.following import SECOND, THIRD, WORKER, admitted, bar, followed, in_force, parts, row_of, tasks_of, told_of
from tests.refusing import refused

_tenure = table_of(Tenure)
DAY = timedelta(days=1)


@pytest.fixture
def cast(cast: Cast, arranged: Arranged[None]) -> Cast:
    """The cast, with every agreement in force."""
    arranged(cast, in_force)
    return cast


def test_a_follow_up_opens_with_its_worker_and_the_second_of_the_pair(cast: Cast) -> None:
    with cast.session() as session:
        follow_up = followed(session, cast, second=SECOND)
        row = row_of(session, follow_up)
        assert (row["state"], row["state_since"], row["opened_on"]) == ("active", TODAY, TODAY)
        assert parts(session, follow_up) == [
            ("primary", cast.people[WORKER], TODAY, None),
            ("second", cast.people[SECOND], TODAY, None),
        ]
        assert told_of(session, follow_up) == ["follow_up.opened", "follow_up.assigned", "follow_up.assigned"]
        assert tasks_of(session, assigning.FIND_A_WORKER) == []


def test_nobody_is_followed_twice_nor_before_they_are_admitted(cast: Cast) -> None:
    with cast.session() as session:
        participant = row_of(session, followed(session, cast))["participant_id"]
        by = cast.actor("coordinator")
        with refused("follow_up.there_already"):
            opening.open_follow_up(session, participant, worker=None, by=by, at=AT)
        with refused("participant.unknown"):
            opening.open_follow_up(session, cast.program_id, worker=None, by=by, at=AT)
        candidate = admitted(session, cast, "#2026-02")
        session.connection().exec_driver_sql(
            "update participant set state = 'committed', number = null where id = %s", (candidate,)
        )
        with refused("follow_up.not_admitted"):
            opening.open_follow_up(session, candidate, worker=None, by=by, at=AT)


@pytest.mark.parametrize(
    ("case", "code"),
    [
        ("absent", "assignment.away"),
        ("leaving", "assignment.leaving"),
        ("barred", "assignment.barred"),
        ("lapsed", "assignment.no_agreement"),
        ("no_role", "assignment.no_role"),
        ("not_arrived", "assignment.not_yet"),
    ],
)
def test_a_follow_up_is_never_given_to_whoever_cannot_take_it(cast: Cast, case: str, code: str) -> None:
    with cast.session() as session:
        follow_up = followed(session, cast, worker=None)
        by, name = cast.actor("coordinator"), WORKER
        if case == "absent":
            record_absence(
                session, person_id=cast.people[WORKER], starts_on=TODAY, ends_on=TODAY, deputy_id=None, by=by, at=AT
            )
        elif case == "leaving":
            tenure = session.scalars(select(_tenure.c.id).where(_tenure.c.person_id == cast.people[WORKER])).one()
            end_tenure(session, tenure, ends_on=TODAY + assigning.LEAVING, by=by, at=AT)
        elif case == "barred":
            bar(session, cast, follow_up, cast.people[WORKER])
        elif case == "lapsed":
            version = version_in_force(session, cast.organizations["ccsmtl"], TODAY)
            assert version is not None
            end_version(session, version.id, ends_on=TODAY - DAY, by=by, at=AT - DAY)
        elif case == "no_role":
            name = "researcher"
        elif case == "not_arrived":
            name = "worker_em"
        with refused(code):
            assigning.assign_worker(session, follow_up, cast.people[name], by=by, at=AT)
        assert parts(session, follow_up) == []
        # And whom the proposals show as free is free: each reason of the list is one of the refusals.
        given = {
            one.person_id: one
            for one in load.loads(session, TODAY, participant_id=row_of(session, follow_up)["participant_id"])
        }
        assert name != WORKER or not given[cast.people[name]].can_be_given_one


@pytest.mark.ci
def test_who_leaves_one_organization_goes_on_accompanying_at_another(cast: Cast) -> None:
    record_protocols(cast)
    by, who = cast.actor("coordinator"), cast.people[SECOND]
    with cast.session() as session:
        appointed(session, cast, SECOND, "en-marge", TODAY - DAY)
    leave(cast, SECOND, "codim", last_day=TODAY + 2 * assigning.LEAVING)
    with cast.session() as session:
        shown = _load(cast, load.loads(session, TODAY), SECOND)
        assert (shown.organization_id, shown.bars) == (cast.organizations["en-marge"], ())
        follow_up = followed(session, cast, worker=None)
        assigning.assign_worker(session, follow_up, who, by=by, at=AT)
        (part,) = assigning.on_day(session, TODAY, follow_up_ids=[follow_up])
        assert part.organization_id == cast.organizations["en-marge"]


@pytest.mark.ci
def test_who_came_back_after_a_departure_that_is_still_seen_to_can_be_given_a_follow_up(cast: Cast) -> None:
    record_protocols(cast)
    with cast.session() as session:
        lend(session, cast.people[SECOND], "SN-1")
    leave(cast, SECOND, "codim", last_day=TODAY)
    later = AT + 2 * DAY
    with cast.session() as session:
        for departure in current.due_to_end(session, later):
            ending.end_departure(session, departure, by=cast.actor("coordinator"), at=later)
        appointed(session, cast, SECOND, "codim", TODAY + 2 * DAY)
        assert _load(cast, load.loads(session, TODAY + 2 * DAY), SECOND).bars == ()
        follow_up = followed(session, cast, worker=None, at=later)
        assigning.assign_worker(session, follow_up, cast.people[SECOND], by=cast.actor("coordinator"), at=later)


def appointed(session: Session, cast: Cast, name: str, place: str, starts_on: date) -> None:
    appoint(
        session,
        person_id=cast.people[name],
        role="youth_worker",
        organization_id=cast.organizations[place],
        starts_on=starts_on,
        by=cast.actor("coordinator"),
        at=AT,
    )


def test_whom_the_proposals_show_as_free_can_be_given_one(cast: Cast) -> None:
    with cast.session() as session:
        follow_up = followed(session, cast, worker=None)
        record_absence(
            session,
            person_id=cast.people[SECOND],
            starts_on=TODAY,
            ends_on=TODAY + DAY,
            deputy_id=None,
            by=cast.actor("coordinator"),
            at=AT,
        )
        given = load.loads(session, TODAY, participant_id=row_of(session, follow_up)["participant_id"])
        assert {one.person_id for one in given} == {cast.people[name] for name in (WORKER, SECOND, THIRD)}
        for one in given:
            with session.begin_nested() as attempt:
                try:
                    assigning.assign_worker(session, follow_up, one.person_id, by=cast.actor("coordinator"), at=AT)
                    assert one.can_be_given_one
                except Refusal:
                    assert not one.can_be_given_one
                attempt.rollback()


def test_another_worker_replaces_the_one_who_is_named_and_the_days_do_not_meet(cast: Cast) -> None:
    later = AT + 3 * DAY
    with cast.session() as session:
        follow_up = followed(session, cast)
        assigning.assign_worker(
            session,
            follow_up,
            cast.people[SECOND],
            instead_of=cast.people[WORKER],
            by=cast.actor("coordinator"),
            at=later,
        )
        assert parts(session, follow_up) == [
            ("primary", cast.people[WORKER], TODAY, TODAY + 2 * DAY),
            ("primary", cast.people[SECOND], TODAY + 3 * DAY, None),
        ]


def test_whoever_is_replaced_on_their_first_day_had_none_and_stays_on_record(cast: Cast) -> None:
    with cast.session() as session:
        follow_up = followed(session, cast)
        assigning.assign_worker(
            session, follow_up, cast.people[SECOND], instead_of=cast.people[WORKER], by=cast.actor("coordinator"), at=AT
        )
        assert parts(session, follow_up) == [("primary", cast.people[SECOND], TODAY, None)]
        assert told_of(session, follow_up)[-2:] == ["follow_up.part_ended", "follow_up.assigned"]


def test_the_second_who_takes_over_leaves_the_second_part(cast: Cast) -> None:
    later = AT + 3 * DAY
    with cast.session() as session:
        follow_up = followed(session, cast, second=SECOND)
        assigning.assign_worker(
            session,
            follow_up,
            cast.people[SECOND],
            instead_of=cast.people[WORKER],
            by=cast.actor("coordinator"),
            at=later,
        )
        today = assigning.on_day(session, TODAY + 3 * DAY, follow_up_ids=[follow_up])
        assert [(row.kind, row.person_id) for row in today] == [("primary", cast.people[SECOND])]


def test_who_assigns_over_somebody_whom_they_did_not_see_is_told(cast: Cast) -> None:
    with cast.session() as session:
        follow_up = followed(session, cast)
        by = cast.actor("coordinator")
        with refused("assignment.taken"):
            assigning.assign_worker(session, follow_up, cast.people[SECOND], by=by, at=AT)
        with refused("assignment.taken"):
            assigning.assign_worker(
                session, follow_up, cast.people[SECOND], instead_of=cast.people[THIRD], by=by, at=AT
            )
        with refused("assignment.theirs_already"):
            assigning.assign_worker(session, follow_up, cast.people[WORKER], by=by, at=AT)
        with refused("follow_up.changed"):
            assigning.assign_worker(
                session,
                follow_up,
                cast.people[SECOND],
                instead_of=cast.people[WORKER],
                by=by,
                at=AT,
                seen=row_of(session, follow_up)["version"] - 1,
            )


def test_of_two_who_assign_at_once_the_second_is_told(cast: Cast) -> None:
    with cast.session() as session:
        follow_up = followed(session, cast, worker=None)
    ready, outcomes = threading.Barrier(2), []

    def give(name: str) -> None:
        with cast.session() as session:
            ready.wait(timeout=20)
            try:
                assigning.assign_worker(session, follow_up, cast.people[name], by=cast.actor("coordinator"), at=AT)
                outcomes.append("given")
            except Refusal as refusal:
                outcomes.append(refusal.code)
                session.rollback()

    threads = [threading.Thread(target=give, args=(name,)) for name in (WORKER, SECOND)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(outcomes) == ["assignment.taken", "given"]
    with cast.session() as session:
        assert len(parts(session, follow_up)) == 1
        (task,) = tasks_of(session, assigning.FIND_A_WORKER)
        assert task["state"] == "done"


def test_an_active_follow_up_without_a_worker_is_the_coordinators_task_until_one_is_found(cast: Cast) -> None:
    by = cast.actor("coordinator")
    with cast.session() as session:
        follow_up = followed(session, cast, worker=None)
        (task,) = tasks_of(session, assigning.FIND_A_WORKER)
        assert task["state"] == "open"
        assert "#2026-01" in task["title_fr"]
        assert task["due_on"] == date(2026, 11, 25)
        assigning.keep_vacancy(session, follow_up, by=by, at=AT)
        assert len(tasks_of(session, assigning.FIND_A_WORKER)) == 1
        assigning.assign_worker(session, follow_up, cast.people[WORKER], by=by, at=AT)
        assert [one["state"] for one in tasks_of(session, assigning.FIND_A_WORKER)] == ["done"]
        assigning.end_part(session, follow_up, cast.people[WORKER], by=by, at=AT + DAY)
        assert [one["state"] for one in tasks_of(session, assigning.FIND_A_WORKER)] == ["done", "open"]
        states.deactivate(session, follow_up, "withdrew", by=by, at=AT + DAY)
        assert [one["state"] for one in tasks_of(session, assigning.FIND_A_WORKER)] == ["done", "cancelled"]


def test_a_worker_who_left_leaves_a_vacancy_and_not_a_follow_up_in_their_name(cast: Cast) -> None:
    with cast.session() as session:
        follow_up = followed(session, cast)
        session.execute(update(_tenure).where(_tenure.c.person_id == cast.people[WORKER]).values(ends_on=TODAY + DAY))
        assert assigning.keep_vacancy(session, follow_up, by=cast.actor("coordinator"), at=AT + DAY) is False
        assert assigning.keep_vacancy(session, follow_up, by=cast.actor("coordinator"), at=AT + 2 * DAY) is True
        assert [one["state"] for one in tasks_of(session, assigning.FIND_A_WORKER)] == ["open"]


def test_a_part_in_an_inactive_follow_up_is_given_to_nobody(cast: Cast) -> None:
    with cast.session() as session:
        follow_up = followed(session, cast)
        by = cast.actor("coordinator")
        states.deactivate(session, follow_up, "withdrew", by=by, at=AT + DAY)
        with refused("follow_up.inactive"):
            assigning.assign_worker(session, follow_up, cast.people[SECOND], by=by, at=AT + DAY)
        with refused("assignment.unknown"):
            assigning.end_part(session, follow_up, cast.people[WORKER], by=by, at=AT + DAY)


def _load(cast: Cast, people: list[load.Load], name: str) -> load.Load:
    return next(one for one in people if one.person_id == cast.people[name])


@pytest.mark.ci
def test_the_load_is_hours_follow_ups_and_how_much_each_asks_and_warns_without_refusing(cast: Cast) -> None:
    by = cast.actor("coordinator")
    with cast.session() as session:
        for count in range(1, 12):
            follow_up = followed(session, cast, f"#2026-{count:02}", second=SECOND if count < 4 else None)
            if count <= 2:
                opening.set_intensity(session, follow_up, "intense", by=by, at=AT)
        found = load.loads(session, TODAY)
        mine, other = _load(cast, found, WORKER), _load(cast, found, SECOND)
        assert (mine.hours, mine.primary, mine.second) == (28, 11, 0)
        assert mine.weight == 2 * 2 + 9
        assert mine.is_overloaded
        assert (other.primary, other.second, other.is_overloaded) == (0, 3, False)
        assert other.weight == pytest.approx((2 + 2 + 1) / 3)
        assert [one.person_id for one in found][-1] == cast.people[WORKER]
        followed(session, cast, "#2026-12")  # too much is said, and decided by people


def test_a_worker_of_two_tenures_is_counted_once(cast: Cast) -> None:
    assert SINCE < TODAY
    with cast.session() as session:
        assert len({one.person_id for one in load.loads(session, TODAY)}) == len(load.loads(session, TODAY))


def test_the_database_refuses_two_primaries_on_a_day(cast: Cast) -> None:
    with cast.session() as session:
        follow_up: UUID = followed(session, cast)
        assert table_of(FollowUp).c.version is not None
        with pytest.raises(Exception, match="one_worker_of_a_kind"):
            session.connection().exec_driver_sql(
                "insert into assignment (program_id, id, follow_up_id, person_id, organization_id, kind, starts_on,"
                " assigned_at, assigned_as) values (%s, gen_random_uuid(), %s, %s, %s, 'primary', %s, now(), 'x')",
                (cast.program_id, follow_up, cast.people[SECOND], cast.organizations["codim"], TODAY + DAY),
            )
        session.rollback()


@pytest.mark.ci
def test_a_barred_worker_leaves_the_follow_up_and_a_vacancy_at_once(cast: Cast) -> None:
    with cast.session() as session:
        follow_up = followed(session, cast, second=SECOND)
        other = followed(session, cast, "#2026-02")
        participant = row_of(session, follow_up)["participant_id"]
        by = cast.actor("coordinator")
        barring.bar(session, participant, cast.people[WORKER], by=by, at=AT)
        on_it = assigning.on_day(session, TODAY, follow_up_ids=[follow_up])
        assert [(part.kind, part.person_id) for part in on_it] == [("second", cast.people[SECOND])]
        (task,) = tasks_of(session, assigning.FIND_A_WORKER)
        assert task["item"] == str(follow_up)
        with refused("task.by_its_act"):
            complete_task(session, task["id"], by=by, at=AT)
        assert len(assigning.on_day(session, TODAY, follow_up_ids=[other])) == 1, "theirs with others stays"
        barring.bar(session, participant, cast.people[SECOND], by=by, at=AT)
        assert assigning.on_day(session, TODAY, follow_up_ids=[follow_up]) == []
        assert len(tasks_of(session, assigning.FIND_A_WORKER)) == 1, "a vacancy is one task"
        assigning.assign_worker(session, follow_up, cast.people[THIRD], by=by, at=AT)
        assert [task["state"] for task in tasks_of(session, assigning.FIND_A_WORKER)] == ["done"]
