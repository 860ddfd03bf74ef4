"""The consent form (AD-R8, AD-R11): explained, signed once for all that is ticked on it, copied, stored, and read.

The person ticks the program, partners one by one with a purpose and a last day, and research apart. One save writes
all of it or nothing. The signature is drawn on a screen, or stands on a paper of which the scan is kept; either is
sealed under the person's key. Words that are typed are no signature.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final, Literal
from uuid import UUID, uuid4

from pydantic import BaseModel
from sqlmodel import Session

from domain.accompaniment import reviews, withdrawals, workers
from domain.accompaniment.consents import STORE, ask_to_store, consents_of, standing_of, withdraw_all, workers_of
from domain.agreements import version_in_force
from domain.casework import ROLE_OF_WORKER, asking, proofs
from domain.files import images, signatures
from domain.kernel import (
    Actor,
    Refusal,
    add_row,
    changes,
    col,
    every,
    in_program,
    local_day,
    of,
    only,
    program_of,
    run,
    scalar,
    seal_file,
    there_is,
    tuples,
    unseal_file,
)
from domain.participants import (
    CURRENT,
    RESEARCH,
    TEXT,
    ConsentText,
    change_participant,
    finish_step,
    hold_participant,
    identity_within,
    refuse_before_referral,
    research,
    signers,
    text_of,
)
from domain.record import Ground, apart, events, record_read
from domain.terms import BEFORE_COMMITTING, circle_of
from locales import N_
from models.consent import SIGNED_BY, Consent, ConsentForm, ResearchConsent
from models.program import Organization
from models.record import Event

Way = Literal["drawn", "paper"]

#: How the bytes of what is sealed begin, and what that is.
_KINDS: Final[Mapping[bytes, str]] = {
    b"%PDF-": "application/pdf",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
}


@dataclass(frozen=True)
class GivenSignature:
    """A signature as it comes in: the drawing, or the scan with the name of its file, which is not kept."""

    way: Way
    content: bytes = field(repr=False)
    name: str = field(default="", repr=False)


@dataclass(frozen=True)
class PartnerTick:
    """A partner that was ticked, for what, and until which last day."""

    organization_id: UUID
    purpose: str = "sharing"
    ends_on: date | None = None


@dataclass(frozen=True)
class SignedForm:
    """What a signed form says: the days, who signed, and that the limits of confidentiality were stated.

    `ends_on` is the last day of the consent to the program. `again_at_18` is whether it says that it is reviewed at
    that age. `text_version` is that of the text on it. `worker_id` is the worker who explained it and signed; where it
    is left out, the worker who records it. `partners` are those that were ticked; `research` is apart. `signed_after`
    is that a paper was signed after what the person withdrew or narrowed on its day: no paper says its hour.
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
    partners: tuple[PartnerTick, ...] = ()
    research: bool = False
    signed_after: bool = False


def refuse_too_early(session: Session, participant_id: UUID, state: str) -> None:
    """Refuse the form of who has not committed, saying what is missing; not of who agreed once. Raises Refusal."""
    may_agree_to_more = state in BEFORE_COMMITTING and bool(consents_of(session, participant_id))
    if state not in ("committed", "admitted") and not may_agree_to_more:
        raise Refusal("consent.too_early", _MISSING.get(state, _OVER), source="AD-R8")


_MISSING: Final = {
    "candidate": N_(
        "The consent is explained and signed once the person has committed. "
        "First, a worker is named to meet them, and the person says so at a first meeting."
    ),
    "assigned": N_(
        "The consent is explained and signed once the person has committed. First, record the meeting at which they do."
    ),
}
_OVER: Final = N_("This admission is over: no consent is signed. The person may be referred again.")


def sign_form(
    session: Session,
    participant_id: UUID,
    signed: SignedForm,
    signature: GivenSignature,
    *,
    seen: int | None = None,
    by: Actor,
    at: datetime,
) -> list[UUID]:
    """Record a form that was signed; the ids of its consents, the program's first. It replaces the form before it.

    What stood and is not ticked on it is withdrawn: nothing else is agreed to. Not so research, which is apart, nor the
    organization of the worker, which no form asks about. A candidate who agreed once may sign anew at any moment. The
    worker who signed and `by`, who records it, may differ on paper; a drawing is recorded by the worker who saw it
    drawn, on that day. Where no step of an admission stores the form, the coordinator is asked to. Guide: AD-R8.

    Raises Refusal, and then nothing is kept: the person has not committed; no worker is said, or one who was none on
    that day; signed before it was explained, on a future day, before the referral or what the person said since, or by
    a person who may not at that age; without the limits stated; under a text that has no such line; a partner twice, or
    whose agreement is not in force; or no signature that can be seen.
    """
    held = hold_participant(session, participant_id, seen=seen)
    refuse_too_early(session, held.id, held.state)
    today = local_day(session, at)
    _refuse_days(signed, today)
    refuse_before_referral(session, participant_id, signed.explained_on)
    if not signed.limits_stated:
        raise Refusal(
            "consent.limits", N_("State the limits of confidentiality and the duty to report first."), source="AD-R8"
        )
    _refuse_signer(session, participant_id, signed)
    worker_id = _worker_of(session, participant_id, signed, by)
    if signature.way == "drawn":
        _refuse_drawn_elsewhere(signed, worker_id, today, by=by)
    names = _partners_of(session, signed, today)
    lines = [
        ("program", None, signed.ends_on),
        *((one.purpose, one.organization_id, one.ends_on) for one in signed.partners),
    ]
    _refuse_older(session, participant_id, signed, lines, is_paper=signature.way == "paper")
    text = _text_of(signed)
    said = [text.line(purpose, names.get(place, "") if place else "", ends_on) for purpose, place, ends_on in lines]
    form = ConsentForm(
        program_id=program_of(session),
        id=uuid4(),
        participant_id=participant_id,
        way=signature.way,
        text_digest=text.digest_with(*said, *([text.line(RESEARCH, "", None)] if signed.research else [])),
        copy_given_on=signed.copy_given_on,
        recorded_by=by.person_id,  # type: ignore[arg-type]  # a person
        recorded_at=at,
    )
    form.sealed = _sealed(session, form, signature)
    add_row(session, form)
    left_out = _replace(session, participant_id, lines, today, at=at)
    made = []
    for (purpose, place, ends_on), line in zip(lines, said, strict=True):
        row = Consent(
            program_id=form.program_id,
            id=uuid4(),
            participant_id=participant_id,
            form_id=form.id,
            purpose=purpose,
            organization_id=place,
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
            agreed_until=ends_on,
            ends_on=ends_on,
            again_at_18=signed.again_at_18,
            recorded_at=at,
        )
        add_row(session, row)
        made.append(row.id)
        _tell(session, row, line, by=by, at=at)
    if signed.research:
        research.tick_research(session, participant_id, form.id, signed.signed_on, by=by, at=at)
    finish_step(session, participant_id, "consent", by=by, at=at)
    withdrawals.settle(session, participant_id, by=by, at=at)
    ask_to_store(session, participant_id, by=by, at=at)
    withdraw_all(session, participant_id, left_out, by=by, at=at)
    reviews.keep(session, participant_id, by=by, at=at)
    change_participant(session, held)
    return made


def give_copy(
    session: Session, participant_id: UUID, form_id: UUID, given_on: date, *, by: Actor, at: datetime
) -> None:
    """Record on which day the participant got their copy of a form. Raises Refusal."""
    form = _hold(session, participant_id, form_id)
    _refuse_copy(session, form, given_on, at=at)
    run(session, changes(ConsentForm).where(ConsentForm.id == form.id).values(copy_given_on=given_on))
    events.write(session, "consent.copy_given", "participant", participant_id, by=by, at=at)


def store_form(
    session: Session, participant_id: UUID, form_id: UUID, *, copy_given_on: date | None = None, by: Actor, at: datetime
) -> None:
    """Record that the coordinator stores the signed form, and when the copy was given. Raises Refusal."""
    form = _hold(session, participant_id, form_id)
    given = form.copy_given_on or copy_given_on
    _refuse_copy(session, form, given, at=at)
    if form.stored_at is not None:
        raise Refusal("consent.stored", N_("This form is already stored."))
    stored = {"copy_given_on": given, "stored_at": at, "stored_by": by.person_id}
    run(session, changes(ConsentForm).where(ConsentForm.id == form.id).values(**stored))
    events.write(session, "consent.stored", "participant", participant_id, by=by, at=at)
    # A form that another one has replaced is kept as well, but it is the other one that is asked for.
    if forms_of(session, participant_id)[0].id == form.id:
        finish_step(session, participant_id, "store_consent", by=by, at=at)
        asking.answered(session, STORE, participant_id, by=by, at=at)


@dataclass(frozen=True)
class ReadSignature:
    """What is sealed of a form: a drawing, or a scan."""

    content_type: str
    content: bytes = field(repr=False)


def read_signature(
    session: Session, participant_id: UUID, form_id: UUID, *, ground: Ground, by: Actor, at: datetime
) -> ReadSignature:
    """Open the signature of a form, and note it on record in the same transaction. Raises Refusal."""
    if form_of(session, participant_id, form_id) is None:
        raise _unknown()
    record_read(session, "consent_form", form_id, what="consent_form", ground=ground, by=by, at=at)
    sealed = scalar(session, only(ConsentForm.sealed).where(ConsentForm.id == form_id))
    content = unseal_file(session, participant_id, _place(form_id), sealed or b"")
    kind = next((kind for begins, kind in _KINDS.items() if content.startswith(begins)), "application/octet-stream")
    return ReadSignature(kind, content)


def forms_of(session: Session, participant_id: UUID) -> list[ConsentForm]:
    """Every form that a participant ever signed, the latest first, without what is sealed."""
    return every(
        session,
        of(ConsentForm, without=(ConsentForm.sealed,))
        .where(ConsentForm.participant_id == participant_id)
        .order_by(col(ConsentForm.recorded_at).desc(), col(ConsentForm.id)),
    )


def form_of(session: Session, participant_id: UUID, form_id: UUID) -> ConsentForm | None:
    """One form of a participant, without what is sealed; None where there is none."""
    return next((one for one in forms_of(session, participant_id) if one.id == form_id), None)


def lines_of(session: Session, participant_id: UUID, form_id: UUID) -> list[Consent]:
    """The consents that a form gave, the program's first, however they stand now."""
    rows = [one for one in consents_of(session, participant_id) if one.form_id == form_id]
    return sorted(rows, key=lambda one: (one.purpose != "program", one.purpose, str(one.organization_id)))


def ticked_research(session: Session, form_id: UUID) -> bool:
    """Whether research was ticked on a form, and counted from it: for the copy, which the participant gets."""
    return there_is(session, only(ResearchConsent.id).where(ResearchConsent.form_id == form_id))


# ------------------------------------------------------------------------------------------------------------ below

_Line = tuple[str, UUID | None, date | None]


def _replace(
    session: Session, participant_id: UUID, lines: Iterable[_Line], today: date, *, at: datetime
) -> list[Consent]:
    """Mark what a new form says anew as replaced; what stood and is not on it, to be withdrawn."""
    named = {(purpose, place) for purpose, place, _ in lines}
    standing = standing_of(session, participant_id, date.min)
    homes = circle_of(session, participant_id, today).homes
    left_out = []
    for row in standing:
        if (row.purpose, row.organization_id) in named:
            replaced = changes(Consent).where(Consent.id == row.id)
            run(session, replaced.values(replaced_at=at, version=row.version + 1))
            told = {"purpose": row.purpose, "organization": row.organization_id}
            apart.note_closing(session, "consent.replaced", "participant", participant_id, told, at=at)
        elif row.organization_id not in homes and (row.ends_on is None or row.ends_on >= today):
            left_out.append(row)
    return left_out


def _tell(session: Session, row: Consent, line: str, *, by: Actor, at: datetime) -> None:
    told: dict[str, events.Fact] = {
        "purpose": row.purpose,
        "organization": str(row.organization_id) if row.organization_id else None,
        "version": row.text_version,
        "agreed_to": line or None,
        "worker": str(row.worker_id),
        "form": str(row.form_id),
    }
    events.write(session, "consent.signed", "participant", row.participant_id, by=by, at=at, case_id=None, **told)


def _sealed(session: Session, form: ConsentForm, signature: GivenSignature) -> bytes:
    """The signature, judged by its bytes, sealed under the participant's key. Raises Refusal."""
    content = _drawn(signature) if signature.way == "drawn" else _scanned(signature)
    return seal_file(session, form.participant_id, _place(form.id), content)


def _drawn(signature: GivenSignature) -> bytes:
    try:
        return signatures.drawn(signature.content)
    except images.Blank:
        raise Refusal(
            "consent.not_signed", N_("Nothing that looks like a signature was drawn. Have the person sign again.")
        ) from None
    except images.Broken:
        raise Refusal(
            "consent.not_drawn", N_("The drawn signature could not be read. Have the person sign again.")
        ) from None


def _scanned(signature: GivenSignature) -> bytes:
    document = proofs.checked_document(signature.name, signature.content)
    if document.content_type not in _KINDS.values():
        raise Refusal("consent.scan", N_("Give the signed paper as a PDF, or as a photograph in JPEG or PNG."))
    return document.content


def _place(form_id: UUID) -> str:
    return f"consent_form/{form_id}"


def _text_of(signed: SignedForm) -> ConsentText:
    """The text that was signed. Raises Refusal where it has no line for what was ticked."""
    text = text_of(signed.text_version, signed.language)
    if any(one.purpose not in text.purposes for one in signed.partners):
        raise Refusal(
            "consent.text_of_no_partner",
            N_("This version of the text names no partner. Explain the present one, and have it signed."),
            source="AD-R11",
        )
    if signed.research and not text.asks_research:
        raise Refusal(
            "consent.text_of_no_research",
            N_("This version of the text does not ask about research. Explain the present one, and have it signed."),
            source="FU-9",
        )
    return text


def _partners_of(session: Session, signed: SignedForm, today: date) -> dict[UUID, str]:
    """The names of the partners that were ticked. Raises Refusal."""
    _refuse_ticks(signed)
    ids = {one.organization_id for one in signed.partners}
    asked = only(Organization.id, Organization.short_name).where(
        col(Organization.id).in_(ids), Organization.kind != "outside"
    )
    names = dict(tuples(session, asked.order_by(col(Organization.short_name))))
    if ids - names.keys():
        raise Refusal("consent.partner", N_("One of these partners is not in the program."))
    for place, name in names.items():
        if version_in_force(session, place, today) is None:
            raise Refusal(
                "consent.no_agreement",
                N_("Nothing is shared with %(partner)s: its agreement is not in force. Leave it unticked."),
                source="AG-IS",
                partner=name,
            )
    return names


def _refuse_ticks(signed: SignedForm) -> None:
    """Refuse partners that are ticked twice, for nothing, or until a day before the signature. Raises Refusal."""
    if len({(one.purpose, one.organization_id) for one in signed.partners}) < len(signed.partners):
        raise Refusal("consent.twice", N_("A partner is ticked twice for the same purpose. Leave one."))
    if any(one.purpose not in ("sharing", "referral") for one in signed.partners):
        raise Refusal("consent.purpose", N_("Choose what each partner is ticked for."))
    ends = [signed.ends_on, *(one.ends_on for one in signed.partners)]
    if any(day is not None and day < signed.signed_on for day in ends):
        raise Refusal("consent.ends", N_("A consent cannot end before it was signed."))


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
            N_("This person was not a worker on that day. Choose who explained the consent and signed it."),
            source="AD-R8",
        )
    return chosen


def _refuse_drawn_elsewhere(signed: SignedForm, worker_id: UUID, today: date, *, by: Actor) -> None:
    """Refuse a drawing that its worker did not see drawn today: what was signed before stands on paper."""
    if signed.signed_on != today or signed.worker_signed_on != today or not by.is_one_of(worker_id):
        raise Refusal(
            "consent.drawn_elsewhere",
            N_("Draw a signature only today, before the worker who explained the form. Otherwise, give the scan."),
            source="AD-R8",
        )


_WITHDRAWN_SINCE: Final = N_(
    "The person withdrew a line of this form after it was signed, or on that day. Have a new form signed. If they "
    "signed the paper later on that day, say so."
)
_NARROWED_SINCE: Final = N_(
    "The person chose an earlier last day for a line after this form was signed, or on that day. Have a new form "
    "signed. If they signed the paper later on that day, say so."
)


def _refuse_older(
    session: Session, participant_id: UUID, signed: SignedForm, lines: Sequence[_Line], *, is_paper: bool
) -> None:
    """Refuse a paper that is older than what the person said since. Raises Refusal.

    They signed another form, on which they may have left a partner out; or withdrew a line of it by a word, or chose an
    earlier last day. What they said on the day of a paper counts, unless it is said that they signed it afterwards.
    """
    counts_from = signed.signed_on if is_paper and not signed.signed_after else signed.signed_on + timedelta(days=1)
    named = {(purpose, place) for purpose, place, _ in lines}
    known = consents_of(session, participant_id)
    for row in known:
        is_on_it = (row.purpose, row.organization_id) in named
        if is_on_it and row.withdrawn_on is not None and row.withdrawn_on >= counts_from:
            raise Refusal("consent.withdrawn_since", _WITHDRAWN_SINCE, source="AD-R11")
    if any(row.signed_on > signed.signed_on for row in known):
        raise Refusal(
            "consent.signed_since",
            N_("The person signed another form after this one, and that one counts. Have a new form signed."),
            source="AD-R11",
        )
    _refuse_wider_since(session, participant_id, lines, counts_from)


def _refuse_wider_since(session: Session, participant_id: UUID, lines: Sequence[_Line], counts_from: date) -> None:
    """Refuse a paper of which a line lasts longer than the person chose for it from a day on. Raises Refusal."""
    about = (in_program(Event), Event.subject_id == participant_id, Event.verb == "consent.narrowed")
    # The record alone knows when the person said so.
    said = [one for one in every(session, of(Event).where(*about)) if local_day(session, one.at) >= counts_from]
    chosen = [_Narrowed.model_validate(one.facts) for one in said]
    if any(one.is_shorter_than(line) for one in chosen for line in lines):
        raise Refusal("consent.narrowed_since", _NARROWED_SINCE, source="AD-R11")


class _Narrowed(BaseModel):
    """What the record says of a consent that was narrowed by a word: to what, with whom, and its new last day."""

    purpose: str
    organization: UUID | None
    day: date

    def is_shorter_than(self, line: _Line) -> bool:
        """Whether a line of a form is of the same, and lasts longer."""
        purpose, place, ends_on = line
        return (purpose, place) == (self.purpose, self.organization) and (ends_on is None or ends_on > self.day)


def _refuse_days(signed: SignedForm, today: date) -> None:
    in_order = (
        signed.explained_on <= signed.signed_on <= today and signed.explained_on <= signed.worker_signed_on <= today
    )
    copied = signed.copy_given_on is None or signed.signed_on <= signed.copy_given_on <= today
    if not (in_order and copied):
        raise Refusal(
            "consent.days", N_("A form is explained first, then signed, and never on a future day."), source="AD-R8"
        )


def _refuse_signer(session: Session, participant_id: UUID, signed: SignedForm) -> None:
    """Refuse a signatory who may not sign at the age on the day of the signature."""
    if signed.signed_by not in SIGNED_BY:
        raise Refusal("consent.purpose", N_("Say who signed."))
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


def _refuse_copy(session: Session, form: ConsentForm, given: date | None, *, at: datetime) -> None:
    signed_on = lines_of(session, form.participant_id, form.id)[0].signed_on
    if given is None or not signed_on <= given <= local_day(session, at):
        raise Refusal(
            "consent.copy", N_("Say on which day the participant got a copy: not before it was signed."), source="AD-R8"
        )


def _hold(session: Session, participant_id: UUID, form_id: UUID) -> ConsentForm:
    hold_participant(session, participant_id)
    form = form_of(session, participant_id, form_id)
    if form is None:
        raise _unknown()
    return form


def _unknown() -> Refusal:
    return Refusal("consent.unknown", N_("There is no such form."))
