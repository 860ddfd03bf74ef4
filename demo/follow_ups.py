"""The follow-ups of the demonstration: participants by number alone, with weeks of notes, by the real verbs.

They were admitted before the program kept this record, without a referral in it. Each consented to sharing with every
partner, but for one who left one partner out. One is being lost, one is on a break, one was found to recruit others,
then withdrew, and one is without a worker since theirs left. For the youngest a parent signed, and they are 14 by now.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from itertools import cycle
from typing import Final
from uuid import UUID, uuid4

from sqlmodel import Session

from demo.people import Happening, coordinator, organization, person, worker
from demo.signatures import signature_drawn
from domain.accompaniment import GivenSignature, PartnerTick, SignedForm, breaks, consent_forms, reviews, states
from domain.admissions import numbers
from domain.follow_ups import WEEK, Issue, Week, contacts, issues, monday_of, notes, opening, processes, self_reports
from domain.kernel import ROUNDS, Actor, Calendar, local_day, new_key, only, program_of, run
from domain.participants import (
    CONSENTS_ALONE,
    IdentityColumns,
    ParticipantIdentity,
    new_reference,
    research,
    sealed_identity,
)
from meetings import recruiters
from models.participant import DataKey, Participant
from models.program import Organization


@dataclass(frozen=True)
class _Story:
    """One participant: their place in the year's numbers, who follows them, since how many weeks, and how it went.

    `left_out` is the partner with which they do not share.
    """

    place: int
    name: str
    worker: str
    weeks: int
    second: str = ""
    intensity: str = "regular"
    left_out: str = ""
    gender: str = "woman"

    @property
    def workers(self) -> tuple[str, ...]:
        """Who accompanies them, by key: the primary worker, and the second where there is one."""
        return (self.worker, self.second) if self.second else (self.worker,)


#: Whoever is named here is a youth worker of the demonstration at that time; theo has left since.
_STORIES: Final = (
    _Story(1, "Mélisse Fougère", "noe", 10, second="elodie"),
    _Story(2, "Anémone Tilleul", "elodie", 10, second="noe", intensity="intense", left_out="anonyme"),
    _Story(3, "Sauge Églantier", "noe", 8),
    _Story(4, "Marjolaine Cèdre", "noe", 7, intensity="light", gender="other"),
    _Story(5, "Achillée Frêne", "theo", 12, gender="man"),
    _Story(6, "Valériane Saule", "elodie", 5),
    _Story(7, "Cassis Bouleau", "emile", 3),
)
_LOST: Final = 3
_ON_BREAK: Final = 4
_WITHDREW: Final = 6
#: For whom a parent signed three weeks ago: they are 14 since the last working day, or some days longer.
_FOURTEEN: Final = 7
#: Of whom the committee assesses the risk to others, at its next meeting.
_RECRUITS: Final = 6
_CONSENT_TO_RESEARCH: Final = (2, 1, 3)
#: Who ticked research too: the research coordinator is asked to keep what they said.
_FOR_RESEARCH: Final = frozenset({4})
#: What the weeks were like, one after the other.
_WEEKS: Final = (
    Week(
        met=1,
        minutes=60,
        need="stability",
        main_activity="Visite d’un logement préparée",
        worker_satisfaction="satisfied",
        participant_satisfaction="satisfied",
        activity_type="social",
        summary="Parle de son logement; on prépare la visite de lundi.",
    ),
    Week(
        met=2,
        minutes=135,
        communications=("text_message",),
        need="emergency",
        main_activity="Accompagnement à un rendez-vous",
        worker_satisfaction="somewhat_satisfied",
        activity_type="medical",
        summary="Semaine difficile. A demandé qu’on l’accompagne au CLSC.",
        other_workers="Appel au CLSC; la réponse tarde.",
    ),
    Week(
        communications=("telephone", "messenger"),
        need="relationship",
        summary="Au téléphone seulement; rencontre remise à la semaine prochaine.",
    ),
    Week(met=1, minutes=45, need="relationship", participant_satisfaction="very_satisfied"),
    Week(why_none="not_scheduled"),
    Week(
        met=1,
        minutes=75,
        need="participation",
        worker_satisfaction="very_satisfied",
        participant_satisfaction="very_satisfied",
        activity_type="community",
        summary="De bonnes nouvelles de l’école.",
    ),
)

#: What is raised for the next Clinical Committee: of whom, by which worker, in their words, and whether it cannot wait.
_RAISED: Final = (
    (_LOST, "noe", "Plus de nouvelles depuis un mois. Je voudrais qu’on décide d’une dernière tentative.", True),
    (2, "elodie", "Hésite à retourner au centre. Comment parler de la suite sans pousser?", False),
)
#: The processes of motivational interviewing of a follow-up, the last week first; the next one's without that week.
_MARKED: Final = (("planning",), ("evocation", "planning"), ("focus", "evocation"), ("relationship", "focus"))


@dataclass
class DemonstratedFollowUps:
    """What happened around participants up to the day on which the demonstration is loaded, a local day."""

    session: Session
    calendar: Calendar
    today: date
    _made: dict[int, UUID] = field(default_factory=dict)
    _people: dict[int, UUID] = field(default_factory=dict)
    _missed: UUID = field(default_factory=uuid4)

    def happenings(self) -> Iterator[Happening]:
        """Each thing that was done, with the past working day on which somebody did it."""
        first = self._day(max(story.weeks for story in _STORIES), 0)
        yield Happening(first, partial(self._take_over, year=first.year))
        for story in _STORIES:
            yield Happening(
                self._day(story.weeks, 0), partial(self._begin, story, year=first.year), takes_on=story.workers
            )
            said = cycle([*_WEEKS[story.place % len(_WEEKS) :], *_WEEKS[: story.place % len(_WEEKS)]])
            for back in range(story.weeks, 0, -1):
                monday, day = monday_of(self.today) - back * WEEK, self._day(back, 4)
                week = self._said(story, back, next(said))
                if week is not None and day >= monday:
                    yield Happening(day, partial(self._note, story, monday, week))
        yield Happening(self._day(4, 3), self._find_recruiter)
        yield Happening(self._day(3, 1), self._consent_to_research)
        yield Happening(self._day(2, 1), self._try_to_reach)
        yield Happening(self._day(2, 2), self._miss)
        yield Happening(self._day(2, 3), self._agree)
        yield Happening(self._day(2, 4), self._pause)
        yield Happening(self._day(1, 1), self._withdraw)
        yield Happening(self._yesterday(), self._find_who_is_fourteen)
        yield Happening(self._yesterday(), self._raise)

    def _said(self, story: _Story, back: int, week: Week) -> Week | None:
        if story.worker == "theo" and self._day(back, 4) >= self._left():
            return None
        if story.place == _LOST and back <= 4:  # noqa: PLR2004 - since a month
            return Week(why_none="no_news")
        if story.place == _ON_BREAK and back <= 1:
            return None
        if story.place == _WITHDREW and back <= 1:
            return None
        return week

    def _yesterday(self) -> date:
        """The last working day before today."""
        return self.calendar.add_working_days(self.today, -1)

    def _left(self) -> date:
        return self.calendar.add_working_days(self.today, -12)

    def _day(self, weeks_ago: int, weekday: int) -> date:
        """A working day of a past week: the weekday that is asked for, or the last one before it that is worked."""
        day = monday_of(self.today) - weeks_ago * WEEK + timedelta(days=weekday)
        return day if self.calendar.is_working_day(day) else self.calendar.add_working_days(day, -1)

    def _take_over(self, at: datetime, *, year: int) -> None:
        last = max(story.place for story in _STORIES)
        numbers.take_over(self.session, year, last, by=coordinator(self.session, at), at=at)

    def _begin(self, story: _Story, at: datetime, *, year: int) -> None:
        here, participant_id = program_of(self.session), uuid4()
        new_key(self.session, participant_id)
        self.session.add(
            Participant(
                program_id=here,
                id=participant_id,
                candidate_ref=new_reference(),
                number=f"#{year}-{story.place:02d}",
                state="admitted",
                languages=["fr"],
                admitted_on=local_day(self.session, at),
                **self._who(story, participant_id, at),
            )
        )
        self.session.flush()
        self.session.add(DataKey(program_id=here, participant_id=participant_id, made_at=at))
        self.session.flush()
        self._people[story.place] = participant_id
        self._consent(story, participant_id, at)
        self._made[story.place] = opening.open_follow_up(
            self.session,
            participant_id,
            worker=person(self.session, story.worker),
            second=person(self.session, story.second) if story.second else None,
            intensity=story.intensity,
            by=coordinator(self.session, at),
            at=at,
        )

    def _who(self, story: _Story, participant_id: UUID, at: datetime) -> IdentityColumns:
        """The sealed columns of somebody of 17 or so, who exists nowhere else; of one who turned 14 since."""
        given_name, family_name = story.name.split()
        born = local_day(self.session, at).replace(day=1) - timedelta(days=(16 + story.place % 3) * 366)
        if story.place == _FOURTEEN:
            day = self._yesterday()
            born = date(day.year - CONSENTS_ALONE, day.month, min(day.day, 28))
        return sealed_identity(
            self.session,
            participant_id,
            ParticipantIdentity(given_name, family_name, birth_date=born, gender=story.gender),
        )

    def _consent(self, story: _Story, participant_id: UUID, at: datetime) -> None:
        """The form with the program and each partner that is not left out, signed on a screen and stored."""
        day, by = local_day(self.session, at), worker(self.session, story.worker, at)
        signer = "parental_authority" if story.place == _FOURTEEN else "self"
        partners = tuple(PartnerTick(place) for place, key in self._partners().items() if key != story.left_out)
        signed = SignedForm(
            day,
            day,
            signer,
            day,
            "fr",
            limits_stated=True,
            copy_given_on=day,
            partners=partners,
            research=story.place in _FOR_RESEARCH,
        )
        signature = GivenSignature("drawn", signature_drawn())
        consent_forms.sign_form(self.session, participant_id, signed, signature, by=by, at=at)
        form = consent_forms.forms_of(self.session, participant_id)[0]
        consent_forms.store_form(self.session, participant_id, form.id, by=coordinator(self.session, at), at=at)

    def _partners(self) -> dict[UUID, str]:
        rows = run(self.session, only(Organization.id, Organization.key).where(Organization.kind != "outside"))
        return {row.id: row.key for row in rows}

    def _note(self, story: _Story, week: date, said: Week, at: datetime) -> None:
        by = worker(self.session, story.worker, at)
        notes.amend_note(self.session, self._made[story.place], week, asdict(said), complete=True, by=by, at=at)

    def _find_recruiter(self, at: datetime) -> None:
        recruiters.find_recruiter(self.session, self._people[_RECRUITS], by=worker(self.session, "elodie", at), at=at)

    def _consent_to_research(self, at: datetime) -> None:
        """Three consent to the research; of one the first questionnaire was filled in, of the others it is due."""
        day = local_day(self.session, at)
        by = Actor("research_coordinator", person(self.session, "gael"), organization(self.session, "ccsmtl"))
        for place in _CONSENT_TO_RESEARCH:
            research.keep_research_consent(self.session, self._people[place], day, by=by, at=at)
        by, done = worker(self.session, "elodie", at), self._made[_CONSENT_TO_RESEARCH[0]]
        self_reports.record_self_report(self.session, done, 1, done_on=day, risk="yellow", by=by, at=at)

    def _try_to_reach(self, at: datetime) -> None:
        by = worker(self.session, "noe", at)
        contacts.record_attempt(self.session, self._made[_LOST], means="message", reached=False, by=by, at=at)

    def _miss(self, at: datetime) -> None:
        self._missed = contacts.record_no_show(
            self.session,
            self._made[2],
            expected_at=at - timedelta(hours=1),
            waited_minutes=15,
            by=worker(self.session, "elodie", at),
            at=at,
        )

    def _agree(self, at: datetime) -> None:
        contacts.agree_strategy(
            self.session, self._made[2], self._missed, "another_place", by=worker(self.session, "elodie", at), at=at
        )

    def _pause(self, at: datetime) -> None:
        breaks.take_break(
            self.session,
            self._made[_ON_BREAK],
            returns_on=self.today + timedelta(days=19),
            terms="Je t’écris après les examens. Pas d’appels à la maison.",
            by=worker(self.session, "noe", at),
            at=at,
        )

    def _find_who_is_fourteen(self, at: datetime) -> None:
        reviews.keep(self.session, self._people[_FOURTEEN], by=Actor.system(ROUNDS), at=at)

    def _raise(self, at: datetime) -> None:
        """Two workers raise something for the next meeting; two mark what the last weeks were about."""
        for place, key, words, urgent in _RAISED:
            by, said = worker(self.session, key, at), Issue(words, urgent=urgent)
            issues.raise_issue(self.session, self._made[place], said, by=by, at=at)
        this = monday_of(local_day(self.session, at))
        for place, key in ((1, "noe"), (2, "elodie")):
            for back, marked in enumerate(_MARKED[place - 1 :]):
                by = worker(self.session, key, at)
                processes.mark_processes(self.session, self._made[place], this - back * WEEK, marked, by=by, at=at)

    def _withdraw(self, at: datetime) -> None:
        states.deactivate(self.session, self._made[_WITHDREW], "withdrew", by=worker(self.session, "elodie", at), at=at)
