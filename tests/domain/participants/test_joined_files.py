"""Two files of one person become one: what protects the person, or others from them, is lost in none of its tables."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Table, func, select
from sqlmodel import Session

from domain.accompaniment import barring, consents, recruiting, referred_again, risks, workers
from domain.accompaniment.consent_forms import SignedForm
from domain.admissions import correcting, duplicates, first_meetings, triage
from domain.casework import asking, words
from domain.follow_ups import assigning
from domain.kernel.rows import col, first, of
from domain.kernel.sealing import seal
from domain.mail.name_gate import NameGate
from domain.participants import disclosures, holds
from domain.participants.identity import open_identity
from domain.participants.locking import hold_participant, known_as
from domain.participants.reasons import read_reasons
from domain.record import readings
from domain.record.reads import READ
from domain.rights import packages, requests
from domain.rights.requests import RequestGiven
from flows import contacts
from models.base import table_of
from models.casework import Case, Task
from models.participant import CandidateWorker, Participant, RiskAssessment
from models.tables import metadata
from tests import signing
from tests.api.application import client_for
from tests.cast import AT, TODAY, Arranged, Cast
from tests.destroying import DELAY
from tests.flows.support import means_of
from tests.following import (
    SECOND,
    THIRD,
    WORKER,
    followed,
    in_force,
    known_as_somebody,
    left_without_consent,
    parts,
    row_of,
    tasks_of,
)
from tests.referring import ONDINE, ROMARIN, declare_admission, look_at_everything, participant_of, refer, triaged
from tests.refusing import refused

DAY: Final = timedelta(days=1)
#: Another name and telephone, and the same address.
ALIKE: Final = replace(ROMARIN, email=ONDINE.email)
_case = table_of(Case)
_task = table_of(Task)
_risk = table_of(RiskAssessment)
_participant = table_of(Participant)

#: What becomes of the rows of a file that is joined to another, by their table: they are the known file's then, are
#: written again for it, or stay with the file whose key is destroyed; of some there are none while it can be joined.
JOINING: Final = {
    "referral": "moved",
    "barred": "written again",
    "disclosure": "written again",
    "kept_until": "written again",  # that a legal hold was placed, or released
    "risk_assessment": "written again",  # of the risk to others; that at admission is of an admission that ends
    "rights_request": "moved",
    "rights_package": "left",  # removed: it is looked at anew, since it holds both files now
    "admission_decision": "left",
    "candidate_worker": "left",
    "case": "left",  # cancelled
    "consent_form": "left",  # under the key that is destroyed
    "consent": "left",  # what was taken back is taken back in the known file
    "criterion_finding": "left",
    "data_key": "left",  # destroyed
    "first_meeting": "left",
    "task_words": "left",  # of the tasks of an admission that ends
    "destruction": "none",
    "follow_up": "none",
    "research_consent": "none",
    "research_group_member": "none",
    "study_row": "none",
}


@pytest.fixture
def cast(cast: Cast, arranged: Arranged[None]) -> Cast:
    """The cast, with every agreement in force."""
    arranged(cast, in_force)
    return cast


def _of_participants() -> dict[str, Table]:
    """The tables with a participant of their own."""
    return {
        table.name: table
        for table in metadata.sorted_tables
        if table.name != "participant"
        and any(key.referred_table.name == "participant" for key in table.foreign_key_constraints)
    }


def _counts(session: Session, participant_id: UUID) -> dict[str, int]:
    return {
        name: session.execute(select(func.count()).where(table.c.participant_id == participant_id)).scalar_one()
        for name, table in _of_participants().items()
    }


def _signed() -> SignedForm:
    return SignedForm(TODAY, TODAY, "self", TODAY, "fr", limits_stated=True)


def _assessed(session: Session, cast: Cast, participant_id: UUID, level: str, *, said: str, at: datetime) -> None:
    """The committee's assessment of the risk to others, as its decision writes it, a layer above these tests."""
    row_id = uuid4()
    before = session.scalars(select(_risk.c.n).where(_risk.c.participant_id == participant_id)).all()
    session.add(
        RiskAssessment(
            program_id=cast.program_id,
            id=row_id,
            participant_id=participant_id,
            kind="recruiter",
            n=max(before, default=0) + 1,
            level=level,
            sealed=seal(session, participant_id, f"risk/{row_id}", {"profile": said}),
            assessed_by=cast.people["coordinator"],
            assessed_as="coordinator",
            assessed_at=at,
        )
    )
    session.flush()
    recruiting.assessed(session, participant_id, by=cast.actor("coordinator"), at=at)


def _lived(cast: Cast, *partners: str) -> tuple[UUID, UUID]:
    """A candidate who was met and consented, barred the worker, and waits again: the referral, and who it is about."""
    by, worker = cast.actor("coordinator"), cast.actor(SECOND)
    referral_id = refer(cast, by=WORKER)
    participant_id = triaged(cast, referral_id, "forwarded")
    with cast.session() as session:
        workers.forward(session, participant_id, cast.people[SECOND], by=by, at=AT)
        first_meetings.record_first_meeting(
            session, participant_id, met_on=TODAY, way="remote", outcome="commits", by=worker, at=AT
        )
        signing.sign(session, participant_id, "program", _signed(), by=worker, at=AT)
        for place in partners:
            signing.sign(
                session,
                participant_id,
                "sharing",
                _signed(),
                organization_id=cast.organizations[place],
                by=worker,
                at=AT,
            )
        barring.bar(session, participant_id, cast.people[SECOND], by=by, at=AT)
        triage.take_back_triage(session, referral_id, by=by, at=AT)
    return referral_id, participant_id


def _known(session: Session, cast: Cast, *, worker: str = WORKER) -> tuple[UUID, UUID]:
    """Somebody who is followed: the follow-up, and the participant."""
    follow_up = followed(session, cast, worker=worker)
    known = row_of(session, follow_up)["participant_id"]
    known_as_somebody(session, known)
    return follow_up, known


@pytest.mark.ci
def test_of_every_table_with_a_participant_it_is_said_what_joining_does_and_it_does_so(cast: Cast) -> None:
    declare_admission(cast)
    by = cast.actor("coordinator")
    referral_id, joined = _lived(cast)
    with cast.session() as session:
        _, known = _known(session, cast)
        risks.assess(session, joined, "admission", "red", why={"why": "Menaces"}, by=by, at=AT)
        recruiting.find_recruiter(session, joined, by=by, at=AT)
        _assessed(session, cast, joined, "risks_exceed", said="Réseau", at=AT)
        _disclosed(session, cast, joined)
        _said_with_a_task(session, joined)
        _asked_about_themselves(session, cast, joined)
        holds.place_hold(session, joined, reason="Un juge", by=by, at=AT - 7 * DAY)
        holds.release_hold(session, joined, reason="Le juge a fini", by=by, at=AT - 7 * DAY)
        theirs, before = _counts(session, joined), _counts(session, known)
        duplicates.join_referral(session, referral_id, known, reason="La même", by=by, at=AT)
        left, after = _counts(session, joined), _counts(session, known)
        kinds = session.scalars(select(_risk.c.kind).where(_risk.c.participant_id == known)).all()
    assert JOINING.keys() == _of_participants().keys(), "a new table with a participant says what joining does with it"
    for name, what in JOINING.items():
        assert (theirs[name] > 0) == (what != "none"), name
        assert left[name] == (0 if what == "moved" else theirs[name]), name
        assert (after[name] > before[name]) == (what in ("moved", "written again")), name
    assert kinds == ["recruiter"]


def _asked_about_themselves(session: Session, cast: Cast, participant_id: UUID) -> None:
    by, called = cast.actor("privacy_officer"), known_as(session, participant_id)
    given = RequestGiven("access", TODAY, "self", "card_shown", TODAY, "fr", file=called)
    request_id = requests.receive(session, given, by=by, at=AT)
    packages.mask(session, request_id, ["Romarin"], seen=None, by=by, at=AT)
    looked_at = packages.prepare(session, request_id, by=by, at=AT)
    packages.make(session, request_id, looked_at.digest, seen=None, by=by, at=AT)


def _said_with_a_task(session: Session, participant_id: UUID) -> None:
    case = first(session, of(Case).where(Case.participant_id == participant_id).limit(1))
    assert case is not None
    task = first(session, of(Task).where(Task.case_id == case.id).order_by(col(Task.id)).limit(1))
    assert task is not None
    words.kept(session, task, case, {"note": "Appelle mardi"})


def _disclosed(session: Session, cast: Cast, participant_id: UUID) -> None:
    disclosures.disclose(
        session,
        participant_id,
        "ypa_39_1",
        to_whom="DPJ",
        what="Le lieu de la fugue",
        disclosed_on=TODAY - DAY,
        only_necessary=True,
        by=cast.actor(WORKER),
        at=AT,
    )


@pytest.mark.ci
def test_another_name_and_telephone_of_the_joined_file_are_kept_and_the_name_leaves_in_no_letter(cast: Cast) -> None:
    """Through two joinings, and with how it is safe to call there."""
    by = cast.actor("coordinator")
    with cast.session() as session:
        _, known = _known(session, cast)
    other = replace(
        ONDINE, given_name="Capucine", family_name="Bruyère", phone="450 555-0170", contact_note="Jamais le soir"
    )
    first, again, same = (refer(cast, one) for one in (ALIKE, other, ONDINE))
    with cast.session() as session:
        middle = participant_of(session, first)
        duplicates.join_referral(session, again, middle, reason="La même", by=by, at=AT)
        duplicates.join_referral(session, first, known, reason="La même", by=by, at=AT + DELAY)
        duplicates.join_referral(session, same, known, reason="La même", by=by, at=AT + 2 * DELAY)
        who = open_identity(session, known, ground="role", by=by, at=AT)
        said = [(one.name, one.phone, one.contact_note) for one in (who, *who.also)]
        gate = NameGate.here(session)
        assert all(gate.stops(f"Chez {name}") for name, _, _ in said)
    assert said == [
        ("Ondine Fougère-Lys", "514 555-0144", "Pas après 21 h"),
        ("Romarin Tilleul", "438 555-0188", "Pas après 21 h"),
        ("Capucine Bruyère", "450 555-0170", "Jamais le soir"),
    ], "what was the same is there once"
    third = refer(cast, replace(other, given_name="Inconnue", family_name="Inconnue", email=""))
    with cast.session() as session:
        newest = participant_of(session, third)
        assert duplicates.alike(session, [newest], reader=cast.people["coordinator"]) == {newest}, (
            "by the telephone of the file that is no more"
        )
        correcting.correct_identity(session, known, {"phone": "514 555-0199"}, by=by, at=AT)
        assert open_identity(session, known, ground="role", by=by, at=AT).also == who.also
    page = client_for(cast.database, cast.people["coordinator"], at=AT).post(f"/participants/{known}/identity").text
    assert "Capucine Bruyère" in page
    assert "450 555-0170" in page


@pytest.mark.ci
def test_whom_the_joined_file_barred_follows_the_person_no_more_and_the_coordinator_finds_somebody(cast: Cast) -> None:
    by = cast.actor("coordinator")
    with cast.session() as session:
        follow_up, known = _known(session, cast, worker=SECOND)
        followed(session, cast, "#2026-02", worker=SECOND)
    again = refer(cast)
    with cast.session() as session:
        barring.bar(session, participant_of(session, again), cast.people[SECOND], by=by, at=AT)
        duplicates.join_referral(session, again, known, reason="La même", by=by, at=AT)
        assert barring.is_barred(session, known, cast.people[SECOND])
        assert parts(session, follow_up) == []
        (task,) = tasks_of(session, assigning.FIND_A_WORKER)
        (read,) = tasks_of(session, referred_again.AGAIN)
        assert (task["item"], task["state"]) == (str(follow_up), "open")
    seen = client_for(cast.database, cast.people[SECOND], at=AT).get("/").text
    assert read["title_en"] not in seen
    assert read["title_en"] in client_for(cast.database, cast.people["coordinator"], at=AT).get("/").text
    with cast.session() as session, refused("assignment.barred"):
        assigning.assign_worker(session, follow_up, cast.people[SECOND], by=by, at=AT)


@pytest.mark.ci
def test_whom_the_joined_file_barred_meets_no_candidate_who_is_known(cast: Cast) -> None:
    declare_admission(cast)
    by = cast.actor("coordinator")
    known, again = triaged(cast, refer(cast), "forwarded"), refer(cast)
    with cast.session() as session:
        workers.forward(session, known, cast.people[SECOND], by=by, at=AT)
        barring.bar(session, participant_of(session, again), cast.people[SECOND], by=by, at=AT)
        duplicates.join_referral(session, again, known, reason="La même", by=by, at=AT)
        assert workers.named(session, known) is None
        assert hold_participant(session, known).state == "candidate"
        (task,) = tasks_of(session, workers.FIND_A_WORKER)
        assert (task["item"], task["state"]) == (str(known), "open")
        with refused("assignment.barred"):
            workers.name_another(session, known, cast.people[SECOND], by=by, at=AT)


def test_what_was_disclosed_without_consent_is_read_in_the_file_that_stays(cast: Cast) -> None:
    by = cast.actor("coordinator")
    with cast.session() as session:
        _, known = _known(session, cast)
    first, again = refer(cast, ALIKE), refer(cast)
    with cast.session() as session:
        middle, joined = participant_of(session, first), participant_of(session, again)
        _disclosed(session, cast, joined)
        duplicates.join_referral(session, again, middle, reason="La même", by=by, at=AT + DAY)
        duplicates.join_referral(session, first, known, reason="La même", by=by, at=AT + DAY + DELAY)
        (row,) = disclosures.disclosures_of(session, known)
        told = disclosures.read_disclosure(session, known, row.id, by=by, at=AT + DAY, ground="role")
    assert told == {"to_whom": "DPJ", "what": "Le lieu de la fugue"}
    assert (row.ground, row.disclosed_on, row.disclosed_by, row.recorded_at) == (
        *("ypa_39_1", TODAY - DAY, cast.people[WORKER]),
        AT,
    ), "as it was written, whoever joined it"


@pytest.mark.ci
def test_what_the_person_took_back_in_one_file_is_shared_no_more_by_the_other(cast: Cast) -> None:
    declare_admission(cast)
    by, worker = cast.actor("coordinator"), cast.actor(WORKER)
    referral_id, joined = _lived(cast, "spvm", "codim", "anonyme")
    with cast.session() as session:
        _, known = _known(session, cast)
        left_without_consent(session, known)

        def sign(place: str, at: datetime) -> None:
            organization_id = cast.organizations[place]
            signing.sign(session, known, "sharing", _signed(), organization_id=organization_id, by=worker, at=at)

        signing.sign(session, known, "program", _signed(), by=worker, at=AT)
        for place in ("spvm", "codim"):
            sign(place, AT)

        def withdraw(place: str, at: datetime) -> None:
            consent_id = signing.standing(session, joined, "sharing", cast.organizations[place])
            consents.withdraw(session, consent_id, by=by, at=at)

        withdraw("codim", AT + DAY)
        sign("codim", AT + 2 * DAY)
        withdraw("spvm", AT + 2 * DAY + timedelta(hours=1))
        duplicates.join_referral(session, referral_id, known, reason="La même", by=by, at=AT + 3 * DAY)
        day = TODAY + 3 * DAY
        shared = {
            place: consents.stands(session, known, "sharing", day, organization_id=cast.organizations[place])
            for place in ("spvm", "codim", "anonyme")
        }
        assert shared == {
            "spvm": False,
            "codim": True,  # signed anew after it was taken back
            "anonyme": False,  # given in the other file alone: asked anew
        }
        assert consents.stands(session, known, "program", day), "nobody took that back"


@pytest.mark.ci
def test_the_risk_to_others_that_was_found_of_one_file_is_assessed_anew_for_the_other(cast: Cast) -> None:
    """The known file said that the benefits exceed the risks, before the other one was known of."""
    declare_admission(cast)
    by = cast.actor("coordinator")
    first, again = refer(cast), refer(cast, replace(ONDINE, reasons="Réseau"))
    with cast.session() as session:
        known, joined = participant_of(session, first), participant_of(session, again)
        for participant_id in (known, joined):
            recruiting.find_recruiter(session, participant_id, by=by, at=AT)
        _assessed(session, cast, joined, "risks_exceed", said="Meneuse", at=AT)
        _assessed(session, cast, known, "benefits_exceed", said="Suiveuse", at=AT + DAY)
        risks.refuse_danger(session, hold_participant(session, known))
        duplicates.join_referral(session, again, known, reason="La même", by=by, at=AT + 2 * DAY)
        with refused("admission.recruiter_risk"):
            risks.refuse_danger(session, hold_participant(session, known))
        assert risks.to_others(session, known) is None
        written = read_reasons(session, known, admission=False, risk=True, by=by, at=AT + 2 * DAY, ground="role")
        assert [(one.result, one.fields["profile"]) for one in written] == [
            ("risks_exceed", "Meneuse"),
            ("benefits_exceed", "Suiveuse"),
        ]
        asked = [(one["item"], one["state"]) for one in tasks_of(session, recruiting.ASSESS)]
        assert asked.count((str(known), "open")) == 1
        _assessed(session, cast, known, "risks_exceed", said="Les deux", at=AT + 3 * DAY)
        with refused("admission.recruiter_refused"):
            risks.refuse_danger(session, hold_participant(session, known))


@pytest.mark.ci
def test_an_assessment_of_an_earlier_admission_gives_nobody_a_worker_in_this_one(cast: Cast) -> None:
    declare_admission(cast)
    by, later = cast.actor("coordinator"), AT + 30 * DAY
    known = triaged(cast, refer(cast))
    with cast.session() as session:
        recruiting.find_recruiter(session, known, by=by, at=AT)
        _assessed(session, cast, known, "benefits_exceed", said="Suiveuse", at=AT)
        first_meetings.decline(session, known, by=by, at=AT)
    again = refer(cast, at=later)

    def name() -> CandidateWorker | None:
        workers.name_worker(session, known, cast.people[WORKER], by=by, at=later)
        return workers.named(session, known)

    with cast.session() as session:
        duplicates.join_referral(session, again, known, reason="La même", by=by, at=later)
        look_at_everything(session, cast, again, at=later)
        with refused("admission.recruiter_risk"):
            name()
        assert risks.to_others(session, known) is None
        assert risks.last(session, known, "recruiter") is not None, "it stays on record"
    page = client_for(cast.database, cast.people["coordinator"], at=later).get(f"/participants/{known}").text
    assert "Not assessed yet" in page
    with cast.session() as session:
        _assessed(session, cast, known, "benefits_exceed", said="Seule", at=later)
        assert name() is not None


@pytest.mark.ci
def test_the_new_referral_is_read_by_whoever_has_the_person_then(cast: Cast) -> None:
    by = cast.actor("coordinator")
    with cast.session() as session:
        follow_up, known = _known(session, cast)
    again = refer(cast, by=THIRD)

    def told(session: Session) -> list[tuple[str, list[UUID | None]]]:
        rows = tasks_of(session, referred_again.AGAIN)
        open_ones = {row.id: row.links for row in asking.open_ones(session, referred_again.AGAIN)}
        return [(row["state"], [one.person for one in open_ones.get(row["id"], ())][:1]) for row in rows]

    with cast.session() as session:
        duplicates.join_referral(session, again, known, reason="La même", by=by, at=AT)
        assert told(session) == [("open", [cast.people[WORKER]])]
        assigning.assign_worker(
            session, follow_up, cast.people[SECOND], instead_of=cast.people[WORKER], by=by, at=AT + DAY
        )
    for days in (1, 2):  # the second time nothing changes
        at = AT + days * DAY
        contacts.look(means_of(cast, lambda at=at: at), cast.program_id, "worker")  # type: ignore[misc]
    with cast.session() as session:
        assert told(session) == [("cancelled", []), ("open", [cast.people[SECOND]])]
        barring.bar(session, known, cast.people[SECOND], by=by, at=AT + 2 * DAY)
        assert told(session) == [("cancelled", []), ("cancelled", []), ("open", [None])], "the coordinator's, at once"
        assert referred_again.ask_who_has_them_now(session, by=by, at=AT + 2 * DAY) == 0


@pytest.mark.ci
def test_whoever_asks_who_read_a_file_is_told_of_what_was_read_before_it_was_joined(cast: Cast) -> None:
    """However often it was: by the number or the reference under which it goes by now."""
    declare_admission(cast)
    by = cast.actor("coordinator")
    referrals = [refer(cast, replace(ONDINE, reasons=one)) for one in ("Fugue", "Dettes", "Logement")]
    with cast.session() as session:
        files = [participant_of(session, one) for one in referrals]
        for one in files:
            open_identity(session, one, ground="role", by=by, at=AT)
        duplicates.join_referral(session, referrals[0], files[1], reason="La même", by=by, at=AT)
        duplicates.join_referral(session, referrals[1], files[2], reason="La même", by=by, at=AT)
        reference = session.scalar(select(_participant.c.candidate_ref).where(_participant.c.id == files[2]))
        rows = readings.find(session, (READ,), readings.RecordQuery(file=str(reference)), before=1 << 62, limit=99)
    assert {row.subject_id for row in rows if row.facts["what"] == "identity"} == set(files)
