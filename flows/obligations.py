"""The round of obligations: each day, how every partner stands by what it owes, and what people are to be asked.

Whatever touches an obligation judges it at once (`domain.obligations.triggers`). The round does what only the calendar
does: a period that ends, a day of grace that is over, a waiver that no longer runs, an attestation to be asked for.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlmodel import Session

from domain.obligations import keep
from flows.turns import as_a_whole
from meetings import attendance

#: The local hour at which the round looks, every day: before agendas are filled, and before anyone works.
CRON: Final = "30 5 * * *"


@as_a_whole("obligations", CRON)
def judge(session: Session, at: datetime) -> int:
    """Judge everything that one program's partners owe; how many periods stand otherwise than before."""
    attendance.tell_quorums(session)
    return keep(session, at=at)
