"""Who a participant is: one sealed blob, and `open_identity`, the only door to it, which tells the record.

Beside it stands by what somebody may be told (names, telephones, addresses, birth dates), sealed apart, which the gate
of letters and documents looks for and shows to nobody who may not know.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields, replace
from datetime import date, datetime
from typing import Final, TypedDict
from uuid import UUID

from sqlmodel import Session

from domain.kernel.actors import Actor
from domain.kernel.refusals import Refusal
from domain.kernel.rows import col, first, of, only, run, scalar
from domain.names.hiding import Hides, hides
from domain.names.known import Someone, phones_of
from domain.participants import rates
from domain.participants.ages import Age, age_on
from domain.participants.referral_fields import Said, Who, as_sealed, to_seal
from domain.participants.sealing import mark, seal, unseal
from domain.record.reads import Ground, Purpose, record_read
from locales import N_
from models.participant import Participant

IDENTITY: Final = "identity"
NAMES: Final = "names"


@dataclass(frozen=True)
class Identity(Who):
    """Who somebody is, and how to reach them: what AD-R2 collects, and nothing else.

    An age stands where the birth date is not known, as it was said on `age_on`.
    """

    age_on: date | None = None
    also: tuple[Identity, ...] = ()  # as files said it that were joined to this one, where they said something else

    @property
    def name(self) -> str:
        """The name as it is shown."""
        return f"{self.given_name} {self.family_name}".strip()

    def age_as_of(self, day: date) -> Age | None:
        """The age on a local day."""
        return age_on(day, born=self.birth_date, age=self.age, said_on=self.age_on)

    def with_what_is_new_in(self, other: Identity) -> Identity:
        """This, and beside it what another file says of the same person: their other name, another telephone.

        Each is kept whole, so that a telephone stays with how and when it is safe.
        """
        beside = {_said(said): said for said in (*self.also, replace(other, also=()), *other.also)}
        beside.pop(_said(self), None)
        return replace(self, also=tuple(beside.values()))

    def to_json(self) -> Said:
        """As it is sealed."""
        age_on = self.age_on.isoformat() if self.age_on else None
        return {**to_seal(self, Identity), "age_on": age_on, "also": [other.to_json() for other in self.also]}

    @classmethod
    def of_json(cls, kept: Said) -> Identity:
        """As it was sealed."""
        age_on = date.fromisoformat(kept["age_on"]) if kept.get("age_on") else None
        return cls(**as_sealed(cls, kept), age_on=age_on, also=tuple(cls.of_json(one) for one in kept.get("also", ())))


def _said(who: Identity) -> Identity:
    """What makes one saying another: not the age, which is said of a day."""
    return replace(who, age=None, age_on=None, also=())


class IdentityColumns(TypedDict):
    """The columns of a participant that say who they are."""

    sealed: bytes
    names: bytes
    marks: list[str]


def sealed_identity(session: Session, participant_id: UUID, identity: Identity) -> IdentityColumns:
    """The columns of a participant that say who they are: sealed, and blindly marked. Raises Refusal."""
    return {
        "sealed": seal(session, participant_id, IDENTITY, identity.to_json()),
        "names": seal(session, participant_id, NAMES, _looked_for(identity)),
        "marks": sorted({mark(session, kind, value) for kind, value in shared_marks(identity)}),
    }


def open_identity(
    session: Session, participant_id: UUID, *, by: Actor, at: datetime, ground: Ground, purpose: Purpose | None = None
) -> Identity:
    """Who a participant is, given to `by`, and told to the record in the same transaction. The only door to it.

    `ground` says by what they may: their part (the follow-up is theirs), their role, or a purpose that they say.
    Raises Refusal: there is no such participant, it is destroyed, the keys cannot be used, the purpose is missing, or
    they opened as many files as they may in this time (`rates`).
    """
    row = first(session, of(Participant).where(Participant.id == participant_id))
    if row is None or row.state == "draft":
        raise Refusal("participant.unknown", N_("There is no such candidate or participant."))
    if row.sealed is None:
        raise Refusal("keys.gone", N_("What was sealed here is destroyed, and can no longer be read."))
    rates.refuse_more(session, participant_id, by=by, at=at)
    identity = Identity.of_json(unseal(session, participant_id, IDENTITY, row.sealed))
    record_read(session, "participant", participant_id, what="identity", ground=ground, by=by, at=at, purpose=purpose)
    return identity


def identity_within(session: Session, participant_id: UUID) -> Identity:
    """Who a participant is, for a rule that answers with less (an age, a mark): given to nobody, so nobody read it.

    Raises Refusal.
    """
    sealed = scalar(session, only(Participant.sealed).where(Participant.id == participant_id))
    if sealed is None:
        raise Refusal("participant.unknown", N_("There is no such candidate or participant."))
    return Identity.of_json(unseal(session, participant_id, IDENTITY, sealed))


def names_known(session: Session) -> Iterable[Someone]:
    """Who may be told by no letter and no document: everyone who is known and not destroyed, as each file says it.

    For the gate alone (`domain.mail.name_gate`), and for those who may know what it found. Raises Refusal where the
    keys cannot be used: what cannot be searched does not leave.
    """
    rows = run(session, only(Participant.id, Participant.names).where(col(Participant.names).is_not(None))).all()
    known: list[Someone] = []
    for row in rows:
        try:
            known += _told_by(session, row.id, row.names)
        except Refusal as refusal:
            if refusal.code != "keys.gone":  # whose key is destroyed has a name that nobody here knows
                raise
    return known


def without_the_name(who: Identity) -> Hides:
    """A function that takes out of a text what says who somebody is, as each joined file said it too.

    For those who are to know why, and not who: before consent, and before a file is destroyed.
    """
    said = (who, *who.also)
    return hides((_someone(one) for one in said), (one.address for one in said))


def _someone(said: Identity) -> Someone:
    return Someone(**{one.name: getattr(said, one.name) for one in fields(Someone)})


def _looked_for(identity: Identity) -> Said:
    """What is sealed for the gate: how somebody may be told, and nothing else of them."""
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
        born = date.fromisoformat(said["birth_date"]) if said["birth_date"] else None
        yield Someone(**{**said, "birth_date": born})


# ------------------------------------------------------------------------------------------------------ blind marks


def shared_marks(identity: Identity) -> list[tuple[str, str]]:
    """What of an identity is marked: equal marks of two people are what makes them possibly one."""
    return [marked for said in (identity, *identity.also) for marked in _marked(said)]


def _marked(identity: Identity) -> Iterator[tuple[str, str]]:
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
