"""Committees and meetings over JSON: whatever the pages do, by the same verbs, asked of the same table."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlmodel import Session

from meetings import assembling
from models.base import table_of
from models.committee import Committee
from models.outbox import Notice
from tests.api.application import nobody
from tests.api.json.window import Asker
from tests.cast import AT, Cast
from tests.meetings.sitting import seat_everyone

_notice = table_of(Notice)
_committee = table_of(Committee)

SEASON: dict[str, Any] = {
    "first": "2026-12-02",
    "last": "2027-01-27",
    "hour": "09:30",
    "place": "Salle A",
    "without": [{"day": "2026-12-30", "reason": "Congé des fêtes"}],
}


@pytest.fixture
def coordinator(cast: Cast) -> Asker:
    """The coordinator's window, where everyone sits."""
    with cast.session() as session:
        seat_everyone(session, cast)
    return Asker(cast, "coordinator")


def _as(coordinator: Asker, name: str) -> Asker:
    return Asker(coordinator.cast, name, app=coordinator.app)


def _letters(cast: Cast) -> int:
    with cast.session() as session:
        return _count(session)


def _count(session: Session) -> int:
    found = session.scalar(
        select(func.count())
        .select_from(_notice)
        .where(_notice.c.program_id == session.info["program_id"], _notice.c.thread != "")
    )
    return found or 0


def _season(coordinator: Asker) -> list[dict[str, Any]]:
    coordinator.post("/committees/clinical/seasons", SEASON)
    items: list[dict[str, Any]] = coordinator.get("/meetings?committee=clinical&to=2027-03-01")["items"]
    return items


def test_a_committee_shows_its_seats_on_a_day_and_the_vacant_ones(coordinator: Asker) -> None:
    every = {one["key"]: one for one in coordinator.get("/committees")}
    steering = coordinator.get("/committees/steering?on=2026-12-01")
    assert every["joint"]["derived_from"] == ["steering", "clinical"]
    seats = {one["key"]: one for one in steering["seats"]}
    assert [(one["kind"], one["person_id"]) for one in seats["en-marge"]["holders"]] == [
        ("principal", str(coordinator.cast.people["manager_em"])),
        ("alternate", str(coordinator.cast.people["deputy"])),
    ]
    before = coordinator.get("/committees/steering?on=2024-01-01")
    assert all(one["holders"] == [] for one in before["seats"])
    to_come = {one["key"]: one["waits_for"] for one in before["seats"]}
    assert [one["name"] for one in to_come["en-marge"]] == ["Perle Obsidienne"], "it is theirs from a later day on"
    assert all(one["vacant"] == (not one["waits_for"]) for one in before["seats"])
    assert coordinator.ask("GET", "/committees/nothing").status_code == 404


def test_dates_are_proposed_with_their_reasons_and_nothing_is_planned(coordinator: Asker) -> None:
    dates = coordinator.get("/committees/steering/proposals?first=2027-01-01")
    assert len(dates) == 4
    season = coordinator.get("/committees/clinical/proposals?first=2026-12-02&last=2027-01-27")
    assert [one["original"] for one in season if one["decision"] == "skip"]
    assert all(one["reasons"][0]["sentence"] for one in season if one["decision"] == "skip")
    assert coordinator.get("/meetings?to=2027-12-31")["total"] == 0
    assert (
        _as(coordinator, "worker_codim").ask("GET", "/committees/clinical/proposals?first=2027-01-01").status_code
        == 404
    )


def test_where_no_date_can_be_proposed_the_answer_says_why(coordinator: Asker) -> None:
    short = coordinator.ask("GET", "/committees/clinical/proposals?first=2026-12-03&last=2026-12-08")
    past = coordinator.ask("GET", "/committees/steering/proposals?first=2026-01-01")
    long = coordinator.ask("GET", "/committees/clinical/proposals?first=2026-12-03&last=2090-12-08")
    assert (long.status_code, long.json()["code"]) == (422, "season.too_long")
    assert (short.status_code, short.json()["code"]) == (409, "dates.no_weekday")
    assert (past.status_code, past.json()["code"]) == (409, "dates.past")


@pytest.mark.ci
def test_a_change_counts_the_people_who_hear_of_it_and_the_letters_that_leave(cast: Cast, coordinator: Asker) -> None:
    year = {"starts": [f"2027-{month:02}-17T09:00" for month in (2, 5, 9, 11)]}
    foreseen = coordinator.ask("POST", "/committees/steering/meetings?preview=true", year, key="k-2").json()
    made = coordinator.ask("POST", "/committees/steering/meetings", year, key="k-2").json()
    people = {one["person_id"] for one in made["letters"]}
    assert [len(one["news"]) for one in made["letters"]] == [4] * len(people), (
        "all that it has for a person is one letter"
    )
    assert sum(one["has_address"] for one in made["letters"]) == made["sent"]
    assert (foreseen["people"], foreseen["sent"]) == (made["people"], made["sent"]) == (len(people), _letters(cast))


@pytest.mark.ci
def test_a_preview_answers_the_very_letters_of_the_change_and_changes_nothing(cast: Cast, coordinator: Asker) -> None:
    foreseen = coordinator.ask("POST", "/committees/clinical/seasons?preview=true", SEASON, key="k-1")
    assert (foreseen.status_code, foreseen.json()["preview"]) == (200, True)
    assert coordinator.get("/meetings?to=2027-03-01")["total"] == 0
    assert _letters(cast) == 0
    made = coordinator.ask("POST", "/committees/clinical/seasons", SEASON, key="k-1")
    assert (made.status_code, made.json()["letters"]) == (201, foreseen.json()["letters"])
    assert _letters(cast) == sum(one["has_address"] for one in made.json()["letters"]) > 0
    again = coordinator.ask("POST", "/committees/clinical/seasons", SEASON, key="k-1")
    assert (again.status_code, again.headers["idempotency-replayed"]) == (201, "true")
    assert coordinator.get("/meetings?committee=clinical&to=2027-03-01")["total"] == 9


@pytest.mark.ci
def test_the_list_is_of_days_of_a_committee_or_of_those_that_invite_the_asker(coordinator: Asker) -> None:
    lines = _season(coordinator)
    assert [line["state"] for line in lines].count("cancelled") == 1
    assert next(line["reason"] for line in lines if line["state"] == "cancelled") == "Congé des fêtes"
    assert coordinator.get("/meetings?from=2026-12-09&to=2026-12-16")["total"] == 2
    assert coordinator.get("/meetings?committee=steering")["total"] == 0
    assert coordinator.get("/meetings?from=2026-12-16&to=2026-12-09")["total"] == 0
    manager = _as(coordinator, "manager_codim")
    assert manager.get("/meetings")["total"] > 0
    assert manager.get("/meetings?mine=true")["total"] == 0
    assert coordinator.get(f"/meetings?mine=true&limit=2&after={lines[0]['id']}")["items"][0]["id"] == lines[1]["id"]
    assert coordinator.ask("GET", "/meetings?from=2026-01-01&to=2029-01-01").json()["code"] == "meetings.too_long"


@pytest.mark.ci
def test_a_meeting_is_moved_placed_and_cancelled_in_the_version_that_was_seen(coordinator: Asker) -> None:
    first, second, *_ = _season(coordinator)
    place = f"/meetings/{second['id']}"
    moved = {"starts": "2026-12-10T10:00", "reason": "Salle prise"}
    assert coordinator.ask("PUT", f"{place}/time", moved).status_code == 428
    foreseen = coordinator.ask("PUT", f"{place}/time?preview=true", moved, version=second["version"])
    assert coordinator.get(place)["starts"] == second["starts"]
    done = coordinator.ask("PUT", f"{place}/time", moved, version=second["version"])
    assert done.json()["letters"] == foreseen.json()["letters"]
    assert Counter(news["kind"] for one in done.json()["letters"] for news in one["news"]) == {"moved": 6}
    late = coordinator.ask("PUT", f"{place}/place", {"place": "Salle B"}, version=second["version"])
    assert (late.status_code, late.json()["code"]) == (412, "meeting.changed")
    shown = coordinator.ask("GET", place)
    assert (shown.json()["starts"], shown.headers["etag"]) == ("2026-12-10T10:00:00", f'"{second["version"] + 1}"')
    body = {"place": "Salle B", "online_url": "https://visio.example/b"}
    assert coordinator.ask("PUT", f"{place}/place", body, version="*").status_code == 200
    assert coordinator.get(place)["online_url"] == body["online_url"]
    off = coordinator.ask("POST", f"/meetings/{first['id']}/cancellation", {"reason": "Tempête"}, version=1)
    assert {news["kind"] for one in off.json()["letters"] for news in one["news"]} == {"cancelled"}
    assert coordinator.get(f"/meetings/{first['id']}")["state"] == "cancelled"


@pytest.mark.ci
def test_the_hour_changes_from_a_meeting_on_and_a_lonely_one_has_none(coordinator: Asker) -> None:
    lines = _season(coordinator)
    third = lines[2]
    changed = coordinator.ask("PUT", f"/meetings/{third['id']}/hour", {"hour": "13:00"}, version=third["version"])
    assert changed.status_code == 200, changed.text
    after = coordinator.get("/meetings?committee=clinical&to=2027-03-01")["items"]
    assert [line["starts"][11:16] for line in after][:4] == ["09:30", "09:30", "13:00", "13:00"]
    coordinator.post("/committees/steering/meetings", {"starts": ["2027-02-03T13:30"]})
    alone = coordinator.get("/meetings?committee=steering")["items"][0]
    refused = coordinator.ask("PUT", f"/meetings/{alone['id']}/hour", {"hour": "13:00"}, version="*")
    assert (refused.status_code, refused.json()["code"]) == (409, "meeting.alone")


def test_a_time_with_a_zone_or_on_the_hour_that_the_clocks_skip_is_refused(coordinator: Asker) -> None:
    for starts in ("2027-02-03T13:30Z", "2027-02-03T13:30+01:00", "2027-02-03", 1_800_000_000):
        answer = coordinator.ask("POST", "/committees/steering/meetings", {"starts": [starts]})
        assert answer.status_code == 422, starts
    skipped = coordinator.ask("POST", "/committees/steering/meetings", {"starts": ["2027-03-14T02:30"]})
    assert skipped.status_code in (409, 422)
    assert coordinator.get("/meetings?to=2027-12-31")["total"] == 0


@pytest.mark.parametrize(
    ("starts", "status"), [("2027-02-10T09:00:30", 422), ("9999-12-31T23:00:00", 422), ("2027-02-10T09:00:00", 201)]
)
def test_a_meeting_begins_on_a_minute_and_before_the_end_of_all_years(
    coordinator: Asker, starts: str, status: int
) -> None:
    body = {"starts": [starts]}
    assert coordinator.ask("POST", "/committees/steering/meetings", body, key="k-9").status_code == status


def test_a_meeting_of_years_ago_is_refused_as_past_and_no_birth_date(coordinator: Asker) -> None:
    answer = coordinator.ask("POST", "/committees/steering/meetings", {"starts": ["2009-02-10T09:00:00"]}, key="k-9")
    assert (answer.status_code, answer.json()["code"]) == (409, "meeting.past")


@pytest.mark.ci
def test_a_guest_is_invited_sees_the_meeting_answers_and_is_withdrawn(coordinator: Asker) -> None:
    meeting = _season(coordinator)[0]
    place = f"/meetings/{meeting['id']}"
    guest = _as(coordinator, "specialist")
    assert guest.ask("GET", place).status_code == 404
    person = {"person_id": str(coordinator.cast.people["specialist"])}
    invited = coordinator.ask("POST", f"{place}/guests", person, key="g-1")
    assert (invited.status_code, [one["news"][0]["kind"] for one in invited.json()["letters"]]) == (201, ["invitation"])
    said = guest.ask("PUT", f"{place}/answer", {"answer": "tentative"})
    assert said.status_code == 200, said.text
    mine = next(one for one in coordinator.get(place)["invited"] if one["person_id"] == person["person_id"])
    assert (mine["guest"], mine["seat_id"], mine["answer"], mine["by"]) == (True, None, "tentative", "page")
    gone = coordinator.post(f"{place}/guests/{person['person_id']}/withdrawal")
    assert [one["news"][0]["method"] for one in gone["letters"]] == ["CANCEL"]
    assert guest.ask("GET", place).status_code == 404


@pytest.mark.ci
def test_who_cannot_come_names_an_alternate_of_their_seat_who_is_invited(coordinator: Asker) -> None:
    meeting = _season(coordinator)[1]
    place = f"/meetings/{meeting['id']}"
    worker = _as(coordinator, "worker_em")
    assert _as(coordinator, "manager_codim").ask("PUT", f"{place}/answer", {"answer": "accepted"}).status_code == 404
    deputy = str(coordinator.cast.people["deputy"])
    # The worker holds no role before the arrival, and may ask nothing.
    assert worker.ask("GET", place).status_code == 401
    police = _as(coordinator, "police")
    wrong = police.ask("PUT", f"{place}/answer", {"answer": "declined", "alternate_id": deputy})
    assert (wrong.status_code, wrong.json()["code"]) == (409, "answer.alternate")
    assert police.ask("PUT", f"{place}/answer", {"answer": "declined"}).json()["answer"] == "declined"
    assert police.ask("PUT", f"{place}/answer", {"answer": "perhaps"}).status_code == 422


@pytest.mark.ci
def test_only_the_coordinator_plans(coordinator: Asker) -> None:
    meeting = _season(coordinator)[0]
    member = _as(coordinator, "worker_codim")
    assert member.get(f"/meetings/{meeting['id']}")["id"] == meeting["id"]
    tries: list[tuple[str, str, dict[str, Any] | None]] = [
        ("POST", "/committees/clinical/seasons", SEASON),
        ("POST", "/committees/steering/meetings?preview=true", {"starts": ["2027-02-03T13:30"]}),
        ("PUT", f"/meetings/{meeting['id']}/time", {"starts": "2026-12-03T09:30"}),
        ("POST", f"/meetings/{meeting['id']}/cancellation", {"reason": "Non"}),
        ("POST", f"/meetings/{meeting['id']}/guests", {"person_id": str(coordinator.cast.people["officer"])}),
    ]
    for method, path, body in tries:
        assert member.ask(method, path, body, version="*").status_code == 404, path


@pytest.mark.ci
def test_an_item_is_asked_for_by_a_member_and_the_agenda_is_read_as_the_reader_may(
    cast: Cast, coordinator: Asker
) -> None:
    meeting = _season(coordinator)[0]
    member = _as(coordinator, "worker_codim")
    asked = member.ask("POST", "/committees/clinical/agenda-items", {"title_en": "A new form"}, key="i-1")
    assert asked.status_code == 201, asked.text
    outside = _as(coordinator, "manager_codim").ask(
        "POST", "/committees/clinical/agenda-items", {"title_en": "Another form"}
    )
    assert outside.status_code == 404
    assert member.ask("POST", "/committees/clinical/agenda-items", {}).status_code in (409, 422)
    with cast.session() as session:
        assembling.assemble(session, meeting["id"], by=cast.actor("coordinator"), at=AT)
    items = member.get(f"/meetings/{meeting['id']}/agenda")["items"]
    assert "A new form" in [one["title_en"] for one in items]
    assert all(one["why"] for one in items)


@pytest.mark.ci
def test_a_private_address_is_shown_once_opens_the_calendar_and_ends(coordinator: Asker) -> None:
    _season(coordinator)
    made = coordinator.ask("POST", "/calendar-feeds", key="f-1")
    again = coordinator.ask("POST", "/calendar-feeds", key="f-1")
    assert (made.status_code, again.status_code, again.content) == (201, 201, b"")
    (feed,) = coordinator.get("/calendar-feeds")
    secret = made.json()["address"].rpartition("/")[2]
    assert secret.removesuffix(".ics") not in str(feed)
    reader = nobody(coordinator.cast.database)
    assert reader.get(f"/calendar/{secret}").status_code == 200
    other = _as(coordinator, "officer")
    assert other.ask("POST", f"/calendar-feeds/{feed['id']}/ending").status_code == 404
    assert reader.get(f"/calendar/{secret}").status_code == 200
    assert coordinator.ask("POST", f"/calendar-feeds/{feed['id']}/ending").status_code == 204
    assert reader.get(f"/calendar/{secret}").status_code == 404
    assert coordinator.get("/calendar-feeds") == []


def test_what_is_in_another_program_is_as_absent_as_what_is_nowhere(cast: Cast, coordinator: Asker) -> None:
    theirs = Asker(cast.other, "coordinator", app=coordinator.app)
    theirs.post("/committees/clinical/seasons", SEASON)
    meeting = theirs.get("/meetings?to=2027-03-01")["items"][0]["id"]
    assert coordinator.get("/meetings?to=2027-03-01")["total"] == 0
    nowhere = "00000000-0000-4000-8000-000000000000"
    for method, act, body in (
        ("GET", "", None),
        ("GET", "/agenda", None),
        ("PUT", "/time", {"starts": "2026-12-03T09:30"}),
        ("PUT", "/answer", {"answer": "accepted"}),
    ):
        there, absent = (
            coordinator.ask(method, f"/meetings/{one}{act}", body, version="*") for one in (meeting, nowhere)
        )
        assert (there.status_code, there.text) == (absent.status_code, absent.text) == (404, absent.text)


@pytest.mark.parametrize(
    ("path", "body"), [("seasons", SEASON), ("meetings", {"starts": ["2026-12-10T10:00"]})], ids=["season", "meetings"]
)
def test_dates_of_a_committee_that_is_not_established_say_how_long_they_last(
    coordinator: Asker, path: str, body: dict[str, Any]
) -> None:
    with coordinator.cast.session() as session:
        session.execute(update(_committee).where(_committee.c.key == "joint").values(rhythm={}, minutes=None))
        session.commit()
    refused = coordinator.ask("POST", f"/committees/joint/{path}", body)
    assert (refused.status_code, refused.json()["code"]) == (422, "minutes.missing")
    assert coordinator.post(f"/committees/joint/{path}", {**body, "minutes": 60})["people"]
