"""The round of decisions that wait for partners: former partners are not waited for, and silent ones are asked again.

It comes before the digests of the morning, which tell each person of all that is asked of them in one letter.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlmodel import Session

from domain.kernel import calendar_of, local_day
from domain.obligations import judge_touched
from flows.turns import as_a_whole
from meetings import endorsing

#: The local hour at which the round looks, every day: before people get their digests.
CRON: Final = "30 7 * * *"


@as_a_whole("endorsements", CRON)
def ask(session: Session, at: datetime) -> int:
    """See to every decision of one program that waits for partners; how many stand otherwise or are asked again.

    Nobody is asked again on a day that is not worked.
    """
    day = local_day(session, at)
    found = endorsing.follow_agreements(session, at=at)
    if calendar_of(session).is_working_day(day):
        found += endorsing.ask_again(session, day, at=at)
    judge_touched(session, at=at)
    return found
