"""Decisions as lists and pages show them: state, text, who does it, and what the partners say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from api.access.decisions import RegisterSight
from api.access.session import RequestContext
from domain.endorsement import OWES_AGAIN, counts_by
from domain.kernel import local_day
from locales import pick
from meetings import decision_words, decisions
from meetings.committees import committees, title_of
from meetings.decision_rows import RegisteredDecision
from meetings.documents.content import Both
from meetings.endorsements import Endorsed, endorsements

#: What a partner said, and the shape that shows it.
SAID: Final[Mapping[str, tuple[str, str]]] = {
    said: (shape, decision_words.SAID[said])
    for said, shape in (("", "wait"), ("endorsed", "full"), ("objected", "stop"), ("settled", "skip"))
}
#: How decisions stand, and the shape that shows it: what one that is open waits for is said otherwise than of a task.
STATES: Final[Mapping[str, tuple[str, str]]] = {
    state: (shape, decision_words.DECISION_STATES[state])
    for state, shape in (
        ("open", "empty"),
        ("standing", "full"),
        ("done", "full"),
        ("withdrawn", "skip"),
        ("pending", "wait"),
        ("objected", "stop"),
        ("no_quorum", "stop"),
        ("undecided", "stop"),
    )
}


@dataclass(frozen=True)
class DecisionLine:
    """A decision as lists show it.

    `text` is in the reader's language, else in the other, which `language` says. `asked` partners are asked of it, of
    whom so many `endorsed` it; `missing` names those that have said nothing.
    """

    row: RegisteredDecision
    committee: str
    decided_on: date
    text: str
    language: str
    owner: str
    state: str
    in_days: int | None
    asked: int
    endorsed: int
    endorsement: str
    missing: Sequence[str]


def lines_of_committee(context: RequestContext, committee_id: UUID, most: int) -> list[DecisionLine] | None:
    """What a committee decided last, as lines; None where its register is not the reader's."""
    sight = RegisterSight.of(context)
    if committee_id not in sight.registers:
        return None
    rows = [row for row in decisions.latest(context.session, committee_id, most) if sight.has(row)]
    return lines_of(context, rows, endorsements(context.session, [row.id for row in rows], at=context.at))


def lines_of(
    context: RequestContext, rows: Sequence[RegisteredDecision], words: Mapping[UUID, Sequence[Endorsed]]
) -> list[DecisionLine]:
    """Decisions as lists show them."""
    named, made_of_it = committees(context.session), decisions.endorsements_in_words(context.session, rows)
    return [
        _line(context, row, title_of(named[row.committee_id], context.language), words[row.id], made_of_it[row.id])
        for row in rows
    ]


def _line(
    context: RequestContext, row: RegisteredDecision, committee: str, words: Sequence[Endorsed], made_of_it: Both
) -> DecisionLine:
    asked = [one for one in words if one.stake != OWES_AGAIN]
    texts, state = {"fr": row.text_fr, "en": row.text_en}, decision_words.shown_state(row)
    language = next((one for one in (context.language, *texts) if texts[one]), context.language)
    return DecisionLine(
        row=row,
        committee=committee,
        decided_on=local_day(context.session, row.decided_at),
        text=texts[language],
        language=language,
        owner=pick(context.language, decisions.owner_of(row)),
        state=state,
        in_days=_days_left(context, row),
        asked=len(asked),
        endorsed=sum(one.said == "endorsed" for one in asked),
        endorsement=pick(context.language, made_of_it),
        missing=[one.organization for one in asked if one.word.is_awaited],
    )


def _days_left(context: RequestContext, row: RegisteredDecision) -> int | None:
    """How many days are left to do what is open, less than 0 where it is late; None where nothing is asked now."""
    return (row.due_on - context.day).days if row.due_on and row.state == "open" and counts_by(row) else None
