"""Whom the matrix's places have referred: one to triage, one whom the place's worker is to meet, a draft, a link.

The worker's second is barred from that file, so that the barred one is tried against who is otherwise the same; and
so is a member of the Clinical Committee, against another one who is not.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import insert, select, update

from duties.participants import disclosures, links, referring
from duties.participants.referring import ReferralForm
from models.base import table_of
from models.consent import Consent
from models.participant import Barred, CandidateWorker, Participant
from models.referral import Referral
from tests.cast import AT, TODAY, Cast

_participant = table_of(Participant)
_referral = table_of(Referral)
_named = table_of(CandidateWorker)
_barred = table_of(Barred)
_consent = table_of(Consent)

FORM = ReferralForm(
    given_name="Viorne",
    family_name="Sorbier",
    age=15,
    phone="514 555-0123",
    languages=("fr",),
    reasons="Demande de l’aide.",
)


def candidates_of(
    cast: Cast, worker: str, organization: str, second: UUID | None, *, barred: Sequence[UUID]
) -> dict[str, str]:
    """The ids of one place's people who were referred, arranged by the verbs as far as one stands behind a row."""
    by, author = cast.actor("coordinator"), cast.people[worker]
    with cast.session() as session:
        waiting = referring.begin_referral(session, FORM, by=by, at=AT)
        referring.send_referral(session, waiting, FORM, by=by, at=AT)
        met = referring.begin_referral(session, FORM, by=by, at=AT)
        referring.send_referral(session, met, FORM, by=by, at=AT)
        draft = referring.begin_referral(session, FORM, by=by, at=AT)
        session.execute(update(_referral).where(_referral.c.id == draft).values(referred_by=author))
        participant_id = _of(session, met)
        session.execute(update(_participant).where(_participant.c.id == participant_id).values(state="committed"))
        session.execute(
            insert(_named).values(
                program_id=cast.program_id,
                id=uuid4(),
                participant_id=participant_id,
                worker_id=author,
                organization_id=cast.organizations[organization],
                second_id=second,
                named_at=AT,
                ended_as="",
                version=1,
            )
        )
        for of_file, person in itertools.product((participant_id, _of(session, waiting)), barred):
            session.execute(
                insert(_barred).values(
                    program_id=cast.program_id,
                    id=uuid4(),
                    participant_id=of_file,
                    person_id=person,
                    recorded_by=cast.people["coordinator"],
                    recorded_at=AT,
                )
            )
        days: dict[str, Any] = dict.fromkeys(("explained_on", "signed_on", "worker_signed_on"), TODAY)
        consent = Consent(
            program_id=cast.program_id,
            id=uuid4(),
            participant_id=participant_id,
            purpose="program",
            text_key="consent",
            text_version=1,
            text_digest="0" * 64,
            language="fr",
            signed_by="self",
            worker_id=author,
            recorded_at=AT,
            **days,
        )
        session.execute(insert(_consent).values(consent.model_dump()))
        disclosure = disclosures.disclose(
            session,
            participant_id,
            "court_order",
            to_whom="Le tribunal",
            what="Ce qu’il ordonne",
            disclosed_on=TODAY,
            only_necessary=True,
            by=by,
            at=AT,
        )
        _, token = links.make_link(session, by=by, at=AT)
        unused, _ = links.make_link(session, by=by, at=AT)
    return {
        "participant_id": str(participant_id),
        "participant_id:waiting": str(_with(cast, waiting)),
        "referral_id": str(draft),
        "referral_id:waiting": str(waiting),
        "consent_id": str(consent.id),
        "disclosure_id": str(disclosure),
        "link_id": str(unused),
        "refer_token": token,
        "barred_id": str(barred[0] if barred else cast.people["manager_em"]),
    }


def _of(session: Any, referral_id: UUID) -> UUID:
    found: UUID = session.execute(select(_referral.c.participant_id).where(_referral.c.id == referral_id)).scalar_one()
    return found


def _with(cast: Cast, referral_id: UUID) -> UUID:
    with cast.session() as session:
        return _of(session, referral_id)
