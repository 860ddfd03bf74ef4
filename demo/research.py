"""The research of the demonstration: participants and two members of staff who consented, and a study.

Its export was asked for yesterday, and waits for the privacy officer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlmodel import Session

from demo.people import Happening, person
from domain.kernel import Actor, Calendar, col, local_day, only, scalars
from domain.participants import research
from domain.research import EthicsApproval, StudyDescription, exports, staff_consents, studies
from models.consent import ResearchConsent
from models.participant import Participant

_KEEPER, _RECEIVER = "gael", "iris"
#: Of the staff, those who signed.
_SIGNED: Final = ("noe", "elodie")
#: So many of the participants said yes: enough to go together.
_CONSENTING: Final = 6
_FIELDS: Final = ("age", "entered", "risk", "state", "meetings", "minutes", "in_touch", "why_none")


@dataclass
class DemonstratedResearch:
    """What happened in the research up to the day on which the demonstration is loaded, a local day."""

    session: Session
    calendar: Calendar
    today: date
    _made: list[UUID] = field(default_factory=list)

    def happenings(self) -> Iterator[Happening]:
        """Each thing that was done, with the past working day on which a person did it."""
        yield Happening(self.calendar.add_working_days(self.today, -6), self._consent)
        yield Happening(self.calendar.add_working_days(self.today, -3), self._open)
        yield Happening(self.calendar.add_working_days(self.today, -1), self._ask)

    def _by(self) -> Actor:
        return Actor("research_coordinator", person(self.session, _KEEPER))

    def _consent(self, at: datetime) -> None:
        day = local_day(self.session, at)
        numbered = only(Participant.id).where(Participant.state == "admitted").order_by(col(Participant.number))
        said = set(scalars(self.session, only(ResearchConsent.participant_id)))  # on the form that they signed
        for participant_id in scalars(self.session, numbered.limit(_CONSENTING)).all():
            if participant_id not in said:
                research.keep_research_consent(self.session, participant_id, day, by=self._by(), at=at)
        for key in _SIGNED:
            staff_consents.keep(self.session, person(self.session, key), day, by=self._by(), at=at)

    def _open(self, at: datetime) -> None:
        day = local_day(self.session, at)
        said = StudyDescription(
            title_fr="Ce qui aide à rester en contact",
            title_en="What helps to stay in touch",
            purpose_fr="Décrire l’intensité des suivis, et ce qui va avec le maintien du contact.",
            purpose_en="Describe the intensity of follow-ups, and what goes with staying in touch.",
            ethics=EthicsApproval("Comité d’éthique de la recherche", "MP-50-114", day + timedelta(days=300)),
            first_month=day - timedelta(days=400),
            last_month=day + timedelta(days=300),
            fields=_FIELDS,
        )
        study_id = studies.open_study(self.session, said, by=self._by(), at=at)
        studies.name_recipient(self.session, study_id, person(self.session, _RECEIVER), by=self._by(), at=at)
        self._made.append(study_id)

    def _ask(self, at: datetime) -> None:
        exports.ask(self.session, self._made[0], by=self._by(), at=at)
