"""The tables of moves: whole, told in words, drawn as they are, and kept by everything that happens to a case."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import text

from duties import acts, cases, notices, tasks
from duties.actors import ENGINE, Actor
from models import lifecycles
from models.lifecycles import (
    ACT,
    AGREEMENT_VERSION,
    CASE,
    DRAWING,
    LIFECYCLES,
    NOTICE,
    TASK,
    Lifecycle,
    NoSuchMove,
    drawn,
)
from tests.casework import approve, carry, complete, onboard_wholly, open_onboarding, step, steps
from tests.cast import AT, Cast
from tests.models.conftest import as_superuser

NAMED = pytest.mark.parametrize("lifecycle", LIFECYCLES, ids=[lifecycle.name for lifecycle in LIFECYCLES])


@NAMED
def test_every_move_leads_from_a_state_to_a_state(lifecycle: Lifecycle) -> None:
    assert lifecycle.initial in lifecycle.states
    named = {state for state, _ in lifecycle.moves} | set(lifecycle.moves.values()) | {lifecycle.initial}
    assert named == set(lifecycle.states)


@NAMED
def test_every_state_can_be_reached(lifecycle: Lifecycle) -> None:
    reached = {lifecycle.initial}
    while True:
        further = reached | {after for (state, _), after in lifecycle.moves.items() if state in reached}
        if further == reached:
            break
        reached = further
    assert reached == set(lifecycle.states)


@NAMED
def test_a_move_that_the_table_does_not_hold_cannot_be_made(lifecycle: Lifecycle) -> None:
    moves = {move for _, move in lifecycle.moves}
    refused = 0
    for state in lifecycle.states:
        for move in moves | {"vanish"}:
            if lifecycle.allows(state, move):
                assert lifecycle.after(state, move) == lifecycle.moves[state, move]
                continue
            refused += 1
            with pytest.raises(NoSuchMove, match=re.escape(f"{lifecycle.name}: no {move} from {state}")):
                lifecycle.after(state, move)
    assert refused >= len(lifecycle.states)


def test_a_done_or_waived_task_is_never_done_again_without_being_taken_back_first() -> None:
    for state in ("done", "waived", "cancelled"):
        for move in ("complete", "submit", "approve"):
            assert not TASK.allows(state, move)


def test_a_signed_agreement_is_never_a_draft_again() -> None:
    """Whatever is done to a text that was signed, its words do not change any more."""
    reached = {"signed"}
    for _ in AGREEMENT_VERSION.states:
        reached |= {after for (state, _), after in AGREEMENT_VERSION.moves.items() if state in reached}
    assert reached == {"signed", "in_force", "ended"}


# The page of docs/ that is drawn from them.


def test_the_drawing_is_the_one_of_today() -> None:
    """Where this fails: `python -m models.lifecycles`, and look at what changed."""
    assert DRAWING.read_text(encoding="utf-8") == drawn()


@NAMED
def test_the_drawing_tells_every_state_and_move_in_words_and_no_other(lifecycle: Lifecycle) -> None:
    told = {state for name, state in lifecycles._MEANS if name == lifecycle.name}
    assert told == set(lifecycle.states)
    happening = {move for name, move in lifecycles._HAPPENS if name == lifecycle.name}
    assert happening == {move for _, move in lifecycle.moves}


@NAMED
def test_the_drawing_shows_every_move_once_in_its_diagram(lifecycle: Lifecycle) -> None:
    part = next(part for part in drawn().split("\n## ") if part.startswith(lifecycles._TITLES[lifecycle.name]))
    arrows = re.findall(r"^    (\w+) --> (\w+): ([\w ]+)$", part, re.MULTILINE)
    shown = [((state, move.replace(" ", "_")), reached) for state, reached, move in arrows]
    assert sorted(shown) == sorted(lifecycle.moves.items())


# What really happens, as the database saw it.

_WATCHED = (
    (CASE, "case", "state"),
    (TASK, "task", "state"),
    (ACT, "task", "act_state"),
    (NOTICE, "notice", "state"),
    (AGREEMENT_VERSION, "agreement_version", "state"),
)


def _watch(cast: Cast) -> None:
    """Have the database write down every change of a state, whoever makes it and by whichever statement."""
    with as_superuser(cast.database) as connection:
        connection.execute(text("create table seen (lifecycle text, was text, became text)"))
        connection.execute(text("grant insert on seen to spheres_app"))
        for number, (lifecycle, table, column) in enumerate(_WATCHED):
            connection.exec_driver_sql(
                f"create function watch_{number}() returns trigger language plpgsql as $$ begin"  # noqa: S608
                f" insert into seen values ('{lifecycle.name}', case when tg_op = 'UPDATE' then old.{column} end,"
                f" new.{column}); return new; end $$"
            )
            connection.exec_driver_sql(
                f'create trigger watched_{number} after insert or update of {column} on "{table}"'
                f" for each row execute function watch_{number}()"
            )
        connection.commit()


def _seen(cast: Cast) -> dict[str, set[tuple[str | None, str]]]:
    found: dict[str, set[tuple[str | None, str]]] = {lifecycle.name: set() for lifecycle, _, _ in _WATCHED}
    with as_superuser(cast.database) as connection:
        for name, was, became in connection.execute(text("select distinct lifecycle, was, became from seen")):
            if was != became:
                found[name].add((was, became))
    return found


def _live_through_everything(cast: Cast) -> None:
    """A case that closes and is reopened, and one in which everything goes the long way round and is cancelled."""
    whole = open_onboarding(cast)
    onboard_wholly(cast, whole)
    by = cast.actor("coordinator")
    with cast.session() as session:
        cases.reopen_case(session, whole, by=by, at=AT, reason="Une étape est à revoir.")
        tasks.undo_task(session, step(session, whole, "present_research")["id"], by=by, at=AT)

    other = open_onboarding(cast, "worker_ccsmtl", "ccsmtl")
    manager = cast.actor("manager_ccsmtl")
    complete(cast, other, "request_secure_access")
    with cast.session() as session:
        asked = step(session, other, "request_secure_access")["id"]
        tasks.reject_task(session, asked, by=manager, at=AT, reason="Précisez les dossiers.")
    complete(cast, other, "request_secure_access")
    with cast.session() as session:
        tasks.undo_task(session, asked, by=by, at=AT)
    complete(cast, other, "request_secure_access")
    approve(cast, other, "request_secure_access", by=manager)
    complete(cast, other, "open_secure_account")
    complete(cast, other, "introduce_program")
    with cast.session() as session:
        automatic = [row for row in steps(session, other).values() if row["act_state"] == "wanted"]
        assert automatic, "no step of the engine's is wanted"
        for row in automatic:
            acts.record_trouble(session, row["id"], code="refused", by=Actor.system(ENGINE), at=AT, needs_people=True)
            acts.record_act(session, row["id"], undone=False, by=Actor.system(ENGINE), at=AT)
        waivable = next(row for row in steps(session, other).values() if row["waived_by"] and row["state"] == "open")
        tasks.waive_task(session, waivable["id"], by=by, at=AT, reason="Déjà fait ailleurs.")
        tasks.undo_task(session, waivable["id"], by=by, at=AT)
        # What the engine did falls back with the step that it rested on, and is done again with it.
        tasks.undo_task(session, step(session, other, "introduce_program")["id"], by=by, at=AT)
    carry(cast, other)
    complete(cast, other, "introduce_program")
    carry(cast, other)
    with cast.session() as session:
        cases.cancel_case(session, other, by=by, at=AT, reason="La personne ne vient pas.")
    carry(cast, other)
    with cast.session() as session:
        cases.reopen_case(session, other, by=by, at=AT, reason="Elle vient tout de même.")
    carry(cast, other)


def test_whatever_happens_to_a_case_keeps_to_the_tables(cast: Cast) -> None:
    """The database writes down every change of a state, also those that a statement makes to many rows at once."""
    _watch(cast)
    _live_through_everything(cast)
    seen = _seen(cast)
    for lifecycle, _, _ in _WATCHED:
        allowed = {(state, after) for (state, _), after in lifecycle.moves.items()} | {(None, lifecycle.initial)}
        assert seen[lifecycle.name] <= allowed, lifecycle.name


def test_the_watch_sees_what_it_is_for(cast: Cast) -> None:
    """Held against a life that is known: each case move, nearly each task move, what the engine did and took back."""
    _watch(cast)
    _live_through_everything(cast)
    seen = _seen(cast)
    assert seen["case"] >= {(None, "open"), ("open", "closed"), ("open", "cancelled")}
    assert seen["case"] >= {("closed", "open"), ("cancelled", "open")}
    assert seen["task"] >= {(state, after) for (state, _), after in TASK.moves.items()} - {("planned", "waived")} - {
        ("open", "planned"),
        ("submitted", "waived"),
        ("submitted", "cancelled"),
    }
    assert seen["act"] >= {("none", "wanted"), ("wanted", "stuck"), ("stuck", "done"), ("done", "undo_wanted")}
    assert seen["act"] >= {("undo_wanted", "undone"), ("undone", "wanted"), ("wanted", "done")}
    assert seen["notice"] == {(None, "queued")}


def test_a_letter_goes_back_to_the_queue_by_its_table(cast: Cast) -> None:
    _watch(cast)
    open_onboarding(cast)
    with cast.session() as session:
        letter = session.execute(text("select id from notice order by n limit 1")).scalar_one()
        given_up = "update notice set state = 'failed', next_attempt_at = null where id = :id"
        session.execute(text(given_up), {"id": letter})
        notices.retry(session, letter, by=cast.actor("coordinator"), at=AT)
    moves = {(state, after) for (state, _), after in NOTICE.moves.items()}
    assert {("queued", "failed"), ("failed", "queued")} <= _seen(cast)["notice"]
    assert _seen(cast)["notice"] - {(None, "queued")} <= moves
