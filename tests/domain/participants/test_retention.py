"""The end of a file: kept until a day, held where the law asks, then destroyed with its key and nothing else."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, text

from domain.accompaniment import states
from domain.admissions import first_meetings
from domain.participants import disclosures, holds, retention
from domain.participants.identity import names_known, open_identity
from models.base import table_of
from models.participant import Participant
from tests.cast import AT, KEYS, TODAY, Cast
from tests.destroying import WHY, asked, destroyed
from tests.following import agreed, followed, row_of
from tests.referring import ROMARIN, declare_admission, refer, triaged
from tests.refusing import refused

_participant = table_of(Participant)
DAY = timedelta(days=1)
#: A year after the tests’ day, as the calendar of the demonstration says of those who are not admitted.
KEPT_AFTER_NO = timedelta(days=365)


def _declined(cast: Cast) -> UUID:
    """Somebody who was referred and said no: their file has a last day."""
    declare_admission(cast)
    participant_id = triaged(cast, refer(cast))
    with cast.session() as session:
        first_meetings.decline(session, participant_id, by=cast.actor("coordinator"), at=AT)
    return participant_id


@pytest.mark.ci
def test_a_file_is_destroyed_after_its_last_day_and_not_on_it(cast: Cast) -> None:
    participant_id, other = _declined(cast), refer(cast, ROMARIN)
    by = cast.actor("coordinator")
    last = AT + KEPT_AFTER_NO
    with cast.session() as session:
        with refused("retention.not_yet"):
            asked(session, cast, participant_id, at=last)
        assert retention.due(session, TODAY + KEPT_AFTER_NO) == []
        assert [row.id for row in retention.due(session, TODAY + KEPT_AFTER_NO + DAY)] == [participant_id]
        before = set(names_known(session))
        destroyed(session, cast, participant_id, at=last + DAY)
    with cast.session() as session:
        assert participant_id in KEYS.keys, "the key goes once the row says so for good"
        retention.destroy_keys(session, at=AT)
        assert participant_id not in KEYS.keys
        row = session.execute(select(_participant).where(_participant.c.id == participant_id)).one()
        assert (row.state, row.sealed, row.names, row.marks, row.languages, row.area) == (
            *("destroyed", None, None, [], []),
            "",
        )
        assert row.candidate_ref, "the reference and the days stay"
        with refused("keys.gone"):
            open_identity(session, participant_id, by=by, at=last + 9 * DAY, ground="role")
        left = session.execute(
            text("select sealed from referral where participant_id = :id"), {"id": participant_id}
        ).scalar_one()
        assert left is not None, "sealed, and nobody has what opens it"
        gone = before - set(names_known(session))
        assert [(one.given_name, one.family_name) for one in gone] == [("Ondine", "Fougère-Lys")]
        assert retention.due(session, TODAY + 10 * KEPT_AFTER_NO) == []
        assert session.execute(text("select state from referral where id = :id"), {"id": other}).scalar_one()


def test_a_legal_hold_keeps_a_file_whatever_its_last_day_and_is_released_once(cast: Cast) -> None:
    participant_id = _declined(cast)
    by, later = cast.actor("coordinator"), AT + KEPT_AFTER_NO + 2 * DAY
    with cast.session() as session:
        with refused("retention.not_held"):
            holds.release_hold(session, participant_id, reason=WHY, by=by, at=AT)
        holds.place_hold(session, participant_id, reason=WHY, by=by, at=AT)
        with refused("retention.held"):
            holds.place_hold(session, participant_id, reason=WHY, by=by, at=AT)
        assert retention.due(session, TODAY + 2 * KEPT_AFTER_NO) == []
        with refused("retention.hold"):
            asked(session, cast, participant_id, at=later)
        holds.release_hold(session, participant_id, reason=WHY, by=by, at=later)
        destroyed(session, cast, participant_id, at=later, knowing={"released"})
        with refused("retention.held"):
            holds.place_hold(session, participant_id, reason=WHY, by=by, at=later)
        told = session.scalars(
            text("select verb from event where subject_id = :id and verb like 'retention%' order by n"),
            {"id": participant_id},
        ).all()
        assert told == ["retention.held", "retention.released"]


def test_the_last_day_lies_ahead_and_nobody_who_is_followed_is_destroyed(cast: Cast) -> None:
    by, later = cast.actor("coordinator"), AT + 3 * DAY
    with cast.session() as session:
        agreed(session, cast)
        follow_up = followed(session, cast)
        participant_id = row_of(session, follow_up)["participant_id"]
        with refused("retention.past"):
            retention.retain_until(session, participant_id, TODAY - DAY, reason=WHY, by=by, at=AT)
        with refused("retention.not_yet"):
            asked(session, cast, participant_id, at=later + 400 * DAY)
        for day in (TODAY, TODAY + 9999 * DAY):
            with refused("retention.followed"):
                retention.retain_until(session, participant_id, day, reason=WHY, by=by, at=AT)
        states.deactivate(session, follow_up, "withdrew", by=by, at=AT)
        with refused("retention.not_yet"):
            asked(session, cast, participant_id, at=later)
        over = AT.replace(year=AT.year + 5) + DAY
        destroyed(session, cast, participant_id, at=over)
        with refused("participant.state"):
            asked(session, cast, participant_id, at=over)
        number = session.execute(select(_participant.c.number).where(_participant.c.id == participant_id)).scalar_one()
        assert number == "#2026-01", "the number is not given again"


def test_a_disclosure_is_opened_by_a_deliberate_act_that_stands_in_the_record(cast: Cast) -> None:
    participant_id = _declined(cast)
    by = cast.actor("coordinator")
    with cast.session() as session:
        disclosure = disclosures.disclose(
            session,
            participant_id,
            "ypa_39_1",
            to_whom="Protection de la jeunesse",
            what="La situation seule",
            disclosed_on=TODAY,
            only_necessary=True,
            by=by,
            at=AT,
        )
        told = disclosures.read_disclosure(session, participant_id, disclosure, by=by, at=AT, ground="role")
        assert told == {"to_whom": "Protection de la jeunesse", "what": "La situation seule"}
        reads = session.scalars(
            text("select facts->>'what' from event where verb = 'read' and subject_id = :id"), {"id": participant_id}
        ).all()
        assert reads == ["disclosure"]
        with refused("disclosure.unknown"):
            disclosures.read_disclosure(session, cast.program_id, disclosure, by=by, at=AT, ground="role")
