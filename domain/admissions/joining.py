"""What comes along when a file is joined to that of the same person, and what is left to be destroyed with its key.

Only a candidate's file is joined: it may have been given to a worker and taken back, or referred a second time, and was
never followed. What protects the person, or others from them, comes along. What was found, decided and agreed in an
admission that ends with the file does not hold for another. `duplicates.join_referral` says what that is.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, insert
from sqlmodel import Session

from domain.accompaniment import barring, consents, recruiting
from domain.admissions.correcting import FIELDS
from domain.kernel import (
    Actor,
    col,
    every,
    in_program,
    next_number,
    of,
    replaced,
    run,
    seal_again,
    select,
    surely,
    unseal,
)
from domain.participants import (
    ParticipantIdentity,
    change_participant,
    change_referral,
    identity_within,
    retention,
    sealed_identity,
)
from domain.record import events
from models.consent import Consent, Disclosure
from models.destruction import KeptUntil
from models.participant import Participant, RiskAssessment
from models.referral import Referral


def bring_referrals(session: Session, joined_id: UUID, to: UUID, *, received: UUID | None) -> list[Referral]:
    """Move the referrals of a file to the known one, sealed as its own, and return them as they are then.

    The last one, the earlier ones, and those that were joined to the file: each is joined, but for the one that is
    `received` anew, which is triaged as any.
    """
    rows = every(
        session,
        of(Referral)
        .where(Referral.participant_id == joined_id, col(Referral.sealed).is_not(None))
        .order_by(col(Referral.id))
        .with_for_update(),
    )
    return [_bring_referral(session, row, to, "received" if row.id == received else "joined") for row in rows]


def bring_identity(session: Session, joined: Participant, known: Participant, *, by: Actor, at: datetime) -> None:
    """Add to the known file's identity what the joined one says beside it. Both are locked.

    The gate of letters goes on looking for their other name, and another referral under it is found to be alike. It is
    a correction as any: no file is joined by it in the days after.
    """
    ours = identity_within(session, known.id)
    both = ours.with_what_is_new_in(identity_within(session, joined.id))
    if both == ours:
        return
    change_participant(session, known, **sealed_identity(session, known.id, both))
    told = ", ".join(_said_newly(ours, both))
    events.write(session, "participant.corrected", "participant", known.id, by=by, at=at, fields=told)


def bring_what_protects(session: Session, joined: Participant, known: Participant, *, by: Actor, at: datetime) -> None:
    """Carry everything else that protects the person or others into the known file. Both are locked.

    The workers the person barred are barred there by the same function: a task replaces one who accompanies them.
    Disclosures without consent (AD-R12) are sealed under the known file, and so is each change by hand of how long
    the file is kept. A last day that is later than the known file's becomes its own. A withdrawn consent is withdrawn
    there, where it had been given before (AD-R11): sharing never exceeds the last word. That they recruit, and the
    assessments of the risk to others (AD-C4), come along; the committee then assesses it anew, knowing the whole file.
    """
    for row in barring.barred_of(session, joined.id):
        barring.bar(session, known.id, row.person_id, by=by, at=at)
    _bring_written(session, Disclosure, "disclosure", joined.id, known.id)
    if _bring_written(session, KeptUntil, "kept_until", joined.id, known.id):
        retention.keep_as_by_hand(session, known.id, by=by, at=at)
    _withdraw_what_was_withdrawn(session, joined.id, known.id, by=by, at=at)
    if joined.recruiter:
        recruiting.note(session, known, by=by, at=at)  # a person who recruits is noted so for good
    if _bring_assessments(session, joined.id, known.id):
        recruiting.ask_to_assess(session, known, by=by, at=at)


def _said_newly(ours: ParticipantIdentity, both: ParticipantIdentity) -> list[str]:
    """The fields of which what came beside an identity says something else than was said in it before."""
    before = [one.to_json() for one in (ours, *ours.also)]
    return [
        name
        for name in FIELDS
        if any((said := one.to_json()[name]) and all(said != was[name] for was in before) for one in both.also)
    ]


def _bring_referral(session: Session, row: Referral, to: UUID, state: str) -> Referral:
    name = f"referral/{row.id}"
    told = unseal(session, row.participant_id, name, surely(row.sealed))
    values: dict[str, object] = {
        "participant_id": to,
        "state": state,
        "sealed": seal_again(session, to, name, told),
        "result": "",
        "triaged_at": None,
        "triaged_by": None,
        "result_sealed": None,
    }
    version = change_referral(session, row, **values)
    return replaced(row, **values, version=version)


def _bring_assessments(session: Session, joined_id: UUID, to: UUID) -> int:
    """Copy the assessments of the risk to others, numbered after those of the known file; how many."""
    of_recruiters = col(RiskAssessment.kind) == "recruiter"
    return _bring_written(
        session,
        RiskAssessment,
        "risk",
        joined_id,
        to,
        of_recruiters,
        counted_from=next_number(session, RiskAssessment.n, RiskAssessment.participant_id == to, of_recruiters),
    )


def _bring_written(
    session: Session,
    table: Any,
    place: str,
    joined_id: UUID,
    to: UUID,
    *which: ColumnElement[bool],
    counted_from: int | None = None,
) -> int:
    """Copy rows into the known file as they were, but sealed under its key; how many.

    `place` is where they are sealed. Those of a numbered kind are numbered from `counted_from` on.
    """
    of_joined = (in_program(table), col(table.participant_id) == joined_id, *which)
    rows: list[Any] = every(
        session, select(table).where(*of_joined).order_by(col(table.n) if hasattr(table, "n") else col(table.id))
    )
    for count, row in enumerate(rows):
        row_id = uuid4()
        told = unseal(session, joined_id, f"{place}/{row.id}", row.sealed)
        counted = {} if counted_from is None else {"n": counted_from + count}
        sealed = seal_again(session, to, f"{place}/{row_id}", told)
        run(
            session,
            insert(table).values({**row._asdict(), **counted, "id": row_id, "participant_id": to, "sealed": sealed}),
        )
    return len(rows)


def _withdraw_what_was_withdrawn(session: Session, joined_id: UUID, to: UUID, *, by: Actor, at: datetime) -> None:
    """Withdraw those consents of the known file that the person later withdrew in the joined one."""
    last: dict[tuple[str, UUID | None], Consent] = {}
    for row in consents.consents_of(session, joined_id):
        if row.replaced_at is None:
            last.setdefault((row.purpose, row.organization_id), row)  # the last one is first
    for row in consents.consents_of(session, to):
        theirs = last.get((row.purpose, row.organization_id))
        stands = row.withdrawn_on is None and row.replaced_at is None
        if stands and theirs is not None and theirs.withdrawn_at and theirs.withdrawn_at > row.recorded_at:
            consents.withdraw(session, row.id, by=by, at=at)
