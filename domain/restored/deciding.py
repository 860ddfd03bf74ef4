"""Deciding what a restore left: it is done again, it stays undone with a reason, or nothing can be done here.

Who decides is never the one whose access, role or part it is. Each decision has its line in the record.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlmodel import Session

from domain.access import KEEPS_OUT, voiding
from domain.casework import needed_reason
from domain.kernel import Actor, Refusal, changes, col, every, first, local_day, of, run
from domain.mail import resending
from domain.record import apart, events
from domain.restored.again import do_again, lift_what_the_restore_placed, place_what_others_need
from domain.restored.matters import concerned, waiting, with_it
from domain.restored.standing import SEEN_TO, standing_of
from domain.roles import HeldRole, standing
from locales import N_
from models.ledger import RestoredMatter
from models.ports import LEDGER_NOTES, LedgerNote

#: Who decides what a restore left.
_WHO_DECIDE: Final = ("coordinator", "privacy_officer")


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
    for decided in (matter, *others):
        place_what_others_need(session, decided)


def leave_undone(session: Session, matter_id: UUID, *, reason: str, by: Actor, at: datetime) -> None:
    """Say that what had ended does not hold any more, and why. Raises Refusal: as `note`, or without a reason."""
    matter = hold(session, matter_id, by=by)
    why = needed_reason(reason)
    lift_what_the_restore_placed(session, matter, by=by, at=at)
    settle(session, [matter, *with_it(matter, waiting(session))], "left_undone", by=by, at=at, reason=why)
    place_what_others_need(session, matter)


def note(session: Session, matter_id: UUID, *, by: Actor, at: datetime) -> None:
    """Note that it was seen to: it is so already, cannot be found any more, or was done where such things are done.

    Raises Refusal: decided, the decider's own, it can be done again here, or it plainly was not done anew elsewhere.
    """
    matter = hold(session, matter_id, by=by)
    can = standing_of(session, matter).can
    if can == "by_hand" and matter.verb in SEEN_TO:
        raise Refusal(
            "restored.not_seen_to",
            N_("This was not done anew yet. Do it where such things are done, or say why it does not hold any more."),
        )
    if can == "again":
        raise Refusal(
            "restored.not_noted", N_("This can be done again here: do it, or say why it does not hold any more.")
        )
    lift_what_the_restore_placed(session, matter, by=by, at=at)
    settle(session, [matter, *with_it(matter, waiting(session))], "noted", by=by, at=at)
    place_what_others_need(session, matter)


def who_decide(session: Session, *, at: datetime) -> list[HeldRole]:
    """The roles of those who decide what a restore left, by whom they are held on the day."""
    held = standing(session, local_day(session, at))
    return [one for role in _WHO_DECIDE for one in held.holding(role)]


def let_in(session: Session, person_id: UUID | None, *, reason: str, by: Actor, at: datetime) -> int:
    """Let in someone who decides, where nobody who could decide is let in: what keeps them out stays undone.

    For who runs the installation, at the terminal; how many matters it were. Raises Refusal: someone else can decide,
    they do not decide themselves, nothing keeps them out, or without a reason.
    """
    who_may = {one.person_id for one in who_decide(session, at=at)}
    if any(not voiding.is_kept_out(session, one, at=at) for one in who_may):
        raise Refusal(
            "restored.someone_decides",
            N_("The coordination or the privacy officer can sign in: they decide, on the page “After a restore”."),
        )
    mine = [one for one in waiting(session) if one.kind in KEEPS_OUT and one.person_id == person_id]
    if person_id not in who_may or not mine:
        raise Refusal(
            "restored.not_who_decides", N_("No coordinator or privacy officer with this address is kept out.")
        )
    for matter in mine:
        leave_undone(session, matter.id, reason=reason, by=by, at=at)
    return len(mine)


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
        if matter.verb == "person.updated" and matter.person_id is not None:
            resending.follow_address(session, matter.person_id)
        run(
            session,
            changes(RestoredMatter)
            .where(RestoredMatter.id == matter.id)
            .values(decision=decision, decided_at=at, decided_by=by.person_id, decided_as=by.role, reason=reason),
        )
        told = f"restored.{decision}"
        facts: dict[str, events.Fact] = {"matter": matter.kind, "ended": matter.verb, "line": matter.ledger_n}
        events.write(session, told, "restored_matter", matter.id, by=by, at=at, case_id=None, **facts)
        apart.note_decision(session, matter, decision, by=by.person_id, at=at)


def _done_with_it(session: Session, matter: RestoredMatter, notes: list[LedgerNote]) -> list[RestoredMatter]:
    """The other matters that the act has just done again, as its own lines for the ledger say.

    Each line explains one matter, and says the same of it in every fact. The line of what was decided explains that.
    """
    ends = [one for one in notes if one.kind == apart.ENDED]
    done = Counter(apart.said_of_end(str(one.more.get("verb")), one.id, one.more) for one in ends)
    done.subtract([apart.said_of(matter)])
    asked = of(RestoredMatter).where(col(RestoredMatter.decided_at).is_(None), RestoredMatter.id != matter.id)
    waits = every(session, asked.order_by(col(RestoredMatter.ledger_n)).with_for_update())
    together = with_it(matter, waits)
    return [one for one in waits if one in together or _is_taken(done, apart.said_of(one))]


def _is_taken(done: Counter[str], said: str) -> bool:
    """Whether a line says this, which then says it of no other matter."""
    done[said] -= 1
    return done[said] >= 0
