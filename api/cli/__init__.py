"""The command line: `spheres up`, and what an operator or an author of protocols does without a browser."""

from __future__ import annotations


def main() -> None:
    """Run one command. What a rule refuses is a sentence and status 1; what a command needs and lacks is status 2."""
    # The process that stays behind `spheres up` is of this package too, and reads none of the commands.
    from api.cli.commands import run  # noqa: PLC0415

    run()
