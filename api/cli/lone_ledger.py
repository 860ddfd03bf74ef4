"""A ledger that lies alone: it tells of an installation whose database is not here, and nothing is made over it.

Keys and an empty database beside it would be in the way of the restore that has to come first.
"""

from __future__ import annotations

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


def refuse_lone_ledger(settings: Settings) -> None:
    """Raises Ending where a ledger was begun and its database is not here, or holds no table. Raises NoLedger."""
    if has_lines(settings.ledger) and not _has_database(settings):
        raise alone(settings)


def alone(settings: Settings) -> Ending:
    """What is said then."""
    return Ending(say(current_language(), _ALONE, file=settings.ledger / NAME))


def _has_database(settings: Settings) -> bool:
    """Whether it is here, or may be: what may not be looked at, or is being brought back, others tell of."""
    url = settings.database_owner_url or settings.database_url
    if url is not None:
        from adapters.database import has_tables, is_being_restored  # noqa: PLC0415  # who stays does not read it

        return has_tables(url) or is_being_restored(url)
    try:
        (settings.data / "postgres" / "cluster").stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True
