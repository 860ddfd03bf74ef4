"""The canary: words planted in every field that is sealed are in no channel, and the scanner finds them where they are.

Which fields there are is asked of the tables and of what is sealed, so that a new one that nothing is planted in fails.
`tests/matrix/test_planted.py` plants in every field of every form.

Channels: every row of the database with its bytes, letters with their calendars and attachments, agendas, minutes and
statements of partners as PDF and as Word documents, what is exported (the statement of the program, the register of
incidents, the program's file), logs, the pages of those who may see a candidate without having asked who it is, and
what those are answered who may not, or who ask wrongly. At length also the files on disk of the database, with what
was taken back and what was logged, and of Prefect. In each stands a word that is no secret, which the scanner finds.
"""

from __future__ import annotations

import base64
import gzip
import io
import json
import logging
import pickle
import quopri
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import pytest
from httpx2 import Response
from psycopg import sql
from sqlalchemy import LargeBinary, select, text
from sqlmodel import Session

from adapters.people_keys import FilePeopleKeys, make_people_keys
from domain.accompaniment import breaks, risks
from domain.accompaniment.consent_forms import GivenSignature, SignedForm
from domain.admissions import first_meetings, numbers, triage
from domain.casework.tasks import complete_task
from domain.follow_ups import CASE_SAID, activities, issues, summaries
from domain.follow_ups.summaries import Summary
from domain.follow_ups.week_row import Week
from domain.follow_ups.weeks import monday_of
from domain.kernel import add_row, seal
from domain.kernel.actors import OUTSIDE, Actor
from domain.kernel.refusals import Refusal
from domain.loading import exporting
from domain.mail.name_gate import NameGate
from domain.participants import destruction, disclosures, links, referring, retention
from domain.participants.identity import open_identity
from domain.participants.locking import case_of
from domain.participants.referral_form import ReferralForm
from domain.record import incidents
from domain.record.incident_entries import IncidentEntry
from domain.rights import RequestGiven, done_first, packages, statements
from domain.rights import requests as rights_requests
from meetings import admissions, agendas, feeds, freezing, recruiters, running, schedule
from meetings.agenda_items import items_of, pool_of
from models.base import table_of
from models.departure import Departure
from models.discussion import CaseDiscussion
from models.engine import Beat
from models.follow_up import FollowUp
from models.meeting import Meeting
from models.outbox import Notice
from models.participant import Participant
from models.tables import metadata
from tests import signing
from tests.api.application import client_for, nobody
from tests.api.pages.test_workbooks import changed, sent
from tests.cast import AT, TODAY, Cast
from tests.departing import asked, leave, record_protocols
from tests.fakes.people_keys import FakePeopleKeys
from tests.flows.prefect_server import PrefectServer
from tests.flows.support import carry_all, eventually, means_of
from tests.flows.test_worker import flow_runs, prefect_server, process
from tests.following import agreed
from tests.journeys.on_disk import OnDisk, on_disk
from tests.meetings.clinic import LOCAL, NOW
from tests.meetings.sitting import seat_everyone
from tests.meetings.test_admissions import LATER
from tests.models.conftest import as_superuser
from tests.noting import write_note
from tests.referring import declare_admission, participant_of, refer
from tests.scanner import found, found_anywhere

__all__ = ["prefect_server"]

#: One word for each field, that stands nowhere else in the world.
PLANTED = {
    name: f"Zquorv{syllable}éth"
    for name, syllable in zip(
        (
            *("given_name", "family_name", "email", "address", "contact_note", "setting", "legal_care", "reasons"),
            *("fact", "finding", "why_triage", "why_decision", "offered", "why_risk", "disclosed", "to_whom"),
            *("referrer_name", "referrer_organization", "referrer_contact", "exception", "offered_instead"),
            *("profile", "involvement", "benefits", "risks", "note", "terms", "draft"),
            *("situation", "steps", "why_this_day", "why_destroyed", "why_kept", "place", "with_step"),
            "first_contact",
        ),
        (
            *("ba", "ce", "di", "fo", "gu", "ha", "je", "ki", "lo", "mu", "na", "pe", "qi", "ro", "su", "ta"),
            *("ub", "ev", "iw", "ox", "uz", "ab", "ec", "id", "of", "ug", "ah", "ej"),
            *("vi", "xo", "op", "ul", "am", "yo", "yu", "ye"),
        ),
        strict=True,
    )
}
WORDS = [*PLANTED.values(), "5557361942"]
FORM = ReferralForm(
    given_name=PLANTED["given_name"],
    family_name=PLANTED["family_name"],
    birth_date=date(2010, 5, 4),
    phone="555 736-1942",
    email=f"{PLANTED['email']}@courriel.example",
    address=PLANTED["address"],
    contact_note=PLANTED["contact_note"],
    languages=("fr",),
    area="laval",
    setting=PLANTED["setting"],
    legal_care=PLANTED["legal_care"],
    first_contact=PLANTED["first_contact"],
    reasons=PLANTED["reasons"],
    facts={"AD-C0": PLANTED["fact"]},
)
WORKER, SECOND = "worker_ccsmtl", "worker_codim"
#: Stands where people write of no participant: whatever of it leaves, the scanner has to see.
SEEN = "Vrombiquartz"
#: How every planted word begins, and the telephone's digits, as they would lie in a file.
STEMS = ("Zquorv", "5557361942")


def _zipped(word: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        package.writestr("word/document.xml", f"<w:t>{word[:4]}</w:t><w:t>{word[4:]}</w:t>")
    return out.getvalue()


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda word: word.encode(),
        lambda word: word.upper().encode("latin-1"),
        lambda word: base64.b64encode(f"x {word} y".encode()),
        lambda word: quopri.encodestring(f"x {word} y".encode()),
        lambda word: gzip.compress(word.encode()),
        lambda word: base64.b64encode(pickle.dumps({"name": word})),
        lambda word: base64.b64encode(gzip.compress(word.encode())),
        lambda word: f"\\x{word.encode().hex()}".encode(),
        _zipped,
    ],
)
def test_the_scanner_finds_a_word_however_it_is_wrapped(wrapped: object) -> None:
    word = PLANTED["given_name"]
    assert found([word, "Absent"], wrapped(word)) == {word}  # type: ignore[operator]  # each is a function


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda word: word.encode(),
        lambda word: word.upper().encode("latin-1"),
        lambda word: word.encode("utf-16-le"),
        lambda word: base64.b64encode(f"x {word} y".encode()),
        lambda word: quopri.encodestring(f"x {word} y".encode()),
        lambda word: gzip.compress(word.encode()),
        lambda word: zlib.compress(word.encode(), 1),
        lambda word: base64.b64encode(pickle.dumps({"name": word})),
        lambda word: gzip.compress(base64.b64encode(f"x {word} y".encode())),
        lambda word: word.encode().hex().encode(),
    ],
)
@pytest.mark.parametrize("before", [b"", b"\x00\x78\x9c\xff", bytes(range(256))], ids=len)
def test_the_scanner_finds_a_word_wherever_in_a_file_it_lies(wrapped: object, before: bytes) -> None:
    held = before + wrapped(PLANTED["given_name"]) + b"\xff\x00" * 9  # type: ignore[operator]  # each is a function
    assert found_anywhere([*STEMS, "Absentiel"], held) == {STEMS[0]}


@pytest.fixture
def sealed_as(monkeypatch: pytest.MonkeyPatch) -> dict[bytes, tuple[str, str]]:
    """What is sealed from here on: each blob with what it is about and what it says."""
    known: dict[bytes, tuple[str, str]] = {}
    seal = FakePeopleKeys.seal

    def noting(keys: FakePeopleKeys, key_id: UUID, clear: bytes, *, about: str) -> bytes:
        blob = seal(keys, key_id, clear, about=about)
        known[blob] = (about.split("|")[2].partition("/")[0], clear.decode(errors="replace"))
        return blob

    monkeypatch.setattr(FakePeopleKeys, "seal", noting)
    return known


@pytest.fixture
def lived(
    cast: Cast,
    caplog: pytest.LogCaptureFixture,
    sealed_as: dict[bytes, tuple[str, str]],  # noqa: ARG001 - before anything is sealed
) -> Cast:
    """An admission all the way, with the engine, letters, a clinic with its agenda, and the planted words.

    And what else is written of people: a follow-up with its note and its break, somebody referred by a link and
    refused, a draft, and the risk to others.
    """
    caplog.set_level(logging.DEBUG)
    declare_admission(cast)
    record_protocols(cast)
    by = cast.actor("coordinator")
    with cast.session() as session:
        agreed(session, cast)
        seat_everyone(session, cast)
        schedule.plan_meetings(session, "clinical", [LOCAL], by=by, at=AT)
    participant_id = _triaged(cast)
    carry_all(means_of(cast, lambda: AT))
    with cast.session() as session:
        meeting = table_of(Meeting)
        here = session.scalars(select(meeting.c.id).where(meeting.c.program_id == cast.program_id)).one()
        committee = session.scalars(select(meeting.c.committee_id).where(meeting.c.id == here)).one()
        for item in pool_of(session, committee):
            agendas.put_on(session, item.id, here, by=by, at=AT)
        freezing.freeze(session, here, by=by, at=AT)
        running.open_meeting(session, here, by=by, at=NOW)
        (item,) = [row for row in items_of(session, here) if row.kind == "admission"]
        _assessed(session, participant_id, item.id, by)
        admissions.decide_admission(
            session,
            item.id,
            "assign",
            worker_id=cast.people[WORKER],
            reason=PLANTED["why_decision"],
            offered=PLANTED["offered"],
            by=by,
            at=NOW,
        )
        for row in items_of(session, here):
            running.treat(session, row.id, row.outcome or "treated", note_fr=SEEN, note_en=SEEN, by=by, at=NOW)
        running.close_meeting(session, here, by=by, at=NOW + timedelta(hours=1))
    carry_all(means_of(cast, lambda: NOW))
    met = TODAY + timedelta(days=2)
    with cast.session() as session:
        worker = cast.actor(WORKER)
        first_meetings.record_first_meeting(
            session, participant_id, met_on=met, way="in_person", outcome="commits", by=worker, at=LATER
        )
        signed = SignedForm(met, met, "self", met, "fr", limits_stated=True)
        # On the scan stands who signed, and somebody called the file after them.
        scan = GivenSignature("paper", signing.scanned_words(PLANTED["given_name"]), f"{PLANTED['given_name']}.pdf")
        signing.sign(session, participant_id, "program", signed, by=worker, at=LATER, signature=scan)
        risks.assess(session, participant_id, "admission", "red", why={"why": PLANTED["why_risk"]}, by=worker, at=LATER)
        numbers.admit(session, participant_id, by=by, at=LATER)
        disclosures.disclose(
            session,
            participant_id,
            "ypa_39_1",
            to_whom=PLANTED["to_whom"],
            what=PLANTED["disclosed"],
            disclosed_on=met,
            only_necessary=True,
            by=worker,
            at=LATER,
        )
        open_identity(session, participant_id, by=by, at=LATER, ground="role")
        _followed(session, cast, participant_id)
        _discussed(session, cast, participant_id, here)
        _asked_about_themselves(session, cast)
        _refused(session, cast)
        referring.begin_referral(session, ReferralForm(reasons=PLANTED["draft"]), by=worker, at=LATER)
        lost = IncidentEntry(cast.organizations["codim"], "Cahier de notes", SEEN, LATER.date(), people_concerned=1)
        incidents.enter(session, lost, by=cast.actor("privacy_officer"), at=LATER)
    _leaves(cast)
    carry_all(means_of(cast, lambda: LATER))
    return cast


def _leaves(cast: Cast) -> None:
    """The worker sends a workbook that nobody saves yet, and leaves, with a summary."""
    worker_at_home = client_for(cast.database, cast.people[WORKER], at=LATER)
    workbook = changed(worker_at_home.get("/caseload/workbook.xlsx").content, B10=2)
    assert sent(worker_at_home, workbook).status_code == 303, "looked at, and not saved yet"
    case_id = leave(cast, WORKER, "ccsmtl", last_day=LATER.date() + timedelta(days=14), at=LATER)
    (task,) = asked(cast, case_id, summaries.WRITTEN)
    said = Summary(PLANTED["situation"], PLANTED["steps"])
    with cast.session() as session:
        summaries.save_summary(session, task.id, said, by=cast.actor(WORKER), at=LATER)
        summaries.complete_summary(session, task.id, said, by=cast.actor(WORKER), at=LATER)
        (told,) = asked(cast, case_id, "tell_participant")
        complete_task(session, told.id, note=PLANTED["with_step"], by=cast.actor(WORKER), at=LATER)


def _triaged(cast: Cast) -> UUID:
    """Somebody referred, whose criteria are all met, before the committee."""
    by = cast.actor("coordinator")
    referral_id = refer(cast, FORM, by=SECOND)
    with cast.session() as session:
        triage.find_age(session, referral_id, by=by, at=AT)
        for criterion in ("AD-C0", "AD-C2", "AD-C3", "AD-C5"):
            triage.find_criteria(
                session, referral_id, {criterion: triage.Finding("met", PLANTED["finding"])}, by=by, at=AT
            )
        triage.triage(session, referral_id, "committee", reason=PLANTED["why_triage"], by=by, at=AT)
        return participant_of(session, referral_id)


def _assessed(session: Session, participant_id: UUID, item_id: UUID, by: Actor) -> None:
    """That they recruit others, and what the committee says of the risk to these."""
    recruiters.find_recruiter(session, participant_id, by=by, at=NOW)
    weighed = {name: PLANTED[name] for name in ("profile", "involvement", "benefits", "risks")}
    recruiters.assess(session, participant_id, item_id, "benefits_exceed", why=weighed, by=by, at=NOW)


def _followed(session: Session, cast: Cast, participant_id: UUID) -> None:
    """A week's note, an activity, and a break."""
    worker, follow_up = cast.actor(WORKER), table_of(FollowUp)
    found = session.scalars(select(follow_up.c.id).where(follow_up.c.participant_id == participant_id)).one()
    words = dict.fromkeys(("main_activity", "summary", "other_information", "other_workers"), PLANTED["note"])
    said = Week(met=1, minutes=30, communications=("telephone",), **words)
    write_note(session, found, monday_of(LATER.date()), said, by=worker, at=LATER)
    activities.plan_activity(
        session,
        [found],
        held_on=LATER.date() + timedelta(days=1),
        begins=time(14),
        minutes=60,
        place=PLANTED["place"],
        kind="outing",
        by=worker,
        at=LATER,
    )
    breaks.take_break(
        session, found, returns_on=LATER.date() + timedelta(days=9), terms=PLANTED["terms"], by=worker, at=LATER
    )


def _discussed(session: Session, cast: Cast, participant_id: UUID, meeting_id: UUID) -> None:
    """What a worker raises of a case, and what was said of one."""
    by, follow_up, row_id = cast.actor(WORKER), table_of(FollowUp), uuid4()
    found = session.scalars(select(follow_up.c.id).where(follow_up.c.participant_id == participant_id)).one()
    issues.raise_issue(session, found, issues.Issue(PLANTED["note"], urgent=True), by=by, at=LATER)
    said = {"note": PLANTED["note"], "follows": PLANTED["note"]}
    of_one: dict[str, Any] = {"program_id": cast.program_id, "follow_up_id": found}
    add_row(
        session,
        CaseDiscussion(
            **of_one,
            id=row_id,
            meeting_id=meeting_id,
            outcome="goes_on",
            said=seal(session, participant_id, f"{CASE_SAID}/{row_id}", said),
            recorded_by=by.person_id,
            recorded_at=NOW,
        ),
    )


def _asked_about_themselves(session: Session, cast: Cast) -> None:
    """What they want to be corrected, why it is not, what they say of that; and what they are given."""
    by, on = cast.actor("privacy_officer"), LATER.date()
    plain = ("self", "card_shown", on, "fr", "#2026-01")
    asked = rights_requests.receive(
        session, RequestGiven("correction", on, *plain, asked=PLANTED["note"]), by=by, at=LATER
    )
    answered = rights_requests.Answered(on, "in_person", PLANTED["note"])
    done_first.refuse(session, asked, "accurate", answered, in_part=False, seen=None, by=by, at=LATER)
    statements.state(session, asked, "follow_up", PLANTED["note"], seen=None, by=by, at=LATER)
    held = rights_requests.receive(session, RequestGiven("access", on, *plain), by=by, at=LATER)
    packages.mask(session, held, [PLANTED["to_whom"]], seen=None, by=by, at=LATER)
    digest = packages.prepare(session, held, by=by, at=LATER).digest
    packages.make(session, held, digest, seen=None, by=by, at=LATER)


def _refused(session: Session, cast: Cast) -> None:
    """Somebody of whom an outside professional writes, for whom an exception is made, refused all the same."""
    by = cast.actor("coordinator")
    who: dict[str, Any] = {
        name: PLANTED[name] for name in ("referrer_name", "referrer_organization", "referrer_contact")
    }
    _, token = links.make_link(session, by=by, at=LATER)
    referral_id = referring.refer_by_link(
        session, token, replace(FORM, birth_date=None, age=16, **who), by=Actor.system(OUTSIDE), at=LATER
    )
    triage.find_criteria(
        session,
        referral_id,
        {"AD-C3": triage.Finding("not_met", PLANTED["finding"], admit_all_the_same=True, why=PLANTED["exception"])},
        by=by,
        at=LATER,
    )
    triage.triage(
        session,
        referral_id,
        "refused",
        reason=PLANTED["why_triage"],
        offered=PLANTED["offered_instead"],
        by=by,
        at=LATER,
    )
    participant_id = participant_of(session, referral_id)
    day, later = LATER.date() + timedelta(days=400), LATER + timedelta(days=1)
    retention.retain_until(session, participant_id, day, reason=PLANTED["why_this_day"], by=by, at=LATER)
    destruction.ask(session, participant_id, "law", reason=PLANTED["why_destroyed"], by=by, at=later)
    officer = cast.actor("privacy_officer")
    destruction.refuse(session, participant_id, reason=PLANTED["why_kept"], by=officer, at=later)


#: Bytes that are none of a participant's: keys of the staff, files that people sign, letters (searched below).
_OF_NOBODY: Final = {
    "passkey.public_key",
    "obligation_file.content",
    "signed_file.content",
    "evidence_file.content",
    "notice.message",
}
#: What is sealed and is a day or a code, in which no word can stand.
_NO_WORDS: Final = {
    *("identity.gender", "identity.birth_date", "identity.age_on", "names.people.birth_date"),
    *("note_import.rows", "note_import.rows.communications"),
}
#: Sealed words of which papers are made, or a register that names nobody: a planted word would stop the papers here, so
#: that it is looked for elsewhere (`tests/meetings/test_redacting.py`, in every table).
_OF_PAPERS: Final = {
    "agenda_item.note",
    "minutes.sealed",
    "incident.words",
    "incident_version.words",
    "redaction.words",
}
_ABOUT_PAPERS: Final = {"note", "minutes", "incident", "redaction"}
#: What is sealed as a file, and has no fields.
_ABOUT_FILES: Final = {"consent_form", "rights_package"}
#: What is sealed of a participant in codes and numbers alone.
_OF_CODES: Final = {"study_row.sealed"}


@pytest.mark.ci
def test_a_word_is_planted_in_every_sealed_column_and_in_every_field_of_what_is_sealed(
    lived: Cast, sealed_as: dict[bytes, tuple[str, str]]
) -> None:
    columns = {
        f"{table.name}.{column.name}": column
        for table in metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, LargeBinary)
    }
    assert columns.keys() > _OF_NOBODY
    with as_superuser(lived.database) as connection:
        for name in sorted(columns.keys() - _OF_NOBODY - _OF_PAPERS - _OF_CODES):
            column = columns[name]
            blobs = connection.execute(select(column).where(column.is_not(None))).scalars().all()
            said = [sealed_as[bytes(blob)][1] for blob in blobs]
            assert any(found(WORDS, one) for one in said), f"nothing is planted in {name}"
    planted: dict[str, bool] = {}
    for about, clear in sealed_as.values():
        for field, words in () if about in _ABOUT_PAPERS | _ABOUT_FILES else _fields(json.loads(clear), about):
            planted[field] = planted.get(field, False) or bool(found(WORDS, words))
    assert {field for field, is_there in planted.items() if not is_there} == _NO_WORDS


def _fields(said: object, field: str) -> Iterator[tuple[str, str]]:
    """Every text of what is sealed, with the field that it stands in."""
    if isinstance(said, dict):
        for name, value in said.items():
            yield from _fields(value, f"{field}.{name}" if not name.startswith("AD-C") else field)
    elif isinstance(said, list):
        for value in said:
            yield from _fields(value, field)
    elif isinstance(said, str):
        yield field, said


@pytest.mark.nightly
def test_no_channel_holds_a_planted_word(lived: Cast, caplog: pytest.LogCaptureFixture) -> None:
    """In one test, as the world of it takes a while to live."""
    with as_superuser(lived.database) as connection:
        names = connection.execute(text("select tablename from pg_tables where schemaname = 'public'")).scalars().all()
        rows = 0
        for name in names:
            for row in connection.execute(text(f'select * from "{name}"')).all():  # noqa: S608 - names of our tables
                rows += 1
                for value in row:
                    data = bytes(value) if isinstance(value, bytes | memoryview) else repr(value).encode()
                    assert found(WORDS, data) == set(), name
    assert rows > 500

    _no_letter_holds_one(lived)

    meeting = table_of(Meeting)
    follow_up, departure = table_of(FollowUp), table_of(Departure)
    with lived.session() as session:
        here = session.scalars(select(meeting.c.id).where(meeting.c.program_id == lived.program_id)).one()
        participant = table_of(Participant)
        participant_id = session.scalars(select(participant.c.id).where(participant.c.state == "admitted")).one()
        follow_up_id = session.scalars(select(follow_up.c.id).where(follow_up.c.program_id == lived.program_id)).one()
        case_id = session.scalars(select(departure.c.case_id)).one()
    followed_there = (f"/follow-ups/{follow_up_id}", f"/departures/{case_id}", f"/cases/{case_id}")
    coordinator = client_for(lived.database, lived.people["coordinator"], at=LATER)
    _no_paper_holds_one(lived, here, ("fr", "pdf"), ("en", "docx"))
    _no_export_holds_one(lived)
    _no_refusal_holds_one(lived, participant_id, (*followed_there, f"/participants/{participant_id}"))

    looked_at = ("/", "/referrals", "/cases", "/board", "/activity", f"/meetings/{here}", "/activities", "/caseload")
    for name in ("coordinator", WORKER, SECOND, "police", "researcher", "privacy_officer"):
        client = client_for(lived.database, lived.people[name], at=LATER)
        for place in (*looked_at, *followed_there, "/privacy", f"/participants/{participant_id}"):
            answer = client.get(place)
            # Where they meet is said to those who plan with the participant, and to nobody else.
            theirs = {PLANTED["place"]} if place == "/activities" and name in ("coordinator", WORKER) else set()
            assert found(WORDS, answer.content) == theirs, (name, place)
            assert found(WORDS, str(answer.headers)) == set(), (name, place)

    for name in ("coordinator", WORKER):
        with lived.session() as session:
            address = feeds.make(session, lived.people[name], by=lived.actor(name), at=NOW)
        calendar = nobody(lived.database, at=NOW).get(address)
        assert calendar.status_code == 200
        assert b"BEGIN:VEVENT" in calendar.content, "it holds the meeting"
        assert found(WORDS, calendar.content) == set(), name

    told = "\n".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)
    assert len(told) > 100
    assert found(WORDS, told) == set()
    shown = coordinator.post(f"/participants/{participant_id}/identity")
    assert PLANTED["given_name"] in shown.text, "who may ask, and asks, is answered"


def _searched(data: bytes | str, *where: object, sees: str) -> None:
    """A channel in which `sees` stands, as the scanner says, and none of the planted words does."""
    there = found([sees, *WORDS], data)
    assert sees in there, ("the scanner does not see into it", *where)
    assert there == {sees}, where


def _no_paper_holds_one(lived: Cast, meeting_id: UUID, *kinds: tuple[str, str]) -> None:
    """Documents as people keep them, with their names and properties: in each of these languages and forms."""
    client = client_for(lived.database, lived.people["coordinator"], at=LATER)
    partner = lived.organizations["en-marge"]
    papers = [(f"/meetings/{meeting_id}/agenda.{form}?version=1", "rencontre") for form in ("pdf", "docx")]
    for language, form in kinds:
        papers.append((f"/meetings/{meeting_id}/minutes/{language}.{form}", SEEN))
        papers.append((f"/partners/{partner}/statements/2026/{language}.{form}", "Perle Obsidienne"))
    for place, sees in papers:
        answer = client.get(place)
        assert answer.status_code == 200, place
        _searched(answer.content, place, sees=sees)
        assert found(WORDS, str(answer.headers)) == set(), place


def _no_export_holds_one(lived: Cast) -> None:
    """What leaves as data: the counts of the year that is over, the register of incidents, the program's own file."""
    over = datetime(2027, 1, 15, 15, tzinfo=UTC)
    coordinator = client_for(lived.database, lived.people["coordinator"], at=over)
    shown = coordinator.get("/statements/2026")
    digest = re.findall(r'name="seen" value="(\w+)"', shown.text)[0]
    assert coordinator.post("/statements/2026/release", data={"seen": digest}).status_code == 303
    partner = lived.organizations["en-marge"]
    for place, sees in (
        ("/statements/2026", "En Marge 12-17"),
        ("/statements/2026/fr.xlsx", "En Marge 12-17"),
        ("/statements/2026/en.xlsx", "En Marge 12-17"),
        ("/api/v1/statements/2026", "En Marge 12-17"),
        (f"/api/v1/partners/{partner}/statements/2026", "Perle Obsidienne"),
    ):
        answer = coordinator.get(place)
        assert answer.status_code == 200, place
        _searched(answer.content, place, sees=sees)
    officer = client_for(lived.database, lived.people["privacy_officer"], at=LATER)
    for place in ("register.csv", "register.xlsx"):
        answer = officer.get(f"/privacy/incidents/{place}")
        assert answer.status_code == 200, place
        _searched(answer.content, place, sees=SEEN)
    with lived.session() as session:
        _searched(exporting.export(session), "the program's file", sees="En Marge 12-17")


def _no_refusal_holds_one(lived: Cast, participant_id: UUID, places: tuple[str, ...]) -> None:
    """What is answered to whoever may not, and to who asks wrongly: also of what they sent, and of who is known."""
    refusals = [one for one in _asked_in_vain(lived, participant_id, places) if one.status_code >= 400]
    assert {one.status_code for one in refusals} == {404, 409, 412, 422, 428}
    for refusal in refusals:
        is_json = "json" in refusal.headers["content-type"]
        asked_for = (refusal.request.method, refusal.request.url.path, refusal.status_code)
        _searched(refusal.content, *asked_for, sees=refusal.json()["title"] if is_json else "SPHÈRES")
        assert found(WORDS, str(refusal.headers)) == set(), asked_for


def _asked_in_vain(lived: Cast, participant_id: UUID, places: tuple[str, ...]) -> Iterator[Response]:
    here = f"/participants/{participant_id}"
    for name in ("police", "officer"):  # one sits on the committee, and the participant agreed to nothing with them
        client = client_for(lived.database, lived.people[name], at=LATER)
        for place in places:
            yield client.get(place)
            yield client.get(f"/api/v1{place}")
        for act in ("identity", "consents", "risk", "disclosures", "decision"):
            yield client.post(f"{here}/{act}", data={"seen": "1", "reason": PLANTED["why_triage"]})
            yield client.post(f"/api/v1{here}/{act}", json={"why": PLANTED["why_risk"]})
    author = client_for(lived.database, lived.people[SECOND], at=LATER)
    who = {"given_name": PLANTED["given_name"], "family_name": PLANTED["family_name"]}
    for wrong in (
        {"age": PLANTED["fact"]},
        {"area": PLANTED["address"]},
        {PLANTED["note"]: "x"},
        {"facts": [WORDS[0]]},
    ):
        yield author.post("/api/v1/referrals", json={**who, **wrong})
    draft = author.post("/api/v1/referrals", json=who).headers["location"]
    yield author.post(f"{draft}/sending", json=who, headers={"If-Match": "*"})
    yield author.put(draft, json=who)
    yield author.put(draft, json=who, headers={"If-Match": '"99"'})
    worker = client_for(lived.database, lived.people[WORKER], at=LATER)
    yield worker.post(
        f"{here}/meetings", data={"met_on": LATER.date().isoformat(), "way": "remote", "outcome": "thinks"}
    )


def _no_letter_holds_one(lived: Cast) -> None:
    notice = table_of(Notice)
    with lived.session() as session:
        letters = session.scalars(select(notice.c.message)).all()
    assert len(letters) > 5
    parts = 0
    for letter in letters:
        message = message_from_bytes(letter, policy=policy.default)
        assert found(WORDS, letter) == set()
        for part in message.walk():
            if not part.is_multipart():
                parts += 1
                content = part.get_payload(decode=True)
                assert isinstance(content, bytes)
                assert found(WORDS, content) == set(), part.get_content_type()
    assert parts > len(letters)


@pytest.fixture
def files(cast: Cast) -> Iterator[OnDisk]:
    """The database's files on disk, from before anything is written."""
    with on_disk(cast.database.admin_url) as found_there:
        yield found_there


def _where(files: OnDisk, *seen: str) -> dict[str, set[str]]:
    """In which folders of the server each of these words lies, which are no secret; a planted word lies in none."""
    where: dict[str, set[str]] = {}
    for file, content in files.written():
        there = found_anywhere([*STEMS, *seen], content)
        assert not there & {*STEMS}, file
        for word in there:
            where.setdefault(word, set()).add(file.relative_to(files.server).parts[0])
    return where


@pytest.mark.nightly
def test_no_file_on_disk_holds_a_planted_word_and_no_paper_in_any_language(files: OnDisk, lived: Cast) -> None:
    """Also of what was taken back, which stays in the files until the server clears it away; and what it logged."""
    meeting = table_of(Meeting)
    with lived.session() as session:
        here = session.scalars(select(meeting.c.id).where(meeting.c.program_id == lived.program_id)).one()
    _no_paper_holds_one(lived, here, *((language, form) for language in ("fr", "en") for form in ("pdf", "docx")))
    taken_back, logged = f"{SEEN}Rendu", f"{SEEN}Journal"
    with lived.session() as session:
        session.execute(text("update organization set name_fr = :said"), {"said": taken_back})
        session.rollback()
    files.connection.execute(sql.SQL("do {}").format(sql.Literal(f"begin raise warning '{logged}'; end")))
    where = _where(files, taken_back, logged)
    assert where[taken_back] == {"base", "pg_wal"}, "the scanner sees into rows that nobody reads any more"
    assert logged in where, "and into what the server said"


def _works_by_prefect(cast: Cast) -> bool:
    """Whether a worker says that Prefect takes it."""
    with cast.session() as session:
        return session.scalar(select(table_of(Beat).c.prefect_up)) is True


def _admitted(cast: Cast, keys: FilePeopleKeys) -> UUID:
    """A candidate of the referral's words, forwarded to their first meeting: the case that admits them."""
    by, moment = cast.actor("coordinator"), datetime.now(UTC)
    with cast.session() as session:
        session.info["keys"] = keys
        agreed(session, cast)
        author = cast.actor(SECOND)
        referral_id = referring.begin_referral(session, FORM, by=author, at=moment)
        referring.send_referral(session, referral_id, FORM, by=author, at=moment)
        triage.find_age(session, referral_id, by=by, at=moment)
        for criterion in ("AD-C0", "AD-C2", "AD-C3", "AD-C5"):
            triage.find_criteria(
                session, referral_id, {criterion: triage.Finding("met", PLANTED["finding"])}, by=by, at=moment
            )
        triage.triage(session, referral_id, "forwarded", reason=PLANTED["why_triage"], by=by, at=moment)
        participant_id = participant_of(session, referral_id)
        admissions.forward(session, participant_id, cast.people[WORKER], by=by, at=moment)
        case_id = case_of(session, participant_id)
    assert case_id is not None
    return case_id


@pytest.mark.nightly
def test_prefect_learns_no_planted_word(cast: Cast, tmp_path: Path, prefect_server: PrefectServer) -> None:
    """The engine carries the admission with a real server: its rows, its files, its database's and the log of these."""
    make_people_keys(tmp_path / "keys" / "people")
    declare_admission(cast)
    with on_disk(prefect_server.as_admin) as files:
        with process(cast, tmp_path, prefect=prefect_server):
            eventually(lambda: _works_by_prefect(cast), within=120)  # what comes before that is carried plainly
            case_id = _admitted(cast, FilePeopleKeys(tmp_path / "keys" / "people"))
            eventually(lambda: [one for one in flow_runs(prefect_server, case_id) if one[2] == "Waiting"], within=120)
            eventually(lambda: prefect_server.rows("select id from task_run where name = 'tell_referrer'"), within=120)
        kept = prefect_server.home / "storage" / "planted"
        kept.parent.mkdir(exist_ok=True)
        kept.write_bytes(gzip.compress(pickle.dumps({"result": SEEN})))  # as it keeps results, and packed besides
        homes = [(file, file.read_bytes()) for file in prefect_server.home.rglob("*") if file.is_file()]
        kept.unlink()
        seen = {word: file for file, held in homes for word in found_anywhere([SEEN, *STEMS], held)}
        assert seen == {SEEN: kept}, "its own files"
        taken_back = f"{SEEN}Rendu"
        with files.connection.transaction(force_rollback=True):
            renamed = sql.SQL("update flow set name = {} where id = (select id from flow limit 1)")
            files.connection.execute(renamed.format(sql.Literal(taken_back)))
        where = _where(files, str(case_id), taken_back)
        assert "base" in where[str(case_id)], "its database's files"
        assert where[taken_back] == {"base", "pg_wal"}, "and the log of its changes"
    written = prefect_server.everything()
    assert str(case_id) in written, "this looks where Prefect writes"
    with cast.session() as session:
        reference = session.execute(select(table_of(Participant).c.candidate_ref)).scalar_one()
    assert reference not in written
    assert found(WORDS, written) == set()


@pytest.mark.ci
def test_a_letter_that_names_somebody_is_not_written(lived: Cast) -> None:
    """The gate knows whom the program knows: a title with a name stops the letter, and the refusal says no name."""
    with lived.session() as session:
        gate = NameGate.here(session)
        with pytest.raises(Refusal) as refused:
            gate.refuse([f"Parler de {FORM.given_name} {FORM.family_name} mercredi"])
        gate.refuse(["Parler de quelqu’un mercredi"])
    assert found(WORDS, str(refused.value)) == set()
