"""The forms of a committee's page that say who sits, with their preview, and the same over JSON."""

from __future__ import annotations

import re
from datetime import date
from uuid import UUID

import pytest

from meetings.committees import committee_of, membership
from tests.api.json.window import Asker
from tests.api.pages.looking import signed_in, text_of
from tests.cast import Cast
from tests.meetings.replying import plan_a_season
from tests.meetings.sitting import letters, seat
from tests.meetings.test_seating import works

FROM = "2026-12-09"


@pytest.fixture
def place(cast: Cast) -> str:
    """The address of En Marge's seat on the Clinical Committee, whose season is planned."""
    with cast.session() as session:
        plan_a_season(session, cast)
        works(session, cast, "deputy")
        return f"/committees/clinical/seats/{seat(session, 'clinical', 'en-marge')}"


def _principal(cast: Cast) -> UUID:
    with cast.session() as session:
        members = membership(session, committee_of(session, "clinical").id)
        return members.holders(seat(session, "clinical", "en-marge"), date.fromisoformat(FROM))[0]


def _letters(cast: Cast) -> int:
    with cast.session() as session:
        return len(letters(session))


@pytest.mark.ci
def test_a_seat_changes_hands_by_two_clicks_the_first_of_which_shows_the_letters(cast: Cast, place: str) -> None:
    client, before = signed_in(cast, "manager_em"), _letters(cast)
    assert "Change members" in text_of(client.get("/committees/clinical").text)
    given = {"person": str(cast.people["deputy"]), "kind": "principal", "day": FROM}
    shown = client.post(f"{place}/holders", data=given)
    assert shown.status_code == 200
    page = text_of(shown.text)
    for said in ("Principal", "Wednesday, December 9, 2026", "Invitation"):
        assert said in page
    assert (_principal(cast), _letters(cast)) == (cast.people["worker_em"], before)
    found = re.search(r'name="shown" value="([^"]+)"', shown.text)
    assert found is not None
    assert client.post(f"{place}/holders", data={**given, "shown": found[1]}).status_code == 303
    assert _principal(cast) == cast.people["deputy"]
    assert _letters(cast) == before + 2, "who comes and who goes"
    assert "has a seat" in text_of(signed_in(cast, "coordinator").get("/activity").text)


@pytest.mark.ci
def test_a_manager_says_who_sits_for_their_own_organization_alone(cast: Cast, place: str) -> None:
    given = {"person": str(cast.people["deputy"]), "kind": "principal", "day": FROM}
    for name in ("manager_codim", "police", "officer"):
        assert signed_in(cast, name).post(f"{place}/holders", data=given).status_code == 404, name
        assert "Change members" not in text_of(signed_in(cast, "police").get("/committees/clinical").text)
    refused = signed_in(cast, "coordinator").post(f"{place}/holders", data={**given, "day": "2026-01-01"})
    assert refused.status_code == 409
    assert "A seat is given from today on" in text_of(refused.text)


@pytest.mark.ci
def test_json_previews_and_does_the_same(cast: Cast, place: str) -> None:
    asker, before = Asker(cast, "coordinator"), _letters(cast)
    body = {"person_id": str(cast.people["deputy"]), "kind": "principal", "starts_on": FROM}
    preview = asker.post(f"{place}/holders?preview=true", body)
    assert preview["preview"]
    assert _letters(cast) == before
    done = asker.post(f"{place}/holders", body)
    assert done["letters"] == preview["letters"]
    assert len(done["letters"]) == _letters(cast) - before == 2
    asker.post(f"{place}/ending", {"person_id": str(cast.people["deputy"]), "last_day": "2026-12-16"})
    assert asker.get("/committees/clinical?on=2026-12-17")["seats"]
