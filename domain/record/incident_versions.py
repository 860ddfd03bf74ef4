"""What is kept of each incident: every version as it stood, its words sealed, and the digest that the record tells.

Each version is kept whole, so that nothing is lost, and one that was rewritten later no longer fits the digest under
the record's seals (`altered`), which needs no key to be seen. What names somebody is taken out by `redact`, and the
record tells the digest of what is left.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, TypeVar
from uuid import UUID, uuid4

from sqlalchemy import literal
from sqlmodel import Session

from domain.kernel import (
    SHAPE,
    Actor,
    Refusal,
    add_row,
    also,
    change_key,
    changes,
    col,
    every,
    first,
    of,
    only,
    open_words,
    program_of,
    replaced,
    run,
    seal_words,
    value_of,
)
from domain.record import apart, events
from locales import N_
from models.record import Event, Incident, IncidentVersion

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
#: As well, why another day stands on which someone was told.
TOLD_ON_REASON: Final = "told_on_reason"
#: The reasons of a change, each of the version that came of it.
REASONS: Final = (KNOWN_ON_REASON, TOLD_ON_REASON)
#: Those of the fields that people write in their own words: sealed.
WORDS: Final = ("information", "circumstances", "risk_reasons", "public_notice", "measures")
_EMPTY: Final = value_of(literal(""))
_STOOD: Final = (*FIELDS, "number", "recorded_by", "recorded_at", "closed_by", "closed_at")


class OpenedIncident(Incident):
    """An incident with its words, which `opened` says; empty before, and where its row has lost them."""

    model_config = SHAPE

    information: str = also(_EMPTY)  # what kinds of personal information, or why that cannot be said
    circumstances: str = also(_EMPTY)
    risk_reasons: str = also(_EMPTY)
    public_notice: str = also(_EMPTY)  # whether and why people were told by public notice
    measures: str = also(_EMPTY)


Kept = TypeVar("Kept", bound=OpenedIncident)


def hold(session: Session, incident_id: UUID) -> OpenedIncident:
    """An incident as it lies, its words sealed, held until the transaction ends. Raises Refusal where there is none."""
    found = first(session, of(OpenedIncident).where(Incident.id == incident_id).with_for_update())
    if found is None:
        raise Refusal("incident.unknown", N_("There is no such incident."))
    return found


def versions(session: Session, incident_id: UUID) -> list[IncidentVersion]:
    """Every version of an incident as it stood, the first one first, with its words unsealed. Raises Refusal."""
    rows = _versions(session, incident_id)
    return [replaced(row, stood={**row.stood, **_said(session, incident_id, row.number, row.words)}) for row in rows]


def opened(session: Session, row: Kept) -> Kept:
    """A row of the register with its words, for those who may read it. Raises Refusal where the keys cannot be used."""
    words = _said(session, row.id, row.version, row.words)
    return replaced(row, **{name: words[name] for name in WORDS if name in words})


def redact(
    session: Session, incident_id: UUID, taken_out: Callable[[str], str], *, by: Actor, at: datetime
) -> tuple[str, str, int]:
    """Take words out of every version of an incident; the digests before and after, and how many texts changed.

    What is left is sealed anew under another key, so that no older copy opens any more. For `meetings.redacting` alone,
    which has two people for it. Raises Refusal.
    """
    held = hold(session, incident_id)
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


def texts(session: Session, incident_id: UUID) -> list[str]:
    """Every text that is kept of an incident, of each of its versions. Raises Refusal."""
    found = [
        text
        for version in versions(session, incident_id)
        for name, text in version.stood.items()
        if name in (*WORDS, *REASONS) and text
    ]
    return list(dict.fromkeys(found))


def _rewrite(
    session: Session, held: Incident, version: IncidentVersion, said: Mapping[str, str], *, by: Actor, at: datetime
) -> None:
    """Rewrite the sealed words of a version, and of the incident at that version; the record tells the digest."""
    incident_id, number = held.id, version.number
    words = {name: said.get(name, "") for name in WORDS} | {name: said[name] for name in REASONS if said.get(name)}
    sealed = seal_version(session, incident_id, number, words, at=at)
    digest = _digest(version.id, version.stood, sealed)
    run(session, changes(IncidentVersion).where(IncidentVersion.id == version.id).values(words=sealed, digest=digest))
    if number == held.version:
        write_words(session, incident_id, sealed)
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

    A version that is gone counts, and so does an incident whose number was passed over; not one that a restore lost.
    """
    register = _Register.read(session)
    numbers = {register.number_of(incident_id) for incident_id in register.rewritten()}
    there = {row.number for row in register.standing.values()}
    missing = set(range(1, max(there, default=0) + 1)) - there - apart.lost_numbers(session, "incident")
    return sorted(numbers | missing)


@dataclass(frozen=True)
class _Register:
    """The register as it lies, and as the record tells it.

    `told` has the digest of each version, `kept` each version, by the incident and its number; `standing` what each
    incident says now.
    """

    told: Mapping[tuple[UUID, int], str]
    kept: Mapping[tuple[UUID, int], IncidentVersion]
    standing: Mapping[UUID, Incident]

    @classmethod
    def read(cls, session: Session) -> _Register:
        """All of a program's, and what its record says of it."""
        lines = run(
            session,
            only(Event.subject_id, Event.facts)
            .where(col(Event.verb).startswith("incident.", autoescape=True))
            .order_by(col(Event.n)),  # what was sealed anew has the digest that was told last
        )
        return cls(
            {(line.subject_id, line.facts["version"]): line.facts["digest"] for line in lines},
            {(row.incident_id, row.number): row for row in every(session, of(IncidentVersion))},
            {row.id: row for row in every(session, of(Incident))},
        )

    def rewritten(self) -> set[UUID]:
        """The incidents of which a version, or what stands, is not as it was told."""
        wrong = {place for place, digest in self.told.items() if not _has_digest(self.kept.get(place), digest)}
        untold = self.kept.keys() - self.told.keys()
        return {incident_id for incident_id, _ in wrong | untold} | set(self._standing_otherwise())

    def _standing_otherwise(self) -> Iterator[UUID]:
        """The incidents that do not stand as their newest version. Set back to what stood once is rewritten too."""
        newest: dict[UUID, int] = {}
        for incident_id, number in self.told:
            newest[incident_id] = max(number, newest.get(incident_id, 0))
        for incident_id, row in self.standing.items():
            version = self.kept.get((incident_id, row.version))
            is_newest = row.version == newest.get(incident_id)
            if version is None or not is_newest or _lies(version.stood, version) != _lies(stands(row), row):
                yield incident_id

    def number_of(self, incident_id: UUID) -> int:
        """The number of an incident: what stands, else what a version says."""
        if incident_id in self.standing:
            return self.standing[incident_id].number
        of_it = (version.stood["number"] for (one, _), version in self.kept.items() if one == incident_id)
        return next(of_it, 0)


def _has_digest(version: IncidentVersion | None, digest: str) -> bool:
    """Whether a version is there, and is the one of this digest."""
    return version is not None and digest == version.digest == _digest(version.id, version.stood, version.words)


def seal_version(session: Session, incident_id: UUID, number: int, words: Mapping[str, str], *, at: datetime) -> bytes:
    """The words of a version, sealed for its place."""
    return seal_words(session, "incident", incident_id, _place(incident_id, number), words, at=at)


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


def write_words(session: Session, incident_id: UUID, sealed: bytes) -> None:
    """Have an incident say these words, sealed."""
    run(session, changes(Incident).where(Incident.id == incident_id).values(words=sealed))


def keep(session: Session, incident_id: UUID, verb: str, changed: list[str], *, by: Actor, at: datetime) -> None:
    """Store an incident's present version, and write the line of the record that holds its digest."""
    row = hold(session, incident_id)
    version_id, stood = uuid4(), stands(row)
    digest = _digest(version_id, stood, row.words)
    version = IncidentVersion(
        program_id=program_of(session),
        id=version_id,
        incident_id=incident_id,
        number=row.version,
        stood=stood,
        words=row.words,
        digest=digest,
        written_at=at,
    )
    add_row(session, version)
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


def stands(row: Incident) -> dict[str, Any]:
    """An incident's fields as JSON stores them; empty in the places of the words, which are sealed beside them."""
    return {name: "" if name in WORDS else _as_json(getattr(row, name)) for name in _STOOD}


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
