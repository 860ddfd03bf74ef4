"""Files of participants from the command line: whose last day is over, having one destroyed by two, and the proof."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from api.access.destructions import answers_as, find_destruction, seen_destructions
from api.access.participants import find_participant
from api.access.permissions import Action, asks, require, to_program
from api.cli.spoken import tell
from api.cli.terminal import AsPerson, Counter, ProgramKey, counter
from domain.kernel.actors import Actor
from domain.kernel.refusals import Refusal
from domain.participants import destruction, retention
from domain.roles.sight import who_barred
from locales import N_
from models.destruction import DESTRUCTION_GROUNDS

app = typer.Typer(no_args_is_help=True, help="How long files of participants are kept.")

FileId = Annotated[UUID, typer.Argument(help="The file's id, as `spheres participant due` or `asked` shows it.")]
RequestId = Annotated[UUID, typer.Option(help="The request that you looked at, as `spheres participant why` shows it.")]
Ground = Annotated[str, typer.Option(help=f"Why it is to be destroyed: {', '.join(DESTRUCTION_GROUNDS)}.")]
Reason = Annotated[str, typer.Option(help="In your words, by number and without a name. It is sealed.")]


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
def ask(
    file_id: FileId,
    as_person: AsPerson,
    ground: Ground = destruction.BY_CALENDAR,
    reason: Reason = "",
    program: ProgramKey = "",
) -> None:
    """Ask that a file whose last day is over be destroyed. Another person confirms it, some days later."""
    with counter(program) as here:
        _, given = find_participant(here.session, here.asker(as_person), file_id, Action.KEEP_RETENTION)
        by = require(Action.KEEP_RETENTION, given)
        destruction.ask(here.session, file_id, ground, reason=reason, by=by, at=here.at)
        asked = destruction.asked_of(here.session, file_id)
        assert asked is not None  # noqa: S101 - just asked
        tell(
            N_("The destruction is requested. Another person can confirm it from %(day)s until %(until)s."),
            day=asked["confirm_from"],
            until=asked["lapses_on"],
        )


@app.command()
@asks(Action.KEEP_RETENTION)
def withdraw(file_id: FileId, as_person: AsPerson, program: ProgramKey = "") -> None:
    """Take back that a file be destroyed."""
    with counter(program) as here:
        _, given = find_participant(here.session, here.asker(as_person), file_id, Action.KEEP_RETENTION)
        destruction.withdraw(here.session, file_id, by=require(Action.KEEP_RETENTION, given), at=here.at)
        tell(N_("Withdrawn: the destruction of the file is no longer requested."))


@app.command()
@asks(Action.SEE_DESTRUCTIONS)
def asked(as_person: AsPerson, program: ProgramKey = "") -> None:
    """The destructions that are asked and wait for an answer: the file, from when, until when, and on what ground."""
    with counter(program) as here:
        rows = seen_destructions(here.session, here.asker(as_person))
        if not rows:
            tell(N_("No destruction waits for an answer."))
        for row in rows:
            called = row["number"] or row["candidate_ref"]
            typer.echo(f"{row['participant_id']}  {row['confirm_from']}  {row['lapses_on']}  {row['ground']}  {called}")


@app.command()
@asks(Action.SEE_DESTRUCTION)
def why(file_id: FileId, as_person: AsPerson, program: ProgramKey = "") -> None:
    """What is to be destroyed and why, by number, who can answer, and the request’s id, by which it is answered."""
    with counter(program) as here:
        asker = here.asker(as_person)
        found, given = find_destruction(here.session, asker, file_id)
        contents = destruction.contents_of(here.session, file_id)
        tell(
            N_("%(subject)s: request %(request)s, %(state)s, on the ground “%(ground)s”, asked by %(who)s."),
            subject=found["known_as"],
            request=found["id"],
            state=found["state"],
            ground=found["ground"],
            who=here.person(str(found["asked_by"])).name if found["asked_by"] else found["asked_as"],
        )
        tell(
            N_(
                "Referrals: %(referrals)s. Consents: %(consents)s. Disclosures: %(disclosures)s. "
                "Weekly notes: %(notes)s."
            ),
            referrals=contents.referrals,
            consents=contents.consents,
            disclosures=contents.disclosures,
            notes=contents.notes,
        )
        by = require(Action.SEE_DESTRUCTION, given)
        for words in (
            destruction.read_reason(here.session, found, by=by, at=here.at),
            destruction.read_answer(here.session, found, by=by, at=here.at),
        ):
            if words:
                typer.echo(words)
        able = destruction.who_may_confirm(here.session, found, asker.standing) if found["state"] == "asked" else []
        if able:
            people = sorted({here.person(str(holder.person_id)).name for holder in able})
            tell(N_("It waits for: %(people)s."), people=", ".join(people))


@app.command()
@asks(Action.CONFIRM_DESTRUCTION)
def confirm(file_id: FileId, as_person: AsPerson, request: RequestId, program: ProgramKey = "") -> None:
    """Confirm, as another person than who asked, that a file be destroyed, for good and in every copy."""
    with counter(program) as here:
        by = _answers_as(here, as_person, file_id)
        destruction.confirm(here.session, file_id, seen=request, by=by, at=here.at)
        _tell_proof(here, file_id)


@app.command()
@asks(Action.CONFIRM_DESTRUCTION)
def refuse(file_id: FileId, as_person: AsPerson, request: RequestId, reason: Reason, program: ProgramKey = "") -> None:
    """Refuse, as another person than who asked, that a file be destroyed: it is kept."""
    with counter(program) as here:
        by = _answers_as(here, as_person, file_id)
        destruction.refuse(here.session, file_id, reason=reason, seen=request, by=by, at=here.at)
        tell(N_("Refused: the file is kept."))


@app.command()
@asks(Action.KEEP_RETENTION)
def proof(file_id: FileId, as_person: AsPerson, program: ProgramKey = "") -> None:
    """The proof that a file is destroyed: by whom, the record's line, since when its key is gone."""
    with counter(program) as here:
        find_participant(here.session, here.asker(as_person), file_id, Action.KEEP_RETENTION)
        _tell_proof(here, file_id)


def _answers_as(here: Counter, as_person: str, file_id: UUID) -> Actor:
    asker = here.asker(as_person)
    found, given = find_destruction(here.session, asker, file_id, Action.CONFIRM_DESTRUCTION)
    return answers_as(here.session, asker, found, given)


def _tell_proof(here: Counter, file_id: UUID) -> None:
    found = destruction.proof_of(here.session, file_id)
    if found is None:
        raise Refusal("retention.not_destroyed", N_("This file is not destroyed."))
    who, asked = (
        here.person(str(person_id)).name if person_id else role
        for person_id, role in ((found.by_id, found.by_as), (found.asked_by_id, found.asked_as))
    )
    sentence = N_("%(subject)s: destroyed %(at)s by %(who)s. Kept until %(day)s. Line %(line)s of the record.")
    if not found.before_two:
        sentence = N_(
            "%(subject)s: destroyed %(at)s. Asked by %(asked)s, confirmed by %(who)s. Kept until %(day)s. "
            "Line %(line)s of the record."
        )
    tell(
        sentence,
        asked=asked,
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
