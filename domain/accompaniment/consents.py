"""Consent (AD-R8, AD-R11): explained, signed by participant and worker, copied, stored; withdrawn by a word.

Each is to one purpose, with one partner or with the program, under one version of the text, and may end by a day. Of
the words only a digest is stored: of the text with the line for that purpose, partner and day (`consent_text`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID, uuid4

from sqlmodel import Session

from domain.accompaniment import asked_today, reviews, withdrawals, workers
from domain.accompaniment.questions import QuestionAbout
from domain.agreements import version_in_force
from domain.casework import ROLE_OF_WORKER, asking
from domain.kernel import (
    Actor,
    Refusal,
    add_row,
    changes,
    col,
    every,
    first,
    in_program,
    lasts,
    local_day,
    of,
    only,
    program_of,
    run,
    scalar,
    select,
    there_is,
)
from domain.participants import (
    CURRENT,
    TEXT,
    ConsentText,
    finish_step,
    hold_participant,
    identity_within,
    signers,
    step_of,
    text_of,
)
from domain.record import apart, events
from domain.roles import standing
from domain.terms import BEFORE_COMMITTING, taken_back_since
from locales import N_
from models.consent import CONSENT_PURPOSES, SIGNED_BY, Consent
from models.participant import Participant
from models.program import Organization

#: The coordinator's task where no step of an admission asks for it.
STORE: Final = "consent.store"


@dataclass(frozen=True)
class SignedForm:
    """What a signed form says: the days, who signed, and that the limits of confidentiality were stated.

    `again_at_18` is whether it says that it is reviewed at that age. `text_version` is that of the text on it.
    `worker_id` is the worker who explained it and signed; where it is left out, the worker who records it.
    """

    explained_on: date
    signed_on: date
    signed_by: str
    worker_signed_on: date
    language: str
    limits_stated: bool
    copy_given_on: date | None = None
    ends_on: date | None = None
    again_at_18: bool = False
    text_version: int = CURRENT
    worker_id: UUID | None = None


def sign(
    session: Session,
    participant_id: UUID,
    purpose: str,
    signed: SignedForm,
    *,
    organization_id: UUID | None = None,
    by: Actor,
    at: datetime,
) -> UUID:
    """Record a consent that was signed on paper or before the worker; it replaces one to the same thing.

    The worker who signed and `by`, who records it, may differ: a coordinator who enters a paper form signs nothing. A
    candidate who agreed once may agree to more, or anew, at any moment, also when referred again or given another
    worker. Where no step of an admission stores a consent to the program, the coordinator is asked to store it and see
    to the copy. Guide: AD-R8, AD-R11.

    Raises Refusal: the person has not committed; no worker is said, or one who was none on that day; signed before it
    was explained, by a person who may not at that age, without the limits stated, under a text that names no partner,
    or for a partner whose agreement is not in force.
    """
    _refuse_too_early(session, hold_participant(session, participant_id))
    _refuse_purpose(purpose, organization_id, signed)
    today = local_day(session, at)
    _refuse_days(signed, today)
    if not signed.limits_stated:
        raise Refusal(
            "consent.limits", N_("State the limits of confidentiality and the duty to report first."), source="AD-R8"
        )
    _refuse_signer(session, participant_id, signed)
    worker_id = _worker_of(session, participant_id, signed, by)
    if organization_id is not None and version_in_force(session, organization_id, today) is None:
        raise Refusal(
            "consent.no_agreement",
            N_("Nothing is shared with an organization whose agreement is not in force."),
            source="AG-IS",
        )
    text, line = _agreed_to(session, purpose, organization_id, signed)
    before = changes(Consent).where(*_standing(participant_id, purpose, organization_id))
    replaced = run(session, before.values(replaced_at=at, version=col(Consent.version) + 1)).rowcount
    row = Consent(
        program_id=program_of(session),
        id=uuid4(),
        participant_id=participant_id,
        purpose=purpose,
        organization_id=organization_id,
        text_key=TEXT,
        text_version=text.version,
        text_digest=text.digest_with(line),
        language=signed.language,
        explained_on=signed.explained_on,
        limits_stated=True,
        signed_on=signed.signed_on,
        signed_by=signed.signed_by,
        worker_id=worker_id,
        worker_signed_on=signed.worker_signed_on,
        copy_given_on=signed.copy_given_on,
        ends_on=signed.ends_on,
        again_at_18=signed.again_at_18,
        recorded_at=at,
    )
    add_row(session, row)
    events.write(
        session,
        "consent.signed",
        "participant",
        participant_id,
        by=by,
        at=at,
        purpose=purpose,
        organization=str(organization_id) if organization_id else None,
        version=text.version,
        agreed_to=line or None,
        worker=str(worker_id),
    )
    if replaced:
        told = {"purpose": purpose, "organization": organization_id}
        apart.note_closing(session, "consent.replaced", "participant", participant_id, told, at=at)
    if purpose == "program":
        finish_step(session, participant_id, "consent", by=by, at=at)
        withdrawals.settle(session, participant_id, by=by, at=at)
        _ask_to_store(session, participant_id, by=by, at=at)
    reviews.keep(session, participant_id, by=by, at=at)
    return row.id


def store(session: Session, consent_id: UUID, *, copy_given_on: date | None = None, by: Actor, at: datetime) -> None:
    """Record that the coordinator stores the signed form, and when the copy was given. Raises Refusal."""
    row = _hold(session, consent_id)
    given = row.copy_given_on or copy_given_on
    if given is None or not row.signed_on <= given <= local_day(session, at):
        raise Refusal(
            "consent.copy", N_("Say on which day the participant got a copy: not before it was signed."), source="AD-R8"
        )
    if row.stored_at is not None:
        raise Refusal("consent.stored", N_("This form is already stored."))
    _change(session, row, copy_given_on=given, stored_at=at, stored_by=by.person_id)
    events.write(session, "consent.stored", "participant", row.participant_id, by=by, at=at, purpose=row.purpose)
    # A form that another one has replaced is kept as well, but it is the other one that is asked for.
    if row.purpose == "program" and row.replaced_at is None:
        finish_step(session, row.participant_id, "store_consent", by=by, at=at)
        asking.answered(session, STORE, row.participant_id, by=by, at=at)


def withdraw(session: Session, consent_id: UUID, *, confirmed: bool = True, by: Actor, at: datetime) -> None:
    """Withdraw a consent at the participant's wish, at once and without a reason (AD-R11).

    Raises Refusal: it was withdrawn or replaced already, or it was not confirmed after reading what follows. The worker
    and the coordinator are asked what follows in the same transaction, and the worker hears of it by letter.
    """
    row = _hold(session, consent_id)
    if row.withdrawn_on is not None or row.replaced_at is not None:
        raise Refusal("consent.withdrawn", N_("This consent was already withdrawn or replaced."))
    if not confirmed:
        raise Refusal(
            "consent.confirm",
            N_(
                "Confirm that the person withdraws it. Partners that it covers see nothing more at once, and offers to "
                "them are withdrawn. The worker and the coordinator are asked what follows."
            ),
            source="AD-R11",
        )
    _change(session, row, withdrawn_on=local_day(session, at), withdrawn_at=at, withdrawn_recorded_by=by.person_id)
    events.write(
        session,
        "consent.withdrawn",
        "participant",
        row.participant_id,
        by=by,
        at=at,
        purpose=row.purpose,
        organization=str(row.organization_id) if row.organization_id else None,
    )
    if row.purpose == "program":
        asking.no_more(session, STORE, row.participant_id, by=by, at=at)
    withdrawals.took_back(session, row, by=by, at=at)
    reviews.keep(session, row.participant_id, by=by, at=at)
    asked_today.ask_who_has_them_now(session, row.participant_id, by=by, at=at)  # a deputy may be shut out as of now


def lapsed(session: Session, participant_id: UUID, purpose: str, day: date) -> bool:
    """Whether a consent was signed at some time, and none holds on that day."""
    known = any(row.purpose == purpose for row in consents_of(session, participant_id))
    return known and not stands(session, participant_id, purpose, day)


def stands(
    session: Session, participant_id: UUID, purpose: str, day: date, *, organization_id: UUID | None = None
) -> bool:
    """Whether a consent holds on a day: signed, not withdrawn, not ended. Every sharing asks this anew."""
    days = col(Consent.signed_on) <= day, lasts(Consent, day)
    held = (*_standing(participant_id, purpose, organization_id), *days, ~taken_back_since())
    return there_is(session, select(Consent.id).where(*held))


def refuse_other(session: Session, participant_id: UUID, consent_id: UUID) -> None:
    """Refuse a consent that is not of this participant. Raises Refusal."""
    if consent_id not in {row.id for row in consents_of(session, participant_id)}:
        raise Refusal("consent.unknown", N_("There is no such consent."))


def consents_of(session: Session, participant_id: UUID) -> list[Consent]:
    """Every consent of a participant that was ever signed, the latest first."""
    return every(
        session,
        of(Consent)
        .where(Consent.participant_id == participant_id)
        .order_by(col(Consent.recorded_at).desc(), col(Consent.id)),
    )


def workers_of(session: Session, participant_id: UUID, day: date) -> list[UUID]:
    """The workers who can have explained and signed a consent on a local day.

    Those ever named to the person or with a part in the follow-up come first; then any other youth worker of that day.
    """
    theirs = workers.ever_of(session, participant_id)
    staff = {tenure.person_id for tenure in standing(session, day).holding(ROLE_OF_WORKER)}
    return [*theirs, *sorted(staff - set(theirs))]


def partners_on(session: Session, day: date) -> list[tuple[UUID, str]]:
    """The partners with which a consent to share or refer can be signed on a local day, by name: id and short name."""
    rows = run(
        session,
        only(Organization.id, Organization.short_name)
        .where(Organization.kind != "outside")
        .order_by(col(Organization.short_name)),
    ).all()
    return [(row.id, row.short_name) for row in rows if version_in_force(session, row.id, day) is not None]


# ------------------------------------------------------------------------------------------------------------ below


def _ask_to_store(session: Session, participant_id: UUID, *, by: Actor, at: datetime) -> None:
    """Ask the coordinator to store the form that was just signed, where no step of an admission asks for it."""
    asking.no_more(session, STORE, participant_id, by=by, at=at)  # of the form that this one replaced
    step = step_of(session, participant_id, "store_consent")
    if step is None or step.state not in ("planned", "open"):
        _STORE.ask(session, participant_id, by=by, at=at)


_STORE: Final = QuestionAbout(STORE, N_("Store the form that %(subject)s signed again, the copy given"), 5)


def _agreed_to(
    session: Session, purpose: str, organization_id: UUID | None, signed: SignedForm
) -> tuple[ConsentText, str]:
    """The text that was signed, with its line for this purpose, partner and last day. Raises Refusal."""
    text = text_of(signed.text_version, signed.language)
    if organization_id is not None and purpose not in text.purposes:
        raise Refusal(
            "consent.text_of_no_partner",
            N_("This version of the text names no partner. Explain the present one, and have it signed."),
            source="AD-R11",
        )
    partner = scalar(session, only(Organization.short_name).where(Organization.id == organization_id))
    return text, text.line(purpose, partner or "", signed.ends_on)


def _worker_of(session: Session, participant_id: UUID, signed: SignedForm, by: Actor) -> UUID:
    """The worker who signed: the one named on the form, else the worker who records it. Raises Refusal."""
    theirs = workers.ever_of(session, participant_id)
    records_as_worker = by.is_one_of(*theirs) or by.acting_for in theirs or by.role == ROLE_OF_WORKER
    chosen = signed.worker_id or (by.person_id if records_as_worker else None)
    if chosen is None:
        raise Refusal(
            "consent.worker", N_("Choose the worker who explained the consent and signed it."), source="AD-R8"
        )
    if records_as_worker and by.is_one_of(chosen):
        return chosen
    if chosen not in workers_of(session, participant_id, signed.worker_signed_on):
        raise Refusal(
            "consent.not_a_worker",
            N_(
                "This person was not a worker of the program on that day. Choose who explained "
                "the consent and signed it."
            ),
            source="AD-R8",
        )
    return chosen


def _refuse_too_early(session: Session, held: Participant) -> None:
    """Raises Refusal of who has not committed, save a candidate to whom it was explained before."""
    may_agree_to_more = held.state in BEFORE_COMMITTING and bool(consents_of(session, held.id))
    if held.state not in ("committed", "admitted") and not may_agree_to_more:
        raise Refusal(
            "consent.too_early",
            N_("The consent is explained and signed once the person has committed."),
            source="AD-R8",
        )


def _refuse_purpose(purpose: str, organization_id: UUID | None, signed: SignedForm) -> None:
    """Raises Refusal where it is not said what a consent is for, with which partner, or who signs it."""
    if purpose not in CONSENT_PURPOSES or signed.signed_by not in SIGNED_BY:
        raise Refusal("consent.purpose", N_("Choose what the consent is for, and who signs it."))
    if (purpose == "program") != (organization_id is None):
        raise Refusal(
            "consent.partner", N_("A consent to share names its partner; a consent to the program names none.")
        )


def _refuse_days(signed: SignedForm, today: date) -> None:
    in_order = (
        signed.explained_on <= signed.signed_on <= today and signed.explained_on <= signed.worker_signed_on <= today
    )
    copied = signed.copy_given_on is None or signed.signed_on <= signed.copy_given_on <= today
    if not (in_order and copied):
        raise Refusal(
            "consent.days", N_("A form is explained first, then signed, and never on a future day."), source="AD-R8"
        )
    if signed.ends_on is not None and signed.ends_on < signed.signed_on:
        raise Refusal("consent.ends", N_("A consent cannot end before it was signed."))


def _refuse_signer(session: Session, participant_id: UUID, signed: SignedForm) -> None:
    """Refuse a signatory who may not sign at the age on the day of the signature."""
    allowed = signers(identity_within(session, participant_id).age_as_of(signed.signed_on))
    if not allowed:
        raise Refusal("consent.age_unknown", N_("Who may sign depends on the age: find out the birth date first."))
    if signed.signed_by not in allowed:
        if signed.signed_by == "self":
            raise Refusal(
                "consent.too_young",
                N_("Under 14, the consent is signed by the holder of parental authority, or by the tutor."),
            )
        raise Refusal("consent.own", N_("From 14 on, the person signs alone. A tutor signs for some who are of age."))


def _standing(participant_id: UUID, purpose: str, organization_id: UUID | None) -> tuple[Any, ...]:
    with_whom = (
        col(Consent.organization_id).is_(None)
        if organization_id is None
        else col(Consent.organization_id) == organization_id
    )
    return (
        in_program(Consent),
        col(Consent.participant_id) == participant_id,
        col(Consent.purpose) == purpose,
        with_whom,
        col(Consent.withdrawn_on).is_(None),
        col(Consent.replaced_at).is_(None),
    )


def _hold(session: Session, consent_id: UUID) -> Consent:
    row = first(session, of(Consent).where(Consent.id == consent_id).with_for_update())
    if row is None:
        raise Refusal("consent.unknown", N_("There is no such consent."))
    return row


def _change(session: Session, row: Consent, **values: Any) -> None:
    run(session, changes(Consent).where(Consent.id == row.id).values(**values, version=row.version + 1))
