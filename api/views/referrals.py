"""The coordinator's board of referrals: what came and where it stands, but for those who barred the reader."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from api.access.permissions import Action, is_allowed, to_program
from api.access.session import RequestContext
from api.views.tasks import names_of
from domain.accompaniment import referred_again
from domain.admissions import duplicates
from domain.participants import (
    Arrived,
    CriterionFound,
    DueDestruction,
    Funnel,
    LeftDraft,
    findings_of,
    links,
    reading,
    referring,
    retention,
)
from domain.roles import standing, who_barred
from models.referral import ReferralLink

#: What waits for a triage, and what is under way.
Came = tuple[list[Arrived], list[Arrived]]


def came(context: RequestContext, barred_by: Collection[UUID]) -> Came:
    """The referrals to triage and those under way, the longest waiting first."""
    received, under_way = (
        [row for row in read(context.session) if row.participant_id not in barred_by]
        for read in (reading.to_triage, reading.under_way)
    )
    return received, under_way


@dataclass(frozen=True)
class Board:
    """What the coordinator sees besides what they referred themselves."""

    received: list[Arrived]
    maybe_known: frozenset[UUID]
    found: Mapping[UUID, Mapping[str, CriterionFound]]
    under_way: list[Arrived]
    no_further: list[Arrived]
    left: list[LeftDraft]
    links: list[ReferralLink]
    funnel: Funnel
    to_destroy: list[DueDestruction]

    @property
    def people(self) -> set[UUID | None]:
        """Those who are named on it."""
        return {
            *(row.referred_by for row in (*self.received, *self.under_way)),
            *(row.referred_by for row in self.left),
            *(row.made_by for row in self.links),
        }


def hearing_of(context: RequestContext, referral_id: UUID) -> list[tuple[str, str]] | None:
    """The workers that who referred a known person can be told of, for who triages; None where nothing is said."""
    session = context.session
    if not is_allowed(Action.TRIAGE, to_program(context.asker)):
        return None
    if not referred_again.is_of_somebody_known(session, referral_id):
        return None
    held = standing(session, context.day).holding("youth_worker")
    names = names_of(context, {one.person_id for one in held})
    return sorted(((str(person), name) for person, name in names.items()), key=lambda each: each[1])


def board_of(context: RequestContext) -> Board | None:
    """The board, for who triages."""
    if not is_allowed(Action.TRIAGE, to_program(context.asker)):
        return None
    session, reader, since = context.session, context.asker.person_id, context.at - reading.LOOKS_BACK
    barred_by = who_barred(session, reader)
    received, under_way = came(context, barred_by)
    return Board(
        received=received,
        maybe_known=duplicates.alike(session, [row.participant_id for row in received], reader=reader),
        found={row.id: findings_of(session, row.participant_id) for row in received},
        under_way=under_way,
        no_further=[row for row in reading.no_further(session, since=since) if row.participant_id not in barred_by],
        left=referring.left_drafts(session),
        links=links.links_of(session),
        funnel=reading.funnel(session, since=since),
        to_destroy=[row for row in retention.due(session, context.day) if row.id not in barred_by],
    )
