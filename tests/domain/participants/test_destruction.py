"""Destruction takes two, however one tries to be both: under another hat, as a deputy, by an absence, in a race."""

from __future__ import annotations

import threading
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from domain.accompaniment import barring, states
from domain.admissions import duplicates, first_meetings
from domain.follow_ups import activities
from domain.kernel.actors import Actor
from domain.kernel.refusals import Refusal
from domain.kernel.scope import local_day
from domain.participants import destruction, destruction_requests, holds, retention, weighing, what_is_destroyed
from domain.people.absences import record_absence
from domain.people.people import appoint
from domain.roles.roles import standing
from models.base import table_of
from models.destruction import Destruction
from models.follow_up import ActivityPart
from models.program import Program
from tests.cast import AT, LOADING, TODAY, Cast
from tests.destroying import DELAY, LAPSES, WHY, asked, destroyed
from tests.following import SECOND, WORKER, agreed, followed, known_as_somebody, plan, row_of, tasks_of
from tests.referring import declare_admission, participant_of, refer, triaged
from tests.refusing import refused

_destruction = table_of(Destruction)
_program = table_of(Program)
_part = table_of(ActivityPart)

DAY = timedelta(days=1)
#: Of somebody who declined today, the day after the last one.
OVER = AT + 366 * DAY


@pytest.fixture
def over(cast: Cast) -> UUID:
    """Somebody who was referred by CCSMTL and declined, and whose retention has ended on `OVER`."""
    declare_admission(cast)
    participant_id = triaged(cast, refer(cast))
    with cast.session() as session:
        first_meetings.decline(session, participant_id, by=cast.actor("coordinator"), at=AT)
    return participant_id


@pytest.fixture
def of_codim(cast: Cast) -> UUID:
    """Somebody whom a worker of CODIM followed until tomorrow."""
    with cast.session() as session:
        agreed(session, cast)
        return _left(session, cast, followed(session, cast, worker=SECOND))


def _left(session: Session, cast: Cast, follow_up: UUID) -> UUID:
    participant_id: UUID = row_of(session, follow_up)["participant_id"]
    known_as_somebody(session, participant_id)
    ended, by = AT + DAY, cast.actor("coordinator")
    states.deactivate(session, follow_up, "withdrew", by=by, at=ended)
    return participant_id


def _last(session: Session, participant_id: UUID) -> destruction_requests.DestructionRequest:
    found = destruction_requests.last_of(session, participant_id)
    assert found is not None
    return found


def _appoint(session: Session, cast: Cast, name: str, role: str, organization: str) -> None:
    appoint(
        session,
        person_id=cast.people[name],
        role=role,
        organization_id=cast.organizations[organization],
        starts_on=TODAY,
        by=LOADING,
        at=AT,
    )


def _vacate(session: Session, *roles: str) -> None:
    ended = text("update tenure set ends_on = :day where role = any(:roles)")
    session.execute(ended, {"day": TODAY - DAY, "roles": list(roles)})


# ------------------------------------------------------------------------------------------------------- who answers


@pytest.mark.parametrize("who", ["privacy_officer", "manager_ccsmtl"])
def test_it_is_confirmed_by_the_privacy_officer_or_a_manager_of_who_holds_the_file(
    cast: Cast, over: UUID, who: str
) -> None:
    with cast.session() as session:
        asked(session, cast, over, at=OVER)
        destruction.confirm(session, over, by=cast.actor(who), at=OVER + DELAY)
        proof = what_is_destroyed.proof_of(session, over)
        assert proof is not None
        assert (proof.asked_by_id, proof.by_id) == (cast.people["coordinator"], cast.people[who])


@pytest.mark.parametrize("who", ["manager_codim", "director_ccsmtl", "administrator", "officer", WORKER])
def test_nobody_else_confirms_it(cast: Cast, over: UUID, who: str) -> None:
    with cast.session() as session:
        asked(session, cast, over, at=OVER)
        with refused("destruction.not_theirs"):
            destruction.confirm(session, over, by=cast.actor(who), at=OVER + DELAY)
        with refused("destruction.not_theirs"):
            destruction.refuse(session, over, reason=WHY, by=cast.actor(who), at=OVER + DELAY)
        assert _last(session, over).state == "asked"


def test_a_file_is_held_where_its_last_worker_was(cast: Cast, of_codim: UUID) -> None:
    at = AT + 2 * DAY
    with cast.session() as session:
        asked(session, cast, of_codim, at=at, ground="person_asks")
        with refused("destruction.not_theirs"):
            destruction.confirm(session, of_codim, by=cast.actor("manager_ccsmtl"), at=at + DELAY)
        by = cast.actor("manager_codim")
        destruction.confirm(session, of_codim, knowing={"early"}, by=by, at=at + DELAY)


def test_who_asked_confirms_under_no_other_hat(cast: Cast, over: UUID) -> None:
    """The coordinator is also named manager of the host, and the privacy officer."""
    with cast.session() as session:
        _vacate(session, "manager", "privacy_officer")
        _appoint(session, cast, "coordinator", "manager", "ccsmtl")
        _appoint(session, cast, "coordinator", "privacy_officer", "ccsmtl")
        asked(session, cast, over, at=OVER)
        for role in ("manager", "privacy_officer", "coordinator"):
            hat = Actor(role, cast.people["coordinator"], cast.organizations["ccsmtl"])
            with refused("destruction.own_request"):
                destruction.confirm(session, over, by=hat, at=OVER + DELAY)
        assert destruction.who_may_confirm(session, _last(session, over), standing(session, OVER.date())) == []


def _away(session: Session, cast: Cast, who: str, deputy: str, at: datetime) -> None:
    day = local_day(session, at)
    record_absence(
        session,
        person_id=cast.people[who],
        starts_on=day,
        ends_on=day + 30 * DAY,
        deputy_id=cast.people[deputy],
        kinds=["tasks", "approvals"],
        by=cast.actor(who),
        at=at,
    )


def test_who_asked_confirms_as_no_deputy_and_no_deputy_of_theirs_does(cast: Cast, over: UUID) -> None:
    at = OVER + DELAY
    with cast.session() as session:
        asked(session, cast, over, at=OVER)
        _away(session, cast, "manager_ccsmtl", "coordinator", at)
        as_deputy = Actor(
            "manager", cast.people["coordinator"], cast.organizations["ccsmtl"], cast.people["manager_ccsmtl"]
        )
        with refused("destruction.own_request"):
            destruction.confirm(session, over, by=as_deputy, at=at)
        theirs = Actor("manager", cast.people["deputy"], cast.organizations["ccsmtl"], cast.people["coordinator"])
        with refused("destruction.own_request"):
            destruction.confirm(session, over, by=theirs, at=at)


@pytest.mark.parametrize("first", [True, False])
def test_no_deputy_of_who_asked_confirms_it_under_a_hat_of_their_own(cast: Cast, over: UUID, first: bool) -> None:
    at = OVER + DELAY
    with cast.session() as session:
        _vacate(session, "manager")
        _appoint(session, cast, "deputy", "manager", "ccsmtl")
        if first:
            _away(session, cast, "coordinator", "deputy", OVER)
        asked(session, cast, over, at=OVER)
        if not first:
            _away(session, cast, "coordinator", "deputy", at)
        own = Actor("manager", cast.people["deputy"], cast.organizations["ccsmtl"])
        able = destruction.who_may_confirm(session, _last(session, over), standing(session, local_day(session, at)))
        assert cast.people["deputy"] not in {one.person_id for one in able}
        assert able
        with refused("destruction.own_request"):
            destruction.confirm(session, over, by=own, at=at)


def test_whom_a_deputy_asked_for_does_not_confirm_it(cast: Cast, over: UUID) -> None:
    with cast.session() as session:
        _vacate(session, "privacy_officer")
        _appoint(session, cast, "coordinator", "privacy_officer", "ccsmtl")
        deputy = Actor("coordinator", cast.people["deputy"], cast.organizations["ccsmtl"], cast.people["coordinator"])
        destruction.ask(session, over, destruction.BY_CALENDAR, by=deputy, at=OVER)
        own = Actor("privacy_officer", cast.people["coordinator"], cast.organizations["ccsmtl"])
        with refused("destruction.own_request"):
            destruction.confirm(session, over, by=own, at=OVER + DELAY)


def test_a_deputy_without_approvals_does_not_confirm_it(cast: Cast, over: UUID) -> None:
    at = OVER + DELAY
    with cast.session() as session:
        asked(session, cast, over, at=OVER)
        record_absence(
            session,
            person_id=cast.people["privacy_officer"],
            starts_on=at.date(),
            ends_on=at.date(),
            deputy_id=cast.people["director_codim"],
            kinds=["tasks"],
            by=cast.actor("privacy_officer"),
            at=at,
        )
        hat = Actor(
            "privacy_officer",
            cast.people["director_codim"],
            cast.organizations["ccsmtl"],
            cast.people["privacy_officer"],
        )
        with refused("destruction.not_theirs"):
            destruction.confirm(session, over, by=hat, at=at)


def test_whom_the_participant_barred_does_not_confirm_it_and_is_not_asked(cast: Cast, over: UUID) -> None:
    with cast.session() as session:
        barring.bar(session, over, cast.people["privacy_officer"], by=cast.actor("coordinator"), at=AT)
        asked(session, cast, over, at=OVER)
        with refused("destruction.not_theirs"):
            destruction.confirm(session, over, by=cast.actor("privacy_officer"), at=OVER + DELAY)
        links = [one["owed_by"] for one in _waiting_for(session)]
        assert links == [[{"role": "manager", "at": str(cast.organizations["ccsmtl"])}]]


def _waiting_for(session: Session) -> list[dict[str, Any]]:
    found = session.execute(
        text(
            "select r.links as owed_by from task t join responsibility r on r.id = t.owed_by_id "
            "where t.step = :step and t.state = 'open'"
        ),
        {"step": destruction.CONFIRM},
    )
    return [dict(row) for row in found.mappings()]


def test_who_becomes_the_privacy_officer_after_they_asked_is_not_who_is_asked(cast: Cast, over: UUID) -> None:
    with cast.session() as session:
        asked(session, cast, over, at=OVER)
        assert [row["owed_by"][0]["role"] for row in _waiting_for(session)] == ["privacy_officer"]
        _vacate(session, "privacy_officer")
        _appoint(session, cast, "coordinator", "privacy_officer", "ccsmtl")
        assert not destruction.look_again(session, over, by=cast.actor("coordinator"), at=OVER + DAY)
        assert [row["owed_by"][0]["role"] for row in _waiting_for(session)] == ["manager"]


def test_the_database_takes_no_confirmation_of_who_asked(cast: Cast, over: UUID) -> None:
    with cast.session() as session:
        asked(session, cast, over, at=OVER)
    mine = {"ended_by": cast.people["coordinator"], "ended_as": "manager", "ended_at": OVER + DELAY}
    theirs = {**mine, "ended_by": cast.people["deputy"], "ended_for": cast.people["coordinator"]}
    for values in (mine, theirs):
        with pytest.raises(IntegrityError, match="takes_two"), cast.session() as session:
            session.execute(update(_destruction).values(state="confirmed", **values))


# ----------------------------------------------------------------------------------------------------- when, and what


def test_it_is_confirmed_after_the_delay_and_until_it_lapses(cast: Cast, over: UUID) -> None:
    by = cast.actor("privacy_officer")
    with cast.session() as session:
        asked(session, cast, over, at=OVER)
        with refused("destruction.not_yet"):
            destruction.confirm(session, over, by=by, at=OVER + DELAY - DAY)
        with refused("destruction.lapsed"):
            destruction.confirm(session, over, by=by, at=OVER + LAPSES + DAY)
        destruction.confirm(session, over, by=by, at=OVER + LAPSES)


def test_a_delay_that_is_declared_shorter_afterwards_changes_nothing_of_what_is_asked(cast: Cast, over: UUID) -> None:
    with cast.session() as session:
        asked(session, cast, over, at=OVER)
        session.execute(update(_program).values(retention={"confirmed_after_days": 1, "lapses_after_days": 2}))
        with refused("destruction.not_yet"):
            destruction.confirm(session, over, by=cast.actor("privacy_officer"), at=OVER + DELAY - DAY)


@pytest.mark.parametrize("ground", ["person_asks", "by_mistake", "law"])
def test_every_other_ground_than_the_calendar_has_its_words(cast: Cast, over: UUID, ground: str) -> None:
    with cast.session() as session:
        with refused("destruction.reason.missing"):
            destruction.ask(session, over, ground, reason=" \n", by=cast.actor("coordinator"), at=OVER)
        with refused("destruction.ground.missing"):
            destruction.ask(session, over, "", reason=WHY, by=cast.actor("coordinator"), at=OVER)
        with refused("destruction.triaged"):
            asked(session, cast, over, at=OVER, ground="not_triaged")
        asked(session, cast, over, at=OVER, ground=ground)
        with refused("destruction.asked"):
            asked(session, cast, over, at=OVER)


def test_whoever_confirms_reads_what_and_why_without_a_name_and_the_record_says_so(cast: Cast, over: UUID) -> None:
    by = cast.actor("privacy_officer")
    with cast.session() as session:
        words = "ONDINE (Fougere-lys, 514-555.0144) le demande; née le 2010-05-04. Un lys."
        destruction.ask(session, over, "person_asks", reason=words, by=cast.actor("coordinator"), at=OVER)
        found = weighing.weigh(session, _last(session, over), OVER.date(), by=by, at=OVER).reason
        assert found == "[…] le demande; née le […]. Un […]."
        contents = what_is_destroyed.contents_of(session, over)
        known_as = _last(session, over).known_as
        assert (known_as[:2], contents.file_state, contents.referrals) == ("C-", "declined", 1)
        facts = session.scalar(
            text("select facts from event where verb = 'read' and actor_id = :id"), {"id": by.person_id}
        )
        assert (facts["what"], facts["purpose"]) == ("destruction", "protection")
        with refused("destruction.answer.missing"):
            destruction.refuse(session, over, reason="", by=by, at=OVER)
        destruction.refuse(session, over, reason="Un juge le demande", by=by, at=OVER)
        asker = cast.actor("coordinator")
        weighed = weighing.weigh(session, _last(session, over), OVER.date(), by=asker, at=OVER)
        assert weighed.answer == "Un juge le demande"
    with cast.session() as session:
        kept = session.execute(select(_destruction)).mappings().one()
        assert b"demande" not in kept["sealed"] + kept["answer_sealed"]
        for table in ("event", "task", "notice"):
            assert "ondine" not in str(session.execute(text(f"select * from {table}")).all()).lower()  # noqa: S608


# -------------------------------------------------------------------------------------------------- what comes between


def _hold(session: Session, cast: Cast, participant_id: UUID) -> None:
    holds.place_hold(session, participant_id, reason=WHY, by=cast.actor("coordinator"), at=OVER + DAY)


def _move(session: Session, cast: Cast, participant_id: UUID) -> None:
    day = (OVER + 90 * DAY).date()
    retention.retain_until(session, participant_id, day, reason=WHY, by=cast.actor("coordinator"), at=OVER + DAY)


def _refer_again(session: Session, cast: Cast, participant_id: UUID) -> None:
    again = refer(cast, by="worker_codim", at=OVER + DAY)
    duplicates.join_referral(
        session, again, participant_id, reason="La même", by=cast.actor("coordinator"), at=OVER + DAY
    )


def _withdraw(session: Session, cast: Cast, participant_id: UUID) -> None:
    destruction.withdraw(session, participant_id, by=cast.actor("coordinator"), at=OVER + DAY)


@pytest.mark.parametrize(
    ("between", "state", "by_what"),
    [
        (_hold, "stopped", "hold"),
        (_move, "stopped", "day_moved"),
        (_refer_again, "stopped", "referred_again"),
        (_withdraw, "withdrawn", ""),
    ],
)
def test_what_comes_between_stops_it_for_good(cast: Cast, over: UUID, between: Any, state: str, by_what: str) -> None:
    with cast.session() as session:
        asked(session, cast, over, at=OVER)
    with cast.session() as session:
        between(session, cast, over)
    with cast.session() as session:
        last = _last(session, over)
        assert (last.state, last.stopped_by) == (state, by_what)
        assert [one["state"] for one in tasks_of(session, destruction.CONFIRM)] == ["cancelled"]
        if between is _hold:
            holds.release_hold(session, over, reason=WHY, by=cast.actor("coordinator"), at=OVER + 2 * DAY)
        with refused("destruction.over"):
            destruction.confirm(session, over, by=cast.actor("privacy_officer"), at=OVER + DELAY)
        with refused("destruction.over"):
            _withdraw(session, cast, over)


def test_a_return_stops_it_and_a_later_end_asks_anew(cast: Cast, of_codim: UUID) -> None:
    at, by = AT + 2 * DAY, cast.actor("coordinator")
    with cast.session() as session:
        asked(session, cast, of_codim, at=at, ground="person_asks")
        follow_up = session.execute(text("select id from follow_up")).scalar_one()
        states.reactivate(session, follow_up, nobody_yet=True, by=by, at=at)
        assert _last(session, of_codim).stopped_by == "taken_up"
        with refused("retention.not_yet"):
            asked(session, cast, of_codim, at=at)


def test_a_fact_that_no_verb_told_of_stops_it_when_it_is_looked_at_again(cast: Cast, over: UUID) -> None:
    with cast.session() as session:
        asked(session, cast, over, at=OVER)
        session.execute(text("update participant set retain_until = null"))
        with refused("retention.not_yet"):
            destruction.confirm(session, over, by=cast.actor("privacy_officer"), at=OVER + DELAY)
        assert destruction.look_again(session, over, by=cast.actor("coordinator"), at=OVER + DELAY)
        assert _last(session, over).stopped_by == "changed"


def test_another_day_needs_a_reason_which_is_sealed(cast: Cast, over: UUID) -> None:
    by, day = cast.actor("coordinator"), OVER.date()
    with cast.session() as session:
        for empty in ("", "  \n"):
            with refused("retention.reason.missing"):
                retention.retain_until(session, over, day, reason=empty, by=by, at=AT)
        with refused("retention.reason.too_long"):
            retention.retain_until(session, over, day, reason="x" * 4001, by=by, at=AT)
        retention.retain_until(session, over, day, reason="Un juge le demande", by=by, at=AT)
        row = session.execute(text("select was, day, sealed, set_by from kept_until")).mappings().one()
        assert (row["was"], row["day"], row["set_by"]) == ((AT + 365 * DAY).date(), day, by.person_id)
        assert b"juge" not in bytes(row["sealed"])


# --------------------------------------------------------------------------------------------------------- at once


def _at_once(cast: Cast, first: Any, second: Any) -> list[str]:
    """Do the second while the first is not yet kept: what each came to."""
    came: list[str] = ["done"]

    def other() -> None:
        try:
            with cast.session() as session:
                second(session)
            came.append("done")
        except Refusal as refusal:
            came.append(refusal.code)

    waiting = threading.Thread(target=other)
    with cast.session() as session:
        first(session)
        waiting.start()
        _until_it_waits(cast)
    waiting.join(timeout=60)
    assert not waiting.is_alive()
    return came


def _until_it_waits(cast: Cast) -> None:
    """Until the other one waits for a row of this transaction."""
    asked_for = text("select count(*) from pg_locks where not granted")
    with cast.database.engine.connect() as looking:
        for _ in range(2000):
            if looking.execute(asked_for).scalar_one():
                return
            threading.Event().wait(0.01)
    pytest.fail("nobody waited")


@pytest.mark.ci
@pytest.mark.parametrize("second", ["confirm", "hold", "withdraw"])
def test_of_two_at_once_the_second_is_told(cast: Cast, over: UUID, second: str) -> None:
    at = OVER + DELAY
    with cast.session() as session:
        asked(session, cast, over, at=OVER)
    others = {
        "confirm": lambda session: destruction.confirm(session, over, by=cast.actor("manager_ccsmtl"), at=at),
        "hold": lambda session: holds.place_hold(session, over, reason=WHY, by=cast.actor("coordinator"), at=at),
        "withdraw": lambda session: destruction.withdraw(session, over, by=cast.actor("coordinator"), at=at),
    }
    codes = {"confirm": "destruction.over", "hold": "retention.held", "withdraw": "destruction.over"}

    def first(session: Session) -> None:
        destruction.confirm(session, over, by=cast.actor("privacy_officer"), at=at)

    assert _at_once(cast, first, others[second]) == ["done", codes[second]]
    with cast.session() as session:
        gone = text("select count(*) from event where verb = 'participant.destroyed'")
        assert session.scalar(gone) == 1


@pytest.mark.ci
def test_a_hold_that_came_a_moment_before_wins(cast: Cast, over: UUID) -> None:
    at = OVER + DELAY
    with cast.session() as session:
        asked(session, cast, over, at=OVER)
    came = _at_once(
        cast,
        lambda session: holds.place_hold(session, over, reason=WHY, by=cast.actor("coordinator"), at=at),
        lambda session: destruction.confirm(session, over, by=cast.actor("privacy_officer"), at=at),
    )
    assert came == ["done", "destruction.over"]


def test_what_was_asked_anew_since_it_was_looked_at_is_not_confirmed(cast: Cast, over: UUID) -> None:
    with cast.session() as session:
        asked(session, cast, over, at=OVER)
        seen = _last(session, over).id
        destruction.withdraw(session, over, by=cast.actor("coordinator"), at=OVER)
        asked(session, cast, over, at=OVER + timedelta(hours=1), ground="by_mistake")
        with refused("destruction.changed"):
            destruction.confirm(session, over, seen=seen, by=cast.actor("privacy_officer"), at=OVER + DELAY)


def test_what_is_destroyed_is_asked_about_no_more(cast: Cast, over: UUID) -> None:
    with cast.session() as session:
        destroyed(session, cast, over, at=OVER)
        assert [one["state"] for one in tasks_of(session, destruction.CONFIRM)] == ["done"]
        weighed = weighing.weigh(session, _last(session, over), OVER.date(), by=cast.actor("coordinator"), at=OVER)
        assert (weighed.reason, weighed.cautions) == ("", [])
        assert participant_of(session, session.execute(text("select id from referral")).scalar_one()) == over


@pytest.mark.ci
def test_where_somebody_was_with_others_is_gone_with_their_file_and_stays_with_the_others(cast: Cast) -> None:
    at = AT + 2 * DAY
    with cast.session() as session:
        agreed(session, cast)
        gone, other = followed(session, cast, worker=SECOND), followed(session, cast, "#2026-02")
        activity = plan(session, [gone, other], held_on=TODAY, place="Chez Ondine", by=cast.actor("coordinator"))
        participant_id = _left(session, cast, gone)
        asked(session, cast, participant_id, at=at, ground="person_asks")
        by = cast.actor("manager_codim")
        destruction.confirm(session, participant_id, knowing={"early"}, by=by, at=at + DELAY)

        def kept() -> dict[UUID, bool]:
            rows = session.execute(select(_part.c.follow_up_id, _part.c.sealed, _part.c.where_mark)).all()
            assert all((row.sealed is None) == (row.where_mark is None) for row in rows)
            return {row.follow_up_id: row.where_mark is not None for row in rows}

        assert kept() == {gone: False, other: True}
        where: dict[str, Any] = {"held_on": (at + DELAY).date(), "begins": time(14), "minutes": 60}
        activities.move_activity(session, activity, **where, place="Parc", by=cast.actor("coordinator"), at=at + DELAY)
        assert kept() == {gone: False, other: True}
