"""What was missing in a referral is asked of who wrote it: by a task inside the program, by the link outside.

The answer completes the referral and reads nothing back. It is taken alike of a person who was known: nothing of what
is asked, or of whether it may still be answered, tells that a referral was joined to another file.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlmodel import Session

from domain.accompaniment import reviews
from domain.casework import asking
from domain.kernel import Actor, Refusal, col, every, first, local_day, of, only, scalar, seal, surely, unseal
from domain.mail import coordination_chain
from domain.participants import (
    ParticipantIdentity,
    ReferralForm,
    Said,
    ToldField,
    Who,
    change_participant,
    change_referral,
    checked_form,
    fields_of,
    hold_participant,
    identity_within,
    sealed_identity,
    values_of,
)
from domain.record import events
from domain.roles import Link, standing
from locales import N_
from models.casework import Task
from models.participant import Participant
from models.referral import Referral

#: The task of who referred, or of the coordinator where they came by a link or have left; its item is the referral.
ASKED: Final = "referral.asked"
DAYS_TO_ANSWER: Final = 5
#: What may be asked: fields of the form that say who, where and why, and the facts behind the criteria.
ASKABLE_FIELDS: Final = (
    "birth_date",
    "age",
    "phone",
    "email",
    "address",
    "contact_note",
    "area",
    "setting",
    "legal_care",
    "first_contact",
    "reasons",
)
ASKABLE_CRITERIA: Final = ("AD-C0", "AD-C2", "AD-C3", "AD-C4", "AD-C5")
ASKABLE: Final = (*ASKABLE_FIELDS, *ASKABLE_CRITERIA)

#: The states in which a referral may be answered: once it was sent, as long as it is kept.
_SENT: Final = ("received", "triaged", "joined")
_OF_WHO: Final = frozenset(one.name for one in fields_of(Who))
_TOLD: Final = tuple(one.name for one in fields_of(ToldField) if one.kind != "facts")


def ask_referrer(session: Session, held: Referral, wanted: Collection[str], *, by: Actor, at: datetime) -> None:
    """Ask who wrote a held referral for these fields and criteria; what was asked before is asked no more.

    Someone inside has it as their task, and is reminded as of any. Of who came by a link, or has left, the coordinator
    has it, who calls them: the link shows it. Raises Refusal where nothing is asked that can be.
    """
    asked = [one for one in ASKABLE if one in wanted]
    if not asked:
        raise Refusal("referral.ask_what", N_("Tick at least one thing that is missing."))
    change_referral(session, held, asked=asked, asked_at=at)
    asking.no_more(session, ASKED, held.id, by=by, at=at)
    role = _role_of(session, held, at)
    title, chain = (_ASKED_OURSELVES, coordination_chain(session))
    if role is not None:
        title, chain = _ASKED, [role, *chain]
    asking.ask(
        session, ASKED, held.id, title, chain=chain, working_days=DAYS_TO_ANSWER, by=by, at=at, reference=held.reference
    )
    events.write(session, "referral.asked", "referral", held.id, by=by, at=at, fields=", ".join(asked))


def _role_of(session: Session, held: Referral, at: datetime) -> Link | None:
    """By which role the task falls to who referred; None where no task reaches them."""
    roles = standing(session, local_day(session, at)).roles_of(held.referred_by) if held.referred_by else ()
    there = sorted(roles, key=lambda one: (one.organization_id != held.organization_id, one.role))
    if not there:
        return None
    # A deputy opens no referral of another: while its author is away, the coordinator has it.
    return Link(there[0].role, str(there[0].organization_id), person=held.referred_by, alone=True)


_ASKED: Final = N_("Complete your referral %(reference)s: something is missing")
_ASKED_OURSELVES: Final = N_(
    "Have who referred %(reference)s complete it: by their link, or by telephone, and you write it down"
)


def last_asked(session: Session, referral_id: UUID) -> str | None:
    """What became of what was asked last of who referred, for their page: it is "done", "cancelled", or open."""
    asked = only(Task.state).where(Task.step == ASKED, Task.item == str(referral_id))
    return scalar(session, asked.order_by(col(Task.opened_at).desc()).limit(1))


def ask_nothing_about(session: Session, participant_id: UUID, *, by: Actor, at: datetime) -> None:
    """Take back everything that is asked about a person who goes no further."""
    theirs = Referral.participant_id == participant_id, col(Referral.asked_at).is_not(None)
    for held in every(session, of(Referral).where(*theirs).order_by(col(Referral.id)).with_for_update()):
        ask_no_more(session, held, by=by, at=at)


def ask_no_more(session: Session, held: Referral, *, by: Actor, at: datetime) -> None:
    """Take back what is asked of who wrote a held referral; their page says so, and their task is called off."""
    change_referral(session, held, asked=[], asked_at=None)
    asking.no_more(session, ASKED, held.id, by=by, at=at)
    events.write(session, "referral.asked_no_more", "referral", held.id, by=by, at=at)


def answer(session: Session, referral_id: UUID, form: ReferralForm, *, by: Actor, at: datetime) -> None:
    """Complete a referral by what was asked of it; what is not asked is not taken.

    What was said before stays: a text is added to, and another telephone or address stands beside the one that is
    known. Raises Refusal: nothing is asked (any more), nothing is said, or something cannot be.
    """
    held = _held(session, referral_id)
    form = checked_form(session, form, at, whole=False)
    asked = {one: value for one in held.asked if (value := _said(form, one)) not in ("", None)}
    if not asked:
        raise Refusal("referral.answer_nothing", N_("Write at least one of the answers."))
    participant = hold_participant(session, held.participant_id)
    if "area" in asked and not participant.area:
        change_participant(session, participant, area=form.area)
    who = {name: value for name, value in asked.items() if name in _OF_WHO}
    if who:
        _add_to_identity(session, participant, who, by=by, at=at)
    place = f"referral/{held.id}"
    told = unseal(session, participant.id, place, surely(held.sealed))
    sealed = seal(session, participant.id, place, _completed(told, asked))
    change_referral(session, held, sealed=sealed, asked=[], asked_at=None)
    asking.answered(session, ASKED, held.id, by=by, at=at)
    events.write(session, "referral.answered", "referral", held.id, by=by, at=at, fields=", ".join(asked))


def _said(form: ReferralForm, asked: str) -> object:
    return form.facts.get(asked, "") if asked in ASKABLE_CRITERIA else getattr(form, asked)


def _completed(told: Said, asked: Said) -> Said:
    """What a referral says, with the answers behind what was written before."""
    facts = dict(told.get("facts", {}))
    for criterion in ASKABLE_CRITERIA:
        if criterion in asked:
            facts[criterion] = _both(facts.get(criterion, ""), asked[criterion])
    texts = {name: _both(told.get(name, ""), asked[name]) for name in _TOLD if name in asked}
    return {**told, **texts, "facts": facts}


def _both(before: str, then: str) -> str:
    return f"{before}\n{then}" if before else then


def _add_to_identity(session: Session, participant: Participant, said: Said, *, by: Actor, at: datetime) -> None:
    """Write what is answered of who they are where nothing is known, and beside it where something else is."""
    before = identity_within(session, participant.id)
    after = _with_said(before, said, today=local_day(session, at))
    if after == before:
        return
    change_participant(session, participant, **sealed_identity(session, participant.id, after))
    told = ", ".join(sorted(said))
    events.write(session, "participant.corrected", "participant", participant.id, by=by, at=at, fields=told)
    if "birth_date" in said:
        reviews.keep(session, participant.id, by=by, at=at)


def _with_said(before: ParticipantIdentity, said: Said, *, today: date) -> ParticipantIdentity:
    """An identity with what is said where nothing is known; a birth date takes the place of an age."""
    known = values_of(before, Who)
    new = {name: value for name, value in said.items() if known[name] in ("", None)}
    other = {name: value for name, value in said.items() if name not in (*new, "age") and value != known[name]}
    if "age" in new:
        new = {**new, "age_on": today}
    after = replace(before, **new)
    if after.birth_date is not None:
        after = replace(after, age=None, age_on=None)
    if not other:
        return after
    names: Said = {"given_name": before.given_name, "family_name": before.family_name}
    return after.with_what_is_new_in(ParticipantIdentity(**names, **other))


def _held(session: Session, referral_id: UUID) -> Referral:
    """Lock a referral of which something is asked. Raises Refusal."""
    sent = of(Referral).where(Referral.id == referral_id, col(Referral.state).in_(_SENT))
    held = first(session, sent.with_for_update())
    if held is None or held.asked_at is None:
        raise Refusal(
            "referral.not_asked",
            N_("Nothing is asked of this referral: it was answered already, or what was asked is no longer needed."),
        )
    return held
