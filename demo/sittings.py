"""The demonstration's meetings that are over: sat through, decided in, their minutes sent and approved by the next."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlmodel import Session

from demo.people import Happening, coordinator
from domain.casework import asking, complete_task
from domain.follow_ups import WEEK
from domain.kernel import Actor, col, every, local_day, of, surely
from domain.roles import standing
from meetings import (
    asked_partners,
    assembling,
    attendance,
    caseloads,
    deciding,
    decisions,
    discussing,
    endorsements,
    endorsing,
    freezing,
    minutes,
    posting,
    recruiters,
    running,
)
from meetings.agenda_items import items_of, kept_for_their_act
from models.meeting import Meeting

#: After the hour at which it began: opened, and each item a little later.
_OPENED: Final = timedelta(minutes=2)
_AN_ITEM: Final = timedelta(minutes=7)

#: What was said of the first items.
_NOTES: Final = (
    ("On fait le point; rien à signaler.", "Taken stock of; nothing to report."),
    ("Le comité en prend acte.", "The committee takes note of it."),
    ("À revoir avec l’équipe avant la prochaine rencontre.", "To be looked at with the team before the next meeting."),
)

#: What the committee says of somebody who was found to recruit others.
_WEIGHED: Final = {
    "profile": "Aucun antécédent connu.",
    "involvement": "A présenté une amie à un recruteur, au printemps; n’a plus de contact avec lui.",
    "benefits": "Reconnaît ce que cela a fait à son amie, s’engage à cesser et veut quitter le milieu.",
    "risks": "Faibles tant qu’aucune activité ne la réunit avec d’autres.",
}


@dataclass(frozen=True)
class _Decided:
    """What a meeting decided: with a role that owes it, and within how many days, or for good.

    Where it is on management, one partner says nothing of it; with `against`, another one objects for this reason.
    """

    fr: str
    en: str
    role: str = ""
    days: int = 0
    kind: str = "other"
    against: str = ""


#: Meeting by meeting, the oldest first. What was owed of the first one is done; of the second it is late by now.
_DECISIONS: Final = (
    (
        _Decided(
            "Inviter la clinique jeunesse à une rencontre.",
            "Invite the youth clinic to a meeting.",
            "coordinator",
            days=7,
        ),
        _Decided(
            "Les rencontres se tiennent en personne une semaine sur deux.",
            "Meetings are held in person every other week.",
            kind="management",
        ),
    ),
    (
        _Decided(
            "Mettre à jour la liste des ressources d’hébergement.",
            "Bring the list of housing resources up to date.",
            "administrative_officer",
            days=5,
        ),
        _Decided(
            "Partager une ligne téléphonique le soir, tenue à tour de rôle.",
            "Share a telephone line in the evenings, kept in turn.",
            kind="management",
            against="Nos équipes n’ont pas de soirées payées cette année.",
        ),
    ),
    (
        _Decided(
            "Préparer une capsule sur le secret professionnel.",
            "Prepare a short training on professional secrecy.",
            "coordinator",
            days=21,
        ),
        _Decided("Garder la salle Boréale pour l’hiver.", "Keep the Boréale room for the winter.", kind="clinical"),
    ),
)


@dataclass
class DemonstratedSittings:
    """What a committee did in its meetings that began before `today`, a local day, by the hand of the coordinator."""

    session: Session
    committee_id: Callable[[], UUID]
    today: date
    _held: list[UUID] = field(default_factory=list)

    def happenings(self, since: date) -> Iterator[Happening]:
        """Each day from `since` on, with what is done on it: the next day’s agenda, and its own meeting."""
        for day in (since + timedelta(days=n) for n in range((self.today - since).days)):
            yield Happening(day, self._sit)
            yield Happening(day, self._prepare)

    def _prepare(self, at: datetime) -> None:
        """The agenda of a meeting of the next day is drawn, frozen and sent."""
        by, tomorrow = coordinator(self.session, at), local_day(self.session, at) + timedelta(days=1)
        for row in self._planned_on(tomorrow):
            assembling.assemble(self.session, row.id, by=by, at=at)
            if tomorrow < self.today:
                outgoing = freezing.freeze(self.session, row.id, by=by, at=at)
                posting.post(self.session, outgoing, "frozen", at=at)

    def _sit(self, at: datetime) -> None:
        for row in self._planned_on(local_day(self.session, at)):
            self._hold(row, coordinator(self.session, at))

    def _hold(self, row: Meeting, by: Actor) -> None:
        meeting_id, at = row.id, row.starts_at + _OPENED
        running.open_meeting(self.session, meeting_id, by=by, at=at)
        self.attend(meeting_id, by, at)
        if self._held:
            minutes.approve(self.session, self._held[-1], in_meeting=meeting_id, by=by, at=at)
            self._complete_what_is_due(len(self._held), by, at)
            self._endorse(self._held[-1], at)
        decided = list(_DECISIONS[len(self._held) % len(_DECISIONS)])
        open_items = [item for item in items_of(self.session, meeting_id) if not item.outcome]
        # The last item is left to the next meeting, as happens.
        for place, item in enumerate(open_items[:-1]):
            at += _AN_ITEM
            if item.kind == recruiters.KIND:
                self._assess(meeting_id, item.id, by, at)
                continue
            if kept_for_their_act(self.session, [item]):
                continue  # a candidate comes back until the committee decides
            said_fr, said_en = _NOTES[place] if place < len(_NOTES) else (None, None)
            running.treat(self.session, item.id, "treated", note_fr=said_fr, note_en=said_en, by=by, at=at)
            if decided and item.purpose != "information":
                self._decide(meeting_id, item.id, decided.pop(0), by, at)
        for one in decided:
            self._decide(meeting_id, None, one, by, at)
        self._speak_of_cases(meeting_id, by, at)
        running.close_meeting(self.session, meeting_id, carry_rest=True, by=by, at=row.ends_at)
        minutes.circulate(self.session, meeting_id, by=by, at=row.ends_at + timedelta(hours=2))
        self._held.append(meeting_id)

    def _speak_of_cases(self, meeting_id: UUID, by: Actor, at: datetime) -> None:
        """The first cases of which nothing is raised are spoken of: one goes on, on the other its worker comes back."""
        day = local_day(self.session, at)
        back = discussing.Said("Le plan d’avant ne tient plus.", "Voir avec le CLSC.", day + WEEK)
        ways = (("goes_on", discussing.Said("Avance bien.")), ("changes", back))
        lines = caseloads.case_lines(self.session, day)
        cases = [one.row.id for one in lines if one.part is not None and one.brought is None]
        for case, (outcome, said) in zip(cases, ways, strict=False):
            discussing.discuss(self.session, meeting_id, case, outcome, said, by=by, at=at)

    def attend(self, meeting_id: UUID, by: Actor, at: datetime) -> None:
        """One seat is filled from afar, one by its alternate where it has one, and the others on site."""
        seats = [one for one in attendance.attendance_of(self.session, meeting_id) if one.expected]
        named = attendance.alternates_of(self.session, meeting_id)
        instead = next(((one, named[one.seat.id][0]) for one in seats if named.get(one.seat.id)), None)
        if instead is not None:
            seat, person = instead
            attendance.record(self.session, meeting_id, seat.seat.id, "alternate", person_id=person, by=by, at=at)
        afar = next((one for one in seats if instead is None or one.seat.id != instead[0].seat.id), None)
        if afar is not None:
            attendance.record(self.session, meeting_id, afar.seat.id, "remote", by=by, at=at)
        attendance.record_rest(self.session, meeting_id, by=by, at=at)

    def _assess(self, meeting_id: UUID, item_id: UUID, by: Actor, at: datetime) -> None:
        """The committee weighs what somebody would gain against what others would risk (AD-C4)."""
        participant_id = recruiters.sat_on(self.session, meeting_id)[item_id]
        recruiters.assess(self.session, participant_id, item_id, "benefits_exceed", why=_WEIGHED, by=by, at=at)

    def _decide(self, meeting_id: UUID, item_id: UUID | None, one: _Decided, by: Actor, at: datetime) -> None:
        due_on = local_day(self.session, at) + timedelta(days=one.days) if one.role else None
        deciding.decide(
            self.session,
            meeting_id,
            item_id,
            text_fr=one.fr,
            text_en=one.en,
            kind=one.kind,
            owner_role=one.role,
            due_on=due_on,
            by=by,
            at=at,
        )

    def _complete_what_is_due(self, held: int, by: Actor, at: datetime) -> None:
        """The secretary did what the first meeting asked of them."""
        if held != 1:
            return
        for row in decisions.open_in(self.session, [self.committee_id()]):
            if row.owner_role == "coordinator":
                complete_task(self.session, surely(row.task_id), by=by, at=at, note="Invitation envoyée.")

    def _endorse(self, meeting_id: UUID, at: datetime) -> None:
        """Each partner but one has said by the next meeting what it says of what was decided on management.

        Who said nothing is asked again, as the round does it.
        """
        today = standing(self.session, local_day(self.session, at))
        against = {one.fr: one.against for several in _DECISIONS for one in several}
        for row in decisions.decisions_of(self.session, meeting_id):
            reason = against.get(row.text_fr, "")
            for asked in asking.open_ones(self.session, asked_partners.ENDORSE, row.id)[1:]:
                first = today.falls(asked.links).holders[0]
                by = Actor(first.role, first.person_id, first.organization_id, first.acting_for)
                if not endorsements.may_speak(self.session, today, row, by, at=at):
                    continue  # it is vacant there
                said, place = "objected" if reason else "endorsed", UUID(asked.links[0].at)
                endorsing.endorse(self.session, row.id, place, said, reason=reason, by=by, at=at)
                reason = ""
        endorsing.ask_again(self.session, local_day(self.session, at), at=at)

    def _planned_on(self, day: date) -> list[Meeting]:
        rows = every(
            self.session,
            of(Meeting)
            .where(col(Meeting.committee_id) == self.committee_id(), Meeting.state == "planned")
            .order_by(col(Meeting.starts)),
        )
        return [row for row in rows if row.starts.date() == day]
