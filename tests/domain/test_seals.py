"""The record under its seals: nothing written is passed over, and whatever is done to it afterwards is found."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from uuid import uuid4

import pytest
from sqlalchemy import select, text

from domain.kernel.refusals import Refusal
from domain.record import events, seal_check, seals
from domain.record.seal_check import head_of_letter
from domain.record.seals import seal_next
from models.record import SentHead
from tests.cast import AT, LOADING, TODAY, Cast
from tests.fakes.seal_keys import FakeSealKeys
from tests.sealing import codes, head, lines_of, looked_at, seal_all, tamper, write_lines


@pytest.fixture
def keys() -> FakeSealKeys:
    return FakeSealKeys()


@pytest.fixture
def sealed(cast: Cast, keys: FakeSealKeys) -> Cast:
    """The cast's own record, then four seals of three lines each."""
    seal_all(cast, keys)
    for _ in range(4):
        write_lines(cast, 3)
        seal_all(cast, keys)
    return cast


def under(cast: Cast, number: int) -> list[int]:
    """The lines under one seal."""
    with cast.session() as session:
        found: list[int] = session.execute(
            text("select events from seal where number = :number"), {"number": number}
        ).scalar_one()
    return found


# Sealing.


def test_a_record_that_nobody_touched_is_sound(sealed: Cast, keys: FakeSealKeys) -> None:
    report = looked_at(sealed, keys, head(sealed))
    assert codes(report) == []
    assert (report.waiting, report.compared) == (0, 1)
    with sealed.session() as session:
        assert report.lines == len(lines_of(session)) > 12
    assert report.head == head(sealed)


def test_each_program_has_a_chain_of_its_own(sealed: Cast, keys: FakeSealKeys) -> None:
    assert looked_at(sealed.other, keys).seals == 0
    seal_all(sealed.other, keys)
    assert head(sealed.other).number < head(sealed).number
    assert codes(looked_at(sealed.other, keys)) == []


def test_lines_wait_until_they_are_sealed_and_are_counted_meanwhile(sealed: Cast, keys: FakeSealKeys) -> None:
    write_lines(sealed, 2)
    report = looked_at(sealed, keys)
    assert (report.waiting, codes(report)) == (2, [])


def test_a_line_that_commits_late_is_not_passed_over(sealed: Cast, keys: FakeSealKeys) -> None:
    before = head(sealed).number
    with sealed.session() as late:
        # Its number comes first, and it commits last.
        events.write(late, "person.updated", "person", uuid4(), by=LOADING, at=AT)
        write_lines(sealed, 2)
        with sealed.session() as session:
            assert seal_next(session, keys) == 0, "younger lines were sealed while an older transaction was open"
        assert looked_at(sealed, keys).waiting == 2
    seal_all(sealed, keys)
    report = looked_at(sealed, keys)
    assert (report.waiting, codes(report)) == (0, [])
    numbers = [n for number in range(before + 1, head(sealed).number + 1) for n in under(sealed, number)]
    assert len(numbers) == len(set(numbers)) == 3


def test_a_transaction_that_is_undone_leaves_no_gap_that_anyone_misses(sealed: Cast, keys: FakeSealKeys) -> None:
    with sealed.session() as session:
        events.write(session, "person.updated", "person", uuid4(), by=LOADING, at=AT)
        session.rollback()
    write_lines(sealed)
    seal_all(sealed, keys)
    assert codes(looked_at(sealed, keys)) == []


def test_many_lines_come_under_several_seals(sealed: Cast, keys: FakeSealKeys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seals, "LINES_AT_A_TIME", 10)
    monkeypatch.setattr(seal_check, "LINES_AT_A_TIME", 10)
    before = head(sealed).number
    write_lines(sealed, 25)
    write_lines(sealed, 3)
    seal_all(sealed, keys)
    assert [len(under(sealed, number)) for number in range(before + 1, head(sealed).number + 1)] == [10, 10, 8]
    assert codes(looked_at(sealed, keys)) == []


def test_of_two_workers_that_seal_at_once_each_line_is_sealed_by_one(sealed: Cast, keys: FakeSealKeys) -> None:
    write_lines(sealed, 5)
    start, done, failed = threading.Barrier(4), [], []

    def seal() -> None:
        try:
            with sealed.session() as session:
                start.wait(10)
                done.append(seal_next(session, keys))
        except Exception as error:  # noqa: BLE001 - shown by the assertion
            failed.append(error)

    threads = [threading.Thread(target=seal) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failed == []
    seal_all(sealed, keys)
    report = looked_at(sealed, keys)
    assert (report.waiting, codes(report)) == (0, [])


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Callable[[Cast], AbstractContextManager[None]]:
    """Another server, which has counted a million transactions more than this one."""
    ahead = 1_000_000

    @contextmanager
    def there(cast: Cast) -> Iterator[None]:
        default = "alter table event alter xid set default {}"
        tamper(cast.database, default.format(f"pg_current_xact_id()::text::bigint + {ahead}"))
        with monkeypatch.context() as shifted:
            for name in ("_OLDEST", "_NEWEST"):
                shifted.setattr(seals, name, getattr(seals, name) + ahead)
            yield
        tamper(cast.database, default.format("pg_current_xact_id()::text::bigint"))

    return there


@pytest.mark.ci
@pytest.mark.parametrize("sealed_there", [True, False])
def test_a_record_restored_onto_a_younger_server_goes_on(
    cast: Cast, keys: FakeSealKeys, elsewhere: Callable[[Cast], AbstractContextManager[None]], sealed_there: bool
) -> None:
    seal_all(cast, keys)
    if not sealed_there:
        tamper(cast.database, "delete from seal")
    with elsewhere(cast):
        if sealed_there:
            write_lines(cast, 3)
            seal_all(cast, keys)
        write_lines(cast, 2)  # in the backup, and not yet sealed
    for _ in range(3):
        write_lines(cast, 2)
        seal_all(cast, keys)
    report = looked_at(cast, keys)
    assert (report.waiting, codes(report)) == (0, [])
    with cast.session() as session:
        assert report.lines == len(lines_of(session))


def test_a_line_whose_transaction_is_counted_again_after_a_restore_is_not_sealed_twice(
    sealed: Cast, keys: FakeSealKeys
) -> None:
    last = head(sealed).number
    # The last sealed line says an older transaction than the others: as if those were yet to be reached.
    tamper(sealed.database, "update event set xid = 3 where n = :n", n=under(sealed, last)[-1])
    with sealed.session() as session:
        assert seal_next(session, keys) == 0
    write_lines(sealed)
    seal_all(sealed, keys)
    assert codes(looked_at(sealed, keys)) == ["line.changed"], "no line stands under two seals"


def test_a_new_key_seals_on_and_the_one_before_still_proves(sealed: Cast, keys: FakeSealKeys) -> None:
    keys.keys["second"] = b"n" * 32
    write_lines(sealed)
    seal_all(sealed, keys)
    assert codes(looked_at(sealed, keys)) == []
    del keys.keys["first"]
    report = looked_at(sealed, keys)
    assert codes(report) == ["key.missing"]
    assert report.findings[0].facts["count"] == head(sealed).number - 1


# Laying hands on it, as a superuser whom nothing binds.

EDITS = {
    "moment": "update event set at = at - interval '1 day'",
    "the database's own moment": "update event set recorded_at = recorded_at - interval '1 second'",
    "actor": "update event set actor_as = 'coordinator'",
    "verb": "update event set verb = 'read'",
    "subject": "update event set subject_id = gen_random_uuid()",
    "facts": """update event set facts = '{"changed": ["email"]}'""",
    "a fact more": """update event set facts = facts || '{"more": 1}'""",
    "transaction": "update event set xid = xid + 1",
    "id": "update event set id = gen_random_uuid()",
}


@pytest.mark.wide(8)
@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_an_edited_line_is_named(sealed: Cast, keys: FakeSealKeys, edit: str) -> None:
    line = under(sealed, 3)[1]
    tamper(sealed.database, f"{edit} where n = :n", n=line)
    (found,) = looked_at(sealed, keys).findings
    assert (found.code, dict(found.facts)) == ("line.changed", {"number": 3, "lines": str(line)})


def test_a_line_edited_together_with_its_mark_is_found_by_its_seal(sealed: Cast, keys: FakeSealKeys) -> None:
    line = under(sealed, 3)[1]
    tamper(sealed.database, "update event set verb = 'read' where n = :n", n=line)
    _, marks = _digest_now(sealed, 3)
    tamper(
        sealed.database,
        "update seal set marks = cast(:marks as jsonb) where number = 3 and program_id = :here",
        marks=str(marks).replace("'", '"'),
        here=sealed.program_id,
    )
    assert codes(looked_at(sealed, keys)) == ["seal.changed", "seal.not_its_lines"]


def test_a_seal_made_anew_without_the_key_is_found(sealed: Cast, keys: FakeSealKeys) -> None:
    line = under(sealed, 3)[1]
    tamper(sealed.database, "update event set verb = 'read' where n = :n", n=line)
    digest, marks = _digest_now(sealed, 3)
    tamper(
        sealed.database,
        "update seal set marks = cast(:marks as jsonb), digest = :digest where number = 3 and program_id = :here",
        marks=str(marks).replace("'", '"'),
        digest=digest,
        here=sealed.program_id,
    )
    report = looked_at(sealed, keys)
    assert codes(report) == ["seal.changed"]
    assert report.findings[0].facts["number"] == 3


def test_a_removed_line_is_named(sealed: Cast, keys: FakeSealKeys) -> None:
    line = under(sealed, 2)[0]
    tamper(sealed.database, "delete from event where n = :n", n=line)
    (found,) = looked_at(sealed, keys).findings
    assert (found.code, dict(found.facts)) == ("line.gone", {"number": 2, "lines": str(line)})


def test_a_removed_line_and_its_place_under_the_seal_are_found(sealed: Cast, keys: FakeSealKeys) -> None:
    line = under(sealed, 2)[0]
    tamper(
        sealed.database,
        "delete from event where n = :n",
        "update seal set events = events - 0, marks = marks - 0, lines = lines - 1"
        " where number = 2 and program_id = :here",
        n=line,
        here=sealed.program_id,
    )
    assert "seal.changed" in codes(looked_at(sealed, keys))


def test_two_lines_that_changed_places_are_named(sealed: Cast, keys: FakeSealKeys) -> None:
    one, other = under(sealed, 2)[0], under(sealed, 4)[0]
    columns = "id, recorded_at, at, actor_id, actor_as, verb, subject_kind, subject_id, facts, xid"
    tamper(
        sealed.database,
        "alter table event drop constraint pk_event",
        f"update event e set ({columns}) = (select {columns} from event o where o.n ="  # noqa: S608  # columns of ours
        " case e.n when :one then cast(:other as bigint) else cast(:one as bigint) end) where e.n in (:one, :other)",
        one=one,
        other=other,
    )
    found = {(f.code, f.facts["number"], f.facts["lines"]) for f in looked_at(sealed, keys).findings}
    assert found == {("line.changed", 2, str(one)), ("line.changed", 4, str(other))}


def test_lines_in_another_order_under_their_seal_are_found(sealed: Cast, keys: FakeSealKeys) -> None:
    tamper(
        sealed.database,
        "update seal set events = jsonb_build_array(events->1, events->0, events->2),"
        " marks = jsonb_build_array(marks->1, marks->0, marks->2) where number = 2 and program_id = :here",
        here=sealed.program_id,
    )
    assert codes(looked_at(sealed, keys)) == ["seal.changed", "seal.not_its_lines"]


def test_two_seals_that_changed_places_are_found(sealed: Cast, keys: FakeSealKeys) -> None:
    tamper(
        sealed.database,
        "alter table seal drop constraint ck_seal_counts",
        "update seal set number = -1 * number where number in (2, 3) and program_id = :here",
        "update seal set number = 5 + number where number in (-2, -3) and program_id = :here",
        here=sealed.program_id,
    )
    assert codes(looked_at(sealed, keys)).count("seal.changed") >= 2


INSERTED = (
    "insert into event (program_id, id, n, recorded_at, at, actor_as, verb, subject_kind, subject_id, facts, xid)"
    " overriding system value select program_id, gen_random_uuid(), :n, {recorded}, at, actor_as, verb, subject_kind,"
    " subject_id, facts, {xid} from event where n = :like"
)


def test_a_line_put_in_behind_the_seals_is_found_whether_or_not_it_gets_a_seal(
    sealed: Cast, keys: FakeSealKeys
) -> None:
    forged = 10**9
    like = under(sealed, 2)[0]
    tamper(sealed.database, INSERTED.format(recorded="recorded_at - interval '3 days'", xid="xid"), n=forged, like=like)
    (found,) = looked_at(sealed, keys).findings
    assert (found.code, dict(found.facts)) == ("line.behind", {"lines": str(forged)})


def test_a_line_that_says_to_be_older_than_the_seals_before_its_own_is_found(sealed: Cast, keys: FakeSealKeys) -> None:
    forged = 10**9
    tamper(
        sealed.database,
        INSERTED.format(recorded="recorded_at - interval '3 days'", xid="pg_current_xact_id()::text::bigint"),
        n=forged,
        like=under(sealed, 2)[0],
    )
    seal_all(sealed, keys)
    (found,) = looked_at(sealed, keys).findings
    assert (found.code, dict(found.facts)) == ("line.late", {"number": head(sealed).number, "lines": str(forged)})


@pytest.mark.parametrize("stands_last", ["the forged line", "the line that was there"])
def test_a_line_put_in_under_the_number_of_a_sealed_one_is_found_whichever_is_read(
    sealed: Cast, keys: FakeSealKeys, stands_last: str
) -> None:
    """Under the seal stands the number: the line that was there still fits, and hides the other."""
    like = under(sealed, 2)[0]
    tamper(sealed.database, INSERTED.format(recorded="recorded_at", xid="xid"), n=like, like=like)
    if stands_last == "the line that was there":
        with sealed.session() as session:
            genuine = session.execute(text("select id from event where n = :n order by ctid"), {"n": like}).scalars()
            first = genuine.first()
        tamper(sealed.database, "update event set verb = verb where id = :id", id=first)
    found = looked_at(sealed, keys).findings
    assert ("line.double", {"number": 2, "lines": str(like)}) in [(one.code, dict(one.facts)) for one in found]


def test_a_line_put_under_an_old_seal_is_found(sealed: Cast, keys: FakeSealKeys) -> None:
    tamper(sealed.database, INSERTED.format(recorded="recorded_at", xid="xid"), n=10**9, like=under(sealed, 2)[0])
    tamper(
        sealed.database,
        "update seal set events = events || '1000000000', lines = lines + 1 where number = 2 and program_id = :here",
        here=sealed.program_id,
    )
    found = looked_at(sealed, keys)
    assert {"seal.changed", "line.changed", "seal.not_its_lines"} <= set(codes(found))
    assert {finding.facts["number"] for finding in found.findings} == {2}


def test_a_line_under_two_seals_is_found(sealed: Cast, keys: FakeSealKeys) -> None:
    line = under(sealed, 2)[0]
    tamper(
        sealed.database,
        "update seal set events = events || to_jsonb(cast(:n as bigint)) where number = 3 and program_id = :here",
        n=line,
        here=sealed.program_id,
    )
    assert "line.twice" in codes(looked_at(sealed, keys))


def test_a_seal_taken_out_of_the_middle_is_named_and_so_are_its_lines(sealed: Cast, keys: FakeSealKeys) -> None:
    tamper(sealed.database, "delete from seal where number = 3 and program_id = :here", here=sealed.program_id)
    report = looked_at(sealed, keys)
    assert codes(report) == ["seal.gone"]
    assert report.findings[0].facts["number"] == 3
    assert report.waiting == 3
    with sealed.session() as session:
        assert seal_next(session, keys) == 0, "the lines of a seal that is gone are sealed as if they were new"


CUT = (
    (
        "delete from event where program_id = :here and n in"
        " (select jsonb_array_elements_text(events)::bigint from seal where program_id = :here and number > :last)"
    ),
    "delete from seal where program_id = :here and number > :last",
)


def test_a_record_that_was_cut_off_is_found_by_the_head_that_was_mailed_out(sealed: Cast, keys: FakeSealKeys) -> None:
    mailed = head(sealed)
    with sealed.session() as session:
        session.add(
            SentHead(
                program_id=sealed.program_id,
                sent_on=TODAY,
                number=mailed.number,
                signature=mailed.signature,
                recipients=1,
            )
        )
    assert (codes(looked_at(sealed, keys)), looked_at(sealed, keys).compared) == ([], 1)
    tamper(sealed.database, *CUT, here=sealed.program_id, last=mailed.number - 2)
    (found,) = looked_at(sealed, keys).findings
    assert (found.code, dict(found.facts)) == ("head.cut_off", {"number": mailed.number, "last": mailed.number - 2})


def test_one_who_cuts_off_the_mailed_heads_as_well_is_found_by_the_letter(sealed: Cast, keys: FakeSealKeys) -> None:
    letter = head(sealed)
    tamper(sealed.database, *CUT, here=sealed.program_id, last=letter.number - 1)
    assert codes(looked_at(sealed, keys)) == [], "without a head from outside nobody can tell"
    assert codes(looked_at(sealed, keys, letter)) == ["head.cut_off"]
    write_lines(sealed)
    seal_all(sealed, keys)
    assert head(sealed).number == letter.number
    assert codes(looked_at(sealed, keys, letter)) == ["head.other"], "what grew again in its place is not what it was"


# A head as it is typed from a letter.


@pytest.mark.parametrize("typed", ["12:0123456789abcdef", " 12 : 01234567 89ABCDEF", "12:0123-4567-89ab-cdef"])
def test_a_head_is_taken_as_people_type_it(typed: str) -> None:
    assert head_of_letter(typed) == seals.LastSeal(12, "0123456789abcdef")


@pytest.mark.parametrize(
    "typed", ["", "12", "12:", ":0123456789abcdef", "12:0123", "x:0123456789abcdef", "1:" + "g" * 16]
)
def test_what_is_no_head_is_refused_without_being_repeated(typed: str) -> None:
    with pytest.raises(Refusal) as refused:
        head_of_letter(typed)
    assert refused.value.code == "head.malformed"
    assert "0123" not in str(refused.value)


def test_the_beginning_of_a_signature_is_compared(sealed: Cast, keys: FakeSealKeys) -> None:
    mailed = head(sealed)
    assert codes(looked_at(sealed, keys, replace(mailed, signature=mailed.signature[:16]))) == []
    other = "0" if mailed.signature[0] != "0" else "1"
    assert codes(looked_at(sealed, keys, replace(mailed, signature=other + mailed.signature[1:16]))) == ["head.other"]


def _digest_now(cast: Cast, number: int) -> tuple[str, list[str]]:
    """What the lines under a seal digest to as they stand."""
    numbers = under(cast, number)
    with cast.session() as session:
        rows = {row.n: row for row in session.execute(select(*seals.LINE).where(seals.LINE[0].in_(numbers)))}
    return seals.digest_of([rows[n] for n in numbers])
