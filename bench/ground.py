"""Where it is measured: a server of its own, durable and on disk, the real program, and cases copied by SQL.

The first case of each size is opened by the real verb; its copies are made by SQL, row for row, since opening 20,000
one by one would take longer than all the rest. Each copy is about a person of its own.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, LiteralString
from uuid import UUID

import psycopg
from psycopg import sql
from sqlalchemy import Engine, Table, event
from sqlmodel import Session

from adapters.addresses import conninfo_of, parts_of
from adapters.database import make_engine, migrate, open_session, program_session
from adapters.keys import FileSealKeys, make_seal_key
from adapters.ledger import FileLedger, make_ledger
from adapters.postgres import DatabaseUrls
from domain.casework import open_case, record_protocol
from domain.declarations import Protocol, read_program_text
from domain.declared import load_declared_text
from domain.kernel import LOADER, Actor, col, run, scalars, select
from domain.loading import load, new_program_id
from domain.mail import LetterTemplates, Mailbox, stationery_for
from domain.people import add_person, appoint
from flows.protocols import declared_protocols, letter_folders
from models.base import table_of
from models.casework import Case, Task, TaskNeed
from models.engine import WakeUp
from models.ports import Ledger
from models.program import Organization, Person

ROOT: Final = Path(__file__).resolve().parent.parent
PROGRAM: Final = ROOT / "programs" / "greater-montreal.yaml"

#: Steps of one stage; each waits for all of the stage before, so a step opens as many whatever the case's size.
ABREAST: Final = 5
#: Staff besides the coordinator and the subjects: what a real program has, and what each request reads the roles of.
STAFF: Final = 40

BY_LOADER: Final = Actor.system(LOADER)
APPLICATION: Final = "spheres bench"


def checklist(key: str, steps: int) -> str:
    """A protocol of `steps` human steps in stages of `ABREAST`."""
    lines = [
        f"protocol: {key}",
        "version: 1",
        f"title: {{fr: Liste de {steps}, en: Checklist of {steps}}}",
        "source: {fr: Mesure, en: Measure}",
        "subject: {kind: worker}",
        "calendar: program",
        "anchors: {arrival: {title: {fr: l’arrivée, en: the arrival}, from: worker.starts_on}}",
        "accountable: coordinator",
        "roles: {coordinator: {title: {fr: Coordination, en: Coordinator}, holds: coordinator, at: coordination}}",
        "stages:",
        *(f"  - {{id: stage_{n}, title: {{fr: Étape {n}, en: Stage {n}}}}}" for n in range(steps // ABREAST)),
        "steps:",
    ]
    for n in range(steps):
        stage, place = divmod(n, ABREAST)
        needs = ", ".join(f"step_{stage - 1}_{one}" for one in range(ABREAST)) if stage else ""
        lines.append(
            f"  - {{id: step_{stage}_{place}, title: {{fr: Pas {n}, en: Step {n}}}, stage: stage_{stage}, "
            f"by: coordinator, needs: [{needs}], due: {{days: {stage}, after: arrival}}}}"
        )
    lines += [
        "remind: [{after_working_days: -2, to: owner}, {after_working_days: 3, to: accountable}]",
        "close: {when: all_required}",
        "cancel: {by: [coordinator]}",
        "reopen: {by: [coordinator]}",
    ]
    return "\n".join(lines) + "\n"


@dataclass
class Ground:
    """A program with people in a database, an engine that signs in as the application, and its cases by size."""

    urls: DatabaseUrls
    engine: Engine
    program_id: UUID
    organizations: dict[str, UUID]
    coordinator: Actor
    letter_templates: LetterTemplates
    time_zone: str = "UTC"
    templates: dict[int, UUID] = field(default_factory=dict)
    statements: int = 0
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def session(self) -> Session:
        """A session of the program, as the windows open it."""
        session = program_session(self.engine, self.program_id)
        session.info["letter_templates"] = self.letter_templates
        return session

    def open_session(self) -> Session:
        """A session before the program is known."""
        return open_session(self.engine)

    def as_admin(self, *, without_checks: bool = False) -> psycopg.Connection[Any]:
        """The superuser's connection, for bulk rows, with the program's own day as `current_date`.

        `without_checks` skips foreign keys that hold by construction.
        """
        database = parts_of(self.urls.app)["dbname"]
        connection = psycopg.connect(conninfo_of(self.urls.admin, dbname=database), autocommit=True)
        connection.execute("select set_config('TimeZone', %s, false)", (self.time_zone,))
        if without_checks:
            connection.execute("set session_replication_role = replica")
        return connection

    def as_application(self) -> psycopg.Connection[Any]:
        """A bare connection that signs in as the application does, with the settings of its engine."""
        address = conninfo_of(self.urls.app, application_name=APPLICATION, options="-c timezone=UTC")
        return psycopg.connect(address)

    def servers(self) -> list[int]:
        """The database's processes that work for us."""
        with self.as_admin() as admin:
            rows = admin.execute("select pid from pg_stat_activity where application_name = %s", (APPLICATION,))
            return [row[0] for row in rows]

    def settle(self) -> None:
        """What the database's own housekeeping would have done by and by after so many rows."""
        with self.as_admin() as admin:
            admin.execute("vacuum analyze")
            admin.execute("checkpoint")

    def open_template(self, steps: int, at: datetime) -> UUID:
        """The first case of a checklist with so many steps, opened by the verbs."""
        if steps not in self.templates:
            key = f"checklist-{steps}"
            with self.session() as session:
                record_protocol(
                    session, load_declared_text(checklist(key, steps), f"{key}.yaml", Protocol), by=BY_LOADER, at=at
                )
                subject = join(session, f"subject-{steps}", "youth_worker", self.organizations["en-marge"], at)
                place = self.organizations["en-marge"]
                self.templates[steps] = open_case(
                    session, key, subject_id=subject, organization_id=place, by=self.coordinator, at=at
                )
                session.commit()
        return self.templates[steps]

    def copies(
        self, steps: int, count: int, *, at: datetime, due: LiteralString = "", bulk: bool = False
    ) -> list[UUID]:
        """So many more open cases of `steps` steps, copied by SQL from the first. Their ids.

        `due` is SQL for the day on which each open task is looked at next, where it is not the first's own; `k` in it
        is the number of the copy.
        """
        template = self.open_template(steps, at)
        numbers = [next(self._numbers) for _ in range(count)]
        with self.as_admin(without_checks=bulk) as admin, admin.transaction():
            admin.execute("create temp table copy_number on commit drop as select unnest(%s::int[]) as k", (numbers,))
            _copy(admin, table_of(Person), f"id = (select subject_id from \"case\" where id = '{template}')", _PERSON)
            _copy(admin, table_of(Case), f"id = '{template}'", _CASE)
            _copy(admin, table_of(Task), f"case_id = '{template}'", _TASK | ({"next_check": due} if due else {}))
            _copy(admin, table_of(TaskNeed), f"task_id in (select id from task where case_id = '{template}')", _NEED)
            _copy(admin, table_of(WakeUp), f"case_id = '{template}'", _WAKE_UP)
            rows = admin.execute("select md5(%s::uuid::text || k)::uuid from copy_number order by k", (template,))
            return [row[0] for row in rows]

    def tasks_of(self, case_id: UUID) -> list[UUID]:
        """A case's tasks in the order in which they can be done."""
        with self.session() as session:
            mine = (col(Task.program_id) == self.program_id, col(Task.case_id) == case_id)
            return list(scalars(session, select(Task.id).where(*mine).order_by(col(Task.position))))


_NEW_ID: Final = "md5(source.id::text || k)::uuid"
_NEW_SUBJECT: Final = "md5('subject' || k)::uuid"
_NEW_CASE: Final = "md5(source.case_id::text || k)::uuid"
_PERSON: Final[dict[str, LiteralString]] = {
    "id": _NEW_SUBJECT,
    "key": "'subject-copy-' || k",
    "email": "'subject-' || k || '@bench.example'",
}
_CASE: Final[dict[str, LiteralString]] = {"id": _NEW_ID, "subject_id": _NEW_SUBJECT}
_TASK: Final[dict[str, LiteralString]] = {"id": _NEW_ID, "case_id": _NEW_CASE}
_NEED: Final[dict[str, LiteralString]] = {
    "task_id": "md5(source.task_id::text || k)::uuid",
    "needs_id": "md5(source.needs_id::text || k)::uuid",
}
#: A case that was carried since it opened.
_WAKE_UP: Final[dict[str, LiteralString]] = {"case_id": _NEW_CASE, "want": "1", "have": "1"}


def _copy(admin: psycopg.Connection[Any], table: Table, where: LiteralString, other: dict[str, LiteralString]) -> None:
    """Copy the rows `where` says, once for each number, with these columns made otherwise."""
    names = [column.name for column in table.columns]
    values = [sql.SQL(other[name]) if name in other else sql.Identifier("source", name) for name in names]
    admin.execute(
        sql.SQL(
            "insert into {table} ({names}) select {values} from {table} source cross join copy_number where "
        ).format(
            table=sql.Identifier(table.name),
            names=sql.SQL(", ").join(map(sql.Identifier, names)),
            values=sql.SQL(", ").join(values),
        )
        + sql.SQL(where)
    )


def ledger_in(data: Path) -> Ledger:
    """The ledger of a data folder, made where there is none: processes that have this folder go on with it."""
    seal_keys = data / "keys" / "seal.json"
    make_seal_key(seal_keys)
    make_ledger(data / "ledger")
    return FileLedger(data / "ledger", FileSealKeys(seal_keys))


def build(urls: DatabaseUrls, data: Path, at: datetime) -> Ground:
    """Migrate, load the real program into a new program's id, and appoint a coordinator and staff by the verbs.

    Processes that are to work on it have `data` as their folder, where its ledger lies.
    """
    migrate(urls.owner)
    engine = make_engine(urls.app, application_name=APPLICATION, ledger=ledger_in(data))
    ground = Ground(
        urls,
        engine,
        new_program_id(),
        {},
        BY_LOADER,
        stationery_for(
            sender=Mailbox("spheres@bench.example", "SPHÈRES"), base_url="http://127.0.0.1", folders=letter_folders()
        ),
    )

    def count(*_: object) -> None:
        ground.statements += 1

    event.listen(engine, "before_cursor_execute", count)
    # Under a key of its own, so that it can stand beside a demonstration.
    text = PROGRAM.read_text(encoding="utf-8").replace("key: greater-montreal", "key: bench", 1)
    program = read_program_text(text, "bench.yaml")
    with ground.session() as session:
        ground.time_zone = program.value.program.time_zone
        load(session, program, declared_protocols(program.value), by=BY_LOADER, at=at)
        places = run(
            session, select(Organization.key, Organization.id).where(Organization.program_id == ground.program_id)
        )
        ground.organizations.update({row.key: row.id for row in places})
        home = ground.organizations["ccsmtl"]
        ground.coordinator = Actor("coordinator", join(session, "coordinator", "coordinator", home, at), home)
        for number in range(STAFF):
            place = ground.organizations[("en-marge", "anonyme", "codim", "ccsmtl")[number % 4]]
            join(session, f"staff-{number}", "youth_worker", place, at)
        session.commit()
    return ground


def join(session: Session, key: str, role: str, organization_id: UUID, at: datetime) -> UUID:
    """A made-up person who holds a role from last year on; a youth worker arrives in a month."""
    person_id = add_person(
        session,
        key=key,
        given_name="Ardoise",
        family_name=key.replace("-", " ").title(),
        email=f"{key}@bench.example",
        language="fr",
        by=BY_LOADER,
        at=at,
    )
    starts_on = at.date() + timedelta(days=30 if key.startswith("subject") else -365)
    appoint(
        session,
        person_id=person_id,
        role=role,
        organization_id=organization_id,
        starts_on=starts_on,
        by=BY_LOADER,
        at=at,
    )
    return person_id


def now() -> datetime:
    """The moment, in UTC."""
    return datetime.now(UTC)


def chunks(ids: Sequence[UUID], size: int) -> Iterator[Sequence[UUID]]:
    """`ids` in parts of `size`."""
    for first in range(0, len(ids), size):
        yield ids[first : first + size]
