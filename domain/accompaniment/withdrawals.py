"""Asks what follows when a consent is withdrawn or has ended by its day. It blocks nothing.

To the program: the worker speaks with the participant, and the coordinator sees what it means for the team. The
follow-up then ends, or a consent is signed anew, or it goes on with what the withdrawal leaves. To a partner: the
partner gets nothing more from that moment on, and both see to what was under way there. No one asks why it was
withdrawn (AD-R11), and the worker hears of it by a letter without a name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Final
from uuid import UUID

from sqlmodel import Session

from domain.accompaniment import workers
from domain.accompaniment.questions import QuestionAbout
from domain.casework import asking
from domain.follow_ups import assigning, on_day
from domain.kernel import (
    Actor,
    Language,
    Refusal,
    col,
    every,
    hook,
    local_day,
    moments_of,
    of,
    only,
    same,
    scalar,
    surely,
    there_is,
    tuples,
)
from domain.mail import notices
from domain.record import events
from domain.roles import DayTenures, Link, standing, who_barred
from domain.terms import BEING_ADMITTED, PRIMARY, SECOND, Circle, circle_of
from locales import N_
from models.casework import Task
from models.consent import Consent
from models.follow_up import FollowUp
from models.participant import Participant

#: The worker's task: speak with the participant. And the coordinator's: see what follows.
SPEAK: Final = "consent.speak"
FOLLOWS: Final = "consent.follows"
#: The same of a consent to share with a partner, or to be referred to it: what was under way there stops.
STOPS: Final = "consent.stops"
STOPPED: Final = "consent.stopped"
#: The coordinator's task while no consent covers a second's part: ask for one, or name another second.
OF_SECOND: Final = "consent.second"


@dataclass(frozen=True)
class StillAsked:
    """Who is still asked what follows: the worker, the coordinator, or both."""

    worker: bool
    coordinator: bool


def took_back(session: Session, consents: Sequence[Consent], *, by: Actor, at: datetime) -> None:
    """Do what follows consents of one person that were just withdrawn, in the same transaction.

    The participant may not agree to share with the organization of a second, or of a worker with an offer: they lose
    it. The worker, and such a second, hear of it by a letter.
    """
    first = consents[0]
    participant_id = first.participant_id
    if not is_under_way(session, participant_id):
        return
    for second_id in close_to_partners(session, participant_id, by=by, at=at):
        _write(session, "closed_by_consent", second_id, first, path="/", by=by, at=at)
    for purpose in sorted({consent.purpose for consent in consents}):
        ask_what_follows(session, participant_id, of=purpose, by=by, at=at)
    for person_id in _who_accompanies(session, participant_id, at=at):
        _write(session, "consent_taken_back", person_id, first, path=f"/participants/{participant_id}", by=by, at=at)


def narrowed(session: Session, consents: Sequence[Consent], *, with_worker: bool, by: Actor, at: datetime) -> None:
    """Tell by a letter those concerned that consents of one person end sooner: nothing stops yet.

    They are the worker, unless they are written to already, and a second of the pair whom it leaves out. What follows
    is asked once the day is over.
    """
    first = consents[0]
    participant_id = first.participant_id
    if not is_under_way(session, participant_id):
        return
    circle = circle_of(session, participant_id, local_day(session, at))
    told = {one for consent in consents for one in leaving_with(consent, circle)}
    if with_worker:
        told.update(_who_accompanies(session, participant_id, at=at))
    for person_id in sorted(told):
        _write(session, "consent_narrowed", person_id, first, path=f"/participants/{participant_id}", by=by, at=at)


def leaving_with(consent: Consent, circle: Circle) -> Iterator[UUID]:
    """The seconds of another organization who leave the pair with a consent."""
    for part in circle.parts:
        covers = consent.purpose == "program" or (
            consent.purpose == "sharing" and consent.organization_id in part.places
        )
        if part.kind == SECOND and covers and not part.places & circle.homes:
            yield part.person_id


def _who_accompanies(session: Session, participant_id: UUID, *, at: datetime) -> list[UUID]:
    """Who hears of it for the worker today; a worker who is away without a deputy who may read it, themselves."""
    worker = whose(session, participant_id, at=at)
    if worker is None:
        return []
    acting = standing(session, local_day(session, at)).falls([worker]).holders
    return [holder.person_id for holder in acting] or [surely(worker.person)]


def close_to_partners(session: Session, participant_id: UUID, *, by: Actor, at: datetime) -> list[UUID]:
    """End what a consent no longer covers: the second's part, and offers not answered. Returns who lost their part.

    The worker stays, whatever their organization, until another is named: no participant is left alone by a word.
    """
    day = local_day(session, at)
    circle = circle_of(session, participant_id, day)
    shut = {part.person_id for part in circle.parts if part.kind == SECOND and circle.is_shut_to(part)}
    named = workers.named(session, participant_id)
    if named is not None and named.second_id in shut:
        workers.change_second(session, participant_id, None, by=by, at=at)
    follow_up_id = _follow_up_of(session, participant_id)
    if follow_up_id is None:
        return sorted(shut)
    for part in on_day(session, day, follow_up_ids=[follow_up_id]):
        if part.kind == SECOND and part.person_id in shut:
            assigning.end_part(session, part.follow_up_id, part.person_id, by=by, at=at)
    withdraw_offers(session, participant_id, follow_up_id, by=by, at=at)
    return sorted(shut)


@hook
def withdraw_offers(session: Session, participant_id: UUID, follow_up_id: UUID, *, by: Actor, at: datetime) -> None:
    """Withdraw the offers of a follow-up where its participant no longer shares with the worker's organization."""


def ask_what_follows(
    session: Session, participant_id: UUID, *, of: str = "program", by: Actor, at: datetime, ended: bool = False
) -> None:
    """Ask the worker and the coordinator what follows a consent that was withdrawn, or has `ended` by its day.

    `of` is what it was for (`models.consent.CONSENT_PURPOSES`). Repeating it changes nothing. Without a worker, the
    coordinator alone is asked. Nothing is asked about a person who is neither being admitted nor followed.
    """
    if not is_under_way(session, participant_id):
        return
    of_worker, of_coordination = _ASKED[of == "program", ended]
    worker = whose(session, participant_id, at=at)
    if worker is not None:
        of_worker.ask(session, participant_id, worker=worker, by=by, at=at)
    of_coordination.ask(session, participant_id, by=by, at=at)


def is_under_way(session: Session, participant_id: UUID) -> bool:
    """Whether a person is being admitted, or is followed: active, or on a break."""
    rows = tuples(
        session,
        only(Participant.state, FollowUp.state)
        .outerjoin(FollowUp, same(FollowUp, Participant) & (col(FollowUp.participant_id) == col(Participant.id)))
        .where(Participant.id == participant_id),
    )
    return any(
        state in (*BEING_ADMITTED, "admitted") and stands not in ("inactive", "completed") for state, stands in rows
    )


def ask_of_the_ended(session: Session, *, by: Actor, at: datetime) -> int:
    """Ask about each followed participant with a consent that has ended by its day; returns how many.

    Each end is asked about once: a question that was answered is not asked again.
    """
    day = local_day(session, at)
    rows = every(
        session,
        of(Consent)
        .join(FollowUp, same(FollowUp, Consent) & (col(FollowUp.participant_id) == col(Consent.participant_id)))
        .where(
            col(Consent.ends_on) < day,
            col(Consent.withdrawn_on).is_(None),
            col(Consent.replaced_at).is_(None),
            col(FollowUp.state).in_(["active", "on_break"]),
        )
        .order_by(col(Consent.ends_on), col(Consent.participant_id), col(Consent.id)),
    )
    found = 0
    for row in rows:
        since = moments_of(session, surely(row.ends_on))[1]
        asked_since = only(Task.id).where(
            col(Task.step) == (FOLLOWS if row.purpose == "program" else STOPPED),
            col(Task.item) == str(row.participant_id),
            col(Task.opened_at) >= since,
        )
        if not there_is(session, asked_since):
            close_to_partners(session, row.participant_id, by=by, at=at)
            ask_what_follows(session, row.participant_id, of=row.purpose, by=by, at=at, ended=True)
            found += 1
    return found


def ask_about_seconds(session: Session, *, by: Actor, at: datetime) -> int:
    """Ask the coordinator about each second whose part no consent covers, and stop once one does; returns how many.

    They were given their part before it needed a consent. The file is closed to them meanwhile.
    """
    shut = _shut_to_their_second(session, local_day(session, at))
    for row in asking.open_ones(session, OF_SECOND):
        if UUID(row.item) not in shut:
            asking.answered(session, OF_SECOND, UUID(row.item), by=by, at=at)
    asked_now = [_OF_SECOND.ask(session, participant_id, by=by, at=at) for participant_id in sorted(shut)]
    return sum(task is not None for task in asked_now)


def _shut_to_their_second(session: Session, day: date) -> set[UUID]:
    """The participants who are followed, and whose file is closed to someone with a part in the pair."""
    whom = dict(
        tuples(
            session,
            only(FollowUp.id, FollowUp.participant_id)
            .where(col(FollowUp.state).in_(["active", "on_break"]))
            .order_by(col(FollowUp.id)),
        )
    )
    parts = on_day(session, day, follow_up_ids=list(whom))
    found = set()
    for participant_id in {whom[part.follow_up_id] for part in parts if part.kind == SECOND}:
        circle = circle_of(session, participant_id, day)
        if any(circle.is_shut_to(part) for part in circle.parts):
            found.add(participant_id)
    return found


def go_on(session: Session, participant_id: UUID, *, for_everyone: bool, by: Actor, at: datetime) -> None:
    """Record that the participant goes on with what the withdrawal leaves, which answers the open questions.

    The coordinator answers `for_everyone`, a worker for themselves: the coordinator then sees to the rest. Raises
    Refusal where nothing is asked, or no longer.
    """
    steps = (SPEAK, STOPS, *((FOLLOWS, STOPPED) if for_everyone else ()))
    answered = [step for step in steps if asking.answered(session, step, participant_id, by=by, at=at)]
    if not answered:
        raise Refusal(
            "consent.nothing_asked", N_("Nothing is asked here after a withdrawal, or it was already recorded.")
        )
    events.write(session, "consent.goes_on", "participant", participant_id, by=by, at=at)


def settle(session: Session, participant_id: UUID, *, by: Actor, at: datetime) -> None:
    """Close the questions: the follow-up or the admission ended, or a consent was signed anew."""
    for step in (SPEAK, FOLLOWS):
        asking.answered(session, step, participant_id, by=by, at=at)


def settle_everything(session: Session, participant_id: UUID, *, by: Actor, at: datetime) -> None:
    """Close the questions about the program and about partners: the follow-up or the admission ended."""
    settle(session, participant_id, by=by, at=at)
    for step in (STOPS, STOPPED):
        asking.answered(session, step, participant_id, by=by, at=at)


def asked(session: Session, participant_id: UUID) -> StillAsked | None:
    """Who is still asked what follows the consent to the program; None where no one is."""
    return _asked(session, participant_id, SPEAK, FOLLOWS)


def asked_of_partners(session: Session, participant_id: UUID) -> StillAsked | None:
    """As `asked`, about what was under way at partners; None where no one is."""
    return _asked(session, participant_id, STOPS, STOPPED)


def _asked(session: Session, participant_id: UUID, *steps: str) -> StillAsked | None:
    worker, coordinator = (bool(asking.open_ones(session, step, participant_id)) for step in steps)
    return StillAsked(worker, coordinator) if worker or coordinator else None


def ask_who_has_it_now(session: Session, *, by: Actor, at: datetime, only: UUID | None = None) -> int:
    """Ask the worker of today where the one who was asked no longer has the participant; returns how many changed.

    `only` looks at one participant alone.
    """

    def ask_anew(participant_id: UUID, now: Link | None, of: str) -> None:
        if now is not None:
            ask_what_follows(session, participant_id, of=of, by=by, at=at)

    return sum(
        asking.ask_who_has_it_now(
            session,
            step,
            whose=partial(whose, session, at=at),
            ask_anew=partial(ask_anew, of=of),
            by=by,
            at=at,
            only=only,
        )
        for step, of in ((SPEAK, "program"), (STOPS, "sharing"))
    )


def whose(session: Session, participant_id: UUID, *, at: datetime) -> Link | None:
    """The worker who accompanies a participant today, or is to meet a candidate; None where there is none.

    While they are away, a deputy who may not read the file, or is barred from it, is passed over. Nothing about it
    falls to such a deputy, and it is the worker's again on return.
    """
    day, follow_up_id = local_day(session, at), _follow_up_of(session, participant_id)
    parts = on_day(session, day, follow_up_ids=[follow_up_id]) if follow_up_id is not None else []
    part = next((part for part in parts if part.kind == PRIMARY), None)
    named = workers.named(session, participant_id) if part is None else None
    if part is not None:
        person_id, organization_id = part.person_id, part.organization_id
    elif named is not None:
        person_id, organization_id = named.worker_id, named.organization_id
    else:
        return None
    link = Link("youth_worker", str(organization_id), person=person_id)
    today = standing(session, day)
    acting = [holder.person_id for holder in today.falls([link]).holders if holder.acting_for is not None]
    return link._replace(alone=_is_shut_to(session, participant_id, acting, today))


def _is_shut_to(session: Session, participant_id: UUID, acting: Collection[UUID], today: DayTenures) -> bool:
    """Whether a deputy of the worker may not read the file: by the consents, or because they are barred from it."""
    if not acting:
        return False
    circle = circle_of(session, participant_id, today.day)
    return any(
        circle.opens(person_id, today) != "file" or participant_id in who_barred(session, person_id)
        for person_id in acting
    )


def _follow_up_of(session: Session, participant_id: UUID) -> UUID | None:
    return scalar(session, only(FollowUp.id).where(FollowUp.participant_id == participant_id))


def _write(session: Session, template: str, to: UUID, consent: Consent, *, path: str, by: Actor, at: datetime) -> None:
    """Tell a person by letter, unless they recorded it, that a consent was withdrawn. The page at `path` says whose."""
    if by.is_one_of(to):
        return

    def facts(language: Language) -> Mapping[str, object]:
        return {"by_name": notices.name_of(session, by, language), "path": path}

    key = f"{template}:{consent.id}:{notices.once_by(at)}"
    notices.write(session, template, to=to, key=key, facts=facts, at=at)


_OF_SECOND: Final = QuestionAbout(
    OF_SECOND,
    N_(
        "Ask %(subject)s for the consent to share with the organization of the second of the pair, or name someone else"
    ),
    5,
)
#: What the worker and the coordinator are asked of a consent to the program, or else to a partner; and whether it ended
#: by its day, or was withdrawn.
_ASKED: Final[Mapping[tuple[bool, bool], tuple[QuestionAbout, QuestionAbout]]] = {
    (True, False): (
        QuestionAbout(
            SPEAK,
            N_("Speak with %(subject)s, who withdrew the consent: end, sign again, or continue within its limits"),
            2,
        ),
        QuestionAbout(FOLLOWS, N_("See what follows: %(subject)s withdrew the consent to the program"), 5),
    ),
    (True, True): (
        QuestionAbout(
            SPEAK,
            N_("Speak with %(subject)s, whose consent has ended: end, sign again, or continue within what remains"),
            2,
        ),
        QuestionAbout(FOLLOWS, N_("See what follows: the consent of %(subject)s to the program has ended"), 5),
    ),
    (False, False): (
        QuestionAbout(STOPS, N_("Stop what goes to a partner: %(subject)s withdrew a consent about it"), 2),
        QuestionAbout(
            STOPPED, N_("See that nothing more goes to a partner: %(subject)s withdrew a consent about it"), 5
        ),
    ),
    (False, True): (
        QuestionAbout(STOPS, N_("Stop what goes to a partner: the consent of %(subject)s about it has ended"), 2),
        QuestionAbout(
            STOPPED, N_("See that nothing more goes to a partner: the consent of %(subject)s about it has ended"), 5
        ),
    ),
}
