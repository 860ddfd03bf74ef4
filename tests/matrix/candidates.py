"""Whom the matrix's places have referred: one to triage, one whom the place's worker is to meet, a draft, a link.

The worker's second is barred from that file, so that the barred one is tried against who is otherwise the same; and
so is a member of the Clinical Committee, against another one who is not.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import insert, select, update

from domain.accompaniment import risks
from domain.admissions import triage
from domain.kernel import seal_file
from domain.participants import disclosures, links, referring
from domain.participants.referral_form import ReferralForm
from models.base import table_of
from models.consent import Consent, ConsentForm
from models.participant import Barred, CandidateWorker, Participant
from models.referral import Referral
from tests.cast import AT, TODAY, Cast
from tests.signing import drawing

_participant = table_of(Participant)
_referral = table_of(Referral)
_named = table_of(CandidateWorker)
_barred = table_of(Barred)
_consent = table_of(Consent)
_consent_form = table_of(ConsentForm)

#: What a worker wrote of a week, and agreed on for a break; and what was found of each criterion.
NOTE: Final = "Elle dort mieux."
TERMS: Final = "J’appellerai le lundi."
FACT: Final = "Dit à la rencontre."

#: Of nobody else, and in no form that the matrix sends: what of it stands in an answer was read.
FORM: Final = ReferralForm(
    given_name="Oxalis",
    family_name="Pimprenelle",
    age=15,
    phone="438 555-0176",
    email="oxalis@courriel.example",
    address="7, rue des Aulnes",
    contact_note="Jamais par texto",
    languages=("fr",),
    setting="Appartement supervisé",
    legal_care="Garde partagée",
    reasons="Craint de rentrer seule.",
)
TO_WHOM: Final = "Le directeur de la protection"
WHAT: Final = "Son horaire de cours"
WHY: Final = "Rien qui inquiète."

#: Words that say who somebody is, or what was written of them, by what they are read as.
PLANTED: Final[Mapping[str, tuple[str, ...]]] = {
    "identity": ("Oxalis", "Pimprenelle", "555-0176", "oxalis@", "rue des Aulnes", "Jamais par texto"),
    "referral": ("Appartement supervisé", "Garde partagée", "Craint de rentrer"),
    "disclosure": (WHAT,),
    "risk": (WHY,),
    "note": (NOTE,),
    "terms": (TERMS,),
    "fact": (FACT,),
}

#: Where such words are read, and nowhere else: who is answered there stands in `expected.txt`.
READ_AT: Final[Mapping[str, frozenset[str]]] = {
    **dict.fromkeys(
        ("POST /participants/{participant_id}/identity", "POST /api/v1/participants/{participant_id}/identity"),
        frozenset({"identity", "referral", "risk"}),
    ),
    # The same without the name (AD-R2).
    **dict.fromkeys(
        ("POST /participants/{participant_id}/facts", "POST /api/v1/participants/{participant_id}/facts"),
        frozenset({"referral", "risk"}),
    ),
    **dict.fromkeys(
        (
            "POST /participants/{participant_id}/disclosures/{disclosure_id}/reading",
            "POST /api/v1/participants/{participant_id}/disclosures/{disclosure_id}/reading",
        ),
        frozenset({"disclosure"}),
    ),
    **dict.fromkeys(
        ("GET /follow-ups/{follow_up_id}/notes/{week}", "GET /api/v1/follow-ups/{follow_up_id}/notes/{week}"),
        frozenset({"note"}),
    ),
    "GET /follow-ups/{follow_up_id}/break-terms": frozenset({"terms"}),
    # The triage has what was referred beside each criterion, without the name.
    "GET /participants/{participant_id}/triage": frozenset({"referral"}),
    # What a person is given of their own file, by the privacy officer alone.
    "GET /privacy/rights/{rights_request_id}/package": frozenset({"identity", "referral", "fact"}),
    "GET /privacy/rights/{rights_request_id}/package.json": frozenset({"identity", "referral"}),
    "GET /privacy/rights/{rights_request_id}/package.csv": frozenset({"identity", "referral"}),
    # A draft, by its author alone.
    **dict.fromkeys(
        ("GET /referrals/{referral_id}", "GET /api/v1/referrals/{referral_id}"), frozenset({"identity", "referral"})
    ),
}
#: Of these no reading is told: whoever wrote it reads what they wrote.
THEIR_OWN: Final = frozenset({"GET /referrals/{referral_id}", "GET /api/v1/referrals/{referral_id}"})


def read_in(text: str) -> frozenset[str]:
    """As what the planted words are read that stand in an answer."""
    return frozenset(what for what, words in PLANTED.items() if any(word in text for word in words))


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
        asked = referring.begin_referral(session, FORM, by=by, at=AT)
        referring.send_referral(session, asked, FORM, by=by, at=AT)
        session.execute(update(_referral).where(_referral.c.id == asked).values(referred_by=author))
        triage.ask_referrer(session, asked, ["setting"], by=by, at=AT)
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
        form = ConsentForm(
            program_id=cast.program_id,
            id=uuid4(),
            participant_id=participant_id,
            way="drawn",
            text_digest="0" * 64,
            recorded_by=author,
            recorded_at=AT,
        )
        form.sealed = seal_file(session, participant_id, f"consent_form/{form.id}", drawing())
        session.execute(insert(_consent_form).values(form.model_dump()))
        consent = Consent(
            program_id=cast.program_id,
            id=uuid4(),
            participant_id=participant_id,
            form_id=form.id,
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
            to_whom=TO_WHOM,
            what=WHAT,
            disclosed_on=TODAY,
            only_necessary=True,
            by=by,
            at=AT,
        )
        risks.assess(session, participant_id, "admission", "green", why={"why": WHY}, by=by, at=AT)
        _, token = links.make_link(session, by=by, at=AT)
        unused, _ = links.make_link(session, by=by, at=AT)
    return {
        "participant_id": str(participant_id),
        "participant_id:waiting": str(_with(cast, waiting)),
        "referral_id": str(draft),
        "referral_id:waiting": str(waiting),
        "referral_id:asked_for_more": str(asked),
        "consent_id": str(consent.id),
        "form_id": str(form.id),
        "signer_id": str(author),
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
