"""Reminding: each rung once, in one digest a person and working day, whenever and however often the round runs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert, select, update

from domain.casework import assigning, cases, tasks, versions
from domain.declarations.protocol import Protocol
from domain.declared.reading import load_declared_text
from domain.kernel.actors import Actor
from domain.people import absences, people
from domain.roles.roles import responsibility
from flows import digests, reminders, turns
from flows.engine import Means
from flows.marks import mark_of
from flows.reminders import remind
from models.base import table_of
from models.casework import Link, Task
from models.program import Person, Tenure
from tests.casework import approve, complete, open_onboarding, step
from tests.cast import ARRIVAL, AT, LOADING, TODAY, Arranged, Cast, onboarding
from tests.flows.support import Clock, body, carry_all, letters, means_of, task, told

MONTREAL = ZoneInfo("America/Toronto")
_task = table_of(Task)
_tenure = table_of(Tenure)

TUESDAY = TODAY + timedelta(days=1)
WEDNESDAY = TODAY + timedelta(days=2)
THURSDAY = TODAY + timedelta(days=3)
FRIDAY = TODAY + timedelta(days=4)
NEXT_MONDAY = TODAY + timedelta(days=7)


def at(day: date, hour: int = 8, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), tzinfo=MONTREAL).astimezone(UTC)


def morning(cast: Cast, means: Means, clock: Clock, day: date, hour: int = 8, minute: int = 0) -> int:
    clock.now = at(day, hour, minute)
    return remind(means, cast.program_id, "worker")


def digests_of(cast: Cast, day: date | None = None) -> dict[str, list[str]]:
    """Each one's digests, as text, by their short name; of one day, or of all."""
    names = {person: name for name, person in cast.people.items()}
    found: dict[str, list[str]] = {}
    for letter in letters(cast, "daily_digest"):
        if day is None or letter["key"].startswith(f"digest:{day.isoformat()}:"):
            found.setdefault(names[letter["person_id"]], []).append(body(letter))
    return found


def _prepare_begun(cast: Cast) -> UUID:
    case_id = open_onboarding(cast)
    carry_all(means_of(cast, Clock()))
    return case_id


@pytest.fixture
def begun(cast: Cast, arranged: Arranged[UUID]) -> tuple[Cast, Means, Clock, UUID]:
    """An onboarding opened today, carried by the engine, before the first round."""
    case_id = arranged(cast, _prepare_begun)
    clock = Clock()
    return cast, means_of(cast, clock), clock, case_id


Begun = tuple[Cast, Means, Clock, UUID]


def test_whoever_has_new_work_gets_one_digest_at_eight_and_nobody_else_does(begun: Begun) -> None:
    cast, means, clock, _ = begun
    assert morning(cast, means, clock, TUESDAY, 7, 59) == 0
    assert digests_of(cast) == {}
    morning(cast, means, clock, TUESDAY)
    assert sorted(digests_of(cast)) == ["coordinator", "manager_em", "officer"]
    (text,) = digests_of(cast)["manager_em"]
    assert "Accueillir la personne dans son organisme" in text
    assert "Accueil d’un·e intervenant·e – Émeraude Quartz" in text


def test_the_same_morning_again_changes_nothing(begun: Begun) -> None:
    cast, means, clock, _ = begun
    used = morning(cast, means, clock, TUESDAY)
    assert used == len(told(cast, "task.reminded")) == 2
    assert morning(cast, means, clock, TUESDAY, 8, 5) == 0
    assert morning(cast, means, clock, TUESDAY, 13) == 0
    assert all(len(mine) == 1 for mine in digests_of(cast).values())
    assert len(told(cast, "task.reminded")) == 2


def test_a_morning_without_news_brings_no_digest(begun: Begun) -> None:
    cast, means, clock, _ = begun
    morning(cast, means, clock, TUESDAY)
    morning(cast, means, clock, WEDNESDAY)
    assert digests_of(cast, WEDNESDAY) == {}


@pytest.mark.ci
def test_three_working_days_late_their_manager_hears_and_after_seven_whoever_is_accountable(begun: Begun) -> None:
    """The manager of the coordinator, who owes it, and not that of the worker whose case it is."""
    cast, means, clock, case_id = begun
    assert task(cast, case_id, "request_secure_access")["due_on"] == TODAY
    for day in (TUESDAY, WEDNESDAY):
        morning(cast, means, clock, day)
    morning(cast, means, clock, THURSDAY)
    (text,) = digests_of(cast, THURSDAY)["manager_ccsmtl"]
    assert "Dans votre équipe" in text
    assert "/tasks/" not in text, "they see no case of another organization"
    assert all("Dans votre équipe" not in other for other in digests_of(cast, THURSDAY).get("manager_em", []))
    about = "Accueil d’un·e intervenant·e – Émeraude Quartz"
    assert f"Demander l’accès au réseau sécurisé ({about}), Agate Améthyste" in text
    for day in (FRIDAY, NEXT_MONDAY, NEXT_MONDAY + timedelta(days=1), NEXT_MONDAY + timedelta(days=2)):
        morning(cast, means, clock, day)
    last = [event for event in told(cast, "task.reminded") if event["facts"]["step"] == "request_secure_access"]
    assert [(event["facts"]["rung"], event["facts"]["to"]) for event in last] == [
        (2, ["owner"]),
        (3, ["manager"]),
        (4, ["accountable"]),
    ]
    row = task(cast, case_id, "request_secure_access")
    assert (row["rung"], row["next_check"]) == (4, None)
    (text,) = digests_of(cast, NEXT_MONDAY + timedelta(days=2))["coordinator"]
    assert "La date est passée" in text
    assert "Demander l’accès au réseau sécurisé" in text


def test_what_nobody_has_any_more_comes_late_to_the_manager_of_the_case(begun: Begun) -> None:
    cast, means, clock, _ = begun
    with cast.session() as session:
        tenure = session.scalar(select(_tenure.c.id).where(_tenure.c.person_id == cast.people["coordinator"]))
        assert tenure is not None
        people.end_tenure(session, tenure, ends_on=TODAY, by=cast.actor("coordinator"), at=AT)
        held_by = responsibility(session, [Link("coordinator")])
        session.execute(update(_task).where(_task.c.step == "request_secure_access").values(owed_by_id=held_by))
    for day in (TUESDAY, WEDNESDAY, THURSDAY):
        morning(cast, means, clock, day)
    (text,) = digests_of(cast, THURSDAY)["manager_em"]
    assert "Demander l’accès au réseau sécurisé" in text.partition("Dans votre équipe")[2]


@pytest.mark.ci
def test_a_duty_outside_any_case_reminds_whoever_owes_it_then_the_coordinator_and_no_manager(begun: Begun) -> None:
    cast, means, clock, _ = begun
    with cast.session() as session:
        assigning.assign(
            session,
            "test.late",
            "",
            title_fr="Parler avec la personne",
            title_en="Speak with the person",
            chain=[Link(cast.members["officer"].hats[0][0])],
            due_on=TUESDAY,
            by=cast.actor("coordinator"),
            at=AT,
        )
    mornings(cast, means, clock, TUESDAY, TUESDAY + timedelta(days=9))
    assert [to for _, _, to in used(cast, "test.late")] == [["owner"], ["owner"], ["accountable"]]
    late = {
        name
        for name, texts in digests_of(cast).items()
        if any("Parler avec la personne" in text.partition("Dans votre équipe")[2] for text in texts)
    }
    assert late == {"coordinator"}


@pytest.mark.ci
def test_who_manages_somebody_elsewhere_hears_of_a_step_and_not_of_the_thing_that_it_is_about(begun: Begun) -> None:
    cast, means, clock, case_id = begun
    with cast.session() as session:
        session.execute(
            update(_task)
            .where(_task.c.case_id == case_id, _task.c.step == "request_secure_access")
            .values(item="x", title_fr=_task.c.title_fr + ": suivi de #2026-01")
        )
    mornings(cast, means, clock, TUESDAY, THURSDAY)
    (text,) = digests_of(cast, THURSDAY)["manager_ccsmtl"]
    assert "Demander l’accès au réseau sécurisé (" in text
    assert "#2026-01" not in text


def test_a_reminder_leaves_the_version_so_that_nobodys_page_grows_old(begun: Begun) -> None:
    cast, means, clock, case_id = begun
    before = task(cast, case_id, "request_secure_access")["version"]
    morning(cast, means, clock, TUESDAY)
    assert task(cast, case_id, "request_secure_access")["version"] == before
    assert task(cast, case_id, "request_secure_access")["rung"] == 2


@pytest.mark.ci
def test_no_digest_on_a_day_that_is_not_worked_and_the_next_working_day_brings_everything(begun: Begun) -> None:
    cast, means, clock, case_id = begun
    morning(cast, means, clock, FRIDAY)
    complete(cast, case_id, "introduce_program", at=at(FRIDAY, 17))
    clock.now = at(FRIDAY, 17)
    carry_all(means)
    for day in (FRIDAY + timedelta(days=1), FRIDAY + timedelta(days=2)):
        assert morning(cast, means, clock, day) == 0
        assert digests_of(cast, day) == {}
    morning(cast, means, clock, NEXT_MONDAY)
    (text,) = digests_of(cast, NEXT_MONDAY)["coordinator"]
    assert "Présenter la recherche évaluative" in text, "opened on Friday evening"


def lay_upon(cast: Cast, name: str, count: int) -> None:
    """Have somebody owe so many duties outside any case, all long late."""
    with cast.session() as session:
        owed_by = responsibility(session, [Link(cast.members[name].hats[0][0])])
        row = Task(
            program_id=cast.program_id, step="test.old", title_fr="Une vieille", title_en="An old one",
            state="open", owed_by_id=owed_by, due_on=TODAY - timedelta(days=90), opened_at=AT - timedelta(days=99),
        ).model_dump()  # fmt: skip
        session.execute(insert(_task), [{**row, "id": uuid4(), "item": str(n)} for n in range(count)])


def test_what_is_due_is_in_the_digest_of_whoever_has_hundreds_of_older_ones(begun: Begun) -> None:
    cast, means, clock, _ = begun
    lay_upon(cast, "officer", 201)
    morning(cast, means, clock, TUESDAY)
    (text,) = digests_of(cast)["officer"]
    assert text.count("Une vieille") == 201
    assert "Réunir les cartes du programme" in text


def for_the_manager_alone(cast: Cast, case_id: UUID) -> None:
    """An approval whose chain names nobody behind the manager, as a region may declare it."""
    with cast.session() as session:
        manager = responsibility(session, [Link("manager", str(cast.organizations["en-marge"]))])
        session.execute(
            update(_task)
            .where(_task.c.case_id == case_id, _task.c.step == "request_secure_access")
            .values(approved_by_id=manager)
        )


def test_an_approval_that_one_may_not_give_is_in_nobodys_digest_but_the_coordinators(begun: Begun) -> None:
    cast, means, clock, case_id = begun
    for_the_manager_alone(cast, case_id)
    complete(cast, case_id, "request_secure_access", by=cast.actor("manager_em"), at=at(TUESDAY, 7))
    morning(cast, means, clock, TUESDAY)
    morning(cast, means, clock, WEDNESDAY)
    assert all("réseau sécurisé" not in text for text in digests_of(cast)["manager_em"])
    (text,) = digests_of(cast, WEDNESDAY)["coordinator"]
    assert "Demander l’accès au réseau sécurisé" in text.partition("Dans votre équipe")[2]


def test_a_holiday_is_no_working_day(cast: Cast) -> None:
    means = means_of(cast, Clock(at(date(2027, 6, 24), 9)))
    with means.sessions(cast.program_id) as session:
        assert reminders.remind.due_at(session, means.clock()) is None
        assert reminders.remind.due_at(session, at(date(2027, 6, 23), 9)) == at(date(2027, 6, 23))


def test_eight_stays_eight_when_the_clocks_change(cast: Cast) -> None:
    means = means_of(cast, Clock())
    with means.sessions(cast.program_id) as session:
        friday, monday = date(2027, 3, 12), date(2027, 3, 15)
        assert reminders.remind.due_at(session, at(friday, 9)) == datetime(2027, 3, 12, 13, 0, tzinfo=UTC)
        assert reminders.remind.due_at(session, at(monday, 9)) == datetime(2027, 3, 15, 12, 0, tzinfo=UTC)


def test_a_round_that_comes_late_still_reminds_but_nobody_at_night(begun: Begun) -> None:
    cast, means, clock, _ = begun
    assert morning(cast, means, clock, TUESDAY, 18) == 0
    assert digests_of(cast) == {}
    morning(cast, means, clock, WEDNESDAY, 16, 30)
    assert sorted(digests_of(cast)) == ["coordinator", "manager_em", "officer"]


@pytest.mark.ci
def test_mornings_that_were_lost_are_made_up_for_and_each_rung_is_used_once(begun: Begun) -> None:
    cast, means, clock, case_id = begun
    late = NEXT_MONDAY + timedelta(days=9)
    morning(cast, means, clock, late)
    events = [event for event in told(cast, "task.reminded") if event["facts"]["step"] == "request_secure_access"]
    assert [event["facts"]["to"] for event in events] == [["owner", "manager", "accountable"]]
    assert task(cast, case_id, "request_secure_access")["next_check"] is None
    morning(cast, means, clock, late + timedelta(days=1))
    used = [(event["subject_id"], event["facts"]["rung"]) for event in told(cast, "task.reminded")]
    assert len(used) == len(set(used))
    assert all(len(mine) == 1 for mine in digests_of(cast, late).values())


@pytest.mark.ci
def test_what_was_done_in_time_reminds_nobody(begun: Begun) -> None:
    cast, means, clock, case_id = begun
    morning(cast, means, clock, TUESDAY)
    complete(cast, case_id, "request_secure_access", at=at(TUESDAY, 10))
    approve(cast, case_id, "request_secure_access", by=cast.actor("manager_em"), at=at(TUESDAY, 11))
    complete(cast, case_id, "request_petty_cash", at=at(TUESDAY, 11))
    clock.now = at(TUESDAY, 12)
    carry_all(means)
    morning(cast, means, clock, THURSDAY)
    assert all("réseau sécurisé" not in text for text in digests_of(cast, THURSDAY).get("manager_em", []))
    (text,) = digests_of(cast, THURSDAY)["it_contact"]
    assert "Hello Flint Cobalt" in text
    assert "Create the account and open access to the secure network" in text


def test_a_task_that_nobody_holds_comes_to_the_coordinator(begun: Begun) -> None:
    cast, means, clock, _ = begun
    with cast.session() as session:
        tenure = session.scalar(select(_tenure.c.id).where(_tenure.c.person_id == cast.people["officer"]))
        assert tenure is not None
        people.end_tenure(session, tenure, ends_on=TODAY, by=cast.actor("coordinator"), at=AT)
    morning(cast, means, clock, TUESDAY)
    assert "officer" not in digests_of(cast)
    (text,) = digests_of(cast)["coordinator"]
    assert "Réunir les cartes du programme" in text


def test_what_is_due_before_who_begins_and_nobody_has_comes_to_the_coordinator(cast: Cast) -> None:
    clock = Clock()
    means, place = means_of(cast, clock), str(cast.organizations["en-marge"])
    for number, due in enumerate((WEDNESDAY, ARRIVAL)):  # the worker begins on the second of these days
        with cast.session() as session:
            assigning.assign(
                session,
                "something",
                "",
                title_fr=f"Chose {number}",
                title_en=f"Thing {number}",
                chain=[Link("youth_worker", place)],
                due_on=due,
                by=LOADING,
                at=AT,
            )
    mornings(cast, means, clock, TUESDAY, FRIDAY)
    told = {name for name, texts in digests_of(cast).items() if any("Chose 0" in one for one in texts)}
    assert told == {"coordinator"}
    assert not any("Chose 1" in one for texts in digests_of(cast).values() for one in texts), "asked once they begin"


def test_a_deputy_gets_the_work_of_the_absent_and_is_told_for_whom(begun: Begun) -> None:
    cast, means, clock, _ = begun
    with cast.session() as session:
        absences.record_absence(
            session,
            person_id=cast.people["manager_em"],
            starts_on=TODAY,
            ends_on=FRIDAY,
            deputy_id=cast.people["deputy"],
            by=cast.actor("coordinator"),
            at=AT,
        )
    morning(cast, means, clock, TUESDAY)
    assert "manager_em" not in digests_of(cast)
    (text,) = digests_of(cast)["deputy"]
    assert "En remplacement" in text
    assert "pour Perle Obsidienne" in text


def test_a_digest_says_how_the_whole_day_stands_and_not_only_what_is_new(begun: Begun) -> None:
    cast, means, clock, case_id = begun
    complete(cast, case_id, "request_secure_access")
    clock.now = AT
    carry_all(means)
    morning(cast, means, clock, TUESDAY)
    (text,) = digests_of(cast)["manager_em"]
    assert "À approuver" in text
    assert "À faire" in text


def test_nobody_gets_a_digest_for_what_was_done_before_breakfast(begun: Begun) -> None:
    cast, means, clock, case_id = begun
    complete(cast, case_id, "welcome_in_organization", by=cast.actor("manager_em"), at=at(TUESDAY, 7))
    clock.now = at(TUESDAY, 7, 30)
    carry_all(means)
    morning(cast, means, clock, TUESDAY)
    assert "manager_em" not in digests_of(cast)


@pytest.mark.ci
def test_one_program_reminds_its_own_people_only(begun: Begun) -> None:
    cast, means, clock, _ = begun
    open_onboarding(cast.other)
    clock.now = AT
    carry_all(means)
    morning(cast, means, clock, TUESDAY)
    assert digests_of(cast.other) == {}
    remind(means, cast.other.program_id, "worker")
    assert sorted(digests_of(cast.other)) == ["coordinator", "manager_em"]


def test_two_rounds_at_once_remind_once(begun: Begun) -> None:
    cast, means, clock, _ = begun
    clock.now = at(TUESDAY)
    threads = [threading.Thread(target=remind, args=(means, cast.program_id, name)) for name in ("prefect", "worker")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(len(mine) == 1 for mine in digests_of(cast).values())
    assert len(told(cast, "task.reminded")) == 2


# What was handed in reminds whoever approves it.


def used(cast: Cast, step: str) -> list[tuple[date, str, list[str]]]:
    """The day, state and targets of each reminder of a step, in order."""
    return [
        (event["at"].astimezone(MONTREAL).date(), event["facts"]["state"], event["facts"]["to"])
        for event in told(cast, "task.reminded")
        if event["facts"]["step"] == step
    ]


def mornings(cast: Cast, means: Means, clock: Clock, first: date, last: date) -> None:
    for n in range((last - first).days + 1):
        morning(cast, means, clock, first + timedelta(days=n))


def reject(cast: Cast, case_id: UUID, name: str, *, by: Actor, at: datetime) -> None:
    with cast.session() as session:
        task_id = step(session, case_id, name)["id"]
        tasks.reject_task(session, task_id, by=by, at=at, reason="Précisez les dossiers.")


@pytest.mark.ci
def test_an_approval_that_waits_reminds_the_approver_then_their_manager_then_the_coordinator(begun: Begun) -> None:
    """Handed in the day after it was due: the approver's days count from the working day after they got it."""
    cast, means, clock, case_id = begun
    morning(cast, means, clock, TUESDAY)
    complete(cast, case_id, "request_secure_access", at=at(TUESDAY, 10))
    clock.now = at(TUESDAY, 11)
    carry_all(means)
    mornings(cast, means, clock, WEDNESDAY, TODAY + timedelta(days=25))
    friday = NEXT_MONDAY + timedelta(days=4)
    assert used(cast, "request_secure_access") == [
        (TUESDAY, "open", ["owner"]),
        (WEDNESDAY, "submitted", ["owner"]),
        (NEXT_MONDAY, "submitted", ["manager"]),
        (friday, "submitted", ["accountable"]),
    ]
    about = "Demander l’accès au réseau sécurisé (Accueil d’un·e intervenant·e – Émeraude Quartz)"
    (text,) = digests_of(cast, WEDNESDAY)["manager_em"]
    assert about in text.partition("À approuver")[2]
    # The worker's manager approves; theirs is the director, who sees the case of their own organization.
    (text,) = digests_of(cast, NEXT_MONDAY)["director_em"]
    assert f"{about}, approbation attendue : Perle Obsidienne" in text
    assert "manager_em" not in digests_of(cast, NEXT_MONDAY)
    (text,) = digests_of(cast, friday)["coordinator"]
    assert f"{about}, approbation attendue : Perle Obsidienne" in text


@pytest.mark.ci
def test_whoever_must_do_it_again_has_a_ladder_of_their_own_again(begun: Begun) -> None:
    cast, means, clock, case_id = begun
    mornings(cast, means, clock, TUESDAY, WEDNESDAY)
    complete(cast, case_id, "request_secure_access", at=at(WEDNESDAY, 10))
    mornings(cast, means, clock, THURSDAY, NEXT_MONDAY)
    reject(cast, case_id, "request_secure_access", by=cast.actor("manager_em"), at=at(NEXT_MONDAY, 13))
    mornings(cast, means, clock, NEXT_MONDAY + timedelta(days=1), NEXT_MONDAY + timedelta(days=7))
    complete(cast, case_id, "request_secure_access", at=at(NEXT_MONDAY + timedelta(days=7), 10))
    mornings(cast, means, clock, NEXT_MONDAY + timedelta(days=8), NEXT_MONDAY + timedelta(days=11))
    assert used(cast, "request_secure_access") == [
        (TUESDAY, "open", ["owner"]),
        (THURSDAY, "submitted", ["owner"]),
        # Not the coordinator at once, though the day it was due is long past: it came back only yesterday.
        (NEXT_MONDAY + timedelta(days=1), "open", ["owner"]),
        (NEXT_MONDAY + timedelta(days=4), "open", ["manager"]),
        (NEXT_MONDAY + timedelta(days=8), "submitted", ["owner"]),
        (NEXT_MONDAY + timedelta(days=11), "submitted", ["manager"]),
    ]


@pytest.mark.ci
def test_what_is_handed_in_long_before_its_day_is_reminded_of_around_it(begun: Begun) -> None:
    cast, means, clock, case_id = begun
    with cast.session() as session:
        day = date(2027, 1, 11)
        cases.move_day(session, case_id, anchor="arrival", day=day, by=cast.actor("coordinator"), at=AT)
    complete(cast, case_id, "request_secure_access")
    due = task(cast, case_id, "request_secure_access")["due_on"]
    assert due == date(2026, 12, 17), "a Thursday"
    mornings(cast, means, clock, TUESDAY, due)
    assert used(cast, "request_secure_access") == [
        (due - timedelta(days=2), "submitted", ["owner"]),
        (due, "submitted", ["owner"]),
    ]


@pytest.mark.ci
def test_a_new_version_sends_no_reminder_again_and_counts_no_delay_anew(begun: Begun) -> None:
    cast, means, clock, case_id = begun
    mornings(cast, means, clock, TUESDAY, THURSDAY)
    before = task(cast, case_id, "request_secure_access")
    text = onboarding().text.replace("\nversion: 2\n", "\nversion: 3\n")
    second = load_declared_text(text, "protocol.yaml", Protocol)
    with cast.session() as session:
        kept = versions.record_protocol(session, second, by=LOADING, at=AT)
        versions.take_version(session, case_id, kept.id, by=cast.actor("coordinator"), at=at(THURSDAY, 10))
    after = task(cast, case_id, "request_secure_access")
    for column in ("opened_at", "rung", "next_check", "due_on"):
        assert after[column] == before[column], column
    mornings(cast, means, clock, FRIDAY, NEXT_MONDAY + timedelta(days=3))
    assert used(cast, "request_secure_access") == [
        (TUESDAY, "open", ["owner"]),
        (THURSDAY, "open", ["manager"]),
        (NEXT_MONDAY + timedelta(days=2), "open", ["accountable"]),
    ]


@pytest.mark.ci
def test_what_was_approved_reminds_nobody_of_it_any_more(begun: Begun) -> None:
    cast, means, clock, case_id = begun
    complete(cast, case_id, "request_secure_access", at=at(TUESDAY, 10))
    approve(cast, case_id, "request_secure_access", by=cast.actor("manager_em"), at=at(TUESDAY, 11))
    mornings(cast, means, clock, WEDNESDAY, NEXT_MONDAY + timedelta(days=7))
    assert used(cast, "request_secure_access") == []


@pytest.mark.ci
def test_who_manages_an_approver_elsewhere_hears_of_it_without_a_way_into_the_case(begun: Begun) -> None:
    """The petty cash is another organization's: its director is told what waits for whom, and no more."""
    cast, means, clock, case_id = begun
    complete(cast, case_id, "request_petty_cash", at=at(TUESDAY, 10))
    mornings(cast, means, clock, WEDNESDAY, NEXT_MONDAY)
    assert "manager_la" in digests_of(cast, WEDNESDAY)
    (text,) = digests_of(cast, NEXT_MONDAY)["director_la"]
    assert "Demander une petite caisse" in text
    assert "approbation attendue : Zinc Porphyre" in text
    assert "/tasks/" not in text


def test_a_deputy_of_the_approver_is_reminded_for_them(begun: Begun) -> None:
    cast, means, clock, case_id = begun
    complete(cast, case_id, "request_secure_access", at=at(TUESDAY, 10))
    with cast.session() as session:
        absences.record_absence(
            session,
            person_id=cast.people["manager_em"],
            starts_on=WEDNESDAY,
            ends_on=FRIDAY,
            deputy_id=cast.people["deputy"],
            by=cast.actor("coordinator"),
            at=AT,
        )
    morning(cast, means, clock, WEDNESDAY)
    (text,) = digests_of(cast, WEDNESDAY)["deputy"]
    assert "Demander l’accès au réseau sécurisé" in text
    assert "manager_em" not in digests_of(cast, WEDNESDAY)


def test_where_the_only_approver_is_barred_the_coordinator_hears_of_it(begun: Begun) -> None:
    cast, means, clock, case_id = begun
    for_the_manager_alone(cast, case_id)
    complete(cast, case_id, "request_secure_access", by=cast.actor("manager_em"), at=at(TUESDAY, 10))
    morning(cast, means, clock, WEDNESDAY)
    (text,) = digests_of(cast, WEDNESDAY)["coordinator"]
    assert "approbation attendue : un rôle vacant" in text


@pytest.mark.ci
def test_whoever_an_approval_goes_on_to_is_asked_in_the_morning(begun: Begun) -> None:
    cast, means, clock, case_id = begun
    complete(cast, case_id, "request_secure_access", by=cast.actor("manager_em"), at=at(TUESDAY, 10))
    morning(cast, means, clock, WEDNESDAY)
    (text,) = digests_of(cast, WEDNESDAY)["coordinator"]
    assert "Demander l’accès au réseau sécurisé" in text
    assert "approbation attendue : un rôle vacant" not in text


@pytest.mark.ci
def test_what_opens_after_its_day_reminds_from_then_on_and_not_everyone_at_once(begun: Begun) -> None:
    cast, means, clock, case_id = begun
    late = NEXT_MONDAY + timedelta(days=10)
    complete(cast, case_id, "request_secure_access", at=at(late, 10))
    approve(cast, case_id, "request_secure_access", by=cast.actor("manager_em"), at=at(late, 11))
    assert task(cast, case_id, "open_secure_account")["due_on"] < late
    mornings(cast, means, clock, late + timedelta(days=1), late + timedelta(days=8))
    assert used(cast, "open_secure_account") == [
        (late + timedelta(days=1), "open", ["owner"]),
        (late + timedelta(days=6), "open", ["manager"]),
    ]


@pytest.mark.ci
def test_what_was_handed_back_reminds_the_next_of_its_chain(begun: Begun) -> None:
    cast, means, clock, case_id = begun
    late = NEXT_MONDAY + timedelta(days=14)
    mornings(cast, means, clock, TUESDAY, late)
    assert task(cast, case_id, "prepare_notebook_and_guide")["next_check"] is None, "its ladder was used up"
    with cast.session() as session:
        mine = step(session, case_id, "prepare_notebook_and_guide")["id"]
        tasks.hand_back_task(session, mine, by=cast.actor("officer"), at=at(late, 10), reason="Je pars.")
    before = len(used(cast, "prepare_notebook_and_guide"))
    mornings(cast, means, clock, late + timedelta(days=1), late + timedelta(days=4))
    assert [to for _, _, to in used(cast, "prepare_notebook_and_guide")[before:]] == [["owner"], ["manager"]]


class Killed(BaseException):
    """The process is gone."""


def killing(monkeypatch: pytest.MonkeyPatch, where: object, name: str, nth: int) -> Callable[[], bool]:
    """Have a function's `nth` call kill the process when it has done its work; says whether it came so far."""
    real = getattr(where, name)
    calls = []

    def deadly(*args: Any, **kwargs: Any) -> Any:
        result = real(*args, **kwargs)
        calls.append(1)
        if len(calls) == nth:
            raise Killed
        return result

    monkeypatch.setattr(where, name, deadly)
    return lambda: len(calls) >= nth


@pytest.mark.ci
@pytest.mark.wide(6)
@pytest.mark.parametrize("next_day", [False, True], ids=["the same day", "the next day"])
@pytest.mark.parametrize(
    ("where", "name", "nth"),
    [
        (reminders, "set_mark", 1),
        (reminders, "_due", 1),
        (reminders, "_use", 1),
        (reminders, "_due", 3),
        (reminders, "_use", 3),
        (digests, "_by_person", 1),
        (digests, "write_digest", 1),
        (digests, "write_digest", 2),
        (turns, "set_mark", 1),
    ],
    ids=lambda value: str(getattr(value, "__name__", value)),
)
def test_a_round_that_is_broken_off_anywhere_tells_everything_once_when_it_runs_again(
    begun: Begun, monkeypatch: pytest.MonkeyPatch, where: object, name: str, nth: int, next_day: bool
) -> None:
    cast, means, clock, _ = begun
    monkeypatch.setattr(reminders, "CHUNK", 1)
    for day in (TUESDAY, WEDNESDAY):
        morning(cast, means, clock, day)
    was_told = len(told(cast, "task.reminded"))
    reached = killing(monkeypatch, where, name, nth)
    with pytest.raises(Killed):
        morning(cast, means, clock, THURSDAY)
    assert reached()
    monkeypatch.undo()
    morning(cast, means, clock, FRIDAY if next_day else THURSDAY, 9)
    again = [event["facts"] for event in told(cast, "task.reminded")][was_told:]
    assert len({(fact["step"], tuple(fact["to"])) for fact in again}) >= 2
    # Whoever had their digest before the end has no second one; whoever had none has it now.
    thursday, friday = digests_of(cast, THURSDAY), digests_of(cast, FRIDAY)
    assert {"manager_ccsmtl", "officer"} <= set(thursday) | set(friday)
    for person in ("manager_ccsmtl", "officer"):
        assert len(thursday.get(person, [])) + len(friday.get(person, [])) == 1, person
    used = [(event["subject_id"], event["facts"]["rung"]) for event in told(cast, "task.reminded")]
    assert len(used) == len(set(used)), "a rung was used twice"
    with means.sessions(cast.program_id) as session:
        assert mark_of(session, reminders.KEY) == clock.now


@pytest.mark.ci
def test_a_round_over_many_tasks_takes_them_a_few_at_a_time(begun: Begun, monkeypatch: pytest.MonkeyPatch) -> None:
    cast, means, clock, _ = begun
    monkeypatch.setattr(reminders, "CHUNK", 2)
    sizes = []
    real = reminders._use

    def counted(session: Any, rows: Any, at: datetime) -> Any:
        sizes.append(len(rows))
        return real(session, rows, at)

    monkeypatch.setattr(reminders, "_use", counted)
    used = morning(cast, means, clock, NEXT_MONDAY)
    assert max(sizes) == 2
    assert sum(sizes) == used > 4
    with cast.session() as session:
        left = session.scalars(select(_task.c.id).where(_task.c.next_check <= NEXT_MONDAY, _task.c.state == "open"))
        assert left.all() == []


def test_a_task_that_somebody_is_changing_is_passed_over_and_met_again(
    begun: Begun, monkeypatch: pytest.MonkeyPatch
) -> None:
    cast, means, clock, case_id = begun
    held = means.sessions(cast.program_id)
    held.execute(select(_task.c.id).where(_task.c.case_id == case_id).with_for_update())
    passes = []
    real = reminders._due

    def watched(session: Any, at: datetime, after: UUID) -> Any:
        passes.append(after)
        if len(passes) == 2:
            held.rollback()
        return real(session, at, after)

    monkeypatch.setattr(reminders, "_due", watched)
    assert morning(cast, means, clock, TUESDAY) == 2
    held.close()


def test_a_reminder_of_doing_does_not_become_one_of_approving(begun: Begun, monkeypatch: pytest.MonkeyPatch) -> None:
    """The round is broken off once the rung was used, and the step is handed in before it runs again."""
    cast, means, clock, case_id = begun
    reached = killing(monkeypatch, digests, "_by_person", 1)
    with pytest.raises(Killed):
        morning(cast, means, clock, THURSDAY)
    assert reached()
    monkeypatch.undo()
    reminded = [(THURSDAY, "open", ["owner", "manager"])]
    assert used(cast, "request_secure_access") == reminded
    complete(cast, case_id, "request_secure_access", at=at(THURSDAY, 10))
    morning(cast, means, clock, THURSDAY, 11)
    assert used(cast, "request_secure_access") == reminded
    # They have it on their list, and nobody above them hears of what was not theirs an hour ago.
    assert "director_em" not in digests_of(cast, THURSDAY)
    (text,) = digests_of(cast, THURSDAY)["manager_em"]
    assert "réseau sécurisé" in text.partition("Dans votre équipe")[0]
    assert "réseau sécurisé" not in text.partition("Dans votre équipe")[2]


# Whoever has no address is spoken of once.


def of_no_address(cast: Cast) -> list[date]:
    """The days on which the coordinator was written to about someone without an address."""
    return [letter["created_at"].astimezone(MONTREAL).date() for letter in letters(cast, "no_address")]


def give_address(cast: Cast, name: str, email: str | None, at: datetime) -> None:
    with cast.session() as session:
        person = session.get_one(Person, (cast.program_id, cast.people[name]))
        people.update_person(
            session,
            person.id,
            given_name=person.given_name,
            family_name=person.family_name,
            email=email,
            phone=person.phone,
            language=person.language,
            by=cast.actor("coordinator"),
            at=at,
        )


@pytest.mark.ci
def test_the_coordinator_hears_once_of_someone_without_an_address_until_something_changes(cast: Cast) -> None:
    """Their digest is due on several mornings; the coordinator's is one letter, and one more after thirty days."""
    clock = Clock()
    means = means_of(cast, clock)
    case_id = open_onboarding(cast, "without_mail", "anonyme")
    complete(cast, case_id, "introduce_program")
    carry_all(means)
    assert of_no_address(cast) == [TODAY], "the case was opened"
    mornings(cast, means, clock, TUESDAY, THURSDAY)
    complete(cast, case_id, "prepare_notebook_and_guide", at=at(THURSDAY, 10))
    complete(cast, case_id, "hand_over_notebook_and_guide", at=at(THURSDAY, 11))
    carry_all(means)
    mornings(cast, means, clock, FRIDAY, TODAY + timedelta(days=29))
    missed = [event["facts"]["template"] for event in told(cast, "notice.no_address")]
    assert missed.count("daily_digest") > 1
    assert of_no_address(cast) == [TODAY]
    much_later = TODAY + timedelta(days=31)
    complete(cast, case_id, "request_secure_access", at=at(much_later, 9))
    reject(cast, case_id, "request_secure_access", by=cast.actor("manager_la"), at=at(much_later, 10))
    with cast.session() as session:
        tasks.undo_task(
            session,
            step(session, case_id, "hand_over_notebook_and_guide")["id"],
            by=cast.actor("coordinator"),
            at=at(much_later, 11),
        )
    complete(cast, case_id, "hand_over_notebook_and_guide", at=at(much_later, 12))
    clock.now = at(much_later, 12)
    carry_all(means)
    mornings(cast, means, clock, much_later + timedelta(days=1), much_later + timedelta(days=20))
    (first, second) = of_no_address(cast)
    assert (first, second >= TODAY + timedelta(days=30)) == (TODAY, True)


@pytest.mark.ci
def test_an_address_that_is_given_and_taken_away_again_is_news(cast: Cast) -> None:
    clock = Clock()
    means = means_of(cast, clock)
    case_id = open_onboarding(cast, "without_mail", "anonyme")
    complete(cast, case_id, "introduce_program")
    carry_all(means)
    give_address(cast, "without_mail", "gypse@anonyme.example", at(TUESDAY, 7))
    morning(cast, means, clock, TUESDAY)
    assert "without_mail" in digests_of(cast, TUESDAY)
    assert of_no_address(cast) == [TODAY]
    give_address(cast, "without_mail", None, at(TUESDAY, 12))
    complete(cast, case_id, "prepare_notebook_and_guide", at=at(TUESDAY, 13))
    complete(cast, case_id, "hand_over_notebook_and_guide", at=at(TUESDAY, 14))
    clock.now = at(TUESDAY, 15)
    carry_all(means)
    mornings(cast, means, clock, WEDNESDAY, FRIDAY)
    assert of_no_address(cast) == [TODAY, WEDNESDAY]
    # A change of anything else is none.
    give_address(cast, "without_mail", None, at(FRIDAY, 12))
    mornings(cast, means, clock, NEXT_MONDAY, NEXT_MONDAY + timedelta(days=4))
    assert of_no_address(cast) == [TODAY, WEDNESDAY]
