"""A decision that had been revoked, a word that was withdrawn, a seat and a committee: closed until it is decided."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlmodel import Session

from domain.casework import tasks
from domain.endorsement import refuse_unless_it_counts
from domain.kernel import Refusal, first, of, surely
from domain.loading import load
from domain.obligations.clauses import waivers
from domain.record import apart
from domain.restored import matters
from meetings import decisions
from meetings.committees import committee_of, membership
from meetings.decision_words import shown_state
from models.base import table_of
from models.committee import Seat
from models.ledger import Epoch, RestoredMatter
from tests import matters as lost
from tests.agreeing import agreement_of
from tests.cast import LOADING, Cast, edited, onboarding, program_file
from tests.domain.restored.coming_back import LATER, come_back
from tests.domain.restored.coming_back import NOW as LONG_AFTER
from tests.domain.restored.test_redacted import living_in
from tests.meetings.endorsed import (
    DUE,
    all_endorse,
    decide,
    rest_waiver,
    say,
    session,
    sitting_of_two_partners,
    stands,
    task_of,
)
from tests.meetings.meeting_room import MINUTE, NOW
from tests.restored import Installed, installed

__all__ = ["installed", "session"]

DAY = timedelta(days=1)
PAST, COMING = NOW.date() - 5 * DAY, NOW.date() + 60 * DAY
_matter = table_of(RestoredMatter)
_LINES = count(1)


def left(session: Session, verb: str, subject_id: UUID, *, at: datetime, kind: str = "decision", **facts: str) -> None:
    """What a restore left to decide: a line of the ledger says that it had ended then."""
    if first(session, select(Epoch)) is None:
        session.add(Epoch(number=1, found_at=at, lines=1))
        session.flush()
    lost.left(session, "other", verb, subject_id, next(_LINES), subject_kind=kind, facts=dict(facts), at=at)


def decided(session: Session) -> None:
    """A person decides that it does not hold any more."""
    session.execute(
        update(_matter).values(decision="left_undone", decided_at=LONG_AFTER, decided_as="coordinator", reason="So")
    )


@pytest.mark.parametrize("verb", ["decision.withdrawn", "decision.suspended"])
def test_nothing_rests_on_a_decision_that_had_been_revoked_or_suspended_until_it_is_decided(
    session: Session, cast: Cast, verb: str
) -> None:
    decision = decide(session, cast)
    all_endorse(session, cast, decision)
    rest_waiver(session, cast, decision, PAST, COMING)
    left(session, verb, decision, at=NOW + DAY)

    def waived() -> list[object]:
        return [row.ends_on for row in waivers(session, agreement_of(session, cast, "codim"))]

    assert stands(session, decision) == ("endorsed", False)
    assert shown_state(decisions.decision_of(session, decision)) == "undecided"
    assert waived() == [NOW.date()], "up to the day before it ended it was in effect"
    with pytest.raises(Refusal) as refused:
        refuse_unless_it_counts(session, decision)
    assert refused.value.code == "decision.undecided"
    decided(session)
    assert stands(session, decision) == ("endorsed", True)
    assert waived() == [COMING]


def test_what_a_revoked_decision_asked_for_is_not_done_until_it_is_decided(session: Session, cast: Cast) -> None:
    decision = decide(session, cast, kind="other", owner_role="coordinator", due_on=DUE)
    task = surely(decisions.decision_of(session, decision).task_id)
    left(session, "decision.withdrawn", decision, at=NOW + MINUTE)
    with pytest.raises(Refusal) as refused:
        tasks.complete_task(session, task, by=cast.actor("coordinator"), at=NOW + 2 * MINUTE)
    assert refused.value.code == "decision.not_in_effect"
    decided(session)
    tasks.complete_task(session, task, by=cast.actor("coordinator"), at=NOW + 3 * MINUTE)
    assert task_of(session, task)["state"] == "done"


def test_nothing_takes_effect_by_a_word_that_was_withdrawn_until_it_is_decided_or_said_anew(
    session: Session, cast: Cast
) -> None:
    decision = decide(session, cast)
    say(session, cast, decision, "codim", "endorsed")
    left(
        session,
        "decision.word_taken_back",
        decision,
        at=NOW + 2 * MINUTE,
        organization=str(cast.organizations["codim"]),
    )
    say(session, cast, decision, "en-marge", "endorsed", at=NOW + 3 * MINUTE)
    assert stands(session, decision) == ("pending", False)
    say(session, cast, decision, "codim", "", at=NOW + 4 * MINUTE)
    assert stands(session, decision) == ("pending", False), "it can be withdrawn anew"
    say(session, cast, decision, "codim", "endorsed", at=NOW + 5 * MINUTE)
    assert stands(session, decision) == ("endorsed", True)


def seats(session: Session) -> set[str]:
    """The seats of the steering committee that exist on the day."""
    sits = membership(session, committee_of(session, "steering").id)
    return {one.key for one in sits.seats_on(NOW.date() + 10 * DAY)}


def test_no_one_sits_on_a_seat_that_had_ended_nor_in_a_committee_that_had_until_it_is_decided(session: Session) -> None:
    everyone, steering = seats(session), committee_of(session, "steering").id
    ended = surely(first(session, of(Seat).where(Seat.committee_id == steering).limit(1)))
    left(session, "seat.ended", ended.id, at=NOW, kind="seat")
    assert seats(session) == everyone - {ended.key}
    decided(session)
    assert seats(session) == everyone
    left(session, "committee.ended", steering, at=NOW, kind="committee")
    assert seats(session) == set()
    decided(session)
    assert seats(session) == everyone


def test_of_every_act_that_closes_something_it_is_known_whether_it_stays_closed() -> None:
    told = {verb for verb, closing in apart.CLOSINGS.items() if closing.matter}
    assert set(matters.OPEN_MEANWHILE) < told
    assert all(matters.OPEN_MEANWHILE.values())


@pytest.mark.nightly
def test_a_decision_that_was_revoked_and_a_committee_that_was_dissolved_since_the_copy(installed: Installed) -> None:
    cast = living_in(installed)
    sitting_of_two_partners(cast)
    source = program_file().text
    begins, ends = source.index("  extended:\n"), source.index("  # Recommended by the guide for the whole region")

    def stood(session: Session) -> UUID:
        return decide(session, cast, kind="other")

    def ended(session: Session, decision: UUID) -> None:
        number = decisions.decision_of(session, decision).number
        decide(session, cast, kind="other", takes_back=[number], at=NOW + MINUTE)
        load(session, edited((source[begins:ends], "")), [onboarding()], by=LOADING, at=LATER)

    back = come_back(installed, stood, ended)
    assert {"decision.withdrawn", "committee.ended"} <= {one.verb for one in back.waiting()}

    def seats_of_extended(session: Session) -> int:
        sits = membership(session, committee_of(session, "extended").id)
        return sum(one.committee == "extended" for one in sits.seats_on(LATER.date() + DAY))

    assert not back.asked(lambda session: stands(session, back.thing)[1])
    assert back.asked(seats_of_extended) == 0
    back.undone("decision.withdrawn")
    back.undone("committee.ended")
    assert back.asked(lambda session: stands(session, back.thing)[1])
    assert back.asked(seats_of_extended) == 3
