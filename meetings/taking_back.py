"""A decision that takes another back ends it while it counts itself; once it does not, the other stands again.

It needs no further act: it is done in the very act by which the later decision comes to count, and undone in the one
by which it falls. Each decision takes back earlier ones alone, so that this ends (GV-4).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, any_, update
from sqlalchemy.orm import aliased
from sqlmodel import Session, and_, or_

from domain.casework import asking, assigning
from domain.endorsement import OWES_AGAIN, counts_by, it_counts, letters, why_it_does_not_count
from domain.kernel import (
    Actor,
    Refusal,
    calendar_of,
    changes,
    col,
    every,
    in_program,
    local_day,
    of,
    only,
    run,
    same,
    scalars,
    select,
    surely,
)
from locales import N_
from meetings import asked_partners, objections
from meetings.committees import committee_of
from meetings.decision_rows import DecisionWithTask, change_decision, count_of, lock_decision, read_state, tell
from meetings.endorsements import declared, endorsements_of, objecting, whom_it_concerns
from meetings.resting import (
    BY_ENDORSEMENT,
    ask_committee_again,
    carry_out,
    complete_asked,
    is_done,
    look_again,
    reopen_asked,
)
from models.decision_kinds import KINDS
from models.lifecycles import DECISION
from models.minutes import COUNTING, Decision, Endorsement

# ------------------------------------------------------------------------------------------------------------- the rule


def why_not(session: Session, row: DecisionWithTask, later: Decision) -> Refusal | None:
    """Why a decision that holds is not taken back by a later one that says so; None where nothing is in the way.

    It is taken back by a later one of its committee, or of the one that settles objections; taken with a quorum, that
    counts, and that the partners endorse where the first is for them to endorse. One that is objected to is taken back
    by what settles that.
    """
    if not is_above(session, row, later.committee_id) or not is_later(later, row) or later.state == "withdrawn":
        return not_later()
    if read_state(row) == "done":
        return Refusal(
            "decision.done",
            N_("Decision %(number)s is carried out: it can be revoked only if that is undone."),
            number=row.number,
        )
    if later.settles_id == row.id:
        return None  # it was taken with a quorum, and the partners endorse nothing that settles
    if row.endorsement == "objected":
        return objected()
    if row.needs_endorsement and not later.needs_endorsement:
        return endorsed_too()
    return why_it_does_not_count(later, with_quorum=True)


def is_above(session: Session, row: Decision, committee_id: UUID) -> bool:
    """Whether a committee may take back a decision: its own, or another's where it settles objections (`KINDS`)."""
    own = row.committee_id == committee_id
    is_settled_there = not KINDS[row.kind].stays_in_its_committee or row.needs_endorsement
    return own or (is_settled_there and settles_objections(session, committee_id))


def settles_objections(session: Session, committee_id: UUID) -> bool:
    """Whether this decision settles objections to decisions, of any committee."""
    return committee_of(session, declared(session).committee).id == committee_id


def is_later(one: Decision, than: Decision) -> bool:
    """Whether a decision was taken after another."""
    return (one.decided_at, count_of(one.number)) > (than.decided_at, count_of(than.number))


def not_later() -> Refusal:
    """What takes a decision back is not above it, or not later."""
    return Refusal(
        "decision.not_later",
        N_("A decision is revoked by a later one of the same committee, or of the one that settles objections."),
    )


def objected() -> Refusal:
    """What is objected to is settled first."""
    return Refusal(
        "decision.objected",
        N_("A partner objects: the committee settles that, by keeping the decision or revoking it."),
        source="GV-4",
    )


def endorsed_too() -> Refusal:
    """What the partners endorse is taken back by nothing less."""
    return Refusal(
        "decision.endorsed_too",
        N_("A decision that the partners endorse is revoked by one that they endorse: record it as about management."),
        source="GV-4",
    )


def later_ones(session: Session, row: Decision) -> list[Decision]:
    """The decisions that say that they take this one back and were not taken back themselves, the first one first."""
    naming = of(Decision).where(col(Decision.takes_back).contains([row.number]), Decision.state != "withdrawn")
    return every(session, naming.order_by(col(Decision.decided_at), col(Decision.number)))


# ------------------------------------------------------------------------------------------------------------- holding


def hold(session: Session, decision_ids: Collection[UUID], *, at: datetime) -> None:
    """Lock decisions and all that may follow them, in one order, before any of them is changed.

    Two who act at once so wait for each other. Where an objection may stand again by it, the meeting that would have it
    on its agenda is locked first, as by every verb that decides in it.
    """
    if not decision_ids:
        return
    kin = only(Decision.id).where(col(Decision.id).in_(list(decision_ids)))
    known = kin.cte("kin", recursive=True)
    one, other = aliased(Decision, name="one"), aliased(Decision, name="other")
    is_kin = or_(
        col(other.number) == any_(col(one.takes_back)),
        col(one.number) == any_(col(other.takes_back)),
        other.id == one.settles_id,
        other.settles_id == one.id,
    )
    known = known.union(
        select(other.id)
        .select_from(known)
        .join(one, and_(in_program(one), one.id == known.c.id))
        .join(other, and_(in_program(other), is_kin))
    )
    found = every(session, of(Decision).where(col(Decision.id).in_(select(known.c.id))))
    if any(row.settles_id is not None for row in found):
        objections.hold_next_meetings(session, at)
    all_of_them = only(Decision.id).where(col(Decision.id).in_([row.id for row in found]))
    run(session, all_of_them.order_by(col(Decision.id)).with_for_update())


def owing(session: Session) -> Sequence[UUID]:
    """The decisions that count, had their quorum, and name one that they take back and that holds still."""
    gone = aliased(Decision, name="gone")
    named = select(gone.id).where(same(gone, Decision), col(gone.number) == any_(col(Decision.takes_back)))
    holds = named.where(gone.state != "withdrawn").exists()
    counting = only(Decision.id).where(it_counts(), col(Decision.has_quorum), holds)
    return scalars(session, counting.order_by(col(Decision.id))).all()


# ------------------------------------------------------------------------------------------------------------- doing it


def follow_words(session: Session, decision_id: UUID, *, at: datetime, objected_now: bool = False) -> bool:
    """Have a decision be as the partners' words make it (`resting.look_again`), and what it takes back follow.

    Whether that changed. Its kin is held (`hold`).
    """
    changed = look_again(session, decision_id, at=at, objected_now=objected_now)
    if changed:
        follow(session, decision_id, by=BY_ENDORSEMENT, at=at)
    return changed


def follow(session: Session, decision_id: UUID, *, by: Actor, at: datetime) -> int:
    """Have a decision be taken back by a later one that says so, or take back what it says; how many it took back.

    Where it does not count, what it had taken back stands again. Again, nothing changes. Its kin is held (`hold`).
    """
    row = lock_decision(session, decision_id)
    if not counts_by(row):
        take_nothing_back(session, decision_id, at=at)
    if any(_take_back(session, row, later, by=by, at=at) for later in later_ones(session, row)) or not counts_by(row):
        return 0
    named = _in_order(session, col(Decision.number).in_(row.takes_back))
    taken = sum(_take_back(session, lock_decision(session, one), row, by=by, at=at) for one in named)
    if taken and row.grants and row.item_id is not None:
        # What it took back may have done the same step of a procedure, which was then open again.
        complete_asked(session, row.item_id, row.number, by=by, at=at)
    return taken


def _take_back(session: Session, row: DecisionWithTask, later: Decision, *, by: Actor, at: datetime) -> bool:
    """End a decision because a later one says so, where nothing is in the way; whether that was done.

    Its task is no longer owed. What it had taken back itself stands again as it was, and what it settled is objected
    again.
    """
    if row.state == "withdrawn" or why_not(session, row, later) is not None:
        return False
    task_id = row.task_id
    if task_id is not None and not is_done(session, lambda: assigning.call_off(session, task_id, by=by, at=at)):
        return False  # it was carried out at this moment
    asking.no_more(session, asked_partners.ENDORSE, row.id, by=by, at=at)
    state = DECISION.after(row.state, "withdraw")
    change_decision(session, row, state=state, closed_at=at, closed_as=by.role, withdrawn_by_id=later.id)
    if row.item_id is not None:
        if row.grants:
            reopen_asked(session, row.item_id, row.number, at=at)
        ask_committee_again(session, row.item_id, at=at)
    tell(session, "decision.withdrawn", row, by=by, at=at, later=later.number)
    if row.settles_id is not None:
        _object_again(session, row, by=by, at=at)
    else:
        take_nothing_back(session, row.id, at=at)
    return True


def take_nothing_back(session: Session, decision_id: UUID, *, at: datetime) -> None:
    """Have what a decision took back stand again, since it counts no more itself.

    Each is as it was: pending, objected or counting, owed or not, and what it did for a procedure is done again.
    """
    for taken_back in _in_order(session, col(Decision.withdrawn_by_id) == decision_id):
        _stand_again(session, lock_decision(session, taken_back), at=at)


def _in_order(session: Session, condition: ColumnElement[bool]) -> Sequence[UUID]:
    """The decisions of which this is so, the first one first."""
    found = only(Decision.id).where(condition).order_by(col(Decision.decided_at), col(Decision.number))
    return scalars(session, found).all()


def _stand_again(session: Session, row: DecisionWithTask, *, at: datetime) -> None:
    move = "owe_again" if row.owner_role else "stand_again"
    state = DECISION.after(row.state, move)
    change_decision(session, row, state=state, closed_at=None, closed_as=None, withdrawn_by_id=None)
    tell(session, "decision.stands_again", row, by=BY_ENDORSEMENT, at=at)
    if row.task_id is not None:
        assigning.restore(session, row.task_id, by=BY_ENDORSEMENT, at=at)
    if row.endorsement in COUNTING:
        carry_out(session, row, at=at)
    else:
        due_on = calendar_of(session).add_working_days(local_day(session, at), declared(session).days_again)
        for one in endorsements_of(session, row.id, at=at):
            if one.word.is_awaited:
                asked_partners.ask(session, row, one.organization_id, due_on, by=BY_ENDORSEMENT, at=at)
        look_again(session, row.id, at=at)
    follow(session, row.id, by=BY_ENDORSEMENT, at=at)
    if row.settles_id is not None:
        _settle_again(session, row.settles_id, at=at)


def _settle_again(session: Session, decision_id: UUID, *, at: datetime) -> None:
    """Have objections be settled again by what had settled them, which stands again; the item for them goes."""
    if not _settle_by_what_stands(session, decision_id):
        return
    follow_words(session, decision_id, at=at)
    if not objecting(session, decision_id, at=at):
        objections.is_over(session, decision_id, by=BY_ENDORSEMENT, at=at)
    row = lock_decision(session, decision_id)
    letters.settled(session, row, whom_it_concerns(session, decision_id, at), by=BY_ENDORSEMENT, at=at)


def _settle_by_what_stands(session: Session, decision_id: UUID) -> int:
    """Have each objection be settled by the decision that had settled it, where that stands; how many are so.

    A decision settles what was objected when it was taken, but for what one before it settled then and does no more.
    What was objected anew since is another objection.
    """
    settling, before = aliased(Decision, name="settling"), aliased(Decision, name="before")
    settled_before = (
        only(before.id)
        .where(
            before.settles_id == decision_id,
            col(before.decided_at) >= col(Endorsement.said_at),
            col(before.decided_at) < col(settling.decided_at),
            before.state == "withdrawn",
            col(before.closed_at) > col(settling.decided_at),
        )
        .correlate(settling, Endorsement)
        .exists()
    )
    settled_by = (
        only(settling.id)
        .where(
            settling.settles_id == decision_id,
            col(settling.decided_at) >= col(Endorsement.said_at),
            settling.state != "withdrawn",
            ~settled_before,
        )
        .order_by(col(settling.decided_at), col(settling.number))
        .limit(1)
        .correlate(Endorsement)
        .scalar_subquery()
    )
    stands = (
        in_program(Endorsement),
        col(Endorsement.decision_id) == decision_id,
        col(Endorsement.said) == "objected",
        col(Endorsement.settled_by_id).is_(None),
        col(Endorsement.superseded_at).is_(None),
    )
    settled = update(Endorsement).where(*stands, settled_by.is_not(None)).values(settled_by_id=settled_by)
    return len(run(session, settled.returning(col(Endorsement.id))).all())


def _object_again(session: Session, settling: DecisionWithTask, *, by: Actor, at: datetime) -> None:
    """Have objections stand again that a decision settled which was taken back: before the committee, as at first.

    They stand before what they are about does, so that this does not count in between.
    """
    decision_id = surely(settling.settles_id)
    settled = changes(Endorsement).where(
        Endorsement.decision_id == decision_id,
        Endorsement.settled_by_id == settling.id,
        col(Endorsement.superseded_at).is_(None),
    )
    run(session, settled.values(settled_by_id=None))
    _settle_by_what_stands(session, decision_id)
    take_nothing_back(session, settling.id, at=at)
    follow_words(session, decision_id, at=at)
    row = lock_decision(session, decision_id)
    against = objecting(session, decision_id, at=at)
    if not against or row.state == "withdrawn":
        return
    objections.bring_before_committee(session, decision_id, objections.hold_next_meetings(session, at), at=at)
    people, counts = whom_it_concerns(session, decision_id, at), counts_by(row)
    for one in against:
        is_own = one.stake == OWES_AGAIN
        letters.objected(session, row, one.organization_id, people, counts=counts, own_waiver=is_own, by=by, at=at)
