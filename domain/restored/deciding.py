"""Deciding what a restore left: it is done again, it stays undone with a reason, or nothing can be done here.

Who decides is never the one whose access, role or part it is. Each decision has its line in the record.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlmodel import Session

from domain.casework import needed_reason
from domain.kernel import Actor, Refusal, changes, col, every, first, of, run
from domain.record import apart, events
from domain.restored.again import do_again, lift_what_the_restore_placed, place_what_others_need
from domain.restored.matters import concerned
from domain.restored.standing import standing_of
from locales import N_
from models.ledger import RestoredMatter
from models.ports import LEDGER_NOTES, LedgerNote

#: What was kept of the same meeting, and went with the words that were taken out of it.
_WITH_A_REDACTION: Final = ("minutes.redacted", "notice.redacted", "incident.redacted")


def done_again(session: Session, matter_id: UUID, *, by: Actor, at: datetime) -> None:
    """Do again what had ended, by the act itself, as of the day on which it was done.

    What the act ends with it is decided too. Raises Refusal: decided already, the decider's own, it is so already or
    cannot be found, it has no act of its own here, or the act refuses.
    """
    matter = hold(session, matter_id, by=by)
    standing = standing_of(session, matter)
    if standing.can != "again":
        raise Refusal(
            "restored.not_again",
            N_("This cannot be done again from here: look at it, then note it, or say why it stays undone."),
        )
    lift_what_the_restore_placed(session, matter, by=by, at=at)
    settle(session, [matter], "done_again", by=by, at=at)
    before = len(session.info.get(LEDGER_NOTES, ()))
    do_again(session, matter, standing.thing, by=by)
    others = _done_with_it(session, matter, session.info.get(LEDGER_NOTES, [])[before:])
    for other in others:
        lift_what_the_restore_placed(session, other, by=by, at=at)
    settle(session, others, "done_again", by=by, at=at)
    place_what_others_need(session, matter)


def leave_undone(session: Session, matter_id: UUID, *, reason: str, by: Actor, at: datetime) -> None:
    """Say that what had ended does not hold any more, and why. Raises Refusal: as `note`, or without a reason."""
    matter = hold(session, matter_id, by=by)
    why = needed_reason(reason)
    lift_what_the_restore_placed(session, matter, by=by, at=at)
    settle(session, [matter], "left_undone", by=by, at=at, reason=why)
    place_what_others_need(session, matter)


def note(session: Session, matter_id: UUID, *, by: Actor, at: datetime) -> None:
    """Note that it was seen to: it is so already, cannot be found any more, or was done where such things are done.

    Raises Refusal: decided, the decider's own, or it can be done again here.
    """
    matter = hold(session, matter_id, by=by)
    if standing_of(session, matter).can == "again":
        raise Refusal(
            "restored.not_noted", N_("This can be done again here: do it, or say why it does not hold any more.")
        )
    lift_what_the_restore_placed(session, matter, by=by, at=at)
    settle(session, [matter], "noted", by=by, at=at)
    place_what_others_need(session, matter)


def hold(session: Session, matter_id: UUID, *, by: Actor) -> RestoredMatter:
    """A matter that waits, locked. Raises Refusal: there is none, it is decided, or concerns the one who decides."""
    matter = first(session, of(RestoredMatter).where(RestoredMatter.id == matter_id).with_for_update())
    if matter is None:
        raise Refusal("restored.unknown", N_("There is nothing to decide here."))
    if matter.decided_at is not None:
        raise Refusal("restored.decided", N_("Someone has decided this already. Look again."))
    if concerned(matter) & {by.person_id, by.acting_for}:
        raise Refusal("restored.own", N_("This concerns you, or the person you act for: someone else decides it."))
    return matter


def settle(
    session: Session, matters: list[RestoredMatter], decision: str, *, by: Actor, at: datetime, reason: str = ""
) -> None:
    """Write down what was decided of these matters, each with its line in the record."""
    for matter in matters:
        run(
            session,
            changes(RestoredMatter)
            .where(RestoredMatter.id == matter.id)
            .values(decision=decision, decided_at=at, decided_by=by.person_id, decided_as=by.role, reason=reason),
        )
        events.write(
            session,
            f"restored.{decision}",
            "restored_matter",
            matter.id,
            by=by,
            at=at,
            matter=matter.kind,
            ended=matter.verb,
            line=matter.ledger_n,
        )


def _done_with_it(session: Session, matter: RestoredMatter, notes: list[LedgerNote]) -> list[RestoredMatter]:
    """The other matters that the act has just done again, as its own lines for the ledger say."""
    done: set[Any] = {
        (one.more.get("verb"), one.id, one.more.get("person", "")) for one in notes if one.kind == apart.ENDED
    }
    if matter.verb == "redaction.done":
        done |= {(verb, None, "") for verb in _WITH_A_REDACTION}
    waiting = every(session, of(RestoredMatter).where(col(RestoredMatter.decided_at).is_(None)).with_for_update())
    return [one for one in waiting if one.id != matter.id and _is_among(one, matter, done)]


def _is_among(one: RestoredMatter, matter: RestoredMatter, done: set[Any]) -> bool:
    if one.verb in _WITH_A_REDACTION:
        return (one.verb, None, "") in done and one.at == matter.at
    return (one.verb, one.subject_id, str(one.person_id or "")) in done
