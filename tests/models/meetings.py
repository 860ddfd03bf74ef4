"""What a program's committees leave in their tables: a season, meetings, and all that hangs on them."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlmodel import Session

from models.agenda import AgendaItem, AgendaVersion, KeptPaper
from models.invitation import CalendarFeed, CalendarReader, Invitation, MeetingAnswer, MeetingLink, StrayReply
from models.meeting import DraftedYear, Meeting, MeetingGuest, MeetingSeries
from models.minutes import Attendance, Decision, Endorsement, Minutes, QuorumStanding
from models.redaction import NameAnswer, Redaction, WordKey
from tests.cast import AT, TODAY, Cast

ZONE = "America/Toronto"
WEEK = timedelta(days=7)


def meet(cast: Cast) -> None:
    """Rows of every table of meetings, as the verbs write them: those verbs are a layer above these tests."""
    with cast.session() as session:
        here: dict[str, Any] = {"program_id": cast.program_id}
        clinical, steering = (_id(session, "committee", key=key) for key in ("clinical", "steering"))
        series = MeetingSeries(
            **here,
            committee_id=clinical,
            uid=f"{uuid4()}@spheres.example",
            time_zone=ZONE,
            starts_on=TODAY,
            ends_on=TODAY + 40 * WEEK,
            at=datetime(2026, 1, 1, 9, 30).time(),  # noqa: DTZ001
            minutes=150,
            recorded_at=AT,
        )
        session.add(series)
        session.flush()
        weekly = _meeting(here, clinical, 1, series_id=series.id)
        weekly.original = weekly.starts
        held = _meeting(here, steering, 0, uid=f"{uuid4()}@spheres.example")
        held.state, held.opened_at, held.closed_at = "held", held.starts_at, held.ends_at
        session.add(weekly)
        session.add(held)
        session.flush()
        _invite(session, cast, series.id, weekly.id, held.id)
        _sit_and_decide(session, cast, steering, held, weekly.id)
        _take_out(session, cast, held.id)
        session.add(
            DraftedYear(
                **here,
                committee_id=steering,
                year=2027,
                follows=TODAY,
                dates=[{"starts": "2027-02-10T09:30"}],
                drafted_at=AT,
            )
        )


def _meeting(here: dict[str, Any], committee_id: UUID, weeks: int, **known: Any) -> Meeting:
    starts = datetime.combine(TODAY + weeks * WEEK, datetime(2026, 1, 1, 9, 30).time())  # noqa: DTZ001
    at = starts.replace(tzinfo=ZoneInfo(ZONE))
    return Meeting(
        **here,
        **known,
        committee_id=committee_id,
        starts=starts,
        time_zone=ZONE,
        minutes=150,
        starts_at=at,
        ends_at=at + timedelta(minutes=150),
        recorded_at=AT,
    )


def _invite(session: Session, cast: Cast, series_id: UUID, weekly_id: UUID, held_id: UUID) -> None:
    """Two invitations, an answer, a guest, a link, a feed, and a reply that went astray."""
    here: dict[str, Any] = {"program_id": cast.program_id}
    coordinator, manager = cast.people["coordinator"], cast.people["manager_em"]
    season = Invitation(**here, series_id=series_id, person_id=coordinator, told={"minutes": 150}, told_at=AT)
    session.add(season)
    session.add(Invitation(**here, meeting_id=held_id, person_id=manager, told={"minutes": 150}, told_at=AT))
    session.add(CalendarReader(**here, person_id=manager, dialect="replace"))
    session.add(MeetingGuest(**here, meeting_id=weekly_id, person_id=manager, invited_by=coordinator, invited_at=AT))
    session.add(
        MeetingAnswer(
            **here,
            meeting_id=held_id,
            person_id=manager,
            seat_id=_id(session, "seat", key="en-marge", role="manager"),
            answer="declined",
            by="link",
            alternate_id=coordinator,
            answered_at=AT,
        )
    )
    session.add(
        StrayReply(
            **here,
            digest=secrets.token_hex(32),
            reason="stale",
            claimed="accepted",
            person_id=manager,
            meeting_id=held_id,
            received_at=AT,
        )
    )
    session.flush()
    session.add(
        MeetingLink(
            **here, token_digest=secrets.token_hex(32), invitation_id=season.id, made_at=AT, expires_at=AT + WEEK
        )
    )
    session.add(CalendarFeed(**here, token_digest=secrets.token_hex(32), person_id=manager, id=uuid4(), made_at=AT))


def _take_out(session: Session, cast: Cast, held_id: UUID) -> None:
    """Words of a meeting under a second key, a redaction that waits and one that was done, and a word answered for."""
    here: dict[str, Any] = {"program_id": cast.program_id}
    coordinator, officer = cast.people["coordinator"], cast.people["manager_em"]
    session.add(WordKey(**here, meeting_id=held_id, made_at=AT, destroyed_at=AT, gone_at=AT))
    session.add(WordKey(**here, meeting_id=held_id, made_at=AT))
    asked: dict[str, Any] = {"meeting_id": held_id, "asked_by": coordinator, "asked_as": "coordinator", "asked_at": AT}
    session.add(Redaction(**here, **asked, words=b"sealed"))
    session.add(
        Redaction(
            **here,
            **asked,
            state="done",
            settled_by=officer,
            settled_as="privacy_officer",
            settled_at=AT,
            places=1,
            before="b" * 64,
            after="a" * 64,
        )
    )
    session.add(NameAnswer(**here, mark=secrets.token_hex(16), answered_by=coordinator, answered_at=AT))


def _sit_and_decide(session: Session, cast: Cast, committee_id: UUID, held: Meeting, next_id: UUID) -> None:
    """Who sat, an item settled and one scheduled, a decision that a task follows up, its endorsement, the minutes."""
    here: dict[str, Any] = {"program_id": cast.program_id}
    coordinator, manager = cast.people["coordinator"], cast.people["manager_em"]
    seat_id = _id(session, "seat", key="en-marge", role="manager")
    task_id = session.execute(text("select id from task where program_id = :here limit 1"), {"here": cast.program_id})
    session.add(
        Attendance(
            **here,
            meeting_id=held.id,
            seat_id=seat_id,
            state="present",
            person_id=manager,
            recorded_at=AT,
            recorded_by=coordinator,
        )
    )
    treated = AgendaItem(
        **here,
        committee_id=committee_id,
        meeting_id=held.id,
        kind="standing",
        subject="resources",
        title_fr="Ressources",
        title_en="Resources",
        presenter_seat_id=seat_id,
        number="1",
        frozen_at=AT,
        state="settled",
        outcome="decided",
        asked_at=AT,
        settled_at=AT,
        settled_as="coordinator",
    )
    session.add(treated)
    session.add(
        AgendaItem(
            **here,
            committee_id=_id(session, "committee", key="clinical"),
            meeting_id=next_id,
            kind="request",
            title_fr="Formation",
            state="scheduled",
            asked_by=manager,
            asked_at=AT,
        )
    )
    session.add(
        AgendaVersion(
            **here,
            meeting_id=held.id,
            n=1,
            kind="agenda",
            content=KeptPaper(agenda={"items": [{"number": "1"}]}, audiences=["seats"], items=["1"]),
            digest=secrets.token_hex(32),
            made_at=AT,
        )
    )
    session.flush()
    decision = Decision(
        **here,
        committee_id=committee_id,
        meeting_id=held.id,
        item_id=treated.id,
        number=f"CD-{TODAY.year}-001",
        kind="management",
        text_fr="Le cellulaire est fourni par l’employeur.",
        has_quorum=True,
        quorum=QuorumStanding(True, True, 5, 5, 5, 5),
        owner_role="manager",
        due_on=TODAY + 4 * WEEK,
        task_id=task_id.scalar_one(),
        needs_endorsement=True,
        endorsement="endorsed",
        counts_since=AT,
        decided_at=AT,
        recorded_by=coordinator,
    )
    session.add(decision)
    session.flush()
    session.add(
        Endorsement(
            **here,
            decision_id=decision.id,
            organization_id=cast.organizations["en-marge"],
            said="endorsed",
            said_at=AT,
            said_by=manager,
            said_as="manager",
        )
    )
    session.add(
        Minutes(
            **here,
            meeting_id=held.id,
            state="approved",
            circulations=1,
            circulated_at=AT,
            approved_at=AT,
            approved_in_id=next_id,
        )
    )


def _id(session: Session, table: str, **wanted: str) -> UUID:
    """The one row of this program with these words, of a table that is named here and is no input."""
    named = " and ".join(f"{column} = :{column}" for column in wanted)
    found: UUID = session.execute(text(f"select id from {table} where {named}"), wanted).scalar_one()  # noqa: S608
    return found
