"""Whoever is appointed from a later day is named with that day, everywhere; and whom an approval waits for is said."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from domain.casework.tasks import hand_back_task
from domain.casework.versions import record_protocol, take_version
from domain.people.people import end_tenure
from domain.roles import Link, responsibility
from locales import show_day
from models.base import table_of
from models.casework import Task
from models.committee import SeatHolder
from models.outbox import Notice
from models.program import Tenure
from tests.agreeing import in_force
from tests.api.application import client_for
from tests.api.pages.looking import row_of, signed_in, task_of, text_of
from tests.casework import approve, complete, open_onboarding
from tests.cast import ARRIVAL, AT, LOADING, TODAY, Cast
from tests.domain.test_cases import newer
from tests.meetings.sitting import give

_tenure = table_of(Tenure)
_task = table_of(Task)
_holder = table_of(SeatHolder)
_notice = table_of(Notice)

FROM = {"en": f"from {show_day('en', ARRIVAL, 'medium')}", "fr": f"à compter du {show_day('fr', ARRIVAL, 'medium')}"}


def read(cast: Cast, path: str, name: str = "coordinator", *, language: str = "en") -> str:
    answer = client_for(cast.database, cast.people[name]).get(path, headers={"Accept-Language": language})
    assert answer.status_code == 200
    return answer.text


def leave(cast: Cast, name: str) -> None:
    with cast.session() as session:
        held = session.scalars(select(_tenure.c.id).where(_tenure.c.person_id == cast.people[name])).one()
        end_tenure(session, held, ends_on=TODAY - timedelta(days=1), by=cast.actor("coordinator"), at=AT)


@pytest.mark.ci
@pytest.mark.parametrize("language", ["en", "fr"])
def test_who_begins_on_a_later_day_is_named_with_it_and_is_nowhere_vacant_nor_without_a_role(
    cast: Cast, language: str
) -> None:
    with cast.session() as session:
        in_force(session, cast, "en-marge")
    person, place = cast.people["worker_em"], cast.organizations["en-marge"]
    everyone = read(cast, "/people", language=language)
    there = everyone[everyone.index(f'id="o-{place}"') :].partition("</section>")[0]
    assert "Émeraude Quartz" in there
    assert FROM[language] in text_of(there)
    assert "Émeraude Quartz" not in everyone.partition('id="without"')[2]
    for path in (f"/people/{person}", f"/people/{person}/access", "/access", f"/partners/{place}"):
        page = text_of(read(cast, path, language=language))
        assert FROM[language] in page, path
    board = read(cast, "/board", language=language)
    vacant = board[board.index('id="vacant"') :].partition("</section>")[0]
    assert (
        str(place)
        not in vacant.partition("Youth worker" if language == "en" else "Intervenant")[2].partition("</tr>")[0]
    )
    themselves = text_of(read(cast, f"/people/{person}", language=language))
    assert ("No role today" if language == "en" else "Aucun rôle aujourd’hui") not in themselves


@pytest.mark.ci
def test_their_steps_wait_for_them_by_name_and_are_nobodys_to_do_meanwhile(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    complete(cast, case_id, "prepare_notebook_and_guide")
    complete(cast, case_id, "hand_over_notebook_and_guide")
    task = task_of(cast, case_id, "confirm_notebook_and_guide")
    assert (task["state"], task["due_on"] >= ARRIVAL) == ("open", True)
    row = text_of(row_of(read(cast, f"/cases/{case_id}"), task["id"]))
    assert FROM["en"] in row
    assert "Émeraude Quartz" in row
    assert "Vacant" not in row
    assert "Perle Obsidienne" not in row
    assert "Confirm that you received" in row, "in their own words, since it is theirs"
    assert task["title_en"] not in read(cast, "/", "manager_em")
    told = signed_in(cast, "coordinator").get(f"/api/v1/tasks/{task['id']}").json()
    assert (told["waits_on"], told["vacant"]) == ([], False)
    assert [(one["name"], one["starts_on"]) for one in told["waits_for"]] == [("Émeraude Quartz", ARRIVAL.isoformat())]


@pytest.mark.ci
@pytest.mark.parametrize("language", ["en", "fr"])
def test_what_nobody_else_has_is_late_under_the_name_of_who_begins(cast: Cast, language: str) -> None:
    case_id = open_onboarding(cast)
    complete(cast, case_id, "prepare_notebook_and_guide")
    complete(cast, case_id, "hand_over_notebook_and_guide")
    task = task_of(cast, case_id, "confirm_notebook_and_guide")
    with cast.session() as session:
        alone = responsibility(session, [Link("youth_worker", str(cast.organizations["en-marge"]))])
        late = TODAY - timedelta(days=3)
        session.execute(update(_task).where(_task.c.id == task["id"]).values(due_on=late, owed_by_id=alone))
    board = read(cast, "/board", language=language)
    row = text_of(board[board.index(f"l-{task['id']}") :].partition("</li>")[0])
    assert "Émeraude Quartz" in row
    assert FROM[language] in row


@pytest.mark.ci
def test_what_is_needed_before_is_the_managers_with_words_for_her(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    complete(cast, case_id, "prepare_notebook_and_guide")
    complete(cast, case_id, "hand_over_notebook_and_guide")
    task = task_of(cast, case_id, "confirm_notebook_and_guide")
    with cast.session() as session:
        session.execute(update(_task).where(_task.c.id == task["id"]).values(due_on=ARRIVAL - timedelta(days=3)))
    page = read(cast, f"/tasks/{task['id']}", "manager_em")
    mine = text_of(page)
    assert "Confirm that the person received the notebook and the guide" in mine
    row = text_of(row_of(read(cast, f"/cases/{case_id}", "manager_em"), task["id"]))
    assert "Confirm that the person received" in row
    assert "Confirm that you received" not in row
    assert f"Émeraude Quartz (Youth worker) begins on {show_day('en', ARRIVAL, 'full')}" in mine
    assert "you do it, in their place" in mine
    assert "Vacant" not in mine
    assert "Confirm that the person received" in text_of(read(cast, "/", "manager_em"))
    told = signed_in(cast, "coordinator").get(f"/api/v1/tasks/{task['id']}").json()
    assert told["title"] == "Confirm that the person received the notebook and the guide"
    assert [one["name"] for one in told["waits_on"]] == ["Perle Obsidienne"]
    assert not told["vacant"]


@pytest.mark.ci
def test_an_approval_says_whom_it_waits_for_and_where_it_waits_on_nobody_what_would_help(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    leave(cast, "manager_em")
    complete(cast, case_id, "request_secure_access")
    task = task_of(cast, case_id, "request_secure_access")
    page = text_of(read(cast, f"/tasks/{task['id']}"))
    assert "Corail Mica" in page, "the director has it"
    assert "Vacant: Manager" in page
    assert "No one can approve this today" not in page
    director = client_for(cast.database, cast.people["director_em"])
    assert "Ask for access to the secure network" in text_of(director.get("/").text)
    for name in ("director_em", "manager_ccsmtl"):
        leave(cast, name)
    page = text_of(read(cast, f"/tasks/{task['id']}"))
    assert "No one can approve this today. What would help:" in page
    assert "Manager, En Marge 12-17: vacant. Appoint someone to it." in page
    assert "Director, En Marge 12-17: vacant. Appoint someone to it." in page
    assert "Coordinator, CCSMTL: its holder did this step, may not approve it" in page
    french = text_of(read(cast, f"/tasks/{task['id']}", language="fr"))
    assert "Personne ne peut l’approuver aujourd’hui." in french


@pytest.mark.ci
def test_where_a_newer_version_of_the_procedure_names_somebody_else_an_approval_on_nobody_is_theirs_once_it_is_followed(
    cast: Cast,
) -> None:
    case_id = open_onboarding(cast)
    for name in ("manager_em", "director_em", "manager_ccsmtl"):
        leave(cast, name)
    complete(cast, case_id, "request_secure_access")
    task = task_of(cast, case_id, "request_secure_access")
    follow = "The procedure has a newer version, which may name someone else"
    assert follow not in text_of(read(cast, f"/tasks/{task['id']}"))
    goes_on = ("else: [coordinator, employer_director, host_manager]", "else: [coordinator, administrative_officer]")
    with cast.session() as session:
        kept = record_protocol(session, newer(goes_on), by=LOADING, at=AT)
    assert follow in text_of(read(cast, f"/tasks/{task['id']}"))
    with cast.session() as session:
        take_version(session, case_id, kept.id, by=cast.actor("coordinator"), at=AT)
        asked = session.scalars(select(_notice.c.person_id).where(_notice.c.template == "task_to_approve")).all()
        assert asked == [cast.people["officer"]], "who has it now is told"
    page = text_of(read(cast, f"/tasks/{task['id']}"))
    assert "No one can approve this today" not in page
    assert "Béryl Calcaire" in page
    assert approve(cast, case_id, "request_secure_access", by=cast.actor("officer")).state == "done"


@pytest.mark.ci
@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_seat_that_is_somebodys_from_a_later_day_is_nowhere_a_seat_to_fill(cast: Cast, language: str) -> None:
    with cast.session() as session:
        give(session, cast, "clinical", "en-marge", "worker_em", since=ARRIVAL)
        left = give(session, cast, "clinical", "codim", "worker_codim")
        session.execute(update(_holder).where(_holder.c.id == left).values(withdrawn_at=AT))
    to_fill = {"en": "Seat to fill", "fr": "Siège à combler"}[language]
    place = cast.organizations["en-marge"]

    def row_with(path: str) -> str:
        rows = [text_of(row) for row in read(cast, path, language=language).split("<li>")]
        found = [row for row in rows if "Émeraude Quartz" in row and FROM[language] in row]
        assert found, path
        return " ".join(found)

    for path in ("/committees/clinical", "/program", f"/partners/{place}"):
        assert to_fill not in row_with(path), path
    assert "Garnet Schist" not in text_of(read(cast, "/program", language=language)), "what was taken back is nobody's"
    told = signed_in(cast, "coordinator").get("/api/v1/committees/clinical").json()
    (seat,) = [one for one in told["seats"] if one["organization_id"] == str(place)]
    assert (seat["vacant"], seat["holders"]) == (False, [])
    assert [(one["name"], one["starts_on"]) for one in seat["waits_for"]] == [("Émeraude Quartz", ARRIVAL.isoformat())]


@pytest.mark.ci
def test_the_partners_tasks_and_the_board_say_by_name_who_a_step_waits_for_and_what_is_done_in_their_place(
    cast: Cast,
) -> None:
    with cast.session() as session:
        in_force(session, cast, "en-marge")
    case_id = open_onboarding(cast)
    for step in ("prepare_notebook_and_guide", "hand_over_notebook_and_guide"):
        complete(cast, case_id, step)
    task = task_of(cast, case_id, "confirm_notebook_and_guide")

    def row(path: str, name: str) -> str:
        page = read(cast, path)
        return text_of(page[page.index(f'id="{name}-{task["id"]}"') :].partition("</li>")[0])

    theirs = row(f"/partners/{cast.organizations['en-marge']}", "t")
    assert "Émeraude Quartz" in theirs
    assert FROM["en"] in theirs
    with cast.session() as session:
        then = AT + timedelta(days=15)
        by = cast.actor("worker_em")
        hand_back_task(session, task["id"], by=by, at=then, reason="Je n’ai pas le carnet.")
    handed_back = row("/board", "b")
    assert "Confirm that the person received the notebook and the guide" in handed_back
    assert "Confirm that you received" not in handed_back
