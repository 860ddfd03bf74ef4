"""Referrals over JSON: one's own drafts, sending them, the coordinator's board, and links for outside professionals."""

from __future__ import annotations

from dataclasses import replace
from typing import Final
from uuid import UUID

from fastapi import Response
from pydantic import AwareDatetime

from api.access.participants import drafter, sent_referral
from api.access.permissions import Action, allows, asks, require, to_program
from api.access.session import InContext, RequestContext
from api.acts.declaring import On
from api.acts.triage import SENT
from api.json.act_routes import act_resources
from api.json.described import api_routes
from api.json.idempotent_requests import AtOnce, IfMatch, etag, seen_version
from api.json.shapes import Shown
from api.views.referrals import came
from api.web.given import ActInput
from api.web.referral_shapes import given, shown, with_fields
from domain.admissions import duplicates
from domain.kernel import Actor
from domain.participants import (
    Arrived,
    Funnel,
    OwnReferral,
    ReferralForm,
    Referrer,
    fields_of,
    links,
    reading,
    referring,
    values_of,
)
from domain.roles import who_barred

router = api_routes("referrals")

#: What is asked of everyone who refers: a link asks also who they are.
_ASKED: Final = tuple(one for one in fields_of(ReferralForm) if one not in fields_of(Referrer))


@with_fields(given(_ASKED))
class ReferralGiven(ActInput):
    """What a referral says (AD-R2). `facts` are by criterion; languages are codes; `area` is one of the program's."""

    def form(self) -> ReferralForm:
        """As the verbs take it."""
        return ReferralForm(**self.model_dump())


class SavedReferralShown(Shown):
    """A referral that was saved: its words are its author's, read back by `GET` while it is a draft."""

    id: UUID
    state: str
    version: int


@with_fields(shown(_ASKED))
class DraftWhole(SavedReferralShown):
    """One's own draft, to go on with."""


class MineShown(Shown):
    """What one referred, or is writing: where it stands for its author, and what is asked of them.

    `reference` is of the referral, for good. `stands` is received, committee, worker or not_admitted; `offered` is what
    was offered instead, as far as they may know.
    """

    id: UUID
    state: str
    reference: str
    stands: str
    offered: list[str]
    asked: list[str]
    begun_at: AwareDatetime
    saved_at: AwareDatetime
    received_at: AwareDatetime | None


class ReceivedShown(Shown):
    """A referral that came, by the candidate's reference."""

    id: UUID
    participant_id: UUID
    candidate_ref: str
    number: str | None
    state: str
    way: str
    result: str
    received_at: AwareDatetime
    referred_by: UUID | None
    recruiter: bool
    perhaps_known: bool  # somebody who is known shares a name or a contact: for the coordinator to look at
    version: int


class ReferralsShown(Shown):
    """One's own; for the coordinator also what waits for a triage, and what is under way."""

    mine: list[MineShown]
    received: list[ReceivedShown]
    under_way: list[ReceivedShown]


class LinkShown(Shown):
    """A link for one outside professional. `address` is answered once, by the request that makes it."""

    id: UUID
    address: str


class FunnelShown(Shown, Funnel):
    """How many people stand where, and the median of the days that they waited; null where no one got so far."""


@router.get("/referrals")
@asks(Action.REFER)
def get_referrals(context: InContext) -> ReferralsShown:
    """One's own referrals; for the coordinator what came, the longest waiting first."""
    asker = to_program(context.asker)
    require(Action.REFER, asker)
    received: list[Arrived] = []
    under_way: list[Arrived] = []
    if allows(Action.TRIAGE, asker) is not None:
        received, under_way = came(context, who_barred(context.session, context.asker.person_id))
    rows = [*received, *under_way]
    alike = duplicates.alike(context.session, [row.participant_id for row in rows], reader=context.asker.person_id)

    def of(rows: list[Arrived]) -> list[ReceivedShown]:
        known = (replace(row, perhaps_known=row.participant_id in alike) for row in rows)
        return ReceivedShown.each(known)

    return ReferralsShown(
        mine=MineShown.each(reading.mine(context.session, context.asker.person_id)),
        received=of(received),
        under_way=of(under_way),
    )


@router.post("/referrals", status_code=201)
@asks(Action.REFER)
def begin(body: ReferralGiven, context: InContext, once: AtOnce, response: Response) -> SavedReferralShown:
    """Save the first words of a referral as a draft of one's own."""
    if (before := once.again(body)) is not None:
        return before  # type: ignore[return-value]  # an answer given again, as it stands
    by = require(Action.REFER, to_program(context.asker))
    referral_id = referring.begin_referral(context.session, body.form(), by=by, at=context.at)
    once.done(response, 201, f"/api/v1/referrals/{referral_id}")
    return _draft(context, referral_id, by, response)


@router.get("/referrals/funnel")
@asks(Action.TRIAGE)
def get_funnel(context: InContext) -> FunnelShown:
    """How many who were referred in the last year stand where, and how long they waited: for the coordination alone.

    No such count leaves the program: what leaves is the year's statement, in which none says less than five people.
    """
    require(Action.TRIAGE, to_program(context.asker))
    return FunnelShown.model_validate(reading.funnel(context.session, since=context.at - reading.LOOKS_BACK))


@router.get("/referrals/{referral_id}")
@asks(Action.KEEP_DRAFT)
def get_draft(referral_id: UUID, context: InContext, response: Response) -> DraftWhole:
    """One's own draft, to go on with. Once it is sent, its author reads it no more."""
    by = drafter(context.session, context.asker, referral_id)
    form, version = referring.draft_of(context.session, referral_id, by=by, at=context.at)
    response.headers["ETag"] = etag(version)
    said = values_of(form, ReferralForm)
    return DraftWhole.model_validate({**said, "id": referral_id, "state": "draft", "version": version})


@router.put("/referrals/{referral_id}")
@asks(Action.KEEP_DRAFT)
def save(
    referral_id: UUID, body: ReferralGiven, context: InContext, response: Response, if_match: IfMatch = ""
) -> SavedReferralShown:
    """Save one's draft as it stands."""
    by = drafter(context.session, context.asker, referral_id)
    referring.save_referral(
        context.session, referral_id, body.form(), by=by, at=context.at, seen=seen_version(if_match)
    )
    return _draft(context, referral_id, by, response)


@router.post("/referrals/{referral_id}/sending")
@asks(Action.KEEP_DRAFT)
def send(referral_id: UUID, body: ReferralGiven, context: InContext, if_match: IfMatch = "") -> SavedReferralShown:
    """Send one's draft to the coordinator. The answer is the same, known person or not."""
    by = drafter(context.session, context.asker, referral_id)
    version = referring.version_of_draft(context.session, referral_id, by=by)
    referring.send_referral(
        context.session, referral_id, body.form(), by=by, at=context.at, seen=seen_version(if_match)
    )
    return SavedReferralShown(id=referral_id, state="received", version=version + 2)


@router.delete("/referrals/{referral_id}", status_code=204)
@asks(Action.KEEP_DRAFT)
def abandon(referral_id: UUID, context: InContext) -> None:
    """Throw one's draft away: what was written is destroyed."""
    by = drafter(context.session, context.asker, referral_id)
    referring.abandon_referral(context.session, referral_id, by=by, at=context.at)


@router.post("/referral-links", status_code=201)
@asks(Action.TRIAGE)
def make_link(context: InContext, once: AtOnce, response: Response) -> LinkShown:
    """A link for one outside professional: it refers once, for two weeks, and its address is answered now alone."""
    if (before := once.again(None)) is not None:
        return before  # type: ignore[return-value]  # an answer given again, as it stands
    by = require(Action.TRIAGE, to_program(context.asker))
    link_id, token = links.make_link(context.session, by=by, at=context.at)
    once.done(response, 201, f"/api/v1/referral-links/{link_id}")
    return LinkShown(id=link_id, address=f"{context.installation.base_url}/refer/{token}")


@router.delete("/referral-links/{link_id}", status_code=204)
@asks(Action.TRIAGE)
def end_link(link_id: UUID, context: InContext) -> None:
    """Take back a link that was not used."""
    by = require(Action.TRIAGE, to_program(context.asker))
    referring.end_link(context.session, link_id, by=by, at=context.at)


def _answered(on: On[OwnReferral], _: object) -> MineShown:
    return MineShown.model_validate(sent_referral(on.session, on.context.asker, on.id)[0])


act_resources(router, SENT, _answered)


def _draft(context: RequestContext, referral_id: UUID, by: Actor, response: Response) -> SavedReferralShown:
    version = referring.version_of_draft(context.session, referral_id, by=by)
    response.headers["ETag"] = etag(version)
    return SavedReferralShown(id=referral_id, state="draft", version=version)
