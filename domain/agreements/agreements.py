"""Agreements: a version is drafted as declared, sent, signed by directors, in force from a day, and ended on one.

A draft may be rewritten; what carries a signature never changes, and another text is another version. Which
version holds on a day is read from its days, since an end or a beginning may be settled in advance.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import and_, delete, func, insert, or_, select, update
from sqlmodel import Session

from domain.agreements import letters, renewals
from domain.agreements.version_text import Content, content_of_version, write_parts
from domain.kernel.actors import Actor
from domain.kernel.refusals import Refusal
from domain.kernel.scope import local_day, many, one, program_of
from domain.record import events
from domain.roles.roles import never_began
from locales import N_
from models.agreement import Agreement, AgreementRole, AgreementVersion, Obligation, Signature
from models.base import refers, table_of
from models.lifecycles import AGREEMENT_VERSION, NoSuchMove
from models.program import Organization, Tenure

_agreement = table_of(Agreement)
_version = table_of(AgreementVersion)
_created = table_of(AgreementRole)
_obligation = table_of(Obligation)
_signature = table_of(Signature)
_organization = table_of(Organization)
_tenure = table_of(Tenure)


def draft_version(session: Session, agreement_id: UUID, content: Content, *, by: Actor, at: datetime) -> UUID:
    """Add a version to an agreement, as a draft numbered after the last. Raises Refusal: no such agreement."""
    here = program_of(session)
    held = session.scalar(
        select(_agreement.c.id)
        .where(_agreement.c.program_id == here, _agreement.c.id == agreement_id)
        .with_for_update(key_share=True)
    )
    if held is None:
        raise Refusal("agreement.unknown", N_("There is no such agreement."))
    last = session.scalar(
        select(func.max(_version.c.n)).where(_version.c.program_id == here, _version.c.agreement_id == agreement_id)
    )
    version_id, number = uuid4(), (last or 0) + 1
    session.execute(
        insert(_version).values(
            program_id=here,
            id=version_id,
            agreement_id=agreement_id,
            n=number,
            state=AGREEMENT_VERSION.initial,
            notice_days=content.notice_days,
            terms=content.terms,
            digest=content.digest,
            version=1,
        )
    )
    write_parts(session, version_id, content)
    events.write(session, "agreement.drafted", "agreement_version", version_id, by=by, at=at, number=number)
    return version_id


def redraft_version(
    session: Session, version_id: UUID, content: Content, *, by: Actor, at: datetime, seen: int | None = None
) -> None:
    """Let a draft say something else. Raises Refusal where it was sent, or carries a signature: that text stays."""
    held = hold_version(session, version_id, seen=seen)
    if held["state"] != "draft" or signatures_of(session, version_id):
        raise Refusal("agreement.text_stands", N_("What was sent or signed does not change: draft a new version."))
    here = program_of(session)
    for parts in (_created, _obligation):
        session.execute(delete(parts).where(parts.c.program_id == here, parts.c.agreement_version_id == version_id))
    write_parts(session, version_id, content)
    change_version(session, held, notice_days=content.notice_days, terms=content.terms, digest=content.digest)
    events.write(session, "agreement.redrafted", "agreement_version", version_id, by=by, at=at, number=held["n"])


def send_version(session: Session, version_id: UUID, *, by: Actor, at: datetime, seen: int | None = None) -> None:
    """A draft goes to the directors, each by letter, and is not rewritten while it is with them. Raises Refusal."""
    held = hold_version(session, version_id, seen=seen)
    state = state_after(held, "send")
    directors = directors_on(session, held["organization_id"], local_day(session, at))
    if not directors:
        raise Refusal(
            "agreement.no_director", N_("This organization has no director today who could sign. Name someone first.")
        )
    change_version(session, held, state=state)
    letters.to_sign(session, held, directors, by=by, at=at)
    events.write(session, "agreement.sent", "agreement_version", version_id, by=by, at=at, number=held["n"])
    renewals.follow_agreement(session, held["agreement_id"], by=by, at=at)


def withdraw_version(session: Session, version_id: UUID, *, by: Actor, at: datetime, seen: int | None = None) -> None:
    """Take a version back that was sent and that nobody has signed: it is a draft again, and its directors are told.

    Raises Refusal.
    """
    held = hold_version(session, version_id, seen=seen)
    state = state_after(held, "withdraw")
    if signatures_of(session, version_id):
        raise Refusal("agreement.text_stands", N_("What was sent or signed does not change: draft a new version."))
    change_version(session, held, state=state)
    directors = directors_on(session, held["organization_id"], local_day(session, at))
    letters.taken_back(session, held, directors, by=by, at=at)
    events.write(session, "agreement.withdrawn", "agreement_version", version_id, by=by, at=at, number=held["n"])
    renewals.follow_agreement(session, held["agreement_id"], by=by, at=at)


def sign_version(
    session: Session,
    version_id: UUID,
    *,
    director_id: UUID,
    signed_on: date,
    by: Actor,
    at: datetime,
    seen: int | None = None,
) -> str:
    """Record a director's signature, given on a local day, and return the version's state.

    The version is signed once everyone who directs the organization on that day has signed it. `by` records the
    signature; whose it is says `director_id`. The line of the record holds the digest of the text that they signed.
    Of somebody who has signed already this asks whether another signature still lacks (`complete_signatures`).
    Raises Refusal: not a director there on that day, a day to come, signed by them already and not by all, past
    signing, or a text that is no longer what was drafted. Guide: partnership agreements are signed by the directors.
    """
    held = hold_version(session, version_id, seen=seen)
    state = state_after(held, "sign")
    if signed_on > local_day(session, at):
        raise Refusal("agreement.day_to_come", N_("A signature is recorded once it is given, not before."))
    if content_of_version(session, version_id).digest != held["digest"]:
        raise Refusal("agreement.text_altered", N_("The text of this version is not the one that was drafted."))
    directors = directors_on(session, held["organization_id"], signed_on)
    if director_id not in directors:
        raise Refusal("agreement.not_director", N_("This person is not the director there on that day."))
    signed_by = {signature["person_id"] for signature in signatures_of(session, version_id)}
    if director_id in signed_by:
        if complete_signatures(session, version_id, by=by, at=at):
            return state
        raise Refusal("agreement.signed_already", N_("This person has already signed this version."))
    session.execute(
        insert(_signature).values(
            program_id=program_of(session),
            id=uuid4(),
            agreement_version_id=version_id,
            organization_id=held["organization_id"],
            person_id=director_id,
            signed_on=signed_on,
            recorded_by=by.person_id,
            recorded_at=at,
        )
    )
    if not directors <= signed_by | {director_id}:
        state = held["state"]
    change_version(session, held, state=state)
    events.write(
        session,
        "agreement.signed",
        "agreement_version",
        version_id,
        by=by,
        at=at,
        number=held["n"],
        director=str(director_id),
        signed_on=signed_on.isoformat(),
        complete=state == "signed",
        digest=held["digest"],
    )
    renewals.follow_agreement(session, held["agreement_id"], by=by, at=at)
    return state


def complete_signatures(session: Session, version_id: UUID, *, by: Actor, at: datetime) -> bool:
    """A version is signed where everyone who directs the organization today has signed it; whether it is so now.

    Who left without signing is no longer waited for. Nothing happens where nobody directs the organization, where
    nobody has signed, or where the text is no longer what was drafted.
    """
    held = hold_version(session, version_id)
    signed_by = {signature["person_id"] for signature in signatures_of(session, version_id)}
    directors = directors_on(session, held["organization_id"], local_day(session, at))
    if not AGREEMENT_VERSION.allows(held["state"], "sign") or not directors or not directors <= signed_by:
        return False
    if content_of_version(session, version_id).digest != held["digest"]:
        return False
    change_version(session, held, state=state_after(held, "sign"))
    events.write(session, "agreement.signed_by_all", "agreement_version", version_id, by=by, at=at, number=held["n"])
    renewals.follow_agreement(session, held["agreement_id"], by=by, at=at)
    return True


def signed_in_part(session: Session) -> list[UUID]:
    """The versions that carry a signature and wait for another."""
    signed = (
        select(_signature.c.id)
        .where(_signature.c.program_id == _version.c.program_id, _signature.c.agreement_version_id == _version.c.id)
        .exists()
    )
    waiting = [state for state in AGREEMENT_VERSION.states if AGREEMENT_VERSION.allows(state, "sign")]
    found = session.scalars(
        select(_version.c.id)
        .where(_version.c.program_id == program_of(session), _version.c.state.in_(waiting), signed)
        .order_by(_version.c.id)
    )
    return list(found)


def sign_here(
    session: Session, version_id: UUID, *, has_read: bool, by: Actor, at: datetime, seen: int | None = None
) -> str:
    """Sign as a director, oneself, today, with the text in front of one; returns the version's state.

    Nobody signs so for somebody else, not even as their deputy. Raises Refusal: as `sign_version`, not sent yet, or
    not said to have been read.
    """
    held = hold_version(session, version_id, seen=seen)
    if held["state"] == "draft":
        raise Refusal("agreement.not_sent", N_("This version is a draft. It is signed once it was sent."))
    if not has_read:
        raise Refusal("signature.missing", N_("Say that you have read the text and sign it."))
    if by.person_id is None or by.acting_for is not None:
        raise Refusal("agreement.not_director", N_("This person is not the director there on that day."))
    return sign_version(
        session, version_id, director_id=by.person_id, signed_on=local_day(session, at), by=by, at=at, seen=seen
    )


def start_version(
    session: Session,
    version_id: UUID,
    *,
    starts_on: date,
    by: Actor,
    at: datetime,
    ends_on: date | None = None,
    settled: Collection[str] = (),
    seen: int | None = None,
) -> None:
    """Bring a signed version into force from a local day, which may be still to come; to a last day, where it has one.

    `settled` are roles of which is settled what becomes of whoever holds them (`domain.agreements.succession`).
    Raises Refusal: not signed, a day before the last signature, a day on which another version is in force, or a role
    that people hold then and that this version no longer creates.
    """
    held = hold_version(session, version_id, seen=seen)
    state = state_after(held, "start")
    signatures = signatures_of(session, version_id)
    if any(signature["signed_on"] > starts_on for signature in signatures):
        raise Refusal("agreement.starts_unsigned", N_("An agreement is not in force before it is signed."))
    if ends_on is not None and ends_on < starts_on:
        raise Refusal("agreement.ends_first", N_("The last day comes before the first."))
    refuse_two_in_force(session, held, starts_on, ends_on)
    left = [one for one in roles_left(session, version_id, starts_on) if one["role"] not in settled]
    if left:
        raise Refusal(
            "agreement.role_held",
            N_(
                "This version no longer creates a role that is held on that day; people: %(people)s. "
                "Say what each becomes, or end their role first."
            ),
            people=len({one["person_id"] for one in left}),
        )
    change_version(session, held, state=state, starts_on=starts_on, ends_on=ends_on)
    events.write(
        session,
        "agreement.started",
        "agreement_version",
        version_id,
        by=by,
        at=at,
        number=held["n"],
        starts_on=starts_on.isoformat(),
        ends_on=ends_on.isoformat() if ends_on else None,
    )
    renewals.follow_agreement(session, held["agreement_id"], by=by, at=at)


def roles_left(session: Session, version_id: UUID, day: date) -> list[dict[str, Any]]:
    """Who holds, on a local day or later, a role at the version's organization that the version does not create.

    Rows of `tenure`, by role.
    """
    here = program_of(session)
    created = select(_created.c.role).where(
        _created.c.program_id == here, _created.c.agreement_version_id == version_id
    )
    return many(
        session,
        select(_tenure)
        .join(_agreement, _agreement.c.organization_id == _tenure.c.organization_id)
        .join(_version, of_agreement())
        .where(
            _tenure.c.program_id == here,
            _version.c.program_id == here,
            _version.c.id == version_id,
            or_(_tenure.c.ends_on.is_(None), _tenure.c.ends_on >= day),
            _tenure.c.role.not_in(created),
            ~never_began(),
        )
        .order_by(_tenure.c.role, _tenure.c.starts_on, _tenure.c.id),
    )


def version_in_force(session: Session, organization_id: UUID, day: date) -> dict[str, Any] | None:
    """The row of the version that binds an organization on a local day, or None where none does."""
    return one(
        session,
        select(_version)
        .join(_agreement, of_agreement())
        .where(
            _version.c.program_id == program_of(session),
            _agreement.c.organization_id == organization_id,
            _version.c.state.in_(["in_force", "ended"]),
            _version.c.starts_on <= day,
            or_(_version.c.ends_on.is_(None), _version.c.ends_on >= day),
        ),
    )


def signatures_of(session: Session, version_id: UUID) -> list[dict[str, Any]]:
    """The signatures under a version, in the order of their days."""
    return many(
        session,
        select(_signature)
        .where(_signature.c.program_id == program_of(session), _signature.c.agreement_version_id == version_id)
        .order_by(_signature.c.signed_on, _signature.c.recorded_at),
    )


def hold_version(session: Session, version_id: UUID, *, seen: int | None = None) -> dict[str, Any]:
    """The version with its organization, and its agreement locked: two versions of one never move at once.

    Whoever judges what is owed may refer to both all the while (`key_share`): they would wait for us, and we, to have
    it judged at the end, for them.
    """
    here = program_of(session)
    agreement = (
        select(_version.c.agreement_id)
        .where(_version.c.program_id == here, _version.c.id == version_id)
        .scalar_subquery()
    )
    session.execute(
        select(_agreement.c.id)
        .where(_agreement.c.program_id == here, _agreement.c.id == agreement)
        .with_for_update(key_share=True)
    )
    held = one(
        session,
        select(_version, _agreement.c.organization_id)
        .join(_agreement, of_agreement())
        .where(_version.c.program_id == here, _version.c.id == version_id)
        .with_for_update(of=_version, key_share=True),
    )
    if held is None:
        raise Refusal("agreement.unknown", N_("There is no such agreement."))
    if seen is not None and held["version"] != seen:
        raise Refusal(
            "agreement.changed",
            N_("This agreement was changed by someone else or in another window. Nothing was saved; look again."),
        )
    return held


def change_version(session: Session, held: Mapping[str, Any], **values: Any) -> None:
    """Write values of a held version."""
    session.execute(
        update(_version)
        .where(_version.c.program_id == program_of(session), _version.c.id == held["id"])
        .values(**values, version=_version.c.version + 1)
    )


def state_after(held: Mapping[str, Any], move: str) -> str:
    """The state of a held version after a move. Raises Refusal where the move is not allowed now."""
    try:
        return AGREEMENT_VERSION.after(held["state"], move)
    except NoSuchMove:
        raise not_now(move) from None


def not_now(move: str) -> Refusal:
    """Why a move is not allowed now."""
    return Refusal("agreement.not_now", _NOT_NOW[move])


def in_force_before(session: Session, held: Mapping[str, Any], day: date) -> dict[str, Any]:
    """The version of the same agreement that is in force on a day before this one begins, held; else this one."""
    before = version_in_force(session, held["organization_id"], day)
    return hold_version(session, before["id"]) if before is not None else dict(held)


def refuse_two_in_force(session: Session, held: Mapping[str, Any], starts_on: date, ends_on: date | None) -> None:
    """Refuse to have a version in force from a day to a last one, or on, where another one is on some of these days."""
    if session.scalar(
        select(_version.c.id).where(
            _version.c.program_id == program_of(session),
            _version.c.agreement_id == held["agreement_id"],
            _version.c.id != held["id"],
            _version.c.state.in_(["in_force", "ended"]),
            or_(_version.c.ends_on.is_(None), _version.c.ends_on >= starts_on),
            *([_version.c.starts_on <= ends_on] if ends_on else []),
        )
    ):
        raise Refusal(
            "agreement.two_in_force",
            N_("Another version is in force on that day. End it first: two are never in force on one day."),
        )


def to_sign(session: Session, person_id: UUID, day: date) -> list[dict[str, Any]]:
    """What waits on a local day for the signature of somebody who directs an organization then, in order.

    Rows of `agreement_version` with their organization's `short_name`: each was sent to them, and they have not signed.
    """
    signed = (
        select(_signature.c.id)
        .where(
            _signature.c.program_id == _version.c.program_id,
            _signature.c.agreement_version_id == _version.c.id,
            _signature.c.person_id == person_id,
        )
        .exists()
    )
    rows = many(
        session,
        select(_version, _agreement.c.organization_id, _organization.c.short_name)
        .join(_agreement, of_agreement())
        .join(_organization, refers(_agreement.c.organization_id, _organization))
        .where(_version.c.program_id == program_of(session), _version.c.state == "sent", ~signed)
        .order_by(_organization.c.short_name, _version.c.n),
    )
    return [row for row in rows if person_id in directors_on(session, row["organization_id"], day)]


def directors_on(session: Session, organization_id: UUID, day: date) -> set[UUID]:
    """Those who direct an organization on a local day, themselves: nobody signs for them."""
    found = session.scalars(
        select(_tenure.c.person_id).where(
            _tenure.c.program_id == program_of(session),
            _tenure.c.organization_id == organization_id,
            _tenure.c.role == "director",
            _tenure.c.starts_on <= day,
            or_(_tenure.c.ends_on.is_(None), _tenure.c.ends_on >= day),
            ~never_began(),
        )
    )
    return set(found)


def of_agreement() -> Any:
    """The condition that joins a version to its agreement."""
    return and_(_agreement.c.program_id == _version.c.program_id, _agreement.c.id == _version.c.agreement_id)


_NOT_NOW = {
    "send": N_("Only a draft is sent to be signed."),
    "withdraw": N_("Only a version that was sent, and not signed, can be returned to draft."),
    "sign": N_("This version is signed already, and does not change. Another text is a new version."),
    "start": N_("Only a signed version comes into force."),
    "end": N_("Only a version in force is ended."),
    "call_off": N_("Only a version that was to begin on a future day can be cancelled."),
}
