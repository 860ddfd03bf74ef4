"""Partners and what they owe: all of them at a glance for the coordinator, and each on a page of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from fastapi import Request, Response

from api.access.partners import find_partner, partners_of, read_statement
from api.access.permissions import Action, Relation, asks, is_allowed, require, to_program
from api.access.session import InContext, RequestContext
from api.access.tasks import seen_of
from api.pages.board import waiting_shown
from api.pages.frame import framed_pages, page, see_other
from api.pages.people import RoleComing
from api.views.meetings import between
from api.views.names import people_by_id, titles_of_roles
from api.views.obligations import LETTERS, NEEDS_SOMETHING, STATES, by_worst, clause_of, grid, text_of
from api.web import downloads
from domain.agreements import version_in_force
from domain.casework import board, vacancies
from domain.declarations import GIVEN
from domain.kernel import col, every, of
from domain.obligations import PeriodRead, reading
from meetings.committees import ALTERNATE, PRINCIPAL, committees, memberships, title_of
from meetings.documents.issuing import issue
from meetings.statements.partner import years
from models.agreement import AgreementRole
from models.program import Person

router = framed_pages()

AHEAD: Final = timedelta(days=120)
NEXT: Final = 6
MOST_TASKS: Final = 30


@router.get("/partners", name="partners")
@asks(Action.SEE_PARTNERS)
def show_partners(context: InContext, request: Request) -> Response:
    """Every partner by every clause, what is at risk first. Who sees one partner alone is taken to its page."""
    given = to_program(context.asker)
    require(Action.SEE_PARTNERS, given)
    partners = partners_of(context.session, context.asker)
    if len(partners) == 1 and Relation.COORDINATOR not in given:
        return see_other(f"/partners/{partners[0].id}")
    rows = _lately(context, [partner.id for partner in partners])
    clauses, cells = grid(rows)
    return page(
        context,
        request,
        "partners.html",
        partners=partners,
        clauses=[{"key": one, "text": _text_of(rows, one, context.language)} for one in clauses],
        cells=cells,
        at_risk=_of_each_clause(context, [row for row in by_worst(rows) if row.state in NEEDS_SOMETHING]),
        states=STATES,
        letters=LETTERS,
        day=context.day,
    )


@router.get("/partners/{organization_id}", name="partner")
@asks(Action.SEE_PARTNER)
def show_partner(context: InContext, request: Request, organization_id: UUID) -> Response:
    """One partner: its obligations, who sits where, its vacancies, its next meetings, and what its roles have to do."""
    partner, given = find_partner(context.session, context.asker, organization_id)
    rows = _lately(context, [organization_id])
    tasks = seen_of(context.session, context.asker, board.open_at(context.session, organization_id))
    titles = titles_of_roles(context)
    worst = [_line(row, context.language, titles) for row in by_worst(rows)]
    open_, settled = (
        [line for line in worst if (line.row.state in ("met", "waived", "no_occasion")) == is_settled]
        for is_settled in (False, True)
    )
    return page(
        context,
        request,
        "partner.html",
        partner=partner,
        version=version_in_force(context.session, organization_id, context.day),
        needs=[line for line in open_ if line.row.state in NEEDS_SOMETHING],
        coming=[line for line in open_ if line.row.state not in NEEDS_SOMETHING],
        settled=settled,
        seats=_seats(context, organization_id),
        roles=_roles(context, organization_id, titles),
        meetings=_meetings(context, organization_id),
        tasks=waiting_shown(context, tasks[:MOST_TASKS]),
        tasks_in_all=len(tasks),
        may_see_all=is_allowed(Action.WAIVE_CLAUSE, given),
        years=years(context.session, organization_id, context.day) if is_allowed(Action.READ_STATEMENT, given) else [],
        states=STATES,
        day=context.day,
    )


@router.get("/partners/{organization_id}/statements/{year}/{language}.{form}", name="statement_paper")
@asks(Action.READ_STATEMENT)
def download_statement(
    context: InContext, organization_id: UUID, year: int, language: downloads.Language, form: downloads.Form
) -> Response:
    """A partner's yearly statement as a file, in one language."""
    partner, content = read_statement(context.session, context.asker, organization_id, year, at=context.at)
    file = issue(context.session, content, language, form, committee=partner.key)
    return downloads.download(file)


def _lately(context: RequestContext, organization_ids: Sequence[UUID]) -> list[PeriodRead]:
    """The periods that are open, or ended lately: where one of a clause is open, those that went well are left out.

    One whose proof waits to be looked at has not gone well yet.
    """
    rows = reading.lately(context.session, context.day, organization_ids=organization_ids)
    is_open = {(row.agreement_id, row.key) for row in rows if row.ends_on is None or row.ends_on >= context.day}
    return [
        row
        for row in rows
        if row.ends_on is None
        or row.ends_on >= context.day
        or row.state in {*NEEDS_SOMETHING, GIVEN}
        or (row.agreement_id, row.key) not in is_open
    ]


@dataclass(frozen=True)
class PeriodLine:
    """One period as a line of a list; `partners` are the periods of those who stand alike."""

    row: PeriodRead
    clause: str
    text: str
    owner: str
    partners: list[PeriodRead]


def _of_each_clause(context: RequestContext, rows: Sequence[PeriodRead]) -> list[PeriodLine]:
    """A line of each clause and period that stands alike at several partners, with these `partners`, in order."""
    titles, found = titles_of_roles(context), dict[tuple[object, ...], PeriodLine]()
    for row in rows:
        line = _line(row, context.language, titles)
        alike = (row.state, row.key, line.text, row.ends_on, row.due_on)
        found.setdefault(alike, line).partners.append(row)
    return list(found.values())


def _line(row: PeriodRead, language: str, titles: Mapping[str, str]) -> PeriodLine:
    return PeriodLine(row, clause_of(row), text_of(row, language), titles.get(row.owed_by, ""), [])


def _text_of(rows: Sequence[PeriodRead], clause: str, language: str) -> str:
    return next(text_of(row, language) for row in rows if clause_of(row) == clause)


@dataclass(frozen=True)
class PartnerSeatLine:
    """A seat of today on a committee, with who holds it, and who is to."""

    committee: str
    key: str
    title: str
    principals: list[Person]
    to_come: list[RoleComing]
    alternates: list[Person]


def _seats(context: RequestContext, organization_id: UUID) -> list[PartnerSeatLine]:
    """The organization's seats of today on each committee, with who holds them."""
    named, members_of = committees(context.session), memberships(context.session, since=context.day)
    people = people_by_id(context, {one for members in members_of.values() for one in members.people_on(context.day)})
    found = []
    for committee_id, members in members_of.items():
        row = named[committee_id]
        if row.derived_from:
            continue  # they are seats of another committee
        for seat in members.seats_on(context.day):
            if seat.organization_id != organization_id:
                continue
            line = PartnerSeatLine(
                committee=title_of(row, context.language),
                key=row.key,
                title=title_of(seat, context.language),
                principals=[people[one] for one in members.holders(seat.id, context.day, PRINCIPAL)],
                to_come=_to_come(members.to_hold(seat.id, context.day), people),
                alternates=[people[one] for one in members.holders(seat.id, context.day, ALTERNATE)],
            )
            found.append(line)
    return sorted(found, key=lambda one: (one.committee, one.title))


@dataclass(frozen=True)
class RoleLine:
    """A role that the agreement creates, with who holds it, who is to, and whether somebody lacks."""

    title: str
    people: list[Person]
    to_come: list[RoleComing]
    vacancy: vacancies.Vacancy | None


def _roles(context: RequestContext, organization_id: UUID, titles: Mapping[str, str]) -> list[RoleLine]:
    """The roles that the agreement creates there, with their holders, and whether one is vacant."""
    version = version_in_force(context.session, organization_id, context.day)
    if version is None:
        return []
    created = every(
        context.session,
        of(AgreementRole).where(AgreementRole.agreement_version_id == version.id).order_by(col(AgreementRole.role)),
    )
    standing = context.asker.standing
    people = people_by_id(
        context,
        (one.person_id for one in (*standing.tenures, *standing.coming) if one.organization_id == organization_id),
    )
    vacant = {
        (one.role, one.organization_id): one for one in vacancies.find(context.session, standing) if one.kind == "role"
    }
    return [
        RoleLine(
            title=titles.get(row.role, row.role),
            people=[people[tenure.person_id] for tenure in standing.holding(row.role, organization_id)],
            to_come=_to_come(standing.to_hold(row.role, organization_id), people),
            vacancy=vacant.get((row.role, organization_id)),
        )
        for row in created
    ]


def _to_come(held: Iterable[Any], people: Mapping[UUID, Person]) -> list[RoleComing]:
    return [RoleComing(people[one.person_id], one.starts_on) for one in held]


def _meetings(context: RequestContext, organization_id: UUID) -> list[Any]:
    """The next meetings of the committees on which the organization sits."""
    mine = {
        committee_id
        for committee_id, members in memberships(context.session, since=context.day).items()
        if any(seat.organization_id == organization_id for seat in members.seats_on(context.day))
    }
    ahead = between(context, context.day, context.day + AHEAD)
    return [line for line in ahead if line.is_to_come and line.committee.id in mine][:NEXT]
