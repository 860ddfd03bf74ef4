"""Departures from the command line."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import typer

from api.access.permissions import Action, asks, find_task, require, to_task
from api.cli.spoken import tell
from api.cli.terminal import AsPerson, ProgramKey, counter, day_or_dash
from api.views import departures as at_departures
from domain.departure import departures, settling
from domain.holdings.in_hand import NAMES
from locales import N_, current_language, say

app = typer.Typer(no_args_is_help=True, help="Who leaves, and what is left in their hands.")


@app.command("open")
@asks(Action.OPEN_DEPARTURE)
def open_(
    person: Annotated[str, typer.Argument(help="The key of the person who leaves.")],
    organization: Annotated[str, typer.Argument(help="The key of the organization that they leave.")],
    last_day: Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"], help="Their last day there.")],
    as_person: AsPerson,
    gone: Annotated[bool, typer.Option("--gone", help="They have gone already: end their access at once.")] = False,
    program: ProgramKey = "",
) -> None:
    """Open somebody's departure, and print its case's id."""
    with counter(program) as here:
        asker = here.asker(as_person)
        leaver, place = here.person(person).id, here.organization(organization).id
        case_id = departures.open_departure(
            here.session,
            person_id=leaver,
            organization_id=place,
            last_day=last_day.date(),
            planned=not gone,
            by=at_departures.opener(asker, leaver, place),
            at=here.at,
        )
        typer.echo(str(case_id))


@app.command()
@asks(Action.SEE_CASE)
def show(
    case_id: Annotated[UUID, typer.Argument(help="The departure's case.")],
    as_person: AsPerson,
    program: ProgramKey = "",
) -> None:
    """What is left in the person's hands: the task that asks about each thing, its day, who settles or has it next."""
    with counter(program) as here:
        asker = here.asker(as_person)
        _, case = at_departures.find_departure(here.session, asker, case_id)
        for one in at_departures.left_of(
            here.session, case, here.at, current_language(), may_settle=False, asker=asker
        ):
            task = str(one.task["id"]) if one.task else "-" * 36
            day = day_or_dash(one.task["due_on"] if one.task else None)
            kind = say(current_language(), NAMES[one.kind])
            answer_by = ", ".join(one.next_ones or one.settled_by)
            typer.echo(f"{task}  {day}  {kind}: {one.title}  {answer_by}".rstrip())


@app.command()
@asks(Action.SETTLE_HOLDING)
def settle(
    task_id: Annotated[UUID, typer.Argument(help="The task that asks about the thing, as `show` gives it.")],
    as_person: AsPerson,
    to: Annotated[str, typer.Option(help="The key of the person who takes it over.")] = "",
    end: Annotated[str, typer.Option(help="How it ends, such as returned or left_vacant.")] = "",
    note: Annotated[str, typer.Option(help="A note, such as the condition in which equipment came back.")] = "",
    program: ProgramKey = "",
) -> None:
    """Say who takes a thing over, or how it ends."""
    with counter(program) as here:
        task, case = find_task(here.session, here.asker(as_person), task_id)
        by = require(Action.SETTLE_HOLDING, to_task(here.session, here.asker(as_person), task, case))
        settling.settle_holding(
            here.session,
            task_id,
            successor_id=here.person(to).id if to else None,
            ended_as=end,
            note=note,
            by=by,
            at=here.at,
        )
        tell(N_("Settled."))
