"""What the records hold by which obligations are judged, read for a whole program at once. Reads only.

Attendance, seats and meetings are read from their tables: the layer that writes them is above this one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session, case, or_

from domain.declarations.program_agreements import (
    AttendanceRule,
    CountRule,
    TasksRule,
    Watch,
)
from domain.endorsement.counting import it_counts
from domain.kernel import periods
from domain.kernel.calendars import Calendar
from domain.kernel.program_calendar import calendar_of
from domain.kernel.rows import col, in_program, joins, only, run, same, select, value_of
from domain.kernel.scope import local_day, program, program_of
from domain.kernel.spans import Span, joined
from domain.obligations.clauses import Clause, Owed, waivers
from domain.obligations.evaluation import GIVEN, Paper, Said, Sitting, Step
from domain.obligations.reading import WORD, stands_of
from domain.obligations.silence import Silence, first_days_of, silence
from domain.obligations.vacancies import longest_vacancy, vacant_since
from domain.obligations.windows import Bound, Window
from domain.roles.entered_late import days_of
from domain.roles.roles import never_began
from domain.terms.posts import Promise
from models.agenda import AgendaItem
from models.agreement import Agreement, AgreementRole, AgreementVersion
from models.casework import Case, Evidence, Lateness, Task
from models.committee import Committee, Seat, SeatHolder
from models.meeting import Meeting
from models.minutes import Attendance, Decision
from models.obligation import Attestation, ObligationDocument
from models.program import Tenure
from models.referral import Referral

COORDINATOR: Final = "coordinator"
#: The role that may sit for the organization on any committee (CM-2R).
SECOND_REPRESENTATIVE: Final = "second_representative"

#: What a proof lacks by the word on it: any word, a new proof, or nothing.
_LACKS: Final[Mapping[str | None, str]] = {None: GIVEN, "returned": "returned", "accepted": "", "kept": ""}

_IS_LACKING: Final = ((col(WORD.said).is_(None), GIVEN), (col(WORD.said) == "returned", "returned"))
#: Of an organization's seats on one committee the fullest counts, in this order.
_FULLEST: Final = ("present", "remote", "alternate", "excused", "unrecorded", "absent")


def watch_of(session: Session) -> Watch:
    """When a program counts silence as a risk, and asks people."""
    return Watch.model_validate(program(session).obligations)


@dataclass(frozen=True)
class _Procedure:
    """What a case did for a clause: the task that brought its document, when it was done, and its days."""

    task_id: str
    organization_id: UUID | None
    on: date
    covers: Span
    is_done: bool
    decided_by: frozenset[str]
    lacks: str  # for its document: that it is not accepted yet, or was returned

    def paper(self, endorsed_by: str, bounds: Iterable[Bound]) -> Paper:
        """The procedure's document, with what it lacks to count. A committee's endorsement counts as acceptance.

        It counts once, also where its quarter or year was cut: by the day on which it was done, or the nearest day of
        that quarter or year on which the clause bound the partner.
        """
        if endorsed_by:
            lacks = "not_endorsed" if endorsed_by not in self.decided_by else "" if self.is_done else "unfinished"
        else:
            lacks = self.lacks if self.is_done else "unfinished"
        inside = [part for bound in bounds if (part := bound.days.within(self.covers)) is not None]
        day = self.covers.nearest(self.on)
        counts_on = min((part.nearest(day) for part in inside), key=lambda near: abs(near - day), default=day)
        return Paper(self.task_id, self.on, "task", counts_on, lacks)


class Records:
    """What one program has on record, each kind read once and only where something asks for it."""

    def __init__(self, session: Session, at: datetime) -> None:
        self._session = session
        self._here = program_of(session)
        self._carried: dict[str, list[_Procedure]] = {}
        self._new: dict[date, date | None] = {}
        self.on = local_day(session, at)

    @cached_property
    def calendar(self) -> Calendar:
        """The program's working days."""
        return calendar_of(self._session)

    @cached_property
    def watch(self) -> Watch:
        """When the program counts silence as a risk, and asks people."""
        return watch_of(self._session)

    def silence(self, one: Owed, window: Window, clause: Clause) -> Silence:
        """What silence says of a window."""
        return silence(window, clause.rule, self.watch, self.new_until(one.since))

    def new_until(self, since: date) -> date | None:
        """The last of the first days of an agreement that began on `since`."""
        if since not in self._new:
            self._new[since] = first_days_of(since, self.watch, self.calendar)
        return self._new[since]

    def sittings(self, organization_id: UUID, rule: AttendanceRule, role: str) -> list[Sitting]:
        """Every meeting of the rule's committee, and how the organization's seats, of this role or any, were filled.

        The seats that it takes from other committees are its own too. Of several, the fullest counts, once.
        """
        seats = self._seats_on(rule.committee, organization_id)
        mine = [seat for seat in seats if seat.role == role] or seats
        found = []
        for meeting in self._meetings[rule.committee]:
            day = meeting.starts.date()
            here = [seat for seat in mine if _stands(seat, day)]
            if not here:
                continue
            filled = min((self._filled.get((meeting.id, seat.id), "unrecorded") for seat in here), key=_FULLEST.index)
            quorate = meeting.quorate if meeting.state == "held" else None
            found.append(Sitting(str(meeting.id), day, meeting.state, filled, quorate))
        return found

    def steps(
        self,
        organization_id: UUID | None,
        clause: Clause,
        rule: TasksRule,
        rule_on: Callable[[date], TasksRule] | None = None,
    ) -> list[Step]:
        """The tasks that serve a clause by its rule or that of their due day: at one organization, or everywhere.

        A task comes once more for each due day that it lost after that day had passed.
        """
        served_as = clause.served_as

        def serves(row: Any) -> bool:
            return (
                row.clause in served_as
                and row.protocol in (rule_on(row.due_on) if rule_on else rule).protocols
                and (organization_id is None or row.organization_id == organization_id)
            )

        return [
            Step(
                str(row.id),
                row.due_on,
                local_day(self._session, row.done_at) if row.state in ("done", "submitted") else None,
                called_off=row.state in ("waived", "cancelled"),
            )
            for row in self._tasks
            if serves(row)
        ] + [Step(str(row.id), row.due_on, late_until=row.until) for row in self._lateness if serves(row)]

    def papers(self, one: Owed, clause: Clause) -> list[Paper]:
        """The documents that stand for a clause: given for it, or brought by a procedure of the partner's or program's.

        A procedure brings one when every step of it that serves the clause is done and one of them has a document.
        Where a committee must endorse it, it counts by what that committee decided, with its quorum, on a step of the
        procedure that is for the same days. This holds for a document that was given for the clause itself as well.
        """
        cases = [case for case in self._procedures(clause) if case.organization_id in (None, one.organization_id)]
        endorsed = [case.covers for case in cases if clause.endorsed_by in case.decided_by]
        given = [
            replace(paper, lacks="not_endorsed")
            if clause.endorsed_by and not any(span.holds(paper.effective_on) for span in endorsed)
            else paper
            for paper in self._papers[one.agreement_id, clause.key]
        ]
        return given + [case.paper(clause.endorsed_by, one.bounds) for case in cases]

    def said(self, period_id: UUID | None) -> Said | None:
        """The attestation that stands for a period, if there is one."""
        return self._said.get(period_id) if period_id is not None else None

    def waived(self, agreement_id: UUID, key: str) -> list[Span]:
        """The days on which the clause is waived for the partner."""
        return self._waived[agreement_id, key]

    def counts(
        self, one: Owed, window: Window, rule: CountRule, rule_on: Callable[[date], CountRule] | None = None
    ) -> dict[str, int]:
        """The totals of a count, by what was counted, without the days on which the clause is waived for the partner.

        `rule` is the window's last text; `rule_on` has the text of a day, as `longest_vacancy` asks for it.
        """
        if rule.of == "alternates":
            return {place: self._alternates(one.organization_id, place, window) for place in rule.committees}
        waived = self.waived(one.agreement_id, one.key)
        if rule.of == "vacant_working_days":
            binding = [part for span in joined(bound.days for bound in one.bounds) for part in span.without(waived)]
            return {
                role: longest_vacancy(
                    window,
                    binding,
                    self._on_record[one.organization_id, role],
                    self.calendar,
                    self.on,
                    self._promised[one.organization_id, role],
                    at_most=rule.at_most,
                    allowed_on=(lambda day: rule_on(day).at_most) if rule_on is not None else None,
                )
                for role in self._roles_of(one, rule)
            }
        spans = [part for span in window.spans for part in span.without(waived)]
        days = self._referred[one.organization_id]
        return {rule.of: sum(any(span.holds(day) for span in spans) for day in days)}

    def _roles_of(self, one: Owed, rule: CountRule) -> list[str]:
        """Those roles of a rule that the partner has, or had; all where it has none."""
        place = one.organization_id
        return [role for role in rule.roles if self._promised[place, role] or self._held[place, role]] or list(
            rule.roles
        )

    def is_counted(self, one: Owed, window: Window, rule: CountRule) -> bool:
        """Whether there is anything to count: vacant days only after one of the roles was held."""
        if rule.of != "vacant_working_days":
            return rule.at_least is not None or any(self.counts(one, window, rule).values())
        end = self.on if window.ends_on is None else min(self.on, window.ends_on)
        held = (span for role in rule.roles for span in self._held[one.organization_id, role])
        return any(span.starts_on <= end for span in held)

    def lacks_since(self, organization_id: UUID, role: str, on: date) -> date | None:
        """The local day since which a role has lacked a holder on the day `on`, by the record; else None."""
        place = (organization_id, role)
        return vacant_since([Span(date.min, None)], self._on_record[place], on, self._promised[place])

    def vacant_since(self, one: Owed, window: Window, rule: CountRule) -> date | None:
        """The local day since which the role with the longest vacancy has lacked a holder; None where none does."""
        binding = [
            part
            for span in joined(bound.days for bound in one.bounds)
            for part in span.without(self.waived(one.agreement_id, one.key))
        ]
        place = one.organization_id
        since = (
            vacant_since(binding, self._on_record[place, role], self.on, self._promised[place, role])
            for role in rule.roles
            if window.holds(self.on)
        )
        return min((day for day in since if day is not None), default=None)

    def _seats_on(self, committee: str, organization_id: UUID) -> list[Any]:
        """An organization's seats on a committee, with those that the committee takes from others."""
        family, more = {committee}, [committee]
        while more:
            others = [one for one in self._derived_from.get(more.pop(), ()) if one not in family]
            family.update(others)
            more.extend(others)
        return [seat for seat in self._seats if seat.key in family and seat.organization_id == organization_id]

    # ------------------------------------------------------------------------------------------------------ read once

    @cached_property
    def _derived_from(self) -> Mapping[str, Sequence[str]]:
        """The other committees from which each takes its seats."""
        rows = run(self._session, only(Committee.key, Committee.derived_from))
        return {row.key: row.derived_from for row in rows}

    @cached_property
    def _seats(self) -> Sequence[Any]:
        return run(
            self._session,
            only(Seat.id, Seat.organization_id, Seat.role, Seat.starts_on, Seat.ends_on, Committee.key).join(
                Committee, joins(Seat.committee_id, Committee)
            ),
        ).all()

    @cached_property
    def _meetings(self) -> Mapping[str, list[Any]]:
        rows = run(
            self._session,
            only(Meeting.id, Meeting.starts, Meeting.state, Meeting.quorate, Committee.key)
            .join(Committee, joins(Meeting.committee_id, Committee))
            .order_by(col(Meeting.starts_at)),
        )
        return _grouped(rows, lambda row: row.key)

    @cached_property
    def _filled(self) -> Mapping[tuple[UUID, UUID], str]:
        rows = run(self._session, only(Attendance.meeting_id, Attendance.seat_id, Attendance.state))
        return {(row.meeting_id, row.seat_id): row.state for row in rows}

    @cached_property
    def _tasks(self) -> Sequence[Any]:
        return run(
            self._session,
            select(
                Task.id,
                Task.clause,
                Task.due_on,
                Task.done_at,
                Task.state,
                Case.protocol,
                Case.organization_id,
            )
            .join(Case, joins(Task.case_id, Case))
            .where(in_program(Task), Task.clause != "", col(Task.due_on).is_not(None)),
        ).all()

    @cached_property
    def _lateness(self) -> Sequence[Any]:
        """The due days that had passed undone when a step lost them."""
        return run(
            self._session,
            select(
                Lateness.clause,
                Lateness.due_on,
                Lateness.until,
                value_of(col(Lateness.task_id).label("id")),
                Case.protocol,
                Case.organization_id,
            )
            .join(Task, joins(Lateness.task_id, Task))
            .join(Case, joins(Task.case_id, Case))
            .where(in_program(Lateness), Lateness.clause != ""),
        ).all()

    @cached_property
    def _papers(self) -> Mapping[tuple[UUID, str], list[Paper]]:
        rows = run(
            self._session,
            select(
                ObligationDocument.id,
                ObligationDocument.agreement_id,
                ObligationDocument.key,
                ObligationDocument.effective_on,
                WORD.said,
            )
            .outerjoin(WORD, stands_of(col(WORD.document_id), ObligationDocument))
            .where(in_program(ObligationDocument), col(ObligationDocument.withdrawn_at).is_(None)),
        )
        found = _grouped(rows, lambda row: (row.agreement_id, row.key))
        return _with_default(
            {
                place: [Paper(str(row.id), row.effective_on, lacks=_LACKS[row.said]) for row in rows]
                for place, rows in found.items()
            }
        )

    def _procedures(self, clause: Clause) -> list[_Procedure]:
        """What each procedure did for a clause: the steps that name it, with the role that owes it or without one."""
        if clause.key in self._carried:
            return self._carried[clause.key]
        found = self._carried[clause.key] = []
        serving = [row for name in sorted(clause.served_as) for row in self._serving[name]]
        in_order = sorted(serving, key=lambda row: (row.case_id, row.position, row.id))
        for tasks in _grouped(in_order, lambda row: row.case_id).values():
            brought = [row for row in tasks if row.document_is is not None]
            if not brought:
                continue
            done = [local_day(self._session, row.done_at) for row in tasks if row.state == "done"]
            last = max(done, default=self.on)
            whole = periods.period(tasks[0].period)
            found.append(
                _Procedure(
                    str(brought[-1].id),
                    tasks[0].organization_id,
                    last,
                    Span(whole.starts_on, whole.ends_on) if whole is not None else Span(last, last),
                    is_done=len(done) == len(tasks),
                    decided_by=frozenset(row.decided_by for row in tasks if row.state == "done" and row.decided_by),
                    lacks=brought[-1].document_is,
                )
            )
        return found

    @cached_property
    def _serving(self) -> Mapping[str, list[Any]]:
        """The steps of procedures that serve a clause and were not cancelled, by the clause as they name it."""
        # Of several documents one that was accepted is enough, and one to be looked at comes before one returned.
        document_is = (
            select(func.min(case(*_IS_LACKING, else_="")))
            .select_from(Evidence)
            .outerjoin(WORD, stands_of(col(WORD.evidence_id), Evidence))
            .where(joins(Evidence.task_id, Task), Evidence.kind == "document", col(Evidence.withdrawn_at).is_(None))
            .scalar_subquery()
        )
        decided_by = (
            select(func.max(col(Committee.key)))
            .select_from(Decision)
            .join(AgendaItem, joins(Decision.item_id, AgendaItem))
            .join(Committee, joins(Decision.committee_id, Committee))
            .where(
                same(Decision, Task),
                AgendaItem.task_id == Task.id,
                # Another decision taken under the same item endorses nothing.
                col(Decision.grants),
                it_counts(),
                # Those from before a quorum was asked for endorse as they did.
                or_(col(Decision.has_quorum).is_(True), Decision.endorsement == "earlier"),
            )
            .scalar_subquery()
        )
        rows = run(
            self._session,
            select(
                Task.id,
                Task.clause,
                Task.state,
                Task.done_at,
                Task.position,
                Case.organization_id,
                Case.period,
                value_of(col(Case.id).label("case_id")),
                value_of(document_is.label("document_is")),
                value_of(decided_by.label("decided_by")),
            )
            .join(Case, joins(Task.case_id, Case))
            .where(
                in_program(Task),
                Task.clause != "",
                col(Task.state).not_in(["cancelled", "waived"]),
                Case.state != "cancelled",
            ),
        )
        return _with_default(_grouped(rows, lambda row: row.clause))

    @cached_property
    def _said(self) -> Mapping[UUID, Said]:
        rows = run(
            self._session,
            select(
                Attestation.id,
                Attestation.period_id,
                Attestation.said,
                Attestation.said_at,
                Attestation.to_be_accepted,
                col(WORD.said).label("word"),
            )
            .outerjoin(WORD, stands_of(col(WORD.attestation_id), Attestation))
            .where(in_program(Attestation), col(Attestation.superseded_at).is_(None)),
        )
        return {
            row.period_id: Said(
                str(row.id),
                local_day(self._session, row.said_at),
                row.said == "held",
                _LACKS[row.word] if row.to_be_accepted else "",
            )
            for row in rows
        }

    @cached_property
    def _waived(self) -> Mapping[tuple[UUID, str], list[Span]]:
        found = _grouped(waivers(self._session), lambda row: (row.agreement_id, row.key))
        return _with_default(
            {place: [Span(row.starts_on, row.ends_on) for row in rows] for place, rows in found.items()}
        )

    @cached_property
    def _held(self) -> Mapping[tuple[UUID, str], list[Span]]:
        return _with_default(
            {place: [Span(row.starts_on, row.ends_on) for row in rows] for place, rows in self._tenures.items()}
        )

    @cached_property
    def _on_record(self) -> Mapping[tuple[UUID, str], list[Span]]:
        """The days on which each role was held as the record then had it: what was vacant stays so."""
        return _with_default(
            {
                place: [
                    part
                    for row in rows
                    for part in Span(row.starts_on, row.ends_on).without(
                        Span(first, last) for first, last in days_of(row.entered_late)
                    )
                ]
                for place, rows in self._tenures.items()
            }
        )

    @cached_property
    def _tenures(self) -> Mapping[tuple[UUID, str], list[Any]]:
        rows = run(
            self._session,
            select(Tenure.organization_id, Tenure.role, Tenure.starts_on, Tenure.ends_on, Tenure.entered_late).where(
                in_program(Tenure), ~never_began()
            ),
        )
        return _grouped(rows, lambda row: (row.organization_id, row.role))

    @cached_property
    def _promised(self) -> Mapping[tuple[UUID, str], list[Promise]]:
        """How many people each agreement promises for a role, while a version that says so is in force."""
        rows = run(
            self._session,
            select(
                AgreementRole.role,
                AgreementRole.headcount,
                AgreementVersion.starts_on,
                AgreementVersion.ends_on,
                Agreement.organization_id,
            )
            .join(AgreementVersion, joins(AgreementRole.agreement_version_id, AgreementVersion))
            .join(Agreement, joins(AgreementVersion.agreement_id, Agreement))
            .where(in_program(AgreementRole), col(AgreementVersion.state).in_(["in_force", "ended"])),
        )
        found = _grouped(rows, lambda row: (row.organization_id, row.role))
        return _with_default(
            {
                place: [Promise(Span(row.starts_on, row.ends_on), row.headcount) for row in rows]
                for place, rows in found.items()
            }
        )

    @cached_property
    def _referred(self) -> Mapping[UUID, list[date]]:
        """The local days on which each organization's people referred a person; who was referred is not read here.

        Also where the person was known already, or was refused later: the partner did refer.
        """
        rows = run(
            self._session,
            only(Referral.organization_id, Referral.received_at).where(
                col(Referral.organization_id).is_not(None),
                col(Referral.state).not_in(["draft", "abandoned"]),
            ),
        )
        found: dict[UUID, list[date]] = defaultdict(list)
        for row in rows:
            found[row.organization_id].append(local_day(self._session, row.received_at))
        return found

    def _alternates(self, organization_id: UUID, committee: str, window: Window) -> int:
        """How many people may sit there for the organization, on the day judged or the last one that counts."""
        day = self.on if window.ends_on is None else min(self.on, window.ends_on)
        seats = [seat.id for seat in self._seats_on(committee, organization_id) if _stands(seat, day)]
        named = {row.person_id for seat in seats for row in self._named[seat] if _stands(row, day)}
        by_role = {row.person_id for row in self._seconds[organization_id] if _stands(row, day)}
        return len(named | by_role)

    @cached_property
    def _named(self) -> Mapping[UUID, list[Any]]:
        """The alternates named at each seat, and from when to when."""
        rows = run(
            self._session,
            only(SeatHolder.seat_id, SeatHolder.person_id, SeatHolder.starts_on, SeatHolder.ends_on).where(
                SeatHolder.kind == "alternate", col(SeatHolder.withdrawn_at).is_(None)
            ),
        )
        return _with_default(_grouped(rows, lambda row: row.seat_id))

    @cached_property
    def _seconds(self) -> Mapping[UUID, list[Any]]:
        """The second representatives of each organization, from when to when."""
        rows = run(
            self._session,
            only(Tenure.organization_id, Tenure.person_id, Tenure.starts_on, Tenure.ends_on).where(
                Tenure.role == SECOND_REPRESENTATIVE, ~never_began()
            ),
        )
        return _with_default(_grouped(rows, lambda row: row.organization_id))


def _stands(row: Any, day: date) -> bool:
    """Whether the day is among those of a seat, or of a holder."""
    return (row.starts_on is None or row.starts_on <= day) and (row.ends_on is None or day <= row.ends_on)


def _grouped(rows: Iterable[Any], by: Any) -> Mapping[Any, list[Any]]:
    found: dict[Any, list[Any]] = defaultdict(list)
    for row in rows:
        found[by(row)].append(row)
    return found


def _with_default(found: Mapping[Any, list[Any]]) -> Mapping[Any, list[Any]]:
    return defaultdict(list, found)
