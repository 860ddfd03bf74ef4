"""What an asker is to a decision, and finding the decisions that they may read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from api.access.meetings import find_committee, to_committee
from api.access.partners import to_waiver
from api.access.permissions import (
    Action,
    Forbidden,
    Given,
    Relation,
    allows,
    organizations_for,
    require,
    themselves,
    to_program,
)
from api.access.session import RequestContext
from domain.mail import Attachment
from meetings import decisions, endorsements
from meetings.agenda_papers import PARTNERS, closed_to, widest_of
from meetings.committees import membership, memberships
from meetings.decision_rows import RegisteredDecision
from meetings.documents import issuing
from meetings.endorsements import Endorsed
from meetings.redacted_before import redacted_before


@dataclass(frozen=True)
class RegisterSight:
    """Which registers an asker may read, each as which audience, and of which organizations they see what is asked."""

    registers: Mapping[UUID, str]
    organizations: Sequence[UUID]
    closed: frozenset[UUID] = frozenset()  # meetings of which words were taken out before a restore

    @classmethod
    def of(cls, context: RequestContext) -> RegisterSight:
        """Of the asker, on the day: the same questions, whatever they may see."""
        registers = {}
        for committee_id, members in memberships(context.session, since=context.day).items():
            given = to_committee(context.asker, members)
            if allows(Action.SEE_DECISION, given) is None:
                continue
            seat = members.seat_of(context.asker.person_id, context.day)
            closed = closed_to(context.session, members.key, context.day)
            whole = Relation.COORDINATOR in given
            registers[committee_id] = PARTNERS if whole else widest_of(seat, members.key, closed)
        decides = to_program(context.asker).keys() & {Relation.COORDINATOR, Relation.PRIVACY}
        closed = frozenset() if decides else redacted_before(context.session)
        return cls(registers, organizations_for(context.asker, Action.SEE_DECISION), closed)

    def has(self, row: RegisteredDecision) -> bool:
        """Whether the asker reads a decision in a register of theirs."""
        audience = self.registers.get(row.committee_id)
        return audience is not None and row.meeting_id not in self.closed and decisions.is_for(row, audience)

    def open_ones(self, context: RequestContext, committee_ids: Sequence[UUID]) -> list[RegisteredDecision]:
        """What the asker reads of what these committees decided and is not done yet, the first due day first."""
        return [row for row in decisions.open_in(context.session, committee_ids) if self.has(row)]

    def of_year(self, context: RequestContext, committee_ids: Sequence[UUID], year: int) -> list[RegisteredDecision]:
        """What the asker reads of what these committees decided in a year, one committee after the other."""
        return [row for row in decisions.registers(context.session, committee_ids, year) if self.has(row)]


def find_decision(context: RequestContext, decision_id: UUID) -> tuple[RegisteredDecision, tuple[Endorsed, ...], Given]:
    """A decision that the asker may read, what each partner said of it, and what the asker is to it.

    Raises Forbidden, also where there is none: after the same questions.
    """
    sight = RegisterSight.of(context)
    row = decisions.find(context.session, decision_id)
    asked = endorsements.endorsements_of(context.session, decision_id, at=context.at)
    looks = to_waiver(context.session, context.asker, decision_id)
    if row is None:
        raise Forbidden
    given = looks | to_program(context.asker, organizations=[one.organization_id for one in asked])
    me = context.asker.person_id
    if sight.has(row):
        given |= to_committee(context.asker, membership(context.session, row.committee_id, since=context.day))
    if row.owed_by and context.asker.standing.falls(row.owed_by).on(me):
        given[Relation.OWES] = themselves(context.asker)
    if row.task_done_by == me:
        given[Relation.DID] = themselves(context.asker)
    require(Action.SEE_DECISION, given)
    return row, asked, given


def endorsing_for(context: RequestContext, asked: Sequence[Endorsed]) -> dict[UUID, Given]:
    """The organizations that are asked and for which the asker may speak, and what the asker is to each."""
    found = {one.organization_id: to_program(context.asker, organizations=[one.organization_id]) for one in asked}
    return {place: given for place, given in found.items() if allows(Action.ENDORSE, given) is not None}


def wanting(context: RequestContext, rows: Sequence[RegisteredDecision]) -> dict[UUID, list[UUID]]:
    """The organizations for which the asker may ask that each of these decisions be endorsed, where there are any."""
    return endorsements.may_want(context.session, rows, organizations_for(context.asker, Action.WANT_ENDORSEMENT))


def register_file(context: RequestContext, key: str, year: int, language: str, form: issuing.Form) -> Attachment:
    """A committee's register of a year as a file, as the asker may read it. Raises Forbidden."""
    require(Action.SEE_DECISIONS, to_program(context.asker))
    committee_id = find_committee(context, key).id
    audience = RegisterSight.of(context).registers.get(committee_id)
    if audience is None or redacted_before(context.session):  # a paper goes anywhere: none is printed until then
        raise Forbidden
    content = decisions.register_paper(context.session, committee_id, year, context.day, audience=audience)
    decisions.refuse_unwritten(content, language)
    return issuing.issue(context.session, content, language, form, committee=key)
