"""Statements that are built once: kept where nothing changes, asked together, and read as the database gives them."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

import pytest
from sqlalchemy import Date, LargeBinary, Uuid, bindparam, event, func, null, union_all, update
from sqlmodel import Session

from domain.casework import board
from domain.kernel.asking import Question, ask_ahead, built, kept_by_id, remember
from domain.kernel.refusals import Refusal
from domain.kernel.rows import col, every, first, of, only, run, select, value_of
from domain.roles import responsibility
from models.base import table_of
from models.casework import Link, TaskWords
from models.program import Organization, Person, Tenure
from tests.cast import TODAY, Cast

_PEOPLE: Final = built(of(Person).order_by(col(Person.sort_key)))
_PERSON: Final = built(of(Person).where(col(Person.id) == bindparam("person", type_=Uuid())))
_ROLES: Final = built(
    only(Tenure.person_id, Tenure.role, Tenure.starts_on, Tenure.ends_on, value_of(null().label("nothing")))
    .where(col(Tenure.starts_on) <= bindparam("day", type_=Date()))
    .order_by(col(Tenure.id))
)
_BOTH: Final = built(union_all(only(Organization.id, Organization.name_fr), only(Person.id, Person.family_name)))
_COUNT: Final = built(select(func.count()).select_from(Organization))


@pytest.fixture
def asked(cast: Cast) -> Any:
    """How many statements were asked, by now."""
    seen: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        seen.append(statement)

    event.listen(cast.database.engine, "before_cursor_execute", note)
    yield seen
    event.remove(cast.database.engine, "before_cursor_execute", note)


def test_what_is_asked_ahead_is_read_as_if_it_were_asked_alone(cast: Cast, asked: list[str]) -> None:
    questions = (
        Question(_PEOPLE),
        Question(_ROLES, {"day": TODAY}),
        Question(_BOTH),
        Question(_COUNT),
        Question(_PERSON, {"person": cast.people["coordinator"]}),
    )
    with cast.session() as session:
        alone = [run(session, *one).all() for one in questions]
        remember(session)
        asked.clear()
        ask_ahead(session, *questions)
        together = [run(session, *one).all() for one in questions]
        assert len(asked) == 1
        assert [[tuple(row) for row in rows] for rows in together] == [[tuple(row) for row in rows] for rows in alone]
        assert together[1][0].role == alone[1][0].role
        assert every(session, _PEOPLE, {}) == every(session, of(Person).order_by(col(Person.sort_key)))
        assert isinstance(together[1][0].starts_on, date)


def test_a_session_that_changes_rows_reads_what_it_wrote(cast: Cast) -> None:
    asked = {"person": cast.people["coordinator"]}
    with cast.session() as session:
        assert _named(session, asked) != "Renommée"
        ask_ahead(session, Question(_PERSON, asked))
        _rename(session)
        assert _named(session, asked) == "Renommée"


def test_a_session_that_remembers_keeps_a_built_statement_and_no_other(cast: Cast) -> None:
    asked = {"person": cast.people["coordinator"]}
    with cast.session() as session:
        remember(session)
        before = _named(session, asked)
        _rename(session)
        assert _named(session, asked) == before
        row = first(session, of(Person).where(Person.id == asked["person"]))
        assert row is not None
        assert row.family_name == "Renommée"


def test_other_values_are_another_question(cast: Cast) -> None:
    with cast.session() as session:
        remember(session)
        two = [Question(_PERSON, {"person": cast.people[name]}) for name in ("coordinator", "manager_codim")]
        ask_ahead(session, *two)
        assert [row.id for one in two for row in every(session, *one)] == [one.values["person"] for one in two]


def test_what_a_structure_is_read_as_is_the_same_ahead(cast: Cast) -> None:
    chain = [Link("youth_worker", "*", cast.people["coordinator"], passes=(cast.people["deputy"],))]
    with cast.session() as session:
        chain_id = responsibility(session, chain)
        remember(session)
        ask_ahead(session, board.asked_of_chains([chain_id]))
        assert board.chains(session, [chain_id]) == {chain_id: chain}


def test_what_is_kept_by_id_is_read_once_for_each(cast: Cast) -> None:
    read: list[Any] = []

    def find(ids: list[Any]) -> dict[Any, str]:
        read.extend(ids)
        return dict.fromkeys(ids, "found")

    ids = [cast.people["coordinator"], cast.people["manager_codim"]]
    with cast.session() as session:
        remember(session)
        assert kept_by_id(session, "x", ids[:1], find) == {ids[0]: "found"}
        assert kept_by_id(session, "x", ids, find).keys() == set(ids)
    assert read == ids


def test_what_is_sealed_is_never_asked_with_other_things(cast: Cast) -> None:
    sealed = built(only(TaskWords.id, TaskWords.sealed))
    assert isinstance(table_of(TaskWords).c.sealed.type, LargeBinary)
    with cast.session() as session:
        remember(session)
        with pytest.raises(TypeError, match="not read ahead"):
            ask_ahead(session, Question(sealed))
        assert run(session, sealed).all() == []  # alone it is


def _rename(session: Session) -> None:
    session.connection().execute(update(Person).values(family_name="Renommée"))


def _named(session: Session, asked: dict[str, Any]) -> str:
    row = first(session, _PERSON, asked)
    assert row is not None
    return row.family_name


@pytest.mark.parametrize("remembers", [False, True])
def test_a_nul_among_the_values_is_refused_as_what_is_no_text(cast: Cast, remembers: bool) -> None:
    named = built(only(Person.id).where(col(Person.family_name) == bindparam("name")))
    with cast.session() as session:
        if remembers:
            remember(session)
        with pytest.raises(Refusal) as refused:
            run(session, named, {"name": "Jaspe\x00"})
        assert refused.value.code == "words.not_text"
        assert run(session, named, {"name": "Personne"}).all() == []
