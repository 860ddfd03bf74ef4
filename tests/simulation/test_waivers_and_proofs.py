"""What the promises of waivers and proofs find, where somebody gets around the verbs and writes the rows themselves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID

import pytest
from sqlalchemy import Executable, select, update
from sqlmodel import Session

from domain.obligations import accepting, attestations
from meetings import deciding, decisions
from models.base import table_of
from models.casework import Task
from models.minutes import Decision
from models.obligation import Acceptance, Waiver, WaiverProposal
from simulation.promises import broken
from tests import waiving
from tests.agreeing import PDF
from tests.cast import AT, TODAY, Arranged, Cast
from tests.domain.obligations.signed import kept, period, put_in_force
from tests.meetings.sitting import seat_everyone

_waiver = table_of(Waiver)
_proposal = table_of(WaiverProposal)
_decision = table_of(Decision)
_word = table_of(Acceptance)
_task = table_of(Task)

MINUTE = timedelta(minutes=1)
FIRST, LAST = date(2026, 11, 1), date(2026, 12, 31)
OWN_DECISION: Final = "A waiver rests on a decision on that clause and that partner"
OWN_WAIVER: Final = "Nobody who owes a clause, or acts for one who does"
OWN_STAND: Final = "No waiver stands again by a decision that was recorded by who owes its clause"
OWN_WORD: Final = "Nobody accepts or returns a proof that they gave"
NOBODYS_WORD: Final = "No proof counts before somebody accepted it"
NOBODYS_TASK: Final = "What waits to be looked at is a task"


def _lived(cast: Cast) -> None:
    """A waiver that was decided, a proof that was accepted and one that waits, by the real verbs."""
    with cast.session() as session:
        seat_everyone(session, cast)
        put_in_force(session, cast)
        kept(session)
        waiving.freed(session, cast, "en-marge", "AG-M1", FIRST, LAST)
        for key in ("AG-P4", "AG-P6"):
            one = period(session, cast, "en-marge", key)
            by = cast.actor("manager_em")
            given = attestations.add_document(session, one["id"], "bilan.pdf", PDF, effective_on=TODAY, by=by, at=AT)
            if key == "AG-P4":
                accepting.accept(session, one["id"], given, by=cast.actor("coordinator"), at=AT)


@pytest.fixture
def session(cast: Cast, arranged: Arranged[None]) -> Iterator[Session]:
    """A session of a program in which every promise holds so far."""
    arranged(cast, _lived)
    with cast.session() as made:
        yield made


def found(session: Session) -> list[str]:
    """The beginning of each promise that is broken, once."""
    return list(dict.fromkeys(one.sentence.partition(",")[0] for one in broken(session, AT)))


@pytest.mark.ci
def test_what_the_verbs_did_breaks_none_of_them_and_each_row_written_by_hand_is_found(
    cast: Cast, session: Session
) -> None:
    assert found(session) == []
    manager, other = cast.people["manager_em"], cast.people["manager_codim"]

    def breaks(sentence: str, *statements: Executable) -> None:
        with session.begin_nested() as apart:
            for statement in statements:
                session.execute(statement)
            assert any(one.startswith(sentence.partition(",")[0]) for one in found(session)), sentence
            apart.rollback()

    breaks(OWN_DECISION, update(_decision).values(has_quorum=False))
    breaks(OWN_DECISION, update(_decision).values(item_id=None, grants=False))
    breaks(OWN_DECISION, update(_waiver).values(key="AG-P1"))
    breaks(OWN_DECISION, update(_waiver).values(ends_on=date(2027, 1, 1)))
    breaks(OWN_WAIVER, update(_waiver).values(recorded_by=manager))
    breaks(OWN_WAIVER, update(_waiver).values(recorded_by=other, recorded_for=manager))
    breaks(OWN_WAIVER, update(_decision).values(recorded_by=manager))
    breaks(OWN_WORD, update(_word).values(said_by=manager))
    breaks(OWN_WORD, update(_word).values(said_by=cast.people["director_em"]))
    breaks(OWN_WORD, update(_word).values(said_by=other, said_for=manager))
    breaks(NOBODYS_WORD, update(_word).values(superseded_at=AT))
    breaks(NOBODYS_WORD, update(_word).values(said="returned", reason="Non"))
    waits = select(_task.c.id).where(_task.c.step == "obligation.accept", _task.c.state == "open")
    breaks(NOBODYS_TASK, update(_task).where(_task.c.id.in_(waits)).values(state="cancelled"))
    assert found(session) == []


@pytest.mark.ci
def test_a_waiver_that_stands_again_by_who_owes_its_clause_is_found(cast: Cast, session: Session) -> None:
    """Of three that take back the one before, those that end the waiver are whoever's."""
    by, sat = cast.actor("coordinator"), waiving.sitting(session, cast, None)
    last: UUID = session.scalars(select(_waiver.c.decision_id)).one()
    later: list[UUID] = []
    for n in range(1, 5):
        number = decisions.decision_of(session, last).number
        facts: dict[str, Any] = {"text_fr": "Horaire.", "kind": "management", "takes_back": [number]}
        last = deciding.decide(session, sat, None, by=by, at=AT + n * MINUTE, **facts)
        waiving.endorsed(session, last)
        later.append(last)
    assert not any(OWN_STAND in sentence for sentence in found(session))
    for n, one in enumerate(later, 1):
        with session.begin_nested() as apart:
            owes = cast.people["director_em" if n == 2 else "manager_em"]
            session.execute(update(_decision).where(_decision.c.id == one).values(recorded_by=owes))
            # Of those that were taken back themselves nothing stands: the last one alone has it stand.
            told = {each.where for each in broken(session, AT) if each.sentence.startswith(OWN_STAND)}
            assert bool(told) is (n == 4), n
            apart.rollback()
