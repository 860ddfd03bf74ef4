"""The doctor at the database: away, behind, ahead, full, signed in to with too much, and a wall that was taken down."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

import pytest
from sqlalchemy import text

from api.cli.checkup import databases, program_walls
from api.cli.checkup.groups import GROUPS
from api.cli.doctor import examine
from tests.api.doctor.houses import break_database, found, house
from tests.cast import Cast
from tests.flows.prefect_server import free_port


class Room(NamedTuple):
    """What a disk says of its room."""

    free: int


def test_a_sound_database_is_well_in_everything(cast: Cast, tmp_path: Path) -> None:
    for group in (databases.GROUP, program_walls.GROUP):
        states = {check.key: one.state for check, one in found(group, house(cast, tmp_path)).items()}
        states.pop("room.database", None)  # on a server of its own
        assert set(states.values()) == {"ok"}, states


def test_a_database_that_does_not_answer_is_wrong_and_nothing_else_is_asked_of_it(cast: Cast, tmp_path: Path) -> None:
    away = f"postgresql://spheres_app:canary@127.0.0.1:{free_port()}/spheres"
    seen = found(databases.GROUP, house(cast, tmp_path, DATABASE_URL=away))
    assert seen[databases.ANSWERS].state == "wrong"
    assert seen[databases.ROLE].state == seen[databases.MIGRATION].state == "not_asked"
    assert all(
        one.state == "not_asked"
        for one in found(program_walls.GROUP, house(cast, tmp_path, DATABASE_URL=away)).values()
    )


def test_an_embedded_database_that_was_never_made_is_not_made_by_asking(cast: Cast, tmp_path: Path) -> None:
    none = dict.fromkeys(("DATABASE_URL", "DATABASE_OWNER_URL", "PREFECT_DATABASE_URL"))
    here = house(cast, tmp_path / "data", **none)
    for one in ("keys", "ledger"):
        shutil.rmtree(tmp_path / "data" / one)
    seen = found(databases.GROUP, here)
    assert seen[databases.ANSWERS].state == "not_asked"
    assert "spheres up" in seen[databases.ANSWERS].seen.told_in("en")
    assert seen[databases.DATABASE_ROOM].state == "ok"
    assert not (tmp_path / "data" / "postgres").exists()


def test_an_embedded_database_that_is_stopped_is_not_started(cast: Cast, tmp_path: Path) -> None:
    (tmp_path / "postgres" / "cluster").mkdir(parents=True)
    none = dict.fromkeys(("DATABASE_URL", "DATABASE_OWNER_URL", "PREFECT_DATABASE_URL"))
    seen = found(databases.GROUP, house(cast, tmp_path, **none))
    assert seen[databases.ANSWERS].state == "not_asked"
    assert "starts nothing" in seen[databases.ANSWERS].seen.told_in("en")
    assert [one.name for one in (tmp_path / "postgres").iterdir()] == ["cluster"]


@pytest.mark.parametrize(
    ("standing", "todo"),
    [("0034", "A trial version"), ("9999_later", "A newer version"), (None, "spheres migrate")],
    ids=["of a trial", "of a newer version", "without a migration"],
)
def test_tables_of_another_version_are_wrong_and_it_is_said_what_to_do(
    cast: Cast, tmp_path: Path, standing: str | None, todo: str
) -> None:
    break_database(
        cast,
        "delete from alembic_version",
        *([f"insert into alembic_version values ('{standing}')"] if standing else []),  # noqa: S608 - our own words
    )
    seen = found(databases.GROUP, house(cast, tmp_path))[databases.MIGRATION]
    assert (seen.state, todo in (seen.todo.told_in("en") if seen.todo else "")) == ("wrong", True)


def test_without_the_owners_address_the_migration_is_not_asked(cast: Cast, tmp_path: Path) -> None:
    seen = found(databases.GROUP, house(cast, tmp_path, DATABASE_OWNER_URL=None))
    assert seen[databases.MIGRATION].state == "not_asked"


def test_an_owner_who_cannot_sign_in_is_told(cast: Cast, tmp_path: Path) -> None:
    away = f"postgresql://spheres_owner:canary@127.0.0.1:{free_port()}/spheres"
    seen = found(databases.GROUP, house(cast, tmp_path, DATABASE_OWNER_URL=away))
    assert seen[databases.MIGRATION].state == "wrong"


@pytest.mark.parametrize("whose", ["owner_url", "admin_url"])
def test_an_application_that_signs_in_as_owner_or_superuser_is_wrong(cast: Cast, tmp_path: Path, whose: str) -> None:
    too_much = {"DATABASE_URL": getattr(cast.database, whose), "DATABASE_OWNER_URL": None}
    seen = found(databases.GROUP, house(cast, tmp_path, **too_much))
    assert seen[databases.ROLE].state == "wrong"
    walls = found(program_walls.GROUP, house(cast, tmp_path, **too_much))
    assert {walls[program_walls.HOLD].state, walls[program_walls.GRANTS].state} == {"wrong"}


@pytest.mark.parametrize(("left", "state"), [(4, "wrong"), (19, "warn")])
def test_few_connections_are_told(
    cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: int, state: str
) -> None:
    monkeypatch.setattr(databases, "_CONNECTIONS", text(f"select {left}"))
    assert found(databases.GROUP, house(cast, tmp_path))[databases.CONNECTIONS].state == state


@pytest.mark.parametrize(("free", "state"), [(100 << 20, "wrong"), (1 << 30, "warn"), (9 << 30, "ok")])
def test_a_disk_without_room_is_told(
    cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, state: str
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Room(free))
    assert found(databases.GROUP, house(cast, tmp_path))[databases.DATA_ROOM].state == state


def test_a_wall_that_was_taken_down_is_named(cast: Cast, tmp_path: Path) -> None:
    break_database(cast, "alter table person disable row level security")
    seen = found(program_walls.GROUP, house(cast, tmp_path))
    assert "person" in seen[program_walls.STAND].seen.told_in("en")
    assert {seen[program_walls.STAND].state, seen[program_walls.HOLD].state} == {"wrong"}


def test_a_wall_without_a_policy_is_named(cast: Cast, tmp_path: Path) -> None:
    break_database(cast, "drop policy own_program on tenure")
    assert found(program_walls.GROUP, house(cast, tmp_path))[program_walls.STAND].state == "wrong"


def test_a_policy_that_lets_all_through_is_felt_though_the_wall_stands(cast: Cast, tmp_path: Path) -> None:
    break_database(cast, "create policy a_hole on organization using (true)")
    seen = found(program_walls.GROUP, house(cast, tmp_path))
    assert seen[program_walls.STAND].state == "ok"
    assert seen[program_walls.HOLD].state == "wrong"
    assert "organization" in seen[program_walls.HOLD].seen.told_in("en")


@pytest.mark.parametrize("what", ["delete on event", "update on engine_run", "truncate on person", "update on wake_up"])
def test_a_right_too_many_is_named(cast: Cast, tmp_path: Path, what: str) -> None:
    break_database(cast, f"grant {what} to spheres_app")
    seen = found(program_walls.GROUP, house(cast, tmp_path))[program_walls.GRANTS]
    assert seen.state == "wrong"
    assert what.replace(" on", "") in seen.seen.told_in("en")


def test_walls_of_tables_that_are_missing_are_not_asked(cast: Cast, tmp_path: Path) -> None:
    break_database(cast, "drop table beat")
    assert {one.state for one in found(program_walls.GROUP, house(cast, tmp_path)).values()} == {"not_asked"}


def test_an_empty_database_is_wrong_once_and_nothing_else_is_asked_of_it(cast: Cast, tmp_path: Path) -> None:
    break_database(cast, "drop schema public cascade", "create schema public", "grant usage on schema public to public")
    seen = {one.check.key: one.state for _, one in examine(house(cast, tmp_path), GROUPS)}
    assert seen["database.migration"] == "wrong"
    others = ("settings.people", "walls.stand", "keys.known", "engine.workers", "clock.zones", "mail.letters")
    assert {seen[one] for one in others} == {"not_asked"}


def test_passwords_that_others_can_read_are_not_closed_by_looking(cast: Cast, tmp_path: Path) -> None:
    (tmp_path / "postgres" / "cluster").mkdir(parents=True)
    file = tmp_path / "postgres" / "secrets.json"
    file.write_text("{}")
    file.chmod(0o644)
    none = dict.fromkeys(("DATABASE_URL", "DATABASE_OWNER_URL", "PREFECT_DATABASE_URL"))
    seen = found(databases.GROUP, house(cast, tmp_path, **none))
    assert "close it first" in seen[databases.ANSWERS].seen.told_in("en")
    assert file.stat().st_mode & 0o777 == 0o644


def test_the_doctor_cannot_write(cast: Cast, tmp_path: Path) -> None:
    with house(cast, tmp_path).before_a_program() as session, pytest.raises(Exception, match="read-only"):
        session.connection().exec_driver_sql("insert into beat (process, at, prefect_up) values ('x', now(), false)")
