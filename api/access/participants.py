"""What an asker is to a candidate or a participant, and finding the files that they may see.

A person whom the participant barred is nothing to them, in any role. A member of the Clinical Committee sees a
candidate while they sit there with the candidate on the agenda of the day (AD-R3). They see a participant as long as
they hold the seat. Both hold only for an organization that the terms of sharing name, and the identity opens only where
they name that too (AG-IS). Referrals are read without the name (AD-R2). The name opens to the assigned workers, and to
others for a purpose that they state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import Session

from api.access.follow_ups import clinic_of, sits_for, sits_today
from api.access.people import to_person
from api.access.permissions import Action, Asker, Forbidden, Given, Relation, allows, require, themselves, to_program
from domain.accompaniment import barring, recruiting
from domain.casework import asking
from domain.kernel.actors import Actor
from domain.kernel.rows import col, joins, only, run, scalars, surely, tuples
from domain.kernel.scope import local_day
from domain.participants import findings, referring
from domain.participants.ages import Age
from domain.participants.findings import Found
from domain.participants.identity import Identity, identity_within, open_identity, without_the_name
from domain.participants.reasons import Reason, read_reasons
from domain.participants.referral_fields import Who, as_sealed, fields_of
from domain.participants.referral_form import ReadReferral
from domain.participants.sealing import unseal
from domain.record import reads
from domain.record.reads import Ground, Purpose, record_read
from domain.terms.days import CANDIDATE, PARTICIPANT, other_than
from domain.terms.sharing import circle_of
from meetings import admissions, attendance, recruiters
from meetings.agenda_items import IS_ABOUT, TALKED_ABOUT
from meetings.committees import Membership
from meetings.reasons import ENDED
from models.agenda import AgendaItem
from models.meeting import Meeting
from models.participant import Participant
from models.referral import Referral


class Known(NamedTuple):
    """What a page or an answer may know of a person on file without opening anything that is sealed."""

    id: UUID
    candidate_ref: str
    number: str | None
    state: str
    languages: list[str]
    area: str
    recruiter: bool
    admitted_on: date | None
    retain_until: date | None
    held: bool
    version: int


def known(session: Session, participant_id: UUID, *conditions: ColumnElement[bool]) -> Known | None:
    """What is known of a person without opening anything; None where there is no such file."""
    row = run(
        session,
        only(
            Participant.id,
            Participant.candidate_ref,
            Participant.number,
            Participant.state,
            Participant.languages,
            Participant.area,
            Participant.recruiter,
            Participant.admitted_on,
            Participant.retain_until,
            Participant.held,
            Participant.version,
        ).where(Participant.id == participant_id, *conditions),
    ).first()
    return None if row is None else Known(*row)


def find_participant(
    session: Session, asker: Asker, participant_id: UUID, action: Action = Action.SEE_PARTICIPANT
) -> tuple[Known, Given]:
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
class Opened:
    """What was opened of a file: identity, each referral, the facts behind the criteria, and the reasons.

    `reasons` says why it was triaged, decided and assessed so, the oldest first.
    """

    who: Identity
    referrals: list[ReadReferral]
    found: dict[str, Found]
    reasons: list[Reason]


def open_file(
    session: Session, given: Given, participant_id: UUID, *, purpose: str, language: str, by: Actor, at: datetime
) -> Opened:
    """Open a person's identity and referrals; each is told to the record with the purpose, where one was stated.

    The permission table says who reads what was referred, and who reads why a risk was assessed so. The facts behind
    the criteria, and the reasons of the decision, are for the coordinator and for those who sit on the candidate.
    Raises Refusal.
    """
    ground, chosen = ground_of(given), _stated(given, purpose)
    who = open_identity(session, participant_id, by=by, at=at, ground=ground, purpose=chosen)
    of_admission = allows(Action.SEE_ADMISSION, given) is not None
    with_facts = of_admission and bool({Relation.COORDINATOR, Relation.IN_SESSION} & given.keys())
    told: list[ReadReferral] = []
    found: dict[str, Found] = {}
    if of_admission:
        told = _read_referrals(session, participant_id, by=by, at=at, ground=ground, purpose=chosen)
    if with_facts:
        found = findings.read_findings(
            session, participant_id, language=language, by=by, at=at, ground=ground, purpose=chosen
        )
    why = read_reasons(
        session,
        participant_id,
        admission=with_facts,
        risk=allows(Action.SEE_RISK, given) is not None,
        retention=allows(Action.KEEP_RETENTION, given) is not None,
        by=by,
        at=at,
        ground=ground,
        purpose=chosen,
    )
    return Opened(who, told, found, why)


@dataclass(frozen=True)
class Facts:
    """What was referred and found of a person, without who they are: what AD-R2 lists, and how it went on.

    `age` is that of the day, `reached_by` the kinds of ways to reach them, not the ways themselves. No text names them.
    """

    age: Age | None
    reached_by: tuple[str, ...]
    referrals: list[ReadReferral]
    found: dict[str, Found]
    reasons: list[Reason]


def read_facts(
    session: Session, given: Given, participant_id: UUID, *, purpose: str, language: str, by: Actor, at: datetime
) -> Facts:
    """What was referred and found, told to the record, with every text as it stands without the name. Raises Refusal.

    Who referred is left out with the name: a parent or a carer tells whose child it is.
    """
    ground, chosen = ground_of_facts(given), _stated(given, purpose)
    who = identity_within(session, participant_id)
    shown = without_the_name(who)
    referrals = [
        said.without_the_name(shown)
        for said in _read_referrals(session, participant_id, by=by, at=at, ground=ground, purpose=chosen)
    ]
    sits = bool({Relation.COORDINATOR, Relation.IN_SESSION} & given.keys())
    found = (
        findings.read_findings(session, participant_id, language=language, by=by, at=at, ground=ground, purpose=chosen)
        if sits
        else {}
    )
    why = read_reasons(
        session,
        participant_id,
        admission=sits,
        risk=allows(Action.SEE_RISK, given) is not None,
        by=by,
        at=at,
        ground=ground,
        purpose=chosen,
    )
    return Facts(
        age=who.age_as_of(local_day(session, at)),
        reached_by=tuple(name for name in _WAYS if any(getattr(one, name) for one in (who, *who.also))),
        referrals=referrals,
        found={name: replace(one, fact=shown(one.fact), why=shown(one.why)) for name, one in found.items()},
        reasons=[replace(one, fields={name: shown(text) for name, text in one.fields.items()}) for one in why],
    )


#: The ways in which somebody can be reached, as `Identity` calls them.
_WAYS: Final = tuple(one.name for one in fields_of(Who) if one.reaches)


def _stated(given: Given, purpose: str) -> Purpose | None:
    """What the asker says that they read for; None where it is nothing that they may say."""
    said = reads.chosen(purpose)
    return said if said in purposes_for(given) else None


def _read_referrals(
    session: Session, participant_id: UUID, *, by: Actor, at: datetime, ground: Ground, purpose: Purpose | None
) -> list[ReadReferral]:
    """What each referral of the person says, the last first: opened, and each told to the record. Raises Refusal."""
    rows = tuples(
        session,
        only(Referral.id, surely(Referral.sealed), surely(Referral.received_at))
        .where(
            Referral.participant_id == participant_id,
            col(Referral.sealed).is_not(None),
            Referral.state != "draft",
        )
        .order_by(col(Referral.received_at).desc()),
    )
    told = []
    for referral_id, sealed, received_at in rows:
        record_read(session, "referral", referral_id, what="referral", ground=ground, by=by, at=at, purpose=purpose)
        said = unseal(session, participant_id, f"referral/{referral_id}", sealed)
        told.append(ReadReferral(**as_sealed(ReadReferral, said), received_at=received_at))
    return told


def _given(session: Session, asker: Asker, participant_id: UUID, row: Known | None) -> Given:
    barred = barring.is_barred(session, participant_id, asker.person_id)
    circle = circle_of(session, participant_id, asker.day)
    is_admitted = row is not None and row.state == "admitted"
    shared = PARTICIPANT if is_admitted else CANDIDATE
    clinic = clinic_of(session)
    sits = sits_today(session, clinic, asker)
    at_it = frozenset[UUID]().union(
        *(sits.get(meeting_id, ()) for meeting_id in _sat_on_in(session, clinic, participant_id, asker.day))
    )
    places = sits_for(clinic, asker) if is_admitted else at_it
    if barred:
        return {Relation.BARRED: themselves(asker)}
    given = to_program(asker)
    part = circle.opens(asker.person_id, asker.standing) if asker.is_staff else ""
    if part:
        given[_BY_PART[part]] = given.get(Relation.FOLLOWS) or themselves(asker)
    told = {
        relation
        for relation, information in _TOLD.items()
        for place in places
        if not circle.withholds(place, other_than(shared, information or shared.information))
    }
    if Relation.CLINICAL in told:
        in_session = {Relation.IN_SESSION} if at_it else set()
        given |= {relation: themselves(asker) for relation in told | in_session}
    return given


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
            *([] if asked else [~col(AgendaItem.reasons).contains([{"code": ENDED}])]),
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
    whose = referring.whose_draft(session, referral_id)
    given = to_person(asker, asker.person_id) if whose == asker.person_id else to_program(asker)
    if whose not in (asker.person_id, "coordination"):
        given.pop(Relation.COORDINATOR, None)
    return require(Action.KEEP_DRAFT, given)
