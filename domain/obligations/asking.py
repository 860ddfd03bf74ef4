"""What is asked of people for what their organization owes: of which people, by when, and who else is told.

There is one task a period, for every kind of check that can still be met: a statement, a document, a count, a seat. It
opens so many working days before the last day, and reminds its owner, then their director, then the coordinator, in the
one letter a day that each of them gets. What it asks for completes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlmodel import Session

from domain.casework import assigning
from domain.casework.assigning import Reminder
from domain.casework.evidence import BY_ITS_ACT
from domain.casework.tasks import complete_task
from domain.declarations.program_agreements import AttendanceRule, AttestationRule, CountRule, DocumentRule, Watch
from domain.kernel.actors import Actor
from domain.kernel.calendars import Calendar
from domain.kernel.rows import changes, col, every, in_program, only, run, scalars, select, surely
from domain.kernel.scope import local_day
from domain.obligations.clauses import Clause, Owed
from domain.obligations.evaluation import GIVEN, Found
from domain.obligations.facts import COORDINATOR, Records
from domain.obligations.windows import Window, year_of
from domain.roles.roles import Link
from locales import N_, say, show_day
from models.casework import Task
from models.obligation import ObligationPeriod
from models.program import Organization

BY_OBLIGATIONS: Final = Actor.system("obligations")

#: The steps of these tasks: to state, to give a document, to see to what is counted, to sit.
ATTEST: Final = "obligation.attest"
GIVE: Final = "obligation.give"
SEE_TO: Final = "obligation.see_to"
SIT: Final = "obligation.sit"
ASKS: Final = frozenset({ATTEST, GIVE, SEE_TO, SIT})

#: Where people are asked late, this many working days lie between one recipient and the next.
APART: Final = 5

#: In these states something is missing that can still be brought.
_LACKS: Final = frozenset({"nothing_recorded", "on_track", "at_risk", "awaiting_record", "missed"})


@dataclass(frozen=True)
class Judged:
    """One window of an obligation as it was just judged, with the task that was opened for it, if one was."""

    one: Owed
    window: Window
    clause: Clause
    period_id: UUID
    task_id: UUID | None
    found: Found


@dataclass(frozen=True)
class Ask:
    """What is asked: the last day, from which the times to ask are counted, and the last day for proof.

    With `stays` it is not asked anew where these days move: they are counted from the day on which it was asked.
    """

    step: str
    last: date
    due: date
    sentence: str
    stays: bool = False


def ask(session: Session, records: Records, judged: Sequence[Judged], *, by: Actor, at: datetime) -> None:
    """Ask people for what these periods lack, each once; end what was asked for and is there now."""
    tasks = _tasks_of(session, judged)
    names: dict[UUID, str] = {}
    is_time = _Times(records)
    for one in judged:
        task = tasks.get(one.task_id) if one.task_id is not None else None
        wanted = ask_of(one, records)
        if task is not None and task.state == "open":
            if wanted is None:
                _end(session, records, one, task.id, by=by, at=at)
                continue
            if wanted.stays or _stands(session, task, wanted, records.calendar):
                continue
            assigning.call_off(session, task.id, by=BY_OBLIGATIONS, at=at)
        if wanted is None or not is_time.to_ask(wanted.last):
            continue
        if not names:
            names = _names(session)
        _open(session, records, one, wanted, names[one.one.organization_id], at=at)


def let_go(session: Session, task_ids: Sequence[UUID], *, at: datetime) -> None:
    """End what was asked for periods that no longer bind anyone."""
    open_ = scalars(
        session, only(Task.id).where(col(Task.id).in_(task_ids), Task.state == "open").order_by(col(Task.id))
    ).all()
    for task_id in open_:
        assigning.call_off(session, task_id, by=BY_OBLIGATIONS, at=at)


def ask_of(judged: Judged, records: Records) -> Ask | None:
    """What is asked of people for one period as it stands, at any time; None where nothing is missing."""
    if judged.found.state not in _ASKED_IN.get(judged.clause.kind, _LACKS):
        return None
    asking = _ASKING.get(type(judged.clause.rule))
    return asking(judged, records) if asking is not None else None


# ------------------------------------------------------------------------------------------- one for each kind of check


def _statement(judged: Judged, records: Records) -> Ask | None:  # noqa: ARG001 - as its kin
    """Asked of the person who states it, until they have stated that it held or that it did not."""
    if judged.found.numbers.get("said"):
        return None
    last, due = _days(judged)
    return Ask(ATTEST, last, due, N_("Attest in writing, %(organization)s, for the period up to %(day)s: %(what)s"))


def _document(judged: Judged, records: Records) -> Ask | None:  # noqa: ARG001
    """Asked of the one who owes it, until there is a document; a task of its own asks again for a returned one."""
    if any(fact.why == "returned" for fact in judged.found.facts):
        return None
    last, due = _days(judged)
    if judged.window.ends_on is None:
        return Ask(GIVE, last, due, N_("Submit a document by %(day)s, %(organization)s: %(what)s"))
    return Ask(GIVE, last, due, N_("Submit a document, %(organization)s, for the period up to %(day)s: %(what)s"))


def _days(judged: Judged) -> tuple[date, date]:
    """The last day and the last day for proof; without a last day, that of its first year."""
    last = judged.window.ends_on or year_of(judged.window.starts_on).ends_on
    assert last is not None  # noqa: S101 - a year ends
    return last, judged.found.due_on or last


def _seat(judged: Judged, records: Records) -> Ask | None:  # noqa: ARG001
    """Asked of those who sit, while a meeting is to come that they can attend."""
    if judged.window.ends_on is None or not judged.found.numbers.get("to_come"):
        return None
    last = judged.window.ends_on
    return Ask(SIT, last, last, N_("Attend the meetings up to %(day)s, %(organization)s: %(what)s"))


def _count(judged: Judged, records: Records) -> Ask | None:
    rule, window = judged.clause.rule, judged.window
    assert isinstance(rule, CountRule)  # noqa: S101 - found by it
    over = window.ends_on is not None and records.on > window.ends_on
    if over:
        return None  # a count of days that are over no longer changes
    if rule.of == "vacant_working_days":
        return _vacancy(judged, records, rule)
    if rule.at_least is None or judged.found.numbers.get("counted", 0) >= rule.at_least:
        return None
    sentence = N_("See to it by %(day)s, %(organization)s: %(what)s")
    if window.period.ends_on is not None and window.ends_on is not None:
        return Ask(SEE_TO, window.ends_on, window.ends_on, sentence)
    # What is owed at all times is asked for at once: by the end of the first days, later within as many from today.
    soon = records.new_until(judged.one.since)
    if soon is None or soon < records.on:
        soon = records.calendar.add_working_days(records.on, records.watch.first_working_days)
    return Ask(SEE_TO, soon, soon, sentence, stays=True)


def _vacancy(judged: Judged, records: Records, rule: CountRule) -> Ask | None:
    """Asked from the first day of a vacancy, by the last one that the rule leaves."""
    since = records.vacant_since(judged.one, judged.window, rule)
    if since is None or rule.at_most is None:
        return None
    last = records.calendar.add_working_days(since - timedelta(days=1), max(rule.at_most, 1))
    return Ask(SEE_TO, last, last, N_("Fill the vacant role by %(day)s, %(organization)s: %(what)s"))


_ASKING: Final[Mapping[type, Callable[[Judged, Records], Ask | None]]] = {
    AttestationRule: _statement,
    DocumentRule: _document,
    AttendanceRule: _seat,
    CountRule: _count,
}
#: A seat that was sat on as it must be asks for nothing; a vacancy is ended also where it lasted too long already.
_ASKED_IN: Final[Mapping[str, frozenset[str]]] = {
    "attendance": frozenset({"nothing_recorded", "at_risk"}),
    "count": _LACKS | {"cannot_be_met"},
}


# ----------------------------------------------------------------------------------------------------------- the tasks


def _open(session: Session, records: Records, judged: Judged, wanted: Ask, place: str, *, at: datetime) -> None:
    calendar, on = records.calendar, records.on
    due = due_day(wanted.due, calendar, on=on)
    said = {language: _said(language, wanted, judged.clause, place) for language in ("fr", "en")}
    task_id = assigning.assign(
        session,
        wanted.step,
        str(judged.period_id),
        title_fr=said["fr"],
        title_en=said["en"],
        chain=chain_of(judged.clause, judged.one.organization_id),
        due_on=due,
        by=BY_OBLIGATIONS,
        at=at,
        evidence=BY_ITS_ACT,
        sources=[judged.clause.fact],
        reminders=reminders(records.watch, wanted.last, due, calendar, on=on),
    )
    run(
        session,
        changes(ObligationPeriod)
        .where(ObligationPeriod.id == judged.period_id)
        .values(task_id=task_id, version=col(ObligationPeriod.version) + 1),
    )


def due_day(last: date, calendar: Calendar, *, on: date) -> date:
    """The local day by which people are asked, on the day `on`, for what has to be there by the day `last`.

    It is the last working day by then: one who goes by a later day would miss what they owe. Where that is past, it is
    the last day itself; where that is past too, the next working day.
    """
    day = calendar.previous_working_day(last)
    if day >= on:
        return day
    return last if last >= on else calendar.next_working_day(on)


def chain_of(clause: Clause, organization_id: UUID) -> list[Link]:
    """Those who are asked: the one who owes it, for an organization its manager; then director and coordinator.

    A statement is asked only of the one who states it: no one states in another's place.
    """
    here = str(organization_id)
    if isinstance(clause.rule, AttestationRule):
        return [{"role": clause.rule.by, "at": "*" if clause.rule.by == COORDINATOR else here}]
    owner = "manager" if clause.owed_by == "organization" else clause.owed_by
    first: Link = {"role": owner, "at": "*" if owner == COORDINATOR else here}
    behind: list[Link] = [{"role": "director", "at": here}, {"role": COORDINATOR, "at": "*"}]
    return [first, *(link for link in behind if link != first)]


def reminders(watch: Watch, last: date, due: date, calendar: Calendar, *, on: date) -> list[Reminder]:
    """The reminders of what is asked from the local day `on`, with `last` as its last day: when, and to which person.

    Where a time to ask is past, its owner is asked on that day, and those above them some days later each. No one is
    told that something is missing that was only just asked for. On the last day for proof it is said once more.
    """
    found: list[Reminder] = []
    day, is_late = on, False
    for asked in watch.asked:
        point = _before(last, asked.working_days, calendar)
        soonest = calendar.add_working_days(day, APART) if is_late else day
        day, is_late = max(point, soonest), is_late or point < on
        found.extend(Reminder(day, to) for to in asked.to)
    if due > day:
        found.extend(Reminder(due, to) for to in watch.asked[-1].to)
    return found


def _before(last: date, working_days: int, calendar: Calendar) -> date:
    return calendar.add_working_days(last, -working_days) if working_days else calendar.previous_working_day(last)


class _Times:
    """When it is time to ask: the first time before each last day, counted once."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._first = records.watch.asked[0].working_days
        self._far = records.on + timedelta(days=2 * self._first + 90)  # no one works on so few days as this
        self._from: dict[date, date] = {}

    def to_ask(self, last: date) -> bool:
        """Whether it is time by now to ask people for what has this last day."""
        if last > self._far:
            return False
        if last not in self._from:
            self._from[last] = _before(last, self._first, self._records.calendar)
        return self._from[last] <= self._records.on


def _stands(session: Session, task: Task, wanted: Ask, calendar: Calendar) -> bool:
    """Whether a task still asks for the same by the same day; a task whose day was past when it opened does."""
    opened = local_day(session, surely(task.opened_at))
    return task.step == wanted.step and (wanted.due < opened or task.due_on == due_day(wanted.due, calendar, on=opened))


def _end(session: Session, records: Records, judged: Judged, task_id: UUID, *, by: Actor, at: datetime) -> None:
    """Complete a task that was done; cancel it where no one can do it any more, or is to."""
    if _is_done(judged, records):
        complete_task(session, task_id, by=by, at=at, in_its_act=True)
    else:
        assigning.call_off(session, task_id, by=BY_OBLIGATIONS, at=at)


def _is_done(judged: Judged, records: Records) -> bool:
    """Whether the clause is met or on its way again; for a vacancy, whether it is over while its period is not."""
    rule = judged.clause.rule
    if isinstance(rule, CountRule) and rule.of == "vacant_working_days":
        return judged.found.state != "waived" and judged.window.holds(records.on)
    return judged.found.state in ("met", "on_track", GIVEN)


def _said(language: str, wanted: Ask, clause: Clause, place: str) -> str:
    rule = clause.rule
    text = (
        getattr(rule.statement, language) if isinstance(rule, AttestationRule) else getattr(clause, f"text_{language}")
    )
    return say(
        language, wanted.sentence, organization=place, day=show_day(language, wanted.last), what=text.rstrip(".")
    )


def _tasks_of(session: Session, judged: Sequence[Judged]) -> dict[UUID, Task]:
    ids = [one.task_id for one in judged if one.task_id is not None]
    if not ids:
        return {}
    rows = every(
        session,
        select(Task).where(in_program(Task), col(Task.id).in_(ids), col(Task.step).in_(sorted(ASKS))),
    )
    return {row.id: row for row in rows}


def _names(session: Session) -> dict[UUID, str]:
    rows = run(session, only(Organization.id, Organization.short_name))
    return {row.id: row.short_name for row in rows}
