"""The candidates of the demonstration, all made up: one to triage, one before the committee, one to be forgotten."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID

from sqlmodel import Session

from domain.admissions import triage
from domain.kernel import Actor, local_day, only, run
from domain.participants import ReferralForm, destruction, known_as, open_identity, referring, to_triage
from domain.rights import RequestGiven, requests
from domain.roles import DayTenures, standing
from models.referral import Referral


def refer_some(session: Session, *, at: datetime) -> None:
    """Have workers of the demonstration refer people, and the coordinator triage some. Nothing without either role.

    Of one, the worker is asked for what is missing. One is a draft yet. One lives elsewhere, was refused, and asks that
    nothing be kept: that waits for another person. One asks what is held about them.
    """
    today = standing(session, local_day(session, at))
    workers, coordinators = today.holding("youth_worker"), today.holding("coordinator")
    if not (workers and coordinators):
        return
    worker = Actor("youth_worker", workers[0].person_id, workers[0].organization_id)
    coordinator = Actor("coordinator", coordinators[0].person_id, coordinators[0].organization_id)
    day = local_day(session, at)
    waiting = _form("Ondine", "Bruyère", day.replace(day=1) - timedelta(days=16 * 365), "514 555-0161")
    decided = _form("Capucine", "Lierre", day.replace(day=1) - timedelta(days=19 * 365), "438 555-0162")
    thin = _send(session, waiting, worker, at - timedelta(days=1))
    missing = ("area", "AD-C3", "AD-C5")
    triage.ask_referrer(session, thin, missing, by=coordinator, at=at - timedelta(hours=3))
    before = _send(session, decided, worker, at - timedelta(days=5))
    _triage(session, before, coordinator, at - timedelta(days=4))
    elsewhere = _form("Aubépine", "Sorbier", day.replace(day=1) - timedelta(days=17 * 365), "819 555-0163")
    refused = _send(session, elsewhere, worker, at - timedelta(days=16))
    _refuse(session, refused, coordinator, at - timedelta(days=14))
    _ask_to_forget(session, refused, coordinator, at - timedelta(days=12))
    _ask_about_themselves(session, before, today, at - timedelta(days=3))
    referring.begin_referral(session, ReferralForm(given_name="Romarin", reasons="À compléter."), by=worker, at=at)


def _ask_to_forget(session: Session, referral_id: UUID, coordinator: Actor, at: datetime) -> None:
    """The person asks that their file be destroyed, before its last day: another person decides that."""
    why = "La personne demande que rien ne soit conservé."
    destruction.ask(session, _whom(session, referral_id), "person_asks", reason=why, by=coordinator, at=at)


def _ask_about_themselves(session: Session, referral_id: UUID, today: DayTenures, at: datetime) -> None:
    """The person asks the privacy officer for what is held about them."""
    for held in today.holding("privacy_officer")[:1]:
        officer = Actor("privacy_officer", held.person_id, held.organization_id)
        day, called = local_day(session, at), known_as(session, _whom(session, referral_id))
        given = RequestGiven("access", day, "self", "card_shown", day, "fr", file=called)
        requests.receive(session, given, by=officer, at=at)


def _whom(session: Session, referral_id: UUID) -> UUID:
    found: UUID = run(session, only(Referral.participant_id).where(Referral.id == referral_id)).scalar_one()
    return found


def _send(session: Session, form: ReferralForm, worker: Actor, at: datetime) -> UUID:
    referral_id = referring.begin_referral(session, form, by=worker, at=at)
    referring.send_referral(session, referral_id, form, by=worker, at=at)
    return referral_id


def _triage(session: Session, referral_id: UUID, coordinator: Actor, at: datetime) -> None:
    open_identity(session, _whom(session, referral_id), by=coordinator, at=at, ground="role")
    triage.find_age(session, referral_id, by=coordinator, at=at)
    facts = {
        "AD-C0": "La personne le dit elle-même.",
        "AD-C2": "Habite le territoire.",
        "AD-C3": "Parle de sa santé et de ses dettes.",
        "AD-C5": "Elle veut essayer.",
    }
    for criterion, fact in facts.items():
        triage.find_criteria(session, referral_id, {criterion: triage.Finding("met", fact)}, by=coordinator, at=at)
    seen = next(row.version for row in to_triage(session) if row.id == referral_id)
    triage.triage(session, referral_id, "committee", by=coordinator, at=at, seen=seen)


def _refuse(session: Session, referral_id: UUID, coordinator: Actor, at: datetime) -> None:
    fact = "Habite hors du territoire, et n’y vient pas."
    triage.find_criteria(session, referral_id, {"AD-C2": triage.Finding("not_met", fact)}, by=coordinator, at=at)
    triage.triage(
        session,
        referral_id,
        "refused",
        reason="La personne vit et passe son temps dans une autre région, où un service existe.",
        offered="Un appel fait avec elle à l’équipe de sa région, qui l’attend jeudi.",
        offers=("health", "helpline"),
        by=coordinator,
        at=at,
    )


def _form(given_name: str, family_name: str, born: date, phone: str) -> ReferralForm:
    return ReferralForm(
        given_name=given_name,
        family_name=family_name,
        birth_date=born,
        gender="woman",
        phone=phone,
        contact_note="Par message, l’après-midi.",
        languages=("fr",),
        reasons="Demande de l’aide pour sortir d’une situation d’exploitation.",
        facts={"AD-C0": "La personne le dit elle-même."},
    )
