"""Acts of which a line was written and that the database never did: a crash, a failed commit, a number given again."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import event, text
from sqlmodel import Session

from domain.accompaniment import barring
from domain.participants import hold_participant
from domain.participants.locking import forget
from domain.record import apart
from domain.restoring import finding
from models.ledger import SERVER
from models.ports import VOID, LedgerNote, Ran
from tests.domain.restoring.test_done_again import LATER, Crash, _crash_before_commit, _end, candidate, destroy, opens
from tests.domain.restoring.test_put_back import end_access, matters, sign_in
from tests.restored import Installed, installed

__all__ = ["installed"]


def doubtful(house: Installed) -> list[tuple[str, UUID]]:
    """The destructions that a person is to look at."""
    rows = house.rows("select kind, subject_id from restored_matter where verb = 'participant.destroyed'")
    return [(row["kind"], row["subject_id"]) for row in rows]


def is_there(house: Installed, whose: UUID) -> bool:
    """Whether a file and its key are there."""
    (row,) = house.rows("select state from participant where id = :id", id=whose)
    return opens(house, whose) and row["state"] != "destroyed"


def destruction_cut_off(house: Installed, whose: UUID) -> None:
    _crash_before_commit(house, lambda session: forget(session, hold_participant(session, whose), "destroy", at=LATER))


def cut_off(begin: Callable[[], object]) -> None:
    """The process dies as it is about to commit."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Session, "commit", _die)
        with pytest.raises(Crash):
            begin()


def lose_the_end(house: Installed, before: bytes) -> None:
    """The ledger is put back as it was, and a line that the database knows is gone with it."""
    end_access(house, "manager_em")
    house.stop()
    house.ledger.path.write_bytes(before)


def test_a_destruction_that_a_crash_cut_off_is_put_before_people_and_never_dropped(installed: Installed) -> None:
    whose = candidate(installed)
    destruction_cut_off(installed, whose)
    installed.start()
    assert doubtful(installed) == [("restriction", whose)]
    installed.start()
    assert (doubtful(installed), is_there(installed, whose)) == ([("restriction", whose)], True)


def test_a_destruction_that_the_next_act_voided_is_put_before_people_at_the_next_start(installed: Installed) -> None:
    whose, another = candidate(installed), candidate(installed)
    for one in (whose, another):
        with installed._session() as session:
            forget(session, hold_participant(session, one), "destroy", at=LATER)
            event.listen(session, "before_commit", _die)
            with pytest.raises(Crash):
                session.commit()
    destroy(installed, another)  # again, and this time it was done
    installed.start()
    assert doubtful(installed) == [("restriction", whose)]
    assert is_there(installed, whose)


def _die(_: Session) -> None:
    raise Crash


@pytest.mark.ci
def test_who_was_being_barred_from_a_file_in_a_crash_goes_on_working_on_everything_else(installed: Installed) -> None:
    whose, worker, another = candidate(installed), "worker_em", "manager_em"
    for name in (worker, another):
        sign_in(installed, name)

    def bar(session: Session) -> None:
        barring.bar(session, whose, installed.person(worker), by=installed.actor("coordinator"), at=LATER)

    _crash_before_commit(installed, bar)
    _crash_before_commit(installed, _end(installed, another))
    installed.start()
    assert {verb for _, verb, _, _ in matters(installed)} == {"participant.barred", "access.ended"}
    signed_in = installed.rows("select person_id from browser_session where ended_at is null")
    assert signed_in == [{"person_id": installed.person(worker)}]


def test_accepting_another_ledger_destroys_nobody_of_whom_it_was_never_done(installed: Installed) -> None:
    """Neither who was put aside by a start, nor who was being destroyed as everything stopped."""
    voided, cut_off = candidate(installed), candidate(installed)
    destruction_cut_off(installed, voided)
    installed.start()
    destruction_cut_off(installed, cut_off)
    lose_the_end(installed, installed.ledger.path.read_bytes())
    installed.accept()
    installed.start()
    assert is_there(installed, voided)
    assert is_there(installed, cut_off)
    assert {whose for _, whose in doubtful(installed)} == {voided, cut_off}


def test_accepting_another_ledger_leaves_open_whether_what_was_being_done_in_a_crash_was_done(
    installed: Installed,
) -> None:
    _crash_before_commit(installed, _end(installed, "manager_la"))
    lose_the_end(installed, installed.ledger.path.read_bytes())
    installed.accept()
    assert matters(installed) == [("access", "access.ended", installed.person("manager_la"), False)]
    lines = installed.ledger.lines()
    assert lines[-1].note.kind == VOID
    installed.start()
    assert (installed.ledger.lines(), len(matters(installed))) == (lines, 1)


def test_where_accepting_is_cut_off_the_next_start_does_the_rest_and_destroys_nobody_else(installed: Installed) -> None:
    gone, voided = candidate(installed), candidate(installed)
    destroy(installed, gone)
    destruction_cut_off(installed, voided)
    _crash_before_commit(installed, _end(installed, "manager_la"))
    lose_the_end(installed, installed.ledger.path.read_bytes())
    cut_off(installed.accept)
    installed.start()
    assert not opens(installed, gone)
    assert is_there(installed, voided)
    assert doubtful(installed) == [("restriction", voided)]
    assert [one for one in matters(installed) if one[0] == "access"] == [
        ("access", "access.ended", installed.person("manager_la"), False)
    ]


def test_a_destruction_of_which_another_timeline_gave_the_number_again_is_lost_and_done_again(
    installed: Installed,
) -> None:
    """A standby that is promoted has the same identifiers, and gives the numbers of what it lost out again."""
    whose = candidate(installed)
    installed.stop()
    with installed.as_owner() as session:
        xid, server = session.execute(text(f"select pg_current_xact_id()::text::bigint, {SERVER}")).one()
        session.rollback()
    before = server[: -len("00000001")] + "0000000A"
    lost = [LedgerNote(apart.DESTROYED, LATER, installed.cast.program_id, whose)]
    installed.ledger.append(lost, ran=Ran(xid, before))
    with installed.as_owner() as session:
        assert finding.look(session, installed.ledger).verdict.kind == "restored"
    installed.start()
    assert not is_there(installed, whose)
    assert installed.rows("select number from epoch") == [{"number": 1}]


def test_what_this_server_itself_calls_undone_is_no_restore(installed: Installed) -> None:
    installed.stop()
    with installed.as_owner() as session:
        xid, server = session.execute(text(f"select pg_current_xact_id()::text::bigint, {SERVER}")).one()
        session.rollback()
    person = installed.person("manager_em")
    more = {"verb": "access.ended", "of": "person", "person": str(person)}
    installed.ledger.append(
        [LedgerNote(apart.ENDED, LATER, installed.cast.program_id, person, more)], ran=Ran(xid, server)
    )
    with installed.as_owner() as session:
        assert finding.look(session, installed.ledger).verdict.kind == "crashed"


def test_where_a_start_after_a_crash_is_cut_off_the_next_one_puts_it_before_people_still(installed: Installed) -> None:
    _crash_before_commit(installed, _end(installed, "manager_em"))
    cut_off(installed.start)
    assert matters(installed) == []
    installed.start()
    assert matters(installed) == [("access", "access.ended", installed.person("manager_em"), False)]


def test_where_a_start_after_a_restore_is_cut_off_what_was_being_done_before_is_not_forgotten(
    installed: Installed,
) -> None:
    """Put back in the same place, so that the server itself still tells what was undone."""
    _crash_before_commit(installed, _end(installed, "manager_em"))
    another = installed.person("manager_la")
    more = {"verb": "access.ended", "of": "person", "person": str(another)}
    installed.ledger.append([LedgerNote(apart.ENDED, LATER, installed.cast.program_id, another, more)])
    cut_off(installed.start)
    installed.start()
    assert [(whose, certain) for _, _, whose, certain in matters(installed)] == [
        (installed.person("manager_em"), False),
        (installed.person("manager_la"), True),
    ]
