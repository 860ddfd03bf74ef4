"""Which lines of the record touch what partners owe, so that it is judged again in the transaction that wrote them.

The caller that commits calls `settle` once, at the end. Only those tasks touch anything that serve a clause, or whose
end moves the days of others. Most serve none, and completing them must stay cheap. What a line touches is known by its
days as well, so that a correction reaches its own period, however long that is over.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, datetime
from functools import partial
from typing import Final
from uuid import UUID

from sqlmodel import Session, or_

from domain.declarations import KINDS, RULES, Touched
from domain.kernel import Span, col, joins, only, periods, run, scalars
from domain.obligations.projection import keep
from domain.record import events
from models.casework import Case, Task
from models.meeting import Meeting
from models.obligation import Waiver

#: What may have freed a partner of a clause, stand for a plan, or have another text in force: it touches every kind.
_TOUCH_ALL: Final = (
    "decision.withdrawn",
    "decision.counts",
    "decision.suspended",
    "agreement.started",
    "agreement.ended",
    "agreement.called_off",
)
#: The kinds of checks that a verb of the record touches.
TOUCHES: Final[Mapping[str, frozenset[str]]] = {
    **{
        verb: frozenset(rule.key for rule in RULES if verb in rule.touched_by)
        for verb in sorted(frozenset[str]().union(*(rule.touched_by for rule in RULES)))
    },
    **dict.fromkeys(_TOUCH_ALL, frozenset(KINDS)),
}
#: The kinds that are judged anew where the engine carried a case.
OF_CASES: Final = frozenset(rule.key for rule in RULES if rule.is_judged_with_cases)


#: The facts of a line that are local days from which on something holds, or did, or no longer holds.
_DAYS_OF_LINES: Final = ("was", "starts_on", "ends_on")


def judge_touched(session: Session, *, at: datetime) -> int:
    """Judge what the lines written in this transaction touch, each once; returns how many periods changed."""
    lines = [line for line in events.take_written(session) if line.verb in TOUCHES]
    if not lines:
        return 0
    kinds = frozenset[str]().union(*(TOUCHES[line.verb] for line in lines))
    return keep(session, kinds=kinds, touched=partial(touched_by, session, lines), at=at)


def touched_by(session: Session, lines: Iterable[events.EventLine]) -> Touched:
    """The days and the facts that these lines are about.

    A change of a role's or seat's holder, or of the version in force, concerns every day from then on. A meeting
    concerns its own day; a step, its due day and its case's quarter or year; a decision, the days on which it freed a
    partner.
    """
    days: list[Span] = []
    subjects: dict[str, set[UUID]] = {}
    for line in lines:
        subjects.setdefault(line.kind, set()).add(line.subject_id)
        days.extend(_from_days_of(line))
    ids = {str(one) for several in subjects.values() for one in several}
    days.extend(_of_meetings(session, subjects.get("meeting", ())))
    days.extend(_of_waivers(session, subjects.get("decision", ())))
    for task_id, spans in _of_steps(session, subjects.get("case", ()), subjects.get("task", ())):
        ids.add(str(task_id))
        days.extend(spans)
    return Touched(tuple(days), frozenset(ids))


def touched_by_case(session: Session, case_id: UUID) -> Touched:
    """What a case is about, wherever the engine carried it."""
    steps = list(_of_steps(session, [case_id], ()))
    return Touched(tuple(span for _, spans in steps for span in spans), frozenset(str(task_id) for task_id, _ in steps))


def _from_days_of(line: events.EventLine) -> Iterator[Span]:
    said = [line.facts[name] for name in _DAYS_OF_LINES if line.facts.get(name)]
    if said:
        yield Span(min(date.fromisoformat(str(day)) for day in said), None)


def _of_meetings(session: Session, meeting_ids: Collection[UUID]) -> Iterator[Span]:
    if meeting_ids:
        asked = only(Meeting.starts).where(col(Meeting.id).in_(meeting_ids))
        yield from (Span(starts.date(), starts.date()) for starts in scalars(session, asked))


def _of_waivers(session: Session, decision_ids: Collection[UUID]) -> Iterator[Span]:
    if decision_ids:
        asked = only(Waiver.starts_on, Waiver.ends_on).where(col(Waiver.decision_id).in_(decision_ids))
        yield from (Span(row.starts_on, row.ends_on) for row in run(session, asked))


def _of_steps(
    session: Session, case_ids: Collection[UUID], task_ids: Collection[UUID]
) -> Iterator[tuple[UUID, list[Span]]]:
    """The steps that serve a clause, of these cases and of the cases of these tasks, on which others' days depend."""
    if not case_ids and not task_ids:
        return
    theirs = only(Task.case_id).where(col(Task.id).in_(task_ids))
    rows = run(
        session,
        only(Task.id, Task.due_on, Case.period)
        .join(Case, joins(Task.case_id, Case))
        .where(Task.clause != "", or_(col(Task.case_id).in_(case_ids), col(Task.case_id).in_(theirs))),
    )
    for row in rows:
        whole = periods.period(row.period)
        yield (
            row.id,
            [
                *([Span(row.due_on, row.due_on)] if row.due_on is not None else []),
                *([Span(whole.starts_on, whole.ends_on)] if whole is not None else []),
            ],
        )
