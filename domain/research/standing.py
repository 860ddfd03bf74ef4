"""Which consents to research stand, also as a restore left them."""

from __future__ import annotations

from sqlalchemy import ColumnElement

from domain.kernel import MATTER, col, undecided
from models.consent import ResearchConsent


def stands() -> tuple[ColumnElement[bool], ...]:
    """The conditions on a consent to research that it was not withdrawn, nor had been before a restore."""
    return (col(ResearchConsent.withdrawn_on).is_(None), ~taken_back_since())


def taken_back_since() -> ColumnElement[bool]:
    """The condition on a consent to research that it had been withdrawn, and a restore lost that."""
    return undecided(
        "consent",
        MATTER.verb == "research_consent.withdrawn",
        col(MATTER.subject_id) == col(ResearchConsent.participant_id),
        col(MATTER.at) >= col(ResearchConsent.recorded_at),
    )
