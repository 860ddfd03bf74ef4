"""Partners from the command line: how each stands by what it owes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from api.access.partners import find_partner, partners_of
from api.access.permissions import Action, asks, require, to_program
from api.cli.terminal import AsPerson, ProgramKey, counter, day_or_dash
from api.views.obligations import STATES, by_worst
from domain.obligations import reading
from locales import N_, current_language, say

app = typer.Typer(no_args_is_help=True, help="Partners, and how they stand by what they owe.")


@app.callback()
def partners() -> None:
    """Partners, and how they stand by what they owe."""


@app.command("list")
@asks(Action.SEE_PARTNERS)
def list_(as_person: AsPerson, program: ProgramKey = "") -> None:
    """The partners that the person may see, and how many periods of their obligations stand in each state."""
    with counter(program) as here:
        asker = here.asker(as_person)
        require(Action.SEE_PARTNERS, to_program(asker))
        for one in partners_of(here.session, asker):
            rows = reading.lately(here.session, here.day, organization_ids=[one["id"]])
            states = Counter(row["state"] for row in by_worst(rows))
            told = ", ".join(
                say(current_language(), N_("%(state)s: %(n)s"), state=_word(state), n=n) for state, n in states.items()
            )
            typer.echo(f"{one['short_name']:<24}  {told}".rstrip())


@app.command()
@asks(Action.SEE_PARTNER)
def show(
    partner: Annotated[str, typer.Argument(help="The key of the partner's organization.")],
    as_person: AsPerson,
    program: ProgramKey = "",
) -> None:
    """Everything that one partner owes now or owed lately, the worst first: its id, last day and state."""
    with counter(program) as here:
        asker = here.asker(as_person)
        found, _ = find_partner(here.session, asker, here.organization(partner).id)
        rows = reading.lately(here.session, here.day, organization_ids=[found["id"]])
        for row in by_worst(rows):
            typer.echo(period_line(row))


def period_line(row: Mapping[str, Any]) -> str:
    """One period of an obligation as the terminal lists it."""
    text = row[f"text_{current_language()}"]
    return f"{row['id']}  {day_or_dash(row['ends_on'])}  {_word(row['state'])}  {row['key']}: {text}"


def _word(state: str) -> str:
    return say(current_language(), STATES[state][1])
