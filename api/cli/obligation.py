"""Obligations from the command line: how one stands and by what, and what people say and give for it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal
from uuid import UUID

import typer

from api.access.partners import find_obligation, find_proposal
from api.access.permissions import Action, asks, require
from api.cli.partner import period_line
from api.cli.spoken import tell
from api.cli.terminal import AsPerson, ProgramKey, counter, document_at
from domain.obligations import accepting, attestations, reading
from domain.obligations.evaluation import GIVEN
from locales import N_
from meetings import waivers

app = typer.Typer(no_args_is_help=True, help="What partners owe.")

Period = Annotated[UUID, typer.Argument(help="The period's id, as `spheres partner show` gives it.")]

_DAY = ["%Y-%m-%d"]


@app.callback()
def obligations() -> None:
    """What partners owe."""


@app.command()
@asks(Action.SEE_OBLIGATION)
def show(period_id: Period, as_person: AsPerson, program: ProgramKey = "") -> None:
    """One obligation in one period: how it stands, how it stood before, and what was counted."""
    with counter(program) as here:
        row, _ = find_obligation(here.session, here.asker(as_person), period_id)
        typer.echo(period_line(row))
        for one in reading.findings_of(here.session, period_id):
            typer.echo(f"{one['n']:>3}  {one['on']}  {one['state']}")
            for fact in one["found"]["facts"]:
                typer.echo(
                    f"     {'+' if fact['counts'] else '-'} {fact['kind']} {fact['on'] or fact['id']} {fact['why']}"
                    f"{' ' + fact['id'] if fact['why'] == GIVEN else ''}"
                )


@app.command()
@asks(Action.ATTEST)
def attest(
    period_id: Period,
    said: Annotated[Literal["held", "not_held"], typer.Argument(help="That it held, or that it did not.")],
    as_person: AsPerson,
    note: Annotated[str, typer.Option(help="A note; why, where it did not hold.")] = "",
    program: ProgramKey = "",
) -> None:
    """State in writing that what the clause asks for held in the period, or that it did not."""
    with counter(program) as here:
        _, given = find_obligation(here.session, here.asker(as_person), period_id)
        by = require(Action.ATTEST, given)
        attestations.attest(here.session, period_id, said, note=note, by=by, at=here.at)
        tell(N_("Stated."))


@app.command("add-document")
@asks(Action.GIVE_PROOF)
def add_document(
    period_id: Period,
    file: Annotated[Path, typer.Argument(help="The document.", exists=True, dir_okay=False)],
    day: Annotated[datetime, typer.Argument(formats=_DAY, help="The day that it speaks of.")],
    as_person: AsPerson,
    program: ProgramKey = "",
) -> None:
    """Give a document that the clause asks for, and print its id."""
    content = document_at(file)
    with counter(program) as here:
        _, given = find_obligation(here.session, here.asker(as_person), period_id)
        by = require(Action.GIVE_PROOF, given)
        added = attestations.add_document(
            here.session, period_id, file.name, content, effective_on=day.date(), by=by, at=here.at
        )
        typer.echo(str(added))


Proof = Annotated[UUID, typer.Argument(help="The proof's id, as `spheres obligation show` gives it.")]


@app.command()
@asks(Action.ACCEPT_PROOF)
def accept(period_id: Period, proof_id: Proof, as_person: AsPerson, program: ProgramKey = "") -> None:
    """Accept a proof that was given: from then on it counts."""
    with counter(program) as here:
        _, given = find_obligation(here.session, here.asker(as_person), period_id)
        by = require(Action.ACCEPT_PROOF, given)
        accepting.accept(here.session, period_id, proof_id, by=by, at=here.at)
        tell(N_("The proof is accepted."))


@app.command("return")
@asks(Action.ACCEPT_PROOF)
def give_back(
    period_id: Period,
    proof_id: Proof,
    reason: Annotated[str, typer.Argument(help="Why.")],
    as_person: AsPerson,
    program: ProgramKey = "",
) -> None:
    """Return a proof with words, to be given again."""
    with counter(program) as here:
        _, given = find_obligation(here.session, here.asker(as_person), period_id)
        by = require(Action.ACCEPT_PROOF, given)
        accepting.give_back(here.session, period_id, proof_id, reason=reason, by=by, at=here.at)
        tell(N_("The proof is returned, and asked for again."))


@app.command("propose-waiver")
@asks(Action.WAIVE_CLAUSE)
def propose_waiver(
    period_id: Period,
    first: Annotated[datetime, typer.Argument(formats=_DAY, help="The first day.")],
    last: Annotated[datetime, typer.Argument(formats=_DAY, help="The last day.")],
    reason: Annotated[str, typer.Argument(help="Why.")],
    as_person: AsPerson,
    program: ProgramKey = "",
) -> None:
    """Ask the committee that the agreement names to free the partner of the clause, and print the proposal's id."""
    with counter(program) as here:
        row, given = find_obligation(here.session, here.asker(as_person), period_id)
        by = require(Action.WAIVE_CLAUSE, given)
        proposal = waivers.propose(
            here.session,
            row["agreement_id"],
            row["key"],
            starts_on=first.date(),
            ends_on=last.date(),
            reason=reason,
            by=by,
            at=here.at,
        )
        typer.echo(str(proposal))


@app.command("decide-waiver")
@asks(Action.WAIVE_CLAUSE)
def decide_waiver(
    period_id: Period,
    proposal_id: Annotated[UUID, typer.Argument(help="The proposal's id.")],
    as_person: AsPerson,
    program: ProgramKey = "",
) -> None:
    """Record that the committee, which sits on it now, frees the partner as proposed; print the decision's id."""
    with counter(program) as here:
        row, given = find_obligation(here.session, here.asker(as_person), period_id)
        by = require(Action.WAIVE_CLAUSE, given)
        find_proposal(here.session, row, proposal_id)
        typer.echo(str(waivers.decide(here.session, proposal_id, by=by, at=here.at)))


@app.command()
@asks(Action.WAIVE_CLAUSE)
def waive(
    period_id: Period,
    first: Annotated[datetime, typer.Argument(formats=_DAY, help="The first day.")],
    last: Annotated[datetime, typer.Argument(formats=_DAY, help="The last day.")],
    decision_id: Annotated[UUID, typer.Argument(help="The decision by which.")],
    reason: Annotated[str, typer.Argument(help="Why.")],
    as_person: AsPerson,
    program: ProgramKey = "",
) -> None:
    """Free the partner of the clause from a day to another, by a decision that stands."""
    with counter(program) as here:
        row, given = find_obligation(here.session, here.asker(as_person), period_id)
        attestations.waive(
            here.session,
            row["agreement_id"],
            row["key"],
            starts_on=first.date(),
            ends_on=last.date(),
            decision_id=decision_id,
            reason=reason,
            by=require(Action.WAIVE_CLAUSE, given),
            at=here.at,
        )
        tell(N_("The waiver is recorded for these days."))
