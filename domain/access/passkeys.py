"""Passkeys of people: enrolling one, signing in with one, and removing one.

Only its public half is stored; a passkey that was removed stays as a row, and opens nothing.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.expression import ColumnElement
from sqlmodel import Session, and_

from domain.access.sign_ins import NotLetIn
from domain.access.sites import Site
from domain.kernel import (
    Actor,
    Refusal,
    changes,
    col,
    every,
    in_program,
    local_day,
    program,
    program_of,
    run,
    scalar,
    select,
    tuples,
)
from domain.mail import notices
from domain.record import events
from domain.roles import lock_person, standing
from locales import N_, pick
from models.access import Identity, Passkey
from models.program import Person


def ask_to_enrol(session: Session, person_id: UUID, site: Site, *, language: str) -> tuple[str, str]:
    """What a browser is asked for making a person's passkey, as JSON, and the challenge to keep."""
    from domain.access import ceremonies  # noqa: PLC0415  # slow to read, and wanted by nobody but a passkey's person

    person = session.get(Person, (program_of(session), person_id))
    here = program(session)
    if person is None:
        msg = "a door leads to a person who does not exist"
        raise LookupError(msg)
    # A person may work in two programs: the browser shows which passkey is for which.
    name = f"{person.name} – {pick(language, {'fr': here.title_fr, 'en': here.title_en})}"
    has = [row.credential_id for row in every(session, select(Passkey).where(_live(person_id)))]
    asked = ceremonies.ask_to_make(site, person_id, name, has)
    return asked.options, asked.challenge


def enrol(
    session: Session, person_id: UUID, *, answer: str, challenge: str, site: Site, device: str, at: datetime
) -> UUID:
    """Enrol the passkey that a browser made, and tell its person by letter, since it lets its holder in as them.

    Raises NotLetIn where the answer is not right, and Refusal where the passkey is known already, in any program: the
    answer does not say in which.
    """
    from domain.access import ceremonies  # noqa: PLC0415  # as in `ask_to_enrol`

    try:
        new = ceremonies.made(site, challenge, answer)
    except ceremonies.NotProved as error:
        raise NotLetIn(person_id, "not_proved") from error
    passkey_id = uuid4()
    adding = insert(Passkey).values(
        credential_id=new.credential_id,
        program_id=program_of(session),
        person_id=person_id,
        id=passkey_id,
        public_key=new.public_key,
        sign_count=new.sign_count,
        device=device,
        enrolled_at=at,
    )
    # Not looked for before: another program's passkey is not visible from here, nor one that is being enrolled now.
    if run(session, adding.on_conflict_do_nothing().returning(col(Passkey.id))).first() is None:
        raise Refusal(
            "passkey.known", N_("This passkey is already enrolled. Create a new one here, or on another device.")
        )
    themselves = Actor(role="", person_id=person_id)
    events.write(session, "passkey.enrolled", "person", person_id, by=themselves, at=at, passkey=str(passkey_id))
    notices.write(
        session,
        "passkey_added",
        to=person_id,
        key=f"passkey:{passkey_id}",
        facts=lambda _: {"device": device, "on": local_day(session, at), "path": "/my-access"},
        at=at,
    )
    return passkey_id


def ask_for_any(site: Site) -> tuple[str, str]:
    """What a browser is asked for signing in with any passkey that it has, as JSON, and the challenge to keep."""
    from domain.access import ceremonies  # noqa: PLC0415  # as in `ask_to_enrol`

    asked = ceremonies.ask_for_any(site)
    return asked.options, asked.challenge


def program_of_answer(session: Session, answer: str) -> UUID | None:
    """The program in which the passkey of an answer is enrolled, or None; asked before a program is known."""
    from domain.access import ceremonies  # noqa: PLC0415  # as in `ask_to_enrol`

    try:
        credential = ceremonies.credential_of(answer)
    except ceremonies.NotProved:
        return None
    return scalar(session, select(Passkey.program_id).where(Passkey.credential_id == credential))


def use(session: Session, *, answer: str, challenge: str, site: Site, at: datetime) -> UUID:
    """The person who signs in with this passkey, in the session of its program; its use is counted.

    Raises NotLetIn: the answer is not right, the passkey was removed, its count of uses went backwards as that of a
    copy does, or its person holds no role today.
    """
    from domain.access import ceremonies  # noqa: PLC0415  # as in `ask_to_enrol`

    this = and_(in_program(Passkey), col(Passkey.credential_id) == ceremonies.credential_of(answer))
    person_id: UUID | None = scalar(session, select(Passkey.person_id).where(this))
    if person_id is None:
        msg = "this session is of another program than the passkey"
        raise LookupError(msg)
    lock_person(session, person_id)
    held = every(session, select(Passkey).where(this).with_for_update())[0]
    try:
        proof = ceremonies.proved(site, challenge, answer, held.public_key)
    except ceremonies.NotProved as error:
        raise NotLetIn(person_id, "not_proved") from error
    if proof.person_id != person_id:
        raise NotLetIn(person_id, "not_proved")
    if held.ended_at is not None:
        raise NotLetIn(person_id, "removed")
    counts = proof.sign_count > 0 or held.sign_count > 0
    if counts and proof.sign_count <= held.sign_count:
        raise NotLetIn(person_id, "sign_count")
    if person_id not in standing(session, local_day(session, at)).live:
        raise NotLetIn(person_id, "no_role")
    run(session, changes(Passkey).where(Passkey.id == held.id).values(sign_count=proof.sign_count, used_at=at))
    return person_id


class PasskeyShown(NamedTuple):
    """A passkey as its person knows it."""

    id: UUID
    device: str
    enrolled_at: datetime
    used_at: datetime | None


def passkeys_of(session: Session, person_id: UUID) -> list[PasskeyShown]:
    """A person's passkeys, the newest first, without anything that would open them."""
    shown = select(Passkey.id, Passkey.device, Passkey.enrolled_at, Passkey.used_at).where(_live(person_id))
    return [PasskeyShown(*row) for row in tuples(session, shown.order_by(col(Passkey.enrolled_at).desc()))]


def remove(session: Session, person_id: UUID, passkey_id: UUID, *, by: Actor, at: datetime) -> None:
    """Remove a passkey, such as that of a lost telephone: it no longer opens anything.

    Raises Refusal where there is no such passkey, or where it is its person's only way in.
    """
    lock_person(session, person_id)
    live = every(session, select(Passkey).where(_live(person_id)).with_for_update())
    if passkey_id not in {row.id for row in live}:
        raise Refusal("passkey.unknown", N_("There is no such passkey."))
    if len(live) == 1 and not scalar(session, select(Identity.person_id).where(_linked(person_id))):
        raise Refusal(
            "passkey.last", N_("This is your only way to sign in. Add another passkey first, then remove this one.")
        )
    run(session, changes(Passkey).where(Passkey.id == passkey_id).values(ended_at=at))
    events.write(session, "passkey.removed", "person", person_id, by=by, at=at, passkey=str(passkey_id))


def remove_all(session: Session, person_id: UUID, *, at: datetime) -> int:
    """Remove every passkey of a person whose access ends; returns how many. The ending of access writes the event."""
    ended = run(session, update(Passkey).where(_live(person_id)).values(ended_at=at).returning(col(Passkey.id)))
    return len(ended.all())


def _live(person_id: UUID) -> ColumnElement[bool]:
    return and_(in_program(Passkey), Passkey.person_id == person_id, col(Passkey.ended_at).is_(None))


def _linked(person_id: UUID) -> ColumnElement[bool]:
    return and_(in_program(Identity), Identity.person_id == person_id, col(Identity.ended_at).is_(None))
