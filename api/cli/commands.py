"""Every command of the terminal, and how what goes wrong is told there."""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from typing import Annotated, Final

import typer

from adapters.backups.pair import holds_private_key
from api.access.permissions import Forbidden
from api.cli import access, backup, doctor, ledger, mail, meeting, program, protocol, record, up
from api.cli.ready import ending_plainly
from api.cli.spoken import fail
from domain.declared import DeclaredErrors
from domain.kernel import Refusal
from locales import N_, say, speaking
from locales.told import language_of_terminal

_KEY_TYPED: Final = N_(
    "A private key was typed in place of its file. Nothing was done. Put it into a file for its owner alone, and name "
    "that file. It may stand in the history of this terminal now, and others may have read it there."
)

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None)
app.command("up")(up.up)
app.command("migrate")(up.bring_to_head)
app.command("doctor")(doctor.doctor)
app.command("administrator")(access.administrator)
app.command("coordinator")(access.coordinator)
app.command("verify")(record.verify)
app.command("restore")(backup.restore)
app.add_typer(backup.app, name="backup")
app.add_typer(record.app, name="keys")
app.add_typer(ledger.app, name="ledger")
app.add_typer(program.app, name="program")
app.add_typer(protocol.app, name="protocol")
app.add_typer(meeting.app, name="meeting")
app.add_typer(mail.app, name="mail")


def _tell_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"spheres {version('spheres')}")
        raise typer.Exit


@app.callback()
def spheres(
    *,
    _version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Tell which version this is.")
    ] = False,
) -> None:
    """What those who run the installation, and those who write its files, do at a terminal."""


def run() -> None:
    """Run one command. What a rule refuses is a sentence and status 1; what a command needs and lacks is status 2."""
    language = language_of_terminal(os.environ)
    if any(holds_private_key(one) for one in sys.argv[1:]):
        fail(say(language, _KEY_TYPED), 2)
    with speaking(language), ending_plainly(language):
        try:
            app(prog_name="spheres")
        except Refusal as refusal:
            fail(f"{say(language, refusal.sentence, **refusal.facts)} [{refusal.code}]", 1)
        except Forbidden:
            fail(say(language, N_("There is nothing here, or nothing that you may see.")), 1)
        except DeclaredErrors as wrong:
            fail("\n".join(one.told_in(language) for one in wrong.problems), 2)
