"""An upgrade from a release in the middle: no row is lost, and people, the engine and the post go on where they were.

`upgrade/what_begins_by_itself.copy.gz` was left by the release at revision 0005, before anything of participants: two
programs in which a bit of everything has happened, so that each of its tables has a row of each of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest
from sqlalchemy import text

from adapters.database import migrate
from flows.post import deliver
from tests.api.desk import client_for
from tests.casework import approve, case_row, complete, step
from tests.cast import MEMBERS, OTHER_KEY, OTHERS, Cast
from tests.conftest import Copies, Database
from tests.flows.support import Clock, Mailbag, carry_all, means_of
from tests.models.catalogue import catalogue
from tests.models.conftest import as_superuser
from tests.models.releases import LEFT, cast_of, columns_of, left_by, rows_of

REVISION: Final = "0005"


@pytest.fixture(scope="module")
def left_behind(copies: Copies) -> Iterator[str]:
    """The name of a database as that release left it, which nobody is signed in to."""
    with left_by(copies, REVISION, LEFT / "what_begins_by_itself.copy.gz") as name:
        yield name


@pytest.fixture
def upgraded(before: Database) -> Cast:
    """The two programs after the upgrade."""
    migrate(before.owner_url)
    second = cast_of(before, OTHER_KEY, OTHERS)
    first = cast_of(before, "greater-montreal", MEMBERS)
    return Cast(before, first.program_id, first.organizations, first.people, MEMBERS, second=second)


@pytest.mark.ci
def test_what_is_upgraded_is_of_that_release_and_has_rows_in_every_table(before: Database, fresh: set[str]) -> None:
    with as_superuser(before) as connection:
        assert connection.execute(text("select version_num from alembic_version")).scalars().all() == [REVISION]
        assert catalogue(connection) != fresh
    rows = rows_of(before)
    assert len(rows) >= 60
    assert {name for name, held in rows.items() if not held} == set()


def test_every_row_is_kept_to_the_letter_and_the_tables_are_those_of_the_models(
    before: Database, fresh: set[str]
) -> None:
    with as_superuser(before) as connection:
        columns = columns_of(connection)
    stood = rows_of(before)
    migrate(before.owner_url)
    assert rows_of(before, columns=columns) == stood
    with as_superuser(before) as connection:
        assert catalogue(connection) == fresh


@pytest.mark.ci
def test_people_the_engine_and_the_post_go_on_where_they_were(upgraded: Cast) -> None:
    for cast in (upgraded, upgraded.other):
        with cast.session() as session:
            case_id = session.execute(
                text('select id from "case" where program_id = :here'), {"here": cast.program_id}
            ).scalar_one()
            assert step(session, case_id, "request_secure_access")["state"] == "done"
        complete(cast, case_id, "request_petty_cash")
        complete(cast, case_id, "plan_training")
        with cast.session() as session:
            assert step(session, case_id, "request_petty_cash")["state"] == "submitted"
            assert case_row(session, case_id)["state"] == "open"
    with upgraded.session() as session:
        case_id = session.execute(
            text('select id from "case" where program_id = :here'), {"here": upgraded.program_id}
        ).scalar_one()
    approve(upgraded, case_id, "request_petty_cash", by=upgraded.actor("manager_la"))
    bag = Mailbag()
    means = means_of(upgraded, Clock(), bag)
    assert {one.outcome for one in carry_all(means)} == {"waiting"}
    deliver(means)
    assert bag.sent
    with as_superuser(upgraded.database) as connection:
        assert connection.execute(text("select count(*) from wake_up where trouble <> ''")).scalar_one() == 0


@pytest.mark.wide(3)
@pytest.mark.parametrize("path", ["/", "/cases", "/meetings", "/committees", "/decisions", "/partners", "/people"])
def test_every_list_opens_on_what_the_release_before_wrote(upgraded: Cast, path: str) -> None:
    assert client_for(upgraded.database, upgraded.people["coordinator"]).get(path).status_code == 200
