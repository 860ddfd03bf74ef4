"""Installations for the doctor: one that is sound, on a test's database and a folder of its own, to be broken."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, NullPool, create_engine, text

from adapters.people_keys import make_people_keys
from adapters.settings import Settings
from api.cli.checkup.finding import Check, Finding, Group
from api.cli.checkup.house import House
from api.cli.doctor import examine
from tests.cast import AT, Cast
from tests.fakes.answering import Answering
from tests.fakes.ledger import on_disk
from tests.flows.prefect_server import free_port

#: Each is somewhere in the settings of a sound installation, and nowhere in what the doctor says.
WORD: Final = "spheres:canary-word-of-the-engine"

WEB: Final = {"/healthz": (200, {"ok": True})}
ENGINE: Final = {"/api/health": (200, True), "/api/work_pools/spheres": (200, {"name": "spheres", "status": "READY"})}


def environment(cast: Cast, data: Path, **more: object) -> dict[str, str]:
    """The variables of an installation on a test's database, with its keys and its ledger in a folder."""
    on_disk(cast.database, data)
    make_people_keys(data / "keys" / "people")
    word = data / "prefect-auth"
    if not word.exists():
        word.write_text(WORD)
        word.chmod(0o600)
    given: dict[str, Any] = {
        "SPHERES_DATA": data,
        "SPHERES_LANG": "en",
        "SPHERES_PORT": free_port(),
        "SPHERES_PREFECT_PORT": free_port(),
        "SPHERES_BASE_URL": "https://spheres.example",
        "SPHERES_TRUSTED_PROXIES": "127.0.0.1",
        "DATABASE_URL": cast.database.url,
        "DATABASE_OWNER_URL": cast.database.owner_url,
        "PREFECT_DATABASE_URL": "postgresql+asyncpg://spheres_prefect:canary@/prefect?host=/nowhere",
        **more,
    }
    return {name: str(value) for name, value in given.items() if value is not None}


def house(cast: Cast, data: Path, **more: object) -> House:
    """The installation as the doctor finds it, with these variables besides, on the tests' day."""
    return house_at(AT, environment(cast, data, **more))


def house_at(at: datetime, variables: Mapping[str, str]) -> House:
    """The installation that these variables describe, as the doctor finds it at a moment."""
    return House(Settings.from_env(variables), variables, at=at)


def found(group: Group, of: House) -> dict[Check, Finding]:
    """What a group finds of an installation, by its checks."""
    return {one.check: one for _, one in examine(of, [group])}


@contextmanager
def running(
    web: Mapping[str, tuple[int, object]] | None = None,
    engine: Mapping[str, tuple[int, object]] | None = None,
    *,
    word: str = WORD,
) -> Iterator[dict[str, Any]]:
    """The variables of the ports at which a web and an engine's server answer."""
    with (
        Answering(WEB if web is None else web) as pages,
        Answering(ENGINE if engine is None else engine, word=word) as runs,
    ):
        yield {"SPHERES_PORT": pages.port, "SPHERES_PREFECT_PORT": runs.port}


@contextmanager
def as_superuser(cast: Cast) -> Iterator[Connection]:
    """A transaction on the test's database that no wall binds, and is kept."""
    engine = create_engine(cast.database.admin_url, poolclass=NullPool)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def break_database(cast: Cast, *statements: str) -> None:
    """Do to the database what only its superuser can."""
    with as_superuser(cast) as connection:
        for one in statements:
            connection.execute(text(one))
