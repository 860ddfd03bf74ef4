"""A participant's identity: one sealed blob. Only `open_identity` opens it for people, and notes that on record.

Beside it is what could identify them (names, telephones, addresses, birth dates), sealed apart. The gate of letters and
documents looks for it, and shows it to no one who may not know.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields, replace
from datetime import date, datetime
from typing import Final, TypedDict
from uuid import UUID

from sqlmodel import Session

from domain.kernel import Actor, Refusal, col, first, mark, of, only, run, scalar, seal, unseal
from domain.names import Hides, Someone, hides, phones_of
from domain.participants import rates
from domain.participants.ages import Age, age_on
from domain.participants.referral_fields import Said, Who, as_sealed, to_seal
from domain.record import Ground, Purpose, record_read
from locales import N_
from models.participant import Participant

IDENTITY: Final = "identity"
NAMES: Final = "names"
_OPENED: Final = "names_opened"  # where a session keeps what it opened of them


@dataclass(frozen=True)
class ParticipantIdentity(Who):
    """Who somebody is, and how to reach them: what AD-R2 collects, and nothing else.

    An age stands where the birth date is not known, as it was said on `age_on`.
    """

    age_on: date | None = None
    also: tuple[
        ParticipantIdentity, ...
    ] = ()  # as files said it that were joined to this one, where they said something else

    @property
    def name(self) -> str:
        """The name as it is shown."""
        return f"{self.given_name} {self.family_name}".strip()

    def age_as_of(self, day: date) -> Age | None:
        """The age on a local day."""
        return age_on(day, born=self.birth_date, age=self.age, said_on=self.age_on)

    def with_what_is_new_in(self, other: ParticipantIdentity) -> ParticipantIdentity:
        """This identity, with what another file says of the same person beside it: another name, another telephone.

        Each is kept whole, so that a telephone stays with how and when it is safe.
        """
        beside = {_said(said): said for said in (*self.also, replace(other, also=()), *other.also)}
        beside.pop(_said(self), None)
        return replace(self, also=tuple(beside.values()))

    def to_json(self) -> Said:
        """The identity as it is sealed."""
        age_on = self.age_on.isoformat() if self.age_on else None
        return {
            **to_seal(self, ParticipantIdentity),
            "age_on": age_on,
            "also": [other.to_json() for other in self.also],
        }

    @classmethod
    def of_json(cls, kept: Said) -> ParticipantIdentity:
        """The identity from its sealed form."""
        said_on = kept.get("age_on")
        age_on = date.fromisoformat(said_on) if said_on else None
        return cls(**as_sealed(cls, kept), age_on=age_on, also=tuple(cls.of_json(one) for one in kept.get("also", ())))


def _said(who: ParticipantIdentity) -> ParticipantIdentity:
    """The fields by which two sayings are equal: not the age, which is said of a day."""
    return replace(who, age=None, age_on=None, also=())


class IdentityColumns(TypedDict):
    """The columns of a participant that say who they are."""

    sealed: bytes
    names: bytes
    marks: list[str]


def sealed_identity(session: Session, participant_id: UUID, identity: ParticipantIdentity) -> IdentityColumns:
    """The columns of a participant with the identity: sealed, and blindly marked. Raises Refusal."""
    return {
        "sealed": seal(session, participant_id, IDENTITY, identity.to_json()),
        "names": seal(session, participant_id, NAMES, _looked_for(identity)),
        "marks": marks_of(session, identity),
    }


def marks_of(session: Session, identity: ParticipantIdentity) -> list[str]:
    """The blind marks of an identity, by which those who may be the same are found. Raises Refusal: the keys."""
    return sorted({mark(session, kind, value) for kind, value in shared_marks(identity)})


def open_identity(
    session: Session, participant_id: UUID, *, by: Actor, at: datetime, ground: Ground, purpose: Purpose | None = None
) -> ParticipantIdentity:
    """Open a participant's identity for `by`, and note it on record in the same transaction. The only way to it.

    `ground` says why they may: their part (the follow-up is theirs), their role, or a purpose that they say. Raises
    Refusal: there is no such participant, it is destroyed, the keys cannot be used, the purpose is missing, or they
    opened as many files as they may in this time (`rates`).
    """
    row = first(session, of(Participant).where(Participant.id == participant_id))
    if row is None or row.state == "draft":
        raise Refusal("participant.unknown", N_("There is no such candidate or participant."))
    if row.sealed is None:
        raise Refusal("keys.gone", N_("What was sealed here is destroyed, and can no longer be read."))
    rates.refuse_more(session, participant_id, by=by, at=at)
    identity = ParticipantIdentity.of_json(unseal(session, participant_id, IDENTITY, row.sealed))
    record_read(session, "participant", participant_id, what="identity", ground=ground, by=by, at=at, purpose=purpose)
    return identity


def identity_within(session: Session, participant_id: UUID) -> ParticipantIdentity:
    """A participant's identity, for a rule that answers with less (an age, a mark): no person reads it.

    Raises Refusal.
    """
    sealed = scalar(session, only(Participant.sealed).where(Participant.id == participant_id))
    if sealed is None:
        raise Refusal("participant.unknown", N_("There is no such candidate or participant."))
    return ParticipantIdentity.of_json(unseal(session, participant_id, IDENTITY, sealed))


def names_known(session: Session, *, besides: UUID | None = None) -> Iterable[Someone]:
    """The people that no letter and no document may name: everyone known and not destroyed, as each file says it.

    `besides` is a participant who may be named, in what is given to themselves.
    For the gate alone (`domain.mail.name_gate`), and for those who may know what it found. Raises Refusal where the
    keys cannot be used: what cannot be searched is not sent.
    """
    rows = run(session, only(Participant.id, Participant.names).where(col(Participant.names).is_not(None))).all()
    known: list[Someone] = []
    opened: dict[bytes, tuple[Someone, ...]] = session.info.setdefault(_OPENED, {})  # each letter of a session asks
    for row in rows:
        if row.id == besides:
            continue
        try:
            opened[row.names] = opened.get(row.names) or tuple(_told_by(session, row.id, row.names))
            known += opened[row.names]
        except Refusal as refusal:
            if refusal.code != "keys.gone":  # with its key destroyed, its name is known to no one here
                raise
    return known


def without_the_name(who: ParticipantIdentity) -> Hides:
    """A function that removes from a text what identifies a person, as each joined file said it too.

    For those who are to know why, and not who: before consent, and before a file is destroyed.
    """
    said = (who, *who.also)
    return hides((_someone(one) for one in said), (one.address for one in said))


def _someone(said: ParticipantIdentity) -> Someone:
    return Someone(**{one.name: getattr(said, one.name) for one in fields(Someone)})


def _looked_for(identity: ParticipantIdentity) -> Said:
    """What is sealed for the gate: what could identify a person, and nothing else of them."""
    people = [_someone(said) for said in (identity, *identity.also)]
    return {
        "people": [
            {**asdict(one), "birth_date": one.birth_date.isoformat() if one.birth_date else ""} for one in people
        ]
    }


def _told_by(session: Session, participant_id: UUID, names: bytes) -> Iterator[Someone]:
    found = unseal(session, participant_id, NAMES, names)
    if "people" not in found:
        # Sealed when the gate looked for whole names alone: the rest stands with who they are.
        found = _looked_for(identity_within(session, participant_id))
    for said in found["people"]:
        birth = said["birth_date"]
        born = date.fromisoformat(birth) if birth else None
        yield Someone(**{**said, "birth_date": born})


# ------------------------------------------------------------------------------------------------------ blind marks


def shared_marks(identity: ParticipantIdentity) -> list[tuple[str, str]]:
    """The marked parts of an identity: equal marks of two people are what makes them possibly one."""
    return [marked for said in (identity, *identity.also) for marked in _marked(said)]


def _marked(identity: ParticipantIdentity) -> Iterator[tuple[str, str]]:
    given, family = _letters(identity.given_name), _letters(identity.family_name)
    if given and family:
        # "Roy, Ana" is "Ana Roy"; of a double name each half counts with the given name.
        yield "name", "|".join(sorted([" ".join(given), " ".join(family)]))
        if len(family) > 1:
            for half in family:
                yield "name", "|".join(sorted([" ".join(given), half]))
    # Each telephone of the line, as the gate looks for it: an extension behind one is no part of it.
    for digits in sorted(phones_of(_someone(identity))):
        yield "phone", digits
    if identity.email:
        yield "email", identity.email.strip().casefold()


def _letters(text: str) -> list[str]:
    """The words of a name, without capitals, accents, hyphens or apostrophes."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(letter if letter.isalnum() else " " for letter in decomposed if not unicodedata.combining(letter))
    return plain.split()
