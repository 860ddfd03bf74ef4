"""When a letter is tried again, and when a person is told."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.mail.delivery import LONGEST_WAIT, WAITS, DeliveryOutcome, next_attempt
from models.ports import Accepted, Later, Outcome, Refused, Unknown

AT = datetime(2026, 12, 7, 13, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

NOT_DELIVERED = (Later("451 4.7.1"), Unknown(), Refused(permanent=False, code="535 5.7.8"))


def test_a_letter_that_was_taken_is_sent_whatever_went_before() -> None:
    for attempts in (1, 4, 50):
        assert next_attempt(attempts, Accepted(), AT) == DeliveryOutcome("sent")


def test_a_lasting_refusal_ends_at_once_and_a_person_is_told() -> None:
    decision = next_attempt(1, Refused(permanent=True, code="550 5.1.1"), AT)
    assert decision == DeliveryOutcome("failed")
    assert decision.tell_someone


@pytest.mark.parametrize("outcome", NOT_DELIVERED)
def test_the_waits_grow_from_a_minute_to_a_day_and_then_a_person_is_told(outcome: Outcome) -> None:
    waited = []
    at = AT
    for attempts in range(1, 7):
        decision = next_attempt(attempts, outcome, at)
        assert decision.state == "retry"
        assert not decision.tell_someone
        assert decision.retry_at is not None
        waited.append((decision.retry_at - at) / MINUTE)
        at = decision.retry_at
    assert waited == [1, 5, 15, 60, 240, 1440]
    last = next_attempt(7, outcome, at)
    assert last == DeliveryOutcome("give_up")
    assert last.tell_someone


def test_a_server_that_names_its_wait_is_left_alone_that_long_but_not_for_ever() -> None:
    def retry_at(retry_after: timedelta) -> datetime | None:
        return next_attempt(2, Later("429", retry_after), AT).retry_at

    assert retry_at(timedelta(minutes=9)) == AT + 9 * MINUTE
    assert retry_at(timedelta(seconds=2)) == AT + 5 * MINUTE
    assert retry_at(timedelta(days=30)) == AT + LONGEST_WAIT


def test_a_retry_is_told_in_utc() -> None:
    toronto = AT.astimezone(timezone(timedelta(hours=-5)))
    retry_at = next_attempt(1, Unknown(), toronto).retry_at
    assert retry_at == AT + MINUTE
    assert retry_at.utcoffset() == timedelta(0)


def test_a_time_without_an_offset_and_an_attempt_before_the_first_are_errors() -> None:
    with pytest.raises(ValueError, match="offset"):
        next_attempt(1, Unknown(), AT.replace(tzinfo=None))
    with pytest.raises(ValueError, match="number 1"):
        next_attempt(0, Unknown(), AT)


@given(
    attempts=st.integers(1, 1000),
    outcome=st.sampled_from([Accepted(), Refused(True, "550"), *NOT_DELIVERED])
    | st.timedeltas().map(lambda wait: Later("450", wait)),
)
def test_a_letter_is_never_tried_in_the_past_and_never_for_ever(attempts: int, outcome: Outcome) -> None:
    decision = next_attempt(attempts, outcome, AT)
    assert (decision.retry_at is not None) == (decision.state == "retry")
    if decision.retry_at is not None:
        assert attempts <= len(WAITS)
        assert MINUTE <= decision.retry_at - AT <= LONGEST_WAIT


@pytest.mark.parametrize(
    "text", ["", "550 no such person", "550 5.1.1 zoe@example.org", "Connect", "199", "a b", "x" * 21]
)
def test_an_outcome_has_no_room_for_prose(text: str) -> None:
    for outcome in (lambda: Later(text), lambda: Refused(permanent=True, code=text)):
        with pytest.raises(ValueError, match="never a text"):
            outcome()
