"""Loading the demonstration: fictitious people, and a history made by the same verbs that people use.

It is refused on a database that holds a program with real people in it, and done once: a second start finds it there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, insert, select, update
from sqlmodel import Session

from adapters.database import open_session, program_session
from api.cli.demonstrated_candidates import refer_some
from api.cli.demonstrated_departures import DemonstratedDepartures
from api.cli.demonstrated_follow_ups import DemonstratedFollowUps
from api.cli.demonstrated_meetings import DemonstratedMeetings
from api.cli.demonstrated_obligations import DemonstratedObligations
from api.cli.ready import refuse_real_program
from duties import people
from duties.actors import LOADER, Actor
from duties.agreement import agreements
from duties.calendars import Calendar
from duties.casework import cases, tasks
from duties.casework.proofs import Proof
from duties.declarations import loading
from duties.declarations.declared import Declared
from duties.declarations.demonstration import Act, DemoCase, DemonstrationFile
from duties.declarations.demonstration_check import read_demonstration
from duties.declarations.program import ProgramFile
from duties.declarations.program_check import read_program
from duties.declarations.protocol import Protocol
from duties.here import many, program_of
from duties.mail.notices import Stationery, chain_of
from duties.roles import Holder, standing
from flows.at_once import carry_at_once
from flows.protocols import declared_protocols
from models.agreement import Agreement, AgreementVersion
from models.base import table_of
from models.casework import Equipment, Task
from models.committee import Committee, Seat, SeatHolder
from models.ports import Keys
from models.program import Closure, Organization, Program

PROGRAMS: Final = Path(str(files("programs")))
PROGRAM_FILE: Final = PROGRAMS / "greater-montreal.yaml"
DEMONSTRATION_FILE: Final = PROGRAMS / "demonstration.yaml"

#: The working day of the demonstration: acts of a day follow each other from here, some minutes apart.
_MORNING: Final = time(9, 10)
_BETWEEN_ACTS: Final = timedelta(minutes=7)

#: Of a day's acts those around follow-ups come under this key.
_FOLLOW_UPS: Final = "follow-ups"
#: And those around the departure after those.
_DEPARTURES: Final = "follow-ups-end"
#: Of a day's acts those around meetings come after every case's: no key of one sorts after this.
_MEETINGS_LAST: Final = "~"
#: And what partners did about what they owe, after those.
_OBLIGATIONS_LAST: Final = "~~"

_program = table_of(Program)
_organization = table_of(Organization)
_closure = table_of(Closure)
_committee = table_of(Committee)
_seat = table_of(Seat)
_holder = table_of(SeatHolder)
_equipment = table_of(Equipment)
_task = table_of(Task)
_agreement = table_of(Agreement)
_version = table_of(AgreementVersion)

_LOADER: Final = Actor.system(LOADER)


def load_demonstration(engine: Engine, stationery: Stationery, *, at: datetime, keys: Keys | None = None) -> UUID:
    """The id of the demonstration's program, loaded with its people and history where it is not there yet.

    All in one transaction. Raises Ending on a database that holds another program.
    """
    declared = read_program(PROGRAM_FILE)
    file = declared.value
    found = _what_is_there(engine, file.program.key)
    if found is not None:
        return found
    program_id = loading.new_program_id()
    zone = ZoneInfo(file.program.time_zone)
    with program_session(engine, program_id) as session:
        session.info.update(stationery=stationery, keys=keys)
        protocols = declared_protocols(file)
        demonstration = read_demonstration(
            DEMONSTRATION_FILE,
            file,
            today=at.astimezone(zone).date(),
            protocols={one.value.protocol: one.value for one in protocols},
        )
        _Loader(session, declared, demonstration, protocols, at, zone).load()
        session.commit()
    return program_id


def _what_is_there(engine: Engine, key: str) -> UUID | None:
    with open_session(engine) as session:
        refuse_real_program(session)
        found: UUID | None = session.scalar(select(_program.c.id).where(_program.c.key == key))
    return found


class _Loader:
    """One demonstration on its way into one session."""

    def __init__(
        self,
        session: Session,
        program: Declared[ProgramFile],
        demonstration: Declared[DemonstrationFile],
        protocols: list[Declared[Protocol]],
        at: datetime,
        zone: ZoneInfo,
    ) -> None:
        self.session = session
        self.program = program
        self.demo = demonstration.value
        self.protocols = protocols
        self.at = at
        self.zone = zone
        self.today = at.astimezone(zone).date()
        self.people: dict[str, UUID] = {}
        self.organizations: dict[str, UUID] = {}
        self.cases: dict[str, UUID] = {}

    def load(self) -> None:
        """Everything, in the order in which it stands on itself."""
        loading.load(self.session, self.program, self.protocols, by=_LOADER, at=self.at)
        self.session.execute(
            update(_program)
            .where(_program.c.id == program_of(self.session))
            .values(is_demonstration=True, version=_program.c.version + 1)
        )
        self.session.expire_all()
        self.organizations = {
            row.key: row.id
            for row in self.session.execute(
                select(_organization.c.key, _organization.c.id).where(
                    _organization.c.program_id == program_of(self.session)
                )
            )
        }
        self._people()
        self._signatures()
        self._seats()
        self._things()
        self._history()
        if self.session.info.get("keys") is not None:
            refer_some(self.session, at=self.at)

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
            people.record_absence(
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
            version_id = self.session.scalars(
                select(_version.c.id)
                .join(
                    _agreement,
                    (_agreement.c.program_id == _version.c.program_id) & (_agreement.c.id == _version.c.agreement_id),
                )
                .where(_version.c.program_id == program_of(self.session), _agreement.c.organization_id == organization)
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
            for row in self.session.execute(
                select(_committee.c.key.label("committee"), _seat.c.key, _seat.c.id)
                .join(
                    _committee,
                    (_committee.c.program_id == _seat.c.program_id) & (_committee.c.id == _seat.c.committee_id),
                )
                .where(_seat.c.program_id == program_of(self.session))
            )
        }
        for place in self.demo.seats:
            for kind, person in (("principal", place.principal), ("alternate", place.alternate)):
                if person is None:
                    continue
                self.session.execute(
                    insert(_holder).values(
                        program_id=program_of(self.session),
                        id=uuid4(),
                        seat_id=seats[place.committee, place.seat],
                        person_id=self.people[person],
                        kind=kind,
                        starts_on=self._day(place.starts),
                        ends_on=self._day(place.ends) if place.ends else None,
                        recorded_at=self.at,
                        version=1,
                    )
                )

    def _things(self) -> None:
        here = program_of(self.session)
        for thing in self.demo.equipment:
            self.session.execute(
                insert(_equipment).values(
                    program_id=here, id=uuid4(), kind=thing.kind, serial=thing.serial, label=thing.label
                )
            )
        for closure in self.demo.closures:
            self.session.execute(
                insert(_closure).values(
                    program_id=here,
                    id=uuid4(),
                    organization_id=self.organizations[closure.organization],
                    starts_on=self._day(closure.starts),
                    ends_on=self._day(closure.ends),
                    reason_fr=closure.reason.fr,
                    reason_en=closure.reason.en,
                )
            )

    def _history(self) -> None:
        """Every act of every case in the order of their days, as it would have happened."""
        moments: list[tuple[date, str, int, Callable[[datetime], None]]] = []
        for key, case in self.demo.cases.items():
            moments.append((self._day(case.opened), key, 0, partial(self._open, key, case)))
            moments.extend(
                (self._day(act.day), key, 1 + place, partial(self._act, key, act))
                for place, act in enumerate(case.acts)
            )
            if case.cancelled is not None:
                moments.append((self._day(case.cancelled), key, 1_000, partial(self._cancel, key, case)))
        around = DemonstratedMeetings(self.session, self.program.value.calendar(), self.today)
        moments.extend((day, _MEETINGS_LAST, place, happen) for place, (day, happen) in enumerate(around.happenings()))
        if self.session.info.get("keys") is not None:  # without them nothing can be sealed
            followed = DemonstratedFollowUps(self.session, self.program.value.calendar(), self.today)
            moments.extend((day, _FOLLOW_UPS, n, happen) for n, (day, happen) in enumerate(followed.happenings()))
            leaving = DemonstratedDepartures(self.session, self.program.value.calendar(), self.today)
            moments.extend((day, _DEPARTURES, n, happen) for n, (day, happen) in enumerate(leaving.happenings()))
        owed = DemonstratedObligations(self.session, self.program.value.calendar(), self.today, self.organizations)
        moments.extend((day, _OBLIGATIONS_LAST, place, happen) for place, (day, happen) in enumerate(owed.happenings()))
        of_the_day: dict[date, int] = {}
        for day, key, _, happen in sorted(moments, key=lambda one: one[:3]):
            if day >= self.today:
                continue
            number = of_the_day[day] = of_the_day.get(day, -1) + 1
            at = datetime.combine(day, _MORNING, self.zone).astimezone(UTC) + number * _BETWEEN_ACTS
            happen(at)
            if key in self.cases:
                carry_at_once(self.session, self.cases[key], at=at + timedelta(minutes=1))

    def _cancel(self, key: str, case: DemoCase, at: datetime) -> None:
        by = self._coordinator(self.people[case.cancelled_by or case.opened_by], at.astimezone(self.zone).date())
        cases.cancel_case(self.session, self.cases[key], by=by, at=at, reason=case.reason or "")

    def _open(self, key: str, case: DemoCase, at: datetime) -> None:
        self.cases[key] = cases.open_case(
            self.session,
            case.protocol,
            subject_id=self.people[case.worker],
            organization_id=self.organizations[case.organization],
            by=self._coordinator(self.people[case.opened_by], at.astimezone(self.zone).date()),
            at=at,
        )

    def _act(self, key: str, act: Act, at: datetime) -> None:
        for step in act.steps:
            rows = many(
                self.session,
                select(_task).where(
                    _task.c.program_id == program_of(self.session),
                    _task.c.case_id == self.cases[key],
                    _task.c.step == step,
                    _task.c.item == (act.item or ""),
                ),
            )
            for task in rows:
                self._do(act, task, at)

    def _do(self, act: Act, task: Mapping[str, Any], at: datetime) -> None:
        by = self._hat(self.people[act.by], act, task, at.astimezone(self.zone).date())
        note, reason = act.note or "", act.reason or ""
        if act.verb == "done":
            tasks.complete_task(self.session, task["id"], by=by, at=at, note=note, evidence=[*_proofs(act)])
        elif act.verb == "approved":
            tasks.approve_task(self.session, task["id"], by=by, at=at, note=note)
        elif act.verb == "rejected":
            tasks.reject_task(self.session, task["id"], by=by, at=at, reason=reason)
        elif act.verb == "handed_back":
            tasks.hand_back_task(self.session, task["id"], by=by, at=at, reason=reason)
        elif act.verb == "waived":
            tasks.waive_task(self.session, task["id"], by=by, at=at, reason=reason)
        else:
            tasks.undo_task(self.session, task["id"], by=by, at=at, reason=reason)

    def _hat(self, person: UUID, act: Act, task: Mapping[str, Any], day: date) -> Actor:
        """The hat under which somebody did this: the one who owes it or approves it, else the coordinator's."""
        chain = task["approved_by_id"] if act.verb in ("approved", "rejected") else task["owed_by_id"]
        holder: Holder | None = None
        if chain is not None:
            from_chain = standing(self.session, day).falls(
                chain_of(self.session, chain),
                kind="approvals" if act.verb in ("approved", "rejected") else "tasks",
            )
            holder = from_chain.on(person)
        if holder is None:
            return self._coordinator(person, day)
        return Actor(holder.role, person, holder.organization_id, holder.acting_for)

    def _coordinator(self, person: UUID, day: date) -> Actor:
        holder = standing(self.session, day).falls([{"role": "coordinator", "at": "*"}]).on(person)
        return Actor("coordinator", person, holder.organization_id if holder else None)


def _proofs(act: Act) -> list[Proof]:
    if act.serial is not None:
        return [Proof("serial", act.serial)]
    if act.account is not None:
        return [Proof("account", act.account)]
    if act.document is not None:
        return [Proof("document", act.document.name, act.document.text.encode())]
    return []
