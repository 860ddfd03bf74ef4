"""What fails of one thing keeps nothing else: the others are done, the other programs too, and people are told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from domain.departure import current, offers, recruiting, ways_in
from domain.kernel import Actor, Refusal
from domain.kernel.scope import program_of
from domain.participants import retention
from domain.record import seals
from domain.restoring import heads, telling
from flows import apart, departing, destroying, post, sealing, troubles
from flows.departing import close_doors, look_at_hands
from flows.engine import Means
from flows.marks import due_everywhere, set_trouble
from flows.turns import Turn, in_parts
from flows.worker import Worker
from locales import N_
from models.base import table_of
from models.engine import RoundMark
from models.ports import NoKeys
from tests.cast import AT, Cast
from tests.flows.support import Clock, Mailbag, eventually, means_of, within
from tests.flows.test_post import row, write

_mark = table_of(RoundMark)


@pytest.fixture
def means(cast: Cast) -> Means:
    return means_of(cast, Clock(), Mailbag())


def told(cast: Cast) -> dict[str, str]:
    """What people see to fail in the program, by its code."""
    with cast.session() as session:
        return {one.key: one.trouble for one in session.execute(select(_mark).where(_mark.c.trouble != ""))}


def failing_at(first: UUID, ended: list[UUID]) -> Callable[..., int]:
    """A verb about one thing that fails of the first, and notes the others."""

    def end(_: Session, one: UUID, *, by: Actor, at: datetime) -> int:  # noqa: ARG001
        if one == first:
            raise ValueError("something of one departure")
        ended.append(one)
        return 1

    return end


def noting(done: list[int], n: int) -> Callable[..., int]:
    """A verb that notes that it was done."""

    def note(*_: object, **__: object) -> int:
        done.append(n)
        return 1

    return note


def test_a_departure_that_fails_keeps_no_other_door_open_and_people_are_told_until_it_goes_well(
    cast: Cast, means: Means, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, forgotten = uuid4(), uuid4(), uuid4()
    ended: list[UUID] = []
    monkeypatch.setattr(current, "to_move", lambda _: [])
    monkeypatch.setattr(current, "due_to_end", lambda s, _: [first, second] if program_of(s) == cast.program_id else [])
    monkeypatch.setattr(ways_in, "left_open", lambda s, _: [forgotten] if program_of(s) == cast.program_id else [])
    monkeypatch.setattr(departing, "_end", failing_at(first, ended))
    monkeypatch.setattr(departing, "_shut", failing_at(first, ended))
    with pytest.raises(ValueError, match="of one departure"):
        close_doors(means)
    assert ended == [second, forgotten], "those behind it in the list, and the lists behind"
    assert told(cast) == {"departures": "error.ValueError"}
    monkeypatch.setattr(departing, "_end", failing_at(uuid4(), ended))
    assert close_doors(means) == 3
    assert told(cast) == {}


def test_a_program_in_which_it_fails_holds_up_no_other_program(
    cast: Cast, means: Means, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[UUID] = []

    def look(session: Session) -> list[UUID]:
        looked.append(program_of(session))
        raise LookupError

    monkeypatch.setattr(current, "to_move", look)
    with pytest.raises(LookupError):
        close_doors(means)
    assert set(looked) == {cast.program_id, cast.other.program_id}


def test_what_is_looked_at_in_hands_is_looked_at_though_the_first_look_fails(
    means: Means, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lapse(*_: object, **__: object) -> int:
        raise KeyError

    followed: list[int] = []
    monkeypatch.setattr(offers, "lapse", lapse)
    monkeypatch.setattr(recruiting, "see_who_follows", noting(followed, 1))
    with pytest.raises(KeyError):
        look_at_hands(means)
    assert len(followed) == 2, "in both programs"


def test_a_part_of_a_round_that_fails_is_told_and_the_parts_behind_it_are_done(cast: Cast) -> None:
    clock, done = Clock(), list[int]()
    means = means_of(cast, clock)

    @in_parts("sweep", "*/15 * * * *", due_everywhere)
    def look(turn: Turn) -> int:
        found = turn.each([1, 2, 3], part)
        return found + turn.act(noting(done, 9))

    def part(_: Session, n: int, *, by: Actor, at: datetime) -> int:  # noqa: ARG001
        if n == broken:
            raise KeyError(n)
        done.append(n)
        return 1

    broken = 1
    with pytest.raises(KeyError):
        look(means, cast.program_id, "worker")
    assert done == [2, 3, 9]
    assert told(cast) == {"sweep": "error.KeyError"}
    broken = 0
    assert look(means, cast.program_id, "worker") == 4, "it is due still"
    assert told(cast) == {}


def test_where_the_database_is_away_no_thing_after_the_first_is_tried(
    cast: Cast, means: Means, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[UUID] = []

    def end(_: Session, one: UUID, *, by: Actor, at: datetime) -> int:  # noqa: ARG001
        tried.append(one)
        raise OperationalError("select 1", {}, ConnectionError("no server"))

    monkeypatch.setattr(current, "to_move", lambda _: [])
    monkeypatch.setattr(current, "due_to_end", lambda *_: [uuid4(), uuid4()])
    monkeypatch.setattr(departing, "_end", end)
    with pytest.raises(OperationalError):
        close_doors(means)
    assert len(tried) == 1
    assert told(cast) == {}, "that is the database's trouble, and not theirs"


def test_seals_keys_and_heads_of_other_programs_do_not_wait_for_one_that_fails(
    cast: Cast, means: Means, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []

    def failing(what: str) -> Callable[..., int]:
        def fail(session: Session, *_: object, **__: object) -> int:
            looked.append(what)
            if program_of(session) == cast.program_id:
                raise LookupError
            return 0

        return fail

    monkeypatch.setattr(seals, "seal_next", failing("seal"))
    monkeypatch.setattr(retention, "sweep_drafts", failing("destroy"))
    monkeypatch.setattr(telling, "tell", failing("tell"))
    monkeypatch.setattr(heads, "note_head", failing("head"))
    sealed = Means(**{**vars(means), "seal_keys": object()})
    for look in (sealing.seal, destroying.destroy, apart.look_after):
        with pytest.raises(LookupError):
            look(sealed)
    assert looked == [what for what in ("seal", "destroy", "tell", "head") for _ in range(2)]
    assert set(told(cast)) == {troubles.SEAL, troubles.DESTROY, troubles.RESTORED, troubles.LEDGER}


def test_letters_of_a_program_leave_though_those_of_another_cannot_be_written_down(
    cast: Cast, means: Means, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = post._write_down

    def failing(session: Session, *given: object) -> None:
        if program_of(session) == cast.program_id:
            raise LookupError
        real(session, *given)  # type: ignore[arg-type]

    write(cast, means, "coordinator", "a")
    write(cast.other, means, "coordinator", "a")
    monkeypatch.setattr(post, "_write_down", failing)
    with pytest.raises(LookupError):
        post.deliver(means)
    assert told(cast) == {"post": "error.LookupError"}
    assert [row(one, "a", "coordinator").state for one in (cast, cast.other)] == ["queued", "sent"]


def test_a_trouble_that_another_process_told_is_over_where_it_goes_well_here(
    cast: Cast, means: Means, monkeypatch: pytest.MonkeyPatch
) -> None:
    with cast.session() as session:
        set_trouble(session, "departures", "error.OSError", AT)
    close_doors(means)
    assert told(cast) == {}, "as one that died, at the first look"
    with cast.session() as session:
        set_trouble(session, "departures", "error.OSError", AT)
    monkeypatch.setattr(troubles, "_OVER_AFTER_SECONDS", 0.0)
    close_doors(means)
    assert told(cast) == {}, "as one that lives, soon"


def test_a_worker_whose_doors_fail_looks_at_hands_and_one_without_keys_looks_after_the_ledger(
    means: Means, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: set[str] = set()

    def away(_: Means) -> int:
        raise NoKeys("the keys are away")

    def fails(_: Means) -> int:
        raise ValueError

    monkeypatch.setattr(departing, "close_doors", fails)
    monkeypatch.setattr(departing, "look_at_hands", lambda _: looked.add("hands"))
    monkeypatch.setattr(destroying, "destroy", away)
    monkeypatch.setattr(apart, "look_after", lambda _: looked.add("ledger"))

    def body(_: Worker) -> None:
        eventually(lambda: looked == {"hands", "ledger"})

    within(cast, means, body)


def test_a_look_for_what_is_due_that_fails_or_is_refused_is_told_and_the_looks_behind_it_are_made(
    cast: Cast, means: Means, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[UUID] = []
    forgotten = uuid4()

    def fails(_: Session) -> list[UUID]:
        raise LookupError

    def refused(*_: object) -> list[UUID]:
        raise Refusal("keys.away", N_("This e-mail address cannot be used."))

    monkeypatch.setattr(current, "to_move", fails)
    monkeypatch.setattr(current, "due_to_end", refused)
    monkeypatch.setattr(ways_in, "left_open", lambda *_: [forgotten])
    monkeypatch.setattr(departing, "_shut", failing_at(uuid4(), ended))
    with pytest.raises(LookupError):
        close_doors(means)
    assert ended == [forgotten, forgotten], "in both programs"
    monkeypatch.setattr(current, "to_move", lambda _: [])
    with pytest.raises(Refusal):
        close_doors(means)
    assert told(cast) == {"departures": "keys.away"}
