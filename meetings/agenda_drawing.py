"""What a committee's declared rules draw for the agenda of a meeting from what is on record. Reads only.

The same records give the same items in the same order: nothing is drawn by chance, nor by the hour at which it is done.
Days are the local ones of the meeting.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, func, literal_column
from sqlalchemy.dialects.postgresql import distinct_on
from sqlmodel import Session, and_, or_

from domain.agreements import version_in_force
from domain.casework import ROLE_OF_SUBJECT, notice_day, vacancies
from domain.declarations import AgendaRule, clause_without_role, year_begun
from domain.declared import Bilingual
from domain.kernel import (
    Span,
    col,
    every,
    inside,
    joins,
    local_day,
    of,
    only,
    run,
    scalar,
    scalars,
    surely,
    tuples,
    value_of,
)
from domain.obligations import PeriodRead, at_risk
from domain.roles import standing
from domain.terms import days as agreement_days
from locales import N_, say
from meetings import agenda_decisions, caseloads, endorsements
from meetings.agenda_items import IS_OPEN, STILL_HOLDS, TALKED_ABOUT, as_it_is
from meetings.agenda_rules import (
    OF_ONE_MEETING,
    STANDING,
    TURN,
    KeyedRule,
    NewItem,
    RuleContext,
    both,
    kinds_taken,
    rules_of,
)
from meetings.committees import PRINCIPAL, CommitteeSeat, membership
from meetings.partner_years import year_record
from meetings.reasons import TOO_OFTEN
from models.agenda import CARRIED, STANDING_THREE_TIMES, AgendaItem, ItemReason
from models.agreement import AgreementVersion
from models.casework import Case, ProtocolVersion
from models.committee import Committee
from models.meeting import Meeting
from models.minutes import Minutes
from models.program import Organization, Role

#: Under this key the committee that settles objections has its rule where its file declares none.
_BY_ITSELF: Final = "endorsements"

#: The committee that answers for every place of the program, by its fact of the guide: the Steering Committee.
WATCHES_EVERY_ROLE: Final = "CM-S"

#: The re-evaluation of an agreement after one year of it: of one agreement, one a year.
AGREEMENT_YEAR: Final = "agreement_year"


def draw(session: Session, committee: Committee, meeting: Meeting, *, at: datetime) -> tuple[NewItem, ...]:
    """Every item that belongs on this meeting's agenda now, by section; each subject once, by the first rule."""
    seats, unreached = membership(session, committee.id), _unreached(session, committee.id, meeting)
    rules = _with_endorsements(session, committee)
    found: dict[tuple[str, str], NewItem] = {}
    for rule in rules:
        for one in _SOURCES[rule.declared.source](RuleContext(session, committee, meeting, seats, at, unreached, rule)):
            before = found.setdefault(one.key, one)
            if before.reasons:  # what was asked for has its own, in its row
                found[one.key] = replace(before, reasons=before.reasons.and_also(one.reasons))
    places = {rule.key: place for place, rule in enumerate(rules)}
    sections: dict[str, int] = {}
    for rule in rules:
        sections.setdefault(rule.declared.section.fr, places[rule.key])
    return tuple(sorted(found.values(), key=lambda one: (sections[one.section_fr], places[one.rule])))


def _with_endorsements(session: Session, committee: Committee) -> tuple[KeyedRule, ...]:
    """A committee's rules; where it settles objections (GV-4), one brings them before it, whatever its file says."""
    rules = rules_of(committee)
    settles = committee.key == endorsements.declared(session).committee
    if not settles or any(rule.declared.source == "endorsements" for rule in rules):
        return rules
    section = Bilingual(fr=say("fr", _TO_SETTLE), en=say("en", _TO_SETTLE))
    by_itself = AgendaRule(source="endorsements", section=section, minutes=15, purpose="decision", sources=("GV-4",))
    return (KeyedRule(_BY_ITSELF, by_itself), *rules)


_TO_SETTLE: Final = N_("Decisions that the partners endorse")


# ------------------------------------------------------------------------------------------------------ the sources


def _standing(table: RuleContext) -> Iterator[NewItem]:
    yield _of_one_meeting(table, STANDING, table.rule.key, table.presenter)


def _turn(table: RuleContext) -> Iterator[NewItem]:
    seats = [seat for seat in table.seats.seats_on(table.day) if seat.role == table.rule.declared.role]
    loads = caseloads.caseloads(table.session, table.day) if table.rule.declared.minutes_a_case else {}
    for seat in _rotated(seats, _last_in_turn(table)):
        of_seat = f" – {seat.title_fr}", f" – {seat.title_en}"
        turn = _of_one_meeting(table, TURN, f"{table.rule.key}/{seat.id}", seat.id, of_seat)
        yield replace(turn, minutes=table.rule.declared.minutes_for(*loads.get(seat.organization_id, (0, 0))))


def _rotated(seats: Sequence[CommitteeSeat], last: UUID | None) -> list[CommitteeSeat]:
    """The seats in their order, beginning with the one that came last at the meeting before."""
    start = next((place for place, seat in enumerate(seats) if seat.id == last), 0)
    return [*seats[start:], *seats[:start]]


def _last_in_turn(table: RuleContext) -> UUID | None:
    """The seat that the latest held meeting before this one has last in its turn, as its agenda had it."""
    return scalar(
        table.session,
        only(AgendaItem.presenter_seat_id)
        .join(Meeting, joins(AgendaItem.meeting_id, Meeting))
        .where(
            AgendaItem.committee_id == table.committee.id,
            AgendaItem.kind == TURN,
            AgendaItem.rule == table.rule.key,
            col(AgendaItem.state).in_(TALKED_ABOUT),
            _held_before(table.meeting),
        )
        .order_by(col(Meeting.starts_at).desc(), col(AgendaItem.position).desc())
        .limit(1),
    )


def _held_before(meeting: Meeting) -> ColumnElement[bool]:
    """The meetings that were held before this one, as a condition."""
    return and_(Meeting.state == "held", col(Meeting.starts_at) < meeting.starts_at)


def _of_one_meeting(
    table: RuleContext, kind: str, base: str, presenter: UUID | None, of_seat: tuple[str, str] = ("", "")
) -> NewItem:
    """What each meeting has anew, under the rule's own title, which says of which seat it is."""
    title = surely(table.rule.declared.title)  # the grammar wants one of these sources
    carried_from, seen = table.unreached.get(f"{kind}/{base}", (None, 0))
    asks = seen >= TOO_OFTEN
    age = [ItemReason(STANDING_THREE_TIMES if asks else CARRIED, facts={"n": seen})] if seen else []
    subject = f"{base}@{table.meeting.id}"
    drawn = table.drawn(kind, subject, (title.fr + of_seat[0], title.en + of_seat[1]), ItemReason(kind), *age)
    drawn = replace(drawn, presenter_seat_id=presenter, times_seen=seen, carried_from_id=carried_from)
    return replace(drawn, purpose="decision") if asks else drawn


def _unreached(session: Session, committee_id: UUID, meeting: Meeting) -> dict[str, tuple[UUID, int]]:
    """What each meeting has anew and the latest held meeting that had it did not reach: its item, and how often by now.

    A meeting from whose agenda it was taken off does not count: its age neither grows by it, nor is it forgotten.
    """
    # Written out: parameters of their own would make each mention of it another expression.
    base = func.split_part(col(AgendaItem.subject), literal_column("'@'"), literal_column("1")).label("base")
    latest = (
        only(AgendaItem.id, AgendaItem.kind, base, AgendaItem.times_seen, AgendaItem.outcome)
        .join(Meeting, joins(AgendaItem.meeting_id, Meeting))
        .where(
            AgendaItem.committee_id == committee_id,
            col(AgendaItem.kind).in_(OF_ONE_MEETING),
            col(AgendaItem.state).in_(TALKED_ABOUT),
            _held_before(meeting),
        )
        .ext(distinct_on(col(AgendaItem.kind), base))
        .order_by(col(AgendaItem.kind), base, col(Meeting.starts_at).desc())
    )
    rows = run(session, latest)
    return {f"{row.kind}/{row.base}": (row.id, row.times_seen + 1) for row in rows if row.outcome == "carried"}


def _minutes_to_approve(table: RuleContext) -> Iterator[NewItem]:
    held = (
        only(Meeting.id, Meeting.starts)
        .join(Minutes, joins(Minutes.meeting_id, Meeting))
        .where(Meeting.committee_id == table.committee.id, _held_before(table.meeting), Minutes.state == "circulated")
    )
    for meeting_id, starts in tuples(table.session, held.order_by(col(Meeting.starts_at), col(Meeting.id))):
        day = starts.date().isoformat()
        title = both(N_("Minutes of %(day)s"), day=day)
        yield table.drawn("minutes", str(meeting_id), title, ItemReason("minutes_to_approve", facts={"day": day}))


def _onboarding(table: RuleContext) -> Iterator[NewItem]:
    rows = run(
        table.session,
        only(
            Case.id,
            Case.opened_at,
            Organization.short_name,
            value_of(inside(ProtocolVersion.declared)["subject"]["kind"].astext.label("subject")),
        )
        .join(ProtocolVersion, joins(Case.protocol_version_id, ProtocolVersion))
        .join(Organization, joins(Case.organization_id, Organization))
        .where(Case.protocol == "onboarding", Case.state == "open")
        .order_by(col(Case.opened_at), col(Case.id)),
    ).all()
    titles = _roles(table.session)
    for row in rows:
        facts = {"since": local_day(table.session, row.opened_at).isoformat()}
        title = both(
            N_("Onboarding: %(role)s, %(organization)s"),
            role=titles[ROLE_OF_SUBJECT[row.subject]],
            organization=row.short_name,
        )
        yield table.drawn("onboarding", str(row.id), title, ItemReason("onboarding_open", facts=facts))


def _vacancies(table: RuleContext) -> Iterator[NewItem]:
    for seat in table.seats.seats_on(table.day):
        if not table.seats.holders(seat.id, table.day, PRINCIPAL):
            of = {"fr": seat.title_fr, "en": seat.title_en}
            title = both(N_("Vacant seat: %(seat)s"), seat=of)
            if seat.committee != table.committee.key:  # one organization may have a seat of each of its committees
                title = both(N_("Vacant seat: %(seat)s, %(role)s"), seat=of, role=_roles(table.session)[seat.role])
            yield table.drawn("vacancy", f"seat/{seat.id}", title, ItemReason("seat_vacant"))
    if table.committee.source == WATCHES_EVERY_ROLE:
        yield from _vacant_roles(table)


def _vacant_roles(table: RuleContext) -> Iterator[NewItem]:
    for vacancy in vacancies.find(table.session, standing(table.session, table.day)):
        if vacancy.kind != "role":
            continue
        title = both(
            N_("Vacant role: %(role)s, %(organization)s"),
            role={"fr": vacancy.title_fr, "en": vacancy.title_en},
            organization=vacancy.organization,
        )
        reason = ItemReason("role_vacant")
        if vacancy.tasks:
            reason = ItemReason("role_vacant_with_tasks", facts={"n": vacancy.tasks})
        subject = f"role/{vacancy.role}/{vacancy.organization_id}"
        yield table.drawn("vacancy", subject, title, reason)


def _obligations(table: RuleContext) -> Iterator[NewItem]:
    """One for each partner: everything of theirs that is at risk, cannot be met any more, or was missed lately."""
    by_partner: dict[UUID, list[PeriodRead]] = {}
    for row in at_risk(table.session, table.day):
        by_partner.setdefault(row.organization_id, []).append(row)
    for organization_id, rows in by_partner.items():
        title = both(N_("Obligations at risk: %(organization)s"), organization=rows[0].short_name)
        yield table.drawn("obligation", str(organization_id), title, *map(_at_risk, rows))


def _at_risk(row: PeriodRead) -> ItemReason:
    facts = {"clause": clause_without_role(row.key)}
    if row.ends_on is None:
        return ItemReason("obligation_missed_now", facts=facts)
    return ItemReason(f"obligation_{row.state}", facts={**facts, "day": row.ends_on.isoformat()})


def _agreement_years(table: RuleContext) -> Iterator[NewItem]:
    """One for each agreement in force of which a year is over that the committee has not spoken of yet.

    It shows the record of that year. Years are those of the agreement through all its versions: an amendment neither
    begins one anew nor settles what waits. One that ends near the last day of a version that is renewed comes by the
    renewal instead, and one in which the agreement had lapsed does not come.
    """
    spoken_of = set(
        scalars(
            table.session,
            only(AgendaItem.subject).where(
                AgendaItem.committee_id == table.committee.id,
                AgendaItem.kind == AGREEMENT_YEAR,
                AgendaItem.state == "settled",
                AgendaItem.outcome != "carried",
            ),
        )
    )
    renewed = _renewed(table.session)
    # Where another one is set to begin, its last day may be but the eve of an amendment.
    to_renew = {
        row.id: [Span(notice, None)]
        for row in agreement_days.without_successor(table.session, table.day)
        if (notice := notice_day(row)) is not None
    }
    for row in agreement_days.going_on(table.session, table.day):
        begun = year_begun(row.since, table.day)
        last = begun - timedelta(days=1)
        subject = f"{row.agreement_id}/{begun.isoformat()}"
        near_renewal = [*renewed.get(row.agreement_id, ()), *to_renew.get(row.id, ())]
        is_whole = version_in_force(table.session, row.organization_id, last) is not None
        if not is_whole or subject in spoken_of or any(days.holds(begun) for days in near_renewal):
            continue
        facts = {"since": row.since.isoformat(), "day": begun.isoformat()}
        reason = ItemReason("agreement_year", facts=facts)
        if row.ends_on is not None:
            reason = ItemReason("agreement_year_to_a_day", facts={**facts, "last": row.ends_on.isoformat()})
        record = year_record(table.session, row.organization_id, last)
        title = both(N_("Re-evaluate the agreement: %(organization)s"), organization=row.short_name)
        yield table.drawn(AGREEMENT_YEAR, subject, title, reason, *record)


def _renewed(session: Session) -> dict[UUID, list[Span]]:
    """By agreement, the days about the end of each version that was renewed: its notice's length before and after."""
    rows = every(
        session,
        of(AgreementVersion)
        .join(Case, joins(Case.agreement_version_id, AgreementVersion))
        .where(Case.state != "cancelled", col(AgreementVersion.ends_on).is_not(None)),
    )
    found: dict[UUID, list[Span]] = {}
    for row in rows:
        near, last = timedelta(days=row.notice_days), surely(row.ends_on)
        found.setdefault(row.agreement_id, []).append(Span(last - near, last + near))
    return found


def _roles(session: Session) -> dict[str, dict[str, str]]:
    rows = run(session, only(Role.key, Role.title_fr, Role.title_en))
    return {row.key: {"fr": row.title_fr, "en": row.title_en} for row in rows}


def _asked(table: RuleContext) -> Iterator[NewItem]:
    """What was asked for under one of the rule's kinds, still holds, and waits in the pool or is on this agenda."""
    rows = every(
        table.session,
        of(AgendaItem)
        .where(
            AgendaItem.committee_id == table.committee.id,
            col(AgendaItem.kind).in_(kinds_taken(table.committee, table.rule)),
            or_(AgendaItem.state == "pool", AgendaItem.meeting_id == table.meeting.id),
            IS_OPEN,
            STILL_HOLDS,
        )
        .order_by(col(AgendaItem.asked_at), col(AgendaItem.kind), col(AgendaItem.subject)),
    )
    section = table.rule.declared.section
    for row in rows:
        yield replace(as_it_is(row), rule=table.rule.key, section_fr=section.fr, section_en=section.en)


_SOURCES: Final[Mapping[str, Callable[[RuleContext], Iterator[NewItem]]]] = {
    "standing": _standing,
    "turn": _turn,
    "minutes": _minutes_to_approve,
    "onboarding": _onboarding,
    "vacancies": _vacancies,
    "decisions": agenda_decisions.open_ones,
    "obligations": _obligations,
    "agreement_years": _agreement_years,
    "endorsements": agenda_decisions.to_settle,
    "asked": _asked,
}
