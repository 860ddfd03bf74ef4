"""After a restore, each line says what it has, in both languages: no hole, and no word of the program's own."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import pytest
from sqlmodel import Session, select

from api.views.restored_words import SENTENCES
from domain.record import apart
from models.committee import Seat
from models.ledger import Epoch, Restoration
from models.ports import LEDGER_NOTES
from tests import matters
from tests.api.application import client_for
from tests.cast import AT, Cast

NOW: Final = AT + timedelta(hours=2)
#: The acts of which something is to be decided, and one that this version does not know.
DECIDED: Final = sorted(verb for verb, closing in apart.CLOSINGS.items() if closing.matter)
UNKNOWN: Final = "charter.torn_up"
#: What each act is done to, where it is no person.
KINDS: Final = {
    **dict.fromkeys(("seat.left", "seat.withdrawn", "seat.ended"), "seat"),
    **dict.fromkeys(("agreement.ended", "agreement.lapsed", "agreement.signature_taken_back"), "agreement_version"),
    **dict.fromkeys(("agreement.called_off", "agreement.withdrawn"), "agreement_version"),
    **dict.fromkeys(("decision.withdrawn", "decision.suspended", "decision.word_taken_back"), "decision"),
    "minutes.redacted": "minutes",
    "incident.redacted": "incident",
    "notice.redacted": "notice",
    "evidence.withdrawn": "evidence",
    "obligation.document_withdrawn": "obligation_document",
    "reply.address_forgotten": "stray_reply",
    "redaction.done": "redaction",
    "guest.withdrawn": "meeting",
    "committee.ended": "committee",
    "organization.ended": "organization",
    "role.ended": "role",
    "follow_up.part_ended": "follow_up",
    "referral.left": "referral",
    "consent.withdrawn": "participant",
    "consent.replaced": "participant",
    "participant.barred": "participant",
    "retention.held": "participant",
    "research_consent.withdrawn": "participant",
    "study.recipient_removed": "study",
    "study.ended": "study",
    "participant.meets_no_more": "participant",
    **dict.fromkeys(("retention.moved", "retention.stopped", "destruction.refused"), "participant"),
    **dict.fromkeys(("destruction.stopped", "destruction.withdrawn"), "participant"),
}
#: What stands for something that is not there, and what a sentence must not have of the program's own words.
HOLES: Final = re.compile(r"\b(none|no one|aucune?|None|nul)\b|%\(|\b[a-z_]+\.[a-z_]+\b|:\s*[.,]|\(\s*\)|  ")


def facts_of(cast: Cast) -> dict[str, Any]:
    """What the lines of the record say, all that any has."""
    people = ("person", "worker", "deputy", "instead_of", "director")
    return {
        **{name: str(cast.people["worker_ccsmtl"]) for name in people},
        **dict.fromkeys(("day", "starts_on", "ends_on", "last_day", "was", "signed_on"), "2027-02-03"),
        "role": "coordinator",
        "organization": str(cast.organizations["ccsmtl"]),
        "number": 3,
        "purpose": "sharing",
        "absence": str(uuid4()),
        "passkey": str(uuid4()),
        "of": "meeting",
        "subject": str(uuid4()),
        "replaced": 1,
        "changed": ["email"],
    }


def line_of(session: Session, verb: str, subject_id: UUID, facts: dict[str, Any]) -> dict[str, Any]:
    """The line that the act has the ledger write, as what is to be decided has it."""
    apart.note_closing(session, verb, KINDS.get(verb, "person"), subject_id, facts, at=AT)
    more = dict(session.info.pop(LEDGER_NOTES)[-1].more)
    del more["verb"]
    whose, kind = more.pop("person", None), more.pop("of")
    return {"subject_kind": kind, "person_id": UUID(str(whose)) if whose else None, "facts": more}


def left(session: Session, verb: str, n: int, *, subject_id: UUID | None, **more: Any) -> None:
    closing = apart.CLOSINGS.get(verb)
    at = AT + timedelta(seconds=n)  # of one moment are the lines of one redaction alone
    matters.left(session, closing.matter if closing else "other", verb, subject_id, n, at=at, **more)


def restored(session: Session, cast: Cast) -> None:
    session.add(Epoch(number=1, found_at=AT, lines=3))
    session.flush()
    session.add(Restoration(program_id=cast.program_id, epoch=1, found_at=AT, missing_from=AT, missing_to=AT))


def words_on_the_page(cast: Cast, language: str) -> dict[str, list[str]]:
    """What those who decide read of each act."""
    found: dict[str, list[str]] = {}
    for name in ("coordinator", "privacy_officer"):
        client = client_for(cast.database, cast.people[name], at=NOW)
        for one in client.get("/api/v1/restored", headers={"Accept-Language": language}).json()["items"]:
            found.setdefault(one["verb"], []).append(one["words"])
    return found


def holes_in(words: Iterable[str]) -> list[str]:
    return [one for one in words if HOLES.search(one) or not one]


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_act_that_closes_something_is_said_without_a_hole(cast: Cast, language: str) -> None:
    worker, full = cast.people["manager_em"], facts_of(cast)
    with cast.session() as session:
        restored(session, cast)
        for n, verb in enumerate(DECIDED, 1):
            is_person = verb not in KINDS
            said = {name: value for name, value in full.items() if name in _written(verb)}
            here = line_of(session, verb, worker if is_person else uuid4(), said)
            gone = line_of(session, verb, uuid4(), said)
            left(session, verb, 3 * n, subject_id=worker if is_person else uuid4(), **here)
            left(session, verb, 3 * n + 1, subject_id=uuid4(), **gone)
            # As a line of an earlier version has it, which said less.
            left(session, verb, 3 * n + 2, subject_id=uuid4(), subject_kind=gone["subject_kind"])
        left(session, UNKNOWN, 1, subject_id=uuid4(), subject_kind="charter")
    found = words_on_the_page(cast, language)
    assert set(found) == {*DECIDED, UNKNOWN}
    assert {verb: holes for verb, words in found.items() if (holes := holes_in(words))} == {}


def _written(verb: str) -> set[str]:
    closing = apart.CLOSINGS[verb]
    return {*closing.facts, closing.whose, closing.day, closing.only_where}


def test_what_the_ledger_notes_of_an_act_is_said_of_it() -> None:
    known_otherwise = {"absence", "passkey", "of", "subject", ""}
    for verb in DECIDED:
        closing = apart.CLOSINGS[verb]
        noted = {*closing.facts, closing.day, closing.whose} - known_otherwise
        assert noted <= set(re.findall(r"%\((\w+)\)s", " ".join(SENTENCES[verb]))), verb


def test_a_link_to_where_something_is_done_leads_to_a_page_that_is_there(cast: Cast) -> None:
    with cast.session() as session:
        restored(session, cast)
        for n, verb in enumerate(DECIDED, 1):
            here = line_of(session, verb, cast.people["manager_em"], facts_of(cast))
            is_person = here["subject_kind"] == "person"
            left(session, verb, n, subject_id=cast.people["manager_em"] if is_person else uuid4(), **here)
        seat = session.scalars(select(Seat.id)).first()
        left(session, "seat.ended", 900, subject_kind="seat", subject_id=seat)
    found = set()
    for name in ("coordinator", "privacy_officer"):
        client = client_for(cast.database, cast.people[name], at=NOW)
        page, at_all = client.get("/restored?after=0").text, 0
        while page:
            found |= {(name, one) for one in re.findall(r'<a href="([^"]+)">Where this is done', page)}
            following = re.search(r'href="(/restored\?after=\d+)#ended"', page)
            page, at_all = client.get(following[1]).text if following else "", at_all + 1
        assert at_all < len(DECIDED)
        assert {href for who, href in found if who == name and client.get(href).status_code != 200} == set()
    assert any("/committees/" in href for _, href in found)
    assert any("/people/" in href for _, href in found)
