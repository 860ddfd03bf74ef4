"""What an asker is to a candidate or a participant, and finding the files that they may see.

A person whom the participant barred is nothing to them, in any role. A member of the Clinical Committee sees a
candidate while they sit there with the candidate on the agenda of the day (AD-R3). They see a participant as long as
they hold the seat. Both hold only for an organization that the terms of sharing name, and the identity opens only where
they name that too (AG-IS). Referrals are read without the name (AD-R2). The name opens to the assigned workers, and to
others for a purpose that they state.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import Session

from api.access.follow_ups import clinic_of, sits_for, sits_today
from api.access.people import to_person
from api.access.permissions import Action, Asker, Forbidden, Given, Relation, allows, require, themselves, to_program
from domain.accompaniment import barring, recruiting
from domain.casework import asking
from domain.kernel import Actor, col, first, joins, local_day, of, only, run, scalars, surely, tuples, unseal
from domain.participants import (
    Age,
    CriterionFound,
    DecisionReason,
    OwnReferral,
    ParticipantIdentity,
    ReadReferral,
    Who,
    as_sealed,
    fields_of,
    findings,
    identity_within,
    open_identity,
    read_reasons,
    reading,
    referring,
    without_the_name,
)
from domain.record import Ground, Purpose, reads, record_read
from domain.rights import Statement, statements
from domain.terms import CANDIDATE, PARTICIPANT, Circle, circle_of, other_than
from meetings import admissions, attendance, recruiters
from meetings.agenda_items import IS_ABOUT, STILL_HOLDS, TALKED_ABOUT
from meetings.committees import Membership
from models.agenda import AgendaItem
from models.meeting import Meeting
from models.participant import Participant
from models.referral import Referral

#: What a page or an answer may know of somebody without opening anything that is sealed.
UnsealedFacts = Participant


def known(session: Session, participant_id: UUID, *conditions: ColumnElement[bool]) -> UnsealedFacts | None:
    """What is known of a person without opening anything; None where there is no such file."""
    sealed = (Participant.sealed, Participant.names, Participant.marks)
    return first(session, of(Participant, without=sealed).where(Participant.id == participant_id, *conditions))


def find_participant(
    session: Session, asker: Asker, participant_id: UUID, action: Action = Action.SEE_PARTICIPANT
) -> tuple[UnsealedFacts, Given]:
    """A candidate or participant for `action`, and what the asker is to them. Raises Forbidden, also where none is.

    The same questions are asked of one that is there and of one that is not.
    """
    row = known(session, participant_id, col(Participant.state) != "draft")
    given = _given(session, asker, participant_id, row)
    if row is None:
        raise Forbidden
    require(Action.SEE_PARTICIPANT, given)
    require(action, given)
    return row, given


def ground_of(given: Given) -> Ground:
    """On what ground the asker reads a person's identity: the file is theirs, they oversee it, or they state a purpose.

    A member of the committee states one, also while the committee sits on the candidate.
    """
    if Relation.ASSIGNED in given:
        return "part"
    return "role" if Relation.COORDINATOR in given else "purpose"


def ground_of_facts(given: Given) -> Ground:
    """As `ground_of`, of what was referred and found without the name: the part of who sits on the candidate."""
    ground = ground_of(given)
    return "part" if ground == "purpose" and {Relation.IN_SESSION, Relation.SECOND} & given.keys() else ground


def purposes_for(given: Given) -> tuple[Purpose, ...]:
    """What the asker may say that they read for: to say who follows up, only while they sit on the candidate."""
    return tuple(one for one in reads.CHOSEN if one is not Purpose.WHO_FOLLOWS or Relation.IN_SESSION in given)


@dataclass(frozen=True)
class OpenedFile:
    """What was opened of a file: identity, each referral, the facts behind the criteria, and the reasons.

    `reasons` says why it was triaged, decided and assessed so, the oldest first; `beside` what the person says of it.
    """

    who: ParticipantIdentity
    referrals: list[ReadReferral]
    found: dict[str, CriterionFound]
    reasons: list[DecisionReason]
    beside: list[Statement]


def open_file(
    session: Session, given: Given, participant_id: UUID, *, purpose: str, language: str, by: Actor, at: datetime
) -> OpenedFile:
    """Open a person's identity and referrals; each is told to the record with the purpose, where one was stated.

    The permission table says who reads what was referred, and who reads why a risk was assessed so. The facts behind
    the criteria, and the reasons of the decision, are for the coordinator and for those who sit on the candidate.
    Raises Refusal.
    """
    ground, chosen = ground_of(given), _stated(given, purpose)
    who = open_identity(session, participant_id, by=by, at=at, ground=ground, purpose=chosen)
    reading = _Reading(session, participant_id, by, at, ground, chosen)
    of_admission = allows(Action.SEE_ADMISSION, given) is not None
    with_facts = of_admission and _sits_on(given)
    told = reading.referrals() if of_admission else []
    found = reading.found(language) if with_facts else {}
    retention = allows(Action.KEEP_RETENTION, given) is not None
    reasons = reading.reasons(given, admission=with_facts, retention=retention)
    return OpenedFile(who, told, found, reasons, reading.beside(given, {"identity"}))


@dataclass(frozen=True)
class Facts:
    """What was referred and found of a person, without who they are: what AD-R2 lists, and how it went on.

    `age` is that of the day, `reached_by` the kinds of ways to reach them, not the ways themselves. No text names them.
    """

    age: Age | None
    reached_by: tuple[str, ...]
    referrals: list[ReadReferral]
    found: dict[str, CriterionFound]
    reasons: list[DecisionReason]
    beside: list[Statement]


def read_facts(
    session: Session, given: Given, participant_id: UUID, *, purpose: str, language: str, by: Actor, at: datetime
) -> Facts:
    """What was referred and found, told to the record, with every text as it stands without the name. Raises Refusal.

    Who referred is left out with the name: a parent or a carer tells whose child it is.
    """
    reading = _Reading(session, participant_id, by, at, ground_of_facts(given), _stated(given, purpose))
    who = identity_within(session, participant_id)
    hides, sits = without_the_name(who), _sits_on(given)
    referrals = [said.without_the_name(hides) for said in reading.referrals()]
    found = reading.found(language) if sits else {}
    why = reading.reasons(given, admission=sits, retention=False)
    return Facts(
        age=who.age_as_of(local_day(session, at)),
        reached_by=tuple(name for name in _WAYS if any(getattr(one, name) for one in (who, *who.also))),
        referrals=referrals,
        found={name: replace(one, fact=hides(one.fact), why=hides(one.why)) for name, one in found.items()},
        reasons=[replace(one, fields={name: hides(text) for name, text in one.fields.items()}) for one in why],
        beside=[one._replace(words=hides(one.words)) for one in reading.beside(given, set())],
    )


#: The ways in which somebody can be reached, as `Identity` calls them.
_WAYS: Final = tuple(one.name for one in fields_of(Who) if one.reaches)


def _stated(given: Given, purpose: str) -> Purpose | None:
    """What the asker says that they read for; None where it is nothing that they may say."""
    said = reads.chosen(purpose)
    return said if said in purposes_for(given) else None


def _sits_on(given: Given) -> bool:
    """Whether the asker coordinates, or sits on the candidate: they read the facts, and why it was decided so."""
    return bool({Relation.COORDINATOR, Relation.IN_SESSION} & given.keys())


@dataclass(frozen=True)
class _Reading:
    """One reading of a file, on a ground and for a purpose: each part is told to the record as it is opened."""

    session: Session
    participant_id: UUID
    by: Actor
    at: datetime
    ground: Ground
    purpose: Purpose | None

    def referrals(self) -> list[ReadReferral]:
        """What each referral of the person says, the last first. Raises Refusal."""
        rows = tuples(
            self.session,
            only(Referral.id, surely(Referral.sealed), surely(Referral.received_at))
            .where(
                Referral.participant_id == self.participant_id,
                col(Referral.sealed).is_not(None),
                Referral.state != "draft",
            )
            .order_by(col(Referral.received_at).desc()),
        )
        return [self._referral(*row) for row in rows]

    def _referral(self, referral_id: UUID, sealed: bytes, received_at: datetime) -> ReadReferral:
        record_read(
            self.session,
            "referral",
            referral_id,
            what="referral",
            ground=self.ground,
            by=self.by,
            at=self.at,
            purpose=self.purpose,
        )
        said = unseal(self.session, self.participant_id, f"referral/{referral_id}", sealed)
        return ReadReferral(**as_sealed(ReadReferral, said), received_at=received_at)

    def found(self, language: str) -> dict[str, CriterionFound]:
        """The facts behind the criteria. Raises Refusal."""
        return findings.read_findings(
            self.session,
            self.participant_id,
            language=language,
            by=self.by,
            at=self.at,
            ground=self.ground,
            purpose=self.purpose,
        )

    def reasons(self, given: Given, *, admission: bool, retention: bool) -> list[DecisionReason]:
        """Why it was decided so; why a risk was assessed so, for whom the table tells of it. Raises Refusal."""
        return read_reasons(
            self.session,
            self.participant_id,
            admission=admission,
            risk=allows(Action.SEE_RISK, given) is not None,
            retention=retention,
            by=self.by,
            at=self.at,
            ground=self.ground,
            purpose=self.purpose,
        )

    def beside(self, given: Given, parts: set[str]) -> list[Statement]:
        """What the person says of the parts that the asker reads, where these were not corrected. Raises Refusal."""
        read = {part for action, part in _SAID_OF.items() if allows(action, given) is not None}
        return statements.read(
            self.session,
            self.participant_id,
            frozenset(read | parts),
            by=self.by,
            at=self.at,
            ground=self.ground,
            purpose=self.purpose,
        )


#: Of which part of a file the person's own words are read with it, by the action that reads that part.
_SAID_OF: Final = {
    Action.READ_FACTS: "referral",
    Action.SEE_ADMISSION: "admission",
    Action.SEE_RISK: "risk",
    Action.SEE_CONSENTS: "consents",
}


def _given(session: Session, asker: Asker, participant_id: UUID, row: UnsealedFacts | None) -> Given:
    barred = barring.is_barred(session, participant_id, asker.person_id)
    circle = circle_of(session, participant_id, asker.day)
    clinic = clinic_of(session, asker.day)
    at_it = _sits_at(session, clinic, participant_id, asker)
    if barred:
        return {Relation.BARRED: themselves(asker)}
    given = to_program(asker)
    part = circle.opens(asker.person_id, asker.standing) if asker.is_staff else ""
    if part:
        given[_BY_PART[part]] = given.get(Relation.FOLLOWS) or themselves(asker)
    is_admitted = row is not None and row.state == "admitted"
    told = told_to(circle, sits_for(clinic, asker) if is_admitted else at_it, is_admitted=is_admitted)
    if at_it and Relation.CLINICAL in told:
        told |= {Relation.IN_SESSION}
    return given | {relation: themselves(asker) for relation in told}


def sits_on(session: Session, asker: Asker, participant_id: UUID, given: Given) -> UUID | None:
    """The meeting by which alone the asker reads a candidate's file: it closes with that. None where it does not."""
    if Relation.IN_SESSION not in given or {Relation.COORDINATOR, Relation.ASSIGNED, Relation.SECOND} & given.keys():
        return None
    clinic = clinic_of(session, asker.day)
    return min(_sat_on_in(session, clinic, participant_id, asker.day), default=None)


def _sits_at(session: Session, clinic: Membership | None, participant_id: UUID, asker: Asker) -> frozenset[UUID]:
    """The organizations for which the asker sits today in a clinic that has the person on its agenda."""
    sits = sits_today(session, clinic, asker)
    meetings = _sat_on_in(session, clinic, participant_id, asker.day)
    return frozenset[UUID]().union(*(sits.get(meeting_id, ()) for meeting_id in meetings))


def told_to(circle: Circle, places: Iterable[UUID], *, is_admitted: bool) -> set[Relation]:
    """What a member of the committee is told who sits for these places; of whom they are not to speak, nothing."""
    shared = PARTICIPANT if is_admitted else CANDIDATE
    told = {
        relation
        for relation, information in _TOLD.items()
        for place in places
        if not circle.withholds(place, other_than(shared, information or shared.information))
    }
    return told if Relation.CLINICAL in told else set()


def _sat_on_in(session: Session, clinic: Membership | None, participant_id: UUID, day: date) -> frozenset[UUID]:
    """Today's clinics that have this person on the agenda, for admission or for their risk; not what was withdrawn.

    Nor what stays as printed though its fact no longer holds, as of who said no since, save while a risk is to be
    assessed: that is done under it too.
    """
    asked = asking.open_ones(session, recruiting.ASSESS, participant_id)
    found = scalars(
        session,
        only(surely(AgendaItem.meeting_id))
        .join(Meeting, joins(AgendaItem.meeting_id, Meeting))
        .join(Participant, IS_ABOUT)
        .where(
            col(AgendaItem.kind).in_([admissions.KIND, recruiters.KIND]),
            col(AgendaItem.state).in_(TALKED_ABOUT),
            *([] if asked else [STILL_HOLDS]),
            attendance.under_way_on(clinic.committee_id if clinic else None, day),
            Participant.id == participant_id,
        ),
    )
    return frozenset(found)


#: What somebody is who accompanies the person or is to meet them, by what that opens.
_BY_PART: Final[Mapping[str, Relation]] = {"file": Relation.ASSIGNED, "facts": Relation.SECOND}
#: What a member of the committee is told, each where an organization for which they sit is told that information.
_TOLD: Final = {
    Relation.CLINICAL: "",  # what the committee speaks of: a candidate's admission, a participant's follow-up
    Relation.TOLD_WHO: "contact",
    Relation.TOLD_WHY: "admission",
    Relation.TOLD_RISK: "risk",
    Relation.TOLD_CONSENTS: "consent",
}


def drafter(session: Session, asker: Asker, referral_id: UUID) -> Actor:
    """The actor under whom the asker continues a draft of theirs. Raises Forbidden, also where there is none."""
    return require(Action.KEEP_DRAFT, to_draft(session, asker, referral_id))


def to_draft(session: Session, asker: Asker, referral_id: UUID) -> Given:
    """What the asker is to a draft; where there is none, as to another's."""
    whose = referring.whose_draft(session, referral_id)
    given = to_person(asker, asker.person_id) if whose == asker.person_id else to_program(asker)
    if whose not in (asker.person_id, "coordination"):
        given.pop(Relation.COORDINATOR, None)
    return given


def sent_referral(session: Session, asker: Asker, referral_id: UUID) -> tuple[OwnReferral, Given]:
    """A referral that was sent, as its author knows it; the coordinator answers for who came by a link, or left.

    Raises Forbidden, also where there is none, and to a coordinator that the person barred.
    """
    found = reading.own(session, referral_id)
    whose = only(Referral.referred_by, Referral.participant_id).where(Referral.id == referral_id)
    row = run(session, whose).first()
    mine = row is not None and row.referred_by == asker.person_id
    given = to_person(asker, asker.person_id) if mine else to_program(asker)
    whom = (row and row.participant_id) or referral_id  # where there is none, the same is asked
    if barring.is_barred(session, whom, asker.person_id) and not mine:
        raise Forbidden
    require(Action.KEEP_DRAFT, given)
    if found is None:
        raise Forbidden
    return found, given
