"""What the acts on agendas, minutes, decisions and candidates are aimed at: each in the state in which it is done."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain.accompaniment import workers
from meetings import minutes, running
from tests.api.json.window import Asker
from tests.api.pages.gathered import END, hold
from tests.cast import AT, TODAY, Cast
from tests.following import WORKER, agreed
from tests.meetings.clinic import NOW, clinic_of, on_the_table, prepare_clinic
from tests.meetings.meeting_room import NEXT, NEXT_LOCAL, meeting
from tests.referring import declare_admission, look_at_everything, participant_of, refer, triaged
from tests.signing import IN_JSON


def agenda_act(coordinator: Asker, act: str, meeting_id: str) -> tuple[str, dict[str, Any]]:
    """The path of an act on the agenda of a planned meeting of the Clinical Committee, and the thing that it changes.

    `late` and `late-refusal` are of an agenda that is frozen; `restoring` of an item that was taken off.
    """
    here = f"/meetings/{meeting_id}/agenda"
    name = act.rpartition("/")[2]
    if name == "freezing":
        return f"{here}/freezing", coordinator.get(f"/meetings/{meeting_id}")
    if name == "restoring":
        coordinator.post(f"{here}/assembly")
        drawn = coordinator.get(f"{here}/items")["items"][0]
        coordinator.post(f"{here}/items/{drawn['id']}/removal", version="*")
        return f"{here}/items/{drawn['id']}/restoring", coordinator.get(f"{here}/items/{drawn['id']}")
    asked = {"title_fr": "Un point", "title_en": "An item"}
    if name.startswith("late"):
        coordinator.post(f"{here}/freezing", version="*")
    if name == "late-refusal":
        asked |= {"meeting_id": meeting_id, "late_reason": "Last night."}
    item_id = coordinator.post("/committees/clinical/agenda-items", asked)["id"]
    if name not in ("scheduling", "late", "late-refusal"):
        coordinator.post(f"{here}/items/{item_id}/scheduling", version="*")
    return act.partition(" ")[2].replace("{meeting_id}", meeting_id).replace("{item_id}", item_id), coordinator.get(
        f"{here}/items/{item_id}"
    )


def minutes_act(coordinator: Asker, act: str) -> tuple[Asker, str, dict[str, Any]]:
    """Who does this to the minutes of a meeting that was held, its path, and the minutes as they stand."""
    cast = coordinator.cast
    held, by = hold(cast), cast.actor("coordinator")
    at, body = END, act.rpartition("/")[2]
    if body in ("amendment", "approval"):
        with cast.session() as session:
            minutes.circulate(session, held.meeting_id, by=by, at=END)
    if body == "approval":
        at = NEXT
        with cast.session() as session:
            running.open_meeting(session, meeting(session, NEXT_LOCAL), by=by, at=NEXT)
    asker = Asker(cast, "coordinator", at=at)
    path = act.partition(" ")[2].replace("{meeting_id}", str(held.meeting_id)).replace("{number}", "3")
    thing = asker.get(f"/meetings/{held.meeting_id}/minutes") | {"meeting_id": str(held.meeting_id)}
    return asker, path, thing


def approving(coordinator: Asker) -> str:
    """The id of the meeting that approves those minutes."""
    with coordinator.cast.session() as session:
        return str(meeting(session, NEXT_LOCAL))


def draft_act(coordinator: Asker, act: str, said: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The path of an act on a draft of one's own that says this, and the draft."""
    draft_id = coordinator.post("/referrals", said)["id"]
    return act.partition(" ")[2].replace("{referral_id}", draft_id), coordinator.get(f"/referrals/{draft_id}")


def candidate_act(coordinator: Asker, act: str) -> tuple[Asker, str, dict[str, Any]]:
    """Who does this to a candidate, its path, and what it changes, as `candidate_now` has it."""
    cast, asker, meeting_id = coordinator.cast, coordinator, None
    name = act.rpartition("/")[2]
    if name == "decision":
        prepare_clinic(cast)
        participant_id, _ = on_the_table(cast)
        asker = Asker(cast, "coordinator", at=NOW)
        with cast.session() as session:
            meeting_id = clinic_of(session)
    else:
        declare_admission(cast)
        with cast.session() as session:
            agreed(session, cast)
        participant_id = _referred(cast, name)
    if name == "number":
        _commit(coordinator, participant_id)
    path = act.partition(" ")[2].replace("{participant_id}", str(participant_id))
    return asker, path, candidate_now(asker, act, str(participant_id), str(meeting_id))


def candidate_now(asker: Asker, act: str, participant_id: str, meeting_id: str) -> dict[str, Any]:
    """The file of a candidate, and the version of what the act changes: of the file, the referral, or the item."""
    shown = asker.get(f"/participants/{participant_id}")
    version = shown["version"]
    if "/triage" in act:
        version = shown["referrals"][0]["version"]
    if act.endswith("/decision"):
        on_it = asker.get(f"/meetings/{meeting_id}/outcomes")
        version = next(one["version"] for one in on_it if one["id"] == tabled(asker))
    return {"file": shown, "meeting_id": meeting_id, "version": version}


def received(coordinator: Asker) -> str:
    """The id of the referral that came."""
    board = coordinator.get("/referrals")
    found: str = [*board["received"], *board["under_way"]][0]["id"]
    return found


def tabled(coordinator: Asker) -> str:
    """The id of the item by which the clinic sits on the candidate."""
    asked = text("select i.id from agenda_item i join participant p on p.candidate_ref = i.subject")
    with coordinator.cast.session() as session:
        return str(session.execute(asked).scalar_one())


def _referred(cast: Cast, name: str) -> UUID:
    """Somebody whose referral waits for its triage, went to the committee, or went straight to a worker."""
    referral_id = refer(cast)
    with cast.session() as session:
        if name == "triage":
            look_at_everything(session, cast, referral_id)
            return participant_of(session, referral_id)
    if name == "taking-back":
        return triaged(cast, referral_id)
    participant_id = triaged(cast, referral_id, "forwarded")
    with cast.session() as session:
        workers.forward(session, participant_id, cast.people[WORKER], by=cast.actor("coordinator"), at=AT)
    return participant_id


def _commit(coordinator: Asker, participant_id: UUID) -> None:
    """Have the candidate's worker do all that a number asks for."""
    worker, here = Asker(coordinator.cast, WORKER, app=coordinator.app), f"/participants/{participant_id}"
    days = dict.fromkeys(("explained_on", "signed_on", "worker_signed_on", "copy_given_on"), TODAY.isoformat())
    worker.post(f"{here}/meetings", {"met_on": TODAY.isoformat(), "way": "in_person", "outcome": "commits"})
    said = {**days, "signed_by": "self", "language": "fr", "limits_stated": True}
    worker.post(f"{here}/consents", {**said, "signature": {"way": "drawn", "content": IN_JSON}})
    worker.post(f"{here}/risks", {"level": "yellow", "why": "Réseau."})
    form_id = coordinator.get(here)["consent_forms"][0]["id"]
    coordinator.post(f"{here}/consent-forms/{form_id}/storing", {})
