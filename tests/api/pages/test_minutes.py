"""The page of a meeting's minutes: written by the secretary, sent, read by the members, and approved for good."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select, update
from sqlmodel import Session

from domain.kernel.sealed_words import seal_words
from locales import show_day
from meetings import minutes, running
from models.base import table_of
from models.minutes import Minutes
from models.outbox import Notice
from models.program import Organization
from tests.api.application import client_for
from tests.api.pages.gathered import END, Held, hold
from tests.api.pages.looking import text_of
from tests.api.pages.test_meetings import HARD, hidden
from tests.cast import Arranged, Cast
from tests.meetings.meeting_room import NEXT, NEXT_LOCAL, meeting

_minutes = table_of(Minutes)
_notice = table_of(Notice)
_organization = table_of(Organization)


@pytest.fixture
def held(cast: Cast, arranged: Arranged[Held]) -> Held:
    return arranged(cast, hold)


def signed_in(cast: Cast, name: str, at: datetime = END) -> TestClient:
    return client_for(cast.database, cast.people[name], at=at)


def row(cast: Cast) -> Any:
    with cast.session() as session:
        return session.execute(select(_minutes)).one()


def sent(cast: Cast) -> int:
    with cast.session() as session:
        asked = select(func.count()).select_from(_notice).where(_notice.c.template == "meeting_minutes")
        return session.scalar(asked) or 0


def circulate(client: TestClient, path: str, seen: int) -> Any:
    shown = hidden(client.post(f"{path}/circulation", data={"seen": seen}).text)
    return client.post(f"{path}/circulation", data=shown)


@pytest.mark.ci
def test_a_draft_is_the_secretarys_alone_and_a_member_sees_that_it_is_not_sent_yet(cast: Cast, held: Held) -> None:
    path = f"/meetings/{held.meeting_id}/minutes"
    coordinator, member = signed_in(cast, "coordinator"), signed_in(cast, "manager_codim")
    page = text_of(coordinator.get(path).text)
    assert "Heard." in page
    assert "The budget is adopted." in page
    assert "Write what was said" in page
    hidden_from = member.get(path)
    assert hidden_from.status_code == 200
    assert "The minutes are not sent yet" in text_of(hidden_from.text)
    assert "Heard." not in hidden_from.text
    assert member.get(f"{path}/fr.pdf").status_code == 404
    assert signed_in(cast, "police").get(path).status_code == 404


@pytest.mark.ci
def test_what_was_said_is_written_in_both_languages_and_not_over_what_another_wrote(cast: Cast, held: Held) -> None:
    path = f"/meetings/{held.meeting_id}/minutes"
    client = signed_in(cast, "coordinator")
    given = {"seen": row(cast).version, "number": "2", "said_fr": "Remis à mai.\nOu juin.", "said_en": "Put off."}
    done = client.post(f"{path}/notes", data=given)
    assert done.headers["location"] == f"{path}#item-2"
    assert "Put off." in client.get(path).text
    late = client.post(f"{path}/notes", data=given | {"said_en": "Something else that I typed"})
    assert late.status_code == 412
    assert "Something else that I typed" in late.text
    assert "These minutes were changed by someone else" in text_of(late.text)
    assert re.search(r'<details class="disclosure" id="item-2-note"[^>]* open>', late.text)
    long = client.post(f"{path}/notes", data=given | {"seen": row(cast).version, "said_fr": "x" * 4001})
    assert long.status_code == 422
    nowhere = client.post(f"{path}/notes", data=given | {"seen": row(cast).version, "number": "9"})
    assert nowhere.status_code == 409


@pytest.mark.ci
def test_they_are_sent_after_it_was_seen_to_whom_and_once(cast: Cast, held: Held) -> None:
    path = f"/meetings/{held.meeting_id}/minutes"
    client = signed_in(cast, "coordinator")
    shown = client.post(f"{path}/circulation", data={"seen": row(cast).version})
    assert shown.status_code == 200
    assert sent(cast) == 0
    page = text_of(shown.text)
    assert "Nothing has been changed yet." in page
    assert cast.members["manager_codim"].name in page
    (count,) = re.findall(r"Confirm, and tell (\d+) people", page)
    again = client.post(f"{path}/circulation", data=hidden(shown.text))
    assert again.headers["location"] == path
    assert sent(cast) == int(count) > 3
    twice = client.post(f"{path}/circulation", data=hidden(shown.text) | {"seen": row(cast).version})
    assert twice.status_code == 409
    assert sent(cast) == int(count)


@pytest.mark.ci
def test_members_read_what_was_sent_in_their_language_as_page_and_as_file(cast: Cast, held: Held) -> None:
    path = f"/meetings/{held.meeting_id}/minutes"
    circulate(signed_in(cast, "coordinator"), path, row(cast).version)
    member = signed_in(cast, "manager_codim")
    page = member.get(path).text
    assert "Heard." in page
    assert "Write what was said" not in page
    assert "Reopen for changes" not in page
    for language, form, kind, name in (
        ("en", "pdf", "application/pdf", "steering-committee-minutes"),
        (
            "fr",
            "docx",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            "comite-directeur-proces-verbal",
        ),
    ):
        file = member.get(f"{path}/{language}.{form}")
        assert file.headers["content-type"] == kind
        assert file.headers["content-disposition"] == f'attachment; filename="2027-01-20-{name}.{form}"'
        assert "lang=" not in file.headers.get("set-cookie", "")
    assert member.get(f"{path}/de.pdf").status_code == 404
    assert member.get(f"{path}/fr.exe").status_code == 404


@pytest.mark.ci
def test_who_sits_for_an_outside_organization_reads_no_item_of_the_partners(cast: Cast, held: Held) -> None:
    path = f"/meetings/{held.meeting_id}/minutes"
    with cast.session() as session:
        session.execute(
            update(_organization).where(_organization.c.id == cast.organizations["codim"]).values(kind="outside")
        )
    circulate(signed_in(cast, "coordinator"), path, row(cast).version)
    assert "Training is in March." in signed_in(cast, "manager_em").get(path).text
    outside = signed_in(cast, "manager_codim").get(path).text
    assert "Training is in March." not in outside
    assert "The budget is adopted." in outside


@pytest.mark.ci
def test_they_are_taken_back_corrected_and_sent_to_whom_it_concerns(cast: Cast, held: Held) -> None:
    path = f"/meetings/{held.meeting_id}/minutes"
    client = signed_in(cast, "coordinator")
    circulate(client, path, row(cast).version)
    before = sent(cast)
    taken = client.post(f"{path}/amendment", data={"seen": row(cast).version})
    assert taken.headers["location"] == f"{path}#state"
    for language, since in (("en", "being corrected since"), ("fr", "en correction depuis le")):
        member = signed_in(cast, "manager_codim").get(path, headers={"Accept-Language": language})
        assert since in text_of(member.text)
        assert show_day(language, END.date()) in text_of(member.text)
        assert "not sent yet" not in member.text
    given = {"seen": row(cast).version, "number": "3", "said_fr": "Entendu.", "said_en": "Heard, then adopted."}
    client.post(f"{path}/notes", data=given)
    shown = client.post(f"{path}/circulation", data={"seen": row(cast).version})
    assert "Corrected minutes · 1" in text_of(shown.text)
    client.post(f"{path}/circulation", data=hidden(shown.text))
    assert sent(cast) == before + 1


def rewrite(session: Session, held: Held, **changed: object) -> None:
    """Have the minutes say something else, past every verb, as whoever has the database and the keys could."""
    written = minutes.minutes_of(session, held.meeting_id)
    words = {"content": {**written.content, **changed}, "circulated": written.circulated}
    sealed = seal_words(session, "meeting", held.meeting_id, f"minutes/{written.id}", words, at=NEXT)
    session.execute(update(_minutes).values(sealed=sealed))


@pytest.mark.ci
def test_a_later_meeting_approves_them_and_then_they_never_change(cast: Cast, held: Held) -> None:
    path = f"/meetings/{held.meeting_id}/minutes"
    client = signed_in(cast, "coordinator", NEXT)
    circulate(client, path, row(cast).version)
    assert "None is open yet." in client.get(path).text
    with cast.session() as session:
        later = meeting(session, NEXT_LOCAL)
        running.open_meeting(session, later, by=cast.actor("coordinator"), at=NEXT)
    assert f'<option value="{later}"' in client.get(path).text
    missing = client.post(f"{path}/approval", data={"seen": row(cast).version})
    assert missing.status_code == 422
    done = client.post(f"{path}/approval", data={"seen": row(cast).version, "meeting": str(later)})
    assert done.headers["location"] == f"{path}#approval"
    page = signed_in(cast, "manager_codim", NEXT).get(path).text
    assert row(cast).digest in page
    assert "They are approved, and stay as they are." in text_of(page)
    with cast.session() as session:
        kept = minutes.minutes_of(session, held.meeting_id).content["items"]
        rewrite(session, held, items=[{**kept[0], "said": {"fr": "Oui.", "en": ""}}, *kept[1:]])
    lacks = text_of(client.get(path).text)
    assert "Its readers have the other edition." in lacks
    assert "Until then" not in lacks, "nothing can be added any more"
    for act, more in (("notes", {"number": "1"}), ("amendment", {}), ("refreshing", {}), ("circulation", {})):
        refused = client.post(f"{path}/{act}", data={"seen": row(cast).version, **more})
        assert refused.status_code == 409, act
        assert "they stay as they are" in text_of(refused.text), act
    with cast.session() as session:
        rewrite(session, held, has_quorum=False)
    assert "Their text is not the one that was approved." in client.get(path).text


def test_only_the_secretary_writes_sends_takes_back_and_approves(cast: Cast, held: Held) -> None:
    path = f"/meetings/{held.meeting_id}/minutes"
    member = signed_in(cast, "manager_codim")
    for act in ("notes", "refreshing", "circulation", "amendment", "approval"):
        assert member.post(f"{path}/{act}", data={"seen": 1}).status_code == 404, act


@pytest.mark.ci
def test_minutes_that_lack_a_language_say_which_items(cast: Cast, held: Held) -> None:
    path = f"/meetings/{held.meeting_id}/minutes"
    client = signed_in(cast, "coordinator")
    client.post(f"{path}/notes", data={"seen": row(cast).version, "number": "2", "said_fr": "Remis.", "said_en": ""})
    page = client.get(path).text
    assert "Items and decisions without text in this language: 2." in text_of(page)
    assert f"{path}/fr.pdf" in page
    assert f"{path}/en.pdf" not in page
    refused = client.get(f"{path}/en.pdf")
    assert refused.status_code == 409
    assert "what you typed" not in text_of(refused.text), "nothing was typed"
    shown = client.post(f"{path}/circulation", data={"seen": row(cast).version})
    assert "Incomplete in English: 2." in text_of(shown.text)


@pytest.mark.ci
def test_what_was_typed_is_shown_as_text(cast: Cast) -> None:
    held = hold(cast, typed=HARD)
    page = signed_in(cast, "coordinator").get(f"/meetings/{held.meeting_id}/minutes").text
    assert HARD not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


@pytest.mark.ci
def test_a_meeting_leads_to_its_minutes_once_it_was_held(cast: Cast, held: Held) -> None:
    member = signed_in(cast, "manager_codim")
    assert f"/meetings/{held.meeting_id}/minutes" in member.get(f"/meetings/{held.meeting_id}").text
    with cast.session() as session:
        later = meeting(session, NEXT_LOCAL)
    assert "/minutes" not in member.get(f"/meetings/{later}").text
    assert "There are no minutes yet" in member.get(f"/meetings/{later}/minutes").text


def test_corrections_of_the_attendance_come_into_the_draft(cast: Cast, held: Held) -> None:
    path = f"/meetings/{held.meeting_id}/minutes"
    client = signed_in(cast, "coordinator")
    with cast.session() as session:
        before = minutes.content_of(minutes.minutes_of(session, held.meeting_id))
        rewrite(session, held, attendance=[])
    done = client.post(f"{path}/refreshing", data={"seen": row(cast).version})
    assert done.headers["location"] == f"{path}#attendance"
    with cast.session() as session:
        assert minutes.content_of(minutes.minutes_of(session, held.meeting_id)) == before
