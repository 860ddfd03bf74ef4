"""Who is in a simulated program when it begins: its people, their roles and how each of them is.

All are drawn from the program's own file: whichever roles its agreements create, and whichever seats its committees
have. Nobody in it exists, no address can receive mail and no number rings.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import update
from sqlmodel import Session

from domain.agreements import agreements
from domain.kernel import LOADER, Actor, Language, col, only, run, same, scalars
from domain.loading import load, new_program_id
from domain.people import people
from models.agreement import Agreement, AgreementVersion
from models.program import Organization, Program
from simulation.world import World

BY_LOADER: Final = Actor.system(LOADER)
GIVEN: Final = [
    "Abricot",
    "Acacia",
    "Agate",
    "Ambre",
    "Anémone",
    "Anis",
    "Aster",
    "Azalée",
    "Basalte",
    "Bleuet",
    "Bruyère",
    "Calcite",
    "Camomille",
    "Cassis",
    "Cèdre",
    "Cerise",
    "Chardon",
    "Citrine",
    "Coquelicot",
    "Corail",
    "Cyprès",
    "Dahlia",
    "Ébène",
    "Érable",
    "Fougère",
    "Fraise",
    "Freesia",
    "Fusain",
    "Genêt",
    "Gentiane",
    "Girofle",
    "Glaïeul",
    "Gneiss",
    "Grenat",
    "Hêtre",
    "Houx",
    "Indigo",
    "Iris",
    "Jacinthe",
    "Jade",
    "Jasmin",
    "Lavande",
    "Lichen",
    "Lierre",
    "Lilas",
    "Lin",
    "Lotus",
    "Lupin",
    "Magnolia",
    "Malachite",
    "Mauve",
    "Mélèze",
    "Menthe",
    "Mica",
    "Mimosa",
    "Muguet",
    "Myrte",
    "Noisette",
    "Olivine",
    "Onyx",
    "Opale",
    "Orme",
    "Ortie",
    "Pavot",
    "Pervenche",
    "Pivoine",
    "Prune",
    "Quartz",
    "Romarin",
    "Rose",
    "Rubis",
    "Safran",
    "Sauge",
    "Saule",
    "Sorbier",
    "Tilleul",
    "Topaze",
    "Trèfle",
    "Tulipe",
    "Verveine",
]
FAMILY: Final = [
    "Amont",
    "Aval",
    "Bassin",
    "Berge",
    "Brise",
    "Brume",
    "Cascade",
    "Côteau",
    "Courant",
    "Crête",
    "Delta",
    "Dune",
    "Écluse",
    "Embouchure",
    "Estuaire",
    "Falaise",
    "Fleuve",
    "Fontaine",
    "Galet",
    "Glacier",
    "Golfe",
    "Gouffre",
    "Grève",
    "Gué",
    "Havre",
    "Île",
    "Lagune",
    "Lande",
    "Levant",
    "Littoral",
    "Marais",
    "Marée",
    "Méandre",
    "Moraine",
    "Nuage",
    "Oasis",
    "Ombrage",
    "Orage",
    "Pente",
    "Plage",
    "Plaine",
    "Ponton",
    "Prairie",
    "Presqu’île",
    "Rapide",
    "Ravin",
    "Récif",
    "Rivage",
    "Rive",
    "Ruisseau",
    "Savane",
    "Sentier",
    "Source",
    "Steppe",
    "Talus",
    "Torrent",
    "Tourbière",
    "Vague",
    "Vallon",
    "Versant",
]
_AREAS: Final = ("438", "450", "514")
#: How often somebody has a role beside another one, where people are few.
BESIDE_ANOTHER: Final = {
    "it_contact": 0.25,
    "manager": 0.35,
    "petty_cash_holder": 0.25,
    "police_representative": 0.25,
    "second_representative": 0.25,
    "youth_worker": 0.1,
}


class Nature(StrEnum):
    """How somebody is at work."""

    PROMPT = "prompt"
    SLOW = "slow"
    CARELESS = "careless"  # sends twice, or to the wrong thing, or what is stale by now
    SLY = "sly"  # wants around rules


@dataclass(frozen=True)
class Member:
    """Somebody of the program's staff, as only the simulation knows them."""

    id: UUID
    name: str
    nature: Nature
    email: str | None


@dataclass(frozen=True)
class Post:
    """A role at an organization that somebody is to hold, by their keys."""

    organization: str
    role: str


def posts_of(world: World, workers: int, *, alone: bool = False) -> Iterator[Post]:
    """The roles that are held when the program begins. `workers` youth workers are shared out among who employs them.

    `alone`: nobody is there but the coordination.
    """
    file = world.file.value
    hosts = [organization for _, organization in file.coordination.organizations()]
    employers = [key for key, one in file.agreements.items() if "youth_worker" in one.roles]
    for key in file.organizations:
        for role in sorted(file.roles_at(key)):
            if alone:
                if role in ("coordinator", "administrator", "privacy_officer"):
                    yield Post(key, role)
                continue
            if role == "coordinator" and key != hosts[0]:
                continue
            count = 1
            if role == "youth_worker":
                place = employers.index(key) if key in employers else 0
                count = workers // len(employers) + (place < workers % len(employers))
            yield from (Post(key, role) for _ in range(count))


def found(world: World, *, workers: int, alone: bool = False) -> dict[UUID, Member]:
    """Load the program and its first people, with its agreements in force. Who they are, by their ids."""
    world.program_id = new_program_id()
    chance = world.chance.stream("cast")
    members: dict[UUID, Member] = {}
    with world.session() as session:
        at = world.clock()
        load(session, world.file, world.protocols, by=BY_LOADER, at=at)
        run(
            session,
            update(Program)
            .where(col(Program.id) == world.program_id)
            .values(is_demonstration=True, year_written_at=at, version=col(Program.version) + 1),
        )
        session.expire_all()
        places = {row.key: row.id for row in run(session, only(Organization.key, Organization.id))}
        since, seen = world.today - timedelta(days=400), set[str]()
        directors: dict[str, UUID] = {}
        hats: dict[str, dict[UUID, set[str]]] = {}
        for post in posts_of(world, workers, alone=alone):
            here = hats.setdefault(post.organization, {})
            free = [one for one, roles in here.items() if post.role not in roles]
            if free and chance.random() < BESIDE_ANOTHER.get(post.role, 0.0):
                member = members[chance.choice(free)]
            else:
                member = add_somebody(world, session, chance, post.organization, seen)
            here.setdefault(member.id, set()).add(post.role)
            members[member.id] = member
            people.appoint(
                session,
                person_id=member.id,
                role=post.role,
                organization_id=places[post.organization],
                starts_on=since,
                by=BY_LOADER,
                at=at,
            )
            if post.role == "director":
                directors[post.organization] = member.id
        for organization, director in sorted(directors.items()):
            _sign(world, session, places[organization], director)
        session.commit()
    return members


def new_name(chance: random.Random, seen: set[str]) -> tuple[str, str]:
    """The name of somebody who does not exist, and whom nobody has yet."""
    while True:
        given, family = chance.choice(GIVEN), chance.choice(FAMILY)
        if chance.random() < 0.1:
            given = f"{given}-{chance.choice(GIVEN)}"
        if f"{given} {family}" not in seen:
            seen.add(f"{given} {family}")
            return given, family


def add_somebody(world: World, session: Session, chance: random.Random, organization: str, seen: set[str]) -> Member:
    """Add somebody to the staff, without a role yet."""
    given, family = new_name(chance, seen)
    number = len(seen)
    email = f"person{number}@{organization}.example" if chance.random() > 0.03 else None
    language: Language = "fr" if chance.random() < 0.8 else "en"
    person_id = people.add_person(
        session,
        given_name=given,
        family_name=family,
        email=email,
        phone=f"{chance.choice(_AREAS)}-555-01{number % 100:02}",
        language=language,
        by=BY_LOADER,
        at=world.clock(),
    )
    return Member(person_id, f"{given} {family}", nature_of(chance), email)


def nature_of(chance: random.Random) -> Nature:
    """How somebody is: most are prompt or slow."""
    return chance.choices(list(Nature), weights=(45, 30, 15, 10))[0]


def _sign(world: World, session: Session, organization: UUID, director: UUID) -> None:
    versions = scalars(
        session,
        only(AgreementVersion.id)
        .join(Agreement, same(Agreement, AgreementVersion) & (col(Agreement.id) == col(AgreementVersion.agreement_id)))
        .where(Agreement.organization_id == organization),
    ).all()
    day: date = world.today - timedelta(days=30)
    for version_id in versions:
        agreements.sign_version(
            session, version_id, director_id=director, signed_on=day, by=BY_LOADER, at=world.clock()
        )
        agreements.start_version(session, version_id, starts_on=day, by=BY_LOADER, at=world.clock())
