"""What is done at once when a restore is found, before anything is served: one transaction, which can be repeated.

The new epoch is in the ledger before the database says it. Keys are destroyed before the rows are. What was being done
in a crash is voided after it stands before those who decide. So a crash between any two of these steps leaves a
database that is found to be restored again, and all of it is done anew.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import event, func, text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session

from domain.access import voiding
from domain.kernel import Actor, col, in_program, keys_of, program, program_of, run, scalar, scalars, select
from domain.mail import sent_before
from domain.participants import destroy_again
from domain.record import apart, events
from domain.restoring.finding import Found, look, missing_now, seen, stand
from domain.restoring.folding import fold, say_what_was_decided
from domain.restoring.holding import hold_back
from domain.restoring.judging import ACCEPTED, EPOCH, OPENED, UNDONE, epoch_of, told_of, voided_by, without_row
from models.base import PROGRAM_SETTING
from models.ledger import Epoch, LedgerSeen, NumberGiven, Restoration, RestoredMatter
from models.participant import DataKey, Participant
from models.ports import LEDGER, LEDGER_NOTES, VOID, Keys, Ledger, LedgerLine, LedgerNote
from models.program import Program
from models.record import Event
from models.written import from_json

BY_RESTORE: Final = Actor.system("restore")
#: Two machines that start together must not both do it. The number means nothing; only we use it.
_LOCK: Final = 0x4C454447


def lock(session: Session) -> None:
    """Wait for the machine that compares the same database with the ledger now, until its transaction ends."""
    run(session, text("select pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


def destroy_keys(lines: Sequence[LedgerLine], keys: Keys, *, not_done: Sequence[LedgerLine] = ()) -> int:
    """Destroy every key that the ledger says is destroyed, wherever a copy of it was put back; how many were there.

    Not those whose act was never done (`not_done`, and what was voided). Raises NoKeys.
    """
    never = voided_by(lines) | {line.n for line in not_done}
    ids = [line.note.id for line in lines if line.note.kind == apart.DESTROYED and line.n not in never]
    return sum(keys.destroy(key_id) for key_id in ids if key_id is not None)


def destroy_what_is_listed(session: Session) -> int:
    """Destroy every key of which the ledger says so and this database knows the line; how many were there.

    In any session with keys and a ledger. Raises NoLedger, NoKeys.
    """
    lines = session.info[LEDGER].lines()
    return destroy_keys(lines, keys_of(session), not_done=without_row(lines, seen(session)))


def begin(session: Session, ledger: Ledger, found: Found, *, at: datetime) -> None:
    """Note in the ledger where the database is: of a new installation, or one of which a person says that it moved."""
    line = _last_opened(found) or ledger.append([LedgerNote(OPENED, at, more=told_of(found.standing.place))])[0]
    _saw(session, [line])


def put_aside(session: Session, ledger: Ledger, found: Found, *, at: datetime) -> None:
    """Have a person look whether what was being done in a crash is to be done after all; its lines are then void.

    A letter of which there is a line was taken by the mail server before the crash: it is sent.
    """
    undone = found.verdict.undone
    _to_decide(session, undone, epoch_of(found.lines), undone=undone)
    for program_id, of_program in _by_program(_sent_without_row(found)).items():
        work_in(session, program_id)
        _mark_sent(session, of_program)
    for line in undone:
        whose = line.note.more.get("person")
        # Of a participant's bar, the line names the worker too: they have their access all the same.
        if whose and _kind(line) in voiding.KEEPS_OUT and line.note.program_id is not None:
            work_in(session, line.note.program_id)
            voiding.end_sign_ins(session, UUID(str(whose)), at=at)
    _void_after_commit(session, ledger, undone, at)


def put_voided_destructions_before_people(session: Session, found: Found) -> None:
    """Have a person look at each destruction that was voided, of a file that is still there: perhaps it was told."""
    voided = voided_by(found.lines)
    told = set(scalars(session, select(RestoredMatter.ledger_n).where(col(RestoredMatter.ledger_n).in_(voided))))
    doubtful = [line for line in found.lines if _is_destroyed(line) and line.n in voided - told]
    _to_decide(session, doubtful, epoch_of(found.lines), undone=doubtful)


def redo(session: Session, ledger: Ledger, keys: Keys, found: Found, *, at: datetime) -> int:
    """Do at once what a restore asks for; the new epoch. The caller commits. Raises NoLedger, NoKeys.

    In a session of the owner, whom no wall binds, and which has locked (`lock`).
    """
    lost, undone = found.verdict.lost, found.verdict.undone
    line = _epoch_line(ledger, found, at)
    destroy_keys(found.lines, keys, not_done=undone)
    run(session, insert(Epoch).values(number=line.epoch, found_at=at, lines=len(lost)))
    _saw(session, [one for one in lost if one.n != line.n] + [line])
    by_program = _by_program([*lost, *_sent_without_row(found)])
    here = scalars(session, select(Program.id).order_by(col(Program.id))).all()
    missing_to = None if line.note.kind == ACCEPTED else _last_act(found)
    for program_id in here:
        work_in(session, program_id)
        _redo_in(session, by_program[program_id], line.epoch, missing_to, at=at)
    _to_decide(session, [*lost, *undone], line.epoch, undone=undone)
    say_what_was_decided(session, lost)
    _void_after_commit(session, ledger, undone, at)
    session.info.pop(LEDGER_NOTES, None)  # what is done again stands in the ledger already
    return line.epoch


def accept(session: Session, ledger: Ledger, keys: Keys, *, at: datetime) -> int:
    """Go on with a new ledger where the right one is lost, as after a restore; the new epoch. Raises NoLedger, NoKeys.

    What can still be read of the one before is done, and every file of which a row says that it was destroyed stands
    in the new one too. What was never done is not: of a destruction, a person decides. Where it is cut off in between,
    the next start does the rest. The caller has locked, in a session of the owner.
    """
    standing, before = stand(session), ledger.readable()
    carried = _carried(session, before)
    listed = {note.id for note in carried if note.kind == apart.DESTROYED and not note.more.get(UNDONE)}
    rows = select(DataKey.program_id, DataKey.participant_id).where(col(DataKey.destroyed_at).is_not(None))
    carried += [
        LedgerNote(apart.DESTROYED, at, row.program_id, row.participant_id)
        for row in run(session, rows.order_by(col(DataKey.participant_id)))
        if row.participant_id not in listed
    ]
    ledger.begin_anew(
        [*carried, LedgerNote(OPENED, at, more=told_of(standing.place))],
        after=max([0, *standing.seen, *(line.n for line in before)]),
        epoch=max(standing.epoch, epoch_of(before)) + 1,
        at=at,
    )
    return redo(session, ledger, keys, look(session, ledger), at=at)


def _carried(session: Session, before: Sequence[LedgerLine]) -> list[LedgerNote]:
    """What stands in a new ledger of the one before: what was lost, who was destroyed, and what nobody looked at yet.

    What was never done is marked so: an act of a crash, and a destruction that was voided.
    """
    missing, voided = missing_now(session, before), voided_by(before)
    destroyed, sent = (frozenset(line.n for line in before if line.note.kind == one) for one in _NOT_TO_BE_FORGOTTEN)
    undone = frozenset(line.n for line in missing.undone)
    looked_at = frozenset(scalars(session, select(RestoredMatter.ledger_n)))
    done = {line.n for line in missing.lost} | (destroyed - undone - voided) | (sent & (undone | voided))
    doubtful = (undone | (destroyed & voided - looked_at)) - done
    return [
        line.note if line.n in done else replace(line.note, more={**line.note.more, UNDONE: True})
        for line in before
        if line.n in done | doubtful
    ]


#: The kinds of lines that a new ledger carries on though they are not missing: a file's end, and a letter's sending.
_NOT_TO_BE_FORGOTTEN: Final = (apart.DESTROYED, apart.SENT)


def _is_destroyed(line: LedgerLine) -> bool:
    return line.note.kind == apart.DESTROYED


def _sent_without_row(found: Found) -> list[LedgerLine]:
    """The letters of which the database has no row: the mail server had taken each before its line was written."""
    known = found.standing.seen.keys() | {line.n for line in found.verdict.lost}
    return [line for line in found.lines if line.note.kind == apart.SENT and line.n not in known]


def _void_after_commit(session: Session, ledger: Ledger, undone: Sequence[LedgerLine], at: datetime) -> None:
    """Void lines once it is for good that a person looks at them: before that, the next start has to find them."""
    if undone:
        told = LedgerNote(VOID, at, more={"lines": [str(line.n) for line in undone]})
        event.listen(session, "after_commit", lambda _: ledger.append([told]), once=True)


@dataclass
class _Lost:
    """The lost lines of one program, by what is done about them."""

    destroyed: list[UUID] = field(default_factory=list)
    sent: dict[UUID, datetime] = field(default_factory=dict)
    redacted: list[UUID] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    numbers: dict[str, set[int]] = field(default_factory=dict)


def work_in(session: Session, program_id: UUID) -> None:
    """Have a session of the owner work in a program from now on, in the same transaction."""
    for known in ("time_zone", "program"):
        session.info.pop(known, None)
    session.info["program_id"] = program_id
    run(
        session,
        text("select set_config(:setting, :program, true)"),
        {"setting": PROGRAM_SETTING, "program": str(program_id)},
    )


def _redo_in(session: Session, lost: _Lost, epoch: int, missing_to: datetime | None, *, at: datetime) -> None:
    program_id = program_of(session)
    missing_from = scalar(session, select(func.max(col(Event.recorded_at))).where(in_program(Event)))
    voiding.void_all(session, at=at)
    for participant_id in lost.destroyed:
        destroy_again(session, participant_id, by=BY_RESTORE, at=at)
    _mark_sent(session, lost)
    sent_before.withdraw(session, lost.redacted)
    for series, numbers in sorted(lost.numbers.items()):
        given = insert(NumberGiven).values(
            program_id=program_id, series=series, last=max(numbers), lost=sorted(numbers)
        )
        run(
            session,
            given.on_conflict_do_update(
                index_elements=["program_id", "series"],
                set_={
                    "last": func.greatest(col(NumberGiven.last), given.excluded.last),
                    "lost": col(NumberGiven.lost).op("||")(given.excluded.lost),
                },
            ),
        )
    restored = Restoration(
        program_id=program_id,
        id=uuid4(),
        epoch=epoch,
        found_at=at,
        missing_from=missing_from if missing_to else None,
        missing_to=max(missing_to, missing_from) if missing_to and missing_from else None,
        accepted=missing_to is None,
    )
    run(session, insert(Restoration).values(restored.model_dump()))
    if restored.accepted:
        events.write(session, "program.ledger_accepted", "program", program_id, by=BY_RESTORE, at=at, epoch=epoch)
        return
    events.write(
        session,
        "program.restored",
        "program",
        program_id,
        by=BY_RESTORE,
        at=at,
        epoch=epoch,
        missing_from=_clock(session, restored.missing_from),
        missing_to=_clock(session, restored.missing_to),
    )


def _mark_sent(session: Session, lost: _Lost) -> None:
    sent_before.mark_sent(session, lost.sent)
    sent_before.keep_keys(session, lost.keys)


def _clock(session: Session, moment: datetime | None) -> str:
    """A moment as the program's own clocks show it, for the record; "–" where there is none."""
    return f"{moment.astimezone(ZoneInfo(program(session).time_zone)):%Y-%m-%d %H:%M}" if moment else "–"


def _by_program(lost: Sequence[LedgerLine]) -> defaultdict[UUID, _Lost]:
    found: defaultdict[UUID, _Lost] = defaultdict(_Lost)
    for line in lost:
        note = line.note
        if note.program_id is None or note.id is None:
            continue
        of_program = found[note.program_id]
        if note.kind == apart.DESTROYED:
            of_program.destroyed.append(note.id)
        elif note.kind == apart.SENT:
            of_program.sent[note.id] = note.at
            of_program.keys.append(str(note.more["key"]))
        elif note.more.get("verb") == "notice.redacted":
            of_program.redacted.append(note.id)
        elif note.kind == apart.NUMBERED:
            given = from_json(apart.Given, note.more)
            of_program.numbers.setdefault(apart.series_name(given.series, given.of), set()).add(given.last)
    return found


def _to_decide(session: Session, lines: Sequence[LedgerLine], epoch: int, *, undone: Sequence[LedgerLine]) -> None:
    """Write what a person has to decide: each thing that had ended, once (`fold`), and each meeting that was told.

    Of what was `undone` it is not certain that anyone was told that it was done. A destruction among it is put before
    people, as long as the file is there: no one else may say that it is done.
    """
    here = set(scalars(session, select(Program.id)))
    uncertain = {line.n for line in undone}
    alive = _alive(session, [line for line in undone if _is_destroyed(line)])
    rows = [
        _matter(line, kind, epoch, is_certain=line.n not in uncertain)
        for line in lines
        if line.note.program_id in here and (kind := "restriction" if line.n in alive else _kind(line))
    ]
    if new := fold(session, rows):
        run(session, insert(RestoredMatter).values([row.model_dump() for row in new]).on_conflict_do_nothing())
        hold_back(session)


def _alive(session: Session, destroyed: Sequence[LedgerLine]) -> set[int]:
    """The lines of destructions of files that are still there."""
    ids = [line.note.id for line in destroyed]
    there = select(Participant.id).where(col(Participant.id).in_(ids), Participant.state != "destroyed")
    alive = set(scalars(session, there)) if ids else set()
    return {line.n for line in destroyed if line.note.id in alive}


def _kind(line: LedgerLine) -> str:
    """What a matter is about; "" for a line of which nothing is to be decided."""
    if line.note.kind == apart.TOLD:
        return "meeting"
    if line.note.kind != apart.ENDED:
        return ""
    closing = apart.CLOSINGS.get(str(line.note.more.get("verb")))
    return closing.matter if closing is not None else "other"  # of a newer version's verb: a person looks


def _matter(line: LedgerLine, kind: str, epoch: int, *, is_certain: bool) -> RestoredMatter:
    note = line.note
    more = dict(note.more)
    more.pop(UNDONE, None)
    verb, of_kind = ("participant.destroyed", "participant") if _is_destroyed(line) else ("meeting.told", "")
    verb, of_kind = str(more.pop("verb", verb)), str(more.pop("of", of_kind))
    whose = more.pop("person", "")
    assert note.program_id is not None and note.id is not None  # noqa: S101, PT018  # as every line of a program has
    return RestoredMatter(
        program_id=note.program_id,
        id=uuid4(),
        epoch=epoch,
        kind=kind,
        verb=verb,
        subject_kind=of_kind,
        subject_id=note.id,
        person_id=UUID(str(whose)) if whose else None,
        facts=more,
        ledger_n=line.n,
        at=note.at,
        is_certain=is_certain,
    )


def _epoch_line(ledger: Ledger, found: Found, at: datetime) -> LedgerLine:
    """The line of the new epoch: that of an earlier start that was cut off right after it, else a new one."""
    for line in reversed(found.lines):
        if line.note.kind in (EPOCH, ACCEPTED) and line in found.verdict.lost:
            return line
        if line.xid:
            break  # something was done since
    number = max(epoch_of(found.lines), found.standing.epoch) + 1
    return ledger.append([LedgerNote(EPOCH, at, more=told_of(found.standing.place))], epoch=number)[-1]


def _last_opened(found: Found) -> LedgerLine | None:
    """The line of a start that was cut off right after it, which says where the database is."""
    if not found.lines or found.lines[-1].n in found.standing.seen:
        return None
    last = found.lines[-1]
    return last if last.note.kind == OPENED and last.note.more == told_of(found.standing.place) else None


def _last_act(found: Found) -> datetime:
    """When the last line was written that tells of something that was done."""
    acts = [line.note.at for line in found.lines if line.note.kind not in (EPOCH, ACCEPTED, VOID, OPENED)]
    return acts[-1] if acts else found.lines[-1].note.at


def _saw(session: Session, lines: Sequence[LedgerLine]) -> None:
    """Have the database know these lines, as though it had been there."""
    rows = [{"n": line.n, "digest": line.digest} for line in lines]
    run(session, insert(LedgerSeen).values(rows).on_conflict_do_nothing())
