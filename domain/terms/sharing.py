"""Whether something of a participant may be shown or given to a person on a day: the one place that answers.

Two things are asked, and both have to hold: the terms of sharing in the agreement of the organization for which they
are to know it (AG-IS), and the participant's consent in force to share with it (AD-R8, AD-R11). Neither is asked of the
worker who accompanies them, nor of the coordinator, who keeps their consents. A disclosure required by law goes by no
consent, and is recorded apart (AD-R12). See docs/adr/0016.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Date, Uuid, any_, bindparam
from sqlmodel import Session, and_, or_

from domain.kernel import (
    MATTER,
    Question,
    Span,
    Values,
    as_said,
    ask_ahead,
    built,
    col,
    fact_of_matter,
    in_program,
    joins,
    lasts,
    only,
    run,
    same,
    select,
    surely,
    tuples,
    undecided,
    value_of,
)
from domain.roles import DayTenures, never_began
from domain.terms.admission import ADMISSION, BEFORE_COMMITTING
from domain.terms.days import CANDIDATE, TO_ACCOMPANY, DayTerms, Shared, asked_of_terms, terms_on
from domain.terms.parts import PRIMARY, ROLES, SECOND
from models.casework import Case
from models.consent import Consent
from models.follow_up import Assignment, FollowUp, FollowUpBreak
from models.participant import CandidateWorker, Participant
from models.program import Tenure

#: Why something is withheld: the agreement does not share it, or the participant did not agree to it. "" where neither.
Withheld = Literal["", "terms", "consent"]
#: How much of a file a part opens: all of it; the facts of the referral without the name (AD-R2); or nothing.
Opened = Literal["file", "facts", ""]
_IN_ORDER: Final[tuple[Opened, ...]] = ("", "facts", "file")


@dataclass(frozen=True)
class AccompanimentPart:
    """That a person accompanies a participant on the day, or is to meet a candidate.

    `kind` is their place in the pair, `places` the organizations for which they do so: for a second who is named, each
    at which they may be one.
    """

    person_id: UUID
    kind: str
    places: frozenset[UUID]


@dataclass(frozen=True)
class Circle:
    """The people and organizations with which what is known of one participant may be shared on a local day.

    - `asked` is whether a consent was signed; for a candidate, in the admission under way. No one is admitted without
      one. Before, the terms of the agreements alone count, except for organizations that the person left out.
    - `in_program` is whether the consent to the program itself holds.
    - `partners` are those with which sharing is agreed to.
    - `answered` is whether it was ever said with which, by this admission or another: every other is then left out.
    - `to_be_met` is whether they are a candidate who has not committed and withdrew no consent to the program.
    - `parts` are those of the workers who accompany them, or are to meet them.
    - `left_by` is the organization whose worker accompanied them last, while nobody does.
    """

    terms: DayTerms
    asked: bool
    in_program: bool
    partners: frozenset[UUID]
    answered: bool
    to_be_met: bool
    parts: tuple[AccompanimentPart, ...]
    left_by: frozenset[UUID] = frozenset()

    @property
    def homes(self) -> frozenset[UUID]:
        """The organizations whose worker accompanies the participant: within them nothing new is shared.

        While a follow-up has no worker, it is the one of the last: a colleague may go on without a new signature.
        """
        places = frozenset(place for part in self.parts if part.kind == PRIMARY for place in part.places)
        return places or self.left_by

    def agrees_to(self, organization_id: UUID) -> bool:
        """Whether the participant agreed, and still does, to sharing with the organization.

        Whose worker accompanies them knows of them by that alone: no form asks about it, and none leaves it out.
        """
        if self.asked:
            return self.in_program and organization_id in self.partners | self.homes
        return not self.leaves_out(organization_id)

    def leaves_out(self, organization_id: UUID) -> bool:
        """Whether the participant said with which organizations it is shared, and not, or no longer, with this one."""
        return self.answered and organization_id not in self.partners | self.homes

    def withholds(self, organization_id: UUID, shared: Shared) -> Withheld:
        """Why the organization does not get this of the participant; "" where it does."""
        if not self.terms.give(organization_id, shared):
            return "terms"
        return "" if self.agrees_to(organization_id) else "consent"

    def withholds_from(self, organization_id: UUID, shared: Shared, *, kind: str = PRIMARY) -> Withheld:
        """As `withholds`, for a worker who is to accompany the participant for the organization.

        Within an organization that accompanies them already, nothing new is shared: its own terms apply. A worker who
        is to meet a candidate asks for the consent there: only organizations that the person left out are shut out. The
        second of a pair asks for none, and so comes with one, or before any is signed.
        """
        withheld = self.withholds(organization_id, shared)
        if withheld != "consent" or organization_id in self.homes:
            return "terms" if withheld == "terms" else ""
        may_ask = kind == PRIMARY and self.to_be_met and not self.leaves_out(organization_id)
        return "" if may_ask else "consent"

    def opens(self, person_id: UUID, today: DayTenures) -> Opened:
        """How much of the file a person reads by their part in it, or as deputy of one who has a part and is away.

        The worker reads it all, and asks for the consents. So does the second of a pair, if of the worker's
        organization or of one that the person agreed to in a consent in force. Before any was signed, the second reads
        why the candidate was referred, and not who it is (AD-R6). A deputy has no more than the one they replace, nor
        than a worker of their own organization could be given that day.
        """
        away = {each.person_id for each in today.acting_for(person_id) if "tasks" in each.kinds}
        theirs = (
            part
            for part in self.parts
            if part.person_id == person_id or (part.person_id in away and self._may_act(part, person_id, today))
        )
        return max((self._opened_by(part) for part in theirs), key=_IN_ORDER.index, default="")

    def is_shut_to(self, part: AccompanimentPart) -> bool:
        """Whether a part no longer lets its worker read anything, since the participant does not agree."""
        return not self._opened_by(part)

    def _opened_by(self, part: AccompanimentPart) -> Opened:
        if part.kind == PRIMARY or part.places & self.homes:
            return "file"
        if self.asked:
            return "file" if self.in_program and part.places & self.partners else ""
        return "facts" if any(not self.withholds(place, CANDIDATE) for place in part.places) else ""

    def _may_act(self, part: AccompanimentPart, person_id: UUID, today: DayTenures) -> bool:
        return any(
            held.organization_id in self.homes
            or not self.withholds_from(held.organization_id, TO_ACCOMPANY, kind=part.kind)
            for held in today.roles_of(person_id)
        )


class _Agreed(NamedTuple):
    """A consent: to what, from when to when, and whether it was withdrawn or replaced since."""

    purpose: str
    organization_id: UUID | None
    signed_on: date
    ends_on: date | None
    recorded_at: datetime
    withdrawn_at: datetime | None
    over: bool

    def stands(self, day: date) -> bool:
        """Whether it holds on a local day."""
        return not self.over and Span(self.signed_on, self.ends_on).holds(day)

    def is_since(self, moment: datetime | None) -> bool:
        """Whether it was signed, or taken back, in what began at a moment."""
        if moment is None or self.recorded_at > moment:
            return True
        return self.withdrawn_at is not None and self.withdrawn_at >= moment


def circle_of(session: Session, participant_id: UUID, day: date) -> Circle:
    """The circle of a participant on a local day. An unknown participant gets the same questions."""
    return circles_of(session, [participant_id], day)[participant_id]


def circles_of(session: Session, participant_ids: Iterable[UUID], day: date) -> dict[UUID, Circle]:
    """With whom each of these participants is shared on a local day. The database is asked once for all of them."""
    ids = sorted(set(participant_ids))
    if not ids:
        return {}
    asked = {"participants": ids, "day": day}
    ask_ahead(
        session,
        *(Question[Any](statement, asked) for statement in (_CONSENTS, _ADMISSIONS, _ACCOMPANYING, _TO_MEET, _LEFT)),
        *asked_of_terms(day),
    )
    consents: dict[UUID, list[_Agreed]] = {one: [] for one in ids}
    for participant_id, *row in tuples(session, _CONSENTS, asked):
        consents[participant_id].append(_Agreed(*row))
    begun = {row.id: _begun(row.state, row.opened_at) for row in run(session, _ADMISSIONS, asked)}
    parts = _parts(session, asked)
    terms = terms_on(session, day)
    left = {one: frozenset({place}) for one, place in tuples(session, _LEFT, asked)}
    nobody = frozenset[UUID]()
    return {
        one: _circle(
            consents[one], begun.get(one, _NO_ADMISSION), tuple(parts.get(one, ())), left.get(one, nobody), terms
        )
        for one in ids
    }


def _circle(
    consents: Sequence[_Agreed],
    begun: _Begun,
    parts: tuple[AccompanimentPart, ...],
    left_by: frozenset[UUID],
    terms: DayTerms,
) -> Circle:
    standing = [row for row in consents if row.stands(terms.day)]
    # What was signed in an admission that ended does not stand for this one; what was withdrawn since then does.
    of_now = [row for row in consents if row.is_since(begun.at)]
    consented = _names(standing, "program")
    taken_back = not consented and _names(of_now, "program")
    return Circle(
        terms=terms,
        asked=begun.is_over or bool(of_now),
        in_program=consented,
        partners=frozenset(surely(row.organization_id) for row in standing if row.purpose == "sharing"),
        answered=_names(consents, "sharing"),
        to_be_met=begun.before_committing and not taken_back,
        parts=parts,
        left_by=left_by,
    )


def _names(consents: Iterable[_Agreed], purpose: str) -> bool:
    """Whether one of these consents is to a purpose."""
    return any(row.purpose == purpose for row in consents)


@dataclass(frozen=True)
class _Begun:
    """When a candidate's admission under way was opened, None where none is.

    Whether it ended with a number, and whether the candidate has not committed yet.
    """

    at: datetime | None
    is_over: bool
    before_committing: bool


_NO_ADMISSION: Final = _Begun(None, is_over=False, before_committing=False)


def _begun(state: str, opened_at: datetime | None) -> _Begun:
    if state == "admitted":
        return _Begun(None, is_over=True, before_committing=False)
    return _Begun(opened_at, is_over=False, before_committing=state in BEFORE_COMMITTING)


def _parts(session: Session, asked: Values) -> dict[UUID, list[AccompanimentPart]]:
    """By participant, the parts of who accompanies them on the day, and of who is to meet a candidate."""
    found: dict[UUID, list[AccompanimentPart]] = defaultdict(list)
    for row in run(session, _ACCOMPANYING, asked):
        found[row.participant_id].append(AccompanimentPart(row.person_id, row.kind, frozenset({row.organization_id})))
    seconds: dict[tuple[UUID, UUID], set[UUID]] = {}
    for participant_id, worker_id, organization_id, second_id, place in run(session, _TO_MEET, asked):
        meets = AccompanimentPart(worker_id, PRIMARY, frozenset({organization_id}))
        if meets not in found[participant_id]:
            found[participant_id].append(meets)
        if second_id is not None:
            places = seconds.setdefault((participant_id, second_id), set())
            if place is not None:
                places.add(place)
    for (participant_id, person_id), places in seconds.items():
        found[participant_id].append(AccompanimentPart(person_id, SECOND, frozenset(places)))
    return found


_DAY: Final = bindparam("day", type_=Date())
_PARTICIPANTS: Final = bindparam("participants", type_=ARRAY(Uuid()))


def taken_back_since() -> ColumnElement[bool]:
    """The condition on a consent that it had been withdrawn, or another had replaced it, before a restore.

    It counts as withdrawn until a person has decided. One that was signed after that stands.
    """
    return undecided(
        "consent",
        col(MATTER.subject_id) == col(Consent.participant_id),
        fact_of_matter("purpose") == col(Consent.purpose),
        fact_of_matter("organization").is_not_distinct_from(as_said(Consent.organization_id)),
        col(MATTER.at) >= col(Consent.recorded_at),
    )


_CONSENTS: Final = built(
    select(
        Consent.participant_id,
        Consent.purpose,
        Consent.organization_id,
        Consent.signed_on,
        Consent.ends_on,
        Consent.recorded_at,
        Consent.withdrawn_at,
        value_of(
            or_(col(Consent.withdrawn_on).is_not(None), col(Consent.replaced_at).is_not(None), taken_back_since())
        ),
    ).where(in_program(Consent), col(Consent.participant_id) == any_(_PARTICIPANTS))
)
_ADMISSIONS: Final = built(
    only(Participant.id, Participant.state, Case.opened_at)
    .outerjoin(
        Case,
        same(Case, Participant)
        & (col(Case.participant_id) == col(Participant.id))
        & (col(Case.protocol) == ADMISSION)
        & (col(Case.state) == "open"),
    )
    .where(col(Participant.id) == any_(_PARTICIPANTS))
)
#: The parts that workers have in participants' follow-ups on the day.
_ACCOMPANYING: Final = built(
    only(Assignment.person_id, Assignment.kind, Assignment.organization_id, FollowUp.participant_id)
    .join(FollowUp, joins(Assignment.follow_up_id, FollowUp))
    .where(
        col(FollowUp.participant_id) == any_(_PARTICIPANTS),
        col(Assignment.withdrawn_at).is_(None),
        col(Assignment.starts_on) <= _DAY,
        lasts(Assignment, _DAY),
    )
    .order_by(col(Assignment.kind), col(Assignment.id))
)
#: A follow-up that became active again as its break ended, and not after an ending.
_BACK_FROM_A_BREAK: Final = (
    only(FollowUpBreak.id)
    .where(joins(FollowUpBreak.follow_up_id, FollowUp), col(FollowUpBreak.ended_at) == col(FollowUp.active_at))
    .exists()
)
#: The organization of whoever accompanied a participant last, while somebody else is looked for; the last is the last
#: row. Whoever left before the follow-up ended and was resumed is none of them: to go on there takes a new signature.
_LEFT: Final = built(
    only(FollowUp.participant_id, Assignment.organization_id)
    .join(FollowUp, joins(Assignment.follow_up_id, FollowUp))
    .where(
        col(FollowUp.participant_id) == any_(_PARTICIPANTS),
        col(FollowUp.state).in_(["active", "on_break"]),
        col(FollowUp.vacancy_task_id).is_not(None),
        Assignment.kind == PRIMARY,
        or_(
            col(Assignment.ended_at).is_(None), col(Assignment.ended_at) >= col(FollowUp.active_at), _BACK_FROM_A_BREAK
        ),
        col(Assignment.withdrawn_at).is_(None),
        col(Assignment.starts_on) <= _DAY,
    )
    .order_by(col(Assignment.starts_on), col(Assignment.id))
)
#: Who is to meet candidates, and with whom: a line for each organization at which the second may be one.
_TO_MEET: Final = built(
    only(
        CandidateWorker.participant_id,
        CandidateWorker.worker_id,
        CandidateWorker.organization_id,
        CandidateWorker.second_id,
        value_of(col(Tenure.organization_id).label("place")),
    )
    .select_from(CandidateWorker)
    .outerjoin(
        Tenure,
        and_(
            same(Tenure, CandidateWorker),
            Tenure.person_id == CandidateWorker.second_id,
            col(Tenure.role).in_(ROLES[SECOND]),
            col(Tenure.starts_on) <= _DAY,
            lasts(Tenure, _DAY),
            ~never_began(),
        ),
    )
    .where(col(CandidateWorker.participant_id) == any_(_PARTICIPANTS), col(CandidateWorker.ended_at).is_(None))
    .order_by(col(Tenure.organization_id))
)
