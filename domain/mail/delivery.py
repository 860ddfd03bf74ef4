"""When a letter is tried again, and when a person is told that it could not be delivered."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from models.ports import Accepted, Later, Outcome, Refused

#: The channel on which the worker is told that a letter waits.
POST_CHANNEL = "spheres_post"

#: The wait after the first attempt that did not deliver, after the second, and so on. Short at first,
#: because greylisting ends within minutes; then long enough to outlast a night's repair: 29 hours in all.
WAITS = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(minutes=60),
    timedelta(hours=4),
    timedelta(hours=24),
)

#: A server that asks for a longer silence than this is not obeyed to the letter: someone waits for the mail.
LONGEST_WAIT = max(WAITS)


@dataclass(frozen=True, slots=True)
class DeliveryOutcome:
    """What becomes of a letter after an attempt.

    sent: a server took it. retry: it waits until `retry_at` (UTC), with identical bytes. failed: it will never be taken
    as it is. give_up: every attempt was used. In the last two `tell_someone` is true: the coordinator is told that a
    person was not reached.
    """

    state: Literal["sent", "retry", "failed", "give_up"]
    retry_at: datetime | None = None

    @property
    def tell_someone(self) -> bool:
        """Whether a person must now be told that this letter did not arrive."""
        return self.state in ("failed", "give_up")


def next_attempt(attempts: int, outcome: Outcome, at: datetime) -> DeliveryOutcome:
    """What to do with a letter whose attempt number `attempts` (the first is 1) ended as `outcome` at `at`.

    A lost connection counts as not delivered, because a letter twice is better than a letter never. The same holds
    where our own account was refused: the ladder gives people a day to repair it.
    Raises ValueError where `at` has no offset or `attempts` is below 1.
    """
    if at.tzinfo is None:
        msg = "a moment needs its offset"
        raise ValueError(msg)
    if attempts < 1:
        msg = "the first attempt is number 1"
        raise ValueError(msg)
    if isinstance(outcome, Accepted):
        return DeliveryOutcome("sent")
    if isinstance(outcome, Refused) and outcome.permanent:
        return DeliveryOutcome("failed")
    if attempts > len(WAITS):
        return DeliveryOutcome("give_up")
    wait = WAITS[attempts - 1]
    if isinstance(outcome, Later) and outcome.retry_after is not None:
        wait = min(max(wait, outcome.retry_after), LONGEST_WAIT)
    return DeliveryOutcome("retry", at.astimezone(UTC) + wait)
