"""Cases from the command line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import typer
from sqlalchemy import Uuid, func, literal, select

from api.access.permissions import Action, Asker, asks, find_case, may_end, require, to_case, to_program, visible_cases
from api.cli.spoken import Ending, tell
from api.cli.terminal import AsPerson, Counter, ProgramKey, case_state, counter, day_or_dash, task_state
from domain.casework import board, cases, versions
from domain.casework.steps import ROLE_OF_SUBJECT
from domain.kernel.refusals import Refusal
from domain.kernel.scope import many, program_of
from domain.mail.notices import case_title
from domain.people import people
from domain.roles.sight import task_is_open_to
from locales import N_, current_language, say
from models.base import table_of
from models.casework import SETTLED, Case, Task

app = typer.Typer(no_args_is_help=True, help="Running protocols.")

CaseId = Annotated[UUID, typer.Argument(help="The case's id, as `spheres case list` shows it.")]
Reason = Annotated[str, typer.Option("--reason", help="Why.")]

_case = table_of(Case)
_task = table_of(Task)


@app.command("open")
@asks(Action.OPEN_CASE)
def open_(
    protocol: Annotated[str, typer.Argument(help="The protocol's key, such as onboarding.")],
    as_person: AsPerson,
    person: Annotated[str, typer.Option(help="The key of the person whom the case is about.")] = "",
    organization: Annotated[
        str, typer.Option(help="The key of their organization, or of the one that the case is about.")
    ] = "",
    agreement_version: Annotated[
        UUID | None, typer.Option(help="The id of the agreement’s version that the case is about.")
    ] = None,
    period: Annotated[str, typer.Option(help="The quarter or the year that the case is for: 2026-Q3, or 2026.")] = "",
    starts_on: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Appoint the person there from this day first."),
    ] = None,
    program: ProgramKey = "",
) -> None:
    """Open a case, and every step of it that can begin."""
    with counter(program) as here:
        asker = here.asker(as_person)
        place = here.organization(organization).id if organization else None
        subject = here.person(person).id if person else None
        by = require(Action.OPEN_CASE, to_program(asker, organizations=[place] if place else []))
        if starts_on is not None:
            if subject is None or place is None:
                raise Ending(say(current_language(), N_("To appoint someone, name the person and the organization.")))
            people.appoint(
                here.session,
                person_id=subject,
                role=ROLE_OF_SUBJECT["worker"],
                organization_id=place,
                starts_on=starts_on.date(),
                by=by,
                at=here.at,
            )
        case_id = cases.open_case(
            here.session,
            protocol,
            subject_id=subject,
            organization_id=place,
            agreement_version_id=agreement_version,
            period=period,
            by=by,
            at=here.at,
        )
        typer.echo(str(case_id))


@app.command("list")
@asks(Action.SEE_CASES)
def list_(as_person: AsPerson, program: ProgramKey = "") -> None:
    """The cases that someone may see, and how far each is."""
    with counter(program) as here:
        asker = here.asker(as_person)
        require(Action.SEE_CASES, to_program(asker))
        hats = board.hats_of(here.session, asker.standing, asker.person_id)
        rows = many(
            here.session,
            select(_case)
            .where(_case.c.program_id == program_of(here.session), visible_cases(asker, hats))
            .order_by(_case.c.opened_at.desc()),
        )
        for row in rows:
            done, asked = here.session.execute(
                select(func.count().filter(_task.c.state.in_(SETTLED)), func.count()).where(
                    _task.c.program_id == program_of(here.session),
                    _task.c.case_id == row["id"],
                    _task.c.required,
                )
            ).one()
            title = case_title(here.session, row, current_language())
            typer.echo(f"{row['id']}  {case_state(row)}  {done}/{asked}  {title}")


@app.command()
@asks(Action.SEE_CASE)
def show(case_id: CaseId, as_person: AsPerson, program: ProgramKey = "") -> None:
    """Every step of a case: its state, its due day, on whom it waits."""
    with _held(case_id, as_person, program) as (here, asker, case):
        language = current_language()
        typer.echo(case_title(here.session, case, language))
        offer = _offer(here, case_id)
        if offer is not None:
            followed = versions.pinned(here.session, case).number
            tell(
                N_("This case follows version %(old)s; the program now has version %(new)s. What changes:"),
                old=followed,
                new=offer.version.number,
            )
            for change in offer.changes:
                typer.echo(f"- {change}")
        rows = many(
            here.session,
            select(_task)
            .where(
                _task.c.program_id == program_of(here.session),
                _task.c.case_id == case_id,
                task_is_open_to(literal(asker.person_id, Uuid())),
            )
            .order_by(_task.c.position, _task.c.item),
        )
        links = board.chains(here.session, [row[name] for row in rows for name in ("owed_by_id", "approved_by_id")])
        for row in rows:
            falls = board.who(asker.standing, row, links)
            names = ", ".join(here.person(str(one.person_id)).name for one in (falls.holders if falls else ()))
            when = day_or_dash(row["due_on"])
            typer.echo(f"{row['id']}  {task_state(row, here.day)}  {when}  {row[f'title_{language}']}  {names}")


@app.command()
@asks(Action.CANCEL_CASE)
def cancel(case_id: CaseId, as_person: AsPerson, reason: Reason, program: ProgramKey = "") -> None:
    """End a case that will not be finished. Nothing is deleted."""
    with _held(case_id, as_person, program) as (here, asker, case):
        by = require(Action.CANCEL_CASE, may_end(here.session, asker, case, "cancel"))
        cases.cancel_case(here.session, case_id, by=by, at=here.at, reason=reason)
        tell(N_("The case is cancelled."))


@app.command()
@asks(Action.REOPEN_CASE)
def reopen(case_id: CaseId, as_person: AsPerson, reason: Reason, program: ProgramKey = "") -> None:
    """Open a case that ended again."""
    with _held(case_id, as_person, program) as (here, asker, case):
        by = require(Action.REOPEN_CASE, may_end(here.session, asker, case, "reopen"))
        cases.reopen_case(here.session, case_id, by=by, at=here.at, reason=reason)
        tell(N_("The case is open again."))


@app.command()
@asks(Action.CLOSE_CASE)
def close(case_id: CaseId, as_person: AsPerson, program: ProgramKey = "") -> None:
    """Close a case in which nothing that is required is left."""
    with _held(case_id, as_person, program) as (here, asker, case):
        by = require(Action.CLOSE_CASE, to_case(here.session, asker, case))
        cases.close_case(here.session, case_id, by=by, at=here.at)
        tell(N_("The case is closed."))


@app.command("move-day")
@asks(Action.MOVE_DAY)
def move_day(
    case_id: CaseId,
    anchor: Annotated[str, typer.Argument(help="The named day, such as arrival.")],
    day: Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"])],
    as_person: AsPerson,
    program: ProgramKey = "",
) -> None:
    """Move one of a case's named days; its due days follow."""
    with _held(case_id, as_person, program) as (here, asker, case):
        by = require(Action.MOVE_DAY, to_case(here.session, asker, case))
        moved_to: date = day.date()
        cases.move_day(here.session, case_id, anchor=anchor, day=moved_to, by=by, at=here.at)
        tell(N_("Moved to %(day)s."), day=moved_to)


@app.command()
@asks(Action.TAKE_VERSION)
def follow(
    case_id: CaseId,
    number: Annotated[int, typer.Argument(help="The number of the newer version, as `spheres case show` offers it.")],
    as_person: AsPerson,
    program: ProgramKey = "",
) -> None:
    """Follow the newer version of its protocol from now on. A done step is not asked again."""
    with _held(case_id, as_person, program) as (here, asker, case):
        by = require(Action.TAKE_VERSION, to_case(here.session, asker, case))
        offer = _offer(here, case_id)
        if offer is None or offer.version.number != number:
            raise Refusal("protocol.not_offered", N_("No version of this number is offered to this case."))
        versions.take_version(here.session, case_id, offer.version.id, by=by, at=here.at)
        tell(N_("The case now follows version %(number)s of its protocol."), number=number)


def _offer(here: Counter, case_id: UUID) -> versions.Offer | None:
    row = here.session.get_one(Case, (program_of(here.session), case_id))
    return versions.newer_version(here.session, row, current_language())


@contextmanager
def _held(case_id: UUID, as_person: str, program: str) -> Iterator[tuple[Counter, Asker, Mapping[str, Any]]]:
    """One transaction about a case that the person who acts may see. Raises Forbidden."""
    with counter(program) as here:
        asker = here.asker(as_person)
        yield here, asker, find_case(here.session, asker, case_id)
