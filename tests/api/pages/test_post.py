"""Outgoing mail: who may read it, how a letter is shown, and sending one again that was given up."""

from __future__ import annotations

from email import message_from_bytes
from email.policy import SMTP
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, update

from models.base import table_of
from models.ledger import Epoch, RestoredMatter
from models.outbox import Notice
from models.program import Person
from models.record import Event
from tests.api.application import client_for
from tests.casework import open_onboarding
from tests.cast import AT, Cast
from tests.matters import left

_notice = table_of(Notice)
_person = table_of(Person)
_event = table_of(Event)


@pytest.fixture
def letters(cast: Cast) -> Cast:
    """The cast, after an onboarding was opened and wrote its letters."""
    open_onboarding(cast)
    return cast


def one_letter(cast: Cast, name: str = "officer") -> UUID:
    with cast.session() as session:
        found = session.scalars(select(_notice.c.id).where(_notice.c.person_id == cast.people[name])).all()
    return UUID(str(found[0]))


def give_up(cast: Cast, letter: UUID) -> None:
    with cast.session() as session:
        session.execute(
            update(_notice)
            .where(_notice.c.id == letter)
            .values(state="failed", next_attempt_at=None, attempts=7, code="550 5.1.1")
        )


@pytest.mark.parametrize("name", ["coordinator", "officer"])
def test_the_coordination_reads_the_outgoing_mail(letters: Cast, name: str) -> None:
    page = client_for(letters.database, letters.people[name]).get("/post")
    assert page.status_code == 200
    assert "Béryl Calcaire" in page.text
    assert "To be sent" in page.text


@pytest.mark.parametrize("name", ["manager_em", "worker_codim", "it_contact"])
def test_nobody_else_reads_it(letters: Cast, name: str) -> None:
    client = client_for(letters.database, letters.people[name])
    mine = one_letter(letters, "it_contact")
    for path in ("/post", f"/post/{mine}", f"/post/{mine}/letter.eml"):
        assert client.get(path).status_code == 404
    assert client.post(f"/post/{mine}/retry").status_code == 404
    assert 'href="/post"' not in client.get("/people").text


def test_in_a_demonstration_everyone_reads_it_and_only_the_coordination_sends_again(letters: Cast) -> None:
    client = client_for(letters.database, letters.people["worker_codim"], demonstration=True)
    letter = one_letter(letters)
    assert "are not delivered" in client.get("/post").text
    assert client.get(f"/post/{letter}").status_code == 200
    give_up(letters, letter)
    assert "Send it again" not in client.get(f"/post/{letter}").text
    assert client.post(f"/post/{letter}/retry").status_code == 404


def test_a_letter_is_shown_as_its_reader_gets_it(letters: Cast) -> None:
    client = client_for(letters.database, letters.people["coordinator"])
    letter = one_letter(letters)
    page = client.get(f"/post/{letter}").text
    assert 'lang="fr-CA">Bonjour Béryl Calcaire' in page
    assert "officer@ccsmtl.example" in page
    file = client.get(f"/post/{letter}/letter.eml")
    assert file.headers["content-type"] == "message/rfc822"
    assert file.headers["content-disposition"] == f'attachment; filename="{letter}.eml"'
    assert file.headers["x-content-type-options"] == "nosniff"
    with letters.session() as session:
        assert session.scalar(select(_notice.c.message).where(_notice.c.id == letter)) == file.content


def test_a_letter_of_another_program_is_absent(letters: Cast) -> None:
    open_onboarding(letters.other)
    with letters.other.session() as session:
        theirs = session.scalars(select(_notice.c.id)).first()
    client = client_for(letters.database, letters.people["coordinator"])
    for letter in (theirs, uuid4()):
        assert client.get(f"/post/{letter}").status_code == 404
        assert client.get(f"/post/{letter}/letter.eml").status_code == 404
        assert client.post(f"/post/{letter}/retry").status_code == 404


def test_the_list_is_filtered_by_state_and_paged(letters: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.pages.outgoing_mail.PAGE_SIZE", 2)
    client = client_for(letters.database, letters.people["coordinator"])
    with letters.session() as session:
        subjects = len(session.scalars(select(_notice.c.id)).all())
    assert subjects > 2
    seen: list[str] = []
    path = "/post?state=queued"
    while path:
        page = client.get(path).text
        rows = [piece.partition('"')[0] for piece in page.split('<a href="/post/')[1:]]
        seen += rows
        older = page.partition("/post?before=")[2].partition('"')[0].replace("&amp;", "&")
        path = f"/post?before={older}" if older else ""
    assert len(seen) == len(set(seen)) == subjects
    assert "No letter here" in client.get("/post?state=sent").text
    assert client.get("/post?state=nonsense").status_code == 200
    assert client.get("/post?before=0").status_code == 422


def test_a_letter_that_was_given_up_goes_again_to_todays_address(letters: Cast) -> None:
    client = client_for(letters.database, letters.people["coordinator"])
    letter = one_letter(letters)
    before = client.get(f"/post/{letter}/letter.eml").content
    give_up(letters, letter)
    with letters.session() as session:
        session.execute(
            update(_person).where(_person.c.id == letters.people["officer"]).values(email="new@ccsmtl.example")
        )
    assert "This letter was not delivered" in client.get(f"/post/{letter}").text
    assert client.post(f"/post/{letter}/retry").headers["location"] == f"/post/{letter}"
    with letters.session() as session:
        row = session.execute(select(_notice).where(_notice.c.id == letter)).mappings().one()
        verb = session.scalar(select(_event.c.verb).order_by(_event.c.n.desc()).limit(1))
    assert (row["state"], row["attempts"], row["code"], row["to_address"]) == ("queued", 0, "", "new@ccsmtl.example")
    assert row["next_attempt_at"] is not None
    assert verb == "notice.retried"
    was, now = message_from_bytes(before, policy=SMTP), message_from_bytes(row["message"], policy=SMTP)
    assert "new@ccsmtl.example" in now["To"]
    assert "Béryl Calcaire" in now["To"]
    # All else of it is the same letter, to the byte.
    for header in ("From", "Subject", "Date", "Message-ID"):
        assert was[header] == now[header]
    assert before.partition(b"\r\n\r\n")[2] == row["message"].partition(b"\r\n\r\n")[2]


def test_what_is_not_given_up_is_not_sent_again(letters: Cast) -> None:
    client = client_for(letters.database, letters.people["coordinator"])
    letter = one_letter(letters)
    page = client.post(f"/post/{letter}/retry")
    assert page.status_code == 409
    assert "was delivered, or is still being sent" in page.text


def test_a_person_without_an_address_must_get_one_first(letters: Cast) -> None:
    client = client_for(letters.database, letters.people["coordinator"])
    letter = one_letter(letters)
    give_up(letters, letter)
    with letters.session() as session:
        session.execute(update(_person).where(_person.c.id == letters.people["officer"]).values(email=None))
    page = client.post(f"/post/{letter}/retry")
    assert page.status_code == 409
    assert "has no address" in page.text


def test_of_a_letter_whose_words_were_redacted_before_a_restore_no_subject_shows_until_it_is_decided(
    letters: Cast,
) -> None:
    letter, subject = one_letter(letters), "What nobody is to read any more"
    give_up(letters, letter)
    with letters.session() as session:
        session.execute(update(_notice).where(_notice.c.id == letter).values(subject=subject))
        session.add(Epoch(number=1, found_at=AT, lines=1))
        session.flush()
        left(session, "redaction", "notice.redacted", letter, 1, subject_kind="notice")
    coordinator = client_for(letters.database, letters.people["coordinator"])
    officer = client_for(letters.database, letters.people["privacy_officer"])
    pages = ("/post", "/post?state=failed", f"/post/{letter}", "/board", "/activity", "/api/v1/post")
    for path in pages:
        assert subject not in coordinator.get(path).text, path
    assert subject not in officer.get("/privacy").text
    with letters.session() as session:
        decided = {"decision": "noted", "decided_at": AT, "decided_as": "privacy_officer"}
        session.execute(update(table_of(RestoredMatter)).values(**decided))
    for path in ("/post", f"/post/{letter}", "/board", "/api/v1/post"):
        assert subject in coordinator.get(path).text, path
