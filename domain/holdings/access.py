"""What lets a person in: sign-ins, passkeys, directory accounts, links by letter, and private calendar addresses.

These end automatically, and no one takes them over. A departure is not over while one of them holds.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import func

from domain.holdings.holding import Holding, Leaving
from domain.kernel import both, col, in_program, joins, moments_of, run, select, value_of
from locales import N_
from models.access import BrowserSession, Door, Identity, Passkey
from models.invitation import CalendarFeed, Invitation, MeetingLink

ACCESS: Final = "access"


def access_of(leaving: Leaving) -> list[Holding]:
    """One line for each kind of access that is open to them, where they leave everything."""
    if leaving.is_back or not leaving.concerns(None):
        return []
    _, until = moments_of(leaving.session, leaving.day)

    def counted(table: Any, *where: Any) -> Any:
        return (
            select(func.count())
            .select_from(table)
            .where(in_program(table), table.person_id == leaving.person_id, *where)
            .scalar_subquery()
        )

    links = (
        select(func.count())
        .select_from(MeetingLink)
        .join(Invitation, joins(MeetingLink.invitation_id, Invitation))
        .where(
            in_program(MeetingLink),
            Invitation.person_id == leaving.person_id,
            col(MeetingLink.ended_at).is_(None),
            col(MeetingLink.expires_at) > until,
        )
        .scalar_subquery()
    )
    counts = run(
        leaving.session,
        select(
            value_of(counted(BrowserSession, col(BrowserSession.ended_at).is_(None))),
            value_of(counted(Passkey, col(Passkey.ended_at).is_(None))),
            value_of(counted(Identity, col(Identity.ended_at).is_(None))),
            value_of(counted(Door, col(Door.used_at).is_(None))),
            value_of(counted(CalendarFeed, col(CalendarFeed.ended_at).is_(None))),
            links,
        ),
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
