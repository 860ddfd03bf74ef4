"""Agreements: a version is drafted as declared, sent, signed by directors, in force from a day, and ended on one.

A draft may be rewritten; what carries a signature never changes, and another text is another version. Days say which
version is in force, since an end or a beginning may be settled in advance.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Uuid, bindparam
from sqlmodel import Session, and_
from sqlmodel.sql.expression import SelectOfScalar

from domain.agreements import letters, renewals
from domain.agreements.version_text import Content, content_of_version, write_parts
from domain.agreements.written_days import refuse_paper
from domain.kernel import (
    MATTER,
    SHAPE,
    Actor,
    Question,
    Refusal,
    add_row,
    also,
    built,
    col,
    every,
    first,
    in_program,
    is_undecided,
    joins,
    lasts,
    local_day,
    next_number,
    of,
    only,
    program_of,
    removes,
    rewrite,
    run,
    scalar,
    scalars,
    select,
)
from domain.record import events
from domain.roles import never_began
from domain.terms import PartnerVersion
from locales import N_
from models.agreement import Agreement, AgreementRole, AgreementVersion, Obligation, Signature
from models.lifecycles import AGREEMENT_VERSION, NoSuchMove
from models.program import Organization, Tenure

_UNDECIDED: Final = N_(
    "The program was restored from a copy, and what became of this version since is missing. It is neither signed nor "
    "begun until someone has decided, on the page “After a restore”."
)


def draft_version(session: Session, agreement_id: UUID, content: Content, *, by: Actor, at: datetime) -> UUID:
    """Add a version to an agreement, as a draft numbered after the last. Raises Refusal: no such agreement."""
    asked = only(Agreement.id).where(Agreement.id == agreement_id)
    if scalar(session, asked.with_for_update(key_share=True)) is None:
        raise Refusal("agreement.unknown", N_("There is no such agreement."))
    drafted = AgreementVersion(
        program_id=program_of(session),
        agreement_id=agreement_id,
        n=next_number(session, AgreementVersion.n, AgreementVersion.agreement_id == agreement_id),
        notice_days=content.notice_days,
        terms=content.terms,
        digest=content.digest,
    )
    add_row(session, drafted)
    write_parts(session, drafted.id, content)
    events.write(session, "agreement.drafted", "agreement_version", drafted.id, by=by, at=at, number=drafted.n)
    return drafted.id


def redraft_version(
    session: Session, version_id: UUID, content: Content, *, by: Actor, at: datetime, seen: int | None = None
) -> None:
    """Change the text of a draft. Raises Refusal where it was sent, or carries a signature: that text stays."""
    held = hold_version(session, version_id, seen=seen)
    if held.state != "draft" or signatures_of(session, version_id):
        raise Refusal("agreement.text_stands", N_("What was sent or signed does not change: draft a new version."))
    for parts in (AgreementRole, Obligation):
        run(session, removes(parts).where(parts.agreement_version_id == version_id))
    write_parts(session, version_id, content)
    rewrite(
        session, AgreementVersion, held.id, notice_days=content.notice_days, terms=content.terms, digest=content.digest
    )
    events.write(session, "agreement.redrafted", "agreement_version", version_id, by=by, at=at, number=held.n)


def send_version(session: Session, version_id: UUID, *, by: Actor, at: datetime, seen: int | None = None) -> None:
    """Send a draft to the directors, each by letter; it is not rewritten while it is with them. Raises Refusal."""
    held = hold_version(session, version_id, seen=seen)
    state = state_after(held, "send")
    directors = directors_on(session, held.organization_id, local_day(session, at))
    if not directors:
        raise Refusal(
            "agreement.no_director", N_("This organization has no director today who could sign. Name someone first.")
        )
    rewrite(session, AgreementVersion, held.id, state=state)
    letters.to_sign(session, held, directors, by=by, at=at)
    tell(session, held, "agreement.sent", by=by, at=at)


def withdraw_version(session: Session, version_id: UUID, *, by: Actor, at: datetime, seen: int | None = None) -> None:
    """Withdraw a version that was sent and not signed: it is a draft again, and its directors are told.

    Raises Refusal.
    """
    held = hold_version(session, version_id, seen=seen)
    state = state_after(held, "withdraw")
    if signatures_of(session, version_id):
        raise Refusal("agreement.text_stands", N_("What was sent or signed does not change: draft a new version."))
    rewrite(session, AgreementVersion, held.id, state=state)
    directors = directors_on(session, held.organization_id, local_day(session, at))
    letters.taken_back(session, held, directors, by=by, at=at)
    tell(session, held, "agreement.withdrawn", by=by, at=at)


def sign_version(
    session: Session,
    version_id: UUID,
    *,
    director_id: UUID,
    signed_on: date,
    by: Actor,
    at: datetime,
    on_paper: bool = True,
    seen: int | None = None,
) -> str:
    """Record a director's signature, given on a local day, and return the version's state.

    The version is signed when everyone who directs the organization on that day has signed it. `by` records the
    signature of `director_id`, who is told of one `on_paper`. The record's line holds the digest of the text that they
    signed. For a director who has signed already, this asks whether another signature is missing
    (`complete_signatures`). Raises Refusal: not a director there on that day, a day to come, signed by them already and
    not by all, past signing, a text that is no longer what was drafted, on paper one that was not written or not sent
    then, or one that a restore leaves undecided. Guide: partnership agreements are signed by the directors.
    """
    held = hold_version(session, version_id, seen=seen)
    state = _state_once_decided(session, held, "sign")
    directors = _who_sign(session, held, director_id, signed_on, at)
    signed_by = {signature.person_id for signature in signatures_of(session, version_id)}
    if director_id in signed_by:
        if complete_signatures(session, version_id, by=by, at=at):
            return state
        raise Refusal("agreement.signed_already", N_("This person has already signed this version."))
    if on_paper:
        refuse_paper(session, held, signed_on)
    signature = Signature(
        program_id=program_of(session),
        agreement_version_id=version_id,
        organization_id=held.organization_id,
        person_id=director_id,
        signed_on=signed_on,
        on_paper=on_paper,
        recorded_by=by.person_id,
        recorded_at=at,
    )
    add_row(session, signature)
    if not directors <= signed_by | {director_id}:
        state = held.state
    rewrite(session, AgreementVersion, held.id, state=state)
    signed = {"director": str(director_id), "signed_on": signed_on.isoformat(), "digest": held.digest}
    tell(session, held, "agreement.signed", by=by, at=at, **signed, complete=state == "signed")
    if on_paper:
        letters.signature_recorded(session, held, signature, by=by, at=at)
    return state


def _who_sign(session: Session, held: PartnerVersion, director_id: UUID, signed_on: date, at: datetime) -> set[UUID]:
    """The directors of that day, the one who signs among them. Raises Refusal, also for a text that was altered."""
    if signed_on > local_day(session, at):
        raise Refusal("agreement.day_to_come", N_("A signature is recorded once it is given, not before."))
    if content_of_version(session, held.id).digest != held.digest:
        raise Refusal("agreement.text_altered", N_("The text of this version is not the one that was drafted."))
    directors = directors_on(session, held.organization_id, signed_on)
    if director_id not in directors:
        raise Refusal("agreement.not_director", N_("This person is not the director there on that day."))
    return directors


def _is_undecided(session: Session, held: PartnerVersion) -> bool:
    """Whether a version was withdrawn, lost a signature or ended, and a restore brought it back as it was before."""
    return is_undecided(session, "agreement", col(MATTER.subject_id) == held.id)


def _state_once_decided(session: Session, held: PartnerVersion, move: str) -> str:
    """The state after a move that goes on with a version. Raises Refusal, also while a restore leaves it undecided."""
    state = state_after(held, move)
    if _is_undecided(session, held):
        raise Refusal("agreement.undecided", _UNDECIDED)
    return state


def complete_signatures(session: Session, version_id: UUID, *, by: Actor, at: datetime) -> bool:
    """Count a version as signed where all present directors of the organization have signed; returns whether it now is.

    A director who left without signing is no longer waited for. Nothing happens where the organization has no director,
    where no one has signed, where the text is no longer what was drafted, or while a restore leaves it undecided.
    """
    held = hold_version(session, version_id)
    signed_by = {signature.person_id for signature in signatures_of(session, version_id)}
    directors = directors_on(session, held.organization_id, local_day(session, at))
    if not AGREEMENT_VERSION.allows(held.state, "sign") or not directors or not directors <= signed_by:
        return False
    if content_of_version(session, version_id).digest != held.digest or _is_undecided(session, held):
        return False
    rewrite(session, AgreementVersion, held.id, state=state_after(held, "sign"))
    tell(session, held, "agreement.signed_by_all", by=by, at=at)
    return True


def signed_in_part(session: Session) -> list[UUID]:
    """The versions that carry a signature and wait for another."""
    signed = select(Signature.id).where(joins(Signature.agreement_version_id, AgreementVersion), stands()).exists()
    waiting = [state for state in AGREEMENT_VERSION.states if AGREEMENT_VERSION.allows(state, "sign")]
    found = scalars(
        session,
        only(AgreementVersion.id)
        .where(col(AgreementVersion.state).in_(waiting), signed)
        .order_by(col(AgreementVersion.id)),
    )
    return list(found)


def sign_here(
    session: Session, version_id: UUID, *, has_read: bool, by: Actor, at: datetime, seen: int | None = None
) -> str:
    """Sign as a director, oneself, today, with the text in front of one; returns the version's state.

    No one signs so for another, not even as their deputy. Raises Refusal: as `sign_version`, not sent yet, or not said
    to have been read.
    """
    held = hold_version(session, version_id, seen=seen)
    if held.state == "draft":
        raise Refusal("agreement.not_sent", N_("This version is a draft. It is signed once it was sent."))
    if not has_read:
        raise Refusal("signature.missing", N_("Say that you have read the text and sign it."))
    if by.person_id is None or by.acting_for is not None:
        raise Refusal("agreement.not_director", N_("A director signs for themselves: no one does so in their place."))
    return sign_version(
        session,
        version_id,
        director_id=by.person_id,
        signed_on=local_day(session, at),
        on_paper=False,
        by=by,
        at=at,
        seen=seen,
    )


def start_version(
    session: Session,
    version_id: UUID,
    *,
    starts_on: date,
    ends_on: date | None = None,
    settled: Collection[str] = (),
    by: Actor,
    at: datetime,
    seen: int | None = None,
) -> None:
    """Bring a signed version into force from a local day, which may be still to come; to a last day, where it has one.

    `settled` are roles for which it is settled what their holders become (`domain.agreements.succession`). Raises
    Refusal: not signed, a day before the last signature, a day on which another version is in force, or a role that
    people hold then and that this version no longer creates.
    """
    held = hold_version(session, version_id, seen=seen)
    state = _state_once_decided(session, held, "start")
    signatures = signatures_of(session, version_id)
    if any(signature.signed_on > starts_on for signature in signatures):
        raise Refusal("agreement.starts_unsigned", N_("An agreement is not in force before it is signed."))
    if ends_on is not None and ends_on < starts_on:
        raise Refusal("agreement.ends_first", N_("The last day comes before the first."))
    refuse_two_in_force(session, held, starts_on, ends_on)
    left = [one for one in roles_left(session, version_id, starts_on) if one.role not in settled]
    if left:
        raise Refusal(
            "agreement.role_held",
            N_(
                "This version no longer creates a role that is held on that day; people: %(people)s. "
                "Say what each becomes, or end their role first."
            ),
            people=len({one.person_id for one in left}),
        )
    rewrite(session, AgreementVersion, held.id, state=state, starts_on=starts_on, ends_on=ends_on)
    days = {"starts_on": starts_on.isoformat(), "ends_on": ends_on.isoformat() if ends_on else None}
    tell(session, held, "agreement.started", by=by, at=at, **days)
    _tell_signatories(session, held, starts_on, ends_on, by=by, at=at)


def _tell_signatories(
    session: Session, held: PartnerVersion, starts_on: date, ends_on: date | None, *, by: Actor, at: datetime
) -> None:
    """Tell by letter those who signed a version, and those who direct there today, that it is to be in force."""
    signed_by = {signature.person_id for signature in signatures_of(session, held.id)}
    directors = directors_on(session, held.organization_id, local_day(session, at))
    letters.begun(session, held, signed_by | directors, starts_on=starts_on, ends_on=ends_on, by=by, at=at)


def tell(session: Session, held: PartnerVersion, verb: str, *, by: Actor, at: datetime, **facts: events.Fact) -> None:
    """Write that a version moved, and have the renewals of those before it follow."""
    events.write_many(session, verb, "agreement_version", [(held.id, {"number": held.n, **facts})], by=by, at=at)
    renewals.follow_agreement(session, held.agreement_id, by=by, at=at)


def roles_left(session: Session, version_id: UUID, day: date) -> list[Tenure]:
    """Those who hold, on a local day or later, a role at the version's organization that the version does not create.

    Rows of `tenure`, by role.
    """
    created = only(AgreementRole.role).where(AgreementRole.agreement_version_id == version_id)
    return every(
        session,
        of(Tenure)
        .join(Agreement, col(Agreement.organization_id) == col(Tenure.organization_id))
        .join(AgreementVersion, of_agreement())
        .where(
            in_program(AgreementVersion),
            AgreementVersion.id == version_id,
            lasts(Tenure, day),
            col(Tenure.role).not_in(created),
            ~never_began(),
        )
        .order_by(col(Tenure.role), col(Tenure.starts_on), col(Tenure.id)),
    )


def version_in_force(session: Session, organization_id: UUID, day: date) -> AgreementVersion | None:
    """The row of the version that binds an organization on a local day, or None where none does."""
    return first(
        session,
        of(AgreementVersion)
        .join(Agreement, of_agreement())
        .where(Agreement.organization_id == organization_id, is_in_force(day)),
    )


def is_in_force(day: date | ColumnElement[date]) -> ColumnElement[bool]:
    """The condition on a version that it binds its organization on a local day. Two never do on one day."""
    return and_(
        col(AgreementVersion.state).in_(["in_force", "ended"]),
        col(AgreementVersion.starts_on) <= day,
        lasts(AgreementVersion, day),
    )


def signatures_of(session: Session, version_id: UUID) -> list[Signature]:
    """The signatures under a version, in the order of their days, without those that were taken back."""
    return every(
        session,
        of(Signature)
        .where(Signature.agreement_version_id == version_id, stands())
        .order_by(col(Signature.signed_on), col(Signature.recorded_at)),
    )


def stands() -> ColumnElement[bool]:
    """The condition on a signature that it was not taken back."""
    return col(Signature.taken_back_at).is_(None)


def hold_version(session: Session, version_id: UUID, *, seen: int | None = None) -> PartnerVersion:
    """The version with its organization, and its agreement locked: two versions of one never move at once.

    Others who judge what is owed may still refer to both (`key_share`). Otherwise they would wait for us, and we, to
    have it judged at the end, for them.
    """
    agreement = only(AgreementVersion.agreement_id).where(AgreementVersion.id == version_id).scalar_subquery()
    run(session, only(Agreement.id).where(Agreement.id == agreement).with_for_update(key_share=True))
    held = first(
        session,
        of(PartnerVersion)
        .join(Agreement, of_agreement())
        .where(AgreementVersion.id == version_id)
        .with_for_update(of=AgreementVersion, key_share=True),
    )
    if held is None:
        raise Refusal("agreement.unknown", N_("There is no such agreement."))
    if seen is not None and held.version != seen:
        raise Refusal(
            "agreement.changed",
            N_("This agreement was changed by someone else or in another window. Nothing was saved; look again."),
        )
    return held


def state_after(held: PartnerVersion, move: str) -> str:
    """The state of a locked version after a move. Raises Refusal where the move is not allowed now."""
    try:
        return AGREEMENT_VERSION.after(held.state, move)
    except NoSuchMove:
        raise not_now(move) from None


def not_now(move: str) -> Refusal:
    """The refusal of a move that is not allowed now."""
    return Refusal("agreement.not_now", _NOT_NOW[move])


def in_force_before(session: Session, held: PartnerVersion, day: date) -> PartnerVersion:
    """The same agreement's version in force on a day before this one begins, locked; else this one."""
    before = version_in_force(session, held.organization_id, day)
    return hold_version(session, before.id) if before is not None else held


def refuse_two_in_force(session: Session, held: PartnerVersion, starts_on: date, ends_on: date | None) -> None:
    """Refuse a version in force from a day to a last one, or on, where another is in force on some of these days."""
    if scalar(
        session,
        only(AgreementVersion.id).where(
            AgreementVersion.agreement_id == held.agreement_id,
            AgreementVersion.id != held.id,
            col(AgreementVersion.state).in_(["in_force", "ended"]),
            lasts(AgreementVersion, starts_on),
            *([col(AgreementVersion.starts_on) <= ends_on] if ends_on else []),
        ),
    ):
        raise Refusal(
            "agreement.two_in_force",
            N_("Another version is in force on that day. End it first: two are never in force on one day."),
        )


class ToSign(PartnerVersion):
    """A version that was sent to be signed, with its organization."""

    model_config = SHAPE

    short_name: str = also(Organization.short_name)


def to_sign(session: Session, person_id: UUID, day: date) -> list[ToSign]:
    """The versions that wait on a local day for the signature of a person who is a director then, in order.

    Each was sent to them, and they have not signed.
    """
    rows = every(session, *asked_to_sign(person_id))
    return [row for row in rows if person_id in directors_on(session, row.organization_id, day)]


def asked_to_sign(person_id: UUID) -> Question[SelectOfScalar[ToSign]]:
    """What `to_sign` asks first."""
    return Question(_TO_SIGN, {"person": person_id})


def directors_on(session: Session, organization_id: UUID, day: date) -> set[UUID]:
    """Those who direct an organization on a local day themselves: no one signs for them."""
    found = scalars(
        session,
        only(Tenure.person_id).where(
            Tenure.organization_id == organization_id,
            Tenure.role == "director",
            col(Tenure.starts_on) <= day,
            lasts(Tenure, day),
            ~never_began(),
        ),
    )
    return set(found)


def of_agreement() -> Any:
    """The condition that joins a version to its agreement."""
    return joins(AgreementVersion.agreement_id, Agreement)


_SIGNED: Final = (
    select(Signature.id)
    .where(
        joins(Signature.agreement_version_id, AgreementVersion),
        stands(),
        col(Signature.person_id) == bindparam("person", type_=Uuid()),
    )
    .exists()
)
_TO_SIGN: Final = built(
    of(ToSign)
    .join(Agreement, of_agreement())
    .join(Organization, joins(Agreement.organization_id, Organization))
    .where(AgreementVersion.state == "sent", ~_SIGNED)
    .order_by(col(Organization.short_name), col(AgreementVersion.n))
)

_NOT_NOW = {
    "send": N_("Only a draft is sent to be signed."),
    "withdraw": N_("Only a version that was sent, and not signed, can be returned to draft."),
    "sign": N_("This version is signed already, and does not change. Another text is a new version."),
    "unsign": N_("A signature is taken back only while the version that carries it is not set to begin."),
    "start": N_("Only a signed version comes into force."),
    "end": N_("Only a version in force is ended."),
    "call_off": N_("Only a version that was to begin on a future day can be cancelled."),
}
