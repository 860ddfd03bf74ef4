"""Minutes and decisions over JSON: read as the reader may, corrected, sent, approved; a decision withdrawn."""

from __future__ import annotations

import base64

import pytest
from sqlalchemy import func, select, update

from meetings import running
from models.base import table_of
from models.outbox import Notice
from models.program import Organization
from tests.api.json.window import Asker
from tests.api.pages.gathered import END, Held, hold
from tests.cast import Arranged, Cast
from tests.meetings.meeting_room import NEXT, NEXT_LOCAL, meeting

_notice = table_of(Notice)
_organization = table_of(Organization)


@pytest.fixture
def held(cast: Cast, arranged: Arranged[Held]) -> Held:
    return arranged(cast, hold)


@pytest.fixture
def coordinator(cast: Cast, held: Held) -> Asker:  # noqa: ARG001  # the meeting is held first
    """The coordinator's window at the end of the meeting that was held."""
    return Asker(cast, "coordinator", at=END)


@pytest.fixture
def place(held: Held) -> str:
    return f"/meetings/{held.meeting_id}/minutes"


def _as(coordinator: Asker, name: str) -> Asker:
    return Asker(coordinator.cast, name, app=coordinator.app, at=END)


def _outside(cast: Cast, key: str) -> None:
    """Have an organization be no partner of the program."""
    with cast.session() as session:
        session.execute(
            update(_organization).where(_organization.c.id == cast.organizations[key]).values(kind="outside")
        )


def _letters(cast: Cast) -> int:
    with cast.session() as session:
        asked = select(func.count()).select_from(_notice).where(_notice.c.template == "meeting_minutes")
        return session.scalar(asked) or 0


@pytest.mark.ci
def test_a_draft_is_the_secretary_s_alone_and_a_member_reads_it_once_it_was_sent(
    cast: Cast, coordinator: Asker, place: str
) -> None:
    member = _as(coordinator, "manager_codim")
    assert coordinator.get(place)["state"] == "draft"
    none = member.ask("GET", place)
    assert (none.status_code, none.json()["code"]) == (409, "minutes.none")
    assert _as(coordinator, "police").ask("GET", place).status_code == 404
    foreseen = coordinator.ask("POST", f"{place}/circulation?preview=true", version=1)
    assert _letters(cast) == 0
    sent = coordinator.ask("POST", f"{place}/circulation", version=1)
    assert sent.json()["letters"] == foreseen.json()["letters"]
    assert _letters(cast) == sum(one["has_address"] for one in sent.json()["letters"]) > 0
    assert {news["kind"] for one in sent.json()["letters"] for news in one["news"]} == {"minutes"}
    assert member.get(place)["state"] == "circulated"
    assert "Heard." in str(member.get(place)["content"])


@pytest.mark.ci
def test_minutes_and_the_register_are_read_as_files_by_whoever_reads_them(coordinator: Asker, place: str) -> None:
    register = f"/committees/steering/decisions/{END.year}/fr/docx"
    member, stranger = _as(coordinator, "manager_codim"), _as(coordinator, "police")
    assert base64.b64decode(coordinator.get(f"{place}/files/fr/pdf")["content"], validate=True).startswith(b"%PDF-")
    assert member.ask("GET", f"{place}/files/fr/pdf").status_code == 404, "a draft is the secretary's alone"
    coordinator.post(f"{place}/circulation", version=1)
    file = member.get(f"{place}/files/en/docx")
    assert base64.b64decode(file["content"], validate=True).startswith(b"PK\x03\x04")
    assert member.get(register)["name"].endswith(".docx")
    assert {stranger.ask("GET", path).status_code for path in (f"{place}/files/en/docx", register)} == {404}


@pytest.mark.ci
def test_who_sits_for_an_outside_organization_reads_neither_items_nor_decisions_of_the_partners(
    cast: Cast, coordinator: Asker, held: Held, place: str
) -> None:
    coordinator.ask("POST", f"{place}/circulation", version="*")
    _outside(cast, "codim")
    _outside(cast, "anonyme")
    decided = f"/meetings/{held.meeting_id}/decisions"
    for name in ("manager_codim", "manager_la"):
        member = _as(coordinator, name)
        shown = str(member.get(place)["content"])
        assert "Training is in March." not in shown
        assert "The budget is adopted." in shown
        for path in (decided, "/committees/steering/decisions?year=2027"):
            listed = member.get(path)
            found = [one["id"] for one in (listed if path == decided else listed["items"])]
            assert found == [str(held.budget), str(held.owed)], (name, path)
        assert member.ask("GET", f"/decisions/{held.quiet}").status_code == 404
    assert str(held.quiet) in [one["id"] for one in coordinator.get(decided)]
    assert coordinator.get(f"/decisions/{held.quiet}")["text_en"] == "Training is in March."


@pytest.mark.ci
def test_a_draft_is_corrected_sent_taken_back_and_sent_to_those_for_whom_it_changed(
    cast: Cast, coordinator: Asker, place: str
) -> None:
    note = f"{place}/notes/3"
    once = coordinator.ask("PUT", note, {"said_en": "Heard, and liked."}, version=1)
    assert (once.status_code, once.headers["etag"]) == (200, '"2"')
    assert "Entendu." in str(once.json()["content"])
    assert coordinator.ask("PUT", f"{place}/notes/9", {"said_fr": "Non"}, version="*").json()["code"] == (
        "minutes.no_such_item"
    )
    coordinator.post(f"{place}/circulation", version="*")
    assert coordinator.ask("PUT", note, {"said_en": "No."}, version="*").json()["code"] == "minutes.not_draft"
    before = _letters(cast)
    assert coordinator.post(f"{place}/amendment", version="*")["state"] == "draft"
    taken = _as(coordinator, "manager_codim").ask("GET", place)
    assert (taken.status_code, taken.json()["code"]) == (409, "minutes.none")
    assert "being corrected since" in taken.json()["detail"]
    coordinator.ask("PUT", note, {"said_en": "Heard, and doubted."}, version="*")
    again = coordinator.post(f"{place}/circulation", version="*")
    # What was written anew in English alone goes to those who read English alone.
    assert {news["kind"] for one in again["letters"] for news in one["news"]} <= {"minutes_corrected"}
    assert _letters(cast) - before == len(again["letters"]) < before


@pytest.mark.ci
def test_minutes_are_approved_in_a_later_meeting_and_never_change_again(
    cast: Cast, coordinator: Asker, held: Held, place: str
) -> None:
    coordinator.post(f"{place}/circulation", version="*")
    with cast.session() as session:
        later = str(meeting(session, NEXT_LOCAL))
    early = coordinator.ask("POST", f"{place}/approval", {"meeting_id": later}, version="*")
    assert (early.status_code, early.json()["code"]) == (409, "minutes.not_later")
    own = coordinator.ask("POST", f"{place}/approval", {"meeting_id": str(held.meeting_id)}, version="*")
    assert own.json()["code"] == "minutes.not_later"
    with cast.session() as session:
        running.open_meeting(session, meeting(session, NEXT_LOCAL), by=cast.actor("coordinator"), at=NEXT)
    done = coordinator.post(f"{place}/approval", {"meeting_id": later}, version="*")
    assert (done["state"], done["approved_in"]) == ("approved", later)
    for path in ("amendment", "refreshing", "circulation"):
        refused = coordinator.ask("POST", f"{place}/{path}", version="*")
        assert (refused.status_code, refused.json()["code"]) == (409, "minutes.approved"), path
    assert coordinator.get(place) == done


@pytest.mark.ci
def test_only_the_secretary_writes_sends_and_approves_minutes(coordinator: Asker, held: Held, place: str) -> None:
    coordinator.post(f"{place}/circulation", version="*")
    before = coordinator.get(place)
    for name in ("manager_codim", "police"):
        member = _as(coordinator, name)
        assert member.ask("PUT", f"{place}/notes/3", {"said_fr": "Non"}, version="*").status_code == 404
        for path in ("refreshing", "circulation?preview=true", "circulation", "amendment"):
            assert member.ask("POST", f"{place}/{path}", version="*").status_code == 404, path
        body = {"meeting_id": str(held.meeting_id)}
        assert member.ask("POST", f"{place}/approval", body, version="*").status_code == 404
    assert coordinator.get(place) == before


@pytest.mark.ci
def test_what_is_open_is_listed_over_every_register_that_the_asker_reads(coordinator: Asker, held: Held) -> None:
    assert [one["id"] for one in coordinator.get("/decisions?open=true")["items"]] == [str(held.owed)]
    of_year = coordinator.get("/decisions?year=2027")
    assert {one["id"] for one in of_year["items"]} == {str(held.budget), str(held.quiet), str(held.owed)}
    assert coordinator.get("/decisions?year=2027&committee=steering") == of_year
    first = coordinator.get("/decisions?year=2027&limit=1")
    second = coordinator.get(f"/decisions?year=2027&limit=1&after={first['next']}")
    assert (second["items"], second["total"]) == (of_year["items"][1:2], 3)
    for nothing in ("open=true&committee=clinical", "year=2026"):
        assert coordinator.get(f"/decisions?{nothing}")["items"] == []
    outsider = _as(coordinator, "police")
    assert outsider.get("/decisions?open=true")["items"] == []
    assert outsider.ask("GET", "/decisions?committee=steering").status_code == 404


@pytest.mark.ci
def test_a_partner_finds_what_it_is_asked_to_endorse_without_a_seat_on_the_committee(
    coordinator: Asker, held: Held
) -> None:
    director = _as(coordinator, "director_codim")
    assert director.ask("GET", "/committees/steering/decisions?year=2027").status_code == 404
    (asked,) = director.get("/endorsements")["items"]
    assert asked["id"] == str(held.budget)
    assert director.get(f"/decisions/{held.budget}") == asked
    assert coordinator.get("/endorsements")["items"] == []


@pytest.mark.usefixtures("held")
def test_a_decision_recorded_afterwards_has_the_quorum_of_when_it_was_taken(cast: Cast) -> None:
    with cast.session() as session:
        later = meeting(session, NEXT_LOCAL)
        running.open_meeting(session, later, by=cast.actor("coordinator"), at=NEXT)
    path = f"/meetings/{later}/decisions"
    future = Asker(cast, "coordinator", at=NEXT)
    early = {"text_fr": "On reporte.", "decided_at": "2027-01-01T12:00:00Z"}
    assert future.ask("POST", path, early).json()["code"] == "decision.when"
    taken = {"text_fr": "On reporte.", "decided_at": "2027-04-14T17:02:00Z"}
    made = future.ask("POST", path, taken)
    assert (made.status_code, made.json()["decided_at"], made.json()["has_quorum"]) == (
        *(201, "2027-04-14T17:02:00Z", False),
    )
