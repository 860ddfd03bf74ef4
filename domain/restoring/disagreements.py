"""Why a ledger and a database do not belong together, in words for those who run the installation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from domain.restoring.judging import Disagrees
from locales import N_, say
from models.ports import NoLedger

#: By `Disagrees.why`.
_WHY: Final[Mapping[str, str]] = {
    "missing": N_(
        "%(file)s is empty, and this database knows its line %(line)s: put its newest copy back. Where there is "
        "none, say so with: spheres ledger accept"
    ),
    "shorter": N_(
        "%(file)s ends with line %(line)s, and this database knows later ones: an older copy was put back. Put the "
        "newest one there. Where there is none, say so with: spheres ledger accept"
    ),
    "different": N_(
        "Line %(line)s of %(file)s is not the one that this database knows: it was changed, or is another "
        "installation’s. Put the right one there. Where there is none, say so with: spheres ledger accept"
    ),
    "restored": N_(
        "This database was restored from a copy, and that has not been dealt with: line %(line)s of %(file)s is not "
        "known to it. Stop everything and start it again with spheres up, or run: spheres migrate"
    ),
    "moved": N_(
        "This database is not where it was when line %(line)s of %(file)s was written: a copy was put back, or it was "
        "moved. Stop everything. Where it was moved and nothing was done since, say so with: spheres ledger moved. "
        "Then start with spheres up, or run: spheres migrate"
    ),
    "restoring": N_(
        "A restore is at work in this database, or one was cut off: nothing is served from it. Where it was cut off, "
        "do it again with the same command, on the machine where it ran. Where a copy was brought back by other means "
        "since, say so in the database, as its owner: comment on database … is null"
    ),
    "fresh": N_(
        "This database is empty, and %(file)s tells, up to its line %(line)s, of an installation that ran here. "
        "Restore its database. To begin a new installation, put the folder away; to go on with this ledger, say so "
        "with: spheres ledger accept"
    ),
}


def told_of_ledger(error: Disagrees | NoLedger, folder: Path, language: str) -> str:
    """What is wrong, with which file, and what to do."""
    sentence, facts = why_of_ledger(error, folder)
    return say(language, sentence, **facts)


def why_of_ledger(error: Disagrees | NoLedger, folder: Path) -> tuple[str, Mapping[str, object]]:
    """The same, as a sentence to be translated and its facts."""
    if isinstance(error, NoLedger):
        return error.sentence, error.facts
    return _WHY[error.why], {"file": str(folder / "ledger.jsonl"), "line": error.line}
