"""What lets a person in: sign-ins, passkeys, directory accounts, links by letter, and private calendar addresses.

These end by themselves, and nobody takes them over. A departure is not over while one of them holds.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import func, select

from domain.holdings.holding import Holding, Leaving
from domain.kernel.bilingual import both
from domain.kernel.scope import moments_of, program_of
from locales import N_
from models.access import BrowserSession, Door, Identity, Passkey
from models.base import table_of
from models.invitation import CalendarFeed, Invitation, MeetingLink

ACCESS: Final = "access"

_session = table_of(BrowserSession)
_passkey = table_of(Passkey)
_identity = table_of(Identity)
_door = table_of(Door)
_feed = table_of(CalendarFeed)
_link = table_of(MeetingLink)
_invitation = table_of(Invitation)


def access_of(leaving: Leaving) -> list[Holding]:
    """One line for each kind of door that is open to them, where they leave everything."""
    if leaving.is_back or not leaving.concerns(None):
        return []
    session, here = leaving.session, program_of(leaving.session)
    _, until = moments_of(session, leaving.day)

    def counted(table: Any, *where: Any) -> Any:
        return (
            select(func.count())
            .select_from(table)
            .where(table.c.program_id == here, table.c.person_id == leaving.person_id, *where)
            .scalar_subquery()
        )

    links = (
        select(func.count())
        .select_from(_link.join(_invitation, _link.c.invitation_id == _invitation.c.id))
        .where(
            _link.c.program_id == here,
            _invitation.c.program_id == here,
            _invitation.c.person_id == leaving.person_id,
            _link.c.ended_at.is_(None),
            _link.c.expires_at > until,
        )
        .scalar_subquery()
    )
    counts = session.execute(
        select(
            counted(_session, _session.c.ended_at.is_(None)),
            counted(_passkey, _passkey.c.ended_at.is_(None)),
            counted(_identity, _identity.c.ended_at.is_(None)),
            counted(_door, _door.c.used_at.is_(None)),
            counted(_feed, _feed.c.ended_at.is_(None)),
            links,
        )
    ).one()
    person = leaving.person_id
    return [
        Holding(ACCESS, person, both(sentence, n=count), f"/people/{person}")
        for sentence, count in zip(_DOORS, counts, strict=True)
        if count
    ]


_DOORS: Final = (
    N_("Sign-ins: %(n)s"),
    N_("Passkeys: %(n)s"),
    N_("Directory accounts: %(n)s"),
    N_("Invitations by letter: %(n)s"),
    N_("Private calendar addresses: %(n)s"),
    N_("Links to answer invitations: %(n)s"),
)
