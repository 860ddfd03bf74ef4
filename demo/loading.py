"""Loading the demonstration: fictitious people, and the year behind them, made by the same verbs that people use.

It is refused on a database that holds a program with real people in it. Its people come first, so that one can soon be
one of them; the year follows. Each is there whole or not at all, and a second start finds what is there.
"""

from __future__ import annotations

from datetime import date, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, insert, update
from sqlmodel import Session

from adapters.database import open_session, program_session
from api.cli.ready import refuse_real_program
from demo.cast import DemonstrationFile
from demo.cast_check import read_demonstration
from demo.year import Year
from domain.agreements import agreements
from domain.declarations import ProgramFile, Protocol, read_program
from domain.declared import Declared
from domain.equipment import inventory
from domain.kernel import (
    LOADER,
    Actor,
    Calendar,
    col,
    in_program,
    only,
    program_of,
    run,
    same,
    scalar,
    scalars,
    select,
    value_of,
)
from domain.loading import loading
from domain.mail import LetterTemplates
from domain.people import absences, people
from flows.protocols import declared_protocols
from models.agreement import Agreement, AgreementVersion
from models.committee import Committee, Seat, SeatHolder
from models.equipment import Equipment
from models.ports import Keys
from models.program import Closure, Organization, Program

PROGRAM_FILE: Final = Path(str(files("programs"))) / "greater-montreal.yaml"
DEMONSTRATION_FILE: Final = Path(__file__).with_name("demonstration.yaml")

_LOADER: Final = Actor.system(LOADER)


class Demonstration:
    """The demonstration as its files say it at a moment, to be loaded into a database.

    Raises DeclaredErrors where the files do not hold on that day.
    """

    def __init__(
        self, engine: Engine, letter_templates: LetterTemplates, *, at: datetime, keys: Keys | None = None
    ) -> None:
        self.engine = engine
        self.letter_templates = letter_templates
        self.at = at
        self.keys = keys
        self.program = read_program(PROGRAM_FILE)
        self.protocols = declared_protocols(self.program.value)
        self.today = at.astimezone(ZoneInfo(self.program.value.program.time_zone)).date()
        self.demo = read_demonstration(
            DEMONSTRATION_FILE,
            self.program.value,
            today=self.today,
            protocols={one.value.protocol: one.value for one in self.protocols},
        )

    def load(self) -> UUID:
        """Load the people, then the year, where they are not there yet. The id of the program. Raises as both do."""
        program_id = self.load_people()
        self.write_year(program_id)
        return program_id

    def load_people(self) -> UUID:
        """Load the program and its people in one transaction, where they are not there yet. The program's id.

        Raises Ending on a database that holds another program.
        """
        found = self._found()
        if found is not None:
            return found
        program_id = loading.new_program_id()
        with self._session(program_id) as session:
            _People(session, self.program, self.demo, self.protocols, self.at, self.today).load()
            session.commit()
        return program_id

    def write_year(self, program_id: UUID) -> None:
        """Write the year behind the people in one transaction, where it is not written yet. Raises Refusal."""
        with self._session(program_id) as session:
            row = select(Program.year_written_at).where(Program.id == program_id)
            # Of two who write, the second waits and finds it written. People who sign in meanwhile do not wait.
            if scalar(session, row.with_for_update(key_share=True)) is not None:
                return
            protocols = tuple(one.value for one in self.protocols)
            Year(session, self.program.value, self.demo.value, protocols, self.today).write(at=self.at)
            run(
                session,
                update(Program)
                .where(col(Program.id) == program_id)
                .values(year_written_at=self.at, version=col(Program.version) + 1),
            )
            session.commit()

    def _found(self) -> UUID | None:
        with open_session(self.engine) as session:
            refuse_real_program(session)
            key = self.program.value.program.key
            found: UUID | None = scalar(session, select(Program.id).where(Program.key == key))
        return found

    def _session(self, program_id: UUID) -> Session:
        session = program_session(self.engine, program_id)
        session.info.update(letter_templates=self.letter_templates, keys=self.keys)
        return session


class _People:
    """The people of one demonstration on their way into one session, with what they hold and have signed."""

    def __init__(
        self,
        session: Session,
        program: Declared[ProgramFile],
        demonstration: Declared[DemonstrationFile],
        protocols: list[Declared[Protocol]],
        at: datetime,
        today: date,
    ) -> None:
        self.session = session
        self.program = program
        self.demo = demonstration.value
        self.protocols = protocols
        self.at = at
        self.today = today
        self.people: dict[str, UUID] = {}
        self.organizations: dict[str, UUID] = {}

    def load(self) -> None:
        """Everything, in the order in which it stands on itself."""
        loading.load(self.session, self.program, self.protocols, by=_LOADER, at=self.at)
        run(
            self.session,
            update(Program)
            .where(col(Program.id) == program_of(self.session))
            .values(is_demonstration=True, version=col(Program.version) + 1),
        )
        self.session.expire_all()
        self.organizations = {row.key: row.id for row in run(self.session, only(Organization.key, Organization.id))}
        self._people()
        self._signatures()
        self._seats()
        self._things()

    def _day(self, relative: Any, organization: str | None = None) -> date:
        calendar: Calendar = self.program.value.calendar(organization)
        day: date = relative.on(self.today, calendar)
        return day

    def _people(self) -> None:
        for key, one in self.demo.people.items():
            self.people[key] = people.add_person(
                self.session,
                key=key,
                given_name=one.given_name,
                family_name=one.family_name,
                email=one.email,
                phone=one.phone,
                language=one.language,
                spoken=one.spoken,
                by=_LOADER,
                at=self.at,
            )
        for tenure in self.demo.tenures:
            people.appoint(
                self.session,
                person_id=self.people[tenure.person],
                role=tenure.role,
                organization_id=self.organizations[tenure.organization],
                starts_on=self._day(tenure.starts),
                ends_on=self._day(tenure.ends) if tenure.ends else None,
                by=_LOADER,
                at=self.at,
            )
        for absence in self.demo.absences:
            absences.record_absence(
                self.session,
                person_id=self.people[absence.person],
                deputy_id=self.people[absence.deputy] if absence.deputy else None,
                kinds=absence.kinds,
                starts_on=self._day(absence.starts),
                ends_on=self._day(absence.ends),
                by=_LOADER,
                at=self.at,
            )

    def _signatures(self) -> None:
        for signature in self.demo.signatures:
            organization = self.organizations[signature.organization]
            version_id = scalars(
                self.session,
                only(AgreementVersion.id)
                .join(
                    Agreement,
                    same(Agreement, AgreementVersion) & (col(Agreement.id) == col(AgreementVersion.agreement_id)),
                )
                .where(Agreement.organization_id == organization),
            ).one()
            agreements.sign_version(
                self.session,
                version_id,
                director_id=self.people[signature.director],
                signed_on=self._day(signature.signed),
                by=_LOADER,
                at=self.at,
            )
            agreements.start_version(
                self.session, version_id, starts_on=self._day(signature.starts), by=_LOADER, at=self.at
            )

    def _seats(self) -> None:
        seats = {
            (row.committee, row.key): row.id
            for row in run(
                self.session,
                select(value_of(col(Committee.key).label("committee")), Seat.key, Seat.id)
                .join(Committee, same(Committee, Seat) & (col(Committee.id) == col(Seat.committee_id)))
                .where(in_program(Seat)),
            )
        }
        for place in self.demo.seats:
            for kind, person in (("principal", place.principal), ("alternate", place.alternate)):
                if person is None:
                    continue
                run(
                    self.session,
                    insert(SeatHolder).values(
                        program_id=program_of(self.session),
                        id=uuid4(),
                        seat_id=seats[place.committee, place.seat],
                        person_id=self.people[person],
                        kind=kind,
                        starts_on=self._day(place.starts),
                        ends_on=self._day(place.ends) if place.ends else None,
                        recorded_at=self.at,
                        version=1,
                    ),
                )

    def _things(self) -> None:
        here = program_of(self.session)
        for thing in self.demo.equipment:
            row = Equipment(
                program_id=here,
                id=uuid4(),
                kind=thing.kind,
                serial=thing.serial,
                serial_key=inventory.serial_key(thing.serial),
                label=thing.label,
            )
            run(self.session, insert(Equipment).values(**row.model_dump()))
        for closure in self.demo.closures:
            run(
                self.session,
                insert(Closure).values(
                    program_id=here,
                    id=uuid4(),
                    organization_id=self.organizations[closure.organization],
                    starts_on=self._day(closure.starts),
                    ends_on=self._day(closure.ends),
                    reason_fr=closure.reason.fr,
                    reason_en=closure.reason.en,
                ),
            )
