"""What partners said of decisions on management or coordination, who is asked, and who speaks for them. Reads only.

The partners of a decision's day are asked, each on the terms that its agreement then had: both are written down, so
that an agreement that begins, ends or changes later changes neither. Who has left since is not waited for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select
from sqlmodel import Session

from domain.declarations.program import Endorsement as Declared
from domain.endorsement.partners import OWES_AGAIN, Word, majority_of
from domain.kernel.actors import Actor
from domain.kernel.scope import local_day, many, one, program, program_of
from domain.mail.notices import COORDINATION
from domain.roles.roles import Link, Standing, standing
from meetings import freeing
from models.agreement import Agreement, AgreementVersion
from models.base import refers, table_of
from models.minutes import Decision, Endorsement
from models.participant import RiskAssessment
from models.program import Organization
from models.referral import AdmissionDecision

_decision = table_of(Decision)
_word = table_of(Endorsement)
_organization = table_of(Organization)
_agreement = table_of(Agreement)
_version = table_of(AgreementVersion)
_admission = table_of(AdmissionDecision)
_risk = table_of(RiskAssessment)

#: Who speaks for a partner, the first who is there. The second representative only where neither of the others is, so
#: that no decision waits for a vacant post (CM-2R).
SPEAK_FOR_IT: Final = ("manager", "director", "second_representative")
#: The second one of them may ask for more than to speak where the first is away.
ANSWER_FOR_IT: Final = SPEAK_FOR_IT[:2]


@dataclass(frozen=True)
class Endorsed:
    """What a partner that is asked said of a decision: "endorsed", "objected", or "" while it has said nothing.

    `majority` is what its agreement of that day lets suffice; `settled_by_id`, the decision that settled its objection;
    `is_partner`, whether its agreement is in force today or is to be again; `stake`, what it has at stake itself
    (`meetings.freeing`). `said_by` acted for `said_for`, where that is somebody.
    """

    organization_id: UUID
    organization: str
    said: str = ""
    said_at: datetime | None = None
    said_by: UUID | None = None
    said_as: str = ""
    said_for: UUID | None = None
    reason: str = ""
    majority: str = ""
    settled_by_id: UUID | None = None
    version: int = 0
    is_partner: bool = True
    stake: str = ""

    @property
    def word(self) -> Word:
        """It as the rule looks at it."""
        return Word(
            self.organization_id,
            self.said,
            self.majority,
            self.settled_by_id is not None,
            is_partner=self.is_partner,
            stake=self.stake,
        )


#: What the words of a partner do not say themselves.
_ASKED_APART: Final = frozenset({"is_partner", "stake"})


def declared(session: Session) -> Declared:
    """How this program's partners endorse decisions: by when, when they are asked again, who settles objections."""
    return Declared.model_validate(program(session).coordination["decisions"])


def endorsements_of(session: Session, decision_id: UUID, *, at: datetime | None = None) -> tuple[Endorsed, ...]:
    """What each partner that is asked said of a decision, by its name; none of one that is not to be endorsed.

    Who is a partner, or is set to be one again, is told as of `at`; without it, everyone who was asked counts as one.
    """
    return endorsements(session, [decision_id], at=at)[decision_id]


def endorsements(
    session: Session, decision_ids: Iterable[UUID], *, at: datetime | None = None
) -> dict[UUID, tuple[Endorsed, ...]]:
    """As `endorsements_of`, for several decisions in one question."""
    wanted = list(decision_ids)
    found: dict[UUID, list[Endorsed]] = {one: [] for one in wanted}
    if not wanted:
        return {}
    rows = many(
        session,
        select(_word, _organization.c.short_name.label("organization"))
        .join(_organization, refers(_word.c.organization_id, _organization))
        .where(
            _word.c.program_id == program_of(session),
            _word.c.decision_id.in_(wanted),
            _word.c.superseded_at.is_(None),
        )
        .order_by(_organization.c.short_name),
    )
    partners = _partners_or_back(session, local_day(session, at)) if rows and at is not None else None
    stakes = {
        decision_id: freeing.stakes_of(freed)
        for decision_id, freed in freeing.at_stake(session, {row["decision_id"] for row in rows}).items()
    }
    for row in rows:
        facts = {name: row[name] for name in Endorsed.__dataclass_fields__ if name not in _ASKED_APART}
        if not row["said"]:
            facts |= {"said_at": None, "said_by": None, "said_as": "", "said_for": None}
        is_partner = partners is None or row["organization_id"] in partners
        stake = stakes[row["decision_id"]].get(row["organization_id"], "")
        found[row["decision_id"]].append(Endorsed(**facts, is_partner=is_partner, stake=stake))
    return {one: tuple(_asked(said)) for one, said in found.items()}


def _asked(said: list[Endorsed]) -> list[Endorsed]:
    """What partners said of a decision, of which one at most is left out, since it takes back that one's waiver.

    What takes back those of several is asked of each: nobody decides on all of them without them. Each waiver may be
    taken back by a decision of its own.
    """
    if sum(one.stake == OWES_AGAIN for one in said) > 1:
        return [replace(one, stake="") if one.stake == OWES_AGAIN else one for one in said]
    return said


def words_before(session: Session, decision_id: UUID) -> list[dict[str, Any]]:
    """What partners had said of a decision and say no more, the first word first, each with its `organization`."""
    return many(
        session,
        select(_word, _organization.c.short_name.label("organization"))
        .join(_organization, refers(_word.c.organization_id, _organization))
        .where(
            _word.c.program_id == program_of(session),
            _word.c.decision_id == decision_id,
            _word.c.superseded_at.is_not(None),
            _word.c.said != "",
        )
        .order_by(_word.c.said_at, _organization.c.short_name),
    )


def was_settled(session: Session, decision_id: UUID, organization_id: UUID) -> bool:
    """Whether the committee settled an objection of a partner to a decision, and that still holds.

    Also where the partner said something else since: endorsing it meanwhile does not make a settled matter new.
    """
    settles = _decision.alias()
    return (
        session.scalar(
            select(_word.c.id)
            .join(settles, and_(settles.c.program_id == _word.c.program_id, settles.c.id == _word.c.settled_by_id))
            .where(
                _word.c.program_id == program_of(session),
                _word.c.decision_id == decision_id,
                _word.c.organization_id == organization_id,
                settles.c.state != "withdrawn",
            )
            .limit(1)
        )
        is not None
    )


def may_want(session: Session, row: Mapping[str, Any], organization_ids: Collection[UUID]) -> list[UUID]:
    """Those of these organizations that may ask for a decision to be endorsed."""
    if row["needs_endorsement"] or row["state"] == "withdrawn" or row["settles_id"] is not None:
        return []
    if is_about_a_participant(session, row["id"]):
        return []
    partners = partners_on(session, local_day(session, row["decided_at"]))
    stakes = freeing.stakes_of(freeing.at_stake(session, [row["id"]])[row["id"]]) if organization_ids else {}
    return [one for one in organization_ids if one in partners and stakes.get(one) != OWES_AGAIN]


def whom_it_concerns(session: Session, decision_id: UUID, at: datetime) -> frozenset[UUID]:
    """Who hears of an objection: who speaks for each partner asked, who owes the decision, and the coordinator.

    For a partner with neither manager nor director, its second representative hears of it (CM-2R).
    """
    today = standing(session, local_day(session, at))
    concerned = {holder.person_id for holder in today.falls(COORDINATION).holders}
    for one_of_them in endorsements_of(session, decision_id, at=at):
        here = one_of_them.organization_id
        concerned |= speakers(today, here, ANSWER_FOR_IT) or speakers(today, here, SPEAK_FOR_IT)
    row = one(
        session,
        select(_decision.c.owner_role, _decision.c.owner_organization_id).where(
            _decision.c.program_id == program_of(session), _decision.c.id == decision_id
        ),
    )
    if row is not None and row["owner_role"]:
        place = str(row["owner_organization_id"]) if row["owner_organization_id"] else "*"
        concerned |= {holder.person_id for holder in today.falls([{"role": row["owner_role"], "at": place}]).holders}
    return frozenset(concerned)


def barred_from(
    session: Session, today: Standing, row: Mapping[str, Any], organization_id: UUID, *, at: datetime
) -> frozenset[UUID]:
    """Who does not speak for a partner on a decision: who recorded it, coordinates, or acts for the coordinator.

    Nor who owes a clause of which it frees another partner, or no longer does, or acts for one who does.
    """
    coordinating = {held.person_id for held in today.holding("coordinator")}
    acting = {holder.person_id for holder in today.falls(COORDINATION).holders}
    owing = freeing.owing_elsewhere(session, row["id"], organization_id, at=at)
    return frozenset(coordinating | acting | ({row["recorded_by"]} - {None}) | owing)


def may_speak(session: Session, today: Standing, row: Mapping[str, Any], by: Actor, *, at: datetime) -> bool:
    """Whether the one who acts would be heard for their organization on a decision: what a page offers a form by."""
    if by.role not in SPEAK_FOR_IT or by.organization_id is None:
        return False
    barred = barred_from(session, today, row, by.organization_id, at=at)
    if by.person_id in barred:
        return False
    return by.role in ANSWER_FOR_IT or not speakers(today, by.organization_id, ANSWER_FOR_IT) - barred


def nobody_speaks_for(
    session: Session, today: Standing, row: Mapping[str, Any], organization_id: UUID, *, at: datetime
) -> bool:
    """Whether nobody can speak for a partner on a decision today: what a page says beside its name."""
    barred = barred_from(session, today, row, organization_id, at=at)
    return not speakers(today, organization_id, SPEAK_FOR_IT) - barred


def speakers(today: Standing, organization_id: UUID, roles: Iterable[str]) -> set[UUID]:
    """Who holds one of these roles at an organization on the day, or acts for who does."""
    chains: list[list[Link]] = [[{"role": role, "at": str(organization_id)}] for role in roles]
    return {holder.person_id for chain in chains for holder in today.falls(chain).holders}


def partners_on(session: Session, day: date) -> dict[UUID, str]:
    """The organizations whose agreement is in force on a local day, each with the majority that its text then has."""
    rows = session.execute(
        select(_agreement.c.organization_id, _version.c.terms)
        .join(
            _version,
            and_(_version.c.program_id == _agreement.c.program_id, refers(_version.c.agreement_id, _agreement)),
        )
        .where(
            _agreement.c.program_id == program_of(session),
            _version.c.state.in_(["in_force", "ended"]),
            _version.c.starts_on <= day,
            or_(_version.c.ends_on.is_(None), _version.c.ends_on >= day),
        )
        .order_by(_agreement.c.organization_id)
    )
    return {row.organization_id: majority_of(row.terms) for row in rows}


def _partners_or_back(session: Session, day: date) -> frozenset[UUID]:
    """The partners of a local day, and who is set to be one again: a gap between two texts is no departure."""
    back = session.scalars(
        select(_agreement.c.organization_id)
        .join(
            _version,
            and_(_version.c.program_id == _agreement.c.program_id, refers(_version.c.agreement_id, _agreement)),
        )
        .where(
            _agreement.c.program_id == program_of(session),
            _version.c.state.in_(["in_force", "ended"]),
            _version.c.starts_on > day,
        )
    )
    return frozenset({*partners_on(session, day), *back})


def is_about_a_participant(session: Session, decision_id: UUID) -> bool:
    """Whether a decision was recorded by the act of an admission, or of the assessment of a risk."""
    here = program_of(session)
    of_admission = select(_admission.c.id).where(
        _admission.c.program_id == here, _admission.c.decision_id == decision_id
    )
    of_risk = select(_risk.c.id).where(_risk.c.program_id == here, _risk.c.decision_id == decision_id)
    return any(session.scalar(select(found.exists())) for found in (of_admission, of_risk))


def counting_word(session: Session, decision_id: UUID, organization_id: UUID) -> ColumnElement[bool]:
    """The condition that a word is what a partner says of a decision now."""
    return and_(
        _word.c.program_id == program_of(session),
        _word.c.decision_id == decision_id,
        _word.c.organization_id == organization_id,
        _word.c.superseded_at.is_(None),
    )
