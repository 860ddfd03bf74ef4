"""Who hears of how files are read: by letter, at once, never the reader, never with a number; and who is stopped."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text, update
from sqlmodel import Session

from domain.kernel.actors import Actor
from domain.kernel.refusals import Refusal
from domain.participants import rates
from domain.participants.identity import open_identity
from domain.people.absences import record_absence
from domain.record.reads import Purpose
from flows import watching
from locales import ZONE
from models.agenda import AgendaItem
from models.base import table_of
from models.meeting import Meeting
from models.program import Program
from tests.api.application import client_for
from tests.cast import AT, Cast
from tests.flows.support import Clock, Mailbag, body, eventually, letters, means_of, within
from tests.following import SECOND, WORKER, agreed, followed, known_as_somebody, row_of
from tests.refusing import refused

_program = table_of(Program)

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
LETTER = "reading_pattern"


@pytest.fixture
def files(cast: Cast) -> list[UUID]:
    """Twenty-four participants, whom a worker of CCSMTL follows."""
    with cast.session() as session:
        agreed(session, cast)
        made = []
        for n in range(24):
            follow_up = followed(session, cast, f"#2026-{n + 1:02d}")
            made.append(row_of(session, follow_up)["participant_id"])
            known_as_somebody(session, made[-1])
    return made


def _reads(
    cast: Cast, who: str, files: Sequence[UUID], *, at: datetime = AT, ground: Any = "role", every: timedelta = MINUTE
) -> datetime:
    """Somebody opens these files one after another; when they have opened the last."""
    with cast.session() as session:
        for file in files:
            purpose = None if ground != "purpose" else Purpose.URGENT_HELP
            open_identity(session, file, by=cast.actor(who), at=at, ground=ground, purpose=purpose)
            at += every
    return at


def _put_on_an_agenda(session: Session, cast: Cast, numbers: Sequence[str]) -> None:
    """The Clinical Committee meets tomorrow, and is to speak of these participants."""
    here: dict[str, Any] = {"program_id": cast.program_id}
    clinic = session.execute(text("select id from committee where key = 'clinical' and program_id = :program_id"), here)
    committee_id, starts_at = clinic.scalar_one(), AT + 24 * HOUR
    meeting = Meeting(
        **here,
        committee_id=committee_id,
        uid=f"{uuid4()}@spheres.example",
        starts=starts_at.astimezone(ZONE).replace(tzinfo=None),
        time_zone=ZONE.key,
        minutes=150,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=150),
        recorded_at=AT,
    )
    session.add(meeting)
    session.flush()
    about = {**here, "committee_id": committee_id, "meeting_id": meeting.id, "kind": "follow_up", "state": "scheduled"}
    session.add_all(AgendaItem(**about, subject=number, title_fr=number, asked_at=AT) for number in numbers)


def _watch(cast: Cast, at: datetime) -> int:
    return watching.watch(means_of(cast, lambda: at))


def _heard(cast: Cast) -> list[UUID]:
    return [letter["person_id"] for letter in letters(cast, LETTER)]


# ------------------------------------------------------------------------------------------------------- who hears


def test_the_privacy_officer_hears_of_files_far_from_somebodys_work_by_no_number(cast: Cast, files: list[UUID]) -> None:
    at = _reads(cast, SECOND, files[:2], ground="purpose")
    assert _watch(cast, at) == 0
    at = _reads(cast, SECOND, files[2:3], at=at, ground="purpose")
    assert (_watch(cast, at), _heard(cast)) == (1, [cast.people["privacy_officer"]])
    letter = letters(cast, LETTER)[0]
    said = body(letter)
    assert cast.members[SECOND].name in said
    assert "des dossiers éloignés de son travail : 3 en 1 h" in said.replace("\xa0", " ")
    assert not re.search(r"#\d|C-[2-9A-Z]{6}|Ondine", said + letter["subject"])
    with cast.session() as session:
        told = session.execute(text("select facts, subject_id from event where verb = 'reading.pattern'")).one()
        assert (told.facts["kinds"], told.subject_id) == (["far"], cast.people[SECOND])


def test_a_coordinator_who_reads_twenty_files_before_a_sitting_is_neither_stopped_nor_told(
    cast: Cast, files: list[UUID]
) -> None:
    """Those that are on the agenda of the next days; of others, fewer."""
    with cast.session() as session:
        _put_on_an_agenda(session, cast, [f"#2026-{n + 1:02d}" for n in range(20)])
    at = _reads(cast, "coordinator", files[:20])
    assert (_watch(cast, at), _heard(cast)) == (0, [])


@pytest.mark.ci
def test_of_one_reader_a_letter_goes_once_an_hour_and_what_came_meanwhile_is_told_then(
    cast: Cast, files: list[UUID]
) -> None:
    at = _reads(cast, SECOND, files[:3], ground="purpose")
    assert _watch(cast, at) == 1
    assert _watch(cast, at + MINUTE) == 0, "it was told"
    assert _watch(cast, at + 3 * HOUR) == 0, "and nothing came since"
    later = _reads(cast, SECOND, files[3:6], at=at + 4 * HOUR, ground="purpose")
    assert _watch(cast, later) == 1
    meanwhile = _reads(cast, SECOND, files[6:9], at=later + MINUTE, ground="purpose")
    assert _watch(cast, meanwhile) == 0, "within the hour"
    assert _watch(cast, later + HOUR) == 1
    assert len(_heard(cast)) == 3


def test_two_readers_are_two_letters(cast: Cast, files: list[UUID]) -> None:
    _reads(cast, SECOND, files[:3], ground="purpose")
    at = _reads(cast, "specialist", files[:3], ground="purpose")
    assert (_watch(cast, at), len(_heard(cast))) == (2, 2)


def test_what_a_worker_missed_while_it_was_away_is_told_when_it_is_back(cast: Cast, files: list[UUID]) -> None:
    at = _reads(cast, SECOND, files[:1], ground="purpose")
    assert _watch(cast, at) == 0
    _reads(cast, SECOND, files[1:4], at=at + HOUR, ground="purpose")
    assert _watch(cast, at + 9 * HOUR) == 1


@pytest.mark.parametrize(
    ("reader", "vacant", "deputy", "hears"),
    [
        (SECOND, [], None, "privacy_officer"),
        ("privacy_officer", [], None, "director_ccsmtl"),
        (SECOND, ["privacy_officer"], None, "director_ccsmtl"),
        ("director_ccsmtl", ["privacy_officer"], None, "manager_ccsmtl"),
        ("coordinator", ["privacy_officer", "director", "manager"], None, None),
        # Whoever stands in for the privacy officer hears of others, and never of themselves.
        ("director_codim", [], "director_codim", "director_ccsmtl"),
        ("specialist", [], "director_codim", "director_codim"),
    ],
)
def test_whoever_read_is_never_who_hears_of_it(
    cast: Cast, files: list[UUID], reader: str, vacant: list[str], deputy: str | None, hears: str | None
) -> None:
    with cast.session() as session:
        gone = text("update tenure set ends_on = :day where role = any(:roles)")
        session.execute(gone, {"day": AT.date() - timedelta(days=1), "roles": vacant})
        if deputy is not None:
            record_absence(
                session,
                person_id=cast.people["privacy_officer"],
                starts_on=AT.date(),
                ends_on=AT.date(),
                deputy_id=cast.people[deputy],
                by=cast.actor("privacy_officer"),
                at=AT,
            )
    with cast.session() as session:
        for n, file in enumerate(files[:5]):
            by = Actor("youth_worker", cast.people[reader])
            open_identity(session, file, by=by, at=AT + n * MINUTE, ground="purpose", purpose=Purpose.URGENT_HELP)
    _watch(cast, AT + 6 * MINUTE)
    assert _heard(cast) == ([cast.people[hears]] if hears else [])
    with cast.session() as session:
        assert session.scalar(text("select count(*) from event where verb = 'reading.pattern'")) == 1, "it is on record"


def test_reading_at_night_is_unusual_for_who_works_by_day(cast: Cast, files: list[UUID]) -> None:
    night = AT + 14 * HOUR  # 23:00 in Montréal
    at = _reads(cast, "coordinator", files[:3], at=night)
    assert _watch(cast, at) == 1
    assert "inhabituelles" in body(letters(cast, LETTER)[0])


@pytest.mark.nightly
def test_the_letter_leaves_within_a_minute_of_the_last_reading(cast: Cast, files: list[UUID]) -> None:
    clock, mailbag = Clock(AT), Mailbag()
    means = means_of(cast, clock, mailbag)
    address = f"{cast.people['privacy_officer']}"

    def sent() -> bool:
        return any(letter["state"] == "sent" for letter in letters(cast, LETTER))

    def rush(_: object) -> None:
        begun = datetime.now().astimezone()
        _reads(cast, SECOND, files[:3], ground="purpose", every=timedelta(0))
        eventually(sent)
        assert datetime.now().astimezone() - begun < MINUTE, address

    within(cast, means, rush)


# --------------------------------------------------------------------------------------------------- who is stopped


def _declare(cast: Cast, an_hour: int, a_day: int) -> None:
    rate = {"an_hour": an_hour, "a_day": a_day}
    with cast.session() as session:
        session.execute(
            update(_program)
            .where(_program.c.id == cast.program_id)
            .values(reading={"roles": {"coordinator": rate}, "others": {"an_hour": 2, "a_day": 3}})
        )


def test_a_role_opens_so_many_files_in_an_hour_and_a_day_as_the_program_declares(cast: Cast, files: list[UUID]) -> None:
    _declare(cast, 4, 6)
    at = _reads(cast, "coordinator", files[:4])
    with refused(rates.TOO_MANY):
        _reads(cast, "coordinator", files[4:5], at=at)
    _reads(cast, "coordinator", files[:4], at=at)
    with refused(rates.TOO_MANY):
        _reads(cast, WORKER, files[:3], at=at, ground="part")
    at = _reads(cast, "coordinator", files[4:6], at=at + 2 * HOUR)
    with refused(rates.TOO_MANY):
        _reads(cast, "coordinator", files[6:7], at=at + 2 * HOUR)
    _reads(cast, "coordinator", files[6:7], at=at + 25 * HOUR)


def test_a_refusal_says_when_the_next_file_opens(cast: Cast, files: list[UUID]) -> None:
    _declare(cast, 2, 20)
    _reads(cast, "coordinator", files[:2], every=10 * MINUTE)
    with cast.session() as session, pytest.raises(Refusal) as told:
        open_identity(session, files[2], by=cast.actor("coordinator"), at=AT + 20 * MINUTE, ground="role")
    assert told.value.facts == {"most": 2, "minutes": 40}
    _reads(cast, "coordinator", files[2:3], at=AT + HOUR)


def test_who_wears_two_hats_has_one_count(cast: Cast, files: list[UUID]) -> None:
    _declare(cast, 4, 20)
    at = _reads(cast, "coordinator", files[:3])
    as_worker = Actor("youth_worker", cast.people["coordinator"], cast.organizations["ccsmtl"])
    with cast.session() as session, refused(rates.TOO_MANY):
        open_identity(session, files[3], by=as_worker, at=at, ground="part")


@pytest.mark.ci
def test_two_windows_at_once_open_no_more_than_one_would(cast: Cast, files: list[UUID]) -> None:
    _declare(cast, 3, 20)
    came, start = list[str](), threading.Barrier(6)

    def open_one(file: UUID) -> None:
        start.wait()
        try:
            _reads(cast, "coordinator", [file])
            came.append("read")
        except Refusal as refusal:
            came.append(refusal.code)

    threads = [threading.Thread(target=open_one, args=(file,)) for file in files[:6]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(came) == sorted(["read"] * 3 + [rates.TOO_MANY] * 3)


def _client(cast: Cast, who: str) -> TestClient:
    return client_for(cast.database, cast.people[who])


@pytest.mark.ci
def test_whoever_is_stopped_is_told_clearly_and_the_privacy_officer_hears_of_it(cast: Cast, files: list[UUID]) -> None:
    _declare(cast, 2, 20)
    coordinator = _client(cast, "coordinator")
    for file in files[:2]:
        assert coordinator.post(f"/participants/{file}/identity").status_code == 200
    page = coordinator.post(f"/participants/{files[2]}/identity")
    assert page.status_code == 429
    assert "The next one opens in 60 min" in page.text
    assert "Ondine" not in page.text
    answer = coordinator.post(f"/api/v1/participants/{files[2]}/identity", json={})
    assert (answer.status_code, answer.json()["code"]) == (429, rates.TOO_MANY)
    assert answer.headers["retry-after"] == "3600"
    with cast.session() as session:
        stopped = text("select count(*) from event where verb = 'access.refused' and facts->>'why' = 'too_many'")
        assert session.scalar(stopped) == 2
    assert (_watch(cast, AT + MINUTE), _heard(cast)) == (1, [cast.people["privacy_officer"]])
    seen = _client(cast, "privacy_officer").get("/privacy/refusals").text
    assert "they had reached the number of files that their role may open in that time" in seen
