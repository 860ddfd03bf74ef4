"""Whether what came back from a copy is what it has to be: its record under its seals, its keys on what they seal."""

from __future__ import annotations

from pathlib import Path

from sqlmodel import Session

from adapters.backups.faults import BackupError
from adapters.database import make_engine, open_session, program_session
from adapters.keys import FileSealKeys
from adapters.people_keys import FilePeopleKeys
from domain.kernel import col, scalars, select
from domain.participants import try_keys
from domain.record import check
from models.program import Program


def judge(url: str, seal_keys: Path, people_keys: Path) -> None:
    """Look at every program of a database that came back, as its owner. Raises BackupError where one is not sound."""
    engine = make_engine(url, pool_size=1, application_name="spheres copies")
    try:
        with open_session(engine) as session:
            ids = list(scalars(session, select(Program.id).order_by(col(Program.key))))
        for program_id in ids:
            with program_session(engine, program_id) as session:
                session.info["keys"] = FilePeopleKeys(people_keys)
                _judge_one(session, FileSealKeys(seal_keys))
    finally:
        engine.dispose()


def _judge_one(session: Session, seals: FileSealKeys) -> None:
    report = check(session, seals)
    if not report.is_sound:
        raise BackupError(
            "not_verified",
            "The record that came back is not as it was sealed: %(codes)s. See also: spheres verify",
            codes=", ".join(sorted({one.code for one in report.findings})),
        )
    tried = try_keys(session)
    if not tried.is_sound:
        raise BackupError(
            "not_verified",
            "The keys of the participants do not open what came back: of %(tried)s tried, %(opened)s opened.",
            tried=tried.tried,
            opened=tried.opened,
        )
