"""Writes a program out as a file that loads back: as it was last declared, with what was recorded since."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, time
from decimal import Decimal
from typing import Any, Final

import yaml
from sqlmodel import Session

from domain.declarations import ClosedDays, ProgramFile, read_program_text
from domain.declared import Bilingual, DeclaredErrors, GrammarPart
from domain.kernel import col, in_program, joins, program_of, run, scalar, select
from models.program import Closure, Organization, Program

#: Whose days these are (an organization's key, or "" for the whole program), first, last, why in French and English.
ClosureKey = tuple[str, date, date, str, str]

_WIDTH: Final = 110


def export(session: Session) -> str:
    """The program as YAML that `loading.load` reads back without a change, in its declared order and wording.

    Closed days are recorded between two loads; everything else that the file says only a load changes. Where none
    were, this is the very text of the file that was loaded last, its comments too; else it is written anew.
    Raises LookupError where no program was loaded, DeclaredErrors where this version no longer reads its file.
    """
    text = scalar(session, select(Program.source).where(col(Program.id) == program_of(session)))
    if not text:
        msg = "no program was loaded here"
        raise LookupError(msg)
    declared = _read(text)
    standing = with_closures(declared, closures_of(session))
    return text if standing == declared else written(standing)


def last_loaded(session: Session) -> ProgramFile | None:
    """The file as it was loaded last; None before the first time, or where this version no longer reads it."""
    text = scalar(session, select(Program.source).where(col(Program.id) == program_of(session)))
    try:
        return _read(text) if text else None
    except DeclaredErrors:
        return None


def closures_of(session: Session) -> set[ClosureKey]:
    """Every recorded closure, the program's and the organizations'."""
    rows = run(
        session,
        select(Organization.key, Closure)
        .outerjoin(Organization, joins(Closure.organization_id, Organization))
        .where(in_program(Closure)),
    )
    return {(row.key or "", row.starts_on, row.ends_on, row.reason_fr, row.reason_en) for row in rows}


def closures_in(file: ProgramFile) -> set[ClosureKey]:
    """Every closure that a file declares."""
    groups = [("", file.program.calendar.closed), *((key, one.closures) for key, one in file.organizations.items())]
    return {_key_of(whose, days) for whose, group in groups for days in group}


def with_closures(file: ProgramFile, recorded: Iterable[ClosureKey]) -> ProgramFile:
    """The file with the recorded closures, and no others: the declared ones in their order, then the new.

    What is recorded for an organization that the file no longer has stays out of it.
    """
    left = set(recorded)
    calendar = file.program.calendar
    closed = tuple(_kept("", calendar.closed, left))
    if closed != calendar.closed:
        calendar = calendar.model_copy(update={"closed": closed})
        file = file.model_copy(update={"program": file.program.model_copy(update={"calendar": calendar})})
    organizations = {}
    for key, organization in file.organizations.items():
        closures = tuple(_kept(key, organization.closures, left))
        changed = closures != organization.closures
        organizations[key] = organization.model_copy(update={"closures": closures}) if changed else organization
    return file.model_copy(update={"organizations": organizations})


def written(file: ProgramFile) -> str:
    """A program's file as YAML: what was declared, in its order, and no default that was left out."""
    return yaml.dump(
        _plain(file), Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=_WIDTH, default_flow_style=False
    )


def _read(text: str) -> ProgramFile:
    return read_program_text(text, "the program as it was loaded last").value


def _kept(whose: str, declared: Iterable[ClosedDays], left: set[ClosureKey]) -> Iterator[ClosedDays]:
    """Those of the declared closures that are recorded, then the other recorded ones; all are removed from `left`."""
    for days in declared:
        key = _key_of(whose, days)
        if key in left:
            left.discard(key)
            yield days
    for key in sorted(one for one in left if one[0] == whose):
        _, first, last, fr, en = key
        left.discard(key)
        several = {} if first == last else {"last": last}
        yield ClosedDays(first=first, reason=Bilingual(fr=fr, en=en), **several)


def _key_of(whose: str, days: ClosedDays) -> ClosureKey:
    return whose, days.first, days.last or days.first, days.reason.fr, days.reason.en


def _plain(value: object) -> Any:
    """A part of the grammar as plain values for YAML, in the style of the file's authors."""
    match value:
        case GrammarPart():
            order = type(value).model_fields
            given = sorted(value.model_fields_set, key=list(order).index)
            return {order[name].alias or name: _plain(getattr(value, name)) for name in given}
        case Mapping():
            return {key: _plain(one) for key, one in value.items()}
        case tuple():
            return [_plain(one) for one in value]
        case _:
            return _plain_value(value)


def _plain_value(value: object) -> object:
    """A single value: a time without seconds that are none, a day as ISO 8601, a whole number without a point."""
    if isinstance(value, time):
        return value.isoformat("minutes" if value.second == value.microsecond == 0 else "auto")
    if isinstance(value, date):
        return value.isoformat()
    return int(value) if isinstance(value, float) and value.is_integer() else value


class _Dumper(yaml.SafeDumper):
    """Writes numbers without exponents, which a declared file does not have."""


_Dumper.add_representer(
    float, lambda dumper, value: dumper.represent_scalar("tag:yaml.org,2002:float", format(Decimal(repr(value)), "f"))
)
