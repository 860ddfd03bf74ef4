"""What a shell completes `spheres ob` with: the list in `words.txt`, since reading every command takes seconds.

`python -m api.cli.completing` writes the list anew from the commands, and a test holds it against them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from inspect import Parameter, Signature
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn

import typer

#: A command a line, hidden ones apart: its words, then its options; one that takes a value ends in `=`.
WORDS: Final = Path(__file__).with_name("words.txt")


def complete() -> NoReturn:
    """Answer the shell that asks, and end the process. Reads no setting, and no database."""
    app = typer.Typer(add_completion=True)
    groups = {"": app}
    for line in WORDS.read_text(encoding="utf-8").splitlines():
        words = [word for word in line.split() if not word.startswith("--")]
        options = [word for word in line.split() if word.startswith("--")]
        group, command = " ".join(words[:-1]), words[-1]
        if group not in groups:
            groups[group] = typer.Typer()
            app.add_typer(groups[group], name=group)
        groups[group].command(command)(_with_options(options))
    app(prog_name="spheres")
    raise SystemExit(0)


def lines_of(command: Any, *words: str) -> Iterator[str]:
    """The lines of `words.txt` for a command of typer's and what stands under it."""
    if command.hidden:
        return
    for name, below in getattr(command, "commands", {}).items():
        yield from lines_of(below, *words, name)
    if not hasattr(command, "commands"):
        yield " ".join([*words, *_options_of(command)])


def _options_of(command: Any) -> Iterator[str]:
    for one in command.params:
        if one.param_type_name == "option" and not one.hidden:
            for name in (*one.opts, *one.secondary_opts):
                yield name if one.is_flag else f"{name}="


def _with_options(written: list[str]) -> Callable[..., None]:
    """A command that does nothing and has these options."""

    def command(**_: Any) -> None:
        return

    given = [_option(f"option_{number}", one) for number, one in enumerate(written)]
    # What typer asks a function for.
    command.__annotations__ = {one.name: one.annotation for one in given}
    command.__signature__ = Signature(given)  # type: ignore[attr-defined]  # any function may have one
    return command


def _option(name: str, written: str) -> Parameter:
    kind, default = (str, "") if written.endswith("=") else (bool, False)
    option = Annotated[kind, typer.Option(written.removesuffix("="))]  # type: ignore[valid-type]  # one of the two
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=option)


def main() -> None:
    """Write the list anew."""
    from api.cli.commands import app  # noqa: PLC0415  # what completes reads none of it

    WORDS.write_text("\n".join(lines_of(typer.main.get_command(app))) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
