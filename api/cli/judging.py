"""Whether what came back from a copy is what it has to be: its record under its seals, its keys on what they seal."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, Engine, event
from sqlmodel import Session

from adapters.backups.faults import BackupError
from adapters.backups.taking import Origin, Verdict
from adapters.database import make_engine, open_session, program_session
from adapters.keys import FileSealKeys
from adapters.people_keys import FilePeopleKeys
from api.cli.spoken import tell_apart
from domain.kernel import col, program_of, scalars, select
from domain.participants import KeysTried, destroyed, together, try_keys
from domain.record import check
from locales import N_
from models.program import Program

T = TypeVar("T")


def judge_copy(origin: Origin, url: str, seal_keys: Path, people_keys: Path, snapshot: str) -> Verdict:
    """Look at a copy that came back, beside what it was made of at the moment of `snapshot`.

    What is wrong with both is no fault of the copy. Raises BackupError where the copy alone is not sound, or none of
    its keys opens anything.
    """
    with _engine(url) as engine:
        findings, keys = _findings(engine, seal_keys), _tried(engine, people_keys)
    lost = keys.missing | keys.broken
    if findings or lost:
        with _engine(origin.owner_url, snapshot) as engine:
            known = _findings(engine, origin.seal_keys) if findings else ()
        with _engine(origin.owner_url) as engine:  # as it is by now: of a moment ago a key may be destroyed since
            lost -= {one for ids in _each(engine, lambda session: destroyed(session, lost)) for one in ids}
        _refuse_new(findings, known)
    if lost and not keys.opened:
        raise _opening_nothing(keys)
    return Verdict(findings, len(lost))


def judge(url: str, seal_keys: Path, people_keys: Path, known: Collection[str] | None = ()) -> None:
    """Look at every program of a database that came back, as its owner. Raises BackupError where one is not sound.

    `known` is what was wrong with its record when it was copied: that is told, and no reason to refuse; with None,
    nothing is. Keys that are missing are told too: of whom is destroyed since there is none.
    """
    with _engine(url) as engine:
        findings, keys = _findings(engine, seal_keys), _tried(engine, people_keys)
    if known is not None:
        _refuse_new(findings, known)
    if keys.broken and not keys.opened:
        raise _opening_nothing(keys)
    if findings:
        tell_apart(
            N_("The record is as it was copied, and something was wrong with it then: %(codes)s. See: spheres verify"),
            codes=codes_of(findings),
        )
    if keys.missing or keys.broken:
        tell_apart(
            N_(
                "Keys of participants or of words that are not among those of the copy: %(missing)s; that open "
                "nothing: %(broken)s. They were destroyed since, or are lost: another copy may hold them (--keys-from)."
            ),
            missing=len(keys.missing),
            broken=len(keys.broken),
        )


def _refuse_new(findings: Collection[str], known: Collection[str]) -> None:
    new = [one for one in findings if one not in known]
    if new:
        raise BackupError(
            "not_verified",
            "The record that came back is not as it was sealed: %(codes)s. See also: spheres verify",
            codes=codes_of(new),
        )


def _opening_nothing(keys: KeysTried) -> BackupError:
    return BackupError(
        "not_verified",
        "The keys of the participants do not open what came back: of %(tried)s tried, %(opened)s opened.",
        tried=keys.needed,
        opened=keys.opened,
    )


def codes_of(findings: Collection[str]) -> str:
    """The codes of what was found, each once."""
    return ", ".join(sorted({one.split()[1] for one in findings}))


def _tried(engine: Engine, people_keys: Path) -> KeysTried:
    """The keys that the rows of all programs need."""
    keys = FilePeopleKeys(people_keys)

    def tried(session: Session) -> KeysTried:
        session.info["keys"] = keys
        return try_keys(session)

    return together(_each(engine, tried))


def _findings(engine: Engine, seal_keys: Path) -> tuple[str, ...]:
    """What `spheres verify` would say of each program: its key, the code, and where, so that two can be compared."""
    seals = FileSealKeys(seal_keys)

    def said(session: Session) -> list[str]:
        found = check(session, seals).findings
        return [
            f"{program_of(session)} {one.code} {json.dumps(dict(one.facts), sort_keys=True, default=str)}"
            for one in found
        ]

    return tuple(one for each in _each(engine, said) for one in each)


def _each(engine: Engine, ask: Callable[[Session], T]) -> list[T]:
    """What each program answers."""
    with open_session(engine) as session:
        ids = list(scalars(session, select(Program.id).order_by(col(Program.key))))
    answers = []
    for program_id in ids:
        with program_session(engine, program_id) as session:
            answers.append(ask(session))
    return answers


@contextmanager
def _engine(url: str, snapshot: str = "") -> Iterator[Engine]:
    """An engine on a database, as it stood at the moment of a snapshot where one is given."""
    engine = make_engine(url, pool_size=1, application_name="spheres copies")
    if snapshot:
        engine.update_execution_options(isolation_level="REPEATABLE READ")

        @event.listens_for(engine, "begin")
        def see_that_moment(connection: Connection) -> None:
            connection.exec_driver_sql(f"set transaction snapshot '{snapshot}'")

    try:
        yield engine
    finally:
        engine.dispose()
