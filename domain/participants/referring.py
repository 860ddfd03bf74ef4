"""Referring a person to the program (AD-R1, AD-R2): a draft that is saved as one goes, and sent; or once, by a link.

What is written is sealed from the first save. A referrer never learns who the program knows already.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID, uuid4

from sqlmodel import Session, or_

from domain.casework import asking, cases
from domain.kernel import (
    MATTER,
    SHAPE,
    Actor,
    Refusal,
    add_row,
    also,
    col,
    every,
    first,
    is_undecided,
    joins,
    local_day,
    new_key,
    of,
    only,
    program_of,
    replaced,
    run,
    scalar,
    seal,
    surely,
    there_is,
    undecided,
    unseal,
    value_of,
)
from domain.participants import links
from domain.participants.identity import ParticipantIdentity, sealed_identity
from domain.participants.locking import (
    change_participant,
    change_referral,
    forget,
    hold_participant,
    known_as,
    new_reference,
    participant_state_after,
)
from domain.participants.referral_form import ReferralForm, checked_form, form_of
from domain.record import events, record_read
from domain.roles import Link
from domain.terms import ADMISSION
from locales import N_
from models.casework import ProtocolVersion
from models.lifecycles import REFERRAL, NoSuchMove
from models.participant import DataKey, Participant
from models.referral import Referral

#: A draft that was not touched for so long is destroyed.
DRAFT_KEPT: Final = timedelta(days=14)

#: The coordinator's task to send or delete what a leaver had begun; its item is the referral.
UNFINISHED: Final = "referral.unfinished"
DAYS_TO_FINISH: Final = 2

#: The condition on a referral that it was left to the coordination, a restore lost that, and it is not decided yet.
LEFT_SINCE: Final = undecided(
    "restriction", MATTER.subject_kind == "referral", col(MATTER.subject_id) == col(Referral.id)
)

#: The role that keeps what a leaver had begun: referrals are sent to it.
KEEPER: Final = "coordinator"


# ------------------------------------------------------------------------------------------------ by people inside


def begin_referral(session: Session, form: ReferralForm, *, by: Actor, at: datetime) -> UUID:
    """Save the first words of a referral as a draft that only its author has, and return its id. Raises Refusal."""
    form = checked_form(session, form, at, whole=False)
    participant_id = _new_person(session, form, at)
    referral_id = _new_referral(
        session, participant_id, form, way="page", referred_by=by.person_id, organization_id=by.organization_id, at=at
    )
    events.write(session, "referral.begun", "referral", referral_id, by=by, at=at)
    return referral_id


def save_referral(
    session: Session, referral_id: UUID, form: ReferralForm, *, by: Actor, at: datetime, seen: int | None = None
) -> int:
    """Save a draft as it stands, and return its version. Raises Refusal: not one's own draft, or another version."""
    form = checked_form(session, form, at, whole=False)
    held = _hold_draft(session, referral_id, by, seen)
    version = _save(session, held, form, at)
    events.write(session, "referral.saved", "referral", referral_id, by=by, at=at)
    return version


def send_referral(
    session: Session, referral_id: UUID, form: ReferralForm, *, by: Actor, at: datetime, seen: int | None = None
) -> None:
    """Send a draft to the coordinator: from then on it is a candidate's, and its author no longer reads it.

    Raises Refusal: something that is needed is missing or cannot be, or it was sent already.
    """
    form = checked_form(session, form, at, whole=True)
    held = _hold_draft(session, referral_id, by, seen)
    version = _save(session, held, form, at)
    asking.answered(session, UNFINISHED, referral_id, by=by, at=at)
    _receive(session, replaced(held, version=version), by=by, at=at)


def abandon_referral(session: Session, referral_id: UUID, *, by: Actor, at: datetime) -> None:
    """Delete a draft: what was written is destroyed. Raises Refusal where it is not one's own draft."""
    destroy_draft(session, _hold_draft(session, referral_id, by, None), by=by, at=at)


def leave_draft(session: Session, referral_id: UUID, *, by: Actor, at: datetime) -> None:
    """Leave an unfinished draft to the coordination: from now on the coordinator reads it, and no one else.

    Not even its author. The coordinator is asked to send it, or to delete it. Raises Refusal where it is no draft any
    more.
    """
    held = _held(session, referral_id)
    if held.state != "draft" or held.left_at is not None:
        raise _unknown()
    change_referral(session, held, left_at=at)
    events.write(session, "referral.left", "referral", referral_id, by=by, at=at)
    _ask_to_finish(session, referral_id, held.participant_id, by=by, at=at)


def give_draft_back(session: Session, referral_id: UUID, *, by: Actor, at: datetime) -> None:
    """Give a draft that was left to the coordination back to its author: they alone read it, and go on with it.

    Raises Refusal where it was not left, or was sent or deleted since.
    """
    held = _held(session, referral_id)
    if held.state != "draft" or held.left_at is None:
        raise _unknown()
    change_referral(session, held, left_at=None, saved_at=at)  # its days of keeping begin anew
    asking.no_more(session, UNFINISHED, referral_id, by=by, at=at)
    events.write(session, "referral.given_back", "referral", referral_id, by=by, at=at)


def ask_to_finish(session: Session, *, by: Actor, at: datetime) -> int:
    """Ask the coordinator to finish each draft that was left, where it is not asked yet; how many."""
    rows = left_drafts(session)
    return sum(_ask_to_finish(session, row.id, row.participant_id, by=by, at=at) for row in rows)


def _ask_to_finish(session: Session, referral_id: UUID, participant_id: UUID, *, by: Actor, at: datetime) -> bool:
    reference = scalar(session, only(Participant.candidate_ref).where(Participant.id == participant_id))
    return (
        asking.ask(
            session,
            UNFINISHED,
            referral_id,
            _FINISH,
            chain=[Link(KEEPER)],
            working_days=DAYS_TO_FINISH,
            by=by,
            at=at,
            reference=reference,
        )
        is not None
    )


_FINISH = N_("Send or delete a referral begun by someone who left: %(reference)s")


class LeftDraft(Referral):
    """A draft that was left to the coordination: of which person, and not what it says."""

    model_config = SHAPE

    candidate_ref: str = also(Participant.candidate_ref)


def left_drafts(session: Session) -> list[LeftDraft]:
    """The drafts that were left to the coordination, the longest waiting first; also where a restore lost that."""
    return every(
        session,
        of(LeftDraft, without=(Referral.sealed, Referral.result_sealed))
        .join(Participant, joins(Referral.participant_id, Participant))
        .where(Referral.state == "draft", or_(col(Referral.left_at).is_not(None), LEFT_SINCE))
        .order_by(col(Referral.left_at), col(Referral.id)),
    )


def throw_draft_away(session: Session, referral_id: UUID, *, by: Actor, at: datetime) -> None:
    """Delete the draft of a leaver, where it still is one; what was written is destroyed."""
    held = _held(session, referral_id)
    if held.state == "draft":
        destroy_draft(session, held, by=by, at=at)


def whose_draft(session: Session, referral_id: UUID) -> UUID | Literal["coordination"] | None:
    """Who may go on with a draft: its author, or the coordination where they left it; None where it is no draft."""
    found = run(
        session,
        only(Referral.referred_by, Referral.left_at, value_of(LEFT_SINCE.label("left_since"))).where(
            Referral.id == referral_id, Referral.state == "draft"
        ),
    ).first()
    if found is None:
        return None
    author: UUID | None = found.referred_by
    return author if found.left_at is None and not found.left_since else "coordination"


def draft_of(session: Session, referral_id: UUID, *, by: Actor, at: datetime) -> tuple[ReferralForm, int]:
    """One's own draft as it was saved, to go on with, and its version. Raises Refusal.

    One that was left unfinished holds what another wrote: the coordinator reads that, which is noted on record.
    """
    held = _hold_draft(session, referral_id, by, None)
    if _is_left(session, held):
        record_read(session, "referral", referral_id, what="referral", ground="part", by=by, at=at)
    return _form_of(session, held), held.version


def version_of_draft(session: Session, referral_id: UUID, *, by: Actor) -> int:
    """The version of one's own draft, without opening it. Raises Refusal."""
    return _hold_draft(session, referral_id, by, None).version


def _form_of(session: Session, held: Referral) -> ReferralForm:
    """What a locked draft says."""
    row = first(session, of(Participant).where(Participant.id == held.participant_id))
    assert row is not None  # noqa: S101 - a referral has its participant
    who = ParticipantIdentity.of_json(unseal(session, held.participant_id, "identity", surely(row.sealed)))
    told = unseal(session, held.participant_id, f"referral/{held.id}", surely(held.sealed))
    return form_of(row, who, told)


# ------------------------------------------------------------------------------------------------- by people outside


def save_by_link(
    session: Session, token: str, form: ReferralForm, *, browser: str, by: Actor, at: datetime, seen: int | None = None
) -> None:
    """Save what was written so far by a link, sealed, for this browser alone: it is the link's one referral.

    `browser` is a cookie of the browser; `by` is the part of the system that answers a link's holder. Raises Refusal:
    the link does not work (any more), it was begun elsewhere, or what was saved is of another version.
    """
    link = links.hold(session, token, browser=browser, at=at)
    form = checked_form(session, form, at, whole=False, outside=True)
    held = _begun_by(session, link.id)
    if held is None:
        referral_id = _begin_by_link(session, link.id, form, at)
        links.begin(session, link, browser)
        events.write(session, "referral.begun", "referral", referral_id, by=by, at=at)
        return
    if seen is not None and held.version != seen:
        raise _changed_meanwhile()
    _save(session, held, form, at)
    events.write(session, "referral.saved", "referral", held.id, by=by, at=at)


def begun_by_link(session: Session, token: str, *, browser: str, at: datetime) -> tuple[ReferralForm, int]:
    """What was saved by a link in this browser, to go on with, and its version; before that, an empty form and 0.

    Raises Refusal: the link does not work (any more), or it was begun elsewhere.
    """
    link = links.hold(session, token, browser=browser, at=at)
    held = _begun_by(session, link.id)
    return (_form_of(session, held), held.version) if held is not None else (ReferralForm(), 0)


def refer_by_link(
    session: Session, token: str, form: ReferralForm, *, browser: str = "", by: Actor, at: datetime
) -> UUID:
    """Refer one person by a link, once; returns the referral's id.

    `browser` and `by` are as for `save_by_link`. Raises Refusal: the link does not work (any more), it was begun
    elsewhere, or something that is needed is missing.
    """
    link = links.hold(session, token, browser=browser, at=at)
    form = checked_form(session, form, at, whole=True, outside=True)
    begun = _begun_by(session, link.id)
    if begun is None:
        referral_id = _begin_by_link(session, link.id, form, at)
    else:
        referral_id = begun.id
        _save(session, begun, form, at)
    links.use(session, link, at=at)
    held = _held(session, referral_id)
    _receive(session, held, by=by, at=at)
    return referral_id


def end_link(session: Session, link_id: UUID, *, by: Actor, at: datetime) -> None:
    """Withdraw a link that was not used, and destroy what was begun by it. Raises Refusal: it is over."""
    links.end_link(session, link_id, by=by, at=at)
    begun = _begun_by(session, link_id)
    if begun is not None:
        destroy_draft(session, begun, by=by, at=at)


def _begun_by(session: Session, link_id: UUID) -> Referral | None:
    """The draft that was begun by a link, locked; None where there is none."""
    return first(session, of(Referral).where(Referral.link_id == link_id, Referral.state == "draft").with_for_update())


def _begin_by_link(session: Session, link_id: UUID, form: ReferralForm, at: datetime) -> UUID:
    return _new_referral(session, _new_person(session, form, at), form, way="link", link_id=link_id, at=at)


# ----------------------------------------------------------------------------------------------------------- writing


def destroy_draft(session: Session, held: Referral, *, by: Actor, at: datetime) -> None:
    """Destroy a locked draft and what it says. Its key goes with the next sweep."""
    change_referral(session, held, state=REFERRAL.after(held.state, "abandon"), sealed=None)
    asking.answered(session, UNFINISHED, held.id, by=by, at=at)
    forget(session, hold_participant(session, held.participant_id), "destroy", at=at)
    events.write(session, "referral.abandoned", "referral", held.id, by=by, at=at)


def _new_person(session: Session, form: ReferralForm, at: datetime) -> UUID:
    participant_id = uuid4()
    new_key(session, participant_id)
    here = program_of(session)
    new = Participant(
        program_id=here,
        id=participant_id,
        candidate_ref=new_reference(),
        **form.columns(),
        **sealed_identity(session, participant_id, form.identity(local_day(session, at))),
    )
    new.marks = []  # of a draft nothing is compared
    add_row(session, new)
    row = DataKey(program_id=here, id=participant_id, participant_id=participant_id, made_at=at)
    add_row(session, row)
    return participant_id


def _new_referral(
    session: Session,
    participant_id: UUID,
    form: ReferralForm,
    *,
    way: str,
    at: datetime,
    referred_by: UUID | None = None,
    organization_id: UUID | None = None,
    link_id: UUID | None = None,
) -> UUID:
    referral_id = uuid4()
    row = Referral(
        program_id=program_of(session),
        id=referral_id,
        participant_id=participant_id,
        referred_by=referred_by,
        organization_id=organization_id,
        way=way,
        link_id=link_id,
        sealed=seal(session, participant_id, f"referral/{referral_id}", form.told()),
        reference=known_as(session, participant_id),
        begun_at=at,
        saved_at=at,
    )
    add_row(session, row)
    return referral_id


def _save(session: Session, held: Referral, form: ReferralForm, at: datetime) -> int:
    participant = hold_participant(session, held.participant_id)
    columns = sealed_identity(session, participant.id, form.identity(local_day(session, at)))
    change_participant(session, participant, **{**columns, "marks": []}, **form.columns())
    sealed = seal(session, participant.id, f"referral/{held.id}", form.told())
    return change_referral(session, held, sealed=sealed, saved_at=at)


def _receive(session: Session, held: Referral, *, by: Actor, at: datetime) -> None:
    """Turn a draft into a candidate's referral: marked, noted on record, and with a case for the coordinator."""
    participant = hold_participant(session, held.participant_id)
    identity = ParticipantIdentity.of_json(unseal(session, participant.id, "identity", surely(participant.sealed)))
    change_participant(
        session,
        participant,
        state=participant_state_after(participant, "send"),
        **sealed_identity(session, participant.id, identity),
    )
    change_referral(session, held, state=_after(held, "send"), received_at=at)
    events.write(session, "referral.received", "referral", held.id, by=by, at=at, way=held.way)
    open_admission(session, participant.id, by=by, at=at)


def open_admission(session: Session, participant_id: UUID, *, by: Actor, at: datetime) -> None:
    """Open the case of a candidate. Where the program has no such protocol, the referral only waits on the board."""
    if there_is(session, only(ProtocolVersion.id).where(ProtocolVersion.key == ADMISSION)):
        cases.open_case(session, ADMISSION, participant_id=participant_id, by=by, at=at)


def _held(session: Session, referral_id: UUID) -> Referral:
    held = first(session, of(Referral).where(Referral.id == referral_id).with_for_update())
    if held is None:
        raise _unknown()
    return held


def _is_left(session: Session, held: Referral) -> bool:
    """Whether a draft is the coordination's."""
    return held.left_at is not None or is_undecided(session, "restriction", MATTER.subject_id == held.id)


def _hold_draft(session: Session, referral_id: UUID, by: Actor, seen: int | None) -> Referral:
    held = _held(session, referral_id)
    is_theirs = by.role == KEEPER if _is_left(session, held) else by.is_one_of(held.referred_by)
    if held.state != "draft" or not is_theirs:
        # A draft is its author's alone, or the coordinator's after they left it; no one goes on with what was sent.
        raise _unknown()
    if seen is not None and held.version != seen:
        raise _changed_meanwhile()
    return held


def _changed_meanwhile() -> Refusal:
    return Refusal(
        "referral.changed",
        N_("This draft was saved elsewhere meanwhile, in another window. Nothing was overwritten; open it again."),
    )


def _after(held: Referral, move: str) -> str:
    try:
        return REFERRAL.after(held.state, move)
    except NoSuchMove:
        raise _unknown() from None


def _unknown() -> Refusal:
    return Refusal("referral.unknown", N_("This draft does not exist: it was sent, or deleted."))
