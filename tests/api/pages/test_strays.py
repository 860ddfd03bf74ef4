"""The page of the mails that came as answers and were not taken, and the same over JSON."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import pytest
from sqlalchemy import select

from meetings import replies, unmatched_replies
from models.base import table_of
from models.invitation import MeetingAnswer
from models.meeting import Meeting
from tests.api.json.window import Asker
from tests.api.pages.looking import signed_in, text_of
from tests.cast import AT, Cast
from tests.meetings.replying import POLICE, plan_a_season, reply, season_uid

_answer = table_of(MeetingAnswer)
_meeting = table_of(Meeting)

NINTH = datetime.fromisoformat("2026-12-09T09:30")
FORGED = "mallory@elsewhere.example"


@pytest.fixture
def kept(cast: Cast) -> UUID:
    """A forged refusal of the police's for the 9th of December."""
    with cast.session() as session:
        plan_a_season(session, cast)
        replies.receive(session, reply(season_uid(session), of=POLICE, sender=FORGED, partstat="DECLINED"), at=AT)
        (found,) = unmatched_replies.waiting(session, most=9).rows
        stray_id: UUID = found.id
        return stray_id


def _ninth(cast: Cast) -> str:
    with cast.session() as session:
        return str(session.scalars(select(_meeting.c.id).where(_meeting.c.original == NINTH)).one())


def _answers(cast: Cast) -> list[tuple[str, str]]:
    with cast.session() as session:
        return [(row.answer, row.by) for row in session.execute(select(_answer))]


@pytest.mark.ci
@pytest.mark.usefixtures("kept")
def test_the_coordinators_work_says_that_some_wait_and_the_page_from_whom_of_which_meeting_and_why(cast: Cast) -> None:
    client = signed_in(cast, "coordinator")
    assert "1 e-mail could not be matched automatically." in text_of(client.get("/").text)
    assert "Answers kept aside (1)" in text_of(client.get("/meetings").text)
    page = text_of(client.get("/strays").text)
    for said in (FORGED, "Wednesday, December 9, 2026", "SPVM", "Cannot come", "it may be forged"):
        assert said in page
    for name in ("manager_em", "police", "officer"):
        assert signed_in(cast, name).get("/strays").status_code == 404, name
        assert "kept aside" not in text_of(signed_in(cast, name).get("/meetings").text)


def test_one_is_set_aside_by_a_click_and_stays_to_be_seen_with_who_did_it(cast: Cast, kept: UUID) -> None:
    client = signed_in(cast, "coordinator")
    assert client.post(f"/strays/{kept}/setting-aside", data={"seen": "1"}).status_code == 303
    page = text_of(client.get("/strays").text)
    assert "Nothing waits here" in page
    assert "Left aside" in page
    assert "kept aside" not in text_of(client.get("/").text)
    assert _answers(cast) == []
    again = client.post(f"/strays/{kept}/setting-aside", data={"seen": "1"})
    assert again.status_code == 409
    assert "Someone has already dealt with this e-mail." in text_of(again.text)


@pytest.mark.ci
def test_one_is_taken_as_an_answer_by_a_form_that_says_whose_and_keeps_what_was_chosen(cast: Cast, kept: UUID) -> None:
    client = signed_in(cast, "coordinator")
    given = {"seen": "1", "meeting": _ninth(cast), "person": str(cast.people["police"])}
    refused = client.post(f"/strays/{kept}/answer", data={**given, "said": ""})
    assert refused.status_code == 422
    assert f'value="{given["person"]}" selected' in refused.text
    assert client.post(f"/strays/{kept}/answer", data={**given, "person": "", "said": "declined"}).status_code == 422
    assert client.post(f"/strays/{kept}/answer", data={**given, "said": "declined"}).status_code == 303
    assert _answers(cast) == [("declined", "mail")]
    assert "Taken as an answer" in text_of(client.get("/strays").text)
    assert "was taken as the answer of" in text_of(client.get("/activity").text)


def test_json_shows_and_does_the_same(cast: Cast, kept: UUID) -> None:
    asker = Asker(cast, "coordinator")
    (shown,) = asker.get("/strays")["items"]
    assert (shown["from_address"], shown["reason"], shown["claimed"]) == (FORGED, "from_differs", "declined")
    assert (shown["meeting_id"], shown["starts"]) == (_ninth(cast), "2026-12-09T09:30:00")
    body = {"person_id": str(cast.people["police"]), "answer": "tentative", "meeting_id": _ninth(cast)}
    for act, sent in (("setting-aside", None), ("answer", body)):
        assert asker.ask("POST", f"/strays/{kept}/{act}", sent).status_code == 428
        older = asker.ask("POST", f"/strays/{kept}/{act}", sent, version=0)
        assert (older.status_code, older.json()["code"]) == (412, "stray.changed")
    assert asker.get(f"/strays/{kept}")["version"] == 1
    taken = asker.post(f"/strays/{kept}/answer", body, headers={"If-Match": '"1"'})
    assert taken["outcome"] == "taken"
    assert _answers(cast) == [("tentative", "mail")]
    assert asker.get("/strays")["total"] == 0
    assert asker.get("/strays?seen=true")["items"][0]["seen_by"] == str(cast.people["coordinator"])
