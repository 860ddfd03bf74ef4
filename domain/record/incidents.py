"""The register of confidentiality incidents, with the fields that the law asks for. Every one is entered, none deleted.

Guide to the fields: Quebec's Regulation respecting confidentiality incidents, section 7. The register names nobody. Its
words stand in its own tables alone, sealed under a key of the incident's: the record, which more people read, tells
that an incident changed, in which fields, and the digest of the version that came of it (`incident_versions`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlmodel import Session

from domain.kernel import Actor, Refusal, add_row, changes, local_day, next_number, program_of, run, says_something
from domain.record import apart
from domain.record.incident_entries import (
    TOLD_BEFORE,
    IncidentEntry,
    Telling,
    checked_entry,
    checked_telling,
    moves_a_day,
    needed,
)
from domain.record.incident_versions import (
    KNOWN_ON_REASON,
    TOLD_ON_REASON,
    WORDS,
    OpenedIncident,
    hold,
    keep,
    opened,
    seal_version,
    write_words,
)
from locales import N_
from models.record import Incident

#: Any number that no other lock of ours uses; the program stands beside it.
_LOCK: Final = 0x14C1


def enter(session: Session, entry: IncidentEntry, *, by: Actor, at: datetime) -> UUID:
    """Enter an incident under the register's next number, and return its id.

    Numbers have no gap: two that come at once wait for each other, and one that is undone gives its number back.
    Raises Refusal where the entry is not whole or does not hold together.
    """
    values = checked_entry(session, entry, at)
    here = program_of(session)
    run(session, text("select pg_advisory_xact_lock(:ours, hashtext(:here))"), {"ours": _LOCK, "here": str(here)})
    number = max(next_number(session, Incident.number), apart.last_given(session, "incident") + 1)
    incident_id = uuid4()
    known = {name: value for name, value in values.items() if name not in WORDS}
    row = Incident(program_id=here, id=incident_id, number=number, recorded_by=by.person_id, recorded_at=at, **known)
    add_row(session, row)
    words = {name: values.get(name, "") for name in WORDS}
    write_words(session, incident_id, seal_version(session, incident_id, 1, words, at=at))
    keep(session, incident_id, "incident.entered", sorted(values), by=by, at=at)
    apart.note_number(session, incident_id, apart.Given("incident", number), at=at)
    return incident_id


def complete(
    session: Session,
    incident_id: UUID,
    entry: IncidentEntry,
    *,
    seen: int | None,
    by: Actor,
    at: datetime,
    known_on_reason: str = "",
) -> None:
    """Replace what is known of an incident, as it becomes known. Raises Refusal as `enter` does, and if closed.

    The law's delays begin on the day since which it is known. That day moves only with a reason, which is kept with the
    resulting version, and not past a day on which anyone was told.
    """
    held = _writable(session, incident_id, seen)
    values = checked_entry(session, entry, at)
    reasons: dict[str, str] = {}
    if entry.known_on != held.known_on:
        reasons[KNOWN_ON_REASON] = needed(KNOWN_ON_REASON, known_on_reason)
        told = (held.commission_told_on, held.people_told_on)
        if any(day is not None and day < entry.known_on for day in told):
            raise Refusal("incident.day.malformed", TOLD_BEFORE)
    _change(session, incident_id, "incident.completed", values, seen=seen, by=by, at=at, reasons=reasons)


def assess(
    session: Session, incident_id: UUID, *, serious_risk: bool, reasons: str, seen: int | None, by: Actor, at: datetime
) -> None:
    """Record whether the incident may do serious harm, and what leads to that: needed either way."""
    reasons = needed("risk_reasons", reasons)
    values = {"serious_risk": serious_risk, "risk_reasons": reasons}
    _change(session, incident_id, "incident.assessed", values, seen=seen, by=by, at=at)


def note_telling(
    session: Session,
    incident_id: UUID,
    telling: Telling,
    *,
    seen: int | None,
    by: Actor,
    at: datetime,
    told_on_reason: str = "",
) -> None:
    """Record who was told. A day that stands is never removed; another replaces it, with a reason that is kept.

    Raises Refusal for a day that is still to come, or before the incident was known.
    """
    held = _held(session, incident_id)
    telling = checked_telling(telling, held.known_on, local_day(session, at))
    reasons: dict[str, str] = {}
    if moves_a_day(telling, held.commission_told_on, held.people_told_on):
        reasons[TOLD_ON_REASON] = needed(TOLD_ON_REASON, told_on_reason)
    _change(session, incident_id, "incident.told", asdict(telling), seen=seen, by=by, at=at, reasons=reasons)


def close(session: Session, incident_id: UUID, *, seen: int | None, by: Actor, at: datetime) -> None:
    """Close an incident in which nothing is left that the law asks for.

    Raises Refusal while it is not assessed, no measure is written down or, where the risk is serious, the Commission
    d’accès à l’information or the people concerned have not been told.
    """
    held = _held(session, incident_id)
    if held.serious_risk is None:
        raise Refusal("incident.not_assessed", N_("Say first whether this incident carries a risk of serious harm."))
    if not says_something(held.measures):
        raise Refusal("incident.without_measures", N_("Record first what was done to reduce the harm."))
    if held.serious_risk and held.commission_told_on is None:
        raise Refusal(
            "incident.commission_not_told",
            N_("An incident with a risk of serious harm is reported to the Commission d’accès à l’information first."),
        )
    if held.serious_risk and held.people_told_on is None and not says_something(held.public_notice):
        raise Refusal(
            "incident.people_not_told",
            N_("Record first on which day the people concerned were told, or why by public notice or not."),
        )
    values = {"closed_by": by.person_id, "closed_at": at}
    _change(session, incident_id, "incident.closed", values, seen=seen, by=by, at=at)


def reopen(session: Session, incident_id: UUID, *, seen: int | None, by: Actor, at: datetime) -> None:
    """Open a closed incident again, as when more becomes known. Raises Refusal where it is open."""
    held = _held(session, incident_id)
    if held.closed_at is None:
        raise Refusal("incident.open", N_("This incident is open."))
    values = {"closed_by": None, "closed_at": None}
    _change(session, incident_id, "incident.reopened", values, seen=seen, by=by, at=at, even_closed=True)


def _change(
    session: Session,
    incident_id: UUID,
    verb: str,
    values: Mapping[str, Any],
    *,
    seen: int | None,
    by: Actor,
    at: datetime,
    even_closed: bool = False,
    reasons: Mapping[str, str] | None = None,
) -> None:
    """Write `values` unless another wrote meanwhile, keep the resulting version, and tell the record."""
    held = _writable(session, incident_id, seen, even_closed=even_closed)
    changed = sorted(name for name, value in values.items() if getattr(held, name) != value)
    if not changed:
        return
    number = held.version + 1
    words = {name: values.get(name, getattr(held, name)) for name in WORDS} | dict(reasons or {})
    sealed = seal_version(session, incident_id, number, words, at=at)
    run(
        session,
        changes(Incident)
        .where(Incident.id == incident_id)
        .values(version=number, words=sealed, **{name: value for name, value in values.items() if name not in WORDS}),
    )
    keep(session, incident_id, verb, changed, by=by, at=at)


def _writable(session: Session, incident_id: UUID, seen: int | None, *, even_closed: bool = False) -> OpenedIncident:
    """As `_held`. Raises Refusal where another wrote since the version that was `seen`, or it is closed."""
    held = _held(session, incident_id)
    if seen is not None and seen != held.version:
        raise Refusal(
            "incident.changed",
            N_("This incident was changed by someone else or in another window. Nothing was saved; look again."),
        )
    if held.closed_at is not None and not even_closed:
        raise Refusal("incident.closed", N_("This incident is closed. Reopen it first."))
    return held


def _held(session: Session, incident_id: UUID) -> OpenedIncident:
    """An incident with its words, locked until the transaction ends. Raises Refusal where there is none."""
    return opened(session, hold(session, incident_id))
