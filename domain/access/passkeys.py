"""Passkeys of people: enrolling one, signing in with one, and removing one.

What is kept of a passkey is its public half; a passkey that was removed stays as a row, and opens nothing.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import and_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.expression import ColumnElement
from sqlmodel import Session

from domain.access.sign_ins import NotLetIn
from domain.access.sites import Site
from domain.kernel.actors import Actor
from domain.kernel.refusals import Refusal
from domain.kernel.scope import local_day, many, program, program_of
from domain.mail import notices
from domain.record import events
from domain.roles.locked_person import hold_person
from domain.roles.roles import standing
from locales import N_, pick
from models.access import Identity, Passkey
from models.base import table_of
from models.program import Person

_passkey = table_of(Passkey)
_identity = table_of(Identity)


def ask_to_enrol(session: Session, person_id: UUID, site: Site, *, language: str) -> tuple[str, str]:
    """What a browser is asked in order to make a passkey for a person, as JSON, and the challenge to keep."""
    from domain.access import ceremonies  # noqa: PLC0415  # slow to read, and wanted by nobody but a passkey's person

    person = session.get(Person, (program_of(session), person_id))
    here = program(session)
    if person is None:
        msg = "a door leads to a person who does not exist"
        raise LookupError(msg)
    # One person may work in two programs: the browser shows which passkey is for which.
    name = f"{person.name} – {pick(language, {'fr': here.title_fr, 'en': here.title_en})}"
    has = [
        row["credential_id"] for row in many(session, select(_passkey.c.credential_id).where(_live(session, person_id)))
    ]
    asked = ceremonies.ask_to_make(site, person_id, name, has)
    return asked.options, asked.challenge


def enrol(
    session: Session, person_id: UUID, *, answer: str, challenge: str, site: Site, device: str, at: datetime
) -> UUID:
    """Enrol the passkey that a browser made, and tell its person by letter, since whoever holds it comes in as them.

    Raises NotLetIn where the answer is not right, and Refusal where the passkey is known already, to whichever program:
    the answer does not say to which.
    """
    from domain.access import ceremonies  # noqa: PLC0415  # as in `ask_to_enrol`

    try:
        new = ceremonies.made(site, challenge, answer)
    except ceremonies.NotProved as error:
        raise NotLetIn(person_id, "not_proved") from error
    passkey_id = uuid4()
    adding = insert(_passkey).values(
        credential_id=new.credential_id,
        program_id=program_of(session),
        person_id=person_id,
        id=passkey_id,
        public_key=new.public_key,
        sign_count=new.sign_count,
        device=device,
        enrolled_at=at,
    )
    # Not looked for before: one of another program is not seen from here, nor one that is being enrolled just now.
    if session.execute(adding.on_conflict_do_nothing().returning(_passkey.c.id)).first() is None:
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
    """What a browser is asked in order to sign in with whichever passkey it has, as JSON, and the challenge to keep."""
    from domain.access import ceremonies  # noqa: PLC0415  # as in `ask_to_enrol`

    asked = ceremonies.ask_for_any(site)
    return asked.options, asked.challenge


def program_of_answer(session: Session, answer: str) -> UUID | None:
    """The program in which the passkey of an answer is enrolled, asked before a program is known; None for no such."""
    from domain.access import ceremonies  # noqa: PLC0415  # as in `ask_to_enrol`

    try:
        credential = ceremonies.credential_of(answer)
    except ceremonies.NotProved:
        return None
    found: UUID | None = session.scalar(select(_passkey.c.program_id).where(_passkey.c.credential_id == credential))
    return found


def use(session: Session, *, answer: str, challenge: str, site: Site, at: datetime) -> UUID:
    """Who signs in with this passkey, in the session of its program; its use is counted.

    Raises NotLetIn: the answer is not right, the passkey was removed, its count of uses went backwards as that of a
    copy does, or its person holds no role today.
    """
    from domain.access import ceremonies  # noqa: PLC0415  # as in `ask_to_enrol`

    this = and_(
        _passkey.c.program_id == program_of(session), _passkey.c.credential_id == ceremonies.credential_of(answer)
    )
    person_id: UUID | None = session.scalar(select(_passkey.c.person_id).where(this))
    if person_id is None:
        msg = "this session is of another program than the passkey"
        raise LookupError(msg)
    hold_person(session, person_id)
    held = many(session, select(_passkey).where(this).with_for_update())[0]
    try:
        proof = ceremonies.proved(site, challenge, answer, held["public_key"])
    except ceremonies.NotProved as error:
        raise NotLetIn(person_id, "not_proved") from error
    if proof.person_id != person_id:
        raise NotLetIn(person_id, "not_proved")
    if held["ended_at"] is not None:
        raise NotLetIn(person_id, "removed")
    counts = proof.sign_count > 0 or held["sign_count"] > 0
    if counts and proof.sign_count <= held["sign_count"]:
        raise NotLetIn(person_id, "sign_count")
    if person_id not in standing(session, local_day(session, at)).live:
        raise NotLetIn(person_id, "no_role")
    session.execute(
        update(_passkey)
        .where(_passkey.c.program_id == program_of(session), _passkey.c.id == held["id"])
        .values(sign_count=proof.sign_count, used_at=at)
    )
    return person_id


def passkeys_of(session: Session, person_id: UUID) -> list[dict[str, Any]]:
    """A person's passkeys, the newest first: without what opens anything."""
    shown = (_passkey.c.id, _passkey.c.device, _passkey.c.enrolled_at, _passkey.c.used_at)
    return many(session, select(*shown).where(_live(session, person_id)).order_by(_passkey.c.enrolled_at.desc()))


def remove(session: Session, person_id: UUID, passkey_id: UUID, *, by: Actor, at: datetime) -> None:
    """Remove a passkey, such as that of a lost telephone: it opens nothing any more.

    Raises Refusal where there is no such passkey, or where it is the only way in that its person has left.
    """
    hold_person(session, person_id)
    live = many(session, select(_passkey.c.id).where(_live(session, person_id)).with_for_update())
    if passkey_id not in {row["id"] for row in live}:
        raise Refusal("passkey.unknown", N_("There is no such passkey."))
    if len(live) == 1 and not session.scalar(select(_identity.c.person_id).where(_linked(session, person_id))):
        raise Refusal(
            "passkey.last", N_("This is your only way to sign in. Add another passkey first, then remove this one.")
        )
    session.execute(
        update(_passkey)
        .where(_passkey.c.program_id == program_of(session), _passkey.c.id == passkey_id)
        .values(ended_at=at)
    )
    events.write(session, "passkey.removed", "person", person_id, by=by, at=at, passkey=str(passkey_id))


def remove_all(session: Session, person_id: UUID, *, at: datetime) -> int:
    """Remove every passkey of a person whose access ends; the event is the ending's own. How many there were."""
    ended = session.execute(
        update(_passkey).where(_live(session, person_id)).values(ended_at=at).returning(_passkey.c.id)
    )
    return len(ended.all())


def _live(session: Session, person_id: UUID) -> ColumnElement[bool]:
    return and_(
        _passkey.c.program_id == program_of(session),
        _passkey.c.person_id == person_id,
        _passkey.c.ended_at.is_(None),
    )


def _linked(session: Session, person_id: UUID) -> ColumnElement[bool]:
    return and_(
        _identity.c.program_id == program_of(session),
        _identity.c.person_id == person_id,
        _identity.c.ended_at.is_(None),
    )
