"""The privacy officer's desk: what is asked is taken down, prepared, handed over; and who may not even know of it."""

from __future__ import annotations

import re
from typing import Final
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import select

from domain.accompaniment import barring
from domain.casework import tasks
from domain.files.pdf_words import words_of as words_of_pdf
from domain.participants import identity_within
from domain.rights import CORRECT
from locales import show_day
from models.base import table_of
from models.casework import Task
from models.record import Event
from models.right import RightsRequest
from tests.api.application import client_for
from tests.api.pages.looking import text_of
from tests.cast import AT, TODAY, Cast
from tests.rights import written_of

OFFICER: Final = "privacy_officer"
FORM: Final = {
    "kind": "access",
    "file": "#2026-01",
    "received_on": TODAY.isoformat(),
    "asked_by": "self",
    "verified_by": "card_shown",
    "verified_on": TODAY.isoformat(),
    "language": "fr",
}


@pytest.fixture
def participant(cast: Cast) -> UUID:
    """Somebody who is followed, and of whom a note names others."""
    return written_of(cast)


def officer(cast: Cast, name: str = OFFICER) -> TestClient:
    return client_for(cast.database, cast.people[name])


def once(page: str) -> str:
    found = re.search(r'name="once" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def taken_down(me: TestClient, **more: str) -> str:
    """A request that was taken down on its form; its address."""
    form = {**FORM, **more, "once": once(me.get("/privacy/rights/new").text)}
    sent = me.post("/privacy/rights", data=form, follow_redirects=False)
    assert sent.status_code == 303, text_of(sent.text)
    return sent.headers["location"]


def led(me: TestClient, address: str, form: dict[str, str]) -> Response:
    """The page to which a form leads."""
    sent = me.post(address, data=form)
    assert sent.status_code == 303, text_of(sent.text)
    return me.get(sent.headers["location"])


def seen_in(page: str) -> str:
    found = re.search(r'name="seen" value="(\d+)"', page)
    assert found is not None
    return found[1]


@pytest.mark.usefixtures("participant")
def test_a_request_is_taken_down_prepared_handed_over_and_answered(cast: Cast) -> None:
    me = officer(cast)
    here = taken_down(me)
    assert "Request no. 1" in me.get("/privacy/rights").text
    looked_at = me.get(f"{here}/package").text
    assert "Romarin Tilleul" in looked_at
    masks = {"seen": seen_in(looked_at), "others": "Romarin Tilleul\n438 555-0188\nÉglantine Rosier"}
    masked = led(me, f"{here}/masks", masks)
    assert masked.url.path == f"{here}/package"
    preview = masked.text.partition('id="preview"')[2]
    assert "Romarin" not in preview
    for said in ("[masqué]", show_day("fr", TODAY), 'lang="fr"', "in French"):
        assert said in preview, "in the language of the answer, which is told"
    assert show_day("en", TODAY) not in preview
    digest = re.search(r'name="digest" value="([0-9a-f]{64})"', masked.text)
    assert digest is not None
    made = led(me, f"{here}/package", {"seen": seen_in(masked.text), "digest": digest[1]})
    assert "Open as PDF" in text_of(made.text)
    paper = me.get(f"{here}/package.pdf")
    assert paper.headers["content-type"] == "application/pdf"
    assert "Ondine" not in paper.headers["content-disposition"]
    words = " ".join(words_of_pdf(paper.content))
    assert "Fougère-Lys" in words
    assert "Romarin" not in words
    data = me.get(f"{here}/package.json")
    assert "Romarin" not in data.text
    assert data.json()["kind"] == "access"
    assert me.get(f"{here}/package.csv").text.startswith('\ufeff"N°";"Partie du dossier"')
    given = {"seen": seen_in(made.text), "answered_on": TODAY.isoformat(), "handed_over": "in_person", "words": ""}
    assert "Answered" in text_of(led(me, f"{here}/answer", given).text)


@pytest.mark.usefixtures("participant")
def test_another_is_told_of_no_request_and_of_nobody_on_file(cast: Cast) -> None:
    here = taken_down(officer(cast))
    for name in ("coordinator", "worker_ccsmtl", "administrator"):
        other = officer(cast, name)
        for address in ("", "/package", "/package.pdf", "/package.csv", "/letter.pdf"):
            assert other.get(f"{here}{address}").status_code == 404, (name, address)
        assert other.get("/privacy/rights").status_code == 404, name


@pytest.mark.usefixtures("participant")
@pytest.mark.parametrize(
    ("language", "received", "refused", "ground", "recourse"),
    [
        ("fr", "Votre demande a été reçue", "Votre demande est refusée", "article 89", "Commission d’accès"),
        ("en", "Your request was received", "Your request is refused", "section 89", "within 30 days"),
    ],
)
def test_the_letter_says_by_when_then_why_not_on_which_ground_and_where_one_complains(
    cast: Cast, language: str, received: str, refused: str, ground: str, recourse: str
) -> None:
    me = officer(cast)
    here = taken_down(me, kind="correction", asked="Mon prénom est mal écrit.", language=language)

    def letter() -> str:
        answer = me.get(f"{here}/letter.pdf")
        assert "Ondine" not in answer.headers["content-disposition"]
        return " ".join(words_of_pdf(answer.content))

    with cast.session() as session:
        due_on = session.execute(select(table_of(RightsRequest).c.due_on)).scalar_one()
    for said in (received, show_day(language, due_on), "Mon prénom est mal écrit.", recourse):
        assert said in letter()
    longer = led(me, f"{here}/extension", {"seen": seen_in(me.get(here).text), "notice_on": TODAY.isoformat()})
    assert received not in letter(), "it takes longer, and says by when"
    form = {"seen": seen_in(longer.text), "answered_on": TODAY.isoformat(), "handed_over": "in_person"}
    led(me, f"{here}/refusal", {**form, "ground": "accurate", "words": "Le prénom est celui de l’acte."})
    for said in (refused, ground, "Le prénom est celui de l’acte.", "Mon prénom est mal écrit.", recourse):
        assert said in letter()
    with cast.session() as session:
        event = table_of(Event)
        lines = session.execute(select(event.c.facts).where(event.c.verb == "read").order_by(event.c.n)).scalars()
        assert list(lines)[-1]["what"] == "rights_request"


@pytest.mark.usefixtures("participant")
def test_there_is_no_letter_of_a_request_that_was_taken_back_and_one_to_nobody_on_file_names_no_file(
    cast: Cast,
) -> None:
    me = officer(cast)
    here = taken_down(me)
    led(me, f"{here}/withdrawal", {"seen": seen_in(me.get(here).text)})
    assert me.get(f"{here}/letter.pdf").status_code == 404
    here = taken_down(me, file="")
    given = {"seen": seen_in(me.get(here).text), "answered_on": TODAY.isoformat(), "handed_over": "sealed_envelope"}
    led(me, f"{here}/answer", given)
    letter = " ".join(words_of_pdf(me.get(f"{here}/letter.pdf").content))
    assert "Rien n’est détenu sur vous ici." in letter
    assert "#2026" not in letter


def test_whom_the_person_barred_sees_nothing_of_their_requests(cast: Cast, participant: UUID) -> None:
    me = officer(cast)
    here = taken_down(me)
    with cast.session() as session:
        barring.bar(session, participant, cast.people[OFFICER], by=cast.actor("coordinator"), at=AT)
    assert me.get(here).status_code == 404
    assert "Request no. 1" not in me.get("/privacy/rights").text


@pytest.mark.usefixtures("participant")
def test_a_number_that_is_not_there_is_refused_and_nobody_on_file_is_answered(cast: Cast) -> None:
    me = officer(cast)
    form = {**FORM, "file": "#2026-55", "once": once(me.get("/privacy/rights/new").text)}
    again = me.post("/privacy/rights", data=form)
    assert again.status_code == 409
    assert "Nothing is held under this number" in text_of(again.text)
    here = taken_down(me, file="")
    page = me.get(here).text
    given = {"seen": seen_in(page), "answered_on": TODAY.isoformat(), "handed_over": "sealed_envelope"}
    assert "Answered" in text_of(led(me, f"{here}/answer", given).text)
    with cast.session() as session:
        row = session.execute(select(table_of(RightsRequest))).one()
    assert (row.participant_id, row.asked, row.answer) == (None, None, None)


@pytest.mark.usefixtures("participant")
def test_what_is_to_be_corrected_is_read_by_who_has_to_do_it_alone_while_it_is_asked(cast: Cast) -> None:
    here = taken_down(officer(cast), kind="correction", asked="Mon prénom est mal écrit.")
    me = officer(cast)
    led(me, f"{here}/acceptance", {"seen": seen_in(me.get(here).text)})
    with cast.session() as session:
        task_id = session.execute(select(table_of(Task).c.id).where(table_of(Task).c.step == CORRECT)).scalar_one()
    read = f"/tasks/{task_id}/correction"
    coordinator = officer(cast, "coordinator")
    assert read in coordinator.get(f"/tasks/{task_id}").text
    assert "Mon prénom" not in coordinator.get(f"/tasks/{task_id}").text
    assert "Mon prénom est mal écrit." in coordinator.get(read).text
    for name in (OFFICER, "worker_ccsmtl", "administrator", "manager_la"):
        assert officer(cast, name).get(read).status_code == 404, name
    with cast.session() as session:
        event = table_of(Event)
        lines = session.execute(select(event).where(event.c.verb == "read").order_by(event.c.n))
        told = [one.facts for one in lines]
        assert told[-1] == {"what": "rights_request", "purpose": "own_part", "ground": "part"}
        tasks.complete_task(session, task_id, by=cast.actor("coordinator"), at=AT)
    assert coordinator.get(read).status_code == 404, "it is done"


def test_a_lost_number_is_looked_for_by_the_officer_alone_and_no_name_comes_back(cast: Cast, participant: UUID) -> None:
    me = officer(cast)
    with cast.session() as session:
        born_on = identity_within(session, participant).birth_date
    assert born_on is not None
    who = {"given_name": "Ondine", "family_name": "Fougère-Lys", "birth_date": born_on.isoformat()}
    found = me.post("/privacy/rights/file", data=who)
    assert 'value="#2026-01"' in found.text
    assert "Ondine" not in found.text
    nobody = me.post("/privacy/rights/file", data={**who, "birth_date": "2001-01-01"}).text
    assert "Nothing is held under this name" in text_of(nobody)
    assert "#2026-01" not in nobody
    assert me.post("/privacy/rights/file", data={**who, "birth_date": "hier"}).status_code in (409, 422)
    for name in ("coordinator", "worker_ccsmtl", "administrator"):
        assert officer(cast, name).post("/privacy/rights/file", data=who).status_code == 404, name
