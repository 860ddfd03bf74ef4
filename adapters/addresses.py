"""The address of a database: read as its drivers read it, and given to libpq in parts.

SQLAlchemy writes a space as `+`, which libpq takes for a plus, and two hosts as libpq does not. An address that is
written again is for SQLAlchemy alone.
"""

import re
from typing import Any, Final, cast

from psycopg import ProgrammingError
from psycopg.conninfo import make_conninfo
from sqlalchemy import URL, make_url
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.exc import ArgumentError

#: An address whose server is a list, as libpq takes it: what stands before it, the list, and what follows.
_SEVERAL: Final = re.compile(r"([^:/?#]+://(?:[^/?#]*@)?)([^/?#@]*,[^/?#@]*)((?:[/?#].*)?)", re.DOTALL)
_PORT: Final = 5432
_DIALECT: Final[Any] = cast("Any", PGDialect_psycopg)()


def read_address(given: str) -> URL:
    """An address as SQLAlchemy takes it. Several hosts may stand in it as libpq writes them: `h1:5432,h2:5432`.

    Raises ValueError where it is no address of a database.
    """
    several = _SEVERAL.fullmatch(given)
    try:
        if several is None:
            url = make_url(given)
        else:
            hosts = [host if ":" in host else f"{host}:{_PORT}" for host in several[2].split(",")]
            url = make_url(several[1] + several[3]).update_query_dict({"host": hosts})
        parts_of(url)
    except ArgumentError:
        raise ValueError("no address of a database") from None
    return url


def parts_of(url: str | URL) -> dict[str, str]:
    """The parts that the drivers of SQLAlchemy and libpq both get: host, port, user, password, dbname and others."""
    _, parts = _DIALECT.create_connect_args(make_url(url))
    # A part that appears several times in an address is a tuple: of `options`, each counts.
    return {name: " ".join(value) if isinstance(value, tuple) else str(value) for name, value in parts.items()}


def conninfo_of(url: str | URL, **also: str) -> str:
    """The address as libpq takes it, by its parts, with `also` in place of what it says. It holds the password.

    Raises ValueError where it names a parameter that libpq does not know.
    """
    try:
        return make_conninfo(**parts_of(url) | also)
    except ProgrammingError:
        raise ValueError("libpq does not know a parameter of this address") from None
