"""What becomes of the items of a meeting under way, over JSON: outcomes, what comes up, and an opening taken back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from meetings import running
from meetings.agenda_items import items_of
from tests.api.json.window import Asker
from tests.cast import Arranged, Cast
from tests.meetings.meeting_room import MINUTE, NEXT_LOCAL, NOW, meeting, planned


@pytest.fixture
def asker(cast: Cast, arranged: Arranged[None]) -> Asker:
    """The coordinator's window, twenty minutes into a meeting with three items."""
    arranged(cast, planned)
    with cast.session() as session:
        running.open_meeting(session, meeting(session), by=cast.actor("coordinator"), at=NOW - 5 * MINUTE)
    return Asker(cast, "coordinator", at=NOW + timedelta(minutes=20))


@pytest.fixture
def place(asker: Asker) -> str:
    """The meeting's path."""
    with asker.cast.session() as session:
        return f"/meetings/{meeting(session)}"


@pytest.mark.ci
def test_an_item_is_treated_by_the_version_that_was_read_and_corrected(asker: Asker, place: str) -> None:
    first, second, _ = asker.get(f"{place}/outcomes")
    assert (first["number"], first["outcome"], first["minutes_used"], second["minutes_used"]) == ("1", "", 25, None)
    path = f"{place}/outcomes/{first['id']}"
    body = {"outcome": "treated", "note_fr": "Entendu."}
    assert asker.ask("PUT", path, body).status_code == 428
    done = asker.ask("PUT", path, body, version=first["version"])
    assert (done.status_code, done.headers["etag"]) == (200, f'"{first["version"] + 1}"')
    assert (done.json()["outcome"], done.json()["note_fr"], done.json()["minutes_used"]) == ("treated", "Entendu.", 25)
    late = asker.ask("PUT", path, {"outcome": "carried"}, version=first["version"])
    assert (late.status_code, late.json()["code"]) == (412, "agenda_item.changed")
    again = asker.ask("PUT", path, {"outcome": "withdrawn"}, version="*").json()
    assert (again["outcome"], again["note_fr"]) == ("withdrawn", "Entendu.")
    assert asker.ask("PUT", path, {"outcome": "decided"}, version="*").json()["code"] == "item.no_decision"


@pytest.mark.ci
def test_an_item_is_referred_to_another_committee(asker: Asker, place: str) -> None:
    _, second, _ = asker.get(f"{place}/outcomes")
    path = f"{place}/outcomes/{second['id']}"
    assert asker.ask("PUT", path, {"outcome": "referred"}, version="*").json()["code"] == "item.refer_to"
    body = {"outcome": "referred", "refer_to": "clinical"}
    assert asker.ask("PUT", path, body, version="*").json()["referred_to"] == "clinical"


def test_an_item_of_another_meeting_is_not_there(asker: Asker, place: str) -> None:
    (first, *_) = asker.get(f"{place}/outcomes")
    with asker.cast.session() as session:
        other = f"/meetings/{meeting(session, NEXT_LOCAL)}"
    assert asker.ask("PUT", f"{other}/outcomes/{first['id']}", {"outcome": "treated"}, version="*").status_code == 404


@pytest.mark.parametrize(
    "body", [{}, {"outcome": "asleep"}, {"outcome": "treated", "more": 1}, {"outcome": "treated", "note_fr": 5}]
)
def test_an_outcome_that_is_none_is_refused(asker: Asker, place: str, body: dict[str, object]) -> None:
    (first, *_) = asker.get(f"{place}/outcomes")
    assert asker.ask("PUT", f"{place}/outcomes/{first['id']}", body, version="*").status_code == 422


def test_what_comes_up_is_added_once_for_each_key(asker: Asker, place: str) -> None:
    body = {"title_fr": "Dégât d’eau", "minutes": 10, "reason": "Cette nuit"}
    made = [asker.ask("POST", f"{place}/additions", body, key="a-1") for _ in range(2)]
    assert [one.status_code for one in made] == [201, 201]
    assert (made[0].json()["number"], made[0].json()["minutes"]) == ("3.1", 10)
    assert made[1].headers["idempotency-replayed"]
    with asker.cast.session() as session:
        titles = [(one.title_fr, one.title_en) for one in items_of(session, meeting(session))]
    assert titles[3:] == [("Dégât d’eau", "Dégât d’eau")]
    assert asker.ask("POST", f"{place}/additions", {"title_fr": "Autre"}).status_code == 409
    assert asker.ask("POST", f"{place}/additions", {**body, "minutes": 601}).status_code == 422


@pytest.mark.ci
def test_an_opening_is_taken_back_while_nothing_is_recorded(asker: Asker, place: str) -> None:
    assert asker.post(f"{place}/putting-back", version="*")["state"] == "planned"
    assert asker.ask("POST", f"{place}/putting-back", version="*").status_code == 409
    asker.post(f"{place}/opening", version="*")
    filled = asker.post(f"{place}/attendance/rest")
    assert {one["state"] for one in filled["seats"]} == {"present"}
    assert filled["quorum"]["is_met"]
    assert asker.post(f"{place}/attendance/rest") == filled
    assert asker.ask("POST", f"{place}/putting-back", version="*").json()["code"] == "meeting.recorded"


@pytest.mark.ci
def test_only_the_coordinator_says_what_becomes_of_items(asker: Asker, place: str) -> None:
    (first, *_) = asker.get(f"{place}/outcomes")
    for name in ("manager_codim", "police"):
        other = Asker(asker.cast, name, app=asker.app, at=NOW)
        assert other.ask("GET", f"{place}/outcomes").status_code == 404
        for method, path, body in (
            ("PUT", f"{place}/outcomes/{first['id']}", {"outcome": "treated"}),
            ("POST", f"{place}/additions", {"title_fr": "Non", "reason": "Non"}),
            ("POST", f"{place}/putting-back", None),
            ("POST", f"{place}/attendance/rest", None),
        ):
            assert other.ask(method, path, body, version="*").status_code == 404, path
    assert asker.get(f"{place}/outcomes")[0] == first
