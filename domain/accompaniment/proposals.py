"""Proposes workers to meet a candidate, with what speaks for and against each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlmodel import Session

from domain.accompaniment.workers import given_a_part
from domain.casework import asking
from domain.follow_ups import APART_COORDINATION, WEIGHT, Load, holds, loads
from domain.kernel import col, joins, local_day, only, run, scalars, tuples
from models.departure import HandOver
from models.follow_up import Activity, ActivityPart, Assignment, FollowUp
from models.participant import CandidateWorker, FirstMeeting, Participant
from models.program import Person
from models.referral import Referral


@dataclass(frozen=True)
class WorkerProposal:
    """A worker who may be named, with what speaks for and against it.

    - `offered` is the weight of the follow-ups offered to them and not answered.
    - `speaks` is whether they speak a language of the person's.
    - `knew` is whether they referred the person or were named to meet them.
    - `met` is whether they met them in fact: as second of a pair, at a first meeting or in an activity (DP-03b).
    - `roomy` is whether there is time for what the person asks.
    - `nearby` is whether they accompany a participant of the same area already.
    """

    load: Load
    speaks: bool
    knew: bool
    met: bool = False
    roomy: bool = True
    nearby: bool = False
    offered: float = 0.0

    @property
    def person_id(self) -> UUID:
        """The worker."""
        return self.load.person_id

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it is proposed, or comes later: keys that pages say in words."""
        said = {
            "met": self.met,
            "knew": self.knew and not self.met,
            "language": self.speaks,
            "area": self.nearby,
            "no_room": not self.roomy,
        }
        return tuple(reason for reason, holds_true in said.items() if holds_true)

    @property
    def possible(self) -> bool:
        """Whether nothing bars it: not absent, leaving, barred or being welcomed, and an agreement in force."""
        return self.load.can_be_given_one

    @property
    def possible_as_second(self) -> bool:
        """Whether nothing bars it as the second of a pair, who comes with a consent where one was signed."""
        return not self.load.bars_as_second


def proposals(session: Session, participant_id: UUID, *, at: datetime, asks: str = "regular") -> list[WorkerProposal]:
    """Every youth worker of the day, the best fit first. People decide; this only says in which order to consider them.

    First those who can; then by who has met the person (DP-03b), speaks their language, knows them, has time for what
    they ask, knows the area, and has most room (DP-03a). `asks` is how much the follow-up asks, as `models.follow_up`
    says.
    """
    day = local_day(session, at)
    row = run(
        session, only(Participant.languages, Participant.area).where(Participant.id == participant_id)
    ).one_or_none()
    wanted = set(row.languages) if row else set()
    found = loads(session, day, participant_id=participant_id)
    ids = [load.person_id for load in found]
    # A person whose languages are not recorded speaks the language of their letters.
    speak: dict[UUID, set[str]] = {
        person_id: set(spoken or [language])
        for person_id, language, spoken in tuples(
            session, only(Person.id, Person.language, Person.spoken).where(col(Person.id).in_(ids))
        )
    }
    knew, met = _who_knew(session, participant_id), _who_met(session, participant_id, day)
    nearby = _who_is_near(session, row.area, day) if row and row.area else frozenset()
    offered = _offered(session)
    made = [
        WorkerProposal(
            load,
            not wanted or not wanted.isdisjoint(speak.get(load.person_id, ())),
            load.person_id in knew,
            met=load.person_id in met,
            roomy=load.has_room_for(WEIGHT[asks] + offered.get(load.person_id, 0.0)),
            nearby=load.person_id in nearby,
            offered=offered.get(load.person_id, 0.0),
        )
        for load in found
    ]
    return sorted(
        made,
        key=lambda each: (
            not each.possible,
            not each.met,
            not each.speaks,
            not each.knew,
            not each.roomy,
            not each.nearby,
            each.load.share_with(each.offered),
            str(each.person_id),
        ),
    )


def proposed_pair(proposals: Sequence[WorkerProposal]) -> tuple[UUID, UUID] | None:
    """A worker and a second of the pair (AD-R6) to propose for a candidate; None where there are not two.

    The best fit is the first, and the next of another organization the second: pairs are of two organizations (AG-W4).
    """
    first = next((each for each in proposals if each.possible), None)
    others = [each for each in proposals if each.possible_as_second and each is not first]
    if first is None or not others:
        return None
    second = next((each for each in others if each.load.organization_id != first.load.organization_id), others[0])
    return first.person_id, second.person_id


def _who_knew(session: Session, participant_id: UUID) -> frozenset[UUID]:
    """The workers who referred the person, or were named to meet them before."""
    referred = scalars(session, only(Referral.referred_by).where(Referral.participant_id == participant_id))
    met = scalars(session, only(CandidateWorker.worker_id).where(CandidateWorker.participant_id == participant_id))
    return frozenset(person for person in (*referred, *met) if person is not None)


def _who_met(session: Session, participant_id: UUID, day: date) -> frozenset[UUID]:
    """The workers who met the person in fact: in the follow-up, at a first meeting, or in an activity. DP-03b."""
    with_a_part = scalars(session, given_a_part(participant_id).where(col(Assignment.starts_on) <= day))
    meetings = tuples(
        session,
        only(FirstMeeting.worker_id, FirstMeeting.second_id).where(FirstMeeting.participant_id == participant_id),
    )
    # What was found not to be allowed, and is not settled yet, brought no one together.
    not_allowed = {UUID(row.item) for row in asking.open_ones(session, APART_COORDINATION)}
    in_activity = scalars(
        session,
        only(Activity.planned_by)
        .join(ActivityPart, joins(ActivityPart.activity_id, Activity))
        .join(FollowUp, joins(ActivityPart.follow_up_id, FollowUp))
        .where(
            FollowUp.participant_id == participant_id,
            col(Activity.called_off_at).is_(None),
            col(Activity.held_on) <= day,
            col(ActivityPart.taken_out_at).is_(None),
            col(Activity.id).not_in(not_allowed),
        ),
    )
    pairs = [person for pair in meetings for person in pair if person is not None]
    return frozenset([*with_a_part, *pairs, *in_activity])


def _who_is_near(session: Session, area: str, day: date) -> frozenset[UUID]:
    """The workers who accompany a participant of an area on the day, and so go there already."""
    return frozenset(
        scalars(
            session,
            only(Assignment.person_id)
            .join(FollowUp, joins(Assignment.follow_up_id, FollowUp))
            .join(Participant, joins(FollowUp.participant_id, Participant))
            .where(holds(day), Participant.area == area),
        )
    )


def _offered(session: Session) -> dict[UUID, float]:
    """The total weight of the follow-ups offered to each worker and not answered."""
    rows = tuples(
        session,
        only(HandOver.to_id, FollowUp.intensity)
        .join(FollowUp, joins(HandOver.follow_up_id, FollowUp))
        .where(HandOver.state == "proposed"),
    )
    found: dict[UUID, float] = {}
    for to_id, intensity in rows:
        found[to_id] = found.get(to_id, 0.0) + WEIGHT[intensity]
    return found
