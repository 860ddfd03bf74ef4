"""Each promise about files that end, readers and letters is found broken where the rows break it, and not before."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlmodel import Session

from domain.admissions import first_meetings
from domain.mail import notices
from domain.participants import retention
from domain.participants.identity import open_identity
from simulation.promises import broken
from tests.cast import AT, TODAY, Cast
from tests.destroying import DELAY, WHY, asked, destroyed
from tests.models.conftest import as_superuser
from tests.referring import ROMARIN, declare_admission, refer, triaged

DAY = timedelta(days=1)
OVER = AT + 366 * DAY
LATER = OVER + DELAY + DAY


@pytest.fixture
def two(cast: Cast) -> tuple[UUID, UUID]:
    """A file that two destroyed, and one of which it is asked."""
    declare_admission(cast)
    gone, waits = triaged(cast, refer(cast)), triaged(cast, refer(cast, ROMARIN))
    by = cast.actor("coordinator")
    with cast.session() as session:
        for file in (gone, waits):
            first_meetings.decline(session, file, by=by, at=AT)
        destroyed(session, cast, gone, at=OVER)
        asked(session, cast, waits, at=OVER)
    return gone, waits


def _broken(cast: Cast, at: datetime = LATER) -> list[str]:
    with cast.session() as session:
        return [one.sentence for one in broken(session, at)]


BREAKS = {
    "No file is destroyed that two people did not agree to destroy.": [
        "update participant set state = 'destroyed', destroyed_at = now(), sealed = null, names = null where id=:waits",
        "update destruction set ended_by = asked_by where participant_id = :gone",
        "update destruction set ended_for = asked_by where participant_id = :gone",
        "delete from destruction where participant_id = :gone",
    ],
    "Nobody confirms the destruction of a file before its delay is over, or after it lapsed.": [
        "update destruction set ended_at = asked_at where participant_id = :gone",
        "update destruction set lapses_on=confirm_from, ended_at = ended_at + interval '9 d' where state = 'confirmed'",
    ],
    "Destruction is confirmed by the privacy officer or a manager.": [
        "update destruction set ended_as = 'youth_worker' where participant_id = :gone"
    ],
    "Nobody is asked to confirm the destruction of a file that is held, followed, being admitted or kept.": [
        "update participant set held = true, held_at = now(), held_by = :somebody where id = :waits",
        "update participant set retain_until = null where id = :waits",
        "update participant set retain_until = '2200-01-01' where id = :waits",
        "update participant set state = 'assigned' where id = :waits",
    ],
    "What says who somebody was is gone from a file that is destroyed, and its key is to go with it.": [
        "update participant set marks = '{abc}' where id = :gone",
        "update data_key set destroyed_at = null where participant_id = :gone",
    ],
}


@pytest.mark.wide(4)
@pytest.mark.parametrize(("sentence", "break_it"), [(said, one) for said, ways in BREAKS.items() for one in ways])
def test_what_breaks_a_promise_of_destruction_is_found(
    cast: Cast, two: tuple[UUID, UUID], sentence: str, break_it: str
) -> None:
    assert _broken(cast) == []
    with as_superuser(cast.database) as connection:
        connection.execute(text("alter table destruction drop constraint ck_destruction_takes_two"))
        asked_for = {"gone": two[0], "waits": two[1], "somebody": cast.people["coordinator"]}
        connection.execute(text(break_it), {key: one for key, one in asked_for.items() if f":{key}" in break_it})
        connection.commit()
    assert sentence in _broken(cast)


def _move_without_a_reason(session: Session, cast: Cast, file: UUID) -> None:
    retention.retain_until(session, file, (LATER + DAY).date(), reason=WHY, by=cast.actor("coordinator"), at=LATER)


@pytest.mark.ci
def test_a_day_that_was_set_without_a_reason_is_found(cast: Cast, two: tuple[UUID, UUID]) -> None:
    with cast.session() as session:
        _move_without_a_reason(session, cast, two[1])
    assert _broken(cast) == []
    with as_superuser(cast.database) as connection:
        connection.execute(text("delete from kept_until"))
        connection.commit()
    assert _broken(cast) == ["A last day that somebody set by hand has its reason."]


def test_who_opened_more_files_than_their_role_may_is_found(cast: Cast, two: tuple[UUID, UUID]) -> None:
    with cast.session() as session:
        open_identity(session, two[1], by=cast.actor("coordinator"), at=LATER, ground="role")
    assert _broken(cast) == []
    with as_superuser(cast.database) as connection:
        again = (
            "insert into event (program_id, id, at, actor_id, actor_as, verb, subject_kind, subject_id, facts) select "
            "program_id, gen_random_uuid(), at, actor_id, actor_as, verb, subject_kind, gen_random_uuid(), facts "
            "from event, generate_series(1, 60) where verb = 'read' and facts->>'what' = 'identity'"
        )
        connection.execute(text(again))
        connection.commit()
    assert _broken(cast) == ["Nobody opened more files in the last hour than their role may."]


@pytest.mark.ci
def test_a_letter_about_a_reader_to_themselves_is_found(cast: Cast) -> None:
    reader, hears = cast.people["coordinator"], cast.people["privacy_officer"]
    told: dict[str, Any] = {"reader": "Agate", "patterns": [], "day": TODAY, "clock": "9:00", "answers": True}

    def write(to: UUID, at: datetime) -> None:
        with cast.session() as session:
            key = f"reading_pattern:{reader}:{at.isoformat()}"
            notices.write(session, "reading_pattern", to=to, key=key, facts=lambda _: {**told, "path": "/"}, at=at)

    write(hears, LATER)
    assert _broken(cast) == []
    write(reader, LATER)
    assert len(_broken(cast)) == 1


@pytest.mark.ci
@pytest.mark.usefixtures("two")
def test_a_number_in_the_subject_of_a_letter_is_found(cast: Cast) -> None:
    with as_superuser(cast.database) as connection:
        connection.execute(text("update notice set created_at = :at"), {"at": LATER})
        connection.commit()
    assert _broken(cast) == []
    for subject in ("Suivi de #2026-01", "Dossier ouvert : C-5388X8", "Décision CS-2026-014"):
        with as_superuser(cast.database) as connection:
            connection.execute(text("update notice set subject = :subject"), {"subject": subject})
            connection.commit()
        assert "The subject of no letter calls anybody or anything by reference or number." in _broken(cast)
