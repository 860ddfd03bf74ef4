"""What partners said of decisions on management or coordination, who is asked, and who speaks for them. Reads only.

The partners of a decision's day are asked, each on the terms that its agreement then had: both are written down, so
that an agreement that begins, ends or changes later changes neither. Who has left since is not waited for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, Boolean, ColumnElement, Date, Text, Uuid, any_, bindparam, literal_column
from sqlalchemy.orm import aliased
from sqlmodel import Session, and_

from domain.declarations import EndorsementRules as Declared
from domain.endorsement import OWES_AGAIN, PartnerWord
from domain.kernel import (
    MATTER,
    SHAPE,
    Actor,
    Question,
    also,
    as_said,
    ask_ahead,
    built,
    col,
    every,
    fact_of_matter,
    first,
    in_program,
    joins,
    kept,
    lasts,
    local_day,
    of,
    only,
    program,
    replaced,
    run,
    same,
    scalar,
    scalars,
    undecided,
    value_of,
)
from domain.mail import COORDINATION
from domain.roles import DayTenures, Link, standing
from meetings import freeing
from models.agreement import Agreement, AgreementVersion
from models.minutes import Decision, Endorsement
from models.participant import RiskAssessment
from models.program import Organization
from models.referral import AdmissionDecision

#: Who speaks for a partner, the first who is there. The second representative only where neither of the others is, so
#: that no decision waits for a vacant post (CM-2R).
SPEAK_FOR_IT: Final = ("manager", "director", "second_representative")
#: The second one of them may ask for more than to speak where the first is away.
ANSWER_FOR_IT: Final = SPEAK_FOR_IT[:2]


#: The condition on a word that it was withdrawn before a restore that lost it; one that is said since stands.
_TAKEN_BACK_SINCE: Final = undecided(
    "other",
    MATTER.verb == "decision.word_taken_back",
    col(MATTER.subject_id) == col(Endorsement.decision_id),
    fact_of_matter("organization") == as_said(Endorsement.organization_id),
    col(MATTER.at) >= col(Endorsement.said_at),
)


class Endorsed(Endorsement):
    """What an asked partner said of a decision; of one that says nothing, neither by whom nor when.

    `is_partner` says whether its agreement is in force today or is to be again; `stake`, what it has at stake itself
    (`meetings.freeing`). `said_by` acted for `said_for`, where that is a person. `is_taken_back` says that it withdrew
    its word, which a restore lost, and it is not decided.
    """

    model_config = SHAPE
    organization: str = also(Organization.short_name)
    is_partner: bool = also(value_of(literal_column("true", Boolean).label("is_partner")))
    stake: str = also(value_of(literal_column("''", Text).label("stake")))
    is_taken_back: bool = also(value_of(_TAKEN_BACK_SINCE.label("is_taken_back")))

    @property
    def word(self) -> PartnerWord:
        """It as the rule looks at it: nothing takes effect by a word that was withdrawn."""
        settled = self.settled_by_id is not None
        said = "" if self.is_taken_back and self.said == "endorsed" else self.said
        return PartnerWord(self.organization_id, said, self.majority, settled, self.is_partner, self.stake)


def declared(session: Session) -> Declared:
    """How this program's partners endorse decisions: by when, when they are asked again, who settles objections."""
    return Declared.model_validate(program(session).coordination.decisions.as_stored())


def endorsements_of(session: Session, decision_id: UUID, *, at: datetime | None = None) -> tuple[Endorsed, ...]:
    """What each partner that is asked said of a decision, by its name; none of one that is not to be endorsed.

    Who is a partner, or is set to be one again, is told as of `at`; without it, everyone who was asked counts as one.
    """
    return endorsements(session, [decision_id], at=at)[decision_id]


def objecting(session: Session, decision_id: UUID, *, at: datetime) -> list[Endorsed]:
    """What partners object to a decision, as of `at`."""
    return [one for one in endorsements_of(session, decision_id, at=at) if one.word.objects]


def endorsements(
    session: Session, decision_ids: Iterable[UUID], *, at: datetime | None = None
) -> dict[UUID, tuple[Endorsed, ...]]:
    """As `endorsements_of`, for several decisions in one question."""
    wanted = list(decision_ids)
    found: dict[UUID, list[Endorsed]] = {one: [] for one in wanted}
    if not wanted:
        return {}
    rows, stakes = _words_and_stakes(session, wanted)
    partners = _partners_or_back(session, local_day(session, at)) if at is not None else None
    for row in rows:
        is_partner = partners is None or row.organization_id in partners
        stake = stakes[row.decision_id].get(row.organization_id, "")
        unsaid = {} if row.said else _UNSAID
        found[row.decision_id].append(replaced(row, is_partner=is_partner, stake=stake, **unsaid))
    return {one: tuple(_asked(said)) for one, said in found.items()}


_UNSAID: Final = {"said_at": None, "said_by": None, "said_as": "", "said_for": None}


def _words_and_stakes(
    session: Session, decision_ids: Sequence[UUID]
) -> tuple[list[Endorsed], dict[UUID, dict[UUID, str]]]:
    """What partners say of these decisions, by their names, and what each has at stake in them."""
    known: dict[UUID, tuple[list[Endorsed], dict[UUID, str]]] = kept(session, (_words_and_stakes,), dict)
    new = [one for one in dict.fromkeys(decision_ids) if one not in known]
    if new:
        said: dict[UUID, list[Endorsed]] = defaultdict(list)
        ask_ahead(session, Question[Any](_WORDS, {"decisions": new}), *freeing.asked_at_stake(new))
        for row in every(session, _WORDS, {"decisions": new}):
            said[row.decision_id].append(row)
        at_stake = freeing.at_stake(session, new) if said else {}
        known |= {one: (said.get(one, []), freeing.stakes_of(at_stake.get(one, ()))) for one in new}
    rows = [row for one in dict.fromkeys(decision_ids) for row in known[one][0]]
    return rows, {one: known[one][1] for one in decision_ids}


_WORDS: Final = built(
    of(Endorsed)
    .join(Organization, joins(Endorsement.organization_id, Organization))
    .where(
        col(Endorsement.decision_id) == any_(bindparam("decisions", type_=ARRAY(Uuid()))),
        col(Endorsement.superseded_at).is_(None),
    )
    .order_by(col(Organization.short_name))
)


def _asked(said: list[Endorsed]) -> list[Endorsed]:
    """What partners said of a decision, without the one partner whose waiver it takes back.

    A decision that takes back several partners' waivers is asked of each: it is not made without them. Each waiver may
    also be taken back by a decision of its own.
    """
    if sum(one.stake == OWES_AGAIN for one in said) > 1:
        return [replaced(one, stake="") if one.stake == OWES_AGAIN else one for one in said]
    return said


def words_before(session: Session, decision_id: UUID) -> list[Endorsed]:
    """What partners had said of a decision and say no more, the first word first."""
    said = of(Endorsed).join(Organization, joins(Endorsement.organization_id, Organization))
    no_more = said.where(Endorsement.decision_id == decision_id, col(Endorsement.superseded_at).is_not(None))
    in_order = no_more.order_by(col(Endorsement.said_at), col(Organization.short_name))
    return every(session, in_order.where(Endorsement.said != ""))


def was_settled(session: Session, decision_id: UUID, organization_id: UUID) -> bool:
    """Whether the committee settled an objection of a partner to a decision, and that still holds.

    Also where the partner said something else since: endorsing it meanwhile does not make a settled matter new.
    """
    settles = aliased(Decision)
    found = (
        only(Endorsement.id)
        .join(settles, joins(Endorsement.settled_by_id, settles))
        .where(Endorsement.decision_id == decision_id, Endorsement.organization_id == organization_id)
        .where(settles.state != "withdrawn")
    )
    return scalar(session, found.limit(1)) is not None


def may_want(session: Session, rows: Iterable[Decision], organization_ids: Collection[UUID]) -> dict[UUID, list[UUID]]:
    """For each of these decisions, those of these organizations that may ask for it to be endorsed, where some may."""
    asked = {row.id: row for row in rows if _may_yet_be_wanted(row)}
    if not (asked and organization_ids):
        return {}
    days = {row.id: local_day(session, row.decided_at) for row in asked.values()}
    partners = {day: partners_on(session, day) for day in set(days.values())}
    at_stake = freeing.at_stake(session, asked)
    found = {
        one: _may_ask(organization_ids, partners[days[one]], freeing.stakes_of(at_stake[one]))
        for one in asked.keys() - _about_participants(session, asked)
    }
    return {one: places for one, places in found.items() if places}


def _may_ask(organization_ids: Iterable[UUID], partners: Container[UUID], stakes: Mapping[UUID, str]) -> list[UUID]:
    """The partners among these, but those for whom the decision takes back what had freed them: they are not asked."""
    return [place for place in organization_ids if place in partners and stakes.get(place) != OWES_AGAIN]


def _may_yet_be_wanted(row: Decision) -> bool:
    """Whether a decision stands, is not asked of the partners already, and settles no objection."""
    return not row.needs_endorsement and row.state != "withdrawn" and row.settles_id is None


def whom_it_concerns(session: Session, decision_id: UUID, at: datetime) -> frozenset[UUID]:
    """Who hears of an objection: who speaks for each partner asked, who owes the decision, and the coordinator.

    For a partner with neither manager nor director, its second representative hears of it (CM-2R).
    """
    today = standing(session, local_day(session, at))
    concerned = {holder.person_id for holder in today.falls(COORDINATION).holders}
    for one_of_them in endorsements_of(session, decision_id, at=at):
        here = one_of_them.organization_id
        concerned |= speakers(today, here, ANSWER_FOR_IT) or speakers(today, here, SPEAK_FOR_IT)
    row = first(session, of(Decision).where(Decision.id == decision_id))
    if row is not None and row.owner_role:
        place = str(row.owner_organization_id) if row.owner_organization_id else "*"
        concerned |= {holder.person_id for holder in today.falls([Link(row.owner_role, place)]).holders}
    return frozenset(concerned)


def barred_from_endorsing(
    session: Session, today: DayTenures, row: Decision, organization_id: UUID, *, at: datetime
) -> frozenset[UUID]:
    """Who does not speak for a partner on a decision: who recorded it, coordinates, or acts for the coordinator.

    Nor who owes a clause of which it frees another partner, or no longer does, or acts for one who does.
    """
    coordinating = {held.person_id for held in today.holding("coordinator")}
    acting = {holder.person_id for holder in today.falls(COORDINATION).holders}
    owing = freeing.owing_elsewhere(session, row.id, organization_id, at=at)
    recorded = set() if row.recorded_by is None else {row.recorded_by}
    return frozenset(coordinating | acting | recorded | owing)


def may_speak(session: Session, today: DayTenures, row: Decision, by: Actor, *, at: datetime) -> bool:
    """Whether the one who acts would be heard for their organization on a decision: what a page offers a form by."""
    if by.role not in SPEAK_FOR_IT or by.organization_id is None:
        return False
    barred = barred_from_endorsing(session, today, row, by.organization_id, at=at)
    if by.person_id in barred:
        return False
    return by.role in ANSWER_FOR_IT or not speakers(today, by.organization_id, ANSWER_FOR_IT) - barred


def nobody_speaks_for(
    session: Session, today: DayTenures, row: Decision, organization_id: UUID, *, at: datetime
) -> bool:
    """Whether no one can speak for a partner on a decision today: what a page says beside its name."""
    barred = barred_from_endorsing(session, today, row, organization_id, at=at)
    return not speakers(today, organization_id, SPEAK_FOR_IT) - barred


def speakers(today: DayTenures, organization_id: UUID, roles: Iterable[str]) -> set[UUID]:
    """Who holds one of these roles at an organization on the day, or acts for who does."""
    chains = [[Link(role, str(organization_id))] for role in roles]
    return {holder.person_id for chain in chains for holder in today.falls(chain).holders}


def partners_on(session: Session, day: date) -> dict[UUID, str]:
    """The organizations whose agreement is in force on a local day, each with the majority that its text then has."""
    rows = run(session, _PARTNERS, {"day": day})
    return {row.organization_id: row.terms.majority for row in rows}


def _partners_or_back(session: Session, day: date) -> frozenset[UUID]:
    """The partners of a local day, and who is set to be one again: a gap between two texts is no departure."""
    ask_ahead(session, *asked_of_partners(day))
    back = scalars(session, _BACK, {"day": day})
    return frozenset({*partners_on(session, day), *back})


def asked_of_partners(day: date) -> list[Question[Any]]:
    """What is asked of the partners of a local day, and of who is set to be one again."""
    return [Question(_PARTNERS, {"day": day}), Question(_BACK, {"day": day})]


_DAY: Final = bindparam("day", type_=Date())
_BEGUN: Final = col(AgreementVersion.state).in_(["in_force", "ended"])
_PARTNERS: Final = built(
    only(Agreement.organization_id, AgreementVersion.terms)
    .join(AgreementVersion, and_(same(AgreementVersion, Agreement), joins(AgreementVersion.agreement_id, Agreement)))
    .where(_BEGUN, col(AgreementVersion.starts_on) <= _DAY, lasts(AgreementVersion, _DAY))
    .order_by(col(Agreement.organization_id))
)
_BACK: Final = built(
    only(Agreement.organization_id)
    .join(AgreementVersion, and_(same(AgreementVersion, Agreement), joins(AgreementVersion.agreement_id, Agreement)))
    .where(_BEGUN, col(AgreementVersion.starts_on) > _DAY)
)


def is_about_a_participant(session: Session, decision_id: UUID) -> bool:
    """Whether a decision was recorded by the act of an admission, or of the assessment of a risk."""
    return bool(_about_participants(session, [decision_id]))


def _about_participants(session: Session, decision_ids: Collection[UUID]) -> set[UUID | None]:
    """Those of these decisions that an act on a participant recorded."""
    found = (col(AdmissionDecision.decision_id), col(RiskAssessment.decision_id))
    return {one for column in found for one in scalars(session, only(column).where(column.in_(decision_ids)))}


def counting_word(decision_id: UUID, organization_id: UUID) -> ColumnElement[bool]:
    """The condition that a word is what a partner says of a decision now."""
    return and_(
        in_program(Endorsement),
        Endorsement.decision_id == decision_id,
        Endorsement.organization_id == organization_id,
        col(Endorsement.superseded_at).is_(None),
    )
