"""Links by which an outside professional refers one person: made by the coordinator, used once, expiring on a day.

A link is found by the digest of its secret before a program is known. Opening it changes nothing.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from sqlmodel import Session

from domain.kernel import (
    Actor,
    Refusal,
    add_row,
    changes,
    col,
    digest,
    every,
    first,
    in_program,
    of,
    program_of,
    run,
    scalar,
    select,
)
from domain.record import events
from locales import N_
from models.referral import ReferralLink

#: How long a link works until it is used.
LIFE: Final = timedelta(days=14)
#: How long one that was used shows where the referral stands, and takes what is asked of who sent it.
SHOWS: Final = timedelta(days=180)


def make_link(session: Session, *, by: Actor, at: datetime) -> tuple[UUID, str]:
    """A new link: its id, and its secret, which is shown now and never again."""
    if by.person_id is None:
        msg = "a link is made by a person, who answers for whom they send it to"
        raise ValueError(msg)
    token, link_id = secrets.token_urlsafe(32), uuid4()
    row = ReferralLink(
        token_digest=digest(session, token),
        program_id=program_of(session),
        id=link_id,
        made_by=by.person_id,
        made_at=at,
        expires_at=at + LIFE,
    )
    add_row(session, row)
    events.write(session, "referral_link.made", "referral_link", link_id, by=by, at=at)
    return link_id, token


def end_link(session: Session, link_id: UUID, *, by: Actor, at: datetime) -> None:
    """Withdraw a link that was not used. Raises Refusal: there is none, or it was used or withdrawn already."""
    ended = scalar(
        session,
        changes(ReferralLink)
        .where(ReferralLink.id == link_id, col(ReferralLink.used_at).is_(None), col(ReferralLink.ended_at).is_(None))
        .values(ended_at=at)
        .returning(col(ReferralLink.id)),
    )
    if ended is None:
        raise Refusal("referral_link.over", N_("This link was already used or withdrawn."))
    events.write(session, "referral_link.ended", "referral_link", link_id, by=by, at=at)


def links_of(session: Session) -> list[ReferralLink]:
    """The links that were made, the last one first: by which person, when, and whether they still work."""
    mine = of(ReferralLink).where(in_program(ReferralLink))
    return every(session, mine.order_by(col(ReferralLink.made_at).desc(), col(ReferralLink.id)).limit(50))


def program_behind(session: Session, token: str, *, at: datetime) -> UUID | None:
    """The program of a link, before one is known; None where it neither refers nor shows what became of it."""
    row = first(session, select(ReferralLink).where(col(ReferralLink.token_digest) == digest(session, token)))
    if row is None or not (_works(row, at) or used(session, token, at=at)):
        return None
    return row.program_id


def used(session: Session, token: str, *, at: datetime) -> ReferralLink | None:
    """A link that was used and still shows where its referral stands; None of any other."""
    row = first(session, select(ReferralLink).where(col(ReferralLink.token_digest) == digest(session, token)))
    return row if row is not None and row.used_at is not None and at < row.used_at + SHOWS else None


def hold(session: Session, token: str, *, browser: str, at: datetime) -> ReferralLink:
    """Lock a link that works. `browser` is the cookie of the browser that asks, "" where it has none.

    Raises Refusal, the same for a link that never was and one that was used; another where it was begun elsewhere.
    """
    row = first(
        session, of(ReferralLink).where(col(ReferralLink.token_digest) == digest(session, token)).with_for_update()
    )
    if row is None or not _works(row, at):
        raise Refusal(
            "referral_link.closed",
            N_("This link does not work, or no longer works. Ask the coordination for another one."),
        )
    if row.browser_digest is not None and row.browser_digest != digest(session, browser):
        raise Refusal(
            "referral_link.elsewhere",
            N_("This referral was begun in another browser, or a while ago. Continue there, or ask for another link."),
        )
    return row


def begin(session: Session, link: ReferralLink, browser: str) -> None:
    """Bind what is saved by a locked link to this browser, which alone may read it."""
    _change(session, link, browser_digest=digest(session, browser))


def use(session: Session, link: ReferralLink, *, at: datetime) -> None:
    """Revoke a locked link, since it was used."""
    _change(session, link, used_at=at)


def _change(session: Session, link: ReferralLink, **values: object) -> None:
    run(session, changes(ReferralLink).where(ReferralLink.id == link.id).values(**values))


def _works(row: ReferralLink, at: datetime) -> bool:
    return row.used_at is None and row.ended_at is None and at < row.expires_at
