"""What partners say of decisions, at the window: they ask that one be endorsed, and an objection is settled."""

from __future__ import annotations

from datetime import timedelta

import pytest

from meetings import freezing
from meetings.endorsing import endorse
from tests.api.json.window import Asker
from tests.api.pages.gathered import END, hold
from tests.cast import Cast
from tests.meetings.meeting_room import NEXT, NEXT_LOCAL, PRESENT, meeting, opened

pytestmark = pytest.mark.ci


def test_a_manager_asks_that_a_decision_be_endorsed_that_was_recorded_as_another_kind(cast: Cast) -> None:
    held = hold(cast)
    path = f"/decisions/{held.owed}"
    wanted = {"organization_id": str(cast.organizations["codim"]), "reason": "C’est de la gestion."}
    coordinator = Asker(cast, "coordinator", at=END)
    assert coordinator.ask("POST", f"{path}/wanted-endorsement", wanted).status_code == 404
    manager = Asker(cast, "manager_codim", at=END, app=coordinator.app)
    shown = manager.post(f"{path}/wanted-endorsement", wanted)
    assert (shown["wanted_by_id"], shown["wanted_why"]) == (wanted["organization_id"], wanted["reason"])
    again = manager.ask("POST", f"{path}/wanted-endorsement", wanted)
    assert again.status_code == 409


def test_an_objection_is_settled_while_the_committee_sits_by_who_keeps_its_minutes(cast: Cast) -> None:
    held = hold(cast)
    path = f"/decisions/{held.budget}/settlement"
    with cast.session() as session:
        by, place = cast.actor("manager_codim"), cast.organizations["codim"]
        endorse(session, held.budget, place, "objected", reason="Trop cher.", by=by, at=END)
        late = END + timedelta(days=20)
        freezing.freeze(session, meeting(session, NEXT_LOCAL), by=cast.actor("coordinator"), at=late)
        here = opened(session, cast, *PRESENT, local=NEXT_LOCAL, at=NEXT)
    said = {"meeting_id": str(here), "settled_as": "kept", "text_fr": "On le garde."}
    coordinator = Asker(cast, "coordinator", at=NEXT)
    manager = Asker(cast, "manager_codim", at=NEXT, app=coordinator.app)
    assert manager.ask("POST", path, said).status_code == 404
    assert coordinator.ask("POST", path, said | {"text_fr": ""}).status_code == 422
    assert coordinator.post(path, said)["state"] != "objected"
    assert coordinator.ask("POST", path, said).status_code == 409, "once"


def test_what_a_decision_says_that_it_takes_back_holds_no_more_once_it_is_recorded(cast: Cast) -> None:
    held = hold(cast)
    coordinator = Asker(cast, "coordinator", at=NEXT)
    before = coordinator.get(f"/decisions/{held.owed}")
    with cast.session() as session:
        here = opened(session, cast, *PRESENT, local=NEXT_LOCAL, at=NEXT)
    said = {"text_fr": "On n’écrit plus.", "takes_back": [before["number"], before["number"]]}
    later = coordinator.post(f"/meetings/{here}/decisions", said)
    assert later["takes_back"] == [before["number"]]
    after = coordinator.get(f"/decisions/{held.owed}")
    assert (before["state"], after["state"], after["withdrawn_by_id"]) == ("open", "withdrawn", later["id"])
    again = coordinator.ask("POST", f"/meetings/{here}/decisions", said)
    assert (again.status_code, again.json()["code"]) == (409, "decision.not_to_be_taken_back")


def test_a_decision_of_one_language_is_written_in_the_other_once_and_from_the_version_that_was_read(cast: Cast) -> None:
    hold(cast)
    coordinator = Asker(cast, "coordinator", at=NEXT)
    with cast.session() as session:
        here = opened(session, cast, *PRESENT, local=NEXT_LOCAL, at=NEXT)
    made = coordinator.post(f"/meetings/{here}/decisions", {"text_fr": "On écrit le jeudi."})
    path, said = f"/decisions/{made['id']}/translation", {"language": "en", "text": "Letters leave on Thursdays."}
    assert (made["text_en"], made["added_in"], made["added_at"]) == ("", "", None)
    for version, status in ((None, 428), (made["version"] + 1, 412)):
        assert coordinator.ask("POST", path, said, version=version).status_code == status
    assert coordinator.ask("POST", path, said | {"language": "nl"}, version=made["version"]).status_code == 422
    shown = coordinator.post(path, said, version=made["version"])
    assert (shown["text_fr"], shown["text_en"]) == (made["text_fr"], said["text"])
    assert (shown["added_in"], shown["added_at"] is not None) == ("en", True)
    for again in (said, said | {"language": "fr"}):
        assert coordinator.ask("POST", path, again, version="*").json()["code"] == "decision.written"
