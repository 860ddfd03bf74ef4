"""The program as it is agreed, on one page: its partners, committees and seats, coordination, closed days and area."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from fastapi import Request
from fastapi.responses import HTMLResponse

from api.access.permissions import Action, asks, require, to_program
from api.access.session import InContext, RequestContext
from api.pages.frame import framed_pages, page
from api.views.names import people_by_id, titles_of_roles
from api.views.states import state_of_version
from domain.declarations import Rhythm
from domain.kernel import SHAPE, also, calendar_of, col, every, joins, lasts, of, only, title_of, tuples
from locales import N_, current_language, say, say_n, show_clock
from meetings import endorsements
from meetings.committees import ALTERNATE, PRINCIPAL, Membership, memberships, rhythm_of
from models.agreement import Agreement, AgreementVersion
from models.committee import Committee, Seat
from models.program import Closure, Organization, Person, Position

router = framed_pages()

#: How far ahead the closed days are listed.
AHEAD: Final = timedelta(days=365)

KINDS: Final[Mapping[str, str]] = {
    "health_agency": N_("Health agency"),
    "community": N_("Community organization"),
    "police": N_("Police service"),
    "specialized": N_("Specialized organization"),
    "research": N_("Research body"),
    "outside": N_("Outside the program"),
}
STRUCTURES: Final[Mapping[str, str]] = {
    "hosted": N_("One position, in one organization"),
    "secondment": N_("One position, shared by two organizations"),
    "joint": N_("One position, funded by several organizations"),
}
_WEEKDAYS: Final[Mapping[str, str]] = {
    "monday": N_("every Monday at %(at)s"),
    "tuesday": N_("every Tuesday at %(at)s"),
    "wednesday": N_("every Wednesday at %(at)s"),
    "thursday": N_("every Thursday at %(at)s"),
    "friday": N_("every Friday at %(at)s"),
    "saturday": N_("every Saturday at %(at)s"),
    "sunday": N_("every Sunday at %(at)s"),
}


@router.get("/program", name="program")
@asks(Action.SEE_PROGRAM)
def show_program(context: InContext, request: Request) -> HTMLResponse:
    """The program on one page."""
    require(Action.SEE_PROGRAM, to_program(context.asker))
    organizations, committees = _organizations(context), _committees(context)
    coordination = context.program.coordination
    return page(
        context,
        request,
        "program.html",
        day=context.day,
        organizations=organizations,
        kinds=KINDS,
        committees=committees,
        coordination=coordination,
        position=coordination.hosted or coordination.secondment or coordination.joint or Position(),
        names={one.row.key: one.row.short_name for one in organizations},
        roles=titles_of_roles(context),
        reports_to=next((one.title for one in committees if one.row.key == coordination.reports_to), ""),
        endorsed=endorsements.declared(context.session),
        closed=_closed_days(context),
        until=context.day + AHEAD,
        area=context.program.area,
        governance=STRUCTURES[context.program.governance],
    )


def rhythm_in_words(rhythm: Rhythm | None) -> str:
    """How often a committee meets, as people say it; "" where it has no rhythm yet."""
    language = current_language()
    if rhythm is None:
        return ""
    if rhythm.weekday is not None and rhythm.at is not None:
        return say(language, _WEEKDAYS[rhythm.weekday], at=show_clock(language, rhythm.at))
    return say_n(language, "%(n)s time a year", "%(n)s times a year", rhythm.times)


class OrganizationLine(Organization):
    """An organization with its agreement, where it has one."""

    model_config = SHAPE

    agreement_id: UUID | None = also(Agreement.id)


class Agreed(NamedTuple):
    """An organization with the versions of its agreement that count."""

    row: OrganizationLine
    name: str
    versions: list[AgreementVersion]


def _organizations(context: RequestContext) -> list[Agreed]:
    """Each organization with the `versions` of its agreement that count: in force that day, and the latest.

    The partners come first. The latest may only be a draft, or begin later: it does not hide what holds until then.
    """
    versions: dict[UUID | None, list[AgreementVersion]] = defaultdict(list)
    for version in every(context.session, of(AgreementVersion).order_by(col(AgreementVersion.n))):
        kept = [one for one in versions[version.agreement_id] if _is_in_force(one, context.day)]
        versions[version.agreement_id] = [*kept, version]
    rows = every(
        context.session,
        of(OrganizationLine)
        .outerjoin(Agreement, joins(Agreement.organization_id, Organization))
        .order_by(col(Organization.kind) == "outside", col(Organization.short_name)),
    )
    return [
        Agreed(row, row.name_fr if context.language == "fr" else row.name_en, versions.get(row.agreement_id, []))
        for row in rows
    ]


def _is_in_force(version: AgreementVersion, day: date) -> bool:
    return state_of_version(version.state, version.starts_on, version.ends_on, day) == "in_force"


class SeatOfOrganization(Seat):
    """A seat with the organization that has it."""

    model_config = SHAPE

    short_name: str = also(Organization.short_name)


class CommitteeSeatLine(NamedTuple):
    """A seat with who sits on it that day, and who is to."""

    row: SeatOfOrganization
    title: str
    principal: Person | None
    to_come: list[tuple[Person, date]]
    alternates: list[Person]


class CommitteeLine(NamedTuple):
    """A committee with its seats: when it meets, and from which others a derived one has them."""

    row: Committee
    title: str
    meets: str
    derives: list[str]
    seats: list[CommitteeSeatLine]


def _committees(context: RequestContext) -> list[CommitteeLine]:
    """Each committee with its seats and who sits on them today. A derived one has the seats of others."""
    rows = every(context.session, of(Committee).order_by(col(Committee.key)))
    seats = every(
        context.session,
        of(SeatOfOrganization)
        .join(Organization, joins(Seat.organization_id, Organization))
        .where(lasts(Seat, context.day))
        .order_by(col(Seat.voting).desc(), col(Organization.short_name), col(Seat.key)),
    )
    members = memberships(context.session, since=context.day)
    people = people_by_id(context, {one for each in members.values() for one in each.people_on(context.day)})
    titles = {row.key: title_of(row, context.language) for row in rows}
    # The ones that meet most often first, those made of others last.
    rows.sort(key=lambda row: (bool(row.derived_from), -_meetings_a_year(rhythm_of(row)), titles[row.key]))
    return [
        CommitteeLine(
            row,
            title=titles[row.key],
            meets=rhythm_in_words(rhythm_of(row)),
            derives=[titles[key] for key in row.derived_from if key in titles],
            seats=[_seat(context, seat, members[row.id], people) for seat in seats if seat.committee_id == row.id],
        )
        for row in rows
    ]


def _seat(
    context: RequestContext, seat: SeatOfOrganization, members: Membership, people: Mapping[UUID, Person]
) -> CommitteeSeatLine:
    return CommitteeSeatLine(
        seat,
        title=title_of(seat, context.language),
        principal=next(map(people.get, members.holders(seat.id, context.day, PRINCIPAL)), None),
        to_come=[(people[one.person_id], one.starts_on) for one in members.to_hold(seat.id, context.day)],
        alternates=[people[one] for one in members.holders(seat.id, context.day, ALTERNATE)],
    )


def _meetings_a_year(rhythm: Rhythm | None) -> int:
    return rhythm.times * (52 if rhythm.per == "week" else 1) if rhythm else 0


class Closed(NamedTuple):
    """Days on which the program does not work, or an organization alone; with why."""

    first: date
    last: date
    why: str
    organization: str | None


def _closed_days(context: RequestContext) -> list[Closed]:
    """The days of the year ahead on which the program or an organization does not work, beside the weekends."""
    last = context.day + AHEAD
    holidays = calendar_of(context.session).public_holidays(context.day, last, context.language)
    closures = tuples(
        context.session,
        only(
            Closure.starts_on,
            Closure.ends_on,
            Closure.reason_fr if context.language == "fr" else Closure.reason_en,
            Organization.short_name,
        )
        .outerjoin(Organization, joins(Closure.organization_id, Organization))
        .where(col(Closure.ends_on) >= context.day, col(Closure.starts_on) <= last),
    )
    public = [Closed(day, day, why, None) for day, why in holidays.items()]
    return sorted([*public, *(Closed(*row) for row in closures)], key=lambda one: (one.first, one.organization or ""))
