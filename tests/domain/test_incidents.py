"""The register of confidentiality incidents: whole entries, numbers without a gap, nothing lost, nothing rewritten."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from domain.kernel.refusals import Refusal
from domain.kernel.rows import every, of
from domain.record import incident_versions, incidents
from domain.record.events import FOR_PRIVACY
from domain.record.incident_entries import LONGEST_TEXT, IncidentEntry, Telling
from locales import say
from models.base import table_of
from models.record import Event, Incident
from tests.cast import AT, TODAY, Cast
from tests.fakes.seal_keys import FakeSealKeys
from tests.sealing import looked_at, tamper

_incident = table_of(Incident)
_event = table_of(Event)


def known(cast: Cast, **more: Any) -> IncidentEntry:
    """A laptop that was forgotten on a train."""
    return replace(
        IncidentEntry(
            organization_id=cast.organizations["ccsmtl"],
            information="Work notes of three visits, with first names",
            circumstances="A laptop was left on a train; its disk is encrypted.",
            known_on=TODAY,
            happened_from=TODAY - timedelta(days=1),
        ),
        **more,
    )


def entered(cast: Cast, **more: Any) -> UUID:
    with cast.session() as session:
        return incidents.enter(session, known(cast, **more), by=cast.actor("privacy_officer"), at=AT)


def row(cast: Cast, incident_id: UUID) -> Any:
    with cast.session() as session:
        (found,) = every(session, of(incident_versions.OpenedIncident).where(Incident.id == incident_id))
        return incident_versions.opened(session, found)


def change(cast: Cast, incident_id: UUID, verb: str, *given: Any, seen: int | None = None, **more: Any) -> None:
    with cast.session() as session:
        act = getattr(incidents, verb)
        act(session, incident_id, *given, seen=seen, by=cast.actor("privacy_officer"), at=AT, **more)


def refused(cast: Cast, incident_id: UUID, verb: str, *given: Any, **more: Any) -> str:
    before = row(cast, incident_id)
    with pytest.raises(Refusal) as refusal:
        change(cast, incident_id, verb, *given, **more)
    assert row(cast, incident_id) == before
    return refusal.value.code


def altered(cast: Cast) -> list[int]:
    with cast.session() as session:
        return incident_versions.altered(session)


def test_an_incident_is_entered_with_little_known_and_completed_as_it_becomes_known(cast: Cast) -> None:
    incident_id = entered(cast, happened_from=None)
    change(cast, incident_id, "complete", known(cast, people_concerned=3, measures="The laptop was wiped."), seen=1)
    found = row(cast, incident_id)
    assert (found.number, found.version) == (1, 2)
    assert (found.people_concerned, found.measures) == (3, "The laptop was wiped.")
    assert (found.recorded_by, found.recorded_at) == (cast.people["privacy_officer"], AT)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no kinds of information": ({"information": "  "}, "incident.information.missing"),
    "no circumstances": ({"circumstances": ""}, "incident.circumstances.missing"),
    "a day to come": ({"known_on": TODAY + timedelta(days=1)}, "incident.day.malformed"),
    "happened after it was known": (
        {"happened_from": TODAY, "known_on": TODAY - timedelta(days=1)},
        "incident.day.malformed",
    ),
    "ends before it begins": ({"happened_to": TODAY - timedelta(days=2)}, "incident.ends_first"),
    "a last day alone": ({"happened_from": None, "happened_to": TODAY}, "incident.happened_from.missing"),
    "less than nobody": ({"people_concerned": -1}, "incident.people_concerned.malformed"),
    "more than there are": ({"people_concerned": 10**9}, "incident.people_concerned.malformed"),
    "another program's body": ({"organization_id": uuid4()}, "organization.unknown"),
    "a text too long": ({"measures": "x" * (LONGEST_TEXT + 1)}, "incident.measures.too_long"),
    "what is no text": ({"circumstances": "a\x00b"}, "incident.circumstances.not_text"),
    "half a letter": ({"circumstances": "a\ud800b"}, "incident.circumstances.not_text"),
}


@pytest.mark.parametrize(("more", "code"), WRONG.values(), ids=WRONG)
def test_what_does_not_hold_together_is_refused_and_takes_no_number(
    cast: Cast, more: dict[str, Any], code: str
) -> None:
    with pytest.raises(Refusal) as refusal:
        entered(cast, **more)
    assert refusal.value.code == code
    assert row(cast, entered(cast)).number == 1


def test_what_is_refused_for_a_limit_says_which_as_its_reader_writes_numbers(cast: Cast) -> None:
    for more, french, english in (
        ({"people_concerned": 99_999_999}, "10 000 000", "10,000,000"),
        ({"measures": "x" * (LONGEST_TEXT + 1)}, "10 000", "10,000"),
    ):
        with pytest.raises(Refusal) as refusal:
            entered(cast, **more)
        for language, number in (("fr", french), ("en", english)):
            said = say(language, refusal.value.sentence, **refusal.value.facts)
            assert number in " ".join(said.split()), "the blanks of a language within its numbers count as blanks"


def test_the_body_of_another_program_is_not_there(cast: Cast) -> None:
    with pytest.raises(Refusal) as refusal:
        entered(cast, organization_id=cast.other.organizations["ccsmtl"])
    assert refusal.value.code == "organization.unknown"


def test_many_who_enter_at_once_get_numbers_without_a_gap_and_none_twice(cast: Cast) -> None:
    start, failed = threading.Barrier(6), []

    def enter(undo: bool) -> None:
        try:
            with cast.session() as session:
                start.wait(10)
                incidents.enter(session, known(cast), by=cast.actor("privacy_officer"), at=AT)
                if undo:
                    session.rollback()
        except Exception as error:  # noqa: BLE001 - shown by the assertion
            failed.append(error)

    threads = [threading.Thread(target=enter, args=(n % 3 == 0,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failed == []
    with cast.session() as session:
        assert sorted(session.scalars(select(_incident.c.number))) == [1, 2, 3, 4]


def test_each_program_numbers_its_own(cast: Cast) -> None:
    entered(cast)
    with cast.other.session() as session:
        other = incidents.enter(session, known(cast.other), by=cast.other.actor("coordinator"), at=AT)
    assert row(cast.other, other).number == 1


def test_of_two_who_change_it_at_once_the_second_is_told_and_nothing_is_lost(cast: Cast) -> None:
    incident_id = entered(cast)
    change(cast, incident_id, "complete", known(cast, measures="First."), seen=1)
    assert refused(cast, incident_id, "complete", known(cast, measures="Second."), seen=1) == "incident.changed"
    assert row(cast, incident_id).measures == "First."


def test_saving_what_stands_already_makes_no_version(cast: Cast) -> None:
    incident_id = entered(cast)
    change(cast, incident_id, "complete", known(cast), seen=1)
    assert row(cast, incident_id).version == 1


def test_the_day_since_which_it_is_known_moves_with_a_reason_alone_and_never_past_a_telling(cast: Cast) -> None:
    happened = {"happened_from": TODAY - timedelta(days=2)}
    incident_id = entered(cast, known_on=TODAY - timedelta(days=2), **happened)
    later = known(cast, known_on=TODAY - timedelta(days=1), measures="Wiped.", **happened)
    assert refused(cast, incident_id, "complete", later) == "incident.known_on_reason.missing"
    assert refused(cast, incident_id, "complete", later, known_on_reason=" ") == "incident.known_on_reason.missing"
    assert refused(cast, incident_id, "complete", later, seen=2) == "incident.changed"
    change(cast, incident_id, "complete", later, known_on_reason="The finder called on that day.")
    assert row(cast, incident_id).known_on == TODAY - timedelta(days=1)
    change(cast, incident_id, "note_telling", Telling(commission_told_on=TODAY - timedelta(days=1)))
    past = {"known_on_reason": "It was later still."}
    assert refused(cast, incident_id, "complete", known(cast, **happened), **past) == "incident.day.malformed"
    with cast.session() as session:
        why = [version.stood.get("known_on_reason") for version in incident_versions.versions(session, incident_id)]
        told = session.scalars(select(_event.c.facts).where(_event.c.verb == "incident.completed")).one()
    assert why == [None, "The finder called on that day.", None]
    assert told["changed"] == ["known_on", "measures"]
    assert "finder" not in str(told)
    assert altered(cast) == []


@pytest.mark.parametrize("field", ["commission_told_on", "people_told_on"])
def test_a_day_on_which_someone_was_told_is_replaced_with_a_reason_that_is_kept_and_never_removed(
    cast: Cast, field: str
) -> None:
    incident_id = entered(cast, known_on=TODAY - timedelta(days=2), happened_from=None)
    now: dict[str, Any] = {field: TODAY}
    before: dict[str, Any] = {field: TODAY - timedelta(days=1)}
    change(cast, incident_id, "note_telling", Telling(**now))
    earlier = Telling(**before)
    why: dict[str, Any] = {"told_on_reason": "The receipt says so."}
    assert refused(cast, incident_id, "note_telling", Telling()) == "incident.told_on.missing"
    assert refused(cast, incident_id, "note_telling", Telling(), **why) == "incident.told_on.missing"
    assert refused(cast, incident_id, "note_telling", earlier) == "incident.told_on_reason.missing"
    assert refused(cast, incident_id, "note_telling", earlier, told_on_reason=".") == "incident.told_on_reason.missing"
    change(cast, incident_id, "note_telling", earlier, **why)
    with cast.session() as session:
        kept = incident_versions.versions(session, incident_id)
        told = session.scalars(select(_event.c.facts).where(_event.c.verb == "incident.told")).all()
    assert [version.stood.get("told_on_reason") for version in kept] == [None, None, "The receipt says so."]
    assert [version.stood[field] for version in kept[1:]] == [TODAY.isoformat(), str(TODAY - timedelta(days=1))]
    assert "receipt" not in str(told)
    assert altered(cast) == []


def test_a_reason_is_redacted_with_the_rest_of_its_version(cast: Cast) -> None:
    incident_id = entered(cast, known_on=TODAY - timedelta(days=2), happened_from=None)
    change(cast, incident_id, "note_telling", Telling(TODAY))
    change(cast, incident_id, "note_telling", Telling(TODAY - timedelta(days=1)), told_on_reason="Romarin said so.")
    with cast.session() as session:
        assert "Romarin said so." in incident_versions.texts(session, incident_id)
        by = cast.actor("coordinator")
        incident_versions.redact(session, incident_id, lambda text: text.replace("Romarin", "…"), by=by, at=AT)
        assert "… said so." in incident_versions.texts(session, incident_id)
        assert incident_versions.versions(session, incident_id)[2].stood["told_on_reason"] == "… said so."
    assert altered(cast) == []


def test_why_that_day_moved_cannot_be_rewritten_unseen(cast: Cast) -> None:
    incident_id = entered(cast)
    change(cast, incident_id, "complete", known(cast, known_on=TODAY - timedelta(days=1)), known_on_reason="A letter.")
    tamper(
        cast.database,
        """update incident_version set stood = stood || '{"known_on_reason": "A call."}'
        where incident_id = :id and number = 2""",
        id=incident_id,
    )
    assert altered(cast) == [1]


def test_an_assessment_needs_its_reasons_either_way(cast: Cast) -> None:
    incident_id = entered(cast)
    for serious in (True, False):
        code = refused(cast, incident_id, "assess", serious_risk=serious, reasons=" ")
        assert code == "incident.risk_reasons.missing"
    change(cast, incident_id, "assess", serious_risk=False, reasons="The disk is encrypted.")
    assert row(cast, incident_id).serious_risk is False


@pytest.mark.parametrize(
    ("telling", "code"),
    [
        (Telling(commission_told_on=TODAY + timedelta(days=1)), "incident.day.malformed"),
        (Telling(people_told_on=TODAY - timedelta(days=1)), "incident.day.malformed"),
        (Telling(public_notice="x" * (LONGEST_TEXT + 1)), "incident.public_notice.too_long"),
    ],
)
def test_who_was_told_is_told_on_a_day_that_can_be(cast: Cast, telling: Telling, code: str) -> None:
    assert refused(cast, entered(cast), "note_telling", telling) == code


def test_an_incident_closes_once_nothing_is_left_that_the_law_asks_for(cast: Cast) -> None:
    incident_id = entered(cast)
    assert refused(cast, incident_id, "close") == "incident.not_assessed"
    change(cast, incident_id, "assess", serious_risk=True, reasons="First names of minors.")
    assert refused(cast, incident_id, "close") == "incident.without_measures"
    change(cast, incident_id, "complete", known(cast, measures="Wiped."))
    assert refused(cast, incident_id, "close") == "incident.commission_not_told"
    change(cast, incident_id, "note_telling", Telling(commission_told_on=TODAY))
    assert refused(cast, incident_id, "close") == "incident.people_not_told"
    change(cast, incident_id, "note_telling", Telling(TODAY, public_notice=" . "))
    assert refused(cast, incident_id, "close") == "incident.people_not_told", "a full stop is no reason"
    change(cast, incident_id, "complete", known(cast, measures="..."))
    assert refused(cast, incident_id, "close") == "incident.without_measures"
    change(cast, incident_id, "complete", known(cast, measures="Wiped."))
    change(cast, incident_id, "note_telling", Telling(TODAY, TODAY))
    change(cast, incident_id, "close")
    assert row(cast, incident_id).closed_by == cast.people["privacy_officer"]
    assert refused(cast, incident_id, "complete", known(cast)) == "incident.closed"
    assert refused(cast, incident_id, "close") == "incident.closed"
    change(cast, incident_id, "reopen")
    assert row(cast, incident_id).closed_at is None
    assert refused(cast, incident_id, "reopen") == "incident.open"


def test_without_a_serious_risk_nobody_needs_to_be_told(cast: Cast) -> None:
    incident_id = entered(cast, measures="Wiped.")
    change(cast, incident_id, "assess", serious_risk=False, reasons="The disk is encrypted.")
    change(cast, incident_id, "close")
    assert row(cast, incident_id).closed_at == AT


# Nothing lost, nothing rewritten.


def lived(cast: Cast) -> UUID:
    incident_id = entered(cast)
    change(cast, incident_id, "complete", known(cast, circumstances="Another account of it."))
    change(cast, incident_id, "assess", serious_risk=False, reasons="The disk is encrypted.")
    return incident_id


def test_each_version_stays_whole_and_the_record_tells_of_it_without_its_words(cast: Cast) -> None:
    incident_id = lived(cast)
    with cast.session() as session:
        kept = incident_versions.versions(session, incident_id)
        told = session.execute(
            select(_event.c.verb, _event.c.facts).where(_event.c.subject_id == incident_id).order_by(_event.c.n)
        ).all()
    assert [version.stood["circumstances"] for version in kept] == [
        "A laptop was left on a train; its disk is encrypted.",
        "Another account of it.",
        "Another account of it.",
    ]
    assert [(row.verb, row.facts["version"], row.facts["digest"]) for row in told] == [
        (verb, version.number, version.digest)
        for verb, version in zip(("incident.entered", "incident.completed", "incident.assessed"), kept, strict=True)
    ]
    assert told[1].facts["changed"] == ["circumstances"]
    assert "laptop" not in str(told)
    assert {row.verb for row in told} <= FOR_PRIVACY
    assert altered(cast) == []


REWRITTEN = {
    "what stands": "update incident set known_on = known_on - 1 where id = :id",
    "its words": """update incident set words =
        (select words from incident_version where incident_id = :id and number = 1) where id = :id""",
    "what stood": """update incident_version set stood = stood || '{"circumstances": "Nothing happened."}'
        where incident_id = :id and number = 1""",
    "a version is gone": "delete from incident_version where incident_id = :id and number = 1",
    "the newest version is gone": "delete from incident_version where incident_id = :id and number = 3",
    "what stands is set back to what stood first": """update incident set version = 1, serious_risk = null,
        words = (select words from incident_version where incident_id = :id and number = 1) where id = :id""",
}


@pytest.mark.parametrize("statement", REWRITTEN.values(), ids=REWRITTEN)
def test_what_a_superuser_rewrites_is_found(cast: Cast, statement: str) -> None:
    incident_id = lived(cast)
    entered(cast)
    tamper(cast.database, statement, id=incident_id)
    assert altered(cast) == [1]
    report = looked_at(cast, FakeSealKeys())
    assert [(one.code, one.facts["numbers"]) for one in report.findings] == [("incident.altered", "1")]


def test_an_incident_taken_out_of_the_register_is_missed(cast: Cast) -> None:
    first = lived(cast)
    entered(cast)
    tamper(
        cast.database,
        "delete from word_key where incident_id = :id",
        "delete from incident_version where incident_id = :id",
        "delete from incident where id = :id",
        id=first,
    )
    assert 1 in altered(cast)


def test_the_application_can_neither_delete_an_incident_nor_rewrite_a_version(cast: Cast) -> None:
    lived(cast)
    for statement in ("delete from incident", "delete from incident_version", "update incident_version set number = 9"):
        with cast.session() as session, pytest.raises(DBAPIError, match="permission denied"):
            session.execute(text(statement))
        # The session of the cast commits at its end; nothing is left of what failed.
    assert altered(cast) == []


def test_days_are_the_programs_own(cast: Cast) -> None:
    """At 23:30 in Montréal it is already tomorrow in Greenwich: tomorrow is still to come."""
    late = AT.replace(hour=4, minute=30) + timedelta(days=1)
    with cast.session() as session, pytest.raises(Refusal):
        incidents.enter(session, known(cast, known_on=date(2026, 11, 24)), by=cast.actor("privacy_officer"), at=late)
