"""Decisions as lists and pages show them: state, text, who does it, and what the partners say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from api.access.decisions import RegisterSight
from api.access.session import RequestContext
from domain.endorsement import OWES_AGAIN
from domain.kernel import local_day
from locales import pick
from meetings import decision_words, decisions
from meetings.committees import committees, title_of
from meetings.decision_rows import RegisteredDecision
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
    )
}


def lines_of_committee(context: RequestContext, committee_id: UUID, most: int) -> list[dict[str, Any]] | None:
    """What a committee decided last, as lines; None where its register is not the reader's."""
    sight = RegisterSight.of(context)
    if committee_id not in sight.registers:
        return None
    rows = [row for row in decisions.latest(context.session, committee_id, most) if sight.has(row)]
    return lines_of(context, rows, endorsements(context.session, [row.id for row in rows], at=context.at))


def lines_of(
    context: RequestContext, rows: Iterable[RegisteredDecision], words: Mapping[UUID, Sequence[Endorsed]]
) -> list[dict[str, Any]]:
    """Decisions as lists show them. `text` is in the reader's language, else in the other, which `language` says."""
    rows = list(rows)
    named, made_of_it = committees(context.session), decisions.endorsements_in_words(context.session, rows)
    found = []
    for row in rows:
        asked = [one for one in words[row.id] if one.stake != OWES_AGAIN]
        said = {"fr": row.text_fr, "en": row.text_en}
        mine = said[context.language]
        language = context.language if mine else "en" if context.language == "fr" else "fr"
        found.append(
            {
                "row": row,
                "committee": title_of(named[row.committee_id], context.language),
                "decided_on": local_day(context.session, row.decided_at),
                "text": mine or said[language],
                "language": language,
                "owner": pick(context.language, decisions.owner_of(row)),
                "state": (state := decision_words.shown_state(row)),
                "in_days": (row.due_on - context.day).days if row.due_on and state == "open" else None,
                "asked": len(asked),
                "endorsed": sum(one.said == "endorsed" for one in asked),
                "endorsement": pick(context.language, made_of_it[row.id]),
                "missing": [one.organization for one in asked if one.word.is_awaited],
            }
        )
    return found
