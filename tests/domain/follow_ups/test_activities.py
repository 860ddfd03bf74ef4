"""Activities: whoever also recruits others is never brought together with another participant."""

from __future__ import annotations

import threading
from datetime import time, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlmodel import Session

from domain.accompaniment import proposals, recruiting, states
from domain.follow_ups import activities, assigning
from domain.kernel.refusals import Refusal
from models.base import table_of
from models.follow_up import Activity, ActivityPart
from tests.api.application import client_for
from tests.cast import AT, TODAY, Arranged, Cast
from tests.departing import until_somebody_waits
from tests.fakes.people_keys import FakePeopleKeys
from tests.following import SECOND, WORKER, bar, followed, in_force, plan, row_of, tasks_of, told_of
from tests.refusing import refused

DAY = timedelta(days=1)
_activity, _part = table_of(Activity), table_of(ActivityPart)


@pytest.fixture
def cast(cast: Cast, arranged: Arranged[None]) -> Cast:
    """The cast, with every agreement in force."""
    arranged(cast, in_force)
    return cast


def test_somebody_who_recruits_is_in_no_activity_with_others_and_may_be_in_one_of_their_own(cast: Cast) -> None:
    by = cast.actor(WORKER)
    with cast.session() as session:
        first, second = followed(session, cast), followed(session, cast, "#2026-02")
        recruiter = followed(session, cast, "#2026-03", recruiter=True)
        together = plan(session, [first, second], held_on=TODAY, kind="meal", by=by, at=AT)
        with refused("activity.never_together"):
            plan(session, [first, recruiter], held_on=TODAY, kind="meal", by=by, at=AT)
        plan(session, [recruiter], held_on=TODAY + DAY, kind="errand", by=by, at=AT)
        assert [one.kind for one in activities._planned_with(session, recruiter, TODAY)] == ["errand"]
        # And the database holds it, whoever writes: they take every place of the activity.
        with pytest.raises(Exception, match="alone_in_theirs"), session.begin_nested():
            session.connection().exec_driver_sql(
                "insert into activity_part (program_id, id, activity_id, follow_up_id, place, alone)"
                " values (%s, gen_random_uuid(), %s, %s, 9, true)",
                (cast.program_id, together, recruiter),
            )


def test_what_is_planned_is_called_off_once_and_told_of_each(cast: Cast) -> None:
    by = cast.actor(WORKER)
    with cast.session() as session:
        first, second = followed(session, cast), followed(session, cast, "#2026-02")
        planned = plan(session, [first, second], held_on=TODAY, kind="meal", by=by, at=AT)
        activities.call_off(session, planned, by=by, at=AT)
        assert activities._planned_with(session, first, TODAY) == []
        with refused("activity.called_off"):
            activities.call_off(session, planned, by=by, at=AT)
        for each in (first, second):
            assert told_of(session, each)[-2:] == ["follow_up.activity_planned", "follow_up.activity_called_off"]


def test_an_activity_is_with_somebody_who_is_followed_and_not_in_the_past(cast: Cast) -> None:
    by = cast.actor(WORKER)
    with cast.session() as session:
        first = followed(session, cast)
        with refused("activity.nobody"):
            plan(session, [], held_on=TODAY, kind="meal", by=by, at=AT)
        with refused("day.malformed"):
            plan(session, [first], held_on=TODAY - DAY, kind="meal", by=by, at=AT)
        with refused("activity.kind.malformed"):
            plan(session, [first], held_on=TODAY, kind="party", by=by, at=AT)
        states.deactivate(session, first, "withdrew", by=by, at=AT)
        with refused("follow_up.inactive"):
            plan(session, [first], held_on=TODAY, kind="meal", by=by, at=AT)


@pytest.mark.parametrize("ends", ["inactive", "completed"])
def test_whoever_is_followed_no_more_is_out_of_what_is_planned_and_the_others_go_on(cast: Cast, ends: str) -> None:
    by = cast.actor(WORKER)
    with cast.session() as session:
        first, second = followed(session, cast), followed(session, cast, "#2026-02")
        of_today = plan(session, [first], held_on=TODAY, kind="meal", by=by, at=AT)
        plan(session, [first], held_on=TODAY + DAY, kind="errand", by=by, at=AT)
        together = plan(session, [first, second], held_on=TODAY + DAY, kind="outing", by=by, at=AT)
        if ends == "inactive":
            states.deactivate(session, first, "withdrew", by=by, at=AT)
        else:
            states.complete(session, first, participant_agrees=True, by=by, at=AT)
        assert [one.id for one in activities._planned_with(session, first, TODAY)] == [of_today]
        assert [one.id for one in activities._planned_with(session, second, TODAY)] == [together]
        assert {"follow_up.activity_called_off", "follow_up.activity_left"} <= set(told_of(session, first))


# Found to recruit after something was planned.


def _found(session: Session, follow_up: UUID, cast: Cast) -> None:
    participant_id = row_of(session, follow_up)["participant_id"]
    recruiting.find_recruiter(session, participant_id, by=cast.actor("coordinator"), at=AT)


def _states(session: Session, step: str) -> list[str]:
    return [one["state"] for one in tasks_of(session, step)]


@pytest.fixture
def three(cast: Cast, arranged: Arranged[tuple[UUID, UUID, UUID]]) -> tuple[UUID, UUID, UUID]:
    """Three follow-ups, and an activity tomorrow with the first two; one of today is over by tomorrow."""
    return arranged(cast, _plan_for_three)


def _plan_for_three(cast: Cast) -> tuple[UUID, UUID, UUID]:
    with cast.session() as session:
        found = [followed(session, cast, f"#2026-0{n}") for n in (1, 2, 3)]
        for held_on, who in ((TODAY + DAY, found[:2]), (TODAY + DAY, found[2:]), (TODAY, found)):
            plan(session, who, held_on=held_on, kind="meal", by=cast.actor(WORKER), at=AT)
    return found[0], found[1], found[2]


@pytest.mark.ci
def test_what_was_planned_before_is_not_allowed_and_its_planner_and_the_coordinator_are_asked(
    cast: Cast, three: tuple[UUID, UUID, UUID]
) -> None:
    with cast.session() as session:
        _passed_on(session, three[1], cast)
        assert _met(session, three[1], cast), "the activity of today counts as a meeting"
        _found(session, three[0], cast)
        with refused("recruiter.known"):
            _found(session, three[0], cast)
        assert _states(session, activities.APART) == _states(session, activities.APART_COORDINATION) == ["open"] * 2
        assert _states(session, recruiting.ASSESS) == ["open"]
        planned = {
            (one.held_on, tuple(sorted(one.numbers))): one.is_allowed
            for one in activities.planned(session, three, TODAY)
        }
        assert planned == {
            (TODAY, ("#2026-01", "#2026-02", "#2026-03")): False,
            (TODAY + DAY, ("#2026-01", "#2026-02")): False,
            (TODAY + DAY, ("#2026-03",)): True,
        }
        assert not _met(session, three[1], cast), "what may not be brought nobody together"
    for name in (WORKER, "coordinator"):
        assert (
            "is not allowed: remove a participant" in client_for(cast.database, cast.people[name], at=AT).get("/").text
        )


@pytest.mark.ci
def test_whoever_is_barred_by_one_of_those_who_take_part_sees_the_others_alone(
    cast: Cast, three: tuple[UUID, UUID, UUID]
) -> None:
    with cast.session() as session:
        _found(session, three[0], cast)
        bar(session, cast, three[0], cast.people["coordinator"])
    client = client_for(cast.database, cast.people["coordinator"], at=AT)
    page = client.get("/activities", headers={"Accept-Language": "en"}).text
    assert ("#2026-01" in page, "#2026-02" in page, str(three[0]) in page) == (False, True, False)
    assert "One of these people may not be with others" in page
    shown = client.get("/api/v1/activities").json()["items"]
    told = [(one["numbers"], one["is_allowed"]) for one in shown if one["held_on"] == (TODAY + DAY).isoformat()]
    assert sorted(told) == [(["#2026-02"], False), (["#2026-03"], True)]
    # What has to be put right is asked of them all the same: it calls nobody.
    assert "is not allowed: remove a participant" in client.get("/").text


def _passed_on(session: Session, follow_up: UUID, cast: Cast) -> None:
    """To somebody else on the very day: whoever planned the activity had no day with the participant."""
    second, first = cast.people[SECOND], cast.people[WORKER]
    assigning.assign_worker(session, follow_up, second, instead_of=first, by=cast.actor("coordinator"), at=AT)


def _met(session: Session, follow_up: UUID, cast: Cast) -> bool:
    participant_id = row_of(session, follow_up)["participant_id"]
    return {one.person_id: one.met for one in proposals.proposals(session, participant_id, at=AT)}[cast.people[WORKER]]


def test_it_is_settled_once_nobody_who_may_not_is_with_others(cast: Cast, three: tuple[UUID, UUID, UUID]) -> None:
    by = cast.actor(WORKER)
    with cast.session() as session:
        _found(session, three[0], cast)
        ids = {tuple(sorted(one.numbers)): one.id for one in activities.planned(session, three, TODAY)}
        of_three, of_two = ids["#2026-01", "#2026-02", "#2026-03"], ids["#2026-01", "#2026-02"]
        activities.take_out(session, of_three, three[1], by=by, at=AT)
        assert _states(session, activities.APART) == ["open", "open"], "two are still together"
        activities.take_out(session, of_three, three[0], by=by, at=AT)
        assert sorted(_states(session, activities.APART)) == ["done", "open"]
        with refused("activity.not_there"):
            activities.take_out(session, of_three, three[0], by=by, at=AT)
        with refused("activity.nobody_left"):
            activities.take_out(session, of_three, three[2], by=by, at=AT)
        activities.take_out(session, of_two, three[1], by=by, at=AT)
        assert _states(session, activities.APART) == _states(session, activities.APART_COORDINATION) == ["done"] * 2
        (alone,) = [one for one in activities.planned(session, [three[0]], TODAY) if one.id == of_two]
        assert (alone.numbers, alone.alone, alone.is_allowed) == (["#2026-01"], True, True)
        assert told_of(session, three[1])[-1] == "follow_up.activity_left"


# The hour and the place.

AT_TWO = time(14)


@pytest.mark.ci
def test_who_recruits_is_at_no_place_at_an_hour_at_which_another_activity_brings_others_there(cast: Cast) -> None:
    first_by, second_by = cast.actor(WORKER), cast.actor(SECOND)
    with cast.session() as session:
        other, recruiter = followed(session, cast), followed(session, cast, "#2026-03", recruiter=True)
        plan(session, [other], held_on=TODAY, begins=AT_TWO, minutes=90, place="Centre Jean-Été", by=first_by)
        for begins, minutes, place in (
            (time(15, 29), 30, "centre jean ete"),
            (time(12), 121, "CENTRE  JEAN-ÉTÉ"),
            (time(14, 30), 15, "Centre Jean-Été"),
        ):
            with refused("activity.never_at_one_place"):
                plan(session, [recruiter], held_on=TODAY, begins=begins, minutes=minutes, place=place, by=second_by)
        plan(session, [recruiter], held_on=TODAY, begins=time(15, 30), place="Centre Jean-Été", by=second_by)
        plan(session, [recruiter], held_on=TODAY, begins=AT_TWO, place="Centre Jean", by=second_by)
        with refused("activity.never_at_one_place"):
            plan(session, [other], held_on=TODAY, begins=time(13, 30), place="Centre Jean", by=first_by)


def test_an_activity_that_goes_past_midnight_meets_what_is_there_the_next_morning(cast: Cast) -> None:
    by = cast.actor(WORKER)
    with cast.session() as session:
        other, recruiter = followed(session, cast), followed(session, cast, "#2026-03", recruiter=True)
        plan(session, [other], held_on=TODAY, begins=time(22), minutes=180, place="Refuge", by=by)
        with refused("activity.never_at_one_place"):
            plan(session, [recruiter], held_on=TODAY + DAY, begins=time(0, 30), place="Refuge", by=by)
        plan(session, [recruiter], held_on=TODAY + DAY, begins=time(1), place="Refuge", by=by)


def test_others_and_the_same_person_twice_may_be_at_one_place(cast: Cast) -> None:
    by = cast.actor(WORKER)
    with cast.session() as session:
        first, second = followed(session, cast), followed(session, cast, "#2026-02")
        recruiter = followed(session, cast, "#2026-03", recruiter=True)
        for who in (first, second, first):
            plan(session, [who], held_on=TODAY, place="Parc", by=by)
        for _ in range(2):
            plan(session, [recruiter], held_on=TODAY, place="Bibliothèque", by=by)


def test_an_activity_is_not_moved_to_where_they_would_meet_and_what_is_moved_apart_is_settled(cast: Cast) -> None:
    by = cast.actor(WORKER)
    with cast.session() as session:
        first, second = followed(session, cast), followed(session, cast, "#2026-02")
        theirs = plan(session, [first], held_on=TODAY + DAY, place="Parc", by=by)
        plan(session, [second], held_on=TODAY + DAY, place="Parc", by=by)
        _found(session, first, cast)
        assert _states(session, activities.APART) == _states(session, activities.APART_COORDINATION) == ["open"]
        allowed = {one.id: one.is_allowed for one in activities.planned(session, [first, second], TODAY)}
        assert set(allowed.values()) == {False}
        where = {"held_on": TODAY + DAY, "begins": AT_TWO, "minutes": 60, "by": by, "at": AT}
        with refused("activity.never_at_one_place"):
            activities.move_activity(session, theirs, place="PARC", **where)  # type: ignore[arg-type]
        activities.move_activity(session, theirs, place="Bibliothèque", **where)  # type: ignore[arg-type]
        assert _states(session, activities.APART) == _states(session, activities.APART_COORDINATION) == ["done"]
        assert told_of(session, first)[-1] == "follow_up.activity_moved"
        with refused("activity.never_at_one_place"):
            activities.move_activity(session, theirs, place="Parc", **where)  # type: ignore[arg-type]


def test_when_and_where_are_said_and_can_be(cast: Cast) -> None:
    by = cast.actor(WORKER)
    with cast.session() as session:
        first = followed(session, cast)
        for place, minutes, code in (
            (" - ", 60, "activity.place.missing"),
            ("P" * 121, 60, "activity.place.too_long"),
            ("Parc\u202e", 60, "words.not_text"),
            ("Parc", 14, "activity.minutes.malformed"),
            ("Parc", 1441, "activity.minutes.malformed"),
        ):
            with refused(code):
                activities.plan_activity(
                    session,
                    [first],
                    held_on=TODAY,
                    begins=AT_TWO,
                    minutes=minutes,
                    place=place,
                    kind="meal",
                    by=by,
                    at=AT,
                )


def _where(session: Session, *follow_ups: UUID) -> list[str | None]:
    """Where each thing is that is planned with these, as the pages show it."""
    return [one.place for one in activities.planned(session, follow_ups, TODAY)]


def test_where_it_is_is_sealed_for_each_who_takes_part_and_goes_with_their_keys(cast: Cast) -> None:
    by = cast.actor(WORKER)
    with cast.session() as session:
        first, second = followed(session, cast), followed(session, cast, "#2026-02")
        together = plan(session, [first, second], held_on=TODAY, place="Chez  Ondine", by=by)
        assert _where(session, first) == ["Chez Ondine"]
        blobs = session.scalars(select(_part.c.sealed)).all()
        assert len({bytes(blob) for blob in blobs}) == 2, "each has their own"
        activities.move_activity(
            session, together, held_on=TODAY, begins=AT_TWO, minutes=30, place="Chez sa tante", by=by, at=AT
        )
        assert _where(session, first) == ["Chez sa tante"]
        keys = session.info["keys"]
        keys.destroy(row_of(session, first)["participant_id"])
        assert _where(session, first) == ["Chez sa tante"], "the other's key opens it still"
        keys.destroy(row_of(session, second)["participant_id"])
        assert _where(session, first) == [None]
        assert len(activities.planned(session, [first], TODAY)) == 1
    shown = client_for(cast.database, cast.people[WORKER], at=AT).get("/activities").text
    assert "30" in shown
    assert "Chez" not in shown


def test_where_it_is_is_opened_by_the_key_of_nobody_from_whom_the_reader_is_kept(cast: Cast) -> None:
    with cast.session() as session:
        first, second = followed(session, cast), followed(session, cast, "#2026-02")
        plan(session, [first, second], held_on=TODAY, place="Parc", by=cast.actor(WORKER))
        barring = row_of(session, first)["participant_id"]
        session.info["keys"].destroy(row_of(session, second)["participant_id"])
        (shown,) = activities.planned(session, [second], TODAY, kept_from=[barring])
        assert (shown.place, shown.numbers) == (None, ["#2026-02"])


def test_where_it_is_is_neither_kept_nor_compared_where_the_keys_cannot_be_used(cast: Cast) -> None:
    by = cast.actor(WORKER)
    with cast.session() as session:
        first = followed(session, cast)
        planned = plan(session, [first], held_on=TODAY, place="Parc", by=by)
        keys, session.info["keys"] = session.info["keys"], FakePeopleKeys(broken=True)
        with refused("keys.unusable"):
            plan(session, [first], held_on=TODAY, place="Parc", by=by)
        with refused("keys.unusable"):
            activities.move_activity(
                session, planned, held_on=TODAY, begins=AT_TWO, minutes=30, place="Ici", by=by, at=AT
            )
        with refused("keys.unusable"):
            _where(session, first)
        session.info["keys"] = keys
        assert _where(session, first) == ["Parc"]


@pytest.mark.ci
def test_of_two_who_plan_at_once_the_second_is_told_that_they_would_meet(cast: Cast) -> None:
    told: list[str] = []
    with cast.session() as session:
        other, recruiter = followed(session, cast), followed(session, cast, "#2026-03", recruiter=True)

    def the_other() -> None:
        try:
            with cast.session() as session:
                plan(session, [recruiter], held_on=TODAY, place="Parc", by=cast.actor(SECOND))
        except Refusal as refusal:
            told.append(refusal.code)

    thread = threading.Thread(target=the_other)
    with cast.session() as session:
        plan(session, [other], held_on=TODAY, place="Parc", by=cast.actor(WORKER))
        thread.start()
        until_somebody_waits(session)
    thread.join()
    assert told == ["activity.never_at_one_place"]


@pytest.mark.ci
def test_on_the_page_what_was_planned_without_an_hour_gets_one(cast: Cast) -> None:
    with cast.session() as session:
        found = plan(session, [followed(session, cast)], held_on=TODAY + DAY, by=cast.actor(WORKER))
        session.execute(update(_activity).values(begins=None, minutes=None))
        session.execute(update(_part).values(sealed=None, where_mark=None))
    worker = client_for(cast.database, cast.people[WORKER], at=AT)
    assert "No hour or place was given." in worker.get("/activities").text
    typed = {"held_on": (TODAY + DAY).isoformat(), "begins": "16:15", "minutes": "45", "place": "Parc"}
    assert worker.post(f"/activities/{found}/moving", data={**typed, "minutes": "-5"}).status_code == 422
    other = client_for(cast.database, cast.people[SECOND], at=AT)
    assert other.post(f"/activities/{found}/moving", data=typed).status_code == 404
    assert worker.post(f"/activities/{found}/moving", data=typed).status_code == 303
    assert "Parc, 45" in worker.get("/activities").text
    assert (
        worker.put(f"/api/v1/activities/{found}", json={**typed, "minutes": 45, "begins": "25:00"}).status_code == 422
    )
    assert worker.put(f"/api/v1/activities/{found}", json={**typed, "minutes": 30}).status_code == 204
    (shown,) = worker.get("/api/v1/activities").json()["items"]
    assert (shown["begins"], shown["minutes"], shown["place"]) == ("16:15", 30, "Parc")


@pytest.mark.ci
def test_on_the_pages_it_is_shown_until_it_is_called_off(cast: Cast, three: tuple[UUID, UUID, UUID]) -> None:
    with cast.session() as session:
        participant_id = row_of(session, three[0])["participant_id"]
        (together,) = [one.id for one in activities.planned(session, [three[0]], TODAY + DAY) if len(one.numbers) > 1]
    other = client_for(cast.database, cast.people[SECOND], at=AT)
    worker = client_for(cast.database, cast.people[WORKER], at=AT)
    then = client_for(cast.database, cast.people["coordinator"], at=AT + 3 * DAY)
    assert other.post(f"/participants/{participant_id}/recruiting", data={"seen": "1"}).status_code == 404
    assert worker.post(f"/participants/{participant_id}/recruiting", data={"seen": "1"}).status_code == 303
    assert "Not allowed" in worker.get("/activities").text
    assert [one["is_allowed"] for one in worker.get("/api/v1/activities").json()["items"]].count(False) == 2
    assert "Not allowed" in then.get("/activities").text, "also after its day, as long as nobody saw to it"
    leaving = f"/activities/{together}/parts/{three[1]}/leaving"
    assert other.post(leaving).status_code == 404
    assert worker.post(leaving).status_code == 303
    assert worker.delete(f"/api/v1/activities/{together}/parts/{three[1]}").status_code == 409
    assert then.get("/activities").text.count("Not allowed") == 1
    (left,) = [one for one in worker.get("/api/v1/activities").json()["items"] if not one["is_allowed"]]
    assert worker.post(f"/activities/{left['id']}/calling-off").status_code == 303
    assert "Not allowed" not in then.get("/activities").text


@pytest.mark.ci
def test_over_json_somebody_is_taken_out_of_what_may_not_be_once(cast: Cast, three: tuple[UUID, UUID, UUID]) -> None:
    with cast.session() as session:
        participant_id = row_of(session, three[0])["participant_id"]
        (together,) = [one.id for one in activities.planned(session, [three[0]], TODAY + DAY) if len(one.numbers) > 1]
    worker, other = (client_for(cast.database, cast.people[name], at=AT) for name in (WORKER, SECOND))
    assert worker.post(f"/participants/{participant_id}/recruiting", data={"seen": "1"}).status_code == 303
    part = f"/api/v1/activities/{together}/parts/{three[1]}"
    assert other.delete(part).status_code == 404
    assert worker.delete(part).status_code in (200, 204)
    assert worker.delete(part).status_code == 409


def test_whom_a_participant_barred_takes_them_out_of_nothing(cast: Cast, three: tuple[UUID, UUID, UUID]) -> None:
    with cast.session() as session:
        (together,) = [one.id for one in activities.planned(session, [three[0]], TODAY + DAY) if len(one.numbers) > 1]
        there = activities.taking_part(session, together)
        bar(session, cast, three[1], cast.people[WORKER])
    worker = client_for(cast.database, cast.people[WORKER], at=AT)
    assert worker.post(f"/activities/{together}/parts/{three[1]}/leaving").status_code == 404
    assert worker.delete(f"/api/v1/activities/{together}/parts/{three[1]}").status_code == 404
    with cast.session() as session:
        assert activities.taking_part(session, together) == there
    assert worker.delete(f"/api/v1/activities/{together}/parts/{three[0]}").status_code == 204
