"""A participant locked for the length of a transaction, how a state is changed, and the steps of the admission."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session

from domain.casework import complete_task, waive_task
from domain.kernel import (
    Actor,
    Refusal,
    changes,
    col,
    first,
    hook,
    in_program,
    of,
    only,
    run,
    same,
    scalar,
    scalars,
    select,
    surely,
)
from domain.participants.referral_fields import emptied
from domain.record import apart
from domain.terms import ADMISSION
from locales import N_
from models.casework import Case, Task
from models.lifecycles import PARTICIPANT, NoSuchMove
from models.participant import Barred, DataKey, Participant
from models.referral import OFFERS, STANDS, Referral

#: Letters and figures that no one mistakes for another.
_SIGNS: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"


def known_as(session: Session, participant_id: UUID) -> str:
    """The name by which a person circulates: their number or, before they have one, their reference."""
    found: str = run(
        session,
        select(func.coalesce(col(surely(Participant.number)), col(Participant.candidate_ref))).where(
            in_program(Participant), Participant.id == participant_id
        ),
    ).scalar_one()
    return found


def hold_participant(session: Session, participant_id: UUID, *, seen: int | None = None) -> Participant:
    """Lock a participant and read the row. Raises Refusal: there is none, or it is not in the version `seen`."""
    held = first(session, of(Participant).where(Participant.id == participant_id).with_for_update())
    if held is None:
        raise unknown()
    if seen is not None and held.version != seen:
        raise Refusal(
            "participant.changed",
            N_("This file was changed by someone else or in another window. Nothing was saved; look again."),
        )
    return held


def change_participant(session: Session, row: Participant, /, **values: Any) -> None:
    """Write columns of a locked participant, and raise the version."""
    run(
        session,
        changes(Participant).where(Participant.id == row.id).values(**values, version=col(Participant.version) + 1),
    )


def change_referral(session: Session, held: Referral, /, **values: Any) -> int:
    """Write columns of a held referral, count its version up, and return that."""
    version = held.version + 1
    run(session, changes(Referral).where(Referral.id == held.id).values(**values, version=version))
    return version


@hook
def forgotten(session: Session, participant_id: UUID, *, at: datetime) -> None:
    """A file is destroyed, in this transaction: what a higher room has of the person goes too."""


def move_standing(
    session: Session, participant_id: UUID, stands: str, *, of_states: Sequence[str], offered: Sequence[str] = ()
) -> None:
    """Have who referred a person see that it stands further on, for their referrals in these states. Never back.

    What ended stays ended for them, also where the person is referred again by someone else. `offered` is what each of
    them is told was offered instead.
    """
    before = STANDS[: STANDS.index(stands)]
    theirs = (
        Referral.participant_id == participant_id,
        col(Referral.state).in_(of_states),
        col(Referral.stands).in_(before),
    )
    run(session, changes(Referral).where(*theirs).values(stands=stands, offered=list(offered)))


def checked_offers(offers: Sequence[str]) -> list[str]:
    """What who referred is told was offered instead, in the list's order. Raises Refusal: something else."""
    if not set(offers) <= set(OFFERS):
        raise Refusal("triage.offers", N_("Choose from the list what was offered instead."), source="AD-R3")
    return [one for one in OFFERS if one in offers]


def forget(session: Session, held: Participant, move: str, *, at: datetime, joined_to: UUID | None = None) -> None:
    """Destroy a held file by a move: nothing stays that says who they were, and its key is to be destroyed.

    `joined_to` is the file of the same person that it is joined to. Raises Refusal where it cannot be made.
    """
    change_participant(
        session,
        held,
        state=participant_state_after(held, move),
        joined_to_id=joined_to,
        destroyed_at=at,
        sealed=None,
        names=None,
        marks=[],
        **emptied(),
    )
    run(session, changes(DataKey).where(DataKey.participant_id == held.id).values(destroyed_at=at))
    # Before the key goes: wherever an older copy of it, or of these rows, is put back, it is destroyed again.
    apart.note(session, apart.DESTROYED, held.id, at=at)
    forgotten(session, held.id, at=at)


def participant_state_after(held: Participant, move: str) -> str:
    """The state of a participant after a move. Raises Refusal where it cannot be made."""
    try:
        return PARTICIPANT.after(held.state, move)
    except NoSuchMove:
        raise Refusal(
            "participant.state", N_("This cannot be done with this candidate in the current state. Look again.")
        ) from None


def barred_workers(session: Session, participant_id: UUID) -> frozenset[UUID]:
    """The workers that a participant has barred from their file."""
    return frozenset(
        scalars(
            session,
            only(Barred.person_id).where(Barred.participant_id == participant_id, col(Barred.lifted_at).is_(None)),
        )
    )


def new_reference() -> str:
    """A reference for a candidate, drawn at random: it tells neither how many there are, nor who came first."""
    return "C-" + "".join(secrets.choice(_SIGNS) for _ in range(6))


def case_of(session: Session, participant_id: UUID) -> UUID | None:
    """The open case of their admission; None where there is none."""
    return scalar(
        session,
        only(Case.id).where(Case.participant_id == participant_id, Case.protocol == ADMISSION, Case.state == "open"),
    )


def step_of(session: Session, participant_id: UUID, step: str) -> Task | None:
    """The task of one step of their admission's open case: its `id` and `state`; None where there is none."""
    return first(
        session,
        of(Task)
        .join(Case, same(Case, Task) & (col(Case.id) == col(Task.case_id)))
        .where(
            Case.participant_id == participant_id, Case.protocol == ADMISSION, Case.state == "open", Task.step == step
        ),
    )


def finish_step(session: Session, participant_id: UUID, step: str, *, by: Actor, at: datetime) -> bool:
    """Complete a step of the admission because what it asks was done. Returns whether it was open."""
    task = step_of(session, participant_id, step)
    if task is None or task.state != "open":
        return False
    complete_task(session, task.id, by=by, at=at, in_its_act=True)
    return True


def skip_step(session: Session, participant_id: UUID, step: str, reason: str, *, by: Actor, at: datetime) -> bool:
    """Waive a step of the admission that another way replaced. Returns whether there was one to waive."""
    task = step_of(session, participant_id, step)
    if task is None or task.state not in ("planned", "open"):
        return False
    waive_task(session, task.id, by=by, at=at, reason=reason, in_its_act=True)
    return True


def unknown() -> Refusal:
    """The refusal that there is no such participant, or none that the asker could have."""
    return Refusal("participant.unknown", N_("There is no such candidate or participant."))
