"""A person locked for the length of a transaction, so that two who act on the same one follow each other."""

from __future__ import annotations

from uuid import UUID

from sqlmodel import Session

from domain.kernel import Refusal, first, of
from locales import N_
from models.program import Person


def lock_person(session: Session, person_id: UUID | None) -> Person:
    """A person's row, locked until the transaction ends: signing them in and ending their access take turns.

    It is locked first, before their roles, doors, passkeys and sign-ins, which are read after it. Otherwise a sign-in
    that began while the access ended would outlive it, and two that lock in another order would wait for each other.
    Lines of the record that name the person do not wait for it. Raises Refusal where there is no such person.
    """
    row = first(session, of(Person).where(Person.id == person_id).with_for_update(key_share=True))
    if row is None:
        raise Refusal("person.unknown", N_("There is no such person."))
    return row
