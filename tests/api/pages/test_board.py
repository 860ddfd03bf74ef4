"""The coordinator's board: what nobody holds, what is late, what the engine does, which letters reached nobody."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final

import pytest
from markupsafe import escape
from sqlalchemy import insert, select, update

from api.pages.board import FIRST_FALLING
from api.views.engine import ROUND_WORDS
from domain.access import invitations
from domain.casework.wakeups import wake
from domain.departure import ways_in
from domain.people.absences import record_absence
from domain.people.people import end_tenure
from flows import reminders, rounds
from flows.marks import clear_trouble, set_mark, set_trouble
from flows.timetable import OF_THE_MAILBOX
from flows.troubles import DOORS, LOOPS
from locales import LANGUAGES, say
from models.base import table_of
from models.casework import Task
from models.engine import Beat, RoundMark, WakeUp
from models.outbox import Notice
from models.program import Tenure
from tests.agreeing import in_force
from tests.api.application import client_for
from tests.api.pages.looking import task_of
from tests.casework import approve, complete, open_onboarding, steps
from tests.cast import AT, TODAY, Cast, onboarding
from tests.tending import give_sign

_tenure = table_of(Tenure)
_task = table_of(Task)
_beat = table_of(Beat)
_wake_up = table_of(WakeUp)
_notice = table_of(Notice)
_mark = table_of(RoundMark)

#: Well after the arrival, so that nearly everything of an untouched onboarding is late.
MUCH_LATER = AT + timedelta(days=90)

_OF_THE_OFFICER: Final = [step.id for step in onboarding().value.steps if step.by == "administrative_officer"]


def board_of(cast: Cast, name: str = "coordinator", *, at: datetime = AT) -> str:
    answer = client_for(cast.database, cast.people[name], at=at).get("/board")
    assert answer.status_code == 200
    return answer.text


def part(page: str, name: str) -> str:
    return page[page.index(f'id="{name}"') :].partition("</section>")[0]


def leave(cast: Cast, name: str) -> None:
    with cast.session() as session:
        held = session.scalars(select(_tenure.c.id).where(_tenure.c.person_id == cast.people[name])).one()
        end_tenure(session, held, ends_on=TODAY - timedelta(days=1), by=cast.actor("coordinator"), at=AT)


@pytest.mark.parametrize("name", ["coordinator", "officer"])
def test_the_coordination_sees_its_board(cast: Cast, name: str) -> None:
    assert "Coordination board" in board_of(cast, name)


@pytest.mark.ci
def test_who_holds_a_role_and_cannot_sign_in_is_seen_until_they_are_invited(cast: Cast) -> None:
    by, manager = cast.actor("coordinator"), cast.people["manager_em"]
    with cast.session() as session:
        invitations.invite(session, manager, by=by, at=AT)
    assert str(manager) not in part(board_of(cast), "locked-out")
    with cast.session() as session:
        ways_in.shut_out(session, manager, by=by, at=AT)
    assert str(manager) in part(board_of(cast), "locked-out")
    with cast.session() as session:
        token = invitations.invite(session, manager, by=by, at=AT)
    assert str(manager) not in part(board_of(cast), "locked-out")
    with cast.session() as session:
        invitations.accept(session, token, at=AT)
    late = part(board_of(cast, at=AT + timedelta(days=30)), "locked-out")
    assert str(manager) not in late
    assert str(cast.people["without_mail"]) in late


@pytest.mark.ci
def test_where_anyone_may_be_anyone_nobody_is_shut_out(cast: Cast) -> None:
    client = client_for(cast.database, cast.people["coordinator"], demonstration=True)
    assert "locked-out" not in client.get("/board").text


@pytest.mark.parametrize("name", ["manager_em", "director_ccsmtl", "worker_codim", "it_contact"])
def test_to_anyone_else_there_is_no_board(cast: Cast, name: str) -> None:
    client = client_for(cast.database, cast.people[name])
    assert client.get("/board").status_code == 404
    assert "/board" not in client.get("/people").text


def test_who_acts_for_the_coordinator_sees_the_board_while_they_act(cast: Cast) -> None:
    assert client_for(cast.database, cast.people["manager_em"]).get("/board").status_code == 404
    with cast.session() as session:
        record_absence(
            session,
            person_id=cast.people["coordinator"],
            starts_on=TODAY,
            ends_on=TODAY,
            deputy_id=cast.people["manager_em"],
            by=cast.actor("coordinator"),
            at=AT,
        )
    assert "acting for Agate Améthyste" in board_of(cast, "manager_em")
    tomorrow = client_for(cast.database, cast.people["manager_em"], at=AT + timedelta(days=1))
    assert tomorrow.get("/board").status_code == 404


@pytest.mark.ci
def test_a_role_is_vacant_on_the_board_in_the_transaction_that_ended_it(cast: Cast) -> None:
    open_onboarding(cast)
    before = part(board_of(cast), "vacant")
    assert "IT contact" not in before
    leave(cast, "it_contact")
    row = part(board_of(cast), "vacant").partition("IT contact")[2].partition("</tr>")[0]
    assert "CCSMTL" in row
    with cast.session() as session:
        assert session.scalars(select(_task.c.id).where(_task.c.state == "open")).all()


def falls_to_officer(cast: Cast) -> str:
    return part(board_of(cast), "vacant").partition("Administrative officer")[2].partition("</tr>")[0]


def test_the_tasks_that_fall_to_a_vacant_role_stand_under_it_with_their_number(cast: Cast) -> None:
    leave(cast, "officer")
    assert "–" in falls_to_officer(cast)
    case_id = open_onboarding(cast)
    with cast.session() as session:
        mine = [
            row for row in steps(session, case_id).values() if row["state"] == "open" and row["step"] in _OF_THE_OFFICER
        ]
    assert 3 <= len(mine) <= FIRST_FALLING
    shown = falls_to_officer(cast)
    assert f"<p>{len(mine)}</p>" in shown
    assert sorted(re.findall(r'href="/tasks/([^"]+)">([^<]+)</a> – <bdi>Émeraude Quartz<', shown)) == sorted(
        (str(row["id"]), str(escape(row["title_en"]))) for row in mine
    )
    assert "other" not in shown


@pytest.mark.ci
def test_of_many_tasks_that_fall_to_a_vacant_role_ten_are_named_first_and_the_others_are_opened_there(
    cast: Cast,
) -> None:
    leave(cast, "officer")
    for name, place in (("worker_em", "en-marge"), ("worker_codim", "codim"), ("worker_ccsmtl", "ccsmtl")):
        open_onboarding(cast, name, place)
    with cast.session() as session:
        mine = session.execute(
            select(_task.c.id, _task.c.due_on)
            .where(_task.c.state == "open", _task.c.step.in_(_OF_THE_OFFICER))
            .order_by(_task.c.due_on.asc().nulls_last(), _task.c.id)
        ).all()
    assert len(mine) > FIRST_FALLING
    shown = falls_to_officer(cast)
    assert f"<p>{len(mine)}</p>" in shown
    named = re.findall(r'href="/tasks/([^"]+)"', shown)
    assert named == [str(row.id) for row in mine], "every one, the most pressing first"
    at_once, _, opened = shown.partition("<details")
    left = len(mine) - FIRST_FALLING
    assert at_once.count('href="/tasks/') == FIRST_FALLING
    assert f"and {left} other{'s' if left > 1 else ''}" in opened.partition("</summary>")[0]


@pytest.mark.ci
def test_what_falls_to_a_role_of_a_partner_that_left_stands_under_it_until_it_is_done(cast: Cast) -> None:
    """Whoever kept the petty cash is gone with their organization, whose agreement was the one to create the role."""
    case_id = open_onboarding(cast)
    complete(cast, case_id, "request_petty_cash")
    approve(cast, case_id, "request_petty_cash", by=cast.actor("manager_la"))
    task_id = task_of(cast, case_id, "give_petty_cash")["id"]
    with cast.session() as session:
        in_force(session, cast, "anonyme", until=TODAY - timedelta(days=1))
    assert "Petty-cash holder" not in part(board_of(cast), "vacant"), "whoever holds it still has it"
    leave(cast, "petty_cash_holder")
    (row,) = [one for one in part(board_of(cast), "vacant").split("</tr>") if f'href="/tasks/{task_id}"' in one]
    assert "Petty-cash holder" in row
    assert "<p>1</p>" in row
    complete(cast, case_id, "give_petty_cash")
    assert "Petty-cash holder" not in part(board_of(cast), "vacant")


@pytest.mark.ci
def test_what_waits_for_the_approval_of_a_vacant_role_stands_under_it(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    complete(cast, case_id, "request_secure_access")
    task_id = task_of(cast, case_id, "request_secure_access")["id"]
    assert str(task_id) not in part(board_of(cast), "vacant")
    leave(cast, "manager_em")
    assert f'href="/tasks/{task_id}"' in part(board_of(cast), "vacant")


@pytest.mark.ci
def test_what_waits_on_a_role_of_wherever_another_is_held_stands_under_it_and_is_counted(cast: Cast) -> None:
    """The petty cash is approved by the manager of whoever holds it: of one organization, and of no other."""
    case_id = open_onboarding(cast)
    complete(cast, case_id, "request_petty_cash")
    task_id = task_of(cast, case_id, "request_petty_cash")["id"]
    leave(cast, "manager_codim")
    assert str(task_id) not in part(board_of(cast), "vacant"), "the manager who approves it is another one"
    leave(cast, "manager_la")
    vacant = part(board_of(cast), "vacant")
    (row,) = [one for one in vacant.split("</tr>") if f'href="/tasks/{task_id}"' in one]
    assert "Manager" in row
    assert "<p>1</p>" in row
    # Where nobody keeps the petty cash any more it is that role which is missing, and whose manager nobody can tell.
    leave(cast, "petty_cash_holder")
    (row,) = [one for one in part(board_of(cast), "vacant").split("</tr>") if f'href="/tasks/{task_id}"' in one]
    assert "Petty-cash holder" in row


def test_seats_without_anyone_are_to_fill(cast: Cast) -> None:
    seats = part(board_of(cast), "seats")
    assert "Steering Committee" in seats
    assert "Clinical Committee" in seats


@pytest.mark.ci
def test_what_is_late_is_shown_with_its_case_and_whom_it_waits_for(cast: Cast) -> None:
    open_onboarding(cast)
    assert "Nothing is late" in part(board_of(cast), "late")
    late = part(board_of(cast, at=MUCH_LATER), "late")
    assert "Émeraude Quartz" in late
    assert "Béryl Calcaire" in late
    assert "days late" in late
    leave(cast, "officer")
    vacant = part(board_of(cast, at=MUCH_LATER), "late")
    assert "Vacant: Administrative officer" in vacant
    assert "Béryl Calcaire" not in vacant


def test_the_other_program_is_not_on_the_board(cast: Cast) -> None:
    open_onboarding(cast.other)
    page = board_of(cast, at=MUCH_LATER)
    assert "Nothing is late" in part(page, "late")
    assert "Malachite" not in page


def test_an_engine_that_never_was_seen_is_said_to_be_silent(cast: Cast) -> None:
    assert "The engine does not answer" in part(board_of(cast), "engine")


def test_an_engine_that_beats_and_has_nothing_to_do_is_well(cast: Cast) -> None:
    with cast.session() as session:
        session.execute(insert(_beat).values(process="worker", at=AT - timedelta(seconds=4), prefect_up=True))
    engine = part(board_of(cast), "engine")
    assert "does not answer" not in engine
    assert "running" in engine
    assert "nothing" in engine
    later = part(board_of(cast, at=AT + timedelta(minutes=2)), "engine")
    assert "does not answer" in later


def test_an_engine_that_leaves_a_change_lying_is_behind(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    with cast.session() as session:
        session.execute(insert(_beat).values(process="worker", at=AT + timedelta(minutes=5), prefect_up=False))
        session.execute(update(_wake_up).values(want=1, have=0, wanted_at=AT))
        wake(session, case_id, at=AT + timedelta(minutes=4))
    engine = part(board_of(cast, at=AT + timedelta(minutes=5)), "engine")
    assert "The engine is behind" in engine
    assert "1 case, 5 minutes ago" in engine
    assert "the engine works without it" in engine


def test_prefect_that_is_away_for_long_is_told_and_a_restart_of_it_is_not(cast: Cast) -> None:
    give_sign(cast, up=False, since=AT - timedelta(minutes=2))
    assert "away for long" not in part(board_of(cast), "engine")
    with cast.session() as session:
        session.execute(update(_beat).values(prefect_since=AT - timedelta(minutes=20)))
    assert "Prefect has been away for long" in part(board_of(cast), "engine")
    with cast.session() as session:
        session.execute(update(_beat).values(at=AT - timedelta(minutes=5)))
    silent = part(board_of(cast), "engine")
    assert "The engine does not answer" in silent
    assert "away for long" not in silent  # who saw it is silent too


def test_a_round_that_did_not_come_is_told_by_what_it_does_and_when_it_was_due(cast: Cast) -> None:
    with cast.session() as session:
        for key in rounds.ROUNDS:
            set_mark(session, key, AT, "prefect")
    assert "What comes by itself is late" not in part(board_of(cast), "engine")
    with cast.session() as session:
        set_mark(session, "gatherings", AT - timedelta(hours=5), "prefect")
    engine = part(board_of(cast), "engine")
    assert "What comes by itself is late" in engine
    assert "was due 5 hours ago" in " ".join(engine.split())


def test_the_rounds_say_when_they_ran_and_who_ran_them(cast: Cast) -> None:
    with cast.session() as session:
        session.execute(
            insert(_mark).values(
                program_id=cast.program_id,
                key="remind",
                done_up_to=AT,
                ran_at=AT - timedelta(hours=1),
                ran_by="worker",
                found=0,
            )
        )
    engine = part(board_of(cast), "engine")
    assert "Reminders, one digest a day" in engine
    assert "1 hour ago" in engine
    assert "by the engine itself" in engine


def test_a_round_that_fails_is_told_in_words_with_its_code_on_the_board_and_at_the_coordinators_work(
    cast: Cast,
) -> None:
    with cast.session() as session:
        session.execute(insert(_beat).values(process="worker", at=AT, prefect_up=True))
        set_trouble(session, "remind", "error.ConnectionError", AT - timedelta(hours=3))
    engine = part(board_of(cast), "engine")
    assert "What is done at fixed times fails" in engine
    assert "first failed 3 hours ago" in engine
    assert "error.ConnectionError" in engine
    work = client_for(cast.database, cast.people["coordinator"]).get("/", headers={"Accept-Language": "en"}).text
    assert "Something that is done at fixed times fails. It is tried again." in work
    with cast.session() as session:
        set_mark(session, "remind", AT, "worker")
    assert "What is done at fixed times fails" not in part(board_of(cast), "engine")


def test_what_is_done_all_the_time_and_fails_is_told_on_the_board_in_words_until_it_goes_well(cast: Cast) -> None:
    with cast.session() as session:
        set_trouble(session, DOORS, "error.ValueError", AT - timedelta(minutes=3))
    engine = part(board_of(cast), "engine")
    assert "What is done at fixed times fails" in engine
    assert ROUND_WORDS[DOORS] in engine
    assert "error.ValueError" in engine
    with cast.session() as session:
        clear_trouble(session, DOORS)
    assert ROUND_WORDS[DOORS] not in part(board_of(cast), "engine")


def test_a_trouble_of_what_is_done_here_no_more_is_told_no_more_and_never_late(cast: Cast) -> None:
    """The mailbox was taken out of the settings, and a later version has a round no more."""
    with cast.session() as session:
        for key in (OF_THE_MAILBOX, "of_old"):
            set_mark(session, key, AT - timedelta(days=3), "worker")
            set_trouble(session, key, "error.ConnectionError", AT - timedelta(days=2))
    engine = part(board_of(cast), "engine")
    assert "fails" not in engine
    assert "is late" not in engine
    assert ROUND_WORDS[OF_THE_MAILBOX] not in engine


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_round_is_called_by_what_it_does_in_the_language_of_the_reader(cast: Cast, language: str) -> None:
    keys = [*rounds.ROUNDS, *LOOPS, reminders.BEGUN]
    with cast.session() as session:
        for key in keys:
            set_mark(session, key, AT, "worker")
    assert OF_THE_MAILBOX in ROUND_WORDS
    keys.remove(OF_THE_MAILBOX)  # told only where a mailbox is read
    client = client_for(cast.database, cast.people["coordinator"])
    engine = part(client.get("/board", headers={"Accept-Language": language}).text, "engine")
    assert [key for key in keys if f">{key}<" in engine.replace(" ", "")] == []
    assert [key for key in keys if str(escape(say(language, ROUND_WORDS[key]))) not in engine] == []


def test_an_automatic_step_that_stopped_is_named(cast: Cast) -> None:
    open_onboarding(cast)
    with cast.session() as session:
        session.execute(update(_task).where(_task.c.step == "enrol_on_clinical_committee").values(act_state="stuck"))
    engine = part(board_of(cast), "engine")
    assert "Stuck" in engine
    assert "Émeraude Quartz" in engine


@pytest.mark.ci
def test_a_letter_that_was_given_up_is_on_the_board_and_in_the_menu(cast: Cast) -> None:
    open_onboarding(cast)
    assert "Every letter was delivered" in part(board_of(cast), "failed")
    with cast.session() as session:
        session.execute(update(_notice).values(state="failed", next_attempt_at=None, attempts=7, code="550"))
        count = len(session.scalars(select(_notice.c.id)).all())
    page = board_of(cast)
    assert part(page, "failed").count("Not delivered") == min(count, 20)
    assert f'<span class="count urgent">{count}</span>' in page
