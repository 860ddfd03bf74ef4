"""Every table, imported once, so that `models.base.metadata` is whole for those who need all of it."""

from models import access, agreement, casework, committee, engine, outbox, program, record
from models.base import metadata

__all__ = [
    "access",
    "agreement",
    "casework",
    "committee",
    "engine",
    "metadata",
    "outbox",
    "program",
    "record",
]
