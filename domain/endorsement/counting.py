"""Is a decision in effect now: the one question of all that rests on it, when that is written and when it is read.

A decision on management or coordination takes effect when the partners have endorsed it. While one of them objects,
nothing that rests on it counts; nor does anything that rests on one that a later decision revoked. Guide: GV-4.

One that had been revoked or suspended, and stands again since a restore lost that, is in effect for nothing new until
a person has decided.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import Session, and_

from domain.kernel import (
    MATTER,
    SHAPE,
    Refusal,
    also,
    col,
    every,
    first,
    in_program,
    is_undecided,
    last_day_undecided,
    local_day,
    of,
    only,
    scalar,
    select,
    undecided,
    value_of,
)
from locales import N_
from models.minutes import COUNTING, Decision


def it_counts(decision: Any = Decision) -> ColumnElement[bool]:
    """The condition that a decision counts now: `does_it_count` as SQL, on its table or an alias of it."""
    return and_(decision.state != "withdrawn", col(decision.endorsement).in_(COUNTING), ~ended_since(decision))


def ended_since(decision: Any = Decision) -> ColumnElement[bool]:
    """The condition that a decision had been revoked or suspended, a restore lost that, and it is not decided yet."""
    return undecided("other", _IS_AN_END, col(MATTER.subject_id) == col(decision.id))


#: The conditions on a matter that a decision was revoked or suspended, and which.
_IS_AN_END: Final = col(MATTER.verb).in_(("decision.withdrawn", "decision.suspended"))
_IS_OF_IT: Final = col(MATTER.subject_id) == col(Decision.id)


def counts_by(row: Decision) -> bool:
    """Whether a decision counts by what its own row says: what it does itself by the partners' words asks no more."""
    return row.state != "withdrawn" and row.endorsement in COUNTING


def does_it_count(session: Session, decision_id: UUID, *, with_quorum: bool = False) -> bool:
    """Whether a decision counts now, and had a quorum where that is asked; one that does not exist does not."""
    found = scalar(
        session,
        select(it_counts()).where(
            in_program(Decision),
            Decision.id == decision_id,
            *([col(Decision.has_quorum).is_(True)] if with_quorum else []),
        ),
    )
    return bool(found)


@dataclass(frozen=True)
class Counted:
    """Whether a decision ever counted and, where it does not now, the last local day on which it did."""

    ever: bool
    until: date | None = None


_NEVER: Final = Counted(ever=False)


def counted(session: Session, decision_ids: Iterable[UUID], *, quorum_asked: bool) -> Mapping[UUID, Counted]:
    """How long each of these decisions was in effect. Decisions that do not exist are left out.

    `quorum_asked` says that one taken without a quorum never counted for what rests on it.
    """
    rows = every(session, of(_Rested).where(col(Decision.id).in_(set(decision_ids))))
    return {row.id: _counted(session, row, quorum_asked=quorum_asked) for row in rows}


class _Rested(Decision):
    """A decision, and the last day on which it counted that had ended before a restore, until that is decided."""

    model_config = SHAPE
    ended_on: date | None = also(value_of(last_day_undecided("other", _IS_AN_END, _IS_OF_IT)))


def _counted(session: Session, row: _Rested, *, quorum_asked: bool) -> Counted:
    if quorum_asked and not row.has_quorum:
        return _NEVER
    if counts_by(row):
        return Counted(ever=True, until=row.ended_on)
    last = last_day_it_counted(session, row)
    return _NEVER if last is None else Counted(ever=True, until=last)


def waits_for_it(session: Session, task_id: UUID) -> bool:
    """Whether a task is asked for by a decision that is not in effect now, and is not revoked."""
    return (
        scalar(
            session, only(Decision.id).where(Decision.task_id == task_id, Decision.state != "withdrawn", ~it_counts())
        )
        is not None
    )


def refuse_unless_it_counts(session: Session, decision_id: UUID, *, with_quorum: bool = False) -> Decision:
    """The row of a decision that an act is about to rest on, locked so that it stays as it is meanwhile.

    One that settles objections decides nothing else, and nothing rests on it. Raises Refusal: unknown, withdrawn,
    pending or objected to, one that settles objections, one without the quorum where that is asked, or one that a
    restore leaves undecided.
    """
    row = first(session, of(Decision).where(Decision.id == decision_id).with_for_update(read=True))
    refusal = why_it_does_not_count(row, with_quorum=with_quorum)
    if refusal is not None:
        raise refusal
    assert row is not None  # noqa: S101 - refused above
    if is_undecided(session, "other", _IS_AN_END, col(MATTER.subject_id) == row.id):
        raise Refusal(
            "decision.undecided",
            N_(
                "The program was restored from a copy, and decision %(number)s had been revoked or suspended since. "
                "Nothing can be based on it until someone has decided."
            ),
            number=row.number,
        )
    return row


def why_it_does_not_count(row: Decision | None, *, with_quorum: bool = False) -> Refusal | None:
    """Why nothing may rest on a decision, as `refuse_unless_it_counts` says it; None where it may. `row` is its row."""
    if row is None or row.state == "withdrawn":
        return Refusal("decision.does_not_stand", N_("There is no such decision, or a later one revoked it."))
    if row.settles_id is not None:
        return Refusal(
            "decision.settles_only",
            N_("Decision %(number)s settles an objection and decides nothing else: name the decision itself."),
            number=row.number,
            source="GV-4",
        )
    if row.endorsement == "pending":
        return Refusal(
            "decision.pending",
            N_("Decision %(number)s is not in effect yet: partners are still to endorse it."),
            number=row.number,
            source="GV-4",
        )
    if not counts_by(row):
        return Refusal(
            "decision.objected",
            N_("A partner objects to decision %(number)s: it is suspended until that is settled."),
            number=row.number,
            source="GV-4",
        )
    if with_quorum and not row.has_quorum:
        return Refusal(
            "decision.no_quorum",
            N_("Decision %(number)s was taken without a quorum: nothing can be based on it."),
            number=row.number,
        )
    return None


def last_day_it_counted(session: Session, row: Decision) -> date | None:
    """The last local day on which a decision that is not in effect now was; None where it never was.

    What rested on it stays as it was up to that day: what was allowed then does not become a fault. `row` has a
    decision's state, endorsement, counts_since, suspended_at and closed_at.
    """
    if row.counts_since is None:
        return None
    ends = [row.suspended_at, row.closed_at if row.state == "withdrawn" else None]
    over = [moment for moment in ends if moment is not None]
    return local_day(session, min(over)) - timedelta(days=1) if over else None
