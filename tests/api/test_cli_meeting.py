"""`spheres meeting receive`: one mail on standard input, as a mail server pipes it into a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, date, datetime, time, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import select

from meetings import schedule
from meetings.mail_replies import MOST_BYTES
from models.base import table_of
from models.invitation import MeetingAnswer, StrayReply
from models.meeting import MeetingSeries
from tests.cast import ROOT, Cast
from tests.fakes.ledger import on_disk_beside
from tests.meetings.sitting import give

_answer = table_of(MeetingAnswer)
_stray = table_of(StrayReply)
_series = table_of(MeetingSeries)

NOW = datetime.now(UTC)
#: The process has the clock of this machine: the season lies after it.
FIRST = max(NOW.date(), date(2026, 12, 2)) + timedelta(days=7)


def _piped(cast: Cast, mail: bytes, *arguments: str, url: str = "") -> tuple[int, str, str]:
    with TemporaryDirectory() as data:
        done = subprocess.run(
            [sys.executable, "-m", "api.cli", "meeting", "receive", *arguments],
            input=mail,
            capture_output=True,
            cwd=ROOT,
            timeout=120,
            check=False,
            env={
                **os.environ,
                "SPHERES_LANG": "en",
                "DATABASE_URL": url or cast.database.url,
                "DATABASE_OWNER_URL": cast.database.owner_url,
                "PREFECT_DATABASE_URL": "postgresql+asyncpg://nobody:x@/prefect?host=/nowhere",
                **on_disk_beside(cast.database, Path(data)),
            },
        )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def _mail(uid: str, of: str) -> bytes:
    mail = EmailMessage(policy=SMTP)
    mail["From"] = of
    mail["To"] = "spheres@program.example"
    mail["Subject"] = "Accepted"
    mail.set_content("I come.")
    stamp = (NOW + timedelta(minutes=1)).strftime("%Y%m%dT%H%M%SZ")
    lines = [
        "BEGIN:VCALENDAR",
        "PRODID:-//Somebody//Calendar//EN",
        "VERSION:2.0",
        "METHOD:REPLY",
        "BEGIN:VEVENT",
        f"UID:{uid}",
        f"DTSTAMP:{stamp}",
        "SEQUENCE:0",
        f"ATTENDEE;PARTSTAT=ACCEPTED:mailto:{of}",
        "ORGANIZER:mailto:spheres@program.example",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    mail.add_alternative("\r\n".join([*lines, ""]), subtype="calendar", params={"method": "REPLY"})
    return mail.as_bytes()


@pytest.fixture
def uid(cast: Cast) -> str:
    """The UID of a season of four meetings in the second program, the one whose key comes later."""
    with cast.other.session() as session:
        by = cast.other.actor("coordinator")
        give(session, cast.other, "clinical", "coordination", "coordinator")
        schedule.plan_season(
            session, "clinical", first=FIRST, last=FIRST + timedelta(days=21), hour=time(9, 30), by=by, at=NOW
        )
        found: str = session.scalars(select(_series.c.uid).where(_series.c.program_id == cast.other.program_id)).one()
    return found


def _kept(cast: Cast) -> tuple[list[str], list[str]]:
    with cast.session() as session:
        said = session.scalars(select(_answer.c.answer).where(_answer.c.program_id == cast.program_id)).all()
        strays = session.scalars(select(_stray.c.reason).where(_stray.c.program_id == cast.program_id)).all()
    return list(said), list(strays)


@pytest.mark.ci
def test_a_mail_is_taken_in_the_program_that_knows_what_it_answers(cast: Cast, uid: str) -> None:
    status, out, err = _piped(cast, _mail(uid, "coordinator@ccsmtl.example"))
    assert (status, out.strip(), err) == (0, "Meetings answered: 4.", "")
    assert _kept(cast.other) == (["accepted"] * 4, [])
    assert _kept(cast) == ([], [])


@pytest.mark.ci
def test_a_mail_of_someone_else_is_kept_with_its_reason_and_none_is_sent_back(cast: Cast, uid: str) -> None:
    status, out, _ = _piped(cast, _mail(uid, "stranger@elsewhere.example"))
    assert (status, "not_invited" in out) == (0, True)
    assert "stranger" not in out
    assert _kept(cast.other) == ([], ["not_invited"])


@pytest.mark.ci
def test_what_is_no_answer_or_too_large_ends_well_and_is_kept_where_the_program_is_said(cast: Cast) -> None:
    huge = b"Subject: x\r\n\r\n" + b"y" * (5 * MOST_BYTES)
    status, out, err = _piped(cast, huge)
    assert (status, "not kept" in out, err) == (0, True, "")
    status, out, _ = _piped(cast, huge, "--program", "greater-montreal")
    assert (status, "too_large" in out) == (0, True)
    assert _kept(cast) == ([], ["too_large"])


@pytest.mark.ci
def test_while_the_database_is_away_the_mail_server_is_told_to_try_again(cast: Cast, uid: str) -> None:
    away = "postgresql+psycopg://spheres_app:x@127.0.0.1:9/nowhere"
    status, out, err = _piped(cast, _mail(uid, "coordinator@ccsmtl.example"), url=away)
    assert (status, out) == (75, "")
    assert "Traceback" not in err
