"""Tasks as the pages show them: who each waits on, for what it waits, its proof, and what the reader may do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property
from itertools import groupby
from typing import Final, Protocol, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ARRAY, Uuid, any_, bindparam

from api.access.cases import to_duty
from api.access.permissions import Action, Given, Relation, is_allowed, to_program
from api.access.session import RequestContext
from api.access.words import ReadWords, asked_of_said, said_with
from api.views.names import places_by_id, titles_of_roles
from api.views.sentences import sentence_of
from api.views.states import state_of_task
from api.views.task_places import line_on_departure, place_of
from api.views.task_reads import EvidenceLine, asked_of_evidence, chains_of, evidence_of, lendable, needs, steps_of
from domain.casework import (
    BY_ITS_ACT,
    Beside,
    asked_of_pins,
    bar_to_approval,
    board,
    is_in_place,
    newer_version,
    people_of,
    requests,
    subjects,
    words_in_place,
)
from domain.declarations import clause_without_role
from domain.kernel import Actor, ask_ahead, built, col, kept_by_id, only, program_of, run, surely, title_of
from domain.roles import DayTenures, Falls, HeldRole, Link, asked_of_who_barred, standings
from locales import N_, gettext, say
from models.casework import LIVE, SETTLED, Case, Task
from models.lifecycles import TASK
from models.program import Person
from models.record import Event

#: What may be done with a task, in the order of its buttons, and the action that each asks.
ACTS: Final[Mapping[str, Action]] = {
    "complete": Action.COMPLETE_TASK,
    "approve": Action.APPROVE_TASK,
    "reject": Action.REJECT_TASK,
    "hand_back": Action.HAND_BACK_TASK,
    "return": Action.RETURN_TASK,
    "waive": Action.WAIVE_TASK,
    "undo": Action.UNDO_TASK,
}


@dataclass(frozen=True)
class Named:
    """A person as a page names them: for themselves, or acting for someone."""

    id: UUID | None
    name: str
    role: str = ""
    acting_for: str = ""


@dataclass(frozen=True)
class TaskComing:
    """A person who is to begin in a role, from a day on."""

    id: UUID
    name: str
    role: str
    starts_on: date


@dataclass(frozen=True)
class TaskCase:
    """The case that a task belongs to, in the reader's language. `organization` is "" for one of the program."""

    id: UUID
    title: str
    kind: str
    subject: str
    subject_href: str
    organization: str
    protocol: str
    state: str


@dataclass(frozen=True)
class TaskLine:
    """One task on a page.

    `state` is a key of `api.views.states.STATES`; `in_days` counts calendar days from today to the due day, and is
    negative only where the task is late. `holders` are those on whom it waits, today or, where it comes later, on
    its due day; `vacant` is the role without a holder then, and `away` the role whose holder is absent without a
    deputy. `coming` are people who begin in time for it or, where it `is_early`, those in whose place another has it
    until they begin. `stuck` says, role by role, what would help an approval that no one can give. `offers` are keys
    of `ACTS`.
    """

    id: UUID
    version: int
    title: str
    state: str
    is_late: bool
    due_on: date | None
    in_days: int | None
    holders: Sequence[Named]
    vacant: str
    away: str
    coming: Sequence[TaskComing]
    is_early: bool
    stuck: Sequence[str]
    is_mine: bool
    for_whom: Named | None  # the absent person for whom the reader has it
    sources: Sequence[str]
    clause: str
    help: str
    waits_for: Sequence[tuple[UUID, str]]
    done_by: Named | None  # without an id, the program itself did it
    done_at: datetime | None
    settled_by: Named | None
    settled_at: datetime | None
    handed_back_by: Named | None
    given_again_by: Named | None
    note: str
    reason: str
    evidence: Sequence[EvidenceLine]
    asks: str
    asked: Sequence[
        tuple[str, str]
    ]  # what was filled in when it was handed in: what each part is called, and its value
    given: Mapping[str, object]  # the same as it is kept
    lendable: Sequence[
        tuple[str, str]
    ]  # of what hands equipment over: serial numbers of the inventory, and their words
    place: str  # of a task that only its act completes: the page on which that is done
    bar: str
    about: TaskCase | None
    offers: frozenset[str]
    task: Task
    has_words: bool = False  # about a participant: they are opened on the task's own page
    is_withheld: bool = False  # words about a participant came to the reader with it, whom the file is closed to
    is_shut: bool = False  # it is the reader's to do, and the participant's file is not open to them
    is_left: bool = False  # the reader did it, and the words with it are read by who keeps the participant's file
    beside: Sequence[Beside] = ()  # words of others that belong to it, as of who refused a hand-over
    people: Mapping[UUID, str] = field(default_factory=dict)  # the names of whose words these are, and for whom

    @property
    def is_settled(self) -> bool:
        """Whether nothing is left to do."""
        return self.task.state in (*SETTLED, "cancelled")

    @property
    def settled_as(self) -> str:
        """How it was settled: approved or waived."""
        return "waived" if self.task.state == "waived" else "approved"

    @property
    def by_itself(self) -> bool:
        """Whether the program itself does it."""
        return bool(self.task.action)

    @property
    def is_called_off(self) -> bool:
        """Whether the task is no longer asked for, and was not done."""
        return self.task.state == "cancelled"

    @property
    def source(self) -> str:
        """The ids of the guide that it comes from, and the clause."""
        clause = [self.clause] if self.clause and self.clause not in self.sources else []
        return " · ".join([*self.sources, *clause])

    @property
    def href(self) -> str:
        """The task's own page; of what settles a thing that a leaver has, its line on the departure's."""
        return line_on_departure(self.task) if self.task.holding else self.door

    @cached_property
    def door(self) -> str:
        """The address under which everything is done to the task."""
        return f"/tasks/{self.id}"


def lines_of(
    context: RequestContext,
    tasks: Sequence[Task],
    *,
    withdrawn: bool = False,
    with_notes: bool = True,
    opens: bool = False,
) -> list[TaskLine]:
    """Each of these tasks as a line, in their order. The database is asked once for all of them.

    `withdrawn` shows evidence that was taken back, too. Without `with_notes` a line says how far the task is, and
    nothing that people wrote: so it is for a reader of the case who has no part in it (`Action.READ_NOTES`). What
    people wrote of a participant is for the keeper of that file alone: a line says that there are words, and `opens`
    has them opened, which the record is told.
    """
    if not tasks:
        return []
    lines = _Reading(context, tasks, withdrawn=withdrawn).lines()
    if with_notes:
        return _within_files(context, lines, opens=opens)
    return [_without_words(line) for line in lines]


def _without_words(line: TaskLine) -> TaskLine:
    return replace(line, note="", reason="", evidence=(), asked=(), given={})


def _within_files(context: RequestContext, lines: list[TaskLine], *, opens: bool) -> list[TaskLine]:
    """What is about a participant as its reader may read it: the rest stays."""
    said_of = said_with(context, [line.task for line in lines], opens=opens)
    return [_within_file(context, line, said_of[line.id]) if line.id in said_of else line for line in lines]


def _within_file(context: RequestContext, line: TaskLine, said: ReadWords) -> TaskLine:
    line = replace(line, reason=said.reason, has_words=said.has_words)
    if said.is_kept:
        people = names_of(context, [one for each in said.beside for one in (each.by_id, each.to_id)])
        return replace(line, note=said.note if line.done_at else "", beside=said.beside, people=people)
    if said.is_shut and line.about is not None and line.about.kind != "participant":
        # So is the page on which it is done: a departure's step about a participant whose file is closed to the reader.
        line = replace(line, is_shut=True, place=line.place if line.task.holding else "")
    return replace(_without_words(line), reason=said.reason, is_withheld=said.is_withheld, is_left=said.is_left)


def cases_about(context: RequestContext, ids: Iterable[UUID]) -> dict[UUID, TaskCase]:
    """These cases by id, with the words that name them."""
    wanted = set(ids)
    if not wanted:
        return {}
    return {
        case_id: TaskCase(
            id=case_id,
            title=f"{said.subject} – {said.protocol}",
            kind=said.kind,
            subject=said.subject,
            subject_href=said.href,
            organization=said.organization,
            protocol=said.protocol,
            state=said.state,
        )
        for case_id, said in subjects.in_words(context.session, wanted, context.language).items()
    }


def names_of(context: RequestContext, ids: Iterable[UUID | None]) -> dict[UUID, str]:
    """The names of these people by id."""

    def read(wanted: list[UUID]) -> dict[UUID, str]:
        rows = run(context.session, _NAMES, {"people": wanted})
        return {row.id: f"{row.given_name} {row.family_name}" for row in rows}

    return kept_by_id(context.session, names_of, (one for one in ids if one is not None), read)


def who_acted(event: Event, names: Mapping[UUID, str], titles: Mapping[str, str], language: str) -> str:
    """Who did what a line of the record tells: a person, with their role or whom they acted for."""
    name, role = names.get(surely(event.actor_id), ""), titles.get(event.actor_as, "")
    if event.actor_for is not None:
        return say(language, N_("%(name)s, acting for %(whom)s"), name=name, whom=names.get(event.actor_for, ""))
    return say(language, N_("%(name)s (%(role)s)"), name=name, role=role) if role else name


_NAMES: Final = built(
    only(Person.id, Person.given_name, Person.family_name).where(
        col(Person.id) == any_(bindparam("people", type_=ARRAY(Uuid())))
    )
)


class HasMoment(Protocol):
    """A line that tells of a moment."""

    @property
    def at(self) -> datetime:
        """When it was, with its offset."""
        ...


Dated = TypeVar("Dated", bound=HasMoment)


def by_day(context: RequestContext, lines: Iterable[Dated]) -> list[tuple[date, list[Dated]]]:
    """The lines under the local day of each, in their order: a record is in the order in which it was written."""
    zone = ZoneInfo(context.program.time_zone)
    return [(day, list(those)) for day, those in groupby(lines, lambda line: line.at.astimezone(zone).date())]


def day_to_show(context: RequestContext, task: Task) -> date:
    """The day on which it matters who has a task: today, or its due day where it is still to come."""
    if task.state == TASK.initial and task.due_on is not None and task.due_on > context.day:
        return task.due_on
    return context.day


class _Reading:
    """What several lines need, read at once."""

    def __init__(self, context: RequestContext, tasks: Sequence[Task], *, withdrawn: bool) -> None:
        self.context = context
        self.tasks = tasks
        chains = chains_of(tasks)
        ids, asking = [task.id for task in tasks], [task.id for task in tasks if task.asks]
        cases = {task.case_id for task in tasks if task.case_id is not None}
        # In one, what does not depend on who has the tasks.
        ask_ahead(
            context.session,
            board.asked_of_chains(chains),
            subjects.asked_of_words(cases),
            asked_of_pins(cases),
            asked_of_evidence(ids),
            requests.asked_of_newest(asking),
            *asked_of_said(tasks),
            asked_of_who_barred(context.asker.person_id),
        )
        self.links = board.chains(context.session, chains)
        self.standings = self._standings()
        self.falls = {task.id: self._falls(task) for task in tasks}
        self.roles = titles_of_roles(context)
        self.names = names_of(context, self._people())
        self.cases = cases_about(context, cases)
        self.helps, self.endorsed = steps_of(context, set(self.cases))
        self.in_place = words_in_place(context.session, [one for one in tasks if is_in_place(one, self.falls[one.id])])
        self.places = self._places()
        self.needs = needs(context, tasks)
        self.evidence = evidence_of(context, ids, withdrawn=withdrawn)
        self.requests = requests.newest(context.session, asking)
        self.lendable = lendable(context, tasks)
        self.given = to_program(context.asker)

    def _standings(self) -> dict[date, DayTenures]:
        """By day: who has a task that comes later is asked of its day, as someone who begins meanwhile has it then."""
        today = self.context.day
        days = {day_to_show(self.context, task) for task in self.tasks} - {today}
        return standings(self.context.session, days) | {today: self.context.asker.standing}

    def lines(self) -> list[TaskLine]:
        """The lines, in the order of the tasks."""
        return [self._line(task) for task in self.tasks]

    def _line(self, task: Task) -> TaskLine:
        context, about = self.context, self.cases.get(surely(task.case_id))
        given: Given = self.given | to_duty(context.asker, task, self.links)
        mine, request = _mine(task, given), self.requests.get(task.id)
        is_late = board.late_on(task, context.day)
        vacant, away = self._nobody(task)
        bar, coming, holders = self._bar(task), self._coming(task), self._holders(task)
        title, help_ = self._words(task)
        return TaskLine(
            id=task.id,
            version=task.version,
            title=title,
            state=state_of_task(task, is_late=is_late),
            is_late=is_late,
            due_on=task.due_on,
            in_days=_days_left(task, context.day, is_late=is_late),
            holders=holders,
            vacant=vacant,
            away=away,
            coming=coming,
            is_early=bool(coming and holders),
            stuck=self._stuck(task),
            is_mine=mine is not None,
            for_whom=self._named(mine.acting_for) if mine else None,
            sources=task.sources,
            clause=clause_without_role(task.clause),
            help=help_,
            waits_for=self.needs.get(task.id, ()),
            done_by=self._doer(task),
            done_at=task.done_at,
            settled_by=self._named(task.settled_by, task.settled_as),
            settled_at=task.settled_at,
            handed_back_by=self._named(task.handed_back_by),
            given_again_by=self._named(task.given_again_by),
            note=task.note if task.done_at else "",
            reason=task.reason,
            evidence=self.evidence.get(task.id, ()),
            asks=task.evidence,
            asked=requests.in_words(request.asked, request.given, context.language) if request else (),
            given=request.given if request else {},
            lendable=self.lendable.get((task.item or task.step, task.case_id), ()),
            place=place_of(task, about.subject_href if about else None),
            bar=bar if Relation.APPROVES in given else "",
            about=about,
            offers=self._offers(task, about, given, barred=bool(bar)),
            task=task,
        )

    def _words(self, task: Task) -> tuple[str, str]:
        """The title and the help of a task, as they speak to who has it."""
        language, help_ = self.context.language, self.helps.get((task.case_id, task.step), "")
        words = self.in_place.get(task.id)
        if words is None:
            return title_of(task, language), help_
        return words.title.in_language(language), words.help.in_language(language) if words.help else help_

    def _falls(self, task: Task) -> Falls | None:
        return board.who(self.standings[day_to_show(self.context, task)], task, self.links)

    def _people(self) -> Iterable[UUID | None]:
        for task in self.tasks:
            yield from (task.done_by, task.done_for, task.settled_by)
            yield from (task.handed_back_by, task.given_again_by)
            falls = self.falls[task.id]
            for holder in falls.holders if falls else ():
                yield from (holder.person_id, holder.acting_for)
            yield from (held.person_id for held in self._begins(task))
        yield from self.context.asker.standing.absences

    def _holders(self, task: Task) -> list[Named]:
        falls = self.falls[task.id]
        return [
            Named(
                holder.person_id,
                self.names[holder.person_id],
                self.roles.get(holder.role, ""),
                self.names[holder.acting_for] if holder.acting_for else "",
            )
            for holder in (falls.holders if falls else ())
        ]

    def _chain(self, task: Task) -> list[Link]:
        return self.links.get(surely(task.approved_by_id if task.state == "submitted" else task.owed_by_id), [])

    def _begins(self, task: Task) -> Sequence[HeldRole]:
        """Who is to begin in the role that a task first falls to, where it is vacant on the day."""
        chain, on = self._chain(task), self.standings[day_to_show(self.context, task)]
        is_live = task.state in (*LIVE, TASK.initial)
        return on.coming_to(chain[0]) if is_live and chain else []

    def _coming(self, task: Task) -> list[TaskComing]:
        return [
            TaskComing(held.person_id, self.names[held.person_id], self.roles.get(held.role, ""), held.starts_on)
            for held in self._begins(task)
        ]

    def _stuck(self, task: Task) -> list[str]:
        """Of an approval that no one can give today: each role that could, where, and why its holder cannot."""
        falls = self.falls[task.id]
        if task.state != "submitted" or falls is None or falls.holders:
            return []
        today = self.context.asker.standing
        found = [
            gettext(_NOBODY_HOLDS if today.has_nobody(link) else _ARE_KEPT)
            % {"role": self.roles.get(link.role, ""), "place": self.places.get(link.at, "")}
            for link in self._chain(task)
        ]
        case = (
            self.context.session.get(Case, (program_of(self.context.session), task.case_id)) if task.case_id else None
        )
        if case is not None and newer_version(self.context.session, case, self.context.language) is not None:
            found.append(gettext(_NEWER_VERSION))
        return found

    def _places(self) -> Mapping[str, str]:
        """The short names of organizations by id as text, where an approval is stuck."""
        stuck = any(one.state == "submitted" and not (self.falls[one.id] or _NONE).holders for one in self.tasks)
        if not stuck:
            return {}
        return {str(place): name for place, name in places_by_id(self.context).items()}

    def _nobody(self, task: Task) -> tuple[str, str]:
        """The role that is vacant for this task on its day, and the one whose holder is only away.

        Neither where a person is to begin in it.
        """
        falls, chain = self.falls[task.id], self._chain(task)
        if falls is None or not falls.vacant or not chain:
            return "", ""
        title = self.roles.get(chain[0].role, "")
        if self.standings[day_to_show(self.context, task)].has_nobody(chain[0]):
            return title, ""
        return "", title

    def _named(self, person_id: UUID | None, role: str = "", for_id: UUID | None = None) -> Named | None:
        if person_id is None:
            return None
        acting_for = self.names.get(for_id, "") if for_id else ""
        return Named(person_id, self.names.get(person_id, ""), self.roles.get(role, ""), acting_for)

    def _doer(self, task: Task) -> Named | None:
        if task.done_at is None:
            return None
        return self._named(task.done_by, task.done_as or "", task.done_for) or Named(None, "")

    def _bar(self, task: Task) -> str:
        if task.state != "submitted":
            return ""
        asker = self.context.asker
        refusal = bar_to_approval(task, Actor("", asker.person_id), lambda link: people_of(asker.standing, link))
        return sentence_of(refusal) if refusal else ""

    def _offers(self, task: Task, about: TaskCase | None, given: Given, *, barred: bool) -> frozenset[str]:
        """What the reader may do with the task as it stands. The verbs ask again."""
        if about is not None and about.state != "open":
            return frozenset()
        asker = self.context.asker
        owes = asker.standing.behind(self.links.get(surely(task.owed_by_id), ()), asker.person_id)
        withheld = (
            (task.action, ACTS.keys() - {"waive"}),
            (task.holding, {"complete", "undo"}),  # the departure's own page settles it
            (task.evidence == BY_ITS_ACT, {"complete", "waive", "undo"}),
            ((task.case_id, task.step) in self.endorsed, {"complete"}),  # a decision that says so does it
            (barred, {"approve", "reject"}),
            (not owes, {"hand_back"}),
            (task.handed_back_at is None, {"return"}),
            (not task.waived_by, {"waive"}),
        )
        never = {act for is_so, acts in withheld if is_so for act in acts}
        now = (act for act in _NOW.get(task.state, ()) if act not in never)
        return frozenset(act for act in now if is_allowed(ACTS[act], given))


def _mine(task: Task, given: Given) -> Actor | None:
    """As whom the reader has to do a task, or to approve it, today."""
    if task.state not in LIVE:
        return None
    return given.get(Relation.OWES if task.state == "open" else Relation.APPROVES)


def _days_left(task: Task, day: date, *, is_late: bool) -> int | None:
    """The days to the due day. Of what cannot begin yet, a day that is past is no delay of anyone's."""
    days = (task.due_on - day).days if task.due_on else None
    return days if is_late or days is None or days >= 0 else None


_NONE: Final = Falls((), vacant=True)
_NOBODY_HOLDS = N_("%(role)s, %(place)s: vacant. Appoint someone to it.")
_ARE_KEPT = N_(
    "%(role)s, %(place)s: its holder did this step, may not approve it, or is away without a deputy. Name a deputy."
)
_NEWER_VERSION = N_(
    "The procedure has a newer version, which may name someone else. Have the case follow it, on the case’s own page."
)


def page_of(case: Case) -> str:
    """The address of a case's page: a departure is one of its own."""
    return f"/departures/{case.id}" if case.gathers else f"/cases/{case.id}"


#: What a task's state leaves open at all.
_NOW: Final[Mapping[str, tuple[str, ...]]] = {
    "planned": ("waive",),
    "open": ("complete", "hand_back", "return", "waive"),
    "submitted": ("approve", "reject", "waive", "undo"),
    "done": ("undo",),
    "waived": ("undo",),
}
