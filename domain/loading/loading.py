"""Loads a program from its file: what would change, in plain words, and changing it.

A file says how the program is now. What it no longer names ends today and stays in the record. A signed agreement keeps
its text, and what the file says instead becomes the draft of its next version.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from uuid import UUID, uuid4

from sqlalchemy import func, update
from sqlmodel import Session

from domain.casework import versions
from domain.declarations import ProgramFile, Protocol
from domain.declared import Declared
from domain.kernel import Actor, Refusal, col, local_day, only, program_of, run, scalar, select, tuples
from domain.loading import agreements, committees
from domain.loading import program as loading_program
from domain.loading.comparison import Comparison, LoadChange, LoadRun, LoadStep
from domain.loading.exporting import closures_of, with_closures
from domain.record import events
from locales import N_
from models.base import PROGRAM_SETTING
from models.casework import ProtocolVersion
from models.program import Program


def program_id_for(session: Session, key: str) -> UUID | None:
    """The id of the program with this key, or None. For a session that is not yet of any program."""
    return scalar(session, select(Program.id).where(Program.key == key))


def new_program_id() -> UUID:
    """The id for a program that does not exist yet: a session of it may then load the program."""
    return uuid4()


def changes(
    session: Session, declared: Declared[ProgramFile], protocols: Sequence[Declared[Protocol]] = ()
) -> list[LoadChange]:
    """What `load` would change, in the order of the file. Writes nothing; Raises Refusal for another program's file."""
    _refuse_other(session, declared.value)
    return _said(_differences(Comparison(session, declared)), _not_recorded(session, protocols))


def load(
    session: Session,
    declared: Declared[ProgramFile],
    protocols: Sequence[Declared[Protocol]],
    *,
    by: Actor,
    at: datetime,
    shown: Sequence[LoadChange] | None = None,
) -> list[LoadChange]:
    """Make the program what its file says, record its protocols as they are declared now, and say what changed.

    `shown` is what a person was shown and agreed to: where something else would change by now, nothing does.

    A second load of the same files changes nothing and writes no event. Where two load at once, the second waits and
    compares with what the first left. The session is of the program, or of a new id. Nothing is deleted that a person
    did or signed. Raises Refusal, and then nothing was written: another program's file, a program that was loaded
    meanwhile under another id, a role that would have one holder and has several, or other changes than were shown.
    Guide: the whole of its governance and agreements, by way of the file.
    """
    file = declared.value
    # Until the commit. A program that does not exist yet has no row that could be locked.
    run(session, select(func.pg_advisory_xact_lock(func.hashtextextended("spheres.load:" + file.program.key, 0))))
    _refuse_other(session, file)
    compared = Comparison(session, declared)
    steps = list(_differences(compared))
    new = _not_recorded(session, protocols)
    found = _said(steps, new)
    if shown is not None and found and found != list(shown):
        said = N_("The program was changed meanwhile, and nothing was loaded. Look again at what changes.")
        raise Refusal("program.changed_meanwhile", said)
    _carry_out(steps, LoadRun(session, by, at, _today(session, file, at)))
    for protocol in new:
        versions.record_protocol(session, protocol, by=by, at=at)
    _keep_source(session, declared, compared, changed=bool(found), at=at)
    if found:
        here, digest = program_of(session), declared.digest
        events.write(session, "program.loaded", "program", here, by=by, at=at, digest=digest, changes=len(found))
    return found


def _said(steps: Iterable[LoadStep], new: Iterable[Declared[Protocol]]) -> list[LoadChange]:
    """What is told of these differences, and of the protocols that are new."""
    return [*(step.change for step in steps if step.change), *(_recorded(protocol.value) for protocol in new)]


def _carry_out(steps: Sequence[LoadStep], act: LoadRun) -> None:
    """Write every difference, once all are found to be possible, and tell of it."""
    for step in steps:
        if step.check:
            step.check(act.session, act.day)
    for step in steps:
        if step.write:
            step.write(act)
    _tell(act.session, steps, by=act.by, at=act.at)


def _differences(compared: Comparison) -> Iterator[LoadStep]:
    """Every difference, in an order in which they can be written."""
    found = [
        *loading_program.differences(compared),
        *committees.differences(compared),
        *agreements.differences(compared),
    ]
    yield from found
    yield from loading_program.due_days(compared, found)
    if not any(step.change for step in found) and _is_arranged_otherwise(compared):
        said = N_("The file is worded or arranged otherwise; what it says of the program stays the same.")
        yield LoadStep(LoadChange("changed", "program", said, {}), subject=compared.here)


def _is_arranged_otherwise(compared: Comparison) -> bool:
    """Whether the file changes something that no row holds."""
    return compared.before is not None and compared.before != compared.file and _as_recorded(compared) != compared.file


def _as_recorded(compared: Comparison) -> ProgramFile | None:
    return compared.before and with_closures(compared.before, closures_of(compared.session))


def _refuse_other(session: Session, file: ProgramFile) -> None:
    """The session's program is the file's, or is new and the file's key is free."""
    here = program_of(session)
    key = scalar(session, select(Program.key).where(Program.id == here))
    if key is not None and key != file.program.key:
        raise Refusal("program.other", N_("This file is of another program: its key is another one."))
    if key is None and _is_taken(session, file.program.key):
        raise Refusal("program.exists", N_("A program with this key was loaded meanwhile. Look again at what changes."))


def _is_taken(session: Session, key: str) -> bool:
    """Whether another program has this key. No program sees another's row, so it is asked in a session of none."""
    run(session, select(func.set_config(PROGRAM_SETTING, "", True)))
    taken = program_id_for(session, key) is not None
    run(session, select(func.set_config(PROGRAM_SETTING, str(program_of(session)), True)))
    return taken


def _today(session: Session, file: ProgramFile, at: datetime) -> date:
    """The day of the load in the zone that the file names, which is the program's from now on."""
    session.info["time_zone"] = file.program.time_zone
    return local_day(session, at)


def _tell(session: Session, steps: Sequence[LoadStep], *, by: Actor, at: datetime) -> None:
    """One event for each change that has a row of its own, those of one kind in one statement."""
    told: dict[tuple[str, str], list[tuple[UUID, dict[str, events.Fact]]]] = {}
    for step in steps:
        if step.change and step.subject:
            told.setdefault((step.change.what, step.change.kind), []).append((step.subject, {}))
    for (what, kind), subjects in told.items():
        events.write_many(session, f"{what}.{kind}", what, subjects, by=by, at=at)


def _keep_source(
    session: Session, declared: Declared[ProgramFile], compared: Comparison, *, changed: bool, at: datetime
) -> None:
    """Store the file itself, its comments included. A new comment alone is no change of the program, and no event."""
    if not changed and compared.row and compared.row.digest == declared.digest:
        return
    run(
        session,
        update(Program)
        .where(col(Program.id) == program_of(session))
        .values(
            source=declared.text,
            digest=declared.digest,
            loaded_at=at,
            version=col(Program.version) + (1 if changed else 0),
        ),
    )
    # Later reads of the program in this session see what it is now.
    session.get(Program, program_of(session), populate_existing=True)


def _not_recorded(session: Session, protocols: Sequence[Declared[Protocol]]) -> list[Declared[Protocol]]:
    """Those of the protocols for which no recorded version says what they now declare, in their order."""
    recorded = set(tuples(session, only(ProtocolVersion.key, ProtocolVersion.digest)))
    return [protocol for protocol in protocols if (protocol.value.protocol, protocol.digest) not in recorded]


def _recorded(protocol: Protocol) -> LoadChange:
    said = N_("The procedure “%(title)s” is recorded as its version %(number)d.")
    return LoadChange("added", "protocol", said, {"title": protocol.title.model_dump(), "number": protocol.version})
