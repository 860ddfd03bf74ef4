"""The databases that the settings name, or the embedded ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from adapters.postgres import DatabaseUrls, EmbeddedPostgres
from adapters.settings import Settings


@contextmanager
def databases(settings: Settings) -> Iterator[DatabaseUrls]:
    """Where each role signs in: the server that the settings name, or the embedded one, started for as long as this."""
    if settings.database_url is not None:
        yield DatabaseUrls(
            owner=settings.database_owner_url or "",
            app=settings.database_url,
            prefect=settings.prefect_database_url or "",
            admin="",
        )
        return
    with EmbeddedPostgres(settings.data / "postgres") as server:
        yield server.urls()
