"""Agreements from the command line: by the partner's key and the version's number, by the same verbs and table."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import UUID

import typer

from api.access.agreements import agreements_of, find_agreement, find_version, signed_file, versions_of
from api.access.permissions import Action, asks, require, to_program
from api.cli.spoken import tell, write_new
from api.cli.terminal import AsPerson, Counter, ProgramKey, counter, day_or_dash, document_at
from api.views.states import state_in_words, state_of_version
from domain.agreements import agreements, signed_files, succession
from domain.kernel.scope import local_day
from locales import N_, current_language

app = typer.Typer(no_args_is_help=True, help="The partners' agreements.")

Partner = Annotated[str, typer.Argument(help="The key of the partner's organization.")]
Number = Annotated[int, typer.Argument(help="The version's number.", min=1, max=9999)]

_DAY: Final = ["%Y-%m-%d"]


@app.callback()
def agreements_() -> None:
    """The partners' agreements."""


@app.command("list")
@asks(Action.SEE_PROGRAM)
def list_(as_person: AsPerson, program: ProgramKey = "") -> None:
    """Every agreement with its last version: the partner, the number, the state, the first day and the last one."""
    with counter(program) as here:
        desk = here.desk(as_person)
        require(Action.SEE_PROGRAM, to_program(desk.asker))
        for row in agreements_of(desk):
            for one in versions_of(desk, row["id"])[:1]:
                typer.echo(f"{row['short_name']:<24}  {_line(one, local_day(here.session, here.at))}")


@app.command()
@asks(Action.SEE_PROGRAM)
def show(partner: Partner, as_person: AsPerson, program: ProgramKey = "") -> None:
    """The versions of an agreement, each with its digest, its signatures' days and its files' digests."""
    with counter(program) as here:
        desk = here.desk(as_person)
        agreement, _ = find_agreement(desk, _agreement_of(here, partner))
        for one in versions_of(desk, agreement["id"]):
            typer.echo(f"{_line(one, local_day(here.session, here.at))}  {one['digest']}")
            for signature in agreements.signatures_of(here.session, one["id"]):
                tell(N_("  signed on %(day)s"), day=signature["signed_on"])
            for file in signed_files.files_of(here.session, one["id"]):
                typer.echo(f"  {file.id}  {file.sha256}  {file.name}")


@app.command()
@asks(Action.KEEP_AGREEMENTS)
def renew(partner: Partner, as_person: AsPerson, program: ProgramKey = "") -> None:
    """Draft the next version from the text that was signed last, and print its number."""
    with counter(program) as here:
        desk = here.desk(as_person)
        agreement, given = find_agreement(desk, _agreement_of(here, partner))
        by = require(Action.KEEP_AGREEMENTS, given)
        succession.renew(here.session, agreement["id"], by=by, at=here.at)
        typer.echo(str(versions_of(desk, agreement["id"])[0]["n"]))


@app.command()
@asks(Action.KEEP_AGREEMENTS)
def send(partner: Partner, n: Number, as_person: AsPerson, program: ProgramKey = "") -> None:
    """A draft goes to the directors, each by letter."""
    _do(program, as_person, partner, n, agreements.send_version)


@app.command("take-back")
@asks(Action.KEEP_AGREEMENTS)
def take_back(partner: Partner, n: Number, as_person: AsPerson, program: ProgramKey = "") -> None:
    """What was sent, and nobody signed, is a draft again."""
    _do(program, as_person, partner, n, agreements.withdraw_version)


@app.command()
@asks(Action.KEEP_AGREEMENTS)
def sign(
    partner: Partner,
    n: Number,
    director: Annotated[str, typer.Argument(help="The key of the director who signed on paper.")],
    day: Annotated[datetime, typer.Argument(formats=_DAY, help="The day on which they signed.")],
    as_person: AsPerson,
    program: ProgramKey = "",
) -> None:
    """Record the signature that a director gave on paper."""
    with counter(program) as here:
        signer = here.person(director).id
        _act(here, as_person, partner, n, agreements.sign_version, director_id=signer, signed_on=day.date())


@app.command()
@asks(Action.KEEP_AGREEMENTS)
def start(
    partner: Partner,
    n: Number,
    first: Annotated[datetime, typer.Argument(formats=_DAY, help="The first day in force.")],
    as_person: AsPerson,
    last: Annotated[datetime | None, typer.Option(formats=_DAY, help="The last day, where it has one.")] = None,
    becomes: Annotated[
        list[str] | None, typer.Option(help="What a role becomes that it drops, as old=new; once for each.")
    ] = None,
    program: ProgramKey = "",
) -> None:
    """A signed version comes into force, in the place of the one that is."""
    settled = dict(_pair(one) for one in becomes or ())
    ends_on = last.date() if last else None
    _do(program, as_person, partner, n, succession.begin, starts_on=first.date(), ends_on=ends_on, becomes=settled)


@app.command()
@asks(Action.KEEP_AGREEMENTS)
def end(
    partner: Partner,
    n: Number,
    last: Annotated[datetime, typer.Argument(formats=_DAY, help="The last day.")],
    notice: Annotated[datetime, typer.Argument(formats=_DAY, help="The day on which notice was given.")],
    as_person: AsPerson,
    shorter: Annotated[bool, typer.Option("--shorter", help="Both sides agreed on a shorter notice.")] = False,
    program: ProgramKey = "",
) -> None:
    """A version in force gets its last day, with the notice that one side gave; before its first, it does not begin."""
    days = {"ends_on": last.date(), "notice_on": notice.date()}
    _do(program, as_person, partner, n, agreements.end_version, shorter_agreed=shorter, **days)


@app.command("add-file")
@asks(Action.ADD_SIGNED_FILE)
def add_file(
    partner: Partner,
    n: Number,
    file: Annotated[Path, typer.Argument(help="A scan of what was signed.", exists=True, dir_okay=False)],
    as_person: AsPerson,
    director: Annotated[
        str, typer.Option(help="The key of whoever signed it; may be left out where one person alone signed.")
    ] = "",
    program: ProgramKey = "",
) -> None:
    """Keep what was signed with the signature that it carries, and print its id."""
    content = document_at(file)
    with counter(program) as here:
        row, given = find_version(here.desk(as_person), _agreement_of(here, partner), n)
        by = require(Action.ADD_SIGNED_FILE, given)
        signer = here.person(director).id if director else None
        added = signed_files.add(
            here.session, row["id"], name=file.name, content=content, director_id=signer, by=by, at=here.at
        )
        typer.echo(str(added))


@app.command("file")
@asks(Action.READ_SIGNED_FILE)
def file_(
    file_id: Annotated[UUID, typer.Argument(help="The file's id, as `show` gives it.")],
    to: Annotated[Path, typer.Argument(help="The file that it is written into, which must not be there yet.")],
    as_person: AsPerson,
    program: ProgramKey = "",
) -> None:
    """Write a signed file, unless its digest is no longer that of the record."""
    with counter(program) as here:
        _, content = signed_file(here.desk(as_person), file_id)
    write_new(to, content)


def _do(program: str, as_person: str, partner: str, n: int, verb: Callable[..., object], **given: Any) -> None:
    with counter(program) as here:
        _act(here, as_person, partner, n, verb, **given)


def _act(here: Counter, as_person: str, partner: str, n: int, verb: Callable[..., object], **given: Any) -> None:
    """Do what the coordinator does with a version, and print how it stands then."""
    desk, agreement_id = here.desk(as_person), _agreement_of(here, partner)
    row, relations = find_version(desk, agreement_id, n)
    verb(here.session, row["id"], **given, by=require(Action.KEEP_AGREEMENTS, relations), at=here.at)
    typer.echo(_line(find_version(desk, agreement_id, n)[0], local_day(here.session, here.at)))


def _agreement_of(here: Counter, partner: str) -> UUID:
    """The id of a partner's agreement. Raises Refusal where there is no such partner."""
    return agreements.agreement_of(here.session, here.organization(partner).id)


def _pair(text: str) -> tuple[str, str]:
    old, _, new = text.partition("=")
    return old, new


def _line(version: Any, day: date) -> str:
    days = f"{day_or_dash(version['starts_on'])}  {day_or_dash(version['ends_on'])}".rstrip()
    state = state_of_version(version["state"], version["starts_on"], version["ends_on"], day)
    return f"{version['n']:>3}  {state_in_words(state, current_language()):<22}  {days}"
