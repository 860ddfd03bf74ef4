"""The demonstration has candidates: one to triage, one before the committee, and a draft."""

from __future__ import annotations

from sqlalchemy import text

from adapters.database import program_session
from api.cli.demonstration import load_demonstration
from tests.cast import AT, KEYS, stationery
from tests.conftest import Database


def test_the_demonstration_has_candidates_at_several_points_of_their_way(database: Database) -> None:
    program_id = load_demonstration(database.engine, stationery(), at=AT, keys=KEYS)
    with program_session(database.engine, program_id) as session:
        states = session.execute(text("select state, result from referral order by state, result")).all()
        cases = session.execute(text("select count(*) from \"case\" where subject_kind = 'participant'")).scalar_one()
    assert [tuple(row) for row in states if row.state != "joined"][-3:] == [
        ("draft", ""),
        ("received", ""),
        ("triaged", "committee"),
    ]
    assert cases >= 2
