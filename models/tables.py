"""Every table, imported once, so that `models.base.metadata` is whole for those who need all of it."""

from models import (  # noqa: F401 - imported for the tables that they declare
    access,
    agenda,
    agreement,
    backups,
    casework,
    committee,
    consent,
    departure,
    destruction,
    engine,
    equipment,
    follow_up,
    invitation,
    ledger,
    meeting,
    minutes,
    obligation,
    outbox,
    participant,
    program,
    record,
    redaction,
    referral,
    right,
)
from models.base import metadata as metadata  # noqa: PLC0414 - for those who need every table
