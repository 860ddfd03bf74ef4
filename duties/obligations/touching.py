"""Which lines of the record touch what partners owe, so that it is judged again in the transaction that wrote them.

Whoever commits asks `settle` once, at the end. Of tasks only those touch anything that serve a clause, and those whose
end moves the days of others: most serve none, and to complete them must stay cheap.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from sqlmodel import Session

from duties import events
from duties.obligations.keeping import keep

_CASES: Final = frozenset({"tasks", "document"})
_SITTING: Final = frozenset({"attendance"})
_HOLDING: Final = frozenset({"count"})
_EVERYTHING: Final = frozenset({"attendance", "tasks", "document", "attestation", "count"})

#: The kinds of checks that a verb of the record touches.
TOUCHES: Final[Mapping[str, frozenset[str]]] = {
    **dict.fromkeys(("attendance.recorded", "attendance.corrected"), _SITTING),
    **dict.fromkeys(("meeting.planned", "meeting.moved", "meeting.cancelled", "meeting.closed"), _SITTING),
    **dict.fromkeys(("meeting.opened", "meeting.put_back", "season.planned"), _SITTING),
    **dict.fromkeys(("seat.given", "seat.moved", "seat.withdrawn"), _HOLDING),
    **dict.fromkeys(("tenure.started", "tenure.moved", "tenure.ended"), _HOLDING),
    **dict.fromkeys(("case.opened", "case.cancelled", "case.reopened"), _CASES),
    **dict.fromkeys(("case.day_moved", "case.rescheduled", "case.version_taken"), _CASES),
    events.CLAUSE_SERVED: _CASES,
    "referral.received": _HOLDING,
    "decision.withdrawn": _EVERYTHING,  # it may have freed a partner of a clause
    **dict.fromkeys(("agreement.started", "agreement.ended"), _EVERYTHING),
}
#: What the engine judges by where it carried a case.
OF_CASES: Final = frozenset({"tasks", "document", "count"})


def settle(session: Session, *, at: datetime) -> int:
    """Judge what the lines written in this transaction touch, each once; how many periods stand otherwise now."""
    kinds = frozenset[str]().union(*(TOUCHES.get(verb, frozenset()) for verb in events.take_written(session)))
    return keep(session, kinds=kinds, at=at) if kinds else 0
