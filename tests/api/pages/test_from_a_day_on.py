"""Whoever is appointed from a later day is named with that day, everywhere; and whom an approval waits for is said."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from duties.people import end_tenure
from locales import show_day
from models.base import table_of
from models.casework import Task
from models.program import Tenure
from tests.agreeing import in_force
from tests.api.desk import client_for
from tests.api.pages.looking import row_of, signed_in, task_of, text_of
from tests.casework import complete, open_onboarding
from tests.cast import ARRIVAL, AT, TODAY, Cast

_tenure = table_of(Tenure)
_task = table_of(Task)

FROM = {"en": f"from {show_day('en', ARRIVAL, 'medium')}", "fr": f"à compter du {show_day('fr', ARRIVAL, 'medium')}"}


def read(cast: Cast, path: str, name: str = "coordinator", *, language: str = "en") -> str:
    answer = client_for(cast.database, cast.people[name]).get(path, headers={"Accept-Language": language})
    assert answer.status_code == 200
    return answer.text


def leave(cast: Cast, name: str) -> None:
    with cast.session() as session:
        held = session.scalars(select(_tenure.c.id).where(_tenure.c.person_id == cast.people[name])).one()
        end_tenure(session, held, ends_on=TODAY - timedelta(days=1), by=cast.actor("coordinator"), at=AT)


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
    assert "it is yours to do, in their place" in mine
    assert "Vacant" not in mine
    assert "Confirm that the person received" in text_of(read(cast, "/", "manager_em"))
    told = signed_in(cast, "coordinator").get(f"/api/v1/tasks/{task['id']}").json()
    assert told["title"] == "Confirm that the person received the notebook and the guide"
    assert [one["name"] for one in told["waits_on"]] == ["Perle Obsidienne"]
    assert not told["vacant"]


def test_an_approval_says_whom_it_waits_for_and_where_it_waits_on_nobody_what_would_help(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    leave(cast, "manager_em")
    complete(cast, case_id, "request_secure_access")
    task = task_of(cast, case_id, "request_secure_access")
    page = text_of(read(cast, f"/tasks/{task['id']}"))
    assert "Corail Mica" in page, "the director has it"
    assert "Vacant: Manager" in page
    assert "Nobody can approve this today" not in page
    director = client_for(cast.database, cast.people["director_em"])
    assert "Ask for access to the secure network" in text_of(director.get("/").text)
    for name in ("director_em", "manager_ccsmtl"):
        leave(cast, name)
    page = text_of(read(cast, f"/tasks/{task['id']}"))
    assert "Nobody can approve this today. What would help:" in page
    assert "Manager, En Marge 12-17: nobody holds it. Appoint somebody to it." in page
    assert "Director, En Marge 12-17: nobody holds it. Appoint somebody to it." in page
    assert "Coordinator, CCSMTL: whoever holds it did this or is barred from approving it" in page
    french = text_of(read(cast, f"/tasks/{task['id']}", language="fr"))
    assert "Personne ne peut l’approuver aujourd’hui." in french
