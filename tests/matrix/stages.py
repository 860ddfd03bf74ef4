"""Things of each place in the stages in which an act goes through: a committee that sits, a departure, an incident.

What `world` makes stands mostly where a rule says "not now". By these each change is seen to be made by somebody, and
to leave its line of the record.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import insert, select, update
from sqlmodel import Session

from domain.accompaniment import workers
from domain.admissions import duplicates, triage
from domain.casework import BY_ITS_ACT, asking, assigning, cases
from domain.departure import departures, hand_overs, offers
from domain.follow_ups import Issue, issues
from domain.kernel.actors import Actor
from domain.kernel.refusals import Refusal
from domain.kernel.scope import program_of
from domain.participants import destruction, destruction_requests, holds, research
from domain.participants.locking import known_as
from domain.participants.referral_form import ReferralForm
from domain.participants.referring import begin_referral, send_referral
from domain.people.people import appoint
from domain.record import incidents
from domain.record.incident_entries import IncidentEntry
from domain.research import REMOVE_ROWS, EthicsApproval, StudyDescription, staff_consents, studies
from domain.research.grouping import RULE
from domain.rights import RequestGiven, done_first, packages, requests
from domain.rights.requests import Answered
from domain.roles import Link
from domain.roles.roles import standing
from meetings import agenda_requests, agendas, discussing, freezing, minutes, running, schedule
from meetings.agenda_items import item_of
from meetings.committees import committee_of
from meetings.discussing import Said
from models.access import Passkey
from models.base import table_of
from models.casework import Case, Task
from models.follow_up import Assignment
from models.meeting import Meeting
from models.minutes import Attendance
from models.participant import Participant
from models.referral import Referral
from models.research import StudyExport
from models.right import RightsRequest
from tests.cast import AT, TODAY, Cast
from tests.departing import lend
from tests.following import followed, row_of
from tests.referring import look_at_everything, participant_of

_case, _task = table_of(Case), table_of(Task)
_meeting, _attendance = table_of(Meeting), table_of(Attendance)
_participant, _referral, _passkey = table_of(Participant), table_of(Referral), table_of(Passkey)

BEFORE = AT - timedelta(days=20)


def put_before_the_committee(session: Session, follow_up_id: UUID, meeting_id: UUID, *, by: Actor) -> None:
    """A case of which something is raised; where the Clinical Committee sits, it spoke of it, and it comes back."""
    issues.raise_issue(session, follow_up_id, Issue("Un enjeu à soulever."), by=by, at=AT)
    with suppress(Refusal):  # another committee sits
        discussing.discuss(session, meeting_id, follow_up_id, "comes_back", Said("Entendu."), by=by, at=AT)


def sittings(session: Session, committee: str, *, by: Actor) -> dict[str, str]:
    """A meeting that sits today, one whose day has come and that nobody opened, and one whose minutes went out."""
    sits, item_id = _with_agenda(session, committee, days_ago=0, by=by)
    running.open_meeting(session, sits, by=by, at=AT)
    # Opened, and nothing was recorded in it: it can be put back.
    begun, _ = _with_agenda(session, committee, days_ago=3, by=by)
    running.open_meeting(session, begun, by=by, at=AT - timedelta(days=3))
    unopened, _ = _with_agenda(session, committee, days_ago=6, by=by)
    told, treated = _with_agenda(session, committee, days_ago=12, by=by)
    during = AT - timedelta(days=12)
    running.open_meeting(session, told, by=by, at=during)
    running.treat(session, treated, "treated", by=by, at=during)
    running.close_meeting(session, told, carry_rest=True, by=by, at=during)
    minutes.circulate(session, told, by=by, at=AT - timedelta(days=10))
    seat = session.execute(
        select(_attendance.c.seat_id).where(
            _attendance.c.program_id == program_of(session), _attendance.c.meeting_id == sits
        )
    ).scalars()
    return {
        "meeting_id:sits": str(sits),
        "version_of_sitting": _version(session, _meeting, sits),
        "item_id:sits": str(item_id),
        "meeting_id:begun": str(begun),
        "version_of_begun": _version(session, _meeting, begun),
        "version_of_item_on_it": str(item_of(session, item_id).version),
        "sitting_seat_id": str(next(iter(seat))),
        "meeting_id:unopened": str(unopened),
        "version_of_unopened": _version(session, _meeting, unopened),
        "meeting_id:told": str(told),
    }


def _with_agenda(session: Session, committee: str, *, days_ago: int, by: Actor) -> tuple[UUID, UUID]:
    """A meeting so many days ago with one item on its agenda, frozen; both ids."""
    starts = datetime.combine(TODAY - timedelta(days=days_ago), time(8, 30))
    return agenda_of(session, committee, starts, title_fr="Un suivi", title_en="A matter", by=by, at=BEFORE)


def agenda_of(
    session: Session, committee: str, starts: datetime, *, title_fr: str, title_en: str, by: Actor, at: datetime
) -> tuple[UUID, UUID]:
    """Plan a meeting for a local moment and freeze an agenda of one item for it; the ids of both."""
    schedule.plan_meetings(session, committee, [starts], by=by, at=at)
    meeting_id: UUID = session.scalars(
        select(_meeting.c.id).where(
            _meeting.c.program_id == program_of(session),
            _meeting.c.committee_id == committee_of(session, committee).id,
            _meeting.c.starts == starts,
        )
    ).one()
    item_id = agenda_requests.request(session, committee, title_fr=title_fr, title_en=title_en, by=by, at=at)
    agendas.put_on(session, item_id, meeting_id, by=by, at=at)
    freezing.freeze(session, meeting_id, by=by, at=at)
    return meeting_id, item_id


def recruitings(session: Session, organization_id: UUID, to_reopen: UUID, *, by: Actor) -> dict[str, str]:
    """A recruiting of the organization that is under way, and an onboarding that was called off."""
    found = cases.open_case(session, "recruiting", organization_id=organization_id, by=by, at=AT)
    off = cases.open_case(session, "onboarding", subject_id=to_reopen, organization_id=organization_id, by=by, at=AT)
    cases.cancel_case(session, off, by=by, at=AT, reason="Le poste est pourvu.")
    return {
        "case_id:recruiting": str(found),
        "case_id:off": str(off),
        "version_of_off_case": _version(session, _case, off),
    }


def departure_of(
    session: Session, leaver: UUID, organization_id: UUID, to: UUID, number: str, *, cast: Cast
) -> dict[str, str]:
    """Somebody of the organization leaves who has a telephone in hand and follows two: one is offered to `to`.

    The other one is in the research.
    """
    by = cast.actor("coordinator")
    lend(session, leaver, f"S-{number}")
    follow_ups = [followed(session, cast, number + turn, worker=None) for turn in ("", "9")]
    for follow_up_id in follow_ups:
        session.add(
            Assignment(
                program_id=cast.program_id,
                follow_up_id=follow_up_id,
                person_id=leaver,
                organization_id=organization_id,
                kind="primary",
                starts_on=TODAY,
                assigned_at=AT,
                assigned_as="coordinator",
            )
        )
    session.flush()
    case_id = departures.open_departure(
        session,
        person_id=leaver,
        organization_id=organization_id,
        last_day=TODAY + timedelta(days=21),
        planned=True,
        by=by,
        at=AT,
    )
    ids = {
        kind: session.scalars(
            select(_task.c.id)
            .where(
                _task.c.program_id == program_of(session),
                _task.c.case_id == case_id,
                _task.c.holding == kind,
                _task.c.step == step,
            )
            .order_by(_task.c.title_en)
        ).all()
        for kind, step in (("follow_up", "hand_over_follow_ups"), ("equipment", "return_equipment"))
    }
    handed_over = ids["follow_up"][0]
    hand_overs.propose(session, handed_over, to, by=by, at=AT)
    offer = next(one for one in offers.offered_to(session, to) if one.task_id == handed_over)
    consenting = row_of(session, follow_ups[1])["participant_id"]
    research.keep_research_consent(session, consenting, TODAY, by=by, at=AT)
    return {
        "participant_id:in_research": str(consenting),
        "case_id:departure": str(case_id),
        "hand_over_id:offered": str(offer.id),
        "task_id:equipment": str(ids["equipment"][0]),
        "version_of_task:equipment": _version(session, _task, ids["equipment"][0]),
    }


def study_of(session: Session, cast: Cast, worker: UUID) -> dict[str, str]:
    """A study with its recipient and an export that waits for its answer, and a worker who consented to take part."""
    keeper, receiver = cast.people.get("research_coordinator"), cast.people.get("researcher")
    asks = keeper or cast.people["coordinator"]
    by = Actor("research_coordinator", asks)
    said = StudyDescription(
        title_fr="Étude",
        title_en="Study",
        purpose_fr="Décrire.",
        purpose_en="Describe.",
        ethics=EthicsApproval("CER", "CER-1", TODAY + timedelta(days=300)),
        first_month=TODAY - timedelta(days=90),
        last_month=TODAY + timedelta(days=300),
        fields=["age"],
    )
    study_id, export_id = studies.open_study(session, said, by=by, at=AT), uuid4()
    if receiver is not None:
        studies.name_recipient(session, study_id, receiver, by=by, at=AT)
    month = (TODAY - timedelta(days=60)).replace(day=1)
    asked = StudyExport(
        program_id=cast.program_id,
        id=export_id,
        study_id=study_id,
        n=1,
        fields=["age"],
        first_month=month,
        last_month=month,
        ethics_reference=said.ethics.reference,
        ethics_ends_on=said.ethics.ends_on,
        recipients=[str(receiver)] if receiver else [],
        smallest_group=5,
        rule=RULE,
        asked_by=asks,
        asked_as=by.role,
        asked_at=AT,
    )
    session.add(asked)
    asked_to_remove = receiver or cast.people["coordinator"]
    removal_id = assigning.assign(
        session,
        REMOVE_ROWS,
        str(study_id),
        title_fr="Retirer",
        title_en="Remove",
        chain=[Link("researcher", person=asked_to_remove, alone=True), Link("research_coordinator")],
        due_on=TODAY + timedelta(days=14),
        by=by,
        at=AT,
        evidence=BY_ITS_ACT,
    )
    if staff_consents.consent_of(session, worker) is None:
        staff_consents.keep(session, worker, TODAY, by=by, at=AT)
    return {
        "study_id": str(study_id),
        "version_of_study": "1",
        "export_id": str(export_id),
        "removal_id": str(removal_id),
        "version_of_export": "1",
        "person_id:receives": str(receiver or cast.people["coordinator"]),
        "person_id:consented": str(worker),
    }


def incidents_of(session: Session, organization_id: UUID, *, by: Actor) -> dict[str, str]:
    """An incident of which nothing is left to do but to close it, and one that is closed."""
    made = {}
    for stage in ("assessed", "closed"):
        entry = IncidentEntry(
            organization_id, "Notes de travail", "Un envoi à la mauvaise adresse.", TODAY, measures="Rappelé."
        )
        found = incidents.enter(session, entry, by=by, at=AT)
        incidents.assess(session, found, serious_risk=False, reasons="Illisible.", seen=None, by=by, at=AT)
        if stage == "closed":
            incidents.close(session, found, seen=None, by=by, at=AT)
        made[f"incident_id:{stage}"] = str(found)
    return made | {"version_of_assessed": "2", "version_of_closed": "3"}


def asked_about_themselves(session: Session, cast: Cast, participant_id: UUID, worker_id: UUID) -> dict[str, str]:
    """What somebody asks about their own data: looked at, made, to be corrected, to keep a worker away, refused."""
    by, made = cast.actor("coordinator"), dict[str, str]()
    given = RequestGiven("access", TODAY, "self", "card_shown", TODAY, "fr", file=known_as(session, participant_id))
    handed, kinds = Answered(TODAY, "in_person", "Exact."), {"refused": "correction", "correct": "correction"}
    for stage in ("looked_at", "made", "refused", "correct", "restrict"):
        kind = kinds.get(stage) or {"looked_at": "access", "made": "portability"}.get(stage, "restriction")
        asked = replace(given, kind=kind, asked="Ma date de naissance est fausse.")
        if kind == "restriction":
            asked = replace(asked, person_id=worker_id)
        found = requests.receive(session, asked, by=by, at=AT)
        if stage in ("looked_at", "made"):
            packages.mask(session, found, ["Romarin"], seen=None, by=by, at=AT)
        if stage == "made":
            seen = packages.prepare(session, found, by=by, at=AT).digest
            packages.make(session, found, seen, seen=None, by=by, at=AT)
        if stage == "refused":
            done_first.refuse(session, found, "accurate", handed, in_part=False, seen=None, by=by, at=AT)
        if stage == "correct":
            # Accepted, and as it was before: what is to be corrected is read, and it can still be accepted.
            done_first.accept_correction(session, found, seen=None, by=by, at=AT)
            before = update(table_of(RightsRequest)).where(table_of(RightsRequest).c.id == found)
            session.execute(before.values(state="received", version=1))
            (task,) = asking.open_ones(session, done_first.CORRECT, found)
            made |= {"task_id:to_correct": str(task.id), "version_of_task:to_correct": "1"}
        made[f"rights_request_id:{stage}"] = str(found)
    # Looked at once all of it is asked: what somebody asked is in their package too.
    looked_at = packages.prepare(session, UUID(made["rights_request_id:looked_at"]), by=by, at=AT)
    return made | {"digest_of:looked_at": looked_at.digest}


def another_passkey(session: Session, person_id: UUID) -> None:
    """So that one may be removed: the last one stays."""
    made = uuid4()
    session.execute(
        insert(_passkey).values(
            credential_id=made.hex,
            program_id=program_of(session),
            person_id=person_id,
            id=made,
            public_key=b"made up too",
            enrolled_at=AT,
        )
    )


def referred(session: Session, cast: Cast, form: ReferralForm, *, worker_id: UUID) -> dict[str, str]:
    """Others who were referred.

    One who was refused, and whose file has had its time; one whose file was destroyed after it, and one of whom that
    is asked; one whose file is held; one whose referral goes to the committee, and one who was forwarded to a worker;
    and a referral of somebody who was known.
    """
    by = cast.actor("coordinator")
    made = {}
    for stage in ("refused", "destroyed", "asked", "held", "triaged", "given"):
        referral_id = begin_referral(session, form, by=by, at=AT)
        send_referral(session, referral_id, form, by=by, at=AT)
        found = participant_of(session, referral_id)
        if stage == "held":
            holds.place_hold(session, found, reason="Un juge", by=by, at=AT)
        else:
            look_at_everything(session, cast, referral_id)
            result = {"triaged": "committee", "given": "forwarded"}.get(stage, "refused")
            triage.triage(session, referral_id, result, reason="Urgent", offered="Autre", by=by, at=AT)
        if stage == "given":
            workers.forward(session, found, worker_id, by=by, at=AT)
        made[f"participant_id:{stage}"] = str(found)
        made[f"referral_id:{stage}"] = str(referral_id)
    joined = begin_referral(session, form, by=by, at=AT)
    send_referral(session, joined, form, by=by, at=AT)
    known = UUID(made["participant_id:triaged"])
    duplicates.join_referral(session, joined, known, reason="La même", by=by, at=AT)
    made["referral_id:joined"] = str(joined)
    # Some time ago, as the calendar of retention has it: no verb sets a day that is past.
    over = [UUID(made[f"participant_id:{stage}"]) for stage in ("refused", "destroyed", "asked")]
    session.execute(
        update(_participant).where(_participant.c.id.in_(over)).values(retain_until=TODAY - timedelta(days=20))
    )
    for file in over[1:]:
        destruction.ask(session, file, destruction.BY_CALENDAR, by=by, at=AT - timedelta(days=10))
    destruction.confirm(session, over[1], by=_privacy_officer(session, cast), at=AT)
    asked = destruction_requests.asked_of(session, over[2])
    assert asked is not None, "it was just asked"
    made["destruction_id:asked"] = str(asked.id)
    return made | asked_about_themselves(session, cast, UUID(made["participant_id:triaged"]), worker_id)


def _privacy_officer(session: Session, cast: Cast) -> Actor:
    """Who answers for privacy; of the other program, which has nobody, its manager is appointed to it."""
    if "privacy_officer" in cast.people:
        return cast.actor("privacy_officer")
    person_id, host = cast.people["manager_em"], cast.organizations["ccsmtl"]
    if not standing(session, TODAY).holding("privacy_officer"):
        by, role = cast.actor("coordinator"), "privacy_officer"
        appoint(session, person_id=person_id, role=role, organization_id=host, starts_on=TODAY, by=by, at=AT)
    return Actor("privacy_officer", person_id, host)


def _version(session: Session, table: Any, row_id: UUID) -> str:
    found = session.execute(
        select(table.c.version).where(table.c.program_id == program_of(session), table.c.id == row_id)
    ).scalar_one()
    return str(found)


def versions_of(session: Session, things: Mapping[str, str]) -> dict[str, str]:
    """The versions of the files of those who were referred, as they stand once everything is arranged."""
    return {
        **{
            f"version_of_{name}": _version(session, _participant, UUID(things[thing]))
            for name, thing in (("file", "participant_id"), ("given_file", "participant_id:given"))
        },
        **{
            f"version_of_{name}": _version(session, _referral, UUID(things[f"referral_id:{name}"]))
            for name in ("triaged", "waiting")
        },
        "version_of_made": _version(session, table_of(RightsRequest), UUID(things["rights_request_id:made"])),
    }
