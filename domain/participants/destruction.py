"""The destruction of a file takes two: one asks, with a reason; another confirms, after some days have passed.

The coordination asks, or the program by its calendar. The privacy officer confirms, or a manager of the organization
that holds the file. It is never the one who asked, the one they asked for, or a deputy of either. Until then the
request can be withdrawn. A legal hold, another last day, a return or a new referral stops it; unanswered, it lapses.
The one who confirms sees what is destroyed and why, by number, and no name; and says that they know each thing that a
calm page could hide (`weighing`).

First the database forgets, then the key is destroyed, after the row says so for good: nothing is lost where the
transaction is not committed. The worker does it within a minute (`retention.destroy_keys`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID, uuid4

from sqlmodel import Session

from domain.casework import BY_ITS_ACT, asking, assigning, cases
from domain.casework import words as task_words
from domain.kernel import (
    MATTER,
    Actor,
    Refusal,
    add_row,
    changes,
    col,
    hosts_of,
    is_undecided,
    joins,
    local_day,
    only,
    program_calendar,
    program_of,
    run,
    says_something,
    scalar,
    scalars,
    seal,
    surely,
)
from domain.participants import asked_rights
from domain.participants.destruction_requests import DestructionRequest, asked_of, asking_ones
from domain.participants.keeping_changes import checked_reason
from domain.participants.locking import (
    barred_workers,
    case_of,
    forget,
    hold_participant,
    known_as,
    participant_state_after,
)
from domain.participants.retention_terms import retention_of
from domain.participants.still_needed import (
    is_set_by_hand,
    refuse_while_decided,
    refuse_while_followed,
    refuse_while_talked_about,
)
from domain.participants.weighing import cautions_of
from domain.record import events
from domain.roles import DayTenures, Holder, Link, standing
from locales import N_, say
from models.destruction import BEFORE_ITS_DAY, DESTRUCTION_GROUNDS, Destruction
from models.follow_up import ActivityPart, Assignment, FollowUp
from models.lifecycles import DESTRUCTION, REFERRAL
from models.participant import CandidateWorker, Participant
from models.program import Absence
from models.referral import Referral

#: The coordination's task after the last day of a file.
ASK: Final = "retention.destroy"
#: What those who may confirm are asked, and how long they have from the first day on which they can, in working days.
CONFIRM: Final = "destruction.confirm"
DAYS_TO_CONFIRM: Final = 10
#: The ground on which there is nothing to add: the program's own calendar.
BY_CALENDAR: Final = "calendar"


# -------------------------------------------------------------------------------------------------------- the asking


def ask(session: Session, participant_id: UUID, ground: str, *, reason: str = "", by: Actor, at: datetime) -> None:
    """Ask for the destruction of a file, and ask those who may confirm it.

    `reason` is in words, by number and without a name; it may be empty where the calendar alone set the last day.
    Raises Refusal: it is asked already, no reason is given, or the file is held, needed or kept.
    """
    held = hold_participant(session, participant_id)
    words = checked_reason(reason, "destruction.reason.too_long")
    if ground not in DESTRUCTION_GROUNDS:
        raise Refusal("destruction.ground.missing", N_("Choose why the file is to be destroyed."))
    if not says_something(words) and (ground != BY_CALENDAR or is_set_by_hand(session, held)):
        raise Refusal("destruction.reason.missing", N_("Say why the file is to be destroyed."))
    if asked_of(session, participant_id) is not None:
        raise Refusal("destruction.asked", N_("The destruction of this file is already requested."))
    _refuse_unless_over(session, held, ground, local_day(session, at))
    _refuse_unless_its_ground(held, ground)
    calendar, today, request_id = retention_of(session), local_day(session, at), uuid4()
    confirm_from = today + timedelta(days=calendar.confirmed_after_days)
    lapses_on = today + timedelta(days=calendar.lapses_after_days)
    row = Destruction(
        program_id=program_of(session),
        id=request_id,
        participant_id=participant_id,
        asked_by=by.person_id,
        asked_as=by.role,
        asked_for=by.acting_for,
        asked_at=at,
        ground=ground,
        worded=bool(words),
        sealed=seal(session, participant_id, f"destruction/{request_id}", {"reason": words}) if words else None,
        confirm_from=confirm_from,
        lapses_on=lapses_on,
    )
    add_row(session, row)
    day, kept = confirm_from.isoformat(), surely(held.retain_until).isoformat()
    events.write(
        session, "destruction.asked", "participant", participant_id, by=by, at=at, ground=ground, day=day, kept=kept
    )
    asking.answered(session, ASK, participant_id, by=by, at=at)
    _ask_to_confirm(session, row, by=by, at=at)


def withdraw(session: Session, participant_id: UUID, *, by: Actor, at: datetime) -> None:
    """Withdraw the request to destroy a file. Raises Refusal where there is none any more."""
    _, asked = _hold(session, participant_id)
    _end(session, asked, "withdraw", by=by, at=at)


def stop(session: Session, participant_id: UUID, by_what: str, *, by: Actor, at: datetime) -> bool:
    """Stop the request to destroy a file, because something came between (`STOPPED_BY`). Returns whether there was one.

    The caller has the participant locked.
    """
    asked = asked_of(session, participant_id)
    if asked is None:
        return False
    _end(session, asked, "stop", stopped_by=by_what, by=by, at=at)
    return True


def look_again(session: Session, participant_id: UUID, *, by: Actor, at: datetime) -> bool:
    """End the request to destroy a file where its time is over, or the file may not be destroyed. Whether it ended."""
    held = hold_participant(session, participant_id)
    asked = asked_of(session, participant_id)
    if asked is None:
        return False
    today = local_day(session, at)
    if today > asked.lapses_on:
        _end(session, asked, "lapse", by=by, at=at)
        return True
    try:
        _refuse_unless_over(session, held, asked.ground, today)
    except Refusal:
        return stop(session, participant_id, "changed", by=by, at=at)
    _ask_to_confirm(session, asked, by=by, at=at)
    return False


# -------------------------------------------------------------------------------------------------------- the answer


def confirm(
    session: Session,
    participant_id: UUID,
    *,
    seen: UUID | None = None,
    knowing: Collection[str] = (),
    by: Actor,
    at: datetime,
) -> None:
    """Confirm the destruction of a file, and destroy it: the number and the days stay, and nothing of who they were.

    `seen` is the request that was looked at: one that was made since, for another reason, is another. `knowing` are the
    cautions that were read and confirmed, each by itself (`weighing.cautions_of`). Guide and law: the retention
    calendar, with a legal hold. Raises Refusal: there is no request any more, `by` may not confirm it, the delay is not
    over or the request has lapsed, something keeps the file, or a caution was not confirmed.
    """
    held, asked = _hold(session, participant_id, seen)
    today = local_day(session, at)
    _refuse_unless_another(session, asked, today, by)
    if today < asked.confirm_from:
        raise Refusal(
            "destruction.not_yet",
            N_("This can be confirmed from %(day)s on: until then it can still be stopped."),
            day=asked.confirm_from,
        )
    if today > asked.lapses_on:
        raise Refusal("destruction.lapsed", N_("No one answered in time: the request lapsed. It can be made again."))
    _refuse_unless_over(session, held, asked.ground, today)
    if not set(cautions_of(session, asked, today)) <= set(knowing):
        raise Refusal(
            "destruction.cautions", N_("Read each thing to know before this file is destroyed, and confirm each.")
        )
    _change(session, asked, "confirm", by=by, at=at)
    _destroy(session, held, asked, by=by, at=at)


def refuse(
    session: Session, participant_id: UUID, *, reason: str, seen: UUID | None = None, by: Actor, at: datetime
) -> None:
    """Refuse the destruction of a file, with words for the one who asked. Raises Refusal as `confirm`, at any day."""
    _, asked = _hold(session, participant_id, seen)
    words = checked_reason(reason, "destruction.reason.too_long")
    _refuse_unless_another(session, asked, local_day(session, at), by)
    if not says_something(words):
        raise Refusal("destruction.answer.missing", N_("Say why the file is to be kept."))
    sealed = seal(session, participant_id, f"destruction/{asked.id}/answer", {"reason": words})
    _end(session, asked, "refuse", answer_sealed=sealed, by=by, at=at)


def confirmers(session: Session, participant_id: UUID) -> list[Link]:
    """The chain that confirms: the privacy officer; then a manager of each organization that holds the file."""
    places = holding_organizations(session, participant_id)
    return [Link("privacy_officer"), *(Link("manager", str(place)) for place in places)]


def holding_organizations(session: Session, participant_id: UUID) -> list[UUID]:
    """The organizations that hold a file: that of the last worker, else those that host the coordination."""
    last = scalar(
        session,
        only(Assignment.organization_id)
        .join(FollowUp, joins(Assignment.follow_up_id, FollowUp))
        .where(FollowUp.participant_id == participant_id, col(Assignment.withdrawn_at).is_(None))
        .order_by(col(Assignment.starts_on).desc(), col(Assignment.kind), col(Assignment.id))
        .limit(1),
    ) or scalar(
        session,
        only(CandidateWorker.organization_id)
        .where(CandidateWorker.participant_id == participant_id)
        .order_by(col(CandidateWorker.named_at).desc())
        .limit(1),
    )
    return [last] if last else hosts_of(session)


def who_may_confirm(session: Session, asked: Destruction, today: DayTenures) -> list[Holder]:
    """Those who can confirm the request, each by the role in which they do; deputies included who were given approvals.

    Not the one who asked, nor those barred by the participant, nor a deputy whom the one who asked named.
    """
    chain = confirmers(session, asked.participant_id)
    return _able(today, chain, _may_answer(session, asked, today.day))


@dataclass(frozen=True)
class KeptOut:
    """One who holds a role that answers, and may not: they asked, are a deputy, or were named by who asked."""

    person_id: UUID
    why: Literal["asked", "deputy", "named"]


def kept_out(session: Session, asked: Destruction, today: DayTenures) -> list[KeptOut]:
    """Those who would answer a request by their role, and why they may not; not those whom the participant barred."""
    if asked.state != DESTRUCTION.initial:
        return []
    ones = asking_ones(session, asked, today.day)
    away = _recorded_away(session, ones, today.day)
    found: dict[UUID, KeptOut] = {}
    for holder in _able(today, confirmers(session, asked.participant_id), lambda _: True):
        if holder.person_id in (asked.asked_by, asked.asked_for):
            found[holder.person_id] = KeptOut(holder.person_id, "asked")
        elif holder.person_id in ones:
            found.setdefault(holder.person_id, KeptOut(holder.person_id, "deputy"))
        elif holder.acting_for in ones | away:
            found.setdefault(holder.person_id, KeptOut(holder.person_id, "named"))
    return list(found.values())


# -------------------------------------------------------------------------------------------------------------- rules


def _refuse_unless_over(session: Session, held: Participant, ground: str, today: date) -> None:
    """Refuse where a locked file cannot be destroyed: what held when it was asked must still hold. Raises Refusal.

    On the grounds of `BEFORE_ITS_DAY` it is asked before the last day, but for a candidate who waits for a triage.
    """
    if held.state == "draft" or held.joined_to_id is not None:
        raise Refusal("participant.unknown", N_("There is no such candidate or participant."))
    if held.held:
        raise Refusal(
            "retention.hold", N_("A legal hold keeps this file. Its destruction can be asked once the hold is over.")
        )
    if is_undecided(session, "restriction", col(MATTER.subject_id) == held.id):
        raise Refusal(
            "retention.undecided",
            N_(
                "The program was restored from a copy, and what had been said of keeping this file is missing. It is "
                "not destroyed until someone has decided."
            ),
        )
    participant_state_after(held, "destroy")
    refuse_while_decided(session, held)
    before = ground in BEFORE_ITS_DAY and held.state != "candidate"
    if held.retain_until is None:
        raise Refusal(
            "retention.not_yet",
            N_("The last day of this file is counted once nothing goes on in it: until then it is not destroyed."),
        )
    if held.retain_until >= today and not before:
        raise Refusal(
            "retention.not_yet",
            N_("The last day of this file, %(day)s, is still to come: it is not destroyed before on this ground."),
            day=held.retain_until,
        )
    refuse_while_followed(session, held)
    refuse_while_talked_about(session, held)


def _refuse_unless_its_ground(held: Participant, ground: str) -> None:
    """Refuse a ground that says another thing of a file than what it is. Raises Refusal."""
    if ground == "not_triaged" and held.state != "candidate":
        raise Refusal("destruction.triaged", N_("This ground is for a candidate whose referral was never triaged."))
    if ground == BY_CALENDAR and held.state == "candidate":
        raise Refusal(
            "destruction.untriaged",
            N_("The referral of this candidate was never triaged: choose that ground, and say why."),
        )


def _may_answer(session: Session, asked: Destruction, day: date) -> Callable[[Holder], bool]:
    """Whether a holder may answer: no part in the asking, not barred, no deputy whom one of those who asked named."""
    ones = asking_ones(session, asked, day)
    barred = ones | barred_workers(session, asked.participant_id)
    away = _recorded_away(session, ones, day)
    return lambda one: one.person_id not in barred and one.acting_for not in barred | away


def _recorded_away(session: Session, ones: Collection[UUID], day: date) -> set[UUID]:
    """Those whom one of `ones`, who asked, recorded as away on a local day: their deputies were named by them."""
    named = col(Absence.recorded_by).in_(ones), col(Absence.cancelled_at).is_(None)
    return set(
        scalars(session, only(Absence.person_id).where(*named, Absence.starts_on <= day, Absence.ends_on >= day))
    )


def _refuse_unless_another(session: Session, asked: Destruction, today: date, by: Actor) -> None:
    ones = asking_ones(session, asked, today)
    if by.person_id is None or not ones.isdisjoint({by.person_id, by.acting_for}):
        raise Refusal(
            "destruction.own_request",
            N_("Destruction takes two people: the person who asked cannot answer in any role, nor can their deputy."),
        )
    able = who_may_confirm(session, asked, standing(session, today))
    hat = (by.person_id, by.role, by.organization_id, by.acting_for)
    if hat not in {(one.person_id, one.role, one.organization_id, one.acting_for) for one in able}:
        raise Refusal(
            "destruction.not_theirs",
            N_("The privacy officer, or a manager of the organization that holds the file, answers this."),
        )


# ------------------------------------------------------------------------------------------------------------- below


def _able(today: DayTenures, chain: Sequence[Link], may: Callable[[Holder], bool]) -> list[Holder]:
    return [holder for link in chain for holder in today.falls([link], kind="approvals").holders if may(holder)]


def _hold(session: Session, participant_id: UUID, seen: UUID | None = None) -> tuple[Participant, DestructionRequest]:
    """Lock a file and the request about it: of two who answer at once the second is told. Raises Refusal."""
    held = hold_participant(session, participant_id)
    asked = asked_of(session, participant_id)
    if asked is not None and seen not in (None, asked.id):
        raise Refusal(
            "destruction.changed", N_("A new request was made since you looked. Nothing was done; look again.")
        )
    if asked is None:
        raise Refusal("destruction.over", N_("This request was withdrawn or answered meanwhile. Look again."))
    return held, asked


def _ask_to_confirm(session: Session, asked: Destruction, *, by: Actor, at: datetime) -> None:
    """Ask those who may confirm, and not the one who asked; the privacy officer before a manager.

    Once, and anew where it falls on others by now: the one who asked may have become the privacy officer since.
    """
    participant_id, today = asked.participant_id, standing(session, local_day(session, at))
    chain, may = confirmers(session, participant_id), _may_answer(session, asked, today.day)
    able = [link for link in chain if _able(today, [link], may)] or chain
    waiting = asking.open_ones(session, CONFIRM, participant_id)
    if any(row.links == able for row in waiting):
        return
    asking.no_more(session, CONFIRM, participant_id, by=by, at=at)
    due_on = program_calendar.calendar_of(session).add_working_days(asked.confirm_from, DAYS_TO_CONFIRM)
    name = known_as(session, participant_id)
    title = N_("Confirm or refuse the destruction of the file of %(subject)s")
    assigning.assign(
        session,
        CONFIRM,
        str(participant_id),
        title_fr=say("fr", title, subject=name),
        title_en=say("en", title, subject=name),
        chain=able,
        due_on=min(due_on, asked.lapses_on),
        by=by,
        at=at,
        evidence=BY_ITS_ACT,
    )


def _end(session: Session, asked: Destruction, move: str, *, by: Actor, at: datetime, **columns: Any) -> None:
    """End a request without destroying the file, and cancel the question about it."""
    _change(session, asked, move, by=by, at=at, **columns)
    state = DESTRUCTION.after(asked.state, move)
    facts = {"stopped_by": columns["stopped_by"]} if "stopped_by" in columns else {}
    events.write(session, f"destruction.{state}", "participant", asked.participant_id, by=by, at=at, **facts)
    asking.no_more(session, CONFIRM, asked.participant_id, by=by, at=at)


def _change(session: Session, asked: Destruction, move: str, *, by: Actor, at: datetime, **columns: Any) -> None:
    run(
        session,
        changes(Destruction)
        .where(Destruction.id == asked.id)
        .values(
            state=DESTRUCTION.after(asked.state, move),
            ended_by=by.person_id,
            ended_as=by.role,
            ended_for=by.acting_for,
            ended_at=at,
            **columns,
        ),
    )


def _destroy(session: Session, held: Participant, asked: Destruction, *, by: Actor, at: datetime) -> None:
    participant_id = held.id
    forget(session, held, "destroy", at=at)
    run(
        session,
        changes(Referral)
        .where(Referral.participant_id == participant_id, col(Referral.state).in_(REFERRAL.open_to("destroy")))
        .values(state=REFERRAL.moved(col(Referral.state), "destroy"), version=col(Referral.version) + 1),
    )
    # A mark is no word and needs no key of theirs: one who guesses a place and has the key of the marks could prove it.
    run(
        session,
        changes(ActivityPart)
        .where(col(ActivityPart.follow_up_id).in_(only(FollowUp.id).where(FollowUp.participant_id == participant_id)))
        .values(sealed=None, where_mark=None),
    )
    task_words.destroy(session, participant_id)
    asked_rights.stop(session, participant_id, by=by, at=at)
    events.write(
        session,
        "participant.destroyed",
        "participant",
        participant_id,
        by=by,
        at=at,
        day=surely(held.retain_until).isoformat(),
        ground=asked.ground,
        asked_by=str(asked.asked_by) if asked.asked_by else None,
    )
    case_id = case_of(session, participant_id)
    if case_id is not None:  # of a candidate who was never triaged
        cases.cancel_case(session, case_id, by=by, at=at, reason="AD-R1")
    asking.answered(session, CONFIRM, participant_id, by=by, at=at)
    referrals = scalars(
        session, only(Referral.id).where(Referral.participant_id == participant_id).order_by(col(Referral.id))
    ).all()
    for item in (participant_id, *referrals):  # a question may be about one referral of theirs
        asking.nothing_more(session, item, by=by, at=at)
