"""Sends the head of the record out: each working day the last seal goes, by letter, to those who will compare."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlmodel import Session

from domain.kernel import ROUNDS, Actor, add_row, local_day, only, program_of, scalar
from domain.mail import notices
from domain.record import LastSeal, events, head_of
from domain.roles import FOR_PRIVACY, standing
from models.record import SentHead

BY_ROUNDS: Final = Actor.system(ROUNDS)


def mail_head(session: Session, *, at: datetime) -> int:
    """Write the letters of today's head and note what they say; returns how many, 0 where there is nothing to send.

    One head is sent on a local day, however often this is called. Where no keeper has an address nothing is noted as
    sent; the coordinator is told of the missing address.
    """
    head, day = head_of(session), local_day(session, at)
    sent = only(SentHead.id).where(SentHead.sent_on == day)
    if head is None or scalar(session, sent) is not None:
        return 0
    written = sum(
        notices.write(session, "record_head", to=person_id, key=f"head:{day}", facts=_facts(head, day, path), at=at)
        for person_id, path in sorted(_keepers(session, day).items())
    )
    if not written:
        return 0
    here, number = program_of(session), head.number
    sent_head = SentHead(program_id=here, sent_on=day, number=number, signature=head.signature, recipients=written)
    add_row(session, sent_head)
    events.write(session, "head.sent", "program", here, by=BY_ROUNDS, at=at, number=number, letters=written)
    return written


def _keepers(session: Session, day: date) -> dict[UUID, str]:
    """Those who get the letter that day, each with the page of the record that they may see."""
    found = standing(session, day).falls(FOR_PRIVACY)
    return {
        holder.person_id: "/privacy" if holder.role == "privacy_officer" else "/activity" for holder in found.holders
    }


def _facts(head: LastSeal, day: date, path: str) -> notices.Facts:
    return lambda _: {"number": head.number, "signature": grouped(head.signature), "day": day, "path": path}


def grouped(signature: str) -> str:
    """A signature in groups of eight, as people compare it; it may be typed so."""
    return "-".join(signature[start : start + 8] for start in range(0, len(signature), 8))
