"""A ledger that lies alone: it tells of an installation whose database is not here, and nothing is made over it.

Keys and an empty database beside it would be in the way of the restore that has to come first. Who stays reads this
module, and nothing that speaks to a database.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from adapters.ledger import NAME, has_lines
from adapters.settings import Settings
from api.cli.spoken import Ending
from locales import N_, current_language, say

_ALONE: Final = N_(
    "A ledger lies at %(file)s, of an installation whose database is not here. Nothing was made. Bring the database "
    "back first, with: spheres restore FOLDER --key FILE. Where there is no copy of it, put the ledger’s folder away: "
    "then a new installation begins."
)


def refuse_without_server(settings: Settings) -> None:
    """Raises Ending where a ledger was begun and the embedded database is not here. Raises NoLedger."""
    if has_lines(settings.ledger) and not _is_made(settings.data / "postgres" / "cluster"):
        raise alone(settings)


def alone(settings: Settings) -> Ending:
    """What is said then."""
    return Ending(say(current_language(), _ALONE, file=settings.ledger / NAME))


def _is_made(cluster: Path) -> bool:
    """Whether a server was made there, or may have been: of what we may not look at others tell."""
    try:
        cluster.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True
