"""What things and people are called in statements, in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from sqlmodel import Session

from domain.kernel import Span, only, run
from meetings.committees import committees
from meetings.documents.content import Both
from meetings.documents.statement import Days
from models.program import Person, Role


def people_of(session: Session) -> dict[UUID, str]:
    """Each member of staff by name."""
    rows = run(session, only(Person.id, Person.given_name, Person.family_name))
    return {row.id: f"{row.given_name} {row.family_name}".strip() for row in rows}


def titles_of_roles(session: Session) -> dict[str, Both]:
    """The roles by their titles of today: one that was renamed is known by its new name."""
    rows = run(session, only(Role.key, Role.title_fr, Role.title_en))
    return {row.key: Both(fr=row.title_fr, en=row.title_en) for row in rows}


def title_of(names: Mapping[str, Both], key: str) -> Both:
    """What a key is called; the key itself where nothing of that name is left."""
    return names.get(key) or Both(fr=key, en=key)


def days_of(span: Span) -> Days:
    """A span as a document holds it."""
    return Days(starts_on=span.starts_on, ends_on=span.ends_on)


def titles(session: Session) -> dict[str, Both]:
    """The roles and the committees by their titles of today."""
    named = committees(session).values()
    return titles_of_roles(session) | {row.key: Both(fr=row.title_fr, en=row.title_en) for row in named}
