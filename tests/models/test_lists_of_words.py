"""A list of words that a shape or a grammar has beside the table says what the table takes."""

from __future__ import annotations

import re
from typing import Any, Literal, get_args, get_origin

import pytest
from pydantic import BaseModel
from sqlalchemy import CheckConstraint
from sqlmodel import SQLModel

from api.acts.admissions import AdmissionDecisionGiven
from api.acts.agendas import ItemEdited
from api.acts.tasks import ProofGiven
from api.json.sitting_shapes import AttendanceGiven, EndorsementGiven
from domain.casework.proofs import ASKED
from domain.declarations.program_committees import AgendaRule
from models.agenda import AgendaItem
from models.base import table_of
from models.casework import Evidence
from models.minutes import Attendance, Endorsement
from models.referral import AdmissionDecision


def _taken(model: type[SQLModel], column: str) -> set[str]:
    """The words that the check of a column lists."""
    checks = [one for one in table_of(model).constraints if isinstance(one, CheckConstraint)]
    (listing,) = (str(one.sqltext) for one in checks if str(one.sqltext).startswith(f"{column} in ("))
    return set(re.findall(r"'([^']*)'", listing))


def _said(annotation: Any) -> set[str]:
    """The words that a field's type lists, whatever else it may be."""
    if get_origin(annotation) is Literal:
        return set(get_args(annotation))
    return set().union(*(_said(part) for part in get_args(annotation)))


@pytest.mark.parametrize(
    ("shape", "field", "model", "column"),
    [
        (AdmissionDecisionGiven, "outcome", AdmissionDecision, "outcome"),
        (AgendaRule, "audience", AgendaItem, "audience"),
        (AgendaRule, "purpose", AgendaItem, "purpose"),
        (AttendanceGiven, "state", Attendance, "state"),
        (EndorsementGiven, "said", Endorsement, "said"),
        (ItemEdited, "audience", AgendaItem, "audience"),
        (ItemEdited, "purpose", AgendaItem, "purpose"),
        (ProofGiven, "kind", Evidence, "kind"),
    ],
)
def test_what_may_be_given_is_what_the_table_takes(
    shape: type[BaseModel], field: str, model: type[SQLModel], column: str
) -> None:
    assert _said(shape.model_fields[field].annotation) == _taken(model, column)


def test_each_kind_of_proof_that_is_kept_is_one_that_a_step_asks_for() -> None:
    assert _taken(Evidence, "kind") == set(ASKED)
