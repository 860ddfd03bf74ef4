"""A database in which both programs have lived: every table holds rows of each, so that no wall is tried on nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

import pytest
from fastapi import Response
from sqlalchemy import Connection, NullPool, create_engine, select, text
from sqlmodel import Session

from adapters.database import program_session
from api.session import Office, sign_in
from duties import agreements, people, tasks
from duties.here import program_of
from duties.proofs import Proof
from models.access import AnsweredRequest
from models.agreement import AgreementVersion
from models.base import table_of
from models.engine import Beat, EngineRun, RoundMark
from models.program import Closure
from models.tables import metadata
from tests.casework import carry, complete, open_onboarding, step
from tests.cast import ARRIVAL, AT, LOADING, TODAY, Cast, stationery
from tests.conftest import Copies, Database

TABLES = sorted(table.name for table in metadata.sorted_tables)


@contextmanager
def as_application(database: Database, program_id: UUID | None) -> Iterator[Connection]:
    """A transaction of `spheres_app` in a program, or in none, of which nothing is kept."""
    with database.engine.connect() as connection:
        if program_id is not None:
            connection.execute(text("select set_config('spheres.program_id', :id, true)"), {"id": str(program_id)})
        yield connection
        connection.rollback()


@contextmanager
def as_superuser(database: Database) -> Iterator[Connection]:
    """A transaction that no policy and no privilege binds, of which nothing is kept."""
    engine = create_engine(database.admin_url, poolclass=NullPool)
    try:
        with engine.connect() as connection:
            yield connection
            connection.rollback()
    finally:
        engine.dispose()


@pytest.fixture(scope="package")
def lived_in(copies: Copies, cast_template: tuple[str, Cast]) -> Iterator[Cast]:
    """Two programs that have lived. Tests look, or change it in a transaction that they roll back."""
    name, built = cast_template
    with copies.of(name) as database:
        cast = built.on(database)
        for each in (cast, cast.other):
            _live(each)
        yield cast


def _live(cast: Cast) -> None:
    """Have a bit of everything happen in one program: by the verbs where one stands behind the table."""
    case_id = open_onboarding(cast)
    complete(cast, case_id, "request_secure_access")
    with cast.session() as session:
        asked = step(session, case_id, "request_secure_access")["id"]
        tasks.approve_task(session, asked, by=cast.actor("manager_em"), at=AT)
        with_bytes = step(session, case_id, "prepare_file_passwords")["id"]
        proofs = [Proof("document", "proof.txt", b"shown")]
        tasks.complete_task(session, with_bytes, by=cast.actor("coordinator"), at=AT, evidence=proofs)
        people.record_absence(
            session,
            person_id=cast.people["manager_em"],
            starts_on=ARRIVAL,
            ends_on=ARRIVAL + timedelta(days=4),
            deputy_id=cast.people["coordinator"],
            by=LOADING,
            at=AT,
        )
        _sign(session, cast)
    complete(cast, case_id, "open_secure_account")
    with cast.session() as session:
        items = _items(session, case_id, "prepare_equipment")
    for item in items:
        complete(cast, case_id, "prepare_equipment", item=item)
    complete(cast, case_id, "introduce_program")
    with cast.session() as session:
        items = _items(session, case_id, "hand_over_equipment")
    for item in items:
        complete(cast, case_id, "hand_over_equipment", item=item)
    carry(cast, case_id)
    _leave_traces(cast, case_id)


def _sign(session: Session, cast: Cast) -> None:
    """One director's signature under the agreement of the organization that employs the worker."""
    version = table_of(AgreementVersion)
    director = cast.people.get("director_em")
    if director is None:
        director = people.add_person(
            session, given_name="Ardoise", family_name="Schorl", email=None, language="fr", by=LOADING, at=AT
        )
        people.appoint(
            session,
            person_id=director,
            role="director",
            organization_id=cast.organizations["en-marge"],
            starts_on=TODAY,
            by=LOADING,
            at=AT,
        )
    signed = _version_of(session, cast.organizations["en-marge"])
    agreements.sign_version(session, signed, director_id=director, signed_on=TODAY, by=LOADING, at=AT)
    agreements.start_version(session, signed, starts_on=TODAY, by=LOADING, at=AT)
    assert session.scalar(select(version.c.state).where(version.c.id == signed)) == "in_force"


def _version_of(session: Session, organization_id: UUID) -> UUID:
    found: UUID = session.execute(
        text(
            "select v.id from agreement_version v"
            " join agreement a on (a.program_id, a.id) = (v.program_id, v.agreement_id)"
            " where v.program_id = :here and a.organization_id = :organization"
        ),
        {"here": program_of(session), "organization": organization_id},
    ).scalar_one()
    return found


def _items(session: Session, case_id: UUID, name: str) -> list[str]:
    rows = session.execute(
        text("select item from task where program_id = :here and case_id = :case and step = :step order by item"),
        {"here": program_of(session), "case": case_id, "step": name},
    )
    return list(rows.scalars())


def _leave_traces(cast: Cast, case_id: UUID) -> None:
    """What the engine and the web leave behind themselves, and a closed day."""
    office = Office(cast.database.engine, stationery(), "http://testserver", demonstration=True)
    sign_in(office, cast.program_id, cast.people["coordinator"], Response())
    with program_session(cast.database.engine, cast.program_id) as session:
        here = cast.program_id
        session.add(Closure(program_id=here, starts_on=TODAY, ends_on=TODAY, reason_fr="Fermé", reason_en="Closed"))
        session.add(EngineRun(program_id=here, case_id=case_id, started_at=AT, ended_at=AT, outcome="waiting"))
        session.add(RoundMark(program_id=here, key="remind", done_up_to=AT, ran_at=AT, ran_by="worker"))
        session.add(
            AnsweredRequest(
                program_id=here,
                person_id=cast.people["coordinator"],
                route="POST /api/v1/cases",
                key="once",
                digest="0" * 64,
                status=201,
                answered_at=AT,
            )
        )
        session.merge(Beat(process="worker", at=AT))
        session.commit()
