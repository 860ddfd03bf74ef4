"""How the tests have a study: people who consent to research, a study with a recipient, and exports that are made."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlmodel import Session

from domain.participants import research
from domain.research import FIELDS, exports, studies
from domain.research.studies import EthicsApproval, StudyDescription
from tests.cast import AT, Cast
from tests.following import followed, row_of

#: When exports are asked for: of those who came in November, the months until December are over.
THEN: Final = AT + timedelta(days=60)
KEEPER, APPROVER, RECEIVER = "research_coordinator", "privacy_officer", "researcher"


def consenting(session: Session, cast: Cast, number: str, *, at: datetime = AT) -> UUID:
    """Somebody who is followed, and who consented to research."""
    participant_id: UUID = row_of(session, followed(session, cast, number, at=at))["participant_id"]
    research.keep_research_consent(session, participant_id, at.date(), by=cast.actor(KEEPER), at=at)
    return participant_id


def several(session: Session, cast: Cast, n: int, *, first: int = 1, at: datetime = AT) -> list[UUID]:
    """So many of them, with numbers from the first one on."""
    return [consenting(session, cast, f"#2026-{first + place:02}", at=at) for place in range(n)]


def described(fields: tuple[str, ...] = tuple(FIELDS), ends_on: date = date(2027, 6, 30)) -> StudyDescription:
    """A study of the end of 2026."""
    return StudyDescription(
        title_fr="Intensité du suivi",
        title_en="Intensity of the follow-up",
        purpose_fr="Décrire l’intensité des suivis.",
        purpose_en="Describe the intensity of the follow-ups.",
        ethics=EthicsApproval("Comité d’éthique de la recherche", "CER-2026-14", ends_on),
        first_month=date(2026, 9, 1),
        last_month=date(2027, 12, 1),
        fields=fields,
    )


def studied(session: Session, cast: Cast, said: StudyDescription | None = None, *, at: datetime = AT) -> UUID:
    """A study with one recipient."""
    by = cast.actor(KEEPER)
    study_id = studies.open_study(session, said or described(), by=by, at=at)
    studies.name_recipient(session, study_id, cast.people[RECEIVER], by=by, at=at)
    return study_id


def exported(session: Session, cast: Cast, study_id: UUID, *, at: datetime = THEN) -> UUID:
    """An export that was asked for, and approved."""
    export_id = exports.ask(session, study_id, by=cast.actor(KEEPER), at=at)
    exports.approve(session, export_id, by=cast.actor(APPROVER), at=at)
    return export_id


def rows_of(session: Session, cast: Cast, export_id: UUID, *, at: datetime = THEN) -> list[list[str]]:
    """The rows of an export as its recipient downloads them, with the names of the columns first."""

    given = exports.download(session, export_id, "data.csv", "fr", by=cast.actor(RECEIVER), at=at)
    return list(csv.reader(io.StringIO(given.content.decode("utf-8-sig"))))
