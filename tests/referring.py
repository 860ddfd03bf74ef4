"""Somebody who is referred, and what the verbs make of them: arranged as the program itself would."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from functools import cache
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlmodel import Session

from domain.admissions import triage
from domain.casework.versions import record_protocol
from domain.declarations.protocol import Protocol
from domain.declared.reading import Declared
from domain.participants import referring
from domain.participants.referral_form import ReferralForm
from flows.protocols import PROTOCOLS, read_protocol
from models.base import table_of
from models.referral import Referral
from tests.cast import AT, LOADING, Cast, program_file

#: Born on 4 May 2010: 16 years old on the tests' day. No stone bears such a name, so that a search finds them alone.
ONDINE: Final = ReferralForm(
    given_name="Ondine",
    family_name="Fougère-Lys",
    birth_date=date(2010, 5, 4),
    gender="woman",
    phone="514 555-0144",
    email="ondine@courriel.example",
    address="12, rue des Épinettes",
    contact_note="Pas après 21 h",
    languages=("fr",),
    area="laval",
    setting="Foyer de groupe",
    legal_care="Placement volontaire",
    first_contact="L’intervenante appelle, par son enseignante.",
    reasons="Elle demande de l’aide pour sortir d’une situation d’exploitation.",
    facts={"AD-C0": "Elle le dit elle-même.", "AD-C3": "Elle parle de sa santé."},
)
ROMARIN: Final = replace(
    ONDINE,
    given_name="Romarin",
    family_name="Tilleul",
    birth_date=date(2003, 1, 2),
    gender="other",
    phone="438 555-0188",
    email="romarin@courriel.example",
)


@cache
def admission() -> Declared[Protocol]:
    """The real admission protocol, held against the real program."""
    return read_protocol(PROTOCOLS["admission"].file, program_file().value)


def declare_admission(cast: Cast) -> None:
    """Have the program carry admissions."""
    with cast.session() as session:
        record_protocol(session, admission(), by=LOADING, at=AT)


def refer(cast: Cast, form: ReferralForm = ONDINE, *, by: str = "worker_ccsmtl", at: datetime = AT) -> UUID:
    """A referral that somebody of the program wrote and sent; its id."""
    with cast.session() as session:
        referral_id = referring.begin_referral(session, form, by=cast.actor(by), at=at)
        referring.send_referral(session, referral_id, form, by=cast.actor(by), at=at)
    return referral_id


def participant_of(session: Session, referral_id: UUID) -> UUID:
    """Whom a referral is about."""
    referral = table_of(Referral)
    found: UUID = session.execute(select(referral.c.participant_id).where(referral.c.id == referral_id)).scalar_one()
    return found


def look_at_everything(session: Session, cast: Cast, referral_id: UUID, *, at: datetime = AT) -> None:
    """Each criterion that is asked of everyone is met."""
    by = cast.actor("coordinator")
    triage.find_age(session, referral_id, by=by, at=at)
    for criterion in ("AD-C0", "AD-C2", "AD-C3", "AD-C5"):
        triage.find_criteria(
            session, referral_id, {criterion: triage.Finding("met", "Dit à la rencontre.")}, by=by, at=at
        )


def triaged(cast: Cast, referral_id: UUID, result: str = "committee", *, at: datetime = AT) -> UUID:
    """A referral of which everything is met goes on; returns whom it is about."""
    with cast.session() as session:
        look_at_everything(session, cast, referral_id, at=at)
        triage.triage(session, referral_id, result, reason="Urgent", by=cast.actor("coordinator"), at=at)
        return participant_of(session, referral_id)
