"""`spheres backup` and `spheres restore`: copies that leave the machine encrypted, and the way back from them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from adapters.backups.pair import make_pair
from adapters.settings import Settings
from api.access.permissions import Action, asks, at_the_terminal, require
from api.cli.backing_up import back_up
from api.cli.bringing_back import Wish, bring_back
from api.cli.drilling import drill
from api.cli.leaving import tidily
from api.cli.spoken import tell
from locales import N_


class _OrNow(TyperGroup):
    """A group whose first word may be left out: `spheres backup /mnt/copies` makes a copy there."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the words, with `now` before them where none of ours comes first."""
        if not args or (args[0] not in self.commands and args[0] not in ctx.help_option_names):
            args = ["now", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(cls=_OrNow, help="A copy of the installation, encrypted, and the keys for it. Alone: make one now.")

KeyFile = Annotated[Path, typer.Option("--key", help="The file of the private key, as “spheres backup key” made it.")]


@app.command("now")
@asks(Action.RUN_INSTALLATION)
def now(
    to: Annotated[Path | None, typer.Argument(help="The folder for copies; without it, SPHERES_BACKUP_TO.")] = None,
) -> None:
    """Make a copy of the database and of both sets of keys, restore it aside to see that it is whole, and keep it."""
    require(Action.RUN_INSTALLATION, at_the_terminal())
    with tidily():
        taken = back_up(Settings.from_env(os.environ), to)
    tell(
        N_("The copy %(name)s is made and verified. Rows that came back from it: %(rows)s."),
        name=taken.id,
        rows=taken.rows,
    )


@app.command("key")
@asks(Action.KEEP_SEAL_KEYS)
def key(file: Annotated[Path, typer.Argument(help="A new file for the private key.")]) -> None:
    """Make the key pair for copies: the private key into a file of its owner alone, the public one is told."""
    require(Action.KEEP_SEAL_KEYS, at_the_terminal())
    file = file.expanduser().absolute()
    public = make_pair(file)
    tell(N_("The public key, for SPHERES_BACKUP_KEY: %(key)s"), key=public)
    tell(
        N_(
            "The private key is in %(file)s. Keep it away from this machine, in two places: "
            "without it no copy can be opened."
        ),
        file=file,
    )


@asks(Action.RUN_INSTALLATION)
def restore(
    copy: Annotated[
        Path | None, typer.Argument(help="A copy, or the folder of copies: then the newest. Else SPHERES_BACKUP_TO.")
    ] = None,
    *,
    key: KeyFile,
    at: Annotated[
        str, typer.Option("--at", help="A moment, such as “2026-11-30 14:05:06”, where an archive is kept.")
    ] = "",
    into: Annotated[Path | None, typer.Option("--into", help="An empty folder, in place of SPHERES_DATA.")] = None,
    keys_from: Annotated[
        Path | None, typer.Option("--keys-from", help="The copy whose keys are taken, where this one has none.")
    ] = None,
    without_keys: Annotated[
        bool, typer.Option("--without-keys", help="Bring back the database alone; keys that lie here stay.")
    ] = False,
    only_keys: Annotated[
        bool, typer.Option("--only-keys", help="Put back the keys alone, where the database is there and they are not.")
    ] = False,
    other_installation: Annotated[
        bool, typer.Option("--other-installation", help="Take a copy that was made at another address.")
    ] = False,
    drill_only: Annotated[
        bool, typer.Option("--drill", help="Restore aside, check everything, remove it again, and say the result.")
    ] = False,
) -> None:
    """Bring a copy back into an empty place: never over what is there. Nothing is served by it."""
    require(Action.RUN_INSTALLATION, at_the_terminal())
    settings = Settings.from_env(os.environ)
    wish = Wish(copy, key.expanduser(), at, into, keys_from, without_keys, other_installation, only_keys)
    with tidily():
        if drill_only:
            drill(settings, wish)
        else:
            bring_back(settings, wish)
