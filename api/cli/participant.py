"""Files of participants from the command line: whose last day is over, destroying one, and the proof of it."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from api.at_participants import find_participant
from api.cli.spoken import tell
from api.cli.terminal import AsPerson, Counter, ProgramKey, counter
from api.permissions import Action, asks, require, to_program
from duties.participants import retention
from duties.refusals import Refusal
from duties.sight import who_barred
from locales import N_

app = typer.Typer(no_args_is_help=True, help="How long files of participants are kept.")

FileId = Annotated[UUID, typer.Argument(help="The file's id, as `spheres participant due` shows it.")]


@app.callback()
def participants() -> None:
    """How long files of participants are kept."""


@app.command()
@asks(Action.KEEP_RETENTION)
def due(as_person: AsPerson, program: ProgramKey = "") -> None:
    """The files whose last day is over and which nothing holds, by number or reference."""
    with counter(program) as here:
        asker = here.asker(as_person)
        require(Action.KEEP_RETENTION, to_program(asker))
        kept_from = who_barred(here.session, asker.person_id)
        rows = [row for row in retention.due(here.session, here.day) if row["id"] not in kept_from]
        if not rows:
            tell(N_("No file’s last day is over."))
        for row in rows:
            typer.echo(f"{row['id']}  {row['retain_until']}  {row['number'] or row['candidate_ref']}")


@app.command()
@asks(Action.KEEP_RETENTION)
def destroy(file_id: FileId, as_person: AsPerson, program: ProgramKey = "") -> None:
    """Destroy a file whose last day is over, for good and in every copy; prints the proof."""
    with counter(program) as here:
        _, given = find_participant(here.session, here.asker(as_person), file_id, Action.KEEP_RETENTION)
        retention.destroy(here.session, file_id, by=require(Action.KEEP_RETENTION, given), at=here.at)
        _tell_proof(here, file_id)


@app.command()
@asks(Action.KEEP_RETENTION)
def proof(file_id: FileId, as_person: AsPerson, program: ProgramKey = "") -> None:
    """The proof that a file is destroyed: by whom, the record's line, since when its key is gone."""
    with counter(program) as here:
        find_participant(here.session, here.asker(as_person), file_id, Action.KEEP_RETENTION)
        _tell_proof(here, file_id)


def _tell_proof(here: Counter, file_id: UUID) -> None:
    found = retention.proof_of(here.session, file_id)
    if found is None:
        raise Refusal("retention.not_destroyed", N_("This file is not destroyed."))
    who = here.person(str(found.by_id)).name if found.by_id else found.by_as
    tell(
        N_("%(subject)s: destroyed %(at)s by %(who)s. Kept until %(day)s. Line %(line)s of the record."),
        subject=found.known_as,
        at=found.destroyed_at.isoformat(timespec="seconds"),
        who=who,
        day=found.kept_until or "–",
        line=found.line,
    )
    if found.key_gone_at is None:
        tell(N_("Its key is destroyed by the worker, within a minute or so: ask for the proof again then."))
    else:
        tell(N_("Its key is gone since %(at)s."), at=found.key_gone_at.isoformat(timespec="seconds"))
