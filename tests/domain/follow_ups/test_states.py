"""How a follow-up pauses, ends and is taken up again: the rule of two, breaks that come back, and every order of it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlmodel import Session

from domain.accompaniment import breaks, states
from domain.follow_ups import assigning, contacts
from models.follow_up import INACTIVE_REASONS
from models.lifecycles import FOLLOW_UP
from tests.cast import AT, TODAY, Arranged, Cast
from tests.following import SECOND, WORKER, followed, in_force, row_of, tasks_of, told_of
from tests.refusing import refused

DAY = timedelta(days=1)


@pytest.fixture
def cast(cast: Cast, arranged: Arranged[None]) -> Cast:
    """The cast, with every agreement in force."""
    arranged(cast, in_force)
    return cast


def test_contact_is_lost_after_two_further_attempts_and_a_third_is_not_made(cast: Cast) -> None:
    by = cast.actor(WORKER)
    with cast.session() as session:
        follow_up = followed(session, cast)
        with refused("follow_up.try_again_first"):
            states.deactivate(session, follow_up, "lost_contact", by=by, at=AT)
        assert contacts.record_attempt(session, follow_up, means="call", reached=False, by=by, at=AT + DAY) == 1
        with refused("follow_up.try_again_first"):
            states.deactivate(session, follow_up, "lost_contact", by=by, at=AT + DAY)
        assert contacts.record_attempt(session, follow_up, means="visit", reached=False, by=by, at=AT + 2 * DAY) == 2
        with refused("follow_up.two_attempts"):
            contacts.record_attempt(session, follow_up, means="message", reached=False, by=by, at=AT + 3 * DAY)
        states.deactivate(session, follow_up, "lost_contact", by=by, at=AT + 3 * DAY)
        row = row_of(session, follow_up)
        assert (row["state"], row["inactive_reason"]) == ("inactive", "lost_contact")
        assert (row["state_since"], row["state_as"]) == (TODAY + 3 * DAY, "youth_worker")


def test_an_answer_begins_the_count_anew(cast: Cast) -> None:
    by = cast.actor(WORKER)
    with cast.session() as session:
        follow_up, left = followed(session, cast), 0
        for day, reached in ((1, False), (2, False), (3, True), (4, False)):
            left = contacts.record_attempt(session, follow_up, means="call", reached=reached, by=by, at=AT + day * DAY)
        assert left == 1
        assert contacts.last_contacts(session, [follow_up]) == {follow_up: TODAY + 3 * DAY}


@pytest.mark.parametrize(
    ("reason", "whose"),
    [(one, "participant" if one == "withdrew" else "team") for one in INACTIVE_REASONS if one != "lost_contact"],
)
def test_the_first_reason_is_the_participants_and_the_others_are_the_teams_belief(
    cast: Cast, reason: str, whose: str
) -> None:
    with cast.session() as session:
        follow_up = followed(session, cast)
        states.deactivate(session, follow_up, reason, by=cast.actor(WORKER), at=AT)
        said = session.connection().exec_driver_sql(
            "select facts->>'said_by' from event where subject_id = %s and verb = 'follow_up.deactivated'", (follow_up,)
        )
        assert said.scalar() == whose
        with refused("follow_up.inactive"):
            states.deactivate(session, follow_up, reason, by=cast.actor(WORKER), at=AT)


def test_a_reason_is_one_of_the_guides(cast: Cast) -> None:
    with cast.session() as session:
        follow_up = followed(session, cast)
        with refused("inactive_reason.missing"):
            states.deactivate(session, follow_up, "bored", by=cast.actor(WORKER), at=AT)
        assert row_of(session, follow_up)["state"] == "active"


def test_it_is_completed_by_the_word_of_the_participant_too_and_taken_up_again_at_any_time(cast: Cast) -> None:
    by = cast.actor("coordinator")
    with cast.session() as session:
        follow_up = followed(session, cast)
        with refused("follow_up.participants_word"):
            states.complete(session, follow_up, participant_agrees=False, by=by, at=AT)
        states.complete(session, follow_up, participant_agrees=True, by=by, at=AT)
        assert row_of(session, follow_up)["state"] == "completed"
        assert assigning.on_day(session, TODAY, follow_up_ids=[follow_up]) == []
        assert tasks_of(session, assigning.FIND_A_WORKER) == []
        later = AT + timedelta(days=700)
        states.reactivate(session, follow_up, nobody_yet=True, by=by, at=later)
        assert row_of(session, follow_up)["state"] == "active"
        assert [one["state"] for one in tasks_of(session, assigning.FIND_A_WORKER)] == ["open"]


def test_a_break_has_terms_of_return_and_comes_back_on_its_day(cast: Cast) -> None:
    by, rounds = cast.actor(WORKER), cast.actor("coordinator")
    with cast.session() as session:
        follow_up = followed(session, cast)
        for returns_on, terms, code in (
            (TODAY, "J’appelle.", "break.day.malformed"),
            (TODAY + breaks.LONGEST + DAY, "J’appelle.", "break.day.malformed"),
            (TODAY + DAY, "  ", "break.terms.missing"),
        ):
            with refused(code):
                breaks.take_break(session, follow_up, returns_on=returns_on, terms=terms, by=by, at=AT)
        breaks.take_break(session, follow_up, returns_on=TODAY + 5 * DAY, terms="J’appelle.", by=by, at=AT)
        assert row_of(session, follow_up)["state"] == "on_break"
        assert breaks.due_to_return(session, TODAY + 4 * DAY) == []
        assert breaks.come_back_if_due(session, follow_up, by=rounds, at=AT + 4 * DAY) is False
        assert breaks.due_to_return(session, TODAY + 5 * DAY) == [follow_up]
        assert breaks.come_back_if_due(session, follow_up, by=rounds, at=AT + 5 * DAY) is True
        assert breaks.come_back_if_due(session, follow_up, by=rounds, at=AT + 5 * DAY) is False
        assert row_of(session, follow_up)["state"] == "active"
        assert told_of(session, follow_up)[-2:] == ["follow_up.paused", "follow_up.resumed"]


def test_whoever_comes_back_before_the_day_is_not_brought_back_again_on_it(cast: Cast) -> None:
    by = cast.actor(WORKER)
    with cast.session() as session:
        follow_up = followed(session, cast)
        breaks.take_break(session, follow_up, returns_on=TODAY + 5 * DAY, terms="J’appelle.", by=by, at=AT)
        breaks.come_back(session, follow_up, by=by, at=AT + DAY)
        breaks.take_break(session, follow_up, returns_on=TODAY + 30 * DAY, terms="Plus tard.", by=by, at=AT + 2 * DAY)
        assert breaks.due_to_return(session, TODAY + 6 * DAY) == []
        states.deactivate(session, follow_up, "withdrew", by=by, at=AT + 3 * DAY)
        assert breaks.open_break(session, follow_up) is None
        assert breaks.due_to_return(session, TODAY + 60 * DAY) == []


@pytest.mark.parametrize(
    ("at", "returns_on"),
    [
        # The night on which the clocks change, and New Year's Eve: a break ends on a local day and at no hour.
        (datetime.fromisoformat("2027-03-13T23:30:00-05:00"), date(2027, 3, 14)),
        (datetime.fromisoformat("2026-12-31T23:59:00-05:00"), date(2027, 1, 1)),
    ],
)
def test_a_break_counts_local_days(cast: Cast, at: datetime, returns_on: date) -> None:
    by = cast.actor(WORKER)
    with cast.session() as session:
        follow_up = followed(session, cast)
        breaks.take_break(session, follow_up, returns_on=returns_on, terms="Demain.", by=by, at=at)
        assert breaks.come_back_if_due(session, follow_up, by=by, at=at + timedelta(seconds=50)) is False
        assert breaks.come_back_if_due(session, follow_up, by=by, at=at + timedelta(minutes=31)) is True


class Life(RuleBasedStateMachine):
    """Whatever people do to a follow-up, in whatever order: what holds of it always."""

    cast: Cast
    session: Session

    @initialize()
    def begin(self) -> None:
        """A follow-up that has just been opened, with a worker."""
        self.attempt = self.session.begin_nested()
        self.at = AT
        self.state = "active"
        self.lost = 0
        self.worker: str | None = WORKER
        self.returns_on: date | None = None
        self.follow_up = followed(self.session, self.cast)
        self.by = self.cast.actor("coordinator")

    def teardown(self) -> None:
        """Nothing of it is kept."""
        self.attempt.rollback()
        self.session.expire_all()

    @rule(days=st.integers(1, 40))
    def time_passes(self, days: int) -> None:
        self.at += days * DAY

    @rule()
    def the_round_looks(self) -> None:
        self.at += timedelta(seconds=1)  # no two acts are at one instant
        due = self.returns_on is not None and self.returns_on <= self.at.date()
        assert breaks.come_back_if_due(self.session, self.follow_up, by=self.by, at=self.at) is due
        if due:
            self._moved("resume")

    @rule(reached=st.booleans())
    def somebody_tries(self, reached: bool) -> None:
        self.at += timedelta(seconds=1)

        def act() -> Any:
            return contacts.record_attempt(
                self.session, self.follow_up, means="call", reached=reached, by=self.by, at=self.at
            )

        if self.state in ("inactive", "completed"):
            with refused(f"follow_up.{self.state}"):
                act()
        elif not reached and self.lost >= contacts.MOST_ATTEMPTS:
            with refused("follow_up.two_attempts"):
                act()
        else:
            self.lost = 0 if reached else self.lost + 1
            assert act() == self.lost

    @rule(reason=st.sampled_from(INACTIVE_REASONS))
    def it_ends(self, reason: str) -> None:
        def act() -> None:
            states.deactivate(self.session, self.follow_up, reason, by=self.by, at=self.at)

        if reason == "lost_contact" and self.lost < contacts.MOST_ATTEMPTS:
            with refused("follow_up.try_again_first"):
                act()
        else:
            self._try("deactivate", act)

    @rule()
    def it_is_completed(self) -> None:
        self._try(
            "complete",
            lambda: states.complete(self.session, self.follow_up, participant_agrees=True, by=self.by, at=self.at),
        )

    @rule()
    def it_is_taken_up_again(self) -> None:
        self.at += timedelta(seconds=1)
        self._try(
            "reactivate",
            lambda: states.reactivate(self.session, self.follow_up, nobody_yet=True, by=self.by, at=self.at),
        )

    @rule(days=st.integers(1, 60))
    def a_break_is_agreed(self, days: int) -> None:
        returns_on = self.at.date() + days * DAY
        if self._try(
            "pause",
            lambda: breaks.take_break(
                self.session, self.follow_up, returns_on=returns_on, terms="Je reviens.", by=self.by, at=self.at
            ),
        ):
            self.returns_on = returns_on

    @rule(name=st.sampled_from([WORKER, SECOND]))
    def somebody_is_given_it(self, name: str) -> None:
        def act() -> Any:
            return assigning.assign_worker(
                self.session,
                self.follow_up,
                self.cast.people[name],
                instead_of=self.cast.people[self.worker] if self.worker else None,
                by=self.by,
                at=self.at,
            )

        if self.state in ("inactive", "completed"):
            with refused(f"follow_up.{self.state}"):
                act()
        elif name == self.worker:
            with refused("assignment.theirs_already"):
                act()
        else:
            act()
            self.worker = name

    @precondition(lambda self: self.worker is not None)
    @rule()
    def somebody_leaves_it(self) -> None:
        assert self.worker is not None
        assigning.end_part(self.session, self.follow_up, self.cast.people[self.worker], by=self.by, at=self.at)
        self.worker = None

    @invariant()
    def what_always_holds(self) -> None:
        """The state is the table's, its break and its vacancy agree with it, and nobody is there twice."""
        row = row_of(self.session, self.follow_up)
        day = self.at.date()
        assert row["state"] == self.state
        assert (breaks.open_break(self.session, self.follow_up) is not None) == (self.state == "on_break")
        parts = assigning.on_day(self.session, day, follow_up_ids=[self.follow_up])
        assert [part.person_id for part in parts] == ([self.cast.people[self.worker]] if self.worker else [])
        asked = [one for one in tasks_of(self.session, assigning.FIND_A_WORKER) if one["state"] == "open"]
        assert len(asked) == (self.state == "active" and self.worker is None)
        assert contacts.unanswered(self.session, self.follow_up) == self.lost

    def _try(self, move: str, act: Any) -> bool:
        if not FOLLOW_UP.allows(self.state, move):
            with refused(f"follow_up.{self.state}"):
                act()
            return False
        act()
        self._moved(move)
        return True

    def _moved(self, move: str) -> None:
        self.state = FOLLOW_UP.after(self.state, move)
        self.returns_on = None
        if move in ("resume", "reactivate"):
            self.lost = 0
        if self.state in ("inactive", "completed"):
            self.worker = None


@pytest.mark.ci
def test_whatever_people_do_in_whatever_order_a_follow_up_keeps_to_its_table(cast: Cast) -> None:
    with cast.session() as session:
        session.commit()
        Life.cast, Life.session = cast, session
        run_state_machine_as_test(
            Life,
            settings=settings(
                max_examples=12,
                stateful_step_count=20,
                deadline=None,
                suppress_health_check=list(HealthCheck),
                phases=[Phase.explicit, Phase.generate],  # each step asks the database: shrinking takes minutes
            ),
        )
