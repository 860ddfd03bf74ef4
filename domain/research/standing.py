"""Which consents to research stand, also as a restore left them."""

from __future__ import annotations

from sqlalchemy import ColumnElement

from domain.kernel import MATTER, col, undecided
from models.research import StaffResearchConsent, Study, StudyRecipient


def removed_since() -> ColumnElement[bool]:
    """The condition on a recipient that they had been removed, and a restore lost that."""
    return undecided(
        "restriction",
        MATTER.verb == "study.recipient_removed",
        col(MATTER.subject_id) == col(StudyRecipient.study_id),
        col(MATTER.person_id) == col(StudyRecipient.person_id),
        col(MATTER.at) >= col(StudyRecipient.named_at),
    )


def ended_since() -> ColumnElement[bool]:
    """The condition on a study that it had ended, and a restore lost that."""
    return undecided("other", MATTER.verb == "study.ended", col(MATTER.subject_id) == col(Study.id))


def staff_withdrawn_since() -> ColumnElement[bool]:
    """The condition on a consent of staff that it had been withdrawn, and a restore lost that."""
    return undecided(
        "consent",
        MATTER.verb == "staff_research_consent.withdrawn",
        col(MATTER.subject_id) == col(StaffResearchConsent.person_id),
        col(MATTER.at) >= col(StaffResearchConsent.recorded_at),
    )
