"""What goes into the ledger of what must not come back: noted as the record is written, in the act's own transaction.

The session keeps the notes. Before it commits, they are written to the ledger, on the disk for good, and the act is
refused where that cannot be done (`adapters.database`). What a restore brings back is then known by its line.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from sqlmodel import Session

from domain.kernel import only, program_of, scalar
from models.ledger import NumberGiven, RestoredMatter
from models.ports import LEDGER_NOTES, LedgerFact, LedgerNote

#: What a matter is about that ended, as `models.ledger.MATTERS` has it; "" where a new epoch alone closes it again.
Matter = Literal["access", "consent", "departure", "restriction", "agreement", "redaction", "role", "other", ""]

#: The kinds of lines that rules write. `epoch`, `head`, `opened`, `accepted` and `void` are the ledger's own.
DESTROYED, ENDED, SENT, TOLD, NUMBERED, DECIDED = "destroyed", "ended", "sent", "told", "numbered", "decided"


@dataclass(frozen=True)
class Closing:
    """How a verb of the record closes something: what it is about, and which of its facts go along.

    `whose`: where it says whose access it is: "subject", or the name of a fact; "" where it is nobody's.
    `day`: the fact that says the last day, where it does not end at once. `only_where`: the fact that must say more
    than nothing, for a verb that closes in some cases alone; where it is a list, it must have `among` in it.
    """

    matter: Matter
    whose: str = ""
    day: str = ""
    facts: tuple[str, ...] = ()
    only_where: str = ""
    among: str = ""

    def is_so(self, facts: Mapping[str, object]) -> bool:
        """Whether it closes something, as these facts say."""
        said = facts.get(self.only_where) if self.only_where else True
        return bool(said) and (not self.among or (isinstance(said, list) and self.among in said))


#: Every verb of the record that closes something, ends it or takes it back, so that a restore must not open it again.
#: A test holds that each other verb says why it needs no line.
CLOSINGS: Final[Mapping[str, Closing]] = {
    # Who gets in. What a new epoch voids needs no decision, and a line all the same: by it a restore is found.
    "access.ended": Closing("access", "subject"),
    "passkey.removed": Closing("access", "subject", facts=("passkey",)),
    "identity.linked": Closing("access", "subject", only_where="replaced"),
    "account.closed": Closing("access", "subject"),
    "person.updated": Closing("access", "subject", only_where="changed", among="email"),  # no link goes to the old one
    "session.ended": Closing(""),
    "feed.ended": Closing("", facts=("person",)),
    "referral_link.ended": Closing(""),
    "invitation.used": Closing(""),
    "invitation.sent": Closing(""),
    "invitation.handed_over": Closing(""),
    "enrolment.sent": Closing(""),
    # Who is what.
    "tenure.ended": Closing("role", "subject", "ends_on", ("role", "organization")),
    "tenure.taken_back": Closing("role", "subject", "", ("role", "organization", "starts_on")),
    "departure.opened": Closing("departure", "subject", "last_day", ("organization",)),
    "departure.last_day_over": Closing("departure", "subject", "", ("organization",)),
    "role.ended": Closing("role"),
    "absence.cancelled": Closing("other", facts=("absence", "deputy")),
    "absence.deputy_changed": Closing("other", facts=("absence", "instead_of"), only_where="instead_of"),
    "seat.left": Closing("role", "person", "ends_on"),
    "seat.withdrawn": Closing("role", "person"),
    "seat.ended": Closing("other"),
    "guest.withdrawn": Closing("role", "person"),
    "committee.ended": Closing("other"),
    "organization.ended": Closing("agreement"),
    # What a participant allows, and to whom their file is shown.
    "consent.withdrawn": Closing("consent", facts=("purpose", "organization")),
    "consent.replaced": Closing("consent", facts=("purpose", "organization")),  # no verb of the record: of a new one
    "consent.narrowed": Closing("consent", "", "day", ("purpose", "organization")),
    "research_consent.withdrawn": Closing("consent"),
    "staff_research_consent.withdrawn": Closing("consent"),
    "study.recipient_removed": Closing("restriction", "person"),
    "study.ended": Closing("other"),
    "participant.barred": Closing("restriction", facts=("person",)),
    "participant.meets_no_more": Closing("restriction", facts=("worker",)),  # no verb of the record: of several acts
    "follow_up.part_ended": Closing("restriction", facts=("worker",)),
    "referral.left": Closing("restriction"),
    "retention.held": Closing("restriction"),
    "retention.moved": Closing("restriction", facts=("day",)),
    "retention.stopped": Closing("restriction"),
    "destruction.refused": Closing("restriction"),
    "destruction.stopped": Closing("restriction"),
    "destruction.withdrawn": Closing("restriction"),
    # What partners agreed, and what was decided.
    "agreement.ended": Closing("agreement", "", "ends_on", ("number",)),
    "agreement.lapsed": Closing("agreement", facts=("number", "ends_on")),
    "agreement.called_off": Closing("agreement", facts=("number", "was")),
    "agreement.withdrawn": Closing("agreement", facts=("number",)),
    "agreement.signature_taken_back": Closing("agreement", facts=("director", "number", "signed_on")),
    "decision.withdrawn": Closing("other"),
    "decision.suspended": Closing("other"),
    "decision.word_taken_back": Closing("other", facts=("organization",)),
    # Words and papers that were taken out.
    "redaction.done": Closing("redaction", facts=("of", "subject")),
    "minutes.redacted": Closing("redaction"),
    "notice.redacted": Closing("redaction"),
    "incident.redacted": Closing("redaction"),
    "evidence.withdrawn": Closing("redaction"),
    "obligation.document_withdrawn": Closing("redaction"),
    "reply.address_forgotten": Closing("redaction"),
}


def note(session: Session, kind: str, subject_id: UUID, *, at: datetime, **more: LedgerFact) -> None:
    """Have a line written to the ledger before the transaction is acknowledged: opaque ids, codes, days and numbers."""
    line = LedgerNote(kind, at, program_of(session), subject_id, more)
    session.info.setdefault(LEDGER_NOTES, []).append(line)


@dataclass(frozen=True)
class Given:
    """A number that was given, as the ledger has it: the last one of a series, and of what where there are several."""

    series: str
    last: int
    of: str = ""


def note_number(session: Session, subject_id: UUID, given: Given, *, at: datetime) -> None:
    """Note that a number was given, so that it is not given again after a restore."""
    note(session, NUMBERED, subject_id, at=at, **{name: value for name, value in asdict(given).items() if value})


def note_closing(
    session: Session, verb: str, kind: str, subject_id: UUID, facts: Mapping[str, object], *, at: datetime
) -> None:
    """Note an act that is written to the record, where it closes something."""
    closing = CLOSINGS.get(verb)
    if closing is None or not closing.is_so(facts):
        return
    more: dict[str, LedgerFact] = {"verb": verb, "of": kind}
    whose = str(subject_id) if closing.whose == "subject" else str(facts.get(closing.whose) or "")
    if whose:
        more["person"] = whose
    if closing.day and facts.get(closing.day):
        more["day"] = str(facts[closing.day])
    more |= {name: str(facts[name]) for name in closing.facts if facts.get(name)}
    note(session, ENDED, subject_id, at=at, **more)


def said_of_end(verb: str, subject_id: UUID | None, facts: Mapping[str, object]) -> str:
    """What a line says of an act that closed something, as a digest: alike of the act and of its being done again."""
    said = sorted((name, str(told)) for name, told in facts.items() if name not in ("verb", "of"))
    return hashlib.sha256(repr((verb, str(subject_id), said)).encode()).hexdigest()


def said_of(matter: RestoredMatter) -> str:
    """What the line of a matter says of its act (`said_of_end`)."""
    whose = {"person": str(matter.person_id)} if matter.person_id else {}
    return said_of_end(matter.verb, matter.subject_id, {**matter.facts, **whose})


@dataclass(frozen=True)
class Decided:
    """What was decided of a matter after a restore: of what its act says (`said_of`), and by which person.

    `by` is their id, "" of who runs the installation. Why is in no line.
    """

    what: str
    decision: str
    by: str = ""


@dataclass(frozen=True)
class DecidedBefore(Decided):
    """What was decided at a moment, and lost with another restore."""

    at: datetime = field(kw_only=True)


def note_decision(session: Session, matter: RestoredMatter, decision: str, *, by: UUID | None, at: datetime) -> None:
    """Note what is decided of a matter, so that another restore does not ask anew without saying it."""
    said = Decided(said_of(matter), decision, str(by or ""))
    note(session, DECIDED, matter.subject_id, at=at, **{name: value for name, value in asdict(said).items() if value})


def digest_of_key(key: str) -> str:
    """What the ledger knows of the key of a letter, which names its cause and its reader."""
    return hashlib.sha256(key.encode()).hexdigest()


def last_given(session: Session, series: str, of: str = "") -> int:
    """The last number of a series that was given and lost with a restore; 0 where none was."""
    given = only(NumberGiven.last).where(NumberGiven.series == series_name(series, of))
    return scalar(session, given) or 0


def lost_numbers(session: Session, series: str) -> frozenset[int]:
    """The numbers of a series that were given and lost with a restore."""
    given = scalar(session, only(NumberGiven.lost).where(NumberGiven.series == series))
    return frozenset(given or ())


def series_name(series: str, of: str = "") -> str:
    """A series of numbers, and of what it is where there are several."""
    return f"{series}:{of}" if of else series
