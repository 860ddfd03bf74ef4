"""A database in which both programs have lived: every table holds rows of each, so that no wall is tried on nothing."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi import Response
from sqlalchemy import Connection, NullPool, Table, create_engine, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session

from adapters.database import program_session
from api.access.session import Installation, sign_in
from domain.access import doors
from domain.agreements import agreements
from domain.casework import tasks
from domain.casework.proofs import GivenProof
from domain.kernel.scope import program_of
from domain.people import absences, people
from models import walls
from models.access import AnsweredRequest, Identity, Passkey, RateCount, SignInFlow
from models.agreement import AgreementVersion
from models.backups import BackupRun
from models.base import table_of
from models.engine import Beat, EngineRun, EngineSeat, InboxPlace, RoundMark
from models.ledger import Epoch, NumberGiven, Restoration, RestoredMatter, SentBefore
from models.program import Closure
from models.record import Incident, IncidentVersion, Seal, SentHead
from models.redaction import WordKey
from models.tables import metadata
from tests.casework import carry, complete, open_onboarding, step
from tests.cast import ARRIVAL, AT, LOADING, TODAY, Cast, letter_templates
from tests.conftest import Copies, Database
from tests.models.catalogue import catalogue
from tests.models.follow_ups import accompany
from tests.models.leaving import leave
from tests.models.meetings import meet
from tests.models.owed import owe
from tests.models.participants import arrive

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


def _build_fresh(owner_url: str) -> None:
    """Create the tables and walls as the models say, without migrations."""
    engine = create_engine(owner_url, poolclass=NullPool)
    try:
        with engine.begin() as connection:
            connection.execute(text("create extension if not exists btree_gist"))
            metadata.create_all(connection)
            walls.build(connection)
    finally:
        engine.dispose()


@pytest.fixture(scope="package")
def fresh(copies: Copies) -> Iterator[set[str]]:
    """The catalogue of a database built from the models, without a migration."""
    with copies.of("template0") as made:
        _build_fresh(made.owner_url)
        with as_superuser(made) as connection:
            yield catalogue(connection)


def anew(table: Table, row: dict[str, Any], *, keeping: Collection[str] = ()) -> dict[str, Any]:
    """A copy of a row that is another row: each part of its name drawn afresh, but what it refers to and `keeping`."""
    referring = {element.parent.name for key in table.foreign_key_constraints for element in key.elements}
    copy = {name: value for name, value in row.items() if table.c[name].computed is None}
    for column in table.primary_key.columns:
        if column.name not in referring and column.name not in keeping:
            copy[column.name] = uuid4() if isinstance(row[column.name], UUID) else secrets.token_hex(32)
    return copy


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
        proofs = [GivenProof("document", "proof.txt", b"shown")]
        tasks.complete_task(session, with_bytes, by=cast.actor("coordinator"), at=AT, evidence=proofs)
        absences.record_absence(
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
    _let_in(cast)
    _look_after_the_record(cast)
    _come_back(cast)
    meet(cast)
    owe(cast)
    arrive(cast)
    accompany(cast)
    leave(cast)


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
    agreements.send_version(session, signed, by=LOADING, at=AT)
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
    installation = Installation(cast.database.engine, letter_templates(), "http://testserver", demonstration=True)
    sign_in(installation, cast.program_id, cast.people["coordinator"], Response())
    with program_session(cast.database.engine, cast.program_id) as session:
        here = cast.program_id
        session.add(Closure(program_id=here, starts_on=TODAY, ends_on=TODAY, reason_fr="Fermé", reason_en="Closed"))
        session.add(EngineRun(program_id=here, case_id=case_id, started_at=AT, ended_at=AT, outcome="waiting"))
        session.add(RoundMark(program_id=here, key="remind", done_up_to=AT, ran_at=AT, ran_by="worker"))
        session.add(InboxPlace(program_id=here, mailbox="spheres@program.example", place="", since=AT, read_at=AT))
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
        session.merge(BackupRun(kind="backup", started_at=AT, ended_at=AT))
        session.merge(
            EngineSeat(seat="engine", address="http://10.0.0.5:8401/api", machine="first", since=AT, beat_at=AT)
        )
        session.commit()


def _let_in(cast: Cast) -> None:
    """The ways in of two people: a directory's account, a passkey, a letter's link, a sign-in half done."""
    coordinator, manager = cast.people["coordinator"], cast.people["manager_em"]
    with cast.session() as session:
        doors.make(session, doors.INVITATION, manager, by=cast.actor("coordinator"), at=AT)
        session.add(
            Identity(
                tenant_id=uuid4(), object_id=uuid4(), program_id=cast.program_id, person_id=coordinator, linked_at=AT
            )
        )
        session.add(
            Passkey(
                credential_id=secrets.token_urlsafe(32),
                program_id=cast.program_id,
                person_id=manager,
                public_key=secrets.token_bytes(77),
                enrolled_at=AT,
            )
        )
        session.add(SignInFlow(cookie_digest=secrets.token_hex(32), kind="entra", expires_at=AT))
        counted = insert(table_of(RateCount)).values(key="0" * 64, starts_at=AT, tries=1)
        session.execute(counted.on_conflict_do_update(index_elements=["key", "starts_at"], set_={"tries": 2}))


def _come_back(cast: Cast) -> None:
    """A restore, with something that had ended since, a letter that was sent, and a number that was given."""
    with cast.session() as session:
        here = cast.program_id
        session.merge(Epoch(number=1, found_at=AT, lines=3))
        session.add(Restoration(program_id=here, epoch=1, found_at=AT, missing_from=AT, missing_to=AT))
        session.add(
            RestoredMatter(
                program_id=here,
                epoch=1,
                kind="access",
                verb="access.ended",
                subject_kind="person",
                subject_id=cast.people["coordinator"],
                ledger_n=1,
                at=AT,
            )
        )
        session.add(SentBefore(program_id=here, digest=secrets.token_hex(32)))
        session.add(NumberGiven(program_id=here, series="incident", last=1))


def _look_after_the_record(cast: Cast) -> None:
    """A seal over the record's first line, its head sent out, and an incident in the register."""
    with cast.session() as session:
        first = session.scalar(text("select min(n) from event"))
        signature = secrets.token_hex(32)
        session.add(
            Seal(
                program_id=cast.program_id,
                number=1,
                lines=1,
                events=[first],
                marks=["0000"],
                digest=secrets.token_hex(32),
                signature=signature,
                key_id="1",
                sealed_at=AT,
            )
        )
        session.add(SentHead(program_id=cast.program_id, sent_on=TODAY, number=1, signature=signature, recipients=1))
        incident_id = uuid4()
        session.add(
            Incident(
                id=incident_id,
                program_id=cast.program_id,
                number=1,
                organization_id=cast.organizations["en-marge"],
                known_on=TODAY,
                recorded_by=cast.people["coordinator"],
                recorded_at=AT,
            )
        )
        session.flush()
        session.add(WordKey(program_id=cast.program_id, incident_id=incident_id, made_at=AT))
        session.add(
            IncidentVersion(
                program_id=cast.program_id,
                incident_id=incident_id,
                number=1,
                stood={"circumstances": "A sheet was left in a meeting room."},
                digest=secrets.token_hex(32),
                written_at=AT,
            )
        )
