"""The world of the matrix: cases at four organizations in two programs, with everything that a path can name."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import insert, select, update
from sqlmodel import Session

from domain.access import doors, sign_ins
from domain.accompaniment import breaks, states
from domain.admissions import numbers
from domain.agreements import agreements, signed_files
from domain.agreements.succession import renew
from domain.casework import tasks
from domain.casework.proofs import GivenProof
from domain.departure.hiring import NAMES_THEM
from domain.equipment import inventory
from domain.follow_ups import contacts, summaries
from domain.follow_ups.week_row import Week
from domain.kernel.actors import Actor
from domain.kernel.scope import program_of
from domain.kernel.sealing import seal
from domain.obligations import attestations
from domain.obligations.projection import keep
from domain.people.absences import record_absence
from domain.people.people import add_person, appoint, end_tenure
from domain.record import incidents
from domain.record.incident_entries import IncidentEntry
from domain.rights import RequestGiven, requests
from meetings import (
    agenda_requests,
    agendas,
    assembling,
    deciding,
    feeds,
    freezing,
    links,
    redacting,
    running,
    schedule,
    waivers,
)
from meetings.agenda_items import item_of, items_of
from meetings.committees import committee_of, membership
from models.access import BrowserSession, Passkey
from models.agreement import Agreement, AgreementVersion
from models.base import table_of
from models.casework import Case, Evidence, Task
from models.committee import Committee, Seat, SeatHolder
from models.departure import FollowUpSummary, HandOver, Interview
from models.follow_up import Assignment, NoteImport
from models.invitation import CalendarFeed, Invitation, StrayReply
from models.meeting import DraftedYear, Meeting
from models.minutes import Decision
from models.obligation import ObligationPeriod
from models.outbox import Notice
from models.program import Absence, Person, Tenure
from tests.agreeing import PDF
from tests.casework import carry, complete, open_onboarding, step
from tests.cast import AT, SINCE, TODAY, Cast
from tests.conftest import Database
from tests.declared import record
from tests.following import bar, followed, plan, row_of
from tests.matrix import stages
from tests.matrix.candidates import FORM, NOTE, TERMS, candidates_of
from tests.matters import left
from tests.noting import write_note
from tests.tending import hold_up

#: What a path or a body names. All but `elsewhere` are of the askers' own program, whose people they mostly are not.
CODIM: Final = "codim"
ANONYME: Final = "anonyme"
CCSMTL: Final = "ccsmtl"
ELSEWHERE: Final = "elsewhere"
"""The thing is there, in the other program."""
ABSENT: Final = "absent"
"""There is no such thing, and never was."""

PLACES: Final = (CODIM, ANONYME, CCSMTL, ELSEWHERE, ABSENT)

#: Where there are things.
PEOPLED: Final = (CODIM, ANONYME, CCSMTL, ELSEWHERE)

#: Each case's subject, at whose organization, and the manager there.
_SUBJECTS: Final[Mapping[str, tuple[str, str]]] = {
    CODIM: ("worker_codim", "manager_codim"),
    ANONYME: ("without_mail", "manager_la"),
    CCSMTL: ("worker_ccsmtl", "manager_ccsmtl"),
    ELSEWHERE: ("worker_em", "manager_em"),
}
#: Which committee's meeting is each place's, and whom of its organization it invites.
_MEETINGS: Final[Mapping[str, tuple[str, str]]] = {
    CODIM: ("clinical", "worker_codim"),
    ANONYME: ("steering", "manager_la"),
    CCSMTL: ("joint", "manager_ccsmtl"),
    ELSEWHERE: ("clinical", "manager_em"),
}
_ORGANIZATIONS: Final[Mapping[str, str]] = {CODIM: "codim", ANONYME: "anonyme", CCSMTL: "ccsmtl", ELSEWHERE: "en-marge"}
_DIRECTORS: Final[Mapping[str, str]] = {CODIM: "director_codim", ANONYME: "director_la", CCSMTL: "director_ccsmtl"}

#: The steps that stand in the states that the doors of a task ask for, by the word that `asked.py` uses.
STEPS: Final[Mapping[str, str]] = {
    "open": "confirm_notebook_and_guide",  # the worker's to do, and their manager's behind them
    "submitted": "request_secure_access",  # the coordinator asked; the worker's manager approves
    "done": "welcome_in_organization",  # done by the manager, or by who acts for them, with a document
    "waivable": "request_petty_cash",  # which the coordinator may waive
    "handed_back": "provide_own_cards",  # by the administrative officer
}

#: The Wednesday on which the first meeting of each place is; nobody of it is away then.
MEETS_ON: Final = date(2027, 1, 13)

_AWAY: Final = TODAY + timedelta(days=40)

_sign_in = table_of(BrowserSession)
_passkey = table_of(Passkey)
_person = table_of(Person)
_decision = table_of(Decision)
_part = table_of(Assignment)
_tenure = table_of(Tenure)
_absence = table_of(Absence)
_task = table_of(Task)
_case = table_of(Case)
_evidence = table_of(Evidence)
_notice = table_of(Notice)
_agreement = table_of(Agreement)
_version = table_of(AgreementVersion)
_period = table_of(ObligationPeriod)
_committee = table_of(Committee)
_seat = table_of(Seat)
_holder = table_of(SeatHolder)
_meeting = table_of(Meeting)
_invitation = table_of(Invitation)
_feed = table_of(CalendarFeed)
_draft = table_of(DraftedYear)


@dataclass(frozen=True)
class World:
    """The people, and for each place the ids of its things: by the name that a path has for them, or a body."""

    cast: Cast
    people: Mapping[str, UUID]
    things: Mapping[str, Mapping[str, str]]

    def on(self, database: Database) -> World:
        """The same world in a copy of its database."""
        return replace(self, cast=self.cast.on(database))


def build(cast: Cast) -> World:
    """Open the cases, carry each on by the verbs until its steps stand in every state, and give everyone their part."""
    people = dict(cast.people)
    for one in (cast, cast.other):
        record(one, "departure", "recruiting")
        with one.session() as session:
            # The numbers of those who are followed here are written past the count.
            numbers.take_over(session, TODAY.year, 900, by=one.actor("coordinator"), at=AT)
    _away(cast, "manager_la", deputy="second_deputy", first=TODAY, last=TODAY + timedelta(days=10))
    people["colleague"] = _join(cast, "Onyx", "Agate", "codim", ends_on=None)
    people["departed"] = _join(cast, "Jaspe", "Olivine", "codim", ends_on=TODAY - timedelta(days=3))
    people["barred"] = _join(cast, "Galet", "Sardoine", "en-marge", ends_on=None)
    _seat_for(cast, people["specialist"], "clinical", "marie-vincent")
    _seat_for(cast, people["barred"], "clinical", "en-marge")
    for place, (committee, name) in _MEETINGS.items():
        whose = cast.other if place == ELSEWHERE else cast
        # The Joint Committee has no seats of its own: who sits on the two others sits there.
        own = "steering" if committee == "joint" else committee
        _seat_for(whose, whose.people[name], own, _ORGANIZATIONS[place])
    things = {place: _case_of(cast.other if place == ELSEWHERE else cast, place, people) for place in PEOPLED}
    seconds = {CODIM: people["colleague"], ANONYME: people["second_deputy"]}
    for place in PEOPLED:
        whose = cast.other if place == ELSEWHERE else cast
        barred = [one for one in (seconds.get(place), people["barred"]) if one is not None and place != ELSEWHERE]
        things[place] |= candidates_of(
            whose, _SUBJECTS[place][0], _ORGANIZATIONS[place], seconds.get(place), barred=barred
        )
        things[place] |= _stages_of(whose, place, things[place], people["colleague"])
        things[place] |= _lent_and_ended(whose, place)
    things[ABSENT] = {name: str(uuid4()) for name in things[CODIM]} | {
        name: words
        for name, words in things[CODIM].items()
        # What is no id, or says a version: as it would be sent to something that is there.
        if name.startswith("version_of_") or name in ("key", "anchor", "week")
    }
    things[ABSENT]["worker"] = things[ABSENT]["newcomer"] = f"{uuid4()}/{uuid4()}"
    things[ABSENT]["role_and_place"] = f"youth_worker:{uuid4()}"
    things[ABSENT]["digest_of:looked_at"] = "0" * 64
    things[ABSENT]["key"] = "no-such-protocol"
    things[ABSENT]["token"] = "no-such-door"
    things[ABSENT]["answer_token"] = things[ABSENT]["feed_token"] = things[ABSENT]["refer_token"] = "no-such-link"
    things[ABSENT]["committee_key"] = "no-such-committee"
    return World(cast, people, things)


def _case_of(cast: Cast, place: str, people: Mapping[str, UUID]) -> dict[str, str]:
    """The ids of one organization's things, its case carried on by the verbs."""
    worker, manager = _SUBJECTS[place]
    organization = cast.organizations[_ORGANIZATIONS[place]]
    case_id = open_onboarding(cast, worker, _ORGANIZATIONS[place])
    complete(cast, case_id, "request_secure_access")
    _welcome(cast, case_id, manager)
    complete(cast, case_id, "prepare_notebook_and_guide")
    complete(cast, case_id, "hand_over_notebook_and_guide")
    if place != ELSEWHERE:
        with cast.session() as session:
            cards = step(session, case_id, STEPS["handed_back"])["id"]
            tasks.hand_back_task(session, cards, by=cast.actor("officer"), at=AT, reason="Plus en stock.")
    carry(cast, case_id)
    _away(cast, worker, deputy=None, first=_AWAY, last=_AWAY + timedelta(days=4))
    with cast.session() as session:
        here = program_of(session)
        letter = session.scalar(
            update(_notice)
            .where(_notice.c.id == select(_notice.c.id).where(_notice.c.case_id == case_id).limit(1).scalar_subquery())
            .values(state="failed", next_attempt_at=None, code="550", attempts=5)
            .returning(_notice.c.id)
        )
        held = session.scalar(
            select(_tenure.c.id).where(_tenure.c.program_id == here, _tenure.c.person_id == cast.people[worker])
        )
        away = session.scalar(
            select(_absence.c.id).where(_absence.c.program_id == here, _absence.c.person_id == cast.people[worker])
        )
        document = session.scalar(
            select(_evidence.c.id)
            .join(_task, _task.c.id == _evidence.c.task_id)
            .where(_evidence.c.program_id == here, _task.c.case_id == case_id, _evidence.c.kind == "document")
        )
        agreement = session.scalar(
            select(_agreement.c.id).where(_agreement.c.program_id == here, _agreement.c.organization_id == organization)
        )
        found = {word: step(session, case_id, name) for word, name in STEPS.items()}
        case = session.execute(
            select(_case.c.version, _case.c.protocol_version_id).where(
                _case.c.program_id == here, _case.c.id == case_id
            )
        ).one()
        person = session.scalar(
            select(_person.c.version).where(_person.c.program_id == here, _person.c.id == cast.people[worker])
        )
        incident = incidents.enter(
            session,
            IncidentEntry(
                organization, "Notes de travail", "Un portable oublié dans un train.", TODAY, measures="Effacé."
            ),
            by=cast.actor("coordinator"),  # whoever they are: the table is asked at the windows
            at=AT,
        )
        rights = RequestGiven("complaint", TODAY, "self", "card_shown", TODAY, "fr")
        asked_about = requests.receive(session, rights, by=cast.actor("coordinator"), at=AT)
        asking = Actor("privacy_officer", cast.people[worker])  # none of those who answer it
        redaction = redacting.ask(session, "incident", incident, ["train"], by=asking, at=AT)
        matter_id = left(session, "other", "seat.ended", uuid4(), PLACES.index(place) + 1, subject_kind="seat").id
        token = doors.make(session, doors.INVITATION, cast.people[worker], by=cast.actor("coordinator"), at=AT)
        sign_ins.begin(session, cast.people[worker], means="passkey", device="Firefox, Windows", at=AT)
        sign_in = session.scalar(
            select(_sign_in.c.id).where(_sign_in.c.program_id == here, _sign_in.c.person_id == cast.people[worker])
        )
        passkey = uuid4()
        session.execute(
            insert(_passkey).values(
                credential_id=passkey.hex,
                program_id=here,
                person_id=cast.people[worker],
                id=passkey,
                public_key=b"made up",
                enrolled_at=AT,
            )
        )
    hold_up(cast, case_id)
    return {
        **_owed_by(cast, place),
        **_meeting_of(cast, place),  # once its agreement is in force: it is asked to endorse what is decided
        **_followed_at(cast, place, people),
        "token": token,
        "sign_in_id": str(sign_in),
        "passkey_id": str(passkey),
        "case_id": str(case_id),
        "hand_over_id": _offered(cast, place, case_id),
        **_summed_up(cast, place, case_id),
        "version_of_case": str(case.version),
        "version_id": str(case.protocol_version_id),
        "evidence_id": str(document),
        "person_id": str(cast.people[worker]),
        "version_of_person": str(person),
        "tenure_id": str(held),
        "absence_id": str(away),
        "notice_id": str(letter),
        "agreement_id": str(agreement),
        "incident_id": str(incident),
        "rights_request_id": str(asked_about),
        "redaction_id": str(redaction),
        "matter_id": str(matter_id),
        "version_of_incident": "1",
        "subject_id": str(cast.people[worker]),
        "deputy_id": str(cast.people[manager]),
        "organization_id": str(organization),
        "program_id": str(cast.program_id),
        "worker": f"{cast.people[worker]}/{organization}",
        "role_and_place": f"second_representative:{organization}",
        "key": "onboarding",
        "anchor": "arrival",
        **{f"task_id:{word}": str(task["id"]) for word, task in found.items()},
        **{f"version_of_task:{word}": str(task["version"]) for word, task in found.items()},
    }


def _stages_of(cast: Cast, place: str, things: Mapping[str, str], colleague: UUID) -> dict[str, str]:
    """What stands at one place in the stages in which an act goes through: `tests.matrix.stages`."""
    worker, organization = cast.people[_SUBJECTS[place][0]], cast.organizations[_ORGANIZATIONS[place]]
    leaver = _join(cast, "Ambre", "Calcite", _ORGANIZATIONS[place], ends_on=None)
    newcomer = _join(cast, "Azurite", "Opaline", _ORGANIZATIONS[place], ends_on=None)
    # Not the subject of the case: their onboarding is under way, and its gate not passed.
    to = colleague if place == CODIM else newcomer
    by = cast.actor("coordinator")
    with cast.session() as session:
        found = {
            **stages.sittings(session, _MEETINGS[place][0], by=by),
            **stages.recruitings(session, organization, newcomer, by=by),
            **stages.departure_of(session, leaver, organization, to, f"#2026-1{PLACES.index(place)}", cast=cast),
            **stages.incidents_of(session, organization, by=by),
            **stages.study_of(session, cast, to),
            **stages.referred(session, cast, FORM, worker_id=to),
            "newcomer_id": str(newcomer),
            "newcomer": f"{newcomer}/{organization}",
        }
        stages.another_passkey(session, worker)
        stages.put_before_the_committee(session, UUID(things["follow_up_id"]), UUID(found["meeting_id:sits"]), by=by)
    with cast.session() as session:
        return found | stages.versions_of(session, {**things, **found})


def _owed_by(cast: Cast, place: str) -> dict[str, str]:
    """What the organization owes, as its agreement is in force and the next version is on its way.

    One period that its manager states in writing, and one that asks for a document, with one.
    """
    organization, by = cast.organizations[_ORGANIZATIONS[place]], cast.actor("coordinator")
    director = cast.people.get(_DIRECTORS.get(place, ""))
    with cast.session() as session:
        here = program_of(session)
        if director is None:
            director = add_person(
                session, given_name="Ardoise", family_name="Schorl", email=None, language="fr", by=by, at=AT
            )
            appoint(
                session,
                person_id=director,
                role="director",
                organization_id=organization,
                starts_on=SINCE,
                by=by,
                at=AT,
            )
        agreement_id, first = session.execute(
            select(_agreement.c.id, _version.c.id)
            .join(_version, agreements.of_agreement())
            .where(_agreement.c.program_id == here, _agreement.c.organization_id == organization)
        ).one()
        agreements.sign_version(session, first, director_id=director, signed_on=SINCE, by=by, at=AT)
        agreements.start_version(session, first, starts_on=SINCE, by=by, at=AT)
        file_id = signed_files.add(session, first, name="entente.pdf", content=PDF, by=by, at=AT)
        # Each place's next version is at another stage: none yet, a draft, signed, or with its director.
        second = first if place == ELSEWHERE else renew(session, agreement_id, by=by, at=AT)
        if place in (CODIM, CCSMTL):
            agreements.send_version(session, second, by=by, at=AT)
        if place == CCSMTL:
            agreements.sign_version(session, second, director_id=director, signed_on=TODAY, by=by, at=AT)
            signed_files.add(session, second, name="entente.pdf", content=PDF, by=by, at=AT)
        keep(session, organization_ids=[organization], at=AT)
        versions: dict[UUID, int] = {
            row.id: row.version for row in session.execute(select(_version.c.id, _version.c.version)).all()
        }
        periods = {
            key: session.scalars(
                select(_period.c.id)
                .where(_period.c.program_id == here, _period.c.agreement_id == agreement_id, _period.c.key == key)
                .order_by(_period.c.period_starts.desc())
                .limit(1)
            ).one()
            for key in ("AG-P2", "AG-P4")
        }
        document_id = attestations.add_document(
            session, periods["AG-P4"], "bilan.pdf", PDF, effective_on=TODAY, by=by, at=AT
        )
        proposal_id = waivers.propose(
            session,
            agreement_id,
            "AG-P4",
            starts_on=date(2027, 3, 1),
            ends_on=date(2027, 3, 31),
            reason="Aucune place.",
            by=cast.actor("manager_em") if place == CCSMTL else by,  # who coordinates works there, and owes it too
            at=AT,
        )
    return {
        "period_id": str(periods["AG-P2"]),
        "period_id:paper": str(periods["AG-P4"]),
        "document_id": str(document_id),
        "proposal_id": str(proposal_id),
        "file_id": str(file_id),
        "director_id": str(director),
        "version_of_first": str(versions[first]),
        "version_of_agreement": str(versions[second]),
    }


def _followed_at(cast: Cast, place: str, people: Mapping[str, UUID]) -> dict[str, str]:
    """A follow-up of one organization's worker, with a note, a break and a missed meeting.

    Every participant of the askers' program has barred one member of the Clinical Committee, and that of L’Anonyme
    the one from a specialized organization too.
    """
    worker, _ = _SUBJECTS[place]
    by = Actor("youth_worker", cast.people[worker], cast.organizations[_ORGANIZATIONS[place]])
    with cast.session() as session:
        follow_up = followed(session, cast, f"#2026-{PLACES.index(place) + 1:02}", worker=None)
        # The agreements of this world are drafts, under which nobody is given a follow-up.
        session.add(
            Assignment(
                program_id=cast.program_id,
                follow_up_id=follow_up,
                person_id=cast.people[worker],
                organization_id=cast.organizations[_ORGANIZATIONS[place]],
                kind="primary",
                starts_on=TODAY,
                assigned_at=AT,
                assigned_as="coordinator",
            )
        )
        session.flush()
        write_note(session, follow_up, TODAY, Week(met=1, summary=NOTE), by=by, at=AT)
        missed = contacts.record_no_show(
            session, follow_up, expected_at=AT - timedelta(hours=2), waited_minutes=15, by=by, at=AT
        )
        sent = NoteImport(program_id=cast.program_id, uploaded_by=cast.people[worker], uploaded_at=AT, told=[])
        session.add(sent)
        session.flush()
        activity = plan(session, [follow_up], held_on=MEETS_ON, kind="meal", by=by, at=AT)
        breaks.take_break(session, follow_up, returns_on=MEETS_ON, terms=TERMS, by=by, at=AT)
        if place != ELSEWHERE:
            bar(session, cast, follow_up, people["barred"])
        if place == ANONYME:
            bar(session, cast, follow_up, people["specialist"])
        version, sent_id = row_of(session, follow_up)["version"], sent.id
    return {
        "follow_up_id": str(follow_up),
        "version_of_follow_up": str(version),
        "no_show_id": str(missed),
        "note_import_id": str(sent_id),
        "activity_id": str(activity),
        "week": TODAY.isoformat(),
    }


def _lent_and_ended(cast: Cast, place: str) -> dict[str, str]:
    """A thing of the inventory, and a follow-up that one organization's worker had until it ended."""
    worker, _ = _SUBJECTS[place]
    by = cast.actor("coordinator")
    with cast.session() as session:
        thing = inventory.add(session, "phone", f"M-{place}", by=by, at=AT)
        ended = followed(session, cast, f"#2026-{PLACES.index(place) + 1:02}7", worker=None)
        states.deactivate(session, ended, "withdrew", by=by, at=AT)
        session.add(
            Assignment(
                program_id=cast.program_id,
                follow_up_id=ended,
                person_id=cast.people[worker],
                organization_id=cast.organizations[_ORGANIZATIONS[place]],
                kind="primary",
                starts_on=TODAY - timedelta(days=9),
                ends_on=TODAY - timedelta(days=1),
                assigned_at=AT - timedelta(days=9),
                assigned_as="coordinator",
                ended_at=AT,
                ended_as="youth_worker",
            )
        )
        session.flush()
    return {"equipment_id": str(thing), "follow_up_id:ended": str(ended)}


def _offered(cast: Cast, place: str, case_id: UUID) -> str:
    """A follow-up that was offered to one organization's worker."""
    worker, manager = _SUBJECTS[place]
    with cast.session() as session:
        follow_up = session.scalars(
            select(_part.c.follow_up_id).where(_part.c.person_id == cast.people[worker]).limit(1)
        ).one()
        task = step(session, case_id, STEPS["open"])
        offer = HandOver(
            program_id=cast.program_id,
            case_id=case_id,
            task_id=task["id"],
            follow_up_id=follow_up,
            from_id=cast.people[manager],
            to_id=cast.people[worker],
            proposed_at=AT,
            answer_by=TODAY + timedelta(days=3),
        )
        session.add(offer)
        session.flush()
        return str(offer.id)


def _summed_up(cast: Cast, place: str, case_id: UUID) -> dict[str, str]:
    """Two steps that ask for a summary, as a departure has them: the worker's to write, and one that the manager did.

    The second is of a part in the follow-up that never had a day. And the step that names who is hired, of an
    applicant who passed.
    """
    worker, manager = _SUBJECTS[place]
    found: dict[str, str] = {}
    with cast.session() as session:
        here = program_of(session)
        part = session.execute(select(_part).where(_part.c.person_id == cast.people[worker])).mappings().one()
        never = {**part, "id": uuid4(), "kind": "second", "person_id": cast.people[manager]}
        over = {"ended_at": AT, "ended_as": "coordinator", "withdrawn_at": AT}
        session.execute(insert(_part).values({**never, **over}))
        task = step(session, case_id, STEPS["open"])
        done = {"state": "done", "done_at": AT, "done_by": cast.people[manager], "done_as": "manager"}
        for word, item, state in (("to_sum_up", part["id"], {}), ("summed_up", never["id"], done)):
            asks = {**task, "id": uuid4(), "step": summaries.WRITTEN, "item": item.hex, "evidence": "act", **state}
            session.execute(insert(_task).values(asks))
            found |= {f"task_id:{word}": str(asks["id"]), f"version_of_task:{word}": str(asks["version"])}
        names = {**task, "id": uuid4(), "step": NAMES_THEM, "evidence": "act"}
        session.execute(insert(_task).values(names))
        for interviewer_id in (part["person_id"], never["person_id"]):
            session.add(
                Interview(
                    program_id=here,
                    case_id=case_id,
                    applicant=1,
                    interviewer_id=interviewer_id,
                    leadership=80,
                    clinical=80,
                    note="Solide.",
                    recorded_at=AT,
                )
            )
        found |= {"task_id:to_hire": str(names["id"]), "version_of_task:to_hire": str(names["version"])}
        summary_id, participant_id = uuid4(), row_of(session, part["follow_up_id"])["participant_id"]
        words = {"situation": "Elle va bien.", "steps": "Elle a appelé."}
        session.add(
            FollowUpSummary(
                program_id=here,
                id=summary_id,
                follow_up_id=part["follow_up_id"],
                task_id=UUID(found["task_id:summed_up"]),
                words=seal(session, participant_id, f"follow_up_summary/{summary_id}", words),
                written_by=cast.people[manager],
                written_at=AT,
            )
        )
    return found


def _welcome(cast: Cast, case_id: UUID, manager: str) -> None:
    """The step with a document: done by the manager, or for them by who acts for them."""
    by = cast.actor(manager)
    if manager == "manager_la":
        by = replace(by, person_id=cast.people["second_deputy"], acting_for=by.person_id)
    with cast.session() as session:
        task = step(session, case_id, STEPS["done"])
        proof = GivenProof("document", "accueil.txt", b"Accueil fait.")
        tasks.complete_task(session, task["id"], by=by, at=AT, note="Bien accueilli·e.", evidence=[proof])


def _away(cast: Cast, name: str, *, deputy: str | None, first: date, last: date) -> None:
    with cast.session() as session:
        record_absence(
            session,
            person_id=cast.people[name],
            starts_on=first,
            ends_on=last,
            deputy_id=cast.people[deputy] if deputy else None,
            kinds=["tasks", "approvals", "seats"],
            by=cast.actor("coordinator"),
            at=AT,
        )


def _join(cast: Cast, given_name: str, family_name: str, organization: str, *, ends_on: date | None) -> UUID:
    """One more youth worker, who has no part in any case; or one who left."""
    by: Actor = cast.actor("coordinator")
    with cast.session() as session:
        person_id = add_person(
            session,
            given_name=given_name,
            family_name=family_name,
            email=f"{given_name}@{organization}.example".lower(),
            language="fr",
            by=by,
            at=AT,
        )
        held = appoint(
            session,
            person_id=person_id,
            role="youth_worker",
            organization_id=cast.organizations[organization],
            starts_on=SINCE,
            by=by,
            at=AT,
        )
        if ends_on is not None:
            end_tenure(session, held, ends_on=ends_on, by=by, at=AT)
    return person_id


def _meeting_of(cast: Cast, place: str) -> dict[str, str]:
    """A meeting that invites one of an organization and a guest; a link to answer it, and a calendar address."""
    committee, name = _MEETINGS[place]
    by = cast.actor("coordinator")
    guest = "research_coordinator" if place != ELSEWHERE else "worker_em"
    with cast.session() as session:
        schedule.plan_season(
            session,
            committee,
            first=MEETS_ON,
            last=MEETS_ON + timedelta(days=21),
            hour=time(9, 30),
            minutes=120,
            by=by,
            at=AT,
        )
        found, next_one, *_ = session.execute(
            select(_meeting.c.id, _meeting.c.version, _meeting.c.series_id)
            .where(_meeting.c.program_id == program_of(session))
            .order_by(_meeting.c.starts)
            .where(_meeting.c.committee_id == committee_of(session, committee).id)
        ).all()
        schedule.invite_guest(session, found.id, cast.people[guest], by=by, at=AT)
        items = _agendas_of(session, committee, found.id, next_one.id, by=by)
        held = _held(session, committee, by=by)
        invitation = session.execute(
            select(_invitation.c.id).where(
                _invitation.c.program_id == program_of(session),
                _invitation.c.series_id == found.series_id,
                _invitation.c.person_id == cast.people[name],
            )
        ).scalar_one()
        token = links.new_token()
        links.keep(session, [(token, invitation)], until=AT + timedelta(days=60), at=AT)
        answer = links.path(token)
        address = feeds.make(session, cast.people[name], by=by, at=AT)
        feed_id = session.scalars(select(_feed.c.id).where(_feed.c.person_id == cast.people[name])).one()
        feeds.mark_read(session, feed_id, at=AT)  # the first reading is written down, and the next ones not at once
        seat_id = next(
            one.id
            for one in membership(session, committee_of(session, committee).id).seats
            if one.organization_id == cast.organizations[_ORGANIZATIONS[place]]
        )
        stray = StrayReply(
            program_id=program_of(session),
            digest=hashlib.sha256(place.encode()).hexdigest(),
            reason="for_another",
            from_address="somebody@elsewhere.example",
            claimed="declined",
            person_id=cast.people[name],
            meeting_id=found.id,
            series_id=found.series_id,
            received_at=AT,
        )
        stray_id = stray.id
        session.add(stray)
        draft_id = uuid4()
        session.execute(
            insert(_draft).values(
                program_id=program_of(session),
                id=draft_id,
                committee_id=committee_of(session, committee).id,
                follows=TODAY,
                year=2028,
                dates=[],
                drafted_at=AT,
                settled_as="",
            )
        )
    return {
        **items,
        **held,
        "draft_id": str(draft_id),
        "seat_id": str(seat_id),
        "stray_id": str(stray_id),
        "seated_id": str(cast.people[name]),
        "meeting_id": str(found.id),
        "version_of_meeting": str(found.version),
        "version_of_season": "1",
        "guest_id": str(cast.people[guest]),
        "researcher_id": str(cast.people["researcher" if place != ELSEWHERE else "coordinator"]),
        "answer_token": answer.removeprefix("/answer/"),
        "feed_token": address.removeprefix("/calendar/").removesuffix(".ics"),
        "feed_id": str(feed_id),
        "committee_key": committee,
    }


def _agendas_of(session: Session, committee: str, meeting_id: UUID, frozen_id: UUID, *, by: Actor) -> dict[str, str]:
    """An agenda with an item that was asked for and one taken off; one that waits; a frozen agenda, and a late ask."""
    assembling.assemble(session, meeting_id, by=by, at=AT)
    off = items_of(session, meeting_id)[0].id
    agendas.take_off(session, off, by=by, at=AT)
    item_id = agenda_requests.request(session, committee, title_fr="Un point", title_en="An item", by=by, at=AT)
    agendas.put_on(session, item_id, meeting_id, by=by, at=AT)
    freezing.freeze(session, frozen_id, by=by, at=AT)
    late = agenda_requests.request(
        session,
        committee,
        title_fr="Un autre",
        title_en="Another",
        meeting_id=frozen_id,
        late_reason="Cette nuit.",
        by=by,
        at=AT,
    )
    waiting = agenda_requests.request(session, committee, title_fr="Plus tard", title_en="Later", by=by, at=AT)
    return {
        "meeting_id:frozen": str(frozen_id),
        "item_id": str(item_id),
        "version_of_item": str(item_of(session, item_id).version),
        "item_id:off": str(off),
        "version_of_off": str(item_of(session, off).version),
        "item_id:late": str(late),
        "item_id:waiting": str(waiting),
    }


def _held(session: Session, committee: str, *, by: Actor) -> dict[str, str]:
    """A meeting that was held last week: its agenda went out, it decided twice, and its minutes are drafted."""
    starts = datetime.combine(TODAY - timedelta(days=5), time(9, 30))
    before, during = AT - timedelta(days=12), AT - timedelta(days=5)
    meeting_id, item_id = stages.agenda_of(
        session, committee, starts, title_fr="Le budget", title_en="The budget", by=by, at=before
    )
    running.open_meeting(session, meeting_id, by=by, at=during)
    first = deciding.decide(session, meeting_id, item_id, text_fr="On le reporte.", kind="management", by=by, at=during)
    other = deciding.decide(session, meeting_id, None, text_fr="On remercie l’équipe.", by=by, at=during)
    running.close_meeting(session, meeting_id, by=by, at=during + timedelta(hours=1))
    found = {"decision_id": first, "decision_id:other": other, "meeting_id:held": meeting_id}
    return {name: str(one) for name, one in found.items()}


def _seat_for(cast: Cast, person_id: UUID, committee: str, organization: str) -> None:
    """A seat on a committee, which the loader gives in a demonstration and the engine in an onboarding."""
    with cast.session() as session:
        seat = session.scalar(
            select(_seat.c.id)
            .join(_committee, _committee.c.id == _seat.c.committee_id)
            .where(
                _seat.c.program_id == program_of(session),
                _committee.c.key == committee,
                _seat.c.organization_id == cast.organizations[organization],
                _seat.c.key != "coordination",
            )
        )
        session.execute(
            insert(_holder).values(
                program_id=program_of(session),
                id=uuid4(),
                seat_id=seat,
                person_id=person_id,
                kind="principal",
                starts_on=SINCE,
                recorded_at=AT,
                version=1,
            )
        )
