"""What the Clinical Committee decides of somebody is in no statement, whatever kind its record has (ADR 0012)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlmodel import Session

from meetings import admissions, agendas, deciding
from meetings.statements import program
from meetings.statements.clinical import clinical_decisions
from meetings.statements.partner import partner_statement
from models.agenda import AgendaItem, ItemReason
from models.base import table_of
from models.minutes import Decision
from models.participant import Participant
from tests.cast import Arranged, Cast
from tests.following import WORKER
from tests.meetings.clinic import NOW, clinic_of, on_the_table, prepare_clinic

_decision = table_of(Decision)
_item = table_of(AgendaItem)
_participant = table_of(Participant)

LATER: Final = datetime(2027, 2, 15, 14, 0, tzinfo=UTC)


@pytest.fixture
def decided(cast: Cast, arranged: Arranged[None]) -> Cast:
    """A clinic that decided on a candidate and, on no item, on something else."""
    arranged(cast, prepare_clinic)
    _, item = on_the_table(cast)
    by = cast.actor("coordinator")
    with cast.session() as session:
        admissions.decide_admission(session, item, "assign", worker_id=cast.people[WORKER], by=by, at=NOW)
        deciding.decide(session, clinic_of(session), None, text_fr="Garder la salle Boréale.", by=by, at=NOW)
    return cast


def counted(session: Session, key: str) -> dict[str, int]:
    """How many decisions each committee took, as a statement has it."""
    found = [one for one in program.look(session, key, at=LATER).tables if one.key == "decisions"]
    return {row.key: int(str(row.cells[0])) for one in found for row in one.rows}


def kinds(session: Session) -> dict[UUID | None, str]:
    """Each decision's kind, by the item that it was taken on."""
    return {row.item_id: row.kind for row in session.execute(select(_decision.c.item_id, _decision.c.kind))}


@pytest.mark.ci
@pytest.mark.wide(3)
@pytest.mark.parametrize("kind", ["as recorded", "other", "management"])
def test_a_decision_on_a_candidate_is_counted_in_no_year_and_no_quarter(decided: Cast, kind: str) -> None:
    with decided.session() as session:
        if kind != "as recorded":  # one from before, or of whoever chose another kind
            session.execute(update(_decision).where(_decision.c.item_id.is_not(None)).values(kind=kind))
        for key in ("2026", "2026-Q4"):
            assert counted(session, key) == {"clinical": 1}


@pytest.mark.ci
def test_what_is_decided_of_a_participant_is_clinical_by_the_number_that_the_item_goes_by(decided: Cast) -> None:
    """No case asked for the item, and nobody chose the kind."""
    by = decided.actor("coordinator")
    with decided.session() as session:
        reference = session.scalars(select(_participant.c.candidate_ref).order_by(_participant.c.id)).first()
        assert reference is not None
        reasons = [ItemReason("asked", facts={"day": "2026-11-24"})]
        said = {"title_fr": reference, "title_en": reference}
        item = agendas.ask(session, "clinical", "forwarded", reference, **said, reasons=reasons, by=by, at=NOW)
        session.execute(
            update(_item).where(_item.c.id == item).values(state="scheduled", meeting_id=clinic_of(session))
        )
        on_them = deciding.decide(
            session, clinic_of(session), item, text_fr="On en reparle.", kind="management", by=by, at=NOW
        )
        assert on_them in clinical_decisions(session)
        assert counted(session, "2026") == {"clinical": 1}
        asked = partner_statement(session, decided.organizations["ccsmtl"], 2026, at=LATER).asked
        assert [(one.text.fr, one.text.en) for one in asked] == [("", "")], "by its number alone, though it is endorsed"
