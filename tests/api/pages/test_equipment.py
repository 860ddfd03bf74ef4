"""The inventory's pages, the pick of a thing in an onboarding, and what an approver sees before they approve."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from domain.equipment import inventory
from models.base import table_of
from models.equipment import Equipment
from tests.api.pages.looking import fields_of, signed_in, text_of
from tests.casework import complete, open_onboarding, step
from tests.cast import AT, Cast

_equipment = table_of(Equipment)

NEW = {"kind": "phone", "serial": "SN-1", "label": "Noir"}


def version(cast: Cast) -> str:
    with cast.session() as session:
        return str(session.scalars(select(_equipment.c.version)).one())


@pytest.mark.ci
def test_a_thing_goes_through_the_inventory_from_its_page(cast: Cast) -> None:
    officer = signed_in(cast, "officer")
    once = fields_of(officer.get("/equipment").text, "/equipment")["once"]
    made = [officer.post("/equipment", data={**NEW, "once": once}) for _ in range(2)]
    assert [one.status_code for one in made] == [303, 303], "entered once"
    here = made[0].headers["location"]
    again = officer.post("/equipment", data={**NEW, "serial": "sn 1"})
    assert (again.status_code, "already in the inventory" in again.text, "sn 1" in again.text) == (409, True, True)
    assert "SN-1" in officer.get("/equipment?state=available").text

    def do(move: str, words: str = "") -> int:
        return officer.post(f"{here}/moves", data={"seen": version(cast), "move": move, "words": words}).status_code

    lend = {"seen": version(cast), "person": str(cast.people["worker_codim"])}
    assert officer.post(f"{here}/loan", data={**lend, "person": ""}).status_code == 422
    assert officer.post(f"{here}/loan", data=lend).status_code == 303
    assert officer.post(f"{here}/loan", data=lend).status_code == 412
    assert "Garnet Schist" in officer.get("/equipment").text
    assert do("take_out_of_use", "Brisé") == 409
    assert [do("report_missing"), do("report_missing", "Introuvable"), do("give_up", "Introuvable")] == [422, 303, 303]
    assert "last: Garnet Schist" in text_of(officer.get("/equipment?state=lost").text)
    assert [do("find", "Au vestiaire"), do("take_out_of_use", "Brisé"), do("put_back")] == [303, 303, 303]
    changed = officer.post(here, data={"seen": version(cast), "serial": "SN-01", "label": "Bleu"})
    assert changed.status_code == 303
    page = text_of(officer.get(here).text)
    for words in ("SN-01", "Bleu", "Found again", "Declared lost", "Lent to Garnet Schist", "Can be lent"):
        assert words in page, words


def test_what_was_written_of_a_thing_that_someone_else_moved_meanwhile_comes_back(cast: Cast) -> None:
    officer = signed_in(cast, "officer")
    here, seen = officer.post("/equipment", data=NEW).headers["location"], version(cast)
    out = {"seen": seen, "move": "take_out_of_use", "words": "Brisé"}
    assert officer.post(f"{here}/moves", data=out).status_code == 303
    answer = officer.post(f"{here}/moves", data={**out, "words": "Écran fendu"})
    assert answer.status_code == 412
    assert "Écran fendu" in answer.text


@pytest.mark.ci
def test_the_inventory_is_the_coordination_s_alone(cast: Cast) -> None:
    with cast.session() as session:
        thing = inventory.add(session, "phone", "SN-1", by=cast.actor("officer"), at=AT)
    for name in ("manager_codim", "worker_codim", "director_codim"):
        client = signed_in(cast, name)
        assert client.get("/equipment").status_code == 404
        assert client.get(f"/equipment/{thing}").status_code == 404
        assert client.post("/equipment", data=NEW).status_code == 404
        assert client.post(f"/equipment/{thing}/moves", data={"move": "put_back"}).status_code == 404
    assert 'href="/equipment"' in signed_in(cast, "coordinator").get("/").text
    assert 'href="/equipment"' not in signed_in(cast, "manager_codim").get("/").text


@pytest.mark.ci
def test_the_hand_over_picks_from_what_can_be_lent(cast: Cast) -> None:
    case_id = open_onboarding(cast, "worker_codim", "codim")
    complete(cast, case_id, "prepare_equipment", item="phone")
    coordinator = signed_in(cast, "coordinator")
    assert "Nothing of this kind can be lent now" in coordinator.get(f"/cases/{case_id}").text
    with cast.session() as session:
        for serial in ("SN-1", "SN-2"):
            inventory.add(session, "phone", serial, label="Noir", by=cast.actor("officer"), at=AT)
        out = inventory.add(session, "phone", "SN-3", by=cast.actor("officer"), at=AT)
        inventory.take_out_of_use(session, out, reason="Brisé", by=cast.actor("officer"), at=AT)
        task = step(session, case_id, "hand_over_equipment", "phone")
    page = coordinator.get(f"/tasks/{task['id']}").text
    assert ['value="SN-1"' in page, "SN-2 – Noir" in page, "SN-3" in page] == [True, True, False]
    form = {"seen": str(task["version"]), "label": "SN-2"}
    assert coordinator.post(f"/tasks/{task['id']}/completion", data=form).status_code == 303
    assert "SN-2" in signed_in(cast, "worker_codim").get(f"/people/{cast.people['worker_codim']}").text


@pytest.mark.ci
def test_who_approves_sees_what_is_asked_for_and_a_director_does_not(cast: Cast) -> None:
    case_id = open_onboarding(cast, "worker_codim", "codim")
    coordinator = signed_in(cast, "coordinator")
    with cast.session() as session:
        task = step(session, case_id, "request_secure_access")
    here = f"/tasks/{task['id']}"
    form = {"seen": str(task["version"]), "given-folders": ["progress_notes", "consent_forms"]}
    lacking = coordinator.post(f"{here}/completion", data=form)
    assert lacking.status_code == 422
    assert "Something is missing here: What for." in text_of(lacking.text)
    assert lacking.text.count(" checked") == 2, "what was chosen stays"
    form["given-reason"] = "Suivre <b>trois</b> personnes"
    assert [coordinator.post(f"{here}/completion", data=form).status_code for _ in range(2)] == [303, 303]
    for place in ("/", f"/cases/{case_id}", here):
        shown = signed_in(cast, "manager_codim").get(place).text
        assert "Suivre &lt;b&gt;trois" in shown, place
        assert "progress notes and consent forms" in text_of(shown), place
    for name, reads in (("director_codim", False), ("manager_codim", True)):
        client = signed_in(cast, name)
        assert ("trois" in client.get(f"/cases/{case_id}").text) is reads
        assert (client.get(f"/api/v1{here}").json()["given"] is not None) is reads
    asks = coordinator.get(f"/api/v1{here}").json()["asks"]
    assert [(one["id"], one["kind"], len(one["choices"])) for one in asks] == [
        ("folders", "several", 3),
        ("reason", "words", 0),
    ]


def test_over_json_a_request_is_handed_in_with_its_contents(cast: Cast) -> None:
    case_id = open_onboarding(cast, "worker_codim", "codim")
    with cast.session() as session:
        task = step(session, case_id, "request_petty_cash")
    coordinator, here = signed_in(cast, "coordinator"), f"/api/v1/tasks/{task['id']}/completion"
    star = {"If-Match": "*"}
    given = {"amount": "10000", "reason": "Autobus"}
    too_much = coordinator.post(here, json={"given": given}, headers=star)
    assert (too_much.status_code, too_much.json()["code"]) == (422, "request.amount.malformed")
    assert coordinator.post(here, json={"given": {**given, "amount": "80"}}, headers=star).status_code == 200
    assert coordinator.get(f"/api/v1/tasks/{task['id']}").json()["given"] == {"amount": "80.00", "reason": "Autobus"}


@pytest.mark.ci
def test_the_inventory_over_json(cast: Cast) -> None:
    officer = signed_in(cast, "officer")
    made = officer.post("/api/v1/equipment", json=NEW)
    assert (made.status_code, made.json()["state"]) == (201, "in_use")
    here, seen = made.headers["location"], {"If-Match": made.headers["etag"]}
    person = {"person_id": str(cast.people["worker_codim"])}
    assert officer.post(f"{here}/loan", json=person).status_code == 428
    assert officer.post(f"{here}/loan", json=person, headers=seen).json()["person_id"] == person["person_id"]
    back = {"move": "take_back", "words": "Intact"}
    assert officer.post(f"{here}/moves", json=back, headers=seen).status_code == 412
    assert officer.post(f"{here}/moves", json=back, headers={"If-Match": "*"}).json()["person_id"] is None
    assert officer.put(here, json={"serial": "SN-9"}, headers={"If-Match": "*"}).json()["serial"] == "SN-9"
    assert len(officer.get("/api/v1/equipment").json()["items"]) == 1
    assert signed_in(cast, "worker_codim").get(here).status_code == 404


@pytest.mark.ci
def test_the_board_lists_what_was_handed_back_and_giving_it_again_takes_a_word(cast: Cast) -> None:
    case_id = open_onboarding(cast, "worker_codim", "codim")
    with cast.session() as session:
        task = step(session, case_id, "provide_own_cards")
    officer, coordinator = signed_in(cast, "officer"), signed_in(cast, "coordinator")
    form = {"seen": str(task["version"]), "words": "L’imprimeur ne répond pas."}
    assert officer.post(f"/tasks/{task['id']}/handing-back", data=form).status_code == 303
    page = coordinator.get("/board").text
    listed = text_of(page[page.index('id="handed-back"') :].partition("</section>")[0])
    assert "handed back by" in listed
    assert "Agate Améthyste" in listed, "on whom it waits now"
    with cast.session() as session:
        seen = str(step(session, case_id, "provide_own_cards")["version"])
    again = f"/tasks/{task['id']}/returning"
    assert coordinator.post(again, data={"seen": seen, "words": " "}).status_code == 422
    assert coordinator.post(again, data={"seen": seen, "words": "Il a répondu ce matin."}).status_code == 303
    assert "Il a répondu ce matin." in officer.get(f"/tasks/{task['id']}").text
    assert 'id="handed-back"' not in coordinator.get("/board").text


@pytest.mark.parametrize("serial", ["0000-00-00", "2026-12-01", "9999-99-99T99:99"])
def test_a_serial_number_that_looks_like_a_day_is_shown_as_it_was_typed(cast: Cast, serial: str) -> None:
    client = signed_in(cast, "coordinator")
    added = client.post("/equipment", data={"kind": "phone", "serial": serial})
    shown = client.get(added.headers["location"])
    assert shown.status_code == 200
    assert text_of(shown.text).count(serial) > 1, "also in what happened to it"
