"""Doing again what had ended before a restore: by the act itself, dated as it was, so that its letters are not new."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlmodel import Session

from domain.access import passkeys
from domain.accompaniment import barring, consents, workers
from domain.agreements import agreements, terminations, unsigning
from domain.departure import departures, ending, last_days, ways_in
from domain.follow_ups import assigning
from domain.kernel import Actor, Refusal, add_row, changes, col, every, local_day, of, program_of, run
from domain.participants import hold_participant, holds, referring, research, retention
from domain.people import absences, people, privacy_officers, seat_holders
from domain.research import staff_consents, studies
from domain.restored.matters import file_of, id_in
from domain.restored.standing import day_of
from locales import N_, say
from models.ledger import RestoredMatter
from models.participant import Barred

#: What is done again to a thing, as `standing` found it.
_Redo = Callable[[Session, RestoredMatter, Any, Actor], object]

#: Why, where the act asks for a reason, and the one that was given went with the restore.
REASON: Final = N_("Done again after the program was restored. The reason given at the time is missing.")


def lift_what_the_restore_placed(session: Session, matter: RestoredMatter, *, by: Actor, at: datetime) -> None:
    """Lift the bar that the restore placed on a file until this is decided. It was no word of the participant's."""
    mine = _whose_bar(session, matter)
    if mine is None:
        return
    participant_id, person_id = mine
    placed = changes(Barred).where(
        Barred.participant_id == participant_id,
        Barred.person_id == person_id,
        col(Barred.recorded_by).is_(None),
        col(Barred.lifted_at).is_(None),
    )
    # Of an operator, who is no person of the program, the decision itself says who lifted it.
    run(session, placed.values(lifted_at=at, lifted_by=by.person_id or matter.id))


def place_what_others_need(session: Session, matter: RestoredMatter) -> None:
    """Bar the person from the file again where another matter of the two waits still: they had one bar in common."""
    mine = _whose_bar(session, matter)
    if mine is None:
        return
    waiting = of(RestoredMatter).where(
        col(RestoredMatter.decided_at).is_(None), col(RestoredMatter.verb).in_(_BARS), RestoredMatter.id != matter.id
    )
    for other in every(session, waiting):
        participant_id, person_id = mine
        if _whose_bar(session, other) == mine and not barring.is_barred(session, participant_id, person_id):
            placed = Barred(program_id=program_of(session), participant_id=participant_id, person_id=person_id)
            placed.recorded_at = other.at
            add_row(session, placed)


_BARS: Final = ("participant.barred", "follow_up.part_ended", workers.MEETS_NO_MORE)


def _whose_bar(session: Session, matter: RestoredMatter) -> tuple[UUID, UUID] | None:
    """The file from which the restore barred a person for a matter, and the person; None of any other matter."""
    if matter.verb not in _BARS:
        return None
    participant_id, person_id = file_of(session, matter), matter.facts.get("worker") or matter.person_id
    return (participant_id, UUID(str(person_id))) if participant_id and person_id else None


def _end_access(session: Session, matter: RestoredMatter, _: Any, by: Actor) -> None:
    whose = matter.subject_id
    privacy_officers.refuse_end_of_access(session, whose, by=by, at=matter.at)
    ways_in.shut_out(session, whose, by=by, at=matter.at)
    people.tell_access_ended(session, whose, by=by, at=matter.at)


def _remove_passkey(session: Session, matter: RestoredMatter, passkey_id: Any, by: Actor) -> None:
    passkeys.remove(session, matter.subject_id, passkey_id, by=by, at=matter.at)


def _end_tenure(session: Session, matter: RestoredMatter, tenure: Any, by: Actor) -> None:
    departures.end_role(session, tenure.id, ends_on=day_of(session, matter), by=by, at=matter.at)


def _take_tenure_back(session: Session, matter: RestoredMatter, tenure: Any, by: Actor) -> None:
    people.take_back(session, tenure.id, by=by, at=matter.at)


def _open_departure(session: Session, matter: RestoredMatter, place: Any, by: Actor) -> None:
    last_day = day_of(session, matter)
    departures.open_departure(
        session,
        person_id=matter.subject_id,
        organization_id=place,
        last_day=last_day,
        planned=last_day >= local_day(session, matter.at),
        by=by,
        at=matter.at,
    )


def _end_departure(session: Session, matter: RestoredMatter, departure: Any, by: Actor) -> None:
    if not ending.end_departure(session, departure.id, by=by, at=matter.at):
        raise Refusal(
            "restored.last_day",
            N_("The last day of this departure, as it stands now, is still to come. Set it again on its page first."),
        )


def _leave_seat(session: Session, matter: RestoredMatter, holding: Any, by: Actor) -> None:
    seat_holders.end_seat(session, holding, day_of(session, matter), by=by, at=matter.at)


def _cancel_absence(session: Session, matter: RestoredMatter, absence: Any, by: Actor) -> None:
    absences.cancel_absence(session, absence.id, by=by, at=matter.at)


def _change_deputy(session: Session, matter: RestoredMatter, absence: Any, by: Actor) -> None:
    last_days.change_deputy(session, absence.id, absence.deputy_id, None, by=by, at=matter.at)


def _withdraw(session: Session, matter: RestoredMatter, consent: Any, by: Actor) -> None:
    consents.withdraw(session, consent.id, by=by, at=matter.at)


def _narrow(session: Session, matter: RestoredMatter, consent: Any, by: Actor) -> None:
    consents.narrow_again(session, consent.id, day_of(session, matter), by=by, at=matter.at)


def _withdraw_research(session: Session, matter: RestoredMatter, _: Any, by: Actor) -> None:
    research.withdraw_research_consent(session, matter.subject_id, by=by, at=matter.at)


def _withdraw_of_staff(session: Session, matter: RestoredMatter, _: Any, by: Actor) -> None:
    staff_consents.withdraw(session, matter.subject_id, by=by, at=matter.at)


def _remove_recipient(session: Session, matter: RestoredMatter, person_id: Any, by: Actor) -> None:
    studies.remove_recipient(session, matter.subject_id, person_id, by=by, at=matter.at)


def _end_study(session: Session, matter: RestoredMatter, study_id: Any, by: Actor) -> None:
    studies.end_study(session, study_id, by=by, at=matter.at)


def _bar(session: Session, matter: RestoredMatter, person_id: Any, by: Actor) -> None:
    barring.bar(session, matter.subject_id, person_id, by=by, at=matter.at)


def _end_part(session: Session, matter: RestoredMatter, worker: Any, by: Actor) -> None:
    assigning.end_part(session, matter.subject_id, worker, by=by, at=matter.at)


def _meet_no_more(session: Session, matter: RestoredMatter, row: Any, by: Actor) -> None:
    """Have one of a pair not meet a candidate any more; with the worker the whole pair goes, and one is asked for."""
    if row.second_id == id_in(matter, "worker"):
        workers.change_second(session, matter.subject_id, None, by=by, at=matter.at)
        return
    held = hold_participant(session, matter.subject_id)
    workers.send_nobody(session, held, "replaced", by=by, at=matter.at)
    workers.ask_for_one(session, held.id, by=by, at=matter.at)


def _leave_draft(session: Session, matter: RestoredMatter, referral_id: Any, by: Actor) -> None:
    referring.leave_draft(session, referral_id, by=by, at=matter.at)


def _hold(session: Session, matter: RestoredMatter, participant_id: Any, by: Actor) -> None:
    holds.place_hold(session, participant_id, reason=_reason(), by=by, at=matter.at)


def _keep(session: Session, matter: RestoredMatter, participant_id: Any, by: Actor) -> None:
    day = day_of(session, matter)
    retention.retain_until(session, participant_id, day, reason=_reason(), by=by, at=matter.at)


def _end_version(session: Session, matter: RestoredMatter, version_id: Any, by: Actor) -> None:
    terminations.end_version(session, version_id, ends_on=day_of(session, matter), by=by, at=matter.at)


def _call_off(session: Session, matter: RestoredMatter, version_id: Any, by: Actor) -> None:
    terminations.call_off_version(session, version_id, last=local_day(session, matter.at), by=by, at=matter.at)


def _withdraw_version(session: Session, matter: RestoredMatter, version_id: Any, by: Actor) -> None:
    agreements.withdraw_version(session, version_id, by=by, at=matter.at)


def _unsign(session: Session, matter: RestoredMatter, director_id: Any, by: Actor) -> None:
    unsigning.take_back(session, matter.subject_id, director_id=director_id, reason=_reason(), by=by, at=matter.at)


def _redacted(_: Session, __: RestoredMatter, is_done: Any, ___: Actor) -> None:
    if not is_done:
        raise Refusal(
            "restored.redact_first",
            N_(
                "Only those who redacted them know which words. Have them redacted anew, by two people, then come back."
            ),
        )


def _reason() -> str:
    return f"{say('fr', REASON)} – {say('en', REASON)}"


AGAIN: Final[Mapping[str, _Redo]] = {
    "access.ended": _end_access,
    "identity.linked": _end_access,
    "passkey.removed": _remove_passkey,
    "tenure.ended": _end_tenure,
    "tenure.taken_back": _take_tenure_back,
    "departure.opened": _open_departure,
    "departure.last_day_over": _end_departure,
    "seat.left": _leave_seat,
    "absence.cancelled": _cancel_absence,
    "absence.deputy_changed": _change_deputy,
    "consent.withdrawn": _withdraw,
    "consent.replaced": _withdraw,
    "consent.narrowed": _narrow,
    "research_consent.withdrawn": _withdraw_research,
    "staff_research_consent.withdrawn": _withdraw_of_staff,
    "study.recipient_removed": _remove_recipient,
    "study.ended": _end_study,
    "participant.barred": _bar,
    "follow_up.part_ended": _end_part,
    workers.MEETS_NO_MORE: _meet_no_more,
    "referral.left": _leave_draft,
    "retention.held": _hold,
    "retention.moved": _keep,
    "agreement.ended": _end_version,
    "agreement.called_off": _call_off,
    "agreement.withdrawn": _withdraw_version,
    "agreement.signature_taken_back": _unsign,
    "redaction.done": _redacted,
}


def do_again(session: Session, matter: RestoredMatter, thing: Any, *, by: Actor) -> None:
    """Do what a matter tells of once more. Raises Refusal: the act itself refuses it now."""
    AGAIN[matter.verb](session, matter, thing, by)
