"""Compares a program's rows with its file, and says, checks and writes each difference."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, TypeVar
from uuid import UUID, uuid4

from sqlalchemy import func, insert
from sqlmodel import Session

from domain.agreements import DutyText, RoleText
from domain.declarations import DeclaredCommittee, ProgramFile
from domain.declared import Bilingual, Declared
from domain.kernel import Actor, Titled, changes, col, every, first, of, program_of, run, select
from domain.loading.exporting import last_loaded
from locales import say
from models.base import InProgram
from models.committee import Committee as CommitteeRow
from models.committee import Seat
from models.program import Organization, Program, Role

Kind = Literal["added", "changed", "ended"]
What = Literal[
    "program", "calendar", "role", "organization", "closure", "committee", "seat", "agreement", "obligation", "protocol"
]
Words = Mapping[str, str]  # in both languages
#: What a file says of a row, by its columns.
Row = Mapping[str, object]


@dataclass(frozen=True)
class LoadChange:
    """One thing that a load changes. `sentence` is an English msgid; `facts` are words, counts, days or both languages.

    A `calendar` change is one of the public holidays that count; other closed days are a `closure`.
    """

    kind: Kind
    what: What
    sentence: str
    facts: Mapping[str, object]

    def in_language(self, language: str) -> str:
        """The change in plain words, in "fr" or "en"."""
        return say(language, self.sentence, **self.facts)


@dataclass(frozen=True)
class LoadRun:
    """A load that is being carried out: by which actor, at what moment, on which local day."""

    session: Session
    by: Actor
    at: datetime
    day: date


Keyed = TypeVar("Keyed", Organization, CommitteeRow, Role)
Write = Callable[[LoadRun], object]


@dataclass(frozen=True)
class LoadStep:
    """One difference: its words (where it has any), what must be true first, and what it writes.

    `subject` is the row that its event is about. A step that has none writes its own event, or stands for a line of
    something larger.
    """

    change: LoadChange | None = None
    write: Write | None = None
    subject: UUID | None = None
    check: Callable[[Session, date], None] | None = None


class Comparison:
    """A program's rows beside its file. The ids of what is new are settled here, so parts can refer to each other."""

    def __init__(self, session: Session, declared: Declared[ProgramFile]) -> None:
        self.session = session
        self.file = declared.value
        self.here = program_of(session)
        self.row = first(session, select(Program).where(Program.id == self.here))
        unchanged = self.row is not None and self.row.digest == declared.digest
        self.before = self.file if unchanged else last_loaded(session)
        self.organizations = self.by_key(Organization)
        self.committees = self.by_key(CommitteeRow)
        self.organization_ids = self._ids(self.organizations, self.file.organizations)
        self.committee_ids = self._ids(self.committees, self.file.committees)

    def is_back(self, part: str, key: str) -> bool:
        """Whether something with a row was not in the last file: it was dropped once, and is named again."""
        if self.before is None:
            return False
        return key not in (established(self.before) if part == "committees" else getattr(self.before, part))

    def by_key(self, model: type[Keyed]) -> dict[str, Keyed]:
        """Every row of a table that has keys, by its key."""
        return {row.key: row for row in every(self.session, of(model).order_by(col(model.key)))}

    def adding(
        self, change: LoadChange, model: type[InProgram], row_id: UUID, columns: Row, *, said: bool = True
    ) -> LoadStep:
        """The step that adds a row."""
        row = {"program_id": self.here, "id": row_id, **columns}
        return LoadStep(change if said else None, lambda act: run(act.session, insert(model).values(**row)), row_id)

    def changing(self, change: LoadChange, model: type[InProgram], row_id: UUID, columns: Row) -> LoadStep:
        """The step that changes a row."""
        return LoadStep(
            change, lambda act: run(act.session, changes(model).where(model.id == row_id).values(**columns)), row_id
        )

    def changed(
        self, what: What, model: type[InProgram], row: InProgram, columns: Row, said: str, facts: Mapping[str, object]
    ) -> Iterator[LoadStep]:
        """A row, where it says something else than these columns."""
        if differ(row, columns):
            yield self.changing(LoadChange("changed", what, said, facts), model, row.id, columns)

    def ending(
        self, change: LoadChange, model: type[Organization | Seat], row_id: UUID, *, said: bool = True
    ) -> LoadStep:
        """The step that ends a row's part in the program: the row gets a last day, and stays."""

        def write(act: LoadRun) -> None:
            last = func.greatest(func.coalesce(col(model.starts_on), act.day), act.day)
            run(act.session, changes(model).where(model.id == row_id).values(ends_on=last))

        return LoadStep(change if said else None, write, row_id)

    @staticmethod
    def _ids(known: Mapping[str, Organization | CommitteeRow], wanted: Mapping[str, object]) -> dict[str, UUID]:
        return {key: known[key].id if key in known else uuid4() for key in [*known, *wanted]}


def established(file: ProgramFile) -> dict[str, DeclaredCommittee]:
    """The committees that meet. One that is only recommended has neither rhythm nor seats, and so no row."""
    return {key: committee for key, committee in file.committees.items() if committee.established}


def new_changed_gone(
    was: Mapping[str, object], now: Mapping[str, RoleText] | Mapping[str, DutyText]
) -> Iterator[tuple[Kind, str]]:
    """What of an agreement is new, what has changed, and what is gone, by name, in the order of the file."""
    for name, said in now.items():
        if name not in was:
            yield "added", name
        elif differ(was[name], said._asdict()):
            yield "changed", name
    for name in was:
        if name not in now:
            yield "ended", name


def differ(row: object, columns: Row) -> bool:
    """Whether a row differs from these columns."""
    return any(getattr(row, name) != value for name, value in columns.items())


def words(row: Titled) -> Words:
    """The title of a row, in both languages."""
    return Bilingual(fr=row.title_fr, en=row.title_en).model_dump()
