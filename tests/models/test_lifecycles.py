"""The tables of moves: whole, told in words, drawn as they are, and kept by everything that happens to a case."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import event, text, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from domain.agreements import agreements, terminations, unsigning
from domain.casework import acts, cases, locking, tasks, versions
from domain.kernel.actors import ENGINE, Actor
from domain.mail import resending
from flows.post import deliver
from models import lifecycle_words
from models.base import table_of
from models.casework import Task
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
from models.ports import Refused
from tests.casework import approve, carry, complete, onboard_wholly, open_onboarding, step, steps
from tests.cast import AT, LOADING, SINCE, TODAY, Cast
from tests.domain.test_agreements import draft_of
from tests.domain.test_cases import newer
from tests.flows.support import Clock, Mailbag, means_of
from tests.models.conftest import as_superuser

_task = table_of(Task)

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
    """What was signed does not change any more, unless a signature recorded from paper was none and is taken back."""
    reached = {"signed"}
    moves = {(state, move): after for (state, move), after in AGREEMENT_VERSION.moves.items() if move != "unsign"}
    for _ in AGREEMENT_VERSION.states:
        reached |= {after for (state, _), after in moves.items() if state in reached}
    assert reached == {"signed", "in_force", "ended"}


# The page of docs/ that is drawn from them.


def test_the_drawing_is_the_one_of_today() -> None:
    """Where this fails: `python -m models.lifecycles`, and look at what changed."""
    assert DRAWING.read_text(encoding="utf-8") == drawn()


@NAMED
def test_the_drawing_tells_every_state_and_move_in_words_and_no_other(lifecycle: Lifecycle) -> None:
    told = {state for name, state in lifecycle_words.MEANS if name == lifecycle.name}
    assert told == set(lifecycle.states)
    happening = {move for name, move in lifecycle_words.HAPPENS if name == lifecycle.name}
    assert happening == {move for _, move in lifecycle.moves}


@NAMED
def test_the_drawing_shows_every_move_once_in_its_diagram(lifecycle: Lifecycle) -> None:
    part = next(part for part in drawn().split("\n## ") if part.startswith(lifecycle_words.TITLES[lifecycle.name]))
    arrows = re.findall(r"^    (\w+) --> (\w+): ([\w ]+)$", part, re.MULTILINE)
    shown = [((state, move.replace(" ", "_")), reached) for state, reached, move in arrows]
    assert sorted(shown) == sorted(lifecycle.moves.items())


# What really happens, as the database saw it, beside what was asked of the tables.

_WATCHED = (
    (CASE, "case", "state"),
    (TASK, "task", "state"),
    (ACT, "task", "act_state"),
    (NOTICE, "notice", "state"),
    (AGREEMENT_VERSION, "agreement_version", "state"),
)

Change = tuple[str, str | None, str]  # of which lifecycle, from which state (None: a new row), to which


class Asked(dict[tuple[str, str], str]):
    """A table of moves that notes every move that is looked up in it."""

    def __init__(self, lifecycle: Lifecycle, noted: set[Change]) -> None:
        super().__init__(lifecycle.moves)
        self._name, self._noted = lifecycle.name, noted

    def __getitem__(self, key: tuple[str, str]) -> str:
        reached = super().__getitem__(key)
        self._noted.add((self._name, key[0], reached))
        return reached


class Watch:
    """Writes down every change of a state that is committed, and holds it against what its transaction looked up.

    The database tells of the changes, by whichever statement and to however many rows at once.
    """

    def __init__(self, cast: Cast) -> None:
        self.seen: set[Change] = set()
        self.past_the_table: set[Change] = set()
        self._cast = cast
        self._told = 0
        self._asked: set[Change] = set()
        with as_superuser(cast.database) as connection:
            connection.execute(
                text("create table seen (n bigint generated always as identity, lifecycle text, was text, became text)")
            )
            connection.execute(text("grant insert on seen to spheres_app"))
            for number, (lifecycle, table, column) in enumerate(_WATCHED):
                connection.exec_driver_sql(
                    f"create function watch_{number}() returns trigger language plpgsql as $$ begin"  # noqa: S608
                    f" insert into seen (lifecycle, was, became) values ('{lifecycle.name}',"
                    f" case when tg_op = 'UPDATE' then old.{column} end, new.{column}); return new; end $$"
                )
                connection.exec_driver_sql(
                    f'create trigger watched_{number} after insert or update of {column} on "{table}"'
                    f" for each row execute function watch_{number}()"
                )
            connection.commit()

    @contextmanager
    def watching(self) -> Iterator[Watch]:
        """Watch what happens inside the block, transaction by transaction."""
        moves = {lifecycle.name: lifecycle.moves for lifecycle, _, _ in _WATCHED}
        for lifecycle, _, _ in _WATCHED:
            object.__setattr__(lifecycle, "moves", Asked(lifecycle, self._asked))
        event.listen(Session, "after_commit", self._compare)
        event.listen(Session, "after_rollback", self._forget)
        self._forget()
        try:
            yield self
        finally:
            event.remove(Session, "after_rollback", self._forget)
            event.remove(Session, "after_commit", self._compare)
            for lifecycle, _, _ in _WATCHED:
                object.__setattr__(lifecycle, "moves", moves[lifecycle.name])

    def _forget(self, *_: object) -> None:
        self._asked.clear()
        # Built once for a process; here anew in each transaction, so that each asks the tables.
        for built in (locking._opening, locking._opening_these, locking._opening_waiting):
            built.cache_clear()

    def _compare(self, _: Session) -> None:
        with as_superuser(self._cast.database) as connection:
            rows = connection.execute(
                text("select n, lifecycle, was, became from seen where n > :told order by n"), {"told": self._told}
            ).all()
        self._told = rows[-1].n if rows else self._told
        changes = {(row.lifecycle, row.was, row.became) for row in rows if row.was != row.became}
        first = {(lifecycle.name, None, lifecycle.initial) for lifecycle, _, _ in _WATCHED}
        self.seen |= changes
        self.past_the_table |= changes - self._asked - first
        self._forget()


@pytest.fixture
def watch(cast: Cast) -> Iterator[Watch]:
    """Watches everything that happens in the test."""
    with Watch(cast).watching() as watching:
        yield watching


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
        waivable = next(
            row
            for row in steps(session, other).values()
            if row["waived_by"] and row["state"] == "open" and not row["action"]
        )
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


def _call_off_what_the_engine_is_at(cast: Cast) -> None:
    """What the engine does is called off while it is at it, whether it can be taken back or not; or while stuck."""
    by, engine = cast.actor("coordinator"), Actor.system(ENGINE)
    case_id = open_onboarding(cast, "without_mail", "anonyme")
    with cast.session() as session:  # without an address the contact lists would wait
        session.execute(
            text("update person set email = 'o.mica@anonyme.example' where id = :id"),
            {"id": cast.people["without_mail"]},
        )

    def take_back() -> None:
        with cast.session() as session:
            tasks.undo_task(session, step(session, case_id, "introduce_program")["id"], by=by, at=AT)

    def done_all_the_same(name: str) -> str:
        with cast.session() as session:
            acts.record_act(session, step(session, case_id, name)["id"], undone=False, by=engine, at=AT)
            return str(step(session, case_id, name)["act_state"])

    complete(cast, case_id, "introduce_program")
    take_back()
    assert done_all_the_same("enrol_on_clinical_committee") == "undo_wanted"
    assert done_all_the_same("send_contact_lists") == "undone"
    carry(cast, case_id)
    assert done_all_the_same("enrol_on_clinical_committee") == "undo_wanted"
    carry(cast, case_id)
    complete(cast, case_id, "introduce_program")
    carry(cast, case_id)
    take_back()
    carry(cast, case_id)
    complete(cast, case_id, "introduce_program")
    with cast.session() as session:
        refused = step(session, case_id, "enrol_on_clinical_committee")["id"]
        acts.record_trouble(session, refused, code="seat.none", by=engine, at=AT, needs_people=True)
    take_back()
    # A day moves, and the case is over or the step taken back before the engine has looked again, or could see to it.
    for n, stuck in enumerate((False, True)):
        complete(cast, case_id, "introduce_program")
        carry(cast, case_id)
        with cast.session() as session:
            day = TODAY + timedelta(days=n + 1)
            cases.move_day(session, case_id, anchor="arrival", day=day, by=by, at=AT)
        if stuck:
            with cast.session() as session:
                acts.record_trouble(session, refused, code="seat.none", by=engine, at=AT, needs_people=True)
        take_back()
    carry(cast, case_id)


def _follow_new_versions(cast: Cast) -> None:
    """A case whose protocol drops a step, and takes it back; one that waits, and what the engine was at, begin anew."""
    by = cast.actor("coordinator")
    case_id = open_onboarding(cast, "worker_codim", "codim")
    for name in ("introduce_program", "request_secure_access"):
        complete(cast, case_id, name)
    with cast.session() as session:
        optional = step(session, case_id, "provide_own_cards")["id"]
        tasks.waive_task(session, optional, by=by, at=AT, reason="Elle en a.")
        tasks.waive_task(session, step(session, case_id, "give_petty_cash")["id"], by=by, at=AT, reason="Pas ici.")
    complete(cast, case_id, "request_petty_cash")
    with cast.session() as session:
        handed_in = step(session, case_id, "request_petty_cash")["id"]
        tasks.waive_task(session, handed_in, by=by, at=AT, reason="Pas ici.")
    without = newer(("  - id: plan_training\n", "  - id: plan_learning\n"), ("- plan_training\n", "- plan_learning\n"))
    with cast.session() as session:
        kept = versions.record_protocol(session, without, by=LOADING, at=AT)
        versions.take_version(session, case_id, kept.id, by=by, at=AT)
    again = newer(("\nversion: 3\n", "\nversion: 4\n"))
    with cast.session() as session:
        kept = versions.record_protocol(session, again, by=LOADING, at=AT)
        versions.take_version(session, case_id, kept.id, by=by, at=AT)
    with cast.session() as session:
        cases.cancel_case(session, case_id, by=by, at=AT, reason="La personne ne vient pas.")


def _send_letters(cast: Cast) -> None:
    """Letters that leave, one that is refused and sent again, and two of which words are taken out before they left."""
    by = cast.actor("coordinator")
    with cast.session() as session:
        ids = session.scalars(text("select id from notice where state = 'queued' order by n")).all()
        assert len(ids) > 2
        resending.redact(session, [ids[-1]], lambda _: "", whole=False, by=by, at=AT)
    refused = Refused(permanent=True, code="550 5.1.1")
    deliver(means_of(cast, Clock(), Mailbag(answers=[refused, refused])))
    with cast.session() as session:
        again, gone = session.execute(text("select id from notice where state = 'failed'")).all()
        resending.retry(session, again.id, by=by, at=AT)
        resending.redact(session, [gone.id], lambda _: "", whole=False, by=by, at=AT)


def _settle_an_agreement(cast: Cast) -> None:
    """An agreement sent, taken back, signed unsent, unsigned, in force and ended; one that is called off."""
    by = cast.actor("coordinator")
    drafts = {}
    for place in ("en-marge", "codim"):
        with cast.session() as session:
            version_id = drafts[place] = draft_of(session, cast, place)
            agreements.send_version(session, version_id, by=by, at=AT)
        with cast.session() as session:
            agreements.withdraw_version(session, version_id, by=by, at=AT)
    with cast.session() as session:
        agreements.send_version(session, drafts["codim"], by=by, at=AT)
    for place, director in (("en-marge", "director_em"), ("codim", "director_codim")):
        who = cast.people[director]
        with cast.session() as session:
            agreements.sign_version(session, drafts[place], director_id=who, signed_on=SINCE, by=by, at=AT)
        with cast.session() as session:
            unsigning.take_back(session, drafts[place], director_id=who, reason="Mauvais jour.", by=by, at=AT)
        with cast.session() as session:
            agreements.sign_version(session, drafts[place], director_id=who, signed_on=SINCE, by=by, at=AT)
    with cast.session() as session:
        agreements.start_version(session, drafts["codim"], starts_on=TODAY, by=by, at=AT)
    with cast.session() as session:
        terminations.end_version(session, drafts["codim"], ends_on=TODAY, by=by, at=AT)
    tomorrow = TODAY + timedelta(days=1)
    for ends in (False, True):
        with cast.session() as session:
            agreements.start_version(session, drafts["en-marge"], starts_on=tomorrow, by=by, at=AT)
        if ends:
            with cast.session() as session:
                terminations.end_version(session, drafts["en-marge"], ends_on=tomorrow, by=by, at=AT)
        with cast.session() as session:
            terminations.call_off_version(session, drafts["en-marge"], last=TODAY, by=by, at=AT)


@pytest.mark.ci
def test_every_change_of_a_state_is_looked_up_in_its_table_in_the_transaction_that_makes_it(
    cast: Cast, watch: Watch
) -> None:
    """A state that is written past its table shows here, though the table would have allowed the same."""
    _live_through_everything(cast)
    _call_off_what_the_engine_is_at(cast)
    _follow_new_versions(cast)
    _send_letters(cast)
    _settle_an_agreement(cast)
    assert watch.past_the_table == set()
    # And everything that the tables hold did happen.
    moves = {
        (lifecycle.name, state, after)
        for lifecycle, _, _ in _WATCHED
        for (state, _), after in lifecycle.moves.items()
        if state != after
    }
    assert moves - watch.seen == set()


def test_the_watch_catches_what_is_written_past_a_table(cast: Cast, watch: Watch) -> None:
    """One change that the table allows and nobody looked up, and one that it does not allow."""
    case_id = open_onboarding(cast)
    assert watch.past_the_table == set()
    with cast.session() as session:
        for name, state in (("plan_coaching", "cancelled"), ("review_onboarding", "cancelled")):
            task_id = step(session, case_id, name)["id"]
            session.execute(text("update task set state = :state where id = :id"), {"state": state, "id": task_id})
    assert watch.past_the_table == {("task", "open", "cancelled"), ("task", "planned", "cancelled")}


def test_a_row_that_a_move_does_not_start_from_is_refused_by_the_database(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    complete(cast, case_id, "plan_coaching")
    moving = update(_task).where(_task.c.case_id == case_id)
    with cast.session() as session:
        session.execute(moving.values(state=TASK.moved(_task.c.state, "cancel", others_stay=True)))
        assert step(session, case_id, "plan_coaching")["state"] == "done"
        assert step(session, case_id, "plan_training")["state"] == "cancelled"
        with pytest.raises(IntegrityError, match="state"):
            session.execute(moving.values(state=TASK.moved(_task.c.state, "cancel")))
        session.rollback()
    with pytest.raises(NoSuchMove):
        TASK.moved(_task.c.state, "vanish")
