"""What the program's statement counts that tells of no participant: cases, meetings, decisions, obligations, partners.

Everything is counted over a closed year or quarter, and as it stood on its last day.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import Date, cast, func
from sqlmodel import Session, or_

from domain.declarations import rule_of
from domain.endorsement import counts_by
from domain.kernel import (
    Period,
    Span,
    col,
    every,
    inside,
    joins,
    local_day,
    moments_of,
    of,
    only,
    program,
    scalars,
    surely,
    tuples,
)
from domain.obligations import STATES, PeriodRead, reading
from locales import N_
from meetings import decisions
from meetings.committees import committees, memberships
from meetings.decision_rows import RegisteredDecision
from meetings.documents.content import Both
from meetings.statements.clinical import clinical_decisions
from meetings.statements.naming import people_of, titles
from meetings.statements.posts import posts_of
from meetings.statements.seats import filled_at, seats_of
from meetings.statements.tables import CountRow, CountTable, TableOf, both
from meetings.statements.year import CoveredYear
from models.agreement import Agreement
from models.casework import Case, Lateness, ProtocolVersion, Task
from models.meeting import Meeting
from models.program import Organization

#: Cases about these tell of staff, of organizations or of the program. Any other kind is counted with participants.
TELLS_OF_NO_PARTICIPANT: Final = ("worker", "organization", "agreement_version", "program")

_CASES: Final = TableOf(
    key="cases",
    title=N_("Cases by protocol"),
    of=N_("Protocol"),
    counts={
        "opened": N_("Cases opened"),
        "closed": N_("Cases closed"),
        "cancelled": N_("Cases cancelled"),
        "under_way": N_("Under way at the end"),
        "late": N_("With a late step"),
    },
    note=N_("Only those about staff, organizations, agreements and the program itself."),
)
_MEETINGS: Final = TableOf(
    key="meetings",
    title=N_("Meetings held and attended"),
    of=N_("Committee"),
    counts={
        "held": N_("Held"),
        "without_quorum": N_("Without quorum"),
        "cancelled": N_("Cancelled"),
        "seats": N_("Seats to fill"),
        "holder": N_("By the holder"),
        "alternate": N_("By an alternate"),
        "excused": N_("Excused"),
        "absent": N_("Absent"),
        "unrecorded": N_("Not recorded"),
    },
    note=N_("Seats are those of the meetings that were held with a quorum."),
)
_DECISIONS: Final = TableOf(
    key="decisions",
    title=N_("Decisions taken and closed"),
    of=N_("Committee"),
    counts={
        "taken": N_("Taken"),
        "carried_out": N_("Carried out"),
        "withdrawn": N_("Withdrawn"),
        "open": N_("To do at the end"),
        "late": N_("Of these late"),
        "waiting": N_("Pending or objected"),
    },
    note=N_("Clinical decisions are about participants, and are not counted here."),
)
#: The best first.
_STANDINGS: Final[Mapping[str, str]] = {state: STATES[state] for state in reversed(reading.WORST_FIRST)}
_CLAUSES: Final = TableOf(
    key="obligations",
    title=N_("Obligations by clause"),
    of=N_("Clauses"),
    counts=_STANDINGS,
    note=N_(
        "Each period of each obligation of each partner counts once. Those that stand or fall by referrals "
        "or admissions are left out."
    ),
)
_OF_PARTNERS: Final = TableOf(
    key="obligations-by-partner", title=N_("Obligations by partner"), of=N_("Partner"), counts=_STANDINGS
)
_PARTNERS: Final = TableOf(
    key="partners",
    title=N_("Seats, roles and decisions by partner"),
    of=N_("Partner"),
    counts={
        "seats": N_("Seats to fill"),
        "sat": N_("Seats filled"),
        "absent": N_("Absent"),
        "promised": N_("Promised person-days"),
        "vacant": N_("Vacant person-days"),
        "carried_out": N_("Decisions carried out"),
        "open": N_("Decisions to carry out at the end"),
    },
    note=N_(
        "Over the days on which the partner’s agreement was in force. Clinical decisions are about "
        "participants, and are not counted here."
    ),
)
_FAMILIES: Final[Mapping[str, str]] = {
    "AG-P": N_("AG-P: partners"),
    "AG-D": N_("AG-D: directors"),
    "AG-M": N_("AG-M: managers"),
    "AG-W": N_("AG-W: youth workers"),
    "AG-X": N_("AG-X: fatigue, debriefing, replacement"),
    "GV": N_("GV: coordination and reports"),
}
_OTHER: Final = N_("Other clauses")


def open_tables(session: Session, period: Period, on: date) -> tuple[CountTable, ...]:
    """Every table whose counts may be shown as they are; one with nothing to count is left out."""
    obligations = _obligations(session, period)
    found = (
        _cases(session, period),
        _meetings(session, period),
        _decisions(session, period),
        _by_family(obligations),
        _by_partner(obligations),
        _partners(session, period, on),
    )
    return tuple(table for table in found if table.rows)


def _cases(session: Session, period: Period) -> CountTable:
    cases = of(Case).where(
        col(Case.subject_kind).in_(TELLS_OF_NO_PARTICIPANT),
        col(Case.opened_at) < moments_of(session, period.ends_on)[1],
        or_(col(Case.ended_at).is_(None), col(Case.ended_at) >= moments_of(session, period.starts_on)[0]),
    )
    late = _late_cases(session, period)
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    for row in every(session, cases):
        counted[row.protocol].update(_of_case(session, row, period, is_late=row.id in late))
    protocols = only(ProtocolVersion.key, ProtocolVersion.title_fr, ProtocolVersion.title_en)
    titled = tuples(session, protocols.order_by(col(ProtocolVersion.number)))
    named = {key: Both(fr=title_fr, en=title_en) for key, title_fr, title_en in titled}
    return _CASES.summed([_CASES.row(key, named[key], counted[key]) for key in sorted(counted)])


def _of_case(session: Session, row: Case, period: Period, *, is_late: bool) -> Iterator[str]:
    """The columns that count a case."""
    if local_day(session, row.opened_at) >= period.starts_on:
        yield "opened"
    has_ended = row.ended_at is not None and local_day(session, row.ended_at) <= period.ends_on
    yield row.state if has_ended else "under_way"
    if is_late:
        yield "late"


def _late_cases(session: Session, period: Period) -> set[UUID]:
    """The cases with a required step that was due in the period and was not done on its day, whatever became of it."""
    done_on = cast(func.timezone(program(session).time_zone, col(Task.done_at)), Date)
    lost = (
        only(surely(Task.case_id))
        .join(Lateness, joins(Lateness.task_id, Task))
        .where(col(Task.required), col(Lateness.due_on).between(period.starts_on, period.ends_on))
    )
    late = only(surely(Task.case_id)).where(
        col(Task.case_id).is_not(None),
        col(Task.required),
        col(Task.due_on).between(period.starts_on, period.ends_on),
        col(Task.state).not_in(["waived", "cancelled"]),
        or_(col(Task.done_at).is_(None), done_on > col(Task.due_on)),
    )
    return {*scalars(session, lost), *scalars(session, late.distinct())}


def _meetings(session: Session, period: Period) -> CountTable:
    members = memberships(session)
    meetings = [row for row in every(session, of(Meeting)) if period.starts_on <= row.starts.date() <= period.ends_on]
    filled = filled_at(session, meetings)
    counted: dict[UUID, Counter[str]] = defaultdict(Counter)
    for row in meetings:
        how = "without_quorum" if row.state == "held" and row.quorate is False else row.state
        counts = counted[row.committee_id]
        counts[how] += how in ("held", "without_quorum", "cancelled")
        if how == "held":
            seats = members[row.committee_id].seats_on(row.starts.date())
            counts.update(_filled(seat.id, filled[row.id]) for seat in seats)
            counts.update(seats=len(seats))
    return _by_committee(session, counted, _MEETINGS)


def _filled(seat_id: UUID, filled: Mapping[UUID, str]) -> str:
    """How a seat was filled, as the columns have it."""
    state = filled.get(seat_id, "unrecorded")
    return "holder" if state in ("present", "remote") else state


def _decisions(session: Session, period: Period) -> CountTable:
    """Those on management, and others; clinical ones are about participants, and are not counted here."""
    clinical = clinical_decisions(session)
    counted: dict[UUID, Counter[str]] = defaultdict(Counter)
    for row in decisions.taken_before(session, moments_of(session, period.ends_on)[1]):
        closed = local_day(session, row.closed_at) if row.closed_at else None
        if row.id in clinical or (closed is not None and closed < period.starts_on):
            continue
        counts = counted[row.committee_id]
        counts.update(taken=local_day(session, row.decided_at) >= period.starts_on)
        if closed is not None and closed <= period.ends_on:
            counts["withdrawn" if row.state == "withdrawn" else "carried_out"] += 1
        else:
            counts.update(_still_open(row, period))
    return _by_committee(session, counted, _DECISIONS)


def _still_open(row: RegisteredDecision, period: Period) -> Iterator[str]:
    """The columns of a decision that was not closed in the period: what waits for the partners asks nothing yet."""
    if row.state != "withdrawn" and not counts_by(row):
        yield "waiting"
    elif row.owner_role:
        yield "open"
        if row.due_on is not None and row.due_on < period.ends_on:
            yield "late"


def _by_committee(session: Session, counted: Mapping[UUID, Counter[str]], table: TableOf) -> CountTable:
    """A line for each committee of which something counts, in the order of their keys, and one for all together."""
    return table.summed(
        [
            table.row(row.key, Both(fr=row.title_fr, en=row.title_en), counted[row.id])
            for row in sorted(committees(session).values(), key=lambda row: row.key)
            if row.id in counted and any(counted[row.id].values())
        ]
    )


def _obligations(session: Session, period: Period) -> list[PeriodRead]:
    """Each period of each obligation, those left out that are met or missed by what participants do."""
    rows = reading.periods(session, since=period.starts_on, until=period.ends_on)
    about = _subjects(session)
    kept = [row for row in rows if not _tells_of_participants(row, about)]
    return reading.as_of(session, kept, period.ends_on)


def _tells_of_participants(row: PeriodRead, about: Mapping[str, str]) -> bool:
    """Whether a duty stands or falls by referrals or admissions: "met" would say that there was one at least."""
    rule = rule_of(row.check_kind, row.rule)
    protocols = [key for key in rule.protocols_named() if key in about]
    return rule.counts_participants or any(about[key] not in TELLS_OF_NO_PARTICIPANT for key in protocols)


def _subjects(session: Session) -> dict[str, str]:
    """What each protocol is about."""
    kind = inside(ProtocolVersion.declared)["subject"]["kind"].astext
    return dict(tuples(session, only(ProtocolVersion.key, kind).order_by(col(ProtocolVersion.number))))


def _by_family(rows: Iterable[PeriodRead]) -> CountTable:
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        counted[next((family for family in _FAMILIES if row.key.startswith(family)), "")][row.state] += 1
    return _CLAUSES.summed(
        [
            _CLAUSES.row(family.lower() or "other", both(_FAMILIES.get(family, _OTHER)), counted[family])
            for family in (*_FAMILIES, "")
            if family in counted
        ]
    )


def _by_partner(rows: Iterable[PeriodRead]) -> CountTable:
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    named: dict[str, Both] = {}
    for row in rows:
        counted[row.organization_key][row.state] += 1
        named[row.organization_key] = Both(fr=row.short_name, en=row.short_name)
    return _OF_PARTNERS.summed([_OF_PARTNERS.row(key, name, counted[key]) for key, name in named.items()])


def _partners(session: Session, period: Period, on: date) -> CountTable:
    """Partner by partner, over the days of its agreement: its seats and roles, and what it carried out of decisions."""
    people, names, clinical = people_of(session), titles(session), clinical_decisions(session)
    lines: list[CountRow] = []
    partners = of(Organization).join(Agreement, joins(Agreement.organization_id, Organization))
    for place in every(session, partners.order_by(col(Organization.short_name))):
        covered = CoveredYear.over(session, place, Span(period.starts_on, period.ends_on), on)
        if covered is None:
            continue
        counts: Counter[str] = Counter()
        for seat in seats_of(session, covered, people):
            counts.update(seats=seat.held, sat=seat.sat + seat.alternate, absent=seat.absent)
        for post in posts_of(session, covered, people, names):
            counts.update(promised=post.promised_days, vacant=post.empty_days)
        counts.update(_carried_out(session, covered, clinical))
        lines.append(_PARTNERS.row(place.key, Both(fr=place.short_name, en=place.short_name), counts))
    return _PARTNERS.summed(lines)


def _carried_out(session: Session, year: CoveredYear, clinical: Collection[UUID]) -> Iterator[str]:
    """What a partner was to carry out of decisions: closed on a covered day as done, or still open at the last one."""
    for row in decisions.owed_by(session, year.organization_id):
        if row.id in clinical or local_day(session, row.decided_at) > year.last:
            continue
        closed = local_day(session, row.closed_at) if row.closed_at else None
        if closed is None or closed > year.last:
            yield "open"
        elif year.holds(closed) and row.state != "withdrawn":
            yield "carried_out"
