"""Looking at proof: it is accepted, or returned with words, by a person who neither gave nor owes it.

Each verb judges the obligation again in the same transaction. The caller commits.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import insert
from sqlmodel import Session

from domain.casework import asking, checked_note, needed_reason
from domain.declarations import GIVEN, GIVEN_BY_PEOPLE, Fact, Touched, clause_without_role, facts_of
from domain.kernel import Actor, Refusal, changes, col, local_day, only, program_of, run, scalar
from domain.obligations import to_accept
from domain.obligations.owing import acts_among
from domain.obligations.projection import keep
from domain.obligations.proofs import given_as, is_proof, words_of
from domain.obligations.to_accept import ACCEPT, GIVE_AGAIN, PeriodJudged
from domain.obligations.turns import take_turn
from domain.record import events
from domain.roles import standing
from locales import N_
from models.obligation import Acceptance

ACCEPTED: Final = "accepted"
RETURNED: Final = "returned"
#: How a fact is told that counts since it was accepted, by what it is.
_COUNTS: Final = frozenset({"in_period", "held"})
_AGAIN: Final = N_("Submit again the proof for %(clause)s, %(organization)s: it was returned with a note")


def accept(
    session: Session, period_id: UUID, proof_id: UUID, *, note: str = "", by: Actor, at: datetime, judged: bool = True
) -> None:
    """Accept a proof of a period: from then on it counts. `proof_id` is the id of its fact, as the period shows it.

    A step's document is accepted by the step's id. With `judged` false, a caller who accepts several has them judged
    once, afterwards. Raises Refusal: no proof of this period that waits, or it is not theirs to accept.
    """
    _look(session, period_id, proof_id, ACCEPTED, checked_note(note), by=by, at=at, judged=judged)


def give_back(session: Session, period_id: UUID, proof_id: UUID, *, reason: str, by: Actor, at: datetime) -> None:
    """Return a proof with words: it does not count, and is to be given again. `proof_id` as in `accept`.

    One that was accepted by mistake is returned as well. Raises Refusal.
    """
    _look(session, period_id, proof_id, RETURNED, needed_reason(reason), by=by, at=at)


def _look(
    session: Session,
    period_id: UUID,
    proof_id: UUID,
    said: str,
    words: str,
    *,
    by: Actor,
    at: datetime,
    judged: bool = True,
) -> None:
    take_turn(session)
    row, fact = _found(session, period_id, proof_id)
    _refuse_unless_it_waits(session, fact, said)
    if by.person_id is None or acts_among(by, to_accept.barred(session, row, [fact], local_day(session, at))):
        raise Refusal(
            "proof.own",
            N_("You cannot accept or return proof that you gave, that you owe, or that you gave for someone else."),
        )
    if to_accept.falls_on(session, row, standing(session, local_day(session, at))).on(by.person_id) is None:
        raise Refusal("proof.not_yours", N_("Someone else must review this proof."))
    _say(session, fact, said, words, by=by, at=at)
    events.write(
        session,
        "obligation.proof_accepted" if said == ACCEPTED else "obligation.proof_returned",
        "obligation_period",
        period_id,
        by=by,
        at=at,
        clause=row.key,
        proof=fact.kind,
        proof_id=fact.id,
    )
    if all(other.id == fact.id for other in to_accept.waiting(row)):
        asking.answered(session, ACCEPT, period_id, by=by, at=at)
    if said == RETURNED:
        _ask_again(session, row, fact, by=by, at=at)
    else:
        asking.no_more(session, GIVE_AGAIN, period_id, by=by, at=at)
    if judged:
        touched = partial(Touched, (), frozenset({fact.id}))
        keep(session, organization_ids=[row.organization_id], kinds=GIVEN_BY_PEOPLE, touched=touched, by=by, at=at)


def _found(session: Session, period_id: UUID, proof_id: UUID) -> tuple[PeriodJudged, Fact]:
    """A period, and the fact of it that is this proof. Raises Refusal."""
    row = to_accept.period_judged(session, period_id)
    for fact in facts_of(row.found) if row is not None else ():
        if row is not None and fact.id == str(proof_id) and is_proof(fact):
            return row, fact
    raise Refusal("proof.unknown", N_("There is no such proof for this period."))


def _refuse_unless_it_waits(session: Session, fact: Fact, said: str) -> None:
    """Refuse what waits for nobody: also what counts as the word of one who owes nothing of it. Raises Refusal."""
    may_be = {ACCEPTED: {GIVEN, RETURNED}, RETURNED: {GIVEN, *_COUNTS}}[said]
    if fact.why not in may_be or (fact.why in _COUNTS and not _has_word(session, fact)):
        raise Refusal("proof.not_waiting", N_("This proof does not wait for a review."))


def _has_word(session: Session, fact: Fact) -> bool:
    """Whether a proof counts by a word said of it, and not as the word of one who owes nothing of it."""
    column, ids = words_of(session, fact)
    return (
        scalar(session, only(Acceptance.id).where(col(Acceptance.superseded_at).is_(None), column.in_(ids)).limit(1))
        is not None
    )


def _say(session: Session, fact: Fact, said: str, words: str, *, by: Actor, at: datetime) -> None:
    here = program_of(session)
    column, ids = words_of(session, fact)
    for proof_id in ids:
        run(
            session,
            changes(Acceptance)
            .where(column == proof_id, col(Acceptance.superseded_at).is_(None))
            .values(superseded_at=at),
        )
        run(
            session,
            insert(Acceptance).values(
                {
                    "program_id": here,
                    "id": uuid4(),
                    column.key: proof_id,
                    "said": said,
                    "reason": words,
                    "said_by": by.person_id,
                    "said_as": by.role,
                    "said_for": by.acting_for,
                    "said_at": at,
                }
            ),
        )


def _ask_again(session: Session, row: PeriodJudged, fact: Fact, *, by: Actor, at: datetime) -> None:
    asking.ask(
        session,
        GIVE_AGAIN,
        row.id,
        _AGAIN,
        chain=to_accept.who_gives(fact, given_as(session, fact), row.organization_id),
        working_days=to_accept.DAYS_TO_GIVE_AGAIN,
        by=by,
        at=at,
        clause=clause_without_role(row.key),
        organization=row.short_name,
    )
