"""Who comes to the program, in its tables: people in each state, referrals, findings, decisions, consents, a bar."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlmodel import Session

from models.agenda import AgendaItem
from models.base import table_of
from models.casework import Case
from models.consent import Consent, ConsentForm, Disclosure, ResearchConsent
from models.destruction import Destruction, KeptUntil
from models.minutes import Decision
from models.participant import (
    Barred,
    CandidateWorker,
    DataKey,
    FirstMeeting,
    NumberSequence,
    Participant,
    RiskAssessment,
)
from models.redaction import WordKey
from models.referral import AdmissionDecision, CriterionFinding, Referral, ReferralLink
from models.research import (
    ResearchGroup,
    ResearchGroupMember,
    StaffResearchConsent,
    Study,
    StudyExport,
    StudyRecipient,
    StudyRow,
)
from models.right import RightsPackage, RightsRequest
from tests.cast import AT, TODAY, Cast

#: What stands where something is sealed. These tests are of the tables: they open nothing.
SEALED = secrets.token_bytes(64)


def arrive(cast: Cast) -> None:
    """Rows of every table of participants, as the verbs write them: those are a layer above these tests."""
    with cast.session() as session:
        here: dict[str, Any] = {"program_id": cast.program_id}
        coordinator, worker = cast.people["coordinator"], cast.people["worker_em"]
        candidate = _person(session, cast, state="assigned", candidate_ref="C-234567")
        admitted = _person(
            session,
            cast,
            state="admitted",
            candidate_ref="C-ABCDEF",
            number="#2026-01",
            admitted_on=TODAY,
            held=True,
            held_by=coordinator,
            held_at=AT,
            retain_until=TODAY + timedelta(days=365),
        )
        _person(
            session,
            cast,
            state="destroyed",
            candidate_ref="C-GHJKLM",
            sealed=None,
            destroyed_at=AT,
            joined_to_id=admitted,
        )
        session.add(NumberSequence(**here, year=2026, last=1))
        referral = Referral(
            reference="C-ABCDE2",
            **here,
            participant_id=candidate,
            referred_by=worker,
            organization_id=cast.organizations["en-marge"],
            way="page",
            state="triaged",
            sealed=SEALED,
            begun_at=AT,
            saved_at=AT,
            received_at=AT,
            triaged_at=AT,
            triaged_by=coordinator,
            result="forwarded",
            task_id=_first(session, cast, "task"),
        )
        link = ReferralLink(
            token_digest=secrets.token_hex(32),
            **here,
            made_by=coordinator,
            made_at=AT,
            expires_at=AT + timedelta(days=7),
            used_at=AT,
        )
        session.add(link)
        session.flush()
        by_link = Referral(
            reference="C-ABCDE3",
            **here,
            participant_id=admitted,
            way="link",
            link_id=link.id,
            state="received",
            sealed=SEALED,
            begun_at=AT,
            saved_at=AT,
            received_at=AT,
        )
        draft = Referral(
            **here,
            reference="C-ABCDE9",
            participant_id=candidate,
            referred_by=worker,
            way="page",
            begun_at=AT,
            saved_at=AT,
        )
        session.add_all([referral, by_link, draft])
        session.flush()
        session.add(
            CriterionFinding(
                **here,
                participant_id=candidate,
                referral_id=referral.id,
                criterion="AD-C3",
                n=1,
                finding="not_met",
                sealed=SEALED,
                on=TODAY,
                found_by=coordinator,
                found_at=AT,
                allowed_by=coordinator,
            )
        )
        session.add(
            Case(
                **here,
                protocol="admission",
                protocol_version_id=_first(session, cast, "protocol_version"),
                subject_kind="participant",
                participant_id=candidate,
                once=True,
                opened_at=AT,
            )
        )
        _decide(session, cast, candidate, referral.id)
        _consent(session, cast, admitted)
        _study(session, cast, admitted)
        session.add(Barred(**here, participant_id=admitted, person_id=worker, recorded_by=coordinator, recorded_at=AT))


def _person(session: Session, cast: Cast, **values: Any) -> UUID:
    participant = Participant(
        **{"program_id": cast.program_id, "id": uuid4(), "sealed": SEALED, "marks": ["a"], **values}
    )
    session.add(participant)
    session.flush()
    session.add(DataKey(program_id=cast.program_id, id=participant.id, participant_id=participant.id, made_at=AT))
    session.flush()
    return participant.id


def _first(session: Session, cast: Cast, name: str) -> UUID:
    table = Participant.metadata.tables[name]
    found: UUID = session.execute(select(table.c.id).where(table.c.program_id == cast.program_id).limit(1)).scalar_one()
    return found


def _decide(session: Session, cast: Cast, candidate: UUID, referral_id: UUID) -> None:
    here: dict[str, Any] = {"program_id": cast.program_id}
    coordinator, worker = cast.people["coordinator"], cast.people["worker_em"]
    item = table_of(AgendaItem)
    decision = table_of(Decision)
    decided = session.execute(
        select(decision.c.id).where(decision.c.program_id == cast.program_id).limit(1)
    ).scalar_one()
    item_id = session.execute(select(item.c.id).where(item.c.program_id == cast.program_id).limit(1)).scalar_one()
    named = CandidateWorker(
        **here,
        participant_id=candidate,
        worker_id=worker,
        organization_id=cast.organizations["en-marge"],
        second_id=coordinator,
        named_at=AT,
    )
    session.add(named)
    session.flush()
    session.add(
        AdmissionDecision(
            **here,
            participant_id=candidate,
            referral_id=referral_id,
            n=1,
            outcome="assign",
            item_id=item_id,
            decision_id=decided,
            candidate_worker_id=named.id,
            sealed=SEALED,
            taken_by=coordinator,
            taken_as="coordinator",
            taken_at=AT,
        )
    )
    session.add(
        FirstMeeting(
            **here,
            participant_id=candidate,
            n=1,
            worker_id=worker,
            second_id=coordinator,
            met_on=TODAY,
            way="in_person",
            outcome="commits",
            recorded_by=worker,
            recorded_at=AT,
        )
    )
    for kind, level in (("admission", "yellow"), ("recruiter", "benefits_exceed")):
        session.add(
            RiskAssessment(
                **here,
                participant_id=candidate,
                kind=kind,
                n=1,
                level=level,
                sealed=SEALED,
                assessed_by=coordinator,
                assessed_as="coordinator",
                assessed_at=AT,
                decision_id=decided,
            )
        )


def _study(session: Session, cast: Cast, participant: UUID) -> None:
    """A study with its key, an export that is asked, one that is made, and somebody in a group."""
    here: dict[str, Any] = {"program_id": cast.program_id}
    coordinator, keeper = cast.people["coordinator"], cast.people["worker_em"]
    month = TODAY.replace(day=1)
    study = Study(
        **here,
        number=1,
        title_fr="Étude",
        title_en="Study",
        purpose_fr="Décrire",
        purpose_en="Describe",
        ethics_body="CER",
        ethics_reference="CER-1",
        ethics_ends_on=TODAY,
        first_month=month,
        last_month=month,
        fields=["age"],
        opened_by=keeper,
        opened_at=AT,
    )
    session.add(study)
    session.flush()
    session.add(WordKey(**here, study_id=study.id, made_at=AT))
    session.add(StudyRecipient(**here, study_id=study.id, person_id=keeper, named_by=keeper, named_at=AT))
    asked: dict[str, Any] = {
        "study_id": study.id,
        "fields": ["age"],
        "first_month": month,
        "last_month": month,
        "ethics_reference": "CER-1",
        "ethics_ends_on": TODAY,
        "smallest_group": 5,
        "rule": 1,
        "asked_by": keeper,
        "asked_as": "research_coordinator",
        "asked_at": AT,
    }
    made = StudyExport(
        **here, **asked, n=1, state="made", settled_by=coordinator, settled_as="x", settled_at=AT, made_at=AT, people=5
    )
    group = ResearchGroup(**here, made_at=AT)
    session.add_all([made, StudyExport(**here, **asked, n=2), group])
    session.flush()
    session.add(ResearchGroupMember(**here, research_group_id=group.id, participant_id=participant))
    session.add(StudyRow(**here, study_export_id=made.id, participant_id=participant, sealed=SEALED))
    session.add(StaffResearchConsent(**here, person_id=keeper, signed_on=TODAY, kept_by=keeper, recorded_at=AT))


def _consent(session: Session, cast: Cast, participant: UUID) -> None:
    here: dict[str, Any] = {"program_id": cast.program_id}
    coordinator = cast.people["coordinator"]
    days: dict[str, Any] = dict.fromkeys(("explained_on", "signed_on", "worker_signed_on"), TODAY)
    form = ConsentForm(
        **here,
        id=uuid4(),
        participant_id=participant,
        way="drawn",
        text_digest="0" * 64,
        sealed=SEALED,
        copy_given_on=TODAY,
        stored_at=AT,
        stored_by=coordinator,
        recorded_by=coordinator,
        recorded_at=AT,
    )
    session.add(form)
    session.flush()
    session.add(
        Consent(
            **here,
            **days,
            participant_id=participant,
            form_id=form.id,
            purpose="sharing",
            organization_id=cast.organizations["spvm"],
            text_key="consent",
            text_version=1,
            text_digest="0" * 64,
            language="fr",
            signed_by="self",
            worker_id=cast.people["worker_em"],
            agreed_until=TODAY + timedelta(days=365),
            ends_on=TODAY + timedelta(days=365),
            recorded_at=AT,
        )
    )
    session.add(
        ResearchConsent(
            **here,
            participant_id=participant,
            signed_on=TODAY,
            kept_by=cast.people.get("research_coordinator", coordinator),
            kept_at=AT,
            recorded_at=AT,
        )
    )
    session.add(
        Disclosure(
            **here,
            participant_id=participant,
            ground="ypa_39_1",
            disclosed_on=TODAY,
            disclosed_by=cast.people["worker_em"],
            sealed=SEALED,
            recorded_by=coordinator,
            recorded_at=AT,
        )
    )
    asked: dict[str, Any] = {
        "participant_id": participant,
        "asked_by": coordinator,
        "asked_as": "coordinator",
        "asked_at": AT,
        "ground": "by_mistake",
        "confirm_from": TODAY + timedelta(days=7),
        "lapses_on": TODAY + timedelta(days=60),
    }
    session.add(Destruction(**here, **asked, sealed=SEALED))
    session.add(Destruction(**here, **asked, state="stopped", stopped_by="hold", ended_by=coordinator, ended_at=AT))
    request: dict[str, Any] = {
        "kind": "access",
        "received_on": TODAY,
        "due_on": TODAY + timedelta(days=20),
        "asked_by": "self",
        "verified_by": "card_shown",
        "verified_on": TODAY,
        "language": "fr",
        "recorded_by": coordinator,
        "recorded_at": AT,
    }
    request_id = uuid4()
    session.add(RightsRequest(**here, **request, id=request_id, number=1, participant_id=participant, masks=SEALED))
    session.add(RightsRequest(**here, **request, number=2))
    session.flush()
    session.add(
        RightsPackage(
            **here,
            request_id=request_id,
            participant_id=participant,
            digest="0" * 64,
            sealed=SEALED,
            kept_until=TODAY + timedelta(days=30),
            made_by=coordinator,
            made_at=AT,
        )
    )
    session.add(
        KeptUntil(
            **here,
            participant_id=participant,
            day=TODAY + timedelta(days=30),
            sealed=SEALED,
            set_by=coordinator,
            set_as="coordinator",
            set_at=AT,
        )
    )
