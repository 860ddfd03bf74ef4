"""Every group of checks, in the order in which they are told. One more is one more line here."""

from __future__ import annotations

from typing import Final

from api.cli.checkup import (
    clock,
    copies,
    databases,
    engine,
    keys,
    ledger,
    mail,
    ports,
    program_walls,
    settings,
    versions,
)
from api.cli.checkup.finding import Group

GROUPS: Final[tuple[Group, ...]] = (
    settings.GROUP,
    databases.GROUP,
    program_walls.GROUP,
    keys.GROUP,
    ledger.GROUP,
    copies.GROUP,
    engine.GROUP,
    clock.GROUP,
    mail.GROUP,
    ports.GROUP,
    versions.GROUP,
)
