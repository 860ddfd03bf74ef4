"""Tasks from the command line: one's own work, and the doors of a task."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from api.access.permissions import Action, allows, asks, find_task, require, to_case, to_program, to_task
from api.acts.task_verbs import TaskVerb
from api.cli.spoken import tell
from api.cli.terminal import AsPerson, ProgramKey, counter, day_or_dash, task_state
from api.views.states import state_in_words
from domain.casework import board, requests, tasks
from domain.casework.case_letters import case_title
from domain.casework.proofs import Proof
from locales import N_, current_language

app = typer.Typer(no_args_is_help=True, help="What somebody owes, and doing it.")

TaskId = Annotated[UUID, typer.Argument(help="The task's id, as `spheres work` shows it.")]
Reason = Annotated[str, typer.Option("--reason", help="Why.")]


@asks(Action.SEE_MY_WORK)
def work(as_person: AsPerson, program: ProgramKey = "") -> None:
    """What is now for someone to do and to approve, the most pressing first."""
    with counter(program) as here:
        asker = here.asker(as_person)
        require(Action.SEE_MY_WORK, to_program(asker))
        rows = board.work(here.session, board.hats_of(here.session, asker.standing, asker.person_id))
        if not rows:
            tell(N_("Nothing is waiting."))
        for row in rows:
            title = row[f"title_{current_language()}"]
            late = "!" if row["due_on"] and row["due_on"] < here.day else " "
            typer.echo(f"{late} {row['id']}  {task_state(row, here.day)}  {day_or_dash(row['due_on'])}  {title}")


@app.command()
@asks(Action.SEE_TASK)
def show(task_id: TaskId, as_person: AsPerson, program: ProgramKey = "") -> None:
    """One task: its state, its due day, on whom it waits."""
    with counter(program) as here:
        asker = here.asker(as_person)
        task, case = find_task(here.session, asker, task_id)
        language = current_language()
        typer.echo(task[f"title_{language}"])
        if case is not None:
            typer.echo(case_title(here.session, case, language))
        falls = board.who(
            asker.standing, task, board.chains(here.session, [task["owed_by_id"], task["approved_by_id"]])
        )
        names = [here.person(str(holder.person_id)).name for holder in (falls.holders if falls else ())]
        typer.echo(f"{task_state(task, here.day)}  {day_or_dash(task['due_on'])}  {', '.join(names)}")
        for part in task["asks"]:
            choices = ", ".join(one["id"] for one in part.get("choices", ()))
            typer.echo(f"{part['id']}: {part['title'][language]}{f' ({choices})' if choices else ''}")
        request = requests.newest(here.session, [task_id]).get(task_id)
        given = to_case(here.session, asker, case) if case is not None else to_program(asker)
        if request is not None and (case is None or allows(Action.READ_NOTES, given) is not None):
            tell(N_("What is asked for"))
            for title, value in requests.in_words(request["asked"], request["given"], language):
                typer.echo(f"{title}: {value}")


@app.command()
@asks(Action.COMPLETE_TASK)
def complete(
    task_id: TaskId,
    as_person: AsPerson,
    note: Annotated[str, typer.Option(help="A note, where it helps or the step asks for one.")] = "",
    serial: Annotated[str, typer.Option(help="The serial number that is handed over.")] = "",
    account: Annotated[str, typer.Option(help="The user name of the account; never a password.")] = "",
    document: Annotated[
        Path | None, typer.Option(help="A document that shows it.", exists=True, dir_okay=False)
    ] = None,
    given: Annotated[
        list[str] | None,
        typer.Option(help="What the step asks, as PART=VALUE; once for each, and for each of several choices."),
    ] = None,
    program: ProgramKey = "",
) -> None:
    """Record that a task was done. Where it is approved by someone, it then waits for them."""
    proofs = [Proof(kind, label) for kind, label in (("serial", serial), ("account", account)) if label]
    if document is not None:
        proofs.append(Proof("document", document.name, document.read_bytes()))

    verb = partial(tasks.complete_task, note=note, evidence=proofs, given=_parts(given or []))
    _do(Action.COMPLETE_TASK, task_id, as_person, program, verb)


@app.command()
@asks(Action.APPROVE_TASK)
def approve(task_id: TaskId, as_person: AsPerson, program: ProgramKey = "") -> None:
    """Approve what was done. Never one's own."""
    _do(Action.APPROVE_TASK, task_id, as_person, program, tasks.approve_task)


@app.command()
@asks(Action.REJECT_TASK)
def reject(task_id: TaskId, as_person: AsPerson, reason: Reason, program: ProgramKey = "") -> None:
    """Send back what was done."""
    _do(Action.REJECT_TASK, task_id, as_person, program, partial(tasks.reject_task, reason=reason))


@app.command()
@asks(Action.UNDO_TASK)
def undo(task_id: TaskId, as_person: AsPerson, reason: Reason = "", program: ProgramKey = "") -> None:
    """Take back a mistaken completion, submission or waiver."""
    _do(Action.UNDO_TASK, task_id, as_person, program, partial(tasks.undo_task, reason=reason))


@app.command()
@asks(Action.WAIVE_TASK)
def waive(task_id: TaskId, as_person: AsPerson, reason: Reason, program: ProgramKey = "") -> None:
    """Decide that a step is not needed in this case."""
    _do(Action.WAIVE_TASK, task_id, as_person, program, partial(tasks.waive_task, reason=reason))


@app.command("hand-back")
@asks(Action.HAND_BACK_TASK)
def hand_back(task_id: TaskId, as_person: AsPerson, reason: Reason, program: ProgramKey = "") -> None:
    """Say that one cannot do it: it falls to the next of its chain."""
    _do(Action.HAND_BACK_TASK, task_id, as_person, program, partial(tasks.hand_back_task, reason=reason))


@app.command("return")
@asks(Action.RETURN_TASK)
def give_again(task_id: TaskId, as_person: AsPerson, reason: Reason, program: ProgramKey = "") -> None:
    """Give a handed-back task again to the role that owes it, with a word for it."""
    _do(Action.RETURN_TASK, task_id, as_person, program, partial(tasks.return_task, reason=reason))


def _parts(given: list[str]) -> dict[str, str | list[str]]:
    """What was filled in, by the id of each part."""
    found: dict[str, list[str]] = {}
    for one in given:
        part, _, value = one.partition("=")
        found.setdefault(part, []).append(value)
    return {part: values if len(values) > 1 else values[0] for part, values in found.items()}


def _do(action: Action, task_id: UUID, as_person: str, program: str, verb: TaskVerb) -> None:
    with counter(program) as here:
        asker = here.asker(as_person)
        task, case = find_task(here.session, asker, task_id)
        by = require(action, to_task(here.session, asker, task, case))
        moved = verb(here.session, task_id, by=by, at=here.at)
        state = state_in_words(moved.state, current_language())
        tell(N_("Now: %(state)s. Steps opened: %(opened)s."), state=state, opened=len(moved.opened))
        if moved.case_closed:
            tell(N_("The case is closed."))
