"""The register of confidentiality incidents, with the fields that the law asks for. All are entered, none deleted.

Guide to the fields: Quebec's Regulation respecting confidentiality incidents, section 7. The register names no one. Its
words are in its own tables alone, sealed under a key of the incident's. The record, which more people read, tells that
an incident changed, in which fields, and the digest of the resulting version. Each version is kept whole, so that
nothing is lost. One that was rewritten later no longer fits the digest under the record's seals (`altered`), which can
be seen without a key. `redact` takes out what names a person, and the record tells the digest of what is left.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, Final, TypeVar
from uuid import UUID, uuid4

from sqlalchemy import func, insert, text
from sqlmodel import Session

from domain.kernel.actors import Actor
from domain.kernel.refusals import Refusal
from domain.kernel.rows import changes, col, every, first, in_program, of, only, replaced, run, scalar, select
from domain.kernel.scope import local_day, program_of
from domain.kernel.sealed_words import change_key, open_words, seal_words
from domain.kernel.typed_words import says_something, trimmed
from domain.record import events
from locales import N_
from models.program import Organization
from models.record import Event, Incident, IncidentVersion

#: As long as any of its texts may be, in characters.
LONGEST_TEXT: Final = 10_000
MOST_PEOPLE: Final = 10_000_000
#: Any number that no other lock of ours uses; the program stands beside it.
_LOCK: Final = 0x14C1

#: The fields of an incident, in the order of its columns.
FIELDS: Final = (
    "organization_id",
    "information",
    "circumstances",
    "happened_from",
    "happened_to",
    "known_on",
    "people_concerned",
    "serious_risk",
    "risk_reasons",
    "commission_told_on",
    "people_told_on",
    "public_notice",
    "measures",
)
#: Why a version has another day since which the incident is known than the one before; it stands in that version alone.
KNOWN_ON_REASON: Final = "known_on_reason"
#: Those of them that people write in their own words: sealed.
WORDS: Final = ("information", "circumstances", "risk_reasons", "public_notice", "measures")
Kept = TypeVar("Kept", bound=Incident)
#: Their own columns, empty since they are sealed.
_NO_WORDS: Final[Mapping[str, str]] = dict.fromkeys(WORDS, "")
_STOOD: Final = (*FIELDS, "number", "recorded_by", "recorded_at", "closed_by", "closed_at")


@dataclass(frozen=True)
class Entry:
    """What is known of an incident. Days are local; `happened_to` is the last day of a span, `None` what is not known.

    `information` says what kinds of personal information, or why that cannot be said; `people_concerned` how many.
    """

    organization_id: UUID
    information: str
    circumstances: str
    known_on: date
    happened_from: date | None = None
    happened_to: date | None = None
    people_concerned: int | None = None
    measures: str = ""


@dataclass(frozen=True)
class Telling:
    """Who was told of an incident that may do serious harm, and on which day.

    `public_notice` says whether, and why, people were told by public notice.
    """

    commission_told_on: date | None = None
    people_told_on: date | None = None
    public_notice: str = ""


def enter(session: Session, entry: Entry, *, by: Actor, at: datetime) -> UUID:
    """Enter an incident under the register's next number, and return its id.

    Numbers have no gap: two that come at once wait for each other, and one that is undone gives its number back.
    Raises Refusal where the entry is not whole or does not hold together.
    """
    values = _checked_entry(session, entry, at)
    here = program_of(session)
    run(session, text("select pg_advisory_xact_lock(:ours, hashtext(:here))"), {"ours": _LOCK, "here": str(here)})
    last = scalar(session, select(func.max(col(Incident.number))).where(in_program(Incident))) or 0
    incident_id = uuid4()
    run(
        session,
        insert(Incident).values(
            program_id=here,
            id=incident_id,
            number=last + 1,
            recorded_by=by.person_id,
            recorded_at=at,
            version=1,
            **_NO_WORDS,
            **{name: value for name, value in values.items() if name not in WORDS},
        ),
    )
    words = {name: values.get(name, "") for name in WORDS}
    _write_words(
        session, incident_id, seal_words(session, "incident", incident_id, _place(incident_id, 1), words, at=at)
    )
    _keep(session, incident_id, "incident.entered", sorted(values), by=by, at=at)
    return incident_id


def complete(
    session: Session,
    incident_id: UUID,
    entry: Entry,
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
    values = _checked_entry(session, entry, at)
    reason = ""
    if entry.known_on != held.known_on:
        reason = _needed(KNOWN_ON_REASON, known_on_reason)
        told = (held.commission_told_on, held.people_told_on)
        if any(day is not None and day < entry.known_on for day in told):
            raise Refusal("incident.day.malformed", _TOLD_BEFORE)
    _change(session, incident_id, "incident.completed", values, seen=seen, by=by, at=at, known_on_reason=reason)


def assess(
    session: Session,
    incident_id: UUID,
    *,
    serious_risk: bool,
    reasons: str,
    seen: int | None,
    by: Actor,
    at: datetime,
) -> None:
    """Record whether the incident may do serious harm, and what leads to that: needed either way."""
    reasons = _needed("risk_reasons", reasons)
    values = {"serious_risk": serious_risk, "risk_reasons": reasons}
    _change(session, incident_id, "incident.assessed", values, seen=seen, by=by, at=at)


def note_telling(
    session: Session, incident_id: UUID, telling: Telling, *, seen: int | None, by: Actor, at: datetime
) -> None:
    """Record who was told. Raises Refusal for a day that is still to come, or before the incident was known."""
    today = local_day(session, at)
    held = _held(session, incident_id)
    for day in (telling.commission_told_on, telling.people_told_on):
        if day is not None and day > today:
            raise Refusal("incident.day.malformed", _STILL_TO_COME)
        if day is not None and day < held.known_on:
            raise Refusal("incident.day.malformed", _TOLD_BEFORE)
    values = {**asdict(telling), "public_notice": _checked("public_notice", telling.public_notice)}
    _change(session, incident_id, "incident.told", values, seen=seen, by=by, at=at)


def close(session: Session, incident_id: UUID, *, seen: int | None, by: Actor, at: datetime) -> None:
    """Close an incident in which nothing is left that the law asks for.

    Raises Refusal while it is not assessed, no measure is written down or, where the risk is serious, the Commission
    d’accès à l’information or the people concerned have not been told.
    """
    held = _held(session, incident_id)
    if held.serious_risk is None:
        raise Refusal("incident.not_assessed", N_("Say first whether this incident carries a risk of serious harm."))
    if not held.measures:
        raise Refusal("incident.without_measures", N_("Record first what was done to reduce the harm."))
    if held.serious_risk and held.commission_told_on is None:
        raise Refusal(
            "incident.commission_not_told",
            N_("An incident with a risk of serious harm is reported to the Commission d’accès à l’information first."),
        )
    if held.serious_risk and held.people_told_on is None and not held.public_notice:
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


def versions(session: Session, incident_id: UUID) -> list[IncidentVersion]:
    """Every version of an incident as it stood, the first one first, with its words unsealed. Raises Refusal."""
    rows = _versions(session, incident_id)
    return [replaced(row, stood={**row.stood, **_said(session, incident_id, row.number, row.words)}) for row in rows]


def opened(session: Session, row: Kept) -> Kept:
    """A row of the register with its words, for those who may read it. Raises Refusal where the keys cannot be used."""
    words = _said(session, row.id, row.version, row.words)
    return replaced(row, **{name: words[name] for name in WORDS if name in words})


def redact(
    session: Session,
    incident_id: UUID,
    taken_out: Callable[[str], str],
    *,
    by: Actor,
    at: datetime,
) -> tuple[str, str, int]:
    """Take words out of every version of an incident; the digests before and after, and how many texts changed.

    What is left is sealed anew under another key, so that no older copy opens any more. For `meetings.redacting` alone,
    which has two people for it. Raises Refusal.
    """
    held = _held(session, incident_id)
    rows = _versions(session, incident_id)
    stood = {row.number: _said(session, incident_id, row.number, row.words) for row in rows}
    before = [row.digest for row in rows]
    change_key(session, "incident", incident_id, at=at)
    changed = 0
    for row in rows:
        said = {name: text for name, text in stood[row.number].items() if text}
        left = {name: taken_out(text) for name, text in said.items()}
        changed += sum(left[name] != text for name, text in said.items())
        _rewrite(session, held, row, left, by=by, at=at)
    after = [row.digest for row in _versions(session, incident_id)]
    return digest_of(before), digest_of(after), changed


def hold(session: Session, incident_id: UUID) -> None:
    """Lock an incident until the transaction ends. Raises Refusal where there is none."""
    _as_it_lies(session, incident_id)


def texts(session: Session, incident_id: UUID) -> list[str]:
    """Every text that is kept of an incident, of each of its versions. Raises Refusal."""
    found = [
        text
        for version in versions(session, incident_id)
        for name, text in version.stood.items()
        if name in (*WORDS, KNOWN_ON_REASON) and text
    ]
    return list(dict.fromkeys(found))


def _rewrite(
    session: Session,
    held: Incident,
    version: IncidentVersion,
    said: Mapping[str, str],
    *,
    by: Actor,
    at: datetime,
) -> None:
    """Rewrite the sealed words of a version, and of the incident at that version; the record tells the digest."""
    incident_id, number = held.id, version.number
    words = {name: said.get(name, "") for name in WORDS}
    if said.get(KNOWN_ON_REASON):
        words[KNOWN_ON_REASON] = said[KNOWN_ON_REASON]
    sealed = seal_words(session, "incident", incident_id, _place(incident_id, number), words, at=at)
    stood = {**version.stood, **_NO_WORDS}
    stood.pop(KNOWN_ON_REASON, None)
    digest = _digest(version.id, stood, sealed)
    run(
        session,
        changes(IncidentVersion)
        .where(IncidentVersion.id == version.id)
        .values(stood=stood, words=sealed, digest=digest),
    )
    if number == held.version:
        _write_words(session, incident_id, sealed)
    events.write(
        session,
        "incident.redacted",
        "incident",
        incident_id,
        by=by,
        at=at,
        number=held.number,
        version=number,
        changed=[],
        before=version.digest,
        digest=digest,
    )


def altered(session: Session) -> list[int]:
    """The numbers of the incidents that differ from the record: a version, or the present state, was rewritten.

    A version that is gone counts, and so does an incident whose number was passed over.
    """
    told: dict[tuple[UUID, int], str] = {
        (row.subject_id, row.facts["version"]): row.facts["digest"]
        for row in run(
            session,
            only(Event.subject_id, Event.facts)
            .where(col(Event.verb).startswith("incident.", autoescape=True))
            .order_by(col(Event.n)),  # what was sealed anew has the digest that was told last
        )
    }
    kept = {(row.incident_id, row.number): row for row in every(session, of(IncidentVersion))}
    standing = {row.id: row for row in every(session, of(Incident))}
    wrong = {
        incident_id
        for (incident_id, number), digest in told.items()
        if (version := kept.get((incident_id, number))) is None
        or digest != version.digest
        or digest != _digest(version.id, version.stood, version.words)
    }
    wrong |= {incident_id for incident_id, number in kept if (incident_id, number) not in told}
    newest: dict[UUID, int] = {}
    for incident_id, number in told:
        newest[incident_id] = max(number, newest.get(incident_id, 0))
    for incident_id, row in standing.items():
        version = kept.get((incident_id, row.version))
        # Set back to what stood once is rewritten too.
        is_newest = row.version == newest.get(incident_id)
        if version is None or not is_newest or _lies(version.stood, version) != _lies(_stands(row), row):
            wrong.add(incident_id)
    there = {row.number for row in standing.values()}
    missing = set(range(1, max(there, default=0) + 1)) - there
    numbers = {
        standing[incident_id].number
        if incident_id in standing
        else next((v.stood["number"] for (of, _), v in kept.items() if of == incident_id), 0)
        for incident_id in wrong
    }
    return sorted(numbers | missing)


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
    known_on_reason: str = "",
) -> None:
    """Write `values` unless another wrote meanwhile, keep the resulting version, and tell the record."""
    held = _writable(session, incident_id, seen, even_closed=even_closed)
    changed = sorted(name for name, value in values.items() if getattr(held, name) != value)
    if not changed:
        return
    number = held.version + 1
    words = {name: values.get(name, getattr(held, name)) for name in WORDS}
    if known_on_reason:
        words[KNOWN_ON_REASON] = known_on_reason
    sealed = seal_words(session, "incident", incident_id, _place(incident_id, number), words, at=at)
    run(
        session,
        changes(Incident)
        .where(Incident.id == incident_id)
        .values(
            version=number,
            words=sealed,
            **_NO_WORDS,
            **{name: value for name, value in values.items() if name not in WORDS},
        ),
    )
    _keep(session, incident_id, verb, changed, by=by, at=at)


def _writable(session: Session, incident_id: UUID, seen: int | None, *, even_closed: bool = False) -> Incident:
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


def _held(session: Session, incident_id: UUID) -> Incident:
    """An incident with its words, locked until the transaction ends. Raises Refusal where there is none."""
    return opened(session, _as_it_lies(session, incident_id))


def _as_it_lies(session: Session, incident_id: UUID) -> Incident:
    found = first(
        session,
        of(Incident).where(Incident.id == incident_id).with_for_update(),
    )
    if found is None:
        raise Refusal("incident.unknown", N_("There is no such incident."))
    return found


def _versions(session: Session, incident_id: UUID) -> list[IncidentVersion]:
    return every(
        session,
        of(IncidentVersion).where(IncidentVersion.incident_id == incident_id).order_by(col(IncidentVersion.number)),
    )


def _said(session: Session, incident_id: UUID, number: int, sealed: bytes | None) -> dict[str, str]:
    """The words of a version; none where its row has lost them, which `altered` reports."""
    return {} if sealed is None else open_words(session, _place(incident_id, number), sealed)


def _place(incident_id: UUID, number: int) -> str:
    return f"incident/{incident_id}/{number}"


def _write_words(session: Session, incident_id: UUID, sealed: bytes) -> None:
    run(session, changes(Incident).where(Incident.id == incident_id).values(words=sealed, **_NO_WORDS))


def _keep(session: Session, incident_id: UUID, verb: str, changed: list[str], *, by: Actor, at: datetime) -> None:
    """Store an incident's present version, and write the line of the record that holds its digest."""
    row = _as_it_lies(session, incident_id)
    version_id, stood = uuid4(), _stands(row)
    digest = _digest(version_id, stood, row.words)
    run(
        session,
        insert(IncidentVersion).values(
            program_id=program_of(session),
            id=version_id,
            incident_id=incident_id,
            number=row.version,
            stood=stood,
            words=row.words,
            digest=digest,
            written_at=at,
        ),
    )
    events.write(
        session,
        verb,
        "incident",
        incident_id,
        by=by,
        at=at,
        number=row.number,
        version=row.version,
        changed=changed,
        digest=digest,
    )


def _stands(row: Incident) -> dict[str, Any]:
    """An incident's fields as JSON stores them."""
    return {name: _as_json(getattr(row, name)) for name in _STOOD}


def _lies(stood: Mapping[str, Any], row: Incident | IncidentVersion) -> tuple[dict[str, Any], bytes | None]:
    """What a row says, with its sealed words unopened."""
    return {name: stood.get(name) for name in _STOOD}, row.words


def _as_json(value: Any) -> Any:
    if isinstance(value, date):  # a moment is a date too, and comes in UTC
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def _digest(version_id: UUID, stood: Mapping[str, Any], sealed: bytes | None) -> str:
    """The digest of a version. Its id is random, so that no reader of the record finds out a short text by trying.

    Sealed words count as they lie: checking needs no key of theirs.
    """
    whole: list[Any] = [str(version_id), stood]
    if sealed is not None:
        whole.append(hashlib.sha256(sealed).hexdigest())
    return _hex(whole)


def digest_of(digests: Sequence[str]) -> str:
    """One digest over several, in their order."""
    return _hex(list(digests))


def _hex(whole: list[Any]) -> str:
    written = json.dumps(whole, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(written.encode()).hexdigest()


def _checked_entry(session: Session, entry: Entry, at: datetime) -> dict[str, Any]:
    """An entry's values, or Refusal."""
    organization = scalar(session, only(Organization.id).where(Organization.id == entry.organization_id))
    if organization is None:
        raise Refusal("organization.unknown", N_("The program has no such organization."))
    _check_days(entry, local_day(session, at))
    if entry.people_concerned is not None and not 0 <= entry.people_concerned <= MOST_PEOPLE:
        raise Refusal("incident.people_concerned.malformed", N_("Enter a number of people, or leave it empty."))
    return {
        **asdict(entry),
        "information": _needed("information", entry.information),
        "circumstances": _needed("circumstances", entry.circumstances),
        "measures": _checked("measures", entry.measures),
    }


def _check_days(entry: Entry, today: date) -> None:
    days = [day for day in (entry.happened_from, entry.happened_to, entry.known_on) if day is not None]
    if any(day > today for day in days):
        raise Refusal("incident.day.malformed", _STILL_TO_COME)
    if entry.happened_to is not None and entry.happened_from is None:
        raise Refusal("incident.happened_from.missing", N_("Give the first day as well as the last."))
    if entry.happened_to is not None and entry.happened_from is not None and entry.happened_to < entry.happened_from:
        raise Refusal("incident.ends_first", N_("The last day comes before the first."))
    if entry.happened_from is not None and entry.happened_from > entry.known_on:
        raise Refusal("incident.day.malformed", N_("An incident cannot be known before it happens."))


_STILL_TO_COME: Final = N_("This day is still to come.")
_TOLD_BEFORE: Final = N_("No one can be told of an incident before it is known.")
_MISSING: Final = {
    "information": N_("Say what kinds of personal information, or why that cannot be said."),
    "circumstances": N_("Say in a few words what happened."),
    "known_on_reason": N_("The legal time limits run from the day on which it became known: say why this day changes."),
    "risk_reasons": N_("Say what leads to this: how sensitive it is, how it may be used, how likely harm is."),
}


def _needed(field: str, words: str) -> str:
    checked = _checked(field, words)
    if not says_something(checked):
        why = _MISSING[field]  # on its own line: a literal inside a Refusal is taken for a msgid
        raise Refusal(f"incident.{field}.missing", why)
    return checked


def _checked(field: str, words: str) -> str:
    """A text as it is stored: without blanks around it, with plain line breaks, and nothing that is no text."""
    checked = trimmed(words.replace("\r\n", "\n").replace("\r", "\n"))
    if len(checked) > LONGEST_TEXT:
        raise Refusal(
            f"incident.{field}.too_long", N_("At most %(most)s characters may stand here."), most=LONGEST_TEXT
        )
    if any(not letter.isprintable() and letter not in "\n\t" and not letter.isspace() for letter in checked):
        raise Refusal(f"incident.{field}.not_text", N_("There are characters here that are not text."))
    return checked
