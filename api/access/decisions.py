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
from api.access.session import Desk
from domain.mail.envelopes import Attachment
from meetings import decisions, endorsements
from meetings.agenda_papers import PARTNERS, closed_to, widest_of
from meetings.committees import membership, memberships
from meetings.decision_rows import RegisteredDecision
from meetings.documents import issuing
from meetings.endorsements import Endorsed


@dataclass(frozen=True)
class Sight:
    """Which registers an asker may read, each as which audience, and of which organizations they see what is asked."""

    registers: Mapping[UUID, str]
    organizations: Sequence[UUID]

    @classmethod
    def of(cls, desk: Desk) -> Sight:
        """Of the asker, on the day: the same questions, whatever they may see."""
        registers = {}
        for committee_id, members in memberships(desk.session).items():
            given = to_committee(desk.asker, members)
            if allows(Action.SEE_DECISION, given) is None:
                continue
            seat = members.seat_of(desk.asker.person_id, desk.day)
            closed = closed_to(desk.session, members.key, desk.day)
            whole = Relation.COORDINATOR in given
            registers[committee_id] = PARTNERS if whole else widest_of(seat, members.key, closed)
        return cls(registers, organizations_for(desk.asker, Action.SEE_DECISION))

    def has(self, row: RegisteredDecision) -> bool:
        """Whether the asker reads a decision in a register of theirs."""
        audience = self.registers.get(row.committee_id)
        return audience is not None and decisions.is_for(row, audience)

    def open_ones(self, desk: Desk, committee_ids: Sequence[UUID]) -> list[RegisteredDecision]:
        """What the asker reads of what these committees decided and is not done yet, the first due day first."""
        return [row for row in decisions.open_in(desk.session, committee_ids) if self.has(row)]

    def of_year(self, desk: Desk, committee_ids: Sequence[UUID], year: int) -> list[RegisteredDecision]:
        """What the asker reads of what these committees decided in a year, one committee after the other."""
        return [row for row in decisions.registers(desk.session, committee_ids, year) if self.has(row)]


def find_decision(desk: Desk, decision_id: UUID) -> tuple[RegisteredDecision, tuple[Endorsed, ...], Given]:
    """A decision that the asker may read, what each partner said of it, and what the asker is to it.

    Raises Forbidden, also where there is none: after the same questions.
    """
    sight = Sight.of(desk)
    row = decisions.find(desk.session, decision_id)
    asked = endorsements.endorsements_of(desk.session, decision_id, at=desk.at)
    looks = to_waiver(desk.session, desk.asker, decision_id)
    if row is None:
        raise Forbidden
    given = looks | to_program(desk.asker, organizations=[one.organization_id for one in asked])
    me = desk.asker.person_id
    if sight.has(row):
        given |= to_committee(desk.asker, membership(desk.session, row.committee_id))
    if row.owed_by and desk.asker.standing.falls(row.owed_by).on(me):
        given[Relation.OWES] = themselves(desk.asker)
    if row.task_done_by == me:
        given[Relation.DID] = themselves(desk.asker)
    require(Action.SEE_DECISION, given)
    return row, asked, given


def endorsing_for(desk: Desk, asked: Sequence[Endorsed]) -> dict[UUID, Given]:
    """The organizations that are asked and for which the asker may speak, and what the asker is to each."""
    found = {one.organization_id: to_program(desk.asker, organizations=[one.organization_id]) for one in asked}
    return {place: given for place, given in found.items() if allows(Action.ENDORSE, given) is not None}


def wanting(desk: Desk, row: RegisteredDecision) -> list[UUID]:
    """The organizations for which the asker may ask that a decision be endorsed."""
    return endorsements.may_want(desk.session, row, organizations_for(desk.asker, Action.WANT_ENDORSEMENT))


def register_file(desk: Desk, key: str, year: int, language: str, form: issuing.Form) -> Attachment:
    """A committee's register of a year as a file, as the asker may read it. Raises Forbidden."""
    require(Action.SEE_DECISIONS, to_program(desk.asker))
    committee_id = find_committee(desk, key).id
    audience = Sight.of(desk).registers.get(committee_id)
    if audience is None:
        raise Forbidden
    content = decisions.register_paper(desk.session, committee_id, year, desk.day, audience=audience)
    return issuing.issue(desk.session, content, language, form, committee=key)
