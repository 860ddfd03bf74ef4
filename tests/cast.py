"""The people of the tests, all of them made up, in the real program of Greater Montréal: loaded and appointed once.

The names are of stones and metals, and no address can receive mail. Each test gets a copy of the database in which
they stand. Agreements are drafts, nobody is absent, no seat is held and no case is open: a test does what it needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar
from uuid import UUID

import pytest
from sqlalchemy import make_url, select
from sqlmodel import Session

from adapters.database import program_session
from domain.declarations.program import ProgramFile
from domain.declarations.program_check import read_program, read_program_text
from domain.declarations.protocol import Protocol
from domain.declared.reading import Declared, load_declared
from domain.kernel.actors import LOADER, Actor
from domain.loading.loading import load, new_program_id
from domain.mail.envelopes import Mailbox
from domain.mail.notices import LetterTemplates, stationery_for
from domain.participants.identity import names_known
from domain.people.people import add_person, appoint
from flows.protocols import letter_folders
from models.base import table_of
from models.program import Organization
from tests.conftest import Copies, Database
from tests.fakes.people_keys import FakePeopleKeys

ROOT: Final = Path(__file__).resolve().parents[1]
PROGRAM: Final = ROOT / "programs" / "greater-montreal.yaml"
ONBOARDING: Final = ROOT / "flows" / "onboarding" / "protocol.yaml"

#: The tests' now: Monday 23 November 2026, 9:00 in Montréal.
AT: Final = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
TODAY: Final = date(2026, 11, 23)
ARRIVAL: Final = date(2026, 12, 7)
"""The Monday on which `worker_em` begins, ten working days from today."""

SINCE: Final = date(2025, 1, 6)
"""Since when everyone else holds what they hold."""

OTHER_KEY: Final = "other-shore"
"""The second program, which nobody of the first may see or reach: the same file under another key."""

Hat = tuple[str, str]  # a role, at the organization with this key


@dataclass(frozen=True)
class Member:
    """One of the cast: name, language, the roles held from `since`; without a `host` there is no address."""

    name: str
    language: str
    hats: tuple[Hat, ...]
    host: str | None
    since: date = SINCE


MEMBERS: Final[Mapping[str, Member]] = {
    "coordinator": Member("Agate Améthyste", "fr", (("coordinator", "ccsmtl"),), "ccsmtl.example"),
    "officer": Member("Béryl Calcaire", "fr", (("administrative_officer", "ccsmtl"),), "ccsmtl.example"),
    "it_contact": Member("Flint Cobalt", "en", (("it_contact", "ccsmtl"),), "ccsmtl.example"),
    "researcher": Member("Onyx Feldspath", "fr", (("researcher", "ccsmtl"),), "ccsmtl.example"),
    "research_coordinator": Member("Opale Gneiss", "fr", (("research_coordinator", "ccsmtl"),), "ccsmtl.example"),
    "administrator": Member("Ocre Tourmaline", "fr", (("administrator", "ccsmtl"),), "ccsmtl.example"),
    "privacy_officer": Member("Cyanite Serpentine", "fr", (("privacy_officer", "ccsmtl"),), "ccsmtl.example"),
    "director_ccsmtl": Member("Granit D’Or", "fr", (("director", "ccsmtl"),), "ccsmtl.example"),
    "manager_ccsmtl": Member("Jade Lapis", "fr", (("manager", "ccsmtl"),), "ccsmtl.example"),
    "worker_ccsmtl": Member("Silex Marbre", "fr", (("youth_worker", "ccsmtl"),), "ccsmtl.example"),
    "director_codim": Member("Slate Nickel", "en", (("director", "codim"),), "codim.example"),
    "manager_codim": Member("Pearl O'Quartz", "en", (("manager", "codim"),), "codim.example"),
    "worker_codim": Member("Garnet Schist", "en", (("youth_worker", "codim"),), "codim.example"),
    "director_spvm": Member("Basalte Rubis", "fr", (("director", "spvm"),), "spvm.example"),
    "police": Member("Argent Saphir", "fr", (("police_representative", "spvm"),), "spvm.example"),
    # One person, the same role at two organizations: what falls to one must not reach them as the other's.
    "manager_two": Member(
        "Topaze Turquoise", "fr", (("manager", "spvm"), ("manager", "marie-vincent")), "spvm.example"
    ),
    "director_mv": Member("Ambre Zircon", "fr", (("director", "marie-vincent"),), "marie-vincent.example"),
    "specialist": Member("Nacre Étain", "fr", (("specialized_resource", "marie-vincent"),), "marie-vincent.example"),
    "director_em": Member("Corail Mica", "fr", (("director", "en-marge"),), "en-marge.example"),
    "manager_em": Member("Perle Obsidienne", "fr", (("manager", "en-marge"),), "en-marge.example"),
    "worker_em": Member("Émeraude Quartz", "fr", (("youth_worker", "en-marge"),), "en-marge.example", ARRIVAL),
    # Second representatives stand in for others; the deputy has a deputy when they need one.
    "deputy": Member("Soufre Tungstène", "fr", (("second_representative", "en-marge"),), "en-marge.example"),
    "second_deputy": Member("Platine Dolomie", "fr", (("second_representative", "anonyme"),), "anonyme.example"),
    "director_la": Member("Cuivre Kaolin", "fr", (("director", "anonyme"),), "anonyme.example"),
    "manager_la": Member("Zinc Porphyre", "fr", (("manager", "anonyme"),), "anonyme.example"),
    "petty_cash_holder": Member("Galène Talc", "fr", (("petty_cash_holder", "anonyme"),), "anonyme.example"),
    "without_mail": Member("Gypse Ardoise", "fr", (("youth_worker", "anonyme"),), None),
}

OTHERS: Final[Mapping[str, Member]] = {
    "coordinator": Member("Craie Pyrite", "fr", (("coordinator", "ccsmtl"),), "ccsmtl.example"),
    "manager_em": Member("Lignite Tuf", "fr", (("manager", "en-marge"),), "en-marge.example"),
    "worker_em": Member("Malachite Grès", "fr", (("youth_worker", "en-marge"),), "en-marge.example", ARRIVAL),
}


@dataclass(frozen=True)
class Cast:
    """A program with its people: `organizations` by key, `people` by short name.

    `other` is the cast of the second program in the same database, for what must not cross.
    """

    database: Database
    program_id: UUID
    organizations: Mapping[str, UUID]
    people: Mapping[str, UUID]
    members: Mapping[str, Member] = field(repr=False)
    second: Cast | None = field(default=None, repr=False)

    @property
    def other(self) -> Cast:
        """The cast of the second program."""
        assert self.second is not None, "the second program has no other"
        return self.second

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A session of the program with its stationery, committed at the end, and rolled back by an exception."""
        with program_session(self.database.engine, self.program_id) as session:
            session.info.update(letter_templates=letter_templates(), keys=KEYS)
            yield session
            session.commit()

    def actor(self, name: str, role: str | None = None, organization: str | None = None) -> Actor:
        """One of the cast under a hat: their only one, or the one named. Raises ValueError where that is not one."""
        hats = [hat for hat in self.members[name].hats if role in (None, hat[0]) and organization in (None, hat[1])]
        if len(hats) != 1:
            msg = f"{name} has {len(hats)} such hats: name the role and the organization"
            raise ValueError(msg)
        ((held, place),) = hats
        return Actor(held, self.people[name], self.organizations[place])

    def on(self, database: Database) -> Cast:
        """The same people in a copy of their database."""
        return replace(self, database=database, second=self.second and self.second.on(database))


#: The data keys of participants, in memory, of every test's database alike: their ids are drawn at random.
KEYS: Final = FakePeopleKeys()

LOADING: Final = Actor.system(LOADER)


@cache
def letter_templates() -> LetterTemplates:
    """What the letters of the tests are written on."""
    return stationery_for(
        sender=Mailbox("spheres@program.example", "SPHÈRES"),
        base_url="https://spheres.example",
        folders=letter_folders(),
        known=names_known,
    )


@cache
def program_file() -> Declared[ProgramFile]:
    """The real program's file."""
    return read_program(PROGRAM)


@cache
def onboarding() -> Declared[Protocol]:
    """The real onboarding protocol."""
    return load_declared(ONBOARDING, Protocol)


def edited(*edits: tuple[str, str]) -> Declared[ProgramFile]:
    """The real program's file with edits; each old text must be there, so that a test does not change nothing."""
    text = program_file().text
    for old, new in edits:
        assert old in text, f"the file no longer holds {old!r}"
        text = text.replace(old, new, 1)
    return read_program_text(text, "edited.yaml")


_SPVM: Final = (
    "  spvm:\n    name: Service de police de la Ville de Montréal\n    name_en: Montréal police department\n"
    "    short_name: SPVM\n    kind: police\n    regime: A-2.1\n"
)


def without_spvm() -> Declared[ProgramFile]:
    """The file without the police: its organization, agreement, seats and role."""
    text = program_file().text
    begins, ends = (
        text.index("  spvm:\n    title: *partnership"),
        text.index("  marie-vincent:\n    title: *partnership"),
    )
    agreement = text[begins:ends]
    return edited(
        (agreement, ""),
        (_SPVM, ""),
        ("      spvm: {organization: spvm, role: manager, title: &for-spvm {fr: SPVM, en: SPVM}}\n", ""),
        ("      spvm: {organization: spvm, role: police_representative, title: *for-spvm}\n", ""),
    )


def build_cast(database: Database) -> Cast:
    """Load both programs into an empty database and appoint everyone, by the real verbs."""
    other = _build(database, edited(("key: greater-montreal", f"key: {OTHER_KEY}")), OTHERS)
    return replace(_build(database, program_file(), MEMBERS), second=other)


def _build(database: Database, file: Declared[ProgramFile], members: Mapping[str, Member]) -> Cast:
    empty = Cast(database, new_program_id(), {}, {}, members)
    with empty.session() as session:
        load(session, file, [onboarding()], by=LOADING, at=AT)
        organization = table_of(Organization)
        rows = session.execute(select(organization.c.key, organization.c.id))
        organizations: dict[str, UUID] = {row.key: row.id for row in rows}
        people = {name: _join(session, name, member, organizations) for name, member in members.items()}
    return replace(empty, organizations=organizations, people=people)


def _join(session: Session, name: str, member: Member, organizations: Mapping[str, UUID]) -> UUID:
    given_name, family_name = member.name.split(" ")
    person_id = add_person(
        session,
        given_name=given_name,
        family_name=family_name,
        email=f"{name.replace('_', '.')}@{member.host}" if member.host else None,
        language=member.language,
        key=name,
        by=LOADING,
        at=AT,
    )
    for role, place in member.hats:
        appoint(
            session,
            person_id=person_id,
            role=role,
            organization_id=organizations[place],
            starts_on=member.since,
            by=LOADING,
            at=AT,
        )
    return person_id


@pytest.fixture(scope="session")
def cast_template(copies: Copies, template: str) -> Iterator[tuple[str, Cast]]:
    """The name of a database in which the cast stands, and which nobody is signed in to, so that it can be copied."""
    with copies.of(template) as made:
        built = build_cast(made)
        made.engine.dispose()
        name = make_url(made.url).database
        assert name is not None
        yield name, built


T = TypeVar("T")

#: Fills the cast's database before anything else does, by a function that is asked once a run: what it answered.
Arranged = Callable[[Cast, Callable[[Cast], T]], T]


@pytest.fixture
def arranged(copies: Copies) -> Arranged[Any]:
    """Arrange the cast's database, which nobody wrote to yet: `Copies.arrange`."""
    return lambda cast, build: copies.arrange(cast.database, build, lambda: build(cast))


@pytest.fixture
def cast(copies: Copies, cast_template: tuple[str, Cast]) -> Iterator[Cast]:
    """The cast in a database of this test's own."""
    name, built = cast_template
    with copies.of(name) as database:
        yield built.on(database)
