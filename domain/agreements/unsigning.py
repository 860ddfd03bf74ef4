"""Taking back a signature that was recorded from paper by mistake, while its version is not set to begin."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Text, cast
from sqlmodel import Session

from domain.agreements import letters
from domain.agreements.agreements import directors_on, hold_version, not_now, signatures_of, stands, state_after, tell
from domain.casework import needed_reason
from domain.kernel import (
    SHAPE,
    Actor,
    Refusal,
    also,
    changes,
    col,
    every,
    inside,
    local_day,
    of,
    only,
    rewrite,
    run,
    same,
    scalar,
    select,
    value_of,
)
from domain.terms import PartnerVersion
from locales import N_
from models.agreement import AgreementVersion, Signature
from models.lifecycles import AGREEMENT_VERSION
from models.record import Event

_NONE: Final = N_(
    "There is no signature of this director to take back: none is recorded, or it was taken back already."
)

#: Who took a signature back, as the record of that act says.
TAKEN_BACK_BY: Final = value_of(
    select(Event.actor_id)
    .where(
        same(Event, Signature),
        Event.subject_id == Signature.agreement_version_id,
        Event.verb == "agreement.signature_taken_back",
        Event.at == Signature.taken_back_at,
        inside(Event.facts)["director"].astext == cast(col(Signature.person_id), Text),
    )
    .limit(1)
    .correlate(Signature)
    .scalar_subquery()
)


class TakenBackSignature(Signature):
    """A signature that was taken back, and by which person."""

    model_config = SHAPE

    taken_back_by: UUID | None = also(TAKEN_BACK_BY)


def taken_back_of(session: Session, version_id: UUID) -> list[TakenBackSignature]:
    """The signatures under a version that were taken back, the first one first."""
    asked = of(TakenBackSignature).where(Signature.agreement_version_id == version_id, ~stands())
    return every(session, asked.order_by(col(Signature.taken_back_at), col(Signature.id)))


def take_back(
    session: Session,
    version_id: UUID,
    *,
    director_id: UUID,
    reason: str,
    by: Actor,
    at: datetime,
    seen: int | None = None,
) -> None:
    """Take back the signature of a director that was recorded from paper, and tell them.

    It stays on record with the reason, and its file with it. The version waits for signatures as before, and may be
    signed anew. Raises Refusal: a version that is set to begin, no reason, none that stands, or one that the director
    gave here themselves.
    """
    held = hold_version(session, version_id, seen=seen)
    standing = {one.person_id: one for one in signatures_of(session, version_id)}
    if held.state not in ("draft", "sent", "signed"):
        raise not_now("unsign")
    if not standing:
        raise Refusal("agreement.not_now", _NONE)
    reason = needed_reason(reason)
    signature = standing.pop(director_id, None)
    if signature is None:
        raise Refusal("signature.unknown", _NONE)
    if not signature.on_paper:
        raise Refusal(
            "signature.given_here",
            N_("This director signed on the page themselves. Only a signature recorded from paper is taken back."),
        )
    taken = changes(Signature).where(Signature.id == signature.id)
    run(session, taken.values(taken_back_at=at, taken_back_reason=reason))
    directors = directors_on(session, held.organization_id, local_day(session, at))
    _wait_again(session, held, is_signed=bool(directors) and directors <= set(standing))
    now = hold_version(session, version_id)
    is_asked = now.state == "sent" and director_id in directors
    letters.signature_taken_back(session, now, signature, is_asked=is_asked, by=by, at=at)
    facts = {"director": str(director_id), "signed_on": signature.signed_on.isoformat()}
    tell(session, held, "agreement.signature_taken_back", by=by, at=at, **facts)


def _wait_again(session: Session, held: PartnerVersion, *, is_signed: bool) -> None:
    """Have a version wait for signatures as before it was signed; not where it `is_signed` by the others alone."""
    waits = held.state == "signed" and not is_signed
    state = state_after(held, "unsign") if waits else held.state
    rewrite(session, AgreementVersion, held.id, state=state)
    if waits and not _was_sent(session, held):
        rewrite(session, AgreementVersion, held.id, state=AGREEMENT_VERSION.after(state, "withdraw"))


def _was_sent(session: Session, held: PartnerVersion) -> bool:
    """Whether a version is with its directors: it was sent, and not taken back since."""
    moves = ["agreement.sent", "agreement.withdrawn"]
    last = only(Event.verb).where(Event.subject_id == held.id, col(Event.verb).in_(moves))
    return scalar(session, last.order_by(col(Event.n).desc()).limit(1)) == moves[0]
