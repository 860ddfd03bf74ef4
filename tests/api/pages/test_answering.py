"""Answering by the link of a letter, and the private calendar address: what they show, to whom, and when they end."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from icalendar import Calendar
from sqlalchemy import func, select

from api.pages.answering import ANSWERS_FROM_ONE_PLACE
from domain.people.people import end_tenure
from meetings import feeds, schedule
from models.base import table_of
from models.invitation import MeetingAnswer
from models.meeting import Meeting
from models.program import Tenure
from models.record import Event
from tests.api.application import client_for, nobody
from tests.api.pages.looking import text_of
from tests.cast import AT, TODAY, Cast
from tests.meetings.sitting import give, letters, seat_everyone

_meeting = table_of(Meeting)
_answer = table_of(MeetingAnswer)
_tenure = table_of(Tenure)
_event = table_of(Event)

FIRST = date(2026, 12, 2)


@pytest.fixture
def planned(cast: Cast) -> list[UUID]:
    """Three Wednesdays of the Clinical Committee and one Steering meeting."""
    with cast.session() as session:
        seat_everyone(session, cast)
        by = cast.actor("coordinator")
        schedule.plan_season(
            session, "clinical", first=FIRST, last=FIRST + timedelta(weeks=2), hour=time(9, 30), by=by, at=AT
        )
        schedule.plan_meetings(session, "steering", [datetime.combine(date(2026, 12, 9), time(13, 30))], by=by, at=AT)
        return list(
            session.scalars(select(_meeting.c.id).where(_meeting.c.series_id.is_not(None)).order_by(_meeting.c.starts))
        )


def link_of(cast: Cast, name: str, words: str = "") -> str:
    """The path of the link in the last letter to one of the cast whose subject holds these words."""
    with cast.session() as session:
        found = [one for one in letters(session) if one.person_id == cast.people[name] and words in one.subject]
    (path,) = re.findall(r"https://spheres\.example(/answer/[\w-]+)", found[-1].text)
    return str(path)


def count_of(cast: Cast, name: str) -> int:
    """How many letters about meetings one of the cast was written."""
    with cast.session() as session:
        return sum(one.person_id == cast.people[name] for one in letters(session))


def said(cast: Cast) -> list[Any]:
    with cast.session() as session:
        return list(
            session.execute(
                select(_answer.c.meeting_id, _answer.c.answer, _answer.c.by, _answer.c.alternate_id)
                .join(_meeting, _meeting.c.id == _answer.c.meeting_id)
                .order_by(_meeting.c.starts)
            )
        )


def leave(cast: Cast, name: str) -> None:
    with cast.session() as session:
        for held in session.scalars(select(_tenure.c.id).where(_tenure.c.person_id == cast.people[name])).all():
            end_tenure(session, held, ends_on=TODAY - timedelta(days=1), by=cast.actor("coordinator"), at=AT)


def client_of(cast: Cast, at: datetime = AT) -> TestClient:
    return nobody(cast.database, at=at)


@pytest.mark.ci
@pytest.mark.usefixtures("planned")
def test_looking_shows_what_is_asked_and_changes_nothing(cast: Cast) -> None:
    client = client_of(cast)
    path = link_of(cast, "worker_codim")
    with cast.session() as session:
        before = session.scalar(select(func.count()).select_from(_event))
    pages = [client.get(path) for _ in range(3)]
    assert [page.status_code for page in pages] == [200] * 3
    page = pages[-1]
    text = text_of(page.text)
    assert "Garnet Schist" in text
    assert text.count("No answer yet") == 3
    assert "Silex" not in page.text  # nobody else's name
    assert said(cast) == []
    with cast.session() as session:
        assert session.scalar(select(func.count()).select_from(_event)) == before


@pytest.mark.ci
def test_the_button_records_the_answer_to_the_meetings_that_were_ticked(cast: Cast, planned: list[UUID]) -> None:
    client = client_of(cast)
    path = link_of(cast, "worker_codim")
    answer = client.post(path, data={"said": "accepted", "meeting": [str(planned[0]), str(planned[2])]})
    assert answer.status_code == 303
    assert [(one.meeting_id, one.answer, one.by) for one in said(cast)] == [
        (planned[0], "accepted", "link"),
        (planned[2], "accepted", "link"),
    ]
    page = text_of(client.get(answer.headers["location"]).text)
    assert "Your answer is recorded" in page
    # The last one counts, as long as the meeting is to come.
    client.post(path, data={"said": "tentative", "meeting": str(planned[0])})
    assert [one.answer for one in said(cast)] == ["tentative", "accepted"]


def test_one_answer_to_several_dates_is_one_letter_to_whoever_comes_instead(cast: Cast, planned: list[UUID]) -> None:
    with cast.session() as session:
        give(session, cast, "clinical", "codim", "deputy", "alternate")
    path, before = link_of(cast, "worker_codim"), count_of(cast, "deputy")
    form = {"said": "declined", "alternate": str(cast.people["deputy"]), "meeting": [str(one) for one in planned]}
    assert client_of(cast).post(path, data=form).status_code == 303
    assert {one.alternate_id for one in said(cast)} == {cast.people["deputy"]}
    assert count_of(cast, "deputy") == before + 1
    form |= {"said": "accepted", "alternate": ""}
    assert client_of(cast).post(path, data=form).status_code == 303
    assert count_of(cast, "deputy") == before + 2


@pytest.mark.ci
@pytest.mark.usefixtures("planned")
def test_who_cannot_come_names_who_comes_instead(cast: Cast) -> None:
    path = link_of(cast, "manager_em")
    client = client_of(cast)
    page = client.get(path).text
    assert "Soufre Tungstène" in page
    meeting = re.search(r'name="meeting" value="([\w-]+)"', page)
    assert meeting
    given = {"said": "declined", "alternate": str(cast.people["deputy"]), "meeting": meeting[1]}
    assert client.post(path, data=given).status_code == 303
    assert [one.alternate_id for one in said(cast)] == [cast.people["deputy"]]
    assert link_of(cast, "deputy")


@pytest.mark.ci
@pytest.mark.usefixtures("planned")
def test_the_page_speaks_the_language_of_whom_the_letter_is_for(cast: Cast) -> None:
    french, english = link_of(cast, "police"), link_of(cast, "worker_codim")
    client = client_of(cast)  # a browser that asks for English
    page = client.get(french)
    assert page.headers["content-language"] == "fr-CA"
    assert '<html lang="fr-CA"' in page.text
    assert client.get(f"{french}?lang=en").headers["content-language"] == "en-CA"
    client.cookies.clear()
    assert client.get(english).headers["content-language"] == "en-CA"


@pytest.mark.wide(3)
@pytest.mark.parametrize(
    "given",
    [
        {"said": "accepted"},
        {"said": "accepted", "meeting": "zzz"},
        {"said": "", "meeting": "{0}"},
        {"said": "perhaps", "meeting": "{0}"},
        {"said": "declined", "alternate": "{outsider}", "meeting": "{0}"},
        {"said": "accepted", "meeting": "{steering}"},
    ],
)
def test_what_the_link_does_not_ask_about_is_refused_and_nothing_recorded(
    cast: Cast, planned: list[UUID], given: dict[str, str]
) -> None:
    with cast.session() as session:
        steering = session.scalars(select(_meeting.c.id).where(_meeting.c.series_id.is_(None))).one()
    words = {"outsider": cast.people["second_deputy"], "steering": steering}
    data = {name: value.format(*planned, **words) for name, value in given.items()}
    answer = client_of(cast).post(link_of(cast, "worker_codim"), data=data)
    assert answer.status_code in (409, 422)
    assert "Nothing was recorded" in answer.text
    assert said(cast) == []


@pytest.mark.ci
def test_a_link_that_does_not_open_is_as_one_that_never_was(cast: Cast, planned: list[UUID]) -> None:
    path = link_of(cast, "worker_codim")
    unknown = client_of(cast).get("/answer/never-there")
    assert unknown.status_code == 404
    late = client_of(cast, at=datetime(2027, 1, 20, 15, 0, tzinfo=AT.tzinfo)).get(path)
    leave(cast, "worker_codim")
    departed = client_of(cast).get(path)
    same = re.sub(r'href="\?[^"]*"', "", unknown.text)
    for answer in (late, departed):
        assert answer.status_code == 404
        assert re.sub(r'href="\?[^"]*"', "", answer.text) == same
    posted = client_of(cast).post(path, data={"said": "accepted", "meeting": str(planned[0])})
    assert posted.status_code == 404
    assert said(cast) == []


@pytest.mark.ci
def test_answers_from_one_place_are_counted(cast: Cast) -> None:
    client = client_of(cast)
    statuses = [client.post("/answer/guess", data={}).status_code for _ in range(ANSWERS_FROM_ONE_PLACE + 1)]
    assert statuses == [404] * ANSWERS_FROM_ONE_PLACE + [429]
    assert client.get("/answer/guess").status_code == 404


# ---------------------------------------------------------------------------------------------------------- the feed


def feed_of(cast: Cast, name: str) -> str:
    with cast.session() as session:
        return feeds.make(session, cast.people[name], by=cast.actor(name), at=AT)


@pytest.mark.usefixtures("planned")
def test_a_feed_is_a_calendar_of_ones_meetings_that_nobody_else_keeps(cast: Cast) -> None:
    answer = client_of(cast).get(feed_of(cast, "worker_codim"))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert answer.headers["cache-control"] == "private, no-cache"
    (season,) = Calendar.from_ical(answer.content).walk("VEVENT")
    assert b"RRULE:FREQ=WEEKLY" in answer.content, "one event, as in the invitation"
    assert season.get("ATTENDEE") is None


def test_a_feed_that_did_not_change_is_not_sent_again(cast: Cast, planned: list[UUID]) -> None:
    client, path = client_of(cast), feed_of(cast, "worker_codim")
    tag = client.get(path).headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}'):
        again = client.get(path, headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert again.headers["cache-control"] == "private, no-cache"
    with cast.session() as session:
        schedule.cancel_meeting(session, planned[0], reason="Tempête", by=cast.actor("coordinator"), at=AT)
    changed = client.get(path, headers={"If-None-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag


@pytest.mark.usefixtures("planned")
def test_a_feed_is_not_there_once_it_is_ended_or_its_person_has_left(cast: Cast) -> None:
    client = client_of(cast)
    ended, left = feed_of(cast, "police"), feed_of(cast, "worker_codim")
    with cast.session() as session:
        (one,) = feeds.feeds_of(session, cast.people["police"])
        feeds.end(session, cast.people["police"], one.id, by=cast.actor("police"), at=AT)
    assert client.get(left).status_code == 200
    leave(cast, "worker_codim")
    for path in (ended, left, "/calendar/never.ics"):
        assert client.get(path).status_code == 404


@pytest.mark.usefixtures("planned")
@pytest.mark.parametrize("path", ["/people/{person}/access/end", "/api/v1/people/{person}/access"])
def test_whoever_s_access_is_ended_has_no_calendar_address_nor_answer_link_either(cast: Cast, path: str) -> None:
    """A telephone was lost: what is on it opens nothing any more."""
    client, feed = client_of(cast), feed_of(cast, "worker_codim")
    answering = link_of(cast, "worker_codim")
    assert client.get(feed).status_code == 200
    assert client.get(answering).status_code == 200
    coordinator = client_for(cast.database, cast.people["coordinator"])
    method = "POST" if path.endswith("end") else "DELETE"
    ended = coordinator.request(method, path.format(person=cast.people["worker_codim"]))
    assert ended.status_code in (204, 303), ended.text
    assert client.get(feed).status_code == 404
    assert client.get(answering).status_code == 404
