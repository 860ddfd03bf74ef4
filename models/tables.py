"""Every table, imported once, so that `models.base.metadata` is whole for those who need all of it."""

from models import (
    access,
    agenda,
    agreement,
    casework,
    committee,
    consent,
    engine,
    follow_up,
    invitation,
    meeting,
    minutes,
    obligation,
    outbox,
    participant,
    program,
    record,
    referral,
)
from models.base import metadata

__all__ = [
    "access",
    "agenda",
    "agreement",
    "casework",
    "committee",
    "consent",
    "engine",
    "follow_up",
    "invitation",
    "meeting",
    "metadata",
    "minutes",
    "obligation",
    "outbox",
    "participant",
    "program",
    "record",
    "referral",
]
