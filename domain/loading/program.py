"""What a load changes in the program itself, its roles, its organizations and the days on which they are closed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import delete, insert, update
from sqlalchemy.orm import aliased
from sqlmodel import Session, and_

from domain.casework import scheduling
from domain.declared import Bilingual
from domain.kernel import (
    Calendar,
    ClosedSpan,
    Refusal,
    changes,
    col,
    every,
    in_program,
    lasts,
    lasts_beyond,
    of,
    program_of,
    run,
    same,
    scalar,
    scalars,
    select,
)
from domain.loading.comparison import Comparison, LoadChange, LoadRun, LoadStep, Row, What, differ, words
from domain.loading.exporting import ClosureKey, closures_in, closures_of
from domain.people import people
from domain.roles import never_began
from locales import N_
from models.program import Closure as ClosureRow
from models.program import Coordination, HolidaysOf, Organization, Program, Role, Tenure

_NEW_PROGRAM: Final[Row] = {"is_demonstration": False, "source": "", "digest": "", "version": 0}

_PROGRAM_CHANGED: Final = {
    "title": N_("The program is now called “%(title)s”."),
    "languages": N_("The languages of the program changed."),
    "time_zone": N_("The time zone of the program changed."),
    "calendar": N_("The public holidays that count are those of another place."),
    "area": N_("The area that the program serves changed."),
    "retention": N_("How long participants’ files are kept changed: it counts for those that end from now on."),
    "reading": N_("How many files of participants a role may open in an hour and in a day changed."),
    "self_reports": N_("When the self-report questionnaires are due changed."),
    "research": N_("The rules of exports for research, or how many participants are expected, changed."),
    "rights": N_("By when a person’s request about their own data is answered, or what they are told, changed."),
    "obligations": N_("When what partners owe is at risk, or when people are asked for it, changed."),
    "coordination": N_("How the coordination is set up, where it is or to whom it reports changed."),
}


def differences(compared: Comparison) -> Iterator[LoadStep]:
    """The program itself, then its roles, its organizations and the days on which they are closed."""
    yield from _itself(compared)
    yield from _roles(compared)
    yield from _organizations(compared)
    yield from _closures(compared)


def _itself(compared: Comparison) -> Iterator[LoadStep]:
    identity, coordination = compared.file.program, compared.file.coordination
    place, places = identity.calendar, [str(compared.organization_ids[key]) for _, key in coordination.organizations()]
    parts: dict[str, Row] = {
        "title": {"title_fr": identity.title.fr, "title_en": identity.title.en},
        "languages": {"languages": list(identity.languages)},
        "time_zone": {"time_zone": identity.time_zone},
        "calendar": {"calendar": HolidaysOf(country=place.country, subdivision=place.subdivision)},
        "area": {"area": [name.model_dump() for name in identity.area]},
        "retention": {"retention": identity.retention.model_dump()},
        "reading": {"reading": identity.reading.model_dump()},
        "self_reports": {"self_reports": identity.self_reports.model_dump()},
        "research": {"research": identity.research.model_dump(mode="json")},
        "rights": {"rights": identity.rights.model_dump(mode="json")},
        "obligations": {"obligations": identity.obligations.model_dump(mode="json")},
        "coordination": {
            "governance": coordination.structure,
            "coordination": Coordination.read(
                {
                    **coordination.model_dump(mode="json", exclude_none=True),
                    # What a file leaves out is not stored: what was loaded before it could be said reads the same.
                    "decisions": coordination.decisions.model_dump(mode="json", exclude_defaults=True),
                    "organizations": places,
                }
            ),
        },
    }
    title = identity.title.model_dump()
    if compared.row is None:
        said_of_it = {name: value for part in parts.values() for name, value in part.items()}
        row = {"id": compared.here, "key": identity.key, **said_of_it, **_NEW_PROGRAM}
        said = LoadChange("added", "program", N_("New program: “%(title)s”."), {"title": title})
        yield LoadStep(said, lambda act: run(act.session, insert(Program).values(**row)), compared.here)
        return
    for name, columns in parts.items():
        if differ(compared.row, columns):
            what: What = "calendar" if name == "calendar" else "program"
            said = LoadChange("changed", what, _PROGRAM_CHANGED[name], {"title": title})
            yield LoadStep(said, partial(_write_program, columns=columns), compared.here)


def _write_program(act: LoadRun, columns: Row) -> None:
    run(act.session, update(Program).where(col(Program.id) == program_of(act.session)).values(**columns))


def _roles(compared: Comparison) -> Iterator[LoadStep]:
    known = compared.by_key(Role)
    for key, role in compared.file.roles.items():
        title = {"role": role.title.model_dump()}
        columns = {"title_fr": role.title.fr, "title_en": role.title.en}
        row = known.get(key)
        if row is None:
            everything = {"key": key, **columns, "single_holder": role.single_holder}
            change = LoadChange("added", "role", N_("New role: “%(role)s”."), title)
            yield compared.adding(change, Role, uuid4(), everything)
            continue
        if compared.is_back("roles", key):
            yield LoadStep(LoadChange("added", "role", N_("The role “%(role)s” is used again."), title), None, row.id)
        said = N_("The role “%(was)s” is now called “%(role)s”.")
        yield from compared.changed("role", Role, row, columns, said, {**title, "was": words(row)})
        if row.single_holder != role.single_holder:
            yield _holders(key, row.id, role.single_holder, title)
    before = set[str](compared.before.roles if compared.before else ())
    for name in sorted(known.keys() & before - set[str](compared.file.roles)):
        # The row stays, since it names who held the role; that it goes out of use is said once.
        facts = {"role": words(known[name])}
        change = LoadChange("ended", "role", N_("The role “%(role)s” is no longer used."), facts)
        yield LoadStep(change, None, known[name].id)


def _holders(key: str, role_id: UUID, single: bool, title: Mapping[str, object]) -> LoadStep:
    """A change between one holder of a role and several; it also applies to its holders of now."""
    alone = N_("“%(role)s” now has one holder at a time at each organization.")
    several = N_("“%(role)s” may now have several holders at an organization.")

    def refuse_if_several(session: Session, day: date) -> None:
        other = aliased(Tenure)
        # Read first: as part of the question below, the condition would be on one of its two tables alone.
        of_role = and_(in_program(Tenure), Tenure.role == key)
        not_begun = scalars(session, select(Tenure.id).where(of_role, never_began())).all()
        twice = (
            select(Tenure.id)
            .join(
                other,
                and_(
                    same(other, Tenure),
                    other.role == Tenure.role,
                    other.organization_id == Tenure.organization_id,
                    other.id != Tenure.id,
                    lasts(other, col(Tenure.starts_on)),
                    lasts(other, day),
                    col(other.id).not_in(not_begun),
                ),
            )
            .where(of_role, col(Tenure.id).not_in(not_begun), lasts(Tenure, col(other.starts_on)), lasts(Tenure, day))
        )
        if scalar(session, twice.limit(1)):
            raise Refusal(
                "role.several_hold",
                N_("Several people hold the role “%(role)s” at one organization: it cannot have one holder yet."),
                role=key,
            )

    def write(act: LoadRun) -> None:
        run(act.session, changes(Role).where(Role.id == role_id).values(single_holder=single))
        # What never began stands beside the holder of the role on its day, and is never the only one of it.
        run(
            act.session,
            changes(Tenure)
            .where(Tenure.role == key, lasts(Tenure, act.day), *([~never_began()] if single else []))
            .values(single_holder=single),
        )

    said = LoadChange("changed", "role", alone if single else several, title)
    return LoadStep(said, write, role_id, refuse_if_several if single else None)


def _organizations(compared: Comparison) -> Iterator[LoadStep]:
    for key, organization in compared.file.organizations.items():
        names = {"name_fr": organization.name_in("fr"), "name_en": organization.name_in("en")}
        names["short_name"] = organization.short_name
        nature = {"kind": organization.kind, "regime": organization.regime}
        facts = {"organization": organization.short_name}
        row = compared.organizations.get(key)
        if row is None:
            change = LoadChange("added", "organization", N_("New organization: %(organization)s."), facts)
            yield compared.adding(change, Organization, compared.organization_ids[key], {"key": key, **names, **nature})
            continue
        if row.ends_on is not None:
            change = LoadChange("added", "organization", N_("%(organization)s is part of the program again."), facts)
            yield compared.changing(change, Organization, row.id, {"ends_on": None})
        said = N_("The name of %(was)s changed; it is now %(organization)s.")
        was = {**facts, "was": row.short_name}
        yield from compared.changed("organization", Organization, row, names, said, was)
        said = N_("The kind of organization that %(organization)s is, or the law that binds it, changed.")
        yield from compared.changed("organization", Organization, row, nature, said, facts)
    for key, row in compared.organizations.items():
        if key not in compared.file.organizations and row.ends_on is None:
            said = N_("%(organization)s is no longer in the file: its part in the program ends today.")
            change = LoadChange("ended", "organization", said, {"organization": row.short_name})
            yield compared.ending(change, Organization, row.id)
            yield LoadStep(None, partial(_end_roles, organization_id=row.id))


def _end_roles(act: LoadRun, organization_id: UUID) -> None:
    """End every role at an organization that leaves, on the organization's last day at the latest.

    So each holder has a departure, like any other leaver.
    """
    rows = every(
        act.session,
        of(Tenure)
        .where(Tenure.organization_id == organization_id, lasts_beyond(Tenure, act.day))
        .order_by(col(Tenure.id)),
    )
    for row in rows:
        people.end_tenure(act.session, row.id, ends_on=max(act.day, row.starts_on), by=act.by, at=act.at)


def _closures(compared: Comparison) -> Iterator[LoadStep]:
    recorded, wanted = closures_of(compared.session), closures_in(compared.file)
    for key in sorted(wanted - recorded):
        yield _closing(compared, key)
    for key in _gone(compared):
        yield _opening(compared, key)


def due_days(compared: Comparison, found: Sequence[LoadStep]) -> Iterator[LoadStep]:
    """What added or removed closed days move in open cases: their due days, and so the reminders."""
    closed = any(step.change is not None and step.change.what in ("calendar", "closure") for step in found)
    if compared.row is None or not closed:
        return
    moving = scheduling.days_to_move(compared.session, _calendars(compared))
    said = N_("In open cases, due days move: %(days)s. Cases concerned: %(cases)s.")
    change = LoadChange("changed", "calendar", said, {"days": sum(moving.values()), "cases": len(moving)})

    def write(act: LoadRun) -> None:
        scheduling.follow_calendar(act.session, by=act.by, at=act.at)

    yield LoadStep(change if moving else None, write)


def _calendars(compared: Comparison) -> Callable[[UUID | None], Calendar]:
    """The closed days as they will be after the file is loaded."""
    place = compared.file.program.calendar
    will_be = closures_of(compared.session) - set(_gone(compared)) | closures_in(compared.file)
    keys = {row_id: key for key, row_id in compared.organization_ids.items()}

    def calendar(organization_id: UUID | None) -> Calendar:
        whose = {"", keys[organization_id]} if organization_id is not None else {""}
        closures = [
            ClosedSpan(first, last, Bilingual(fr=fr, en=en)) for owner, first, last, fr, en in will_be if owner in whose
        ]
        return Calendar(country=place.country, subdivision=place.subdivision, closures=tuple(closures))

    return calendar


def _gone(compared: Comparison) -> list[ClosureKey]:
    """The closed days that the file no longer names. Those recorded between two loads are in no file yet, and stay."""
    gone = closures_in(compared.before) - closures_in(compared.file) if compared.before else set()
    return [
        key
        for key in sorted(gone & closures_of(compared.session))
        if not key[0] or key[0] in compared.file.organizations
    ]


def _closing(compared: Comparison, key: ClosureKey) -> LoadStep:
    whose, first, last, fr, en = key
    columns = {"starts_on": first, "ends_on": last, "reason_fr": fr, "reason_en": en}
    columns["organization_id"] = compared.organization_ids[whose] if whose else None
    theirs = N_("%(organization)s is closed from %(first)s to %(last)s: %(reason)s.")
    said = theirs if whose else N_("The program is closed from %(first)s to %(last)s: %(reason)s.")
    return compared.adding(LoadChange("added", "closure", said, _days(compared, key)), ClosureRow, uuid4(), columns)


def _opening(compared: Comparison, key: ClosureKey) -> LoadStep:
    whose, first, last, fr, en = key
    owner = col(ClosureRow.organization_id)
    where = and_(
        in_program(ClosureRow),
        owner == compared.organization_ids[whose] if whose else owner.is_(None),
        ClosureRow.starts_on == first,
        ClosureRow.ends_on == last,
        ClosureRow.reason_fr == fr,
        ClosureRow.reason_en == en,
    )
    theirs = N_("%(organization)s is no longer closed from %(first)s to %(last)s: %(reason)s.")
    said = theirs if whose else N_("The program is no longer closed from %(first)s to %(last)s: %(reason)s.")
    subject = compared.organization_ids[whose] if whose else compared.here
    change = LoadChange("ended", "closure", said, _days(compared, key))
    return LoadStep(change, lambda act: run(act.session, delete(ClosureRow).where(where)), subject)


def _days(compared: Comparison, key: ClosureKey) -> dict[str, object]:
    whose, first, last, fr, en = key
    name = compared.file.organizations[whose].short_name if whose else ""
    return {"organization": name, "first": first, "last": last, "reason": {"fr": fr, "en": en}}
