"""The evidence that a step asks for: given with the step, or judged by the package that knows the fact.

A kind that is neither raises: a step is never done because the module that judges it was not imported.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from sqlmodel import Session

from domain.casework.locking import LockedTask
from domain.casework.proofs import ASKED
from domain.kernel import Unowned
from models.casework import Case

#: Refuses while a case is not as the evidence says.
Judge = Callable[[Session, Case, datetime], None]

#: The evidence of a step that only its own act completes, as a consent that is signed.
BY_ITS_ACT: Final = "act"
#: Kinds without a judge: nothing, a note, the act itself, and the stored proofs.
GIVEN: Final = frozenset({"none", "note", BY_ITS_ACT, *ASKED})

JUDGES: Final[dict[str, Judge]] = {}


def judges(kind: str) -> Callable[[Judge], Judge]:
    """Register what refuses a step whose evidence is of this kind; used as a decorator."""

    def register(judge: Judge) -> Judge:
        JUDGES[kind] = judge
        return judge

    return register


def refuse_unless_so(session: Session, held: LockedTask) -> None:
    """Refuse a step whose judged evidence is not there. Raises Unowned where no package judges this kind."""
    kind = held.task.evidence
    if kind in GIVEN:
        return
    judge = JUDGES.get(kind)
    if judge is None:
        raise Unowned(kind)
    if held.case is not None:
        judge(session, held.case, held.at)
