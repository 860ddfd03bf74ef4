"""How the program is carried out (ER-1), for the Joint Committee: what the paper of a quarter says.

Who was recruited is told by the statement of a year alone, once it was released: another count of participants could be
subtracted from it (docs/adr/0012). All other figures are of whole groups (docs/adr/0028).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlmodel import Session

from domain.follow_ups import WHY_NONE
from domain.kernel import Period, Refusal, every, is_of, local_day, of, period, program
from domain.mail import Attachment
from domain.research import FOLLOW_UP_STATES, Known, measures, studies
from locales import N_, say
from meetings.committees import committees
from meetings.documents import issuing
from meetings.documents.content import NOTHING, Both
from meetings.documents.measures import FigureRow, FigureTable, MeasuresContent
from meetings.statements import program as statements
from meetings.statements.tables import both
from models.committee import Committee
from models.follow_up import ACTIVITY_KINDS
from models.program import Organization

#: The committee that follows the research and has the measures put before it, by its fact in the guide.
PUT_BEFORE: Final = "CM-J"
#: The parts of a year's statement that were admitted.
_ADMITTED: Final = ("active", "on_break", "inactive", "completed")
_TOGETHER: Final = N_("Together")
_SEVERAL: Final = N_("Several organizations, each with too few")

_COLUMNS: Final[Mapping[str, str]] = {
    "to_first_meeting": N_("Weeks to the first meeting"),
    "to_admission": N_("Weeks to the admission"),
    "months": N_("Months followed"),
    "meetings": N_("Meetings in twelve weeks"),
    "minutes": N_("Minutes of a meeting"),
    "in_touch": N_("Weeks in touch, in percent"),
}
_ACTIVITIES: Final[Mapping[str, str]] = {
    "outing": N_("Outing"),
    "workshop": N_("Workshop"),
    "meal": N_("Meal"),
    "errand": N_("Errand together"),
    "other": N_("Other"),
}


def put_before(session: Session) -> Committee | None:
    """The committee that the measures are put before, where the program has one."""
    return next((one for one in committees(session).values() if one.source == PUT_BEFORE), None)


def quarters(session: Session, *, at: datetime) -> list[Period]:
    """The quarters that are over and of which something is on record, the newest first."""
    on = local_day(session, at)
    return [one for one in statements.periods(session, on) if is_of(one.key, "quarter")]


def look(session: Session, key: str, *, at: datetime) -> MeasuresContent:
    """The measures until the end of a quarter, as they stand now. Raises Refusal: no such quarter, or not over yet."""
    asked = period(key)
    if asked is None or not is_of(key, "quarter"):
        raise Refusal("measures.no_period", N_("Measures are of a quarter, such as 2026-Q3."))
    on = local_day(session, at)
    if asked.ends_on >= on:
        raise Refusal("measures.not_over", N_("This quarter is not over yet."))
    here, carried = program(session), measures.carried_out(session, asked)
    joint = put_before(session)
    return MeasuresContent(
        program=Both(fr=here.title_fr, en=here.title_en),
        committee=Both(fr=joint.title_fr, en=joint.title_en) if joint else NOTHING,
        period=key,
        said_period=Both(fr=asked.in_words("fr"), en=asked.in_words("en")),
        on=on,
        smallest=carried.smallest,
        tables=(
            _recruited(session, asked),
            _by_organization(session, carried),
            _states(carried),
            _weeks(carried),
            _activities(carried),
        ),
    )


def paper(session: Session, key: str, language: str, *, at: datetime) -> Attachment:
    """The measures as a PDF, to be put before the committee. Raises Refusal."""
    return issuing.issue(session, look(session, key, at=at), language, committee="joint")


def _recruited(session: Session, asked: Period) -> FigureTable:
    """How many were recruited of those expected, of each year whose statement left."""
    expected = studies.rules_of(session).expected
    rows = [
        FigureRow(name=Both(fr=str(year), en=str(year)), figures=_of_year(session, year, expected[year]))
        for year in sorted(expected)
        if year <= asked.ends_on.year
    ]
    return FigureTable(
        key="recruited",
        title=both(N_("Recruited of those expected")),
        of=both(N_("Year of referral")),
        note=both(N_("Told once the statement of the year is released, as it says it, and nowhere else.")),
        columns=(both(N_("Expected")), both(N_("Recruited")), both(N_("Recruited, in percent"))),
        rows=tuple(rows),
        drawn=True,
    )


def _of_year(session: Session, year: int, expected: int) -> tuple[int | None, ...]:
    cells = _admitted_of(session, year)
    shown = [cell for cell in cells if cell is not None]
    if not cells or len(shown) < len(cells):
        return (expected, None, None)
    return (expected, sum(shown), round(100 * sum(shown) / expected))


def _admitted_of(session: Session, year: int) -> list[int | None]:
    """The parts of a year's released statement that were admitted, None where one is hidden; none before it left."""
    left = statements.released(session, str(year))
    tables = left.statement.tables if left else ()
    return [row.cells[0] for one in tables if one.key == "referrals" for row in one.rows if row.key in _ADMITTED]


def _by_organization(session: Session, carried: measures.Carried) -> FigureTable:
    short = {row.key.replace("-", "_"): row.short_name for row in every(session, of(Organization))}
    names = {key: Both(fr=name, en=name) for key, name in short.items()} | {measures.SEVERAL: both(_SEVERAL)}
    rows = [
        FigureRow(name=names[place], figures=_middles(people, carried.smallest))
        for place, people in carried.by_organization.items()
    ]
    total = FigureRow(name=both(_TOGETHER), figures=_middles(carried.together, carried.smallest), is_total=True)
    return FigureTable(
        key="waits",
        title=both(N_("Waiting, length and intensity")),
        of=both(N_("Organization")),
        note=both(N_("The middle value: half are below it. From the day on which the referral was received.")),
        columns=tuple(both(title) for title in _COLUMNS.values()),
        rows=(*rows, total),
    )


def _middles(people: Sequence[Known], smallest: int) -> tuple[int | None, ...]:
    return tuple(measures.middle(people, measures.MEASURES[key], smallest) for key in _COLUMNS)


def _states(carried: measures.Carried) -> FigureTable:
    """Who goes on and who dropped out, each share counted in whole groups."""
    people = carried.together
    return _shares(
        "states",
        N_("What became of the follow-ups"),
        N_("State"),
        N_("Of the people, at least so many in percent: each share counts them in whole groups."),
        ((title, _share_in(people, state, carried.smallest)) for state, title in FOLLOW_UP_STATES.items()),
    )


def _share_in(people: Sequence[Known], state: str, smallest: int) -> int | None:
    return measures.share_of_people(people, lambda known: known.state == state, smallest)


def _weeks(carried: measures.Carried) -> FigureTable:
    """What weeks were made of: meetings, other contacts, and why there was none."""
    people, weeks = carried.together, sum(known.weeks for known in carried.together)

    def share(count: Callable[[Known], int]) -> int | None:
        return measures.share_of_things(people, count, weeks, carried.smallest)

    def rows() -> Iterator[tuple[str, int | None]]:
        yield N_("With a meeting in person"), share(lambda known: known.weeks_met)
        yield N_("With another contact alone"), share(lambda known: known.weeks_in_touch - known.weeks_met)
        for why, title in WHY_NONE.items():
            yield title, share(_said(why))

    return _shares(
        "weeks",
        N_("What weeks are made of"),
        N_("Weeks"),
        N_("Of the weeks on record, in percent. A reason may stand beside another contact."),
        rows(),
    )


def _said(why: str) -> Callable[[Known], int]:
    return lambda known: known.why_none.get(why, 0)


def _activities(carried: measures.Carried) -> FigureTable:
    people = carried.together
    every_one = sum(sum(known.activities.values()) for known in people)
    return _shares(
        "activities",
        N_("Activities"),
        N_("Kind"),
        N_("Of the activities that were planned and not called off, in percent."),
        (
            (_ACTIVITIES[kind], measures.share_of_things(people, _planned(kind), every_one, carried.smallest))
            for kind in ACTIVITY_KINDS
        ),
    )


def _planned(kind: str) -> Callable[[Known], int]:
    return lambda known: known.activities.get(kind, 0)


def _shares(key: str, title: str, of_what: str, note: str, rows: Iterable[tuple[str, int | None]]) -> FigureTable:
    return FigureTable(
        key=key,
        title=both(title),
        of=both(of_what),
        note=both(note),
        columns=(both(N_("Percent")),),
        rows=tuple(FigureRow(name=_capital(msgid), figures=(figure,)) for msgid, figure in rows),
        drawn=True,
    )


def _capital(msgid: str) -> Both:
    fr, en = say("fr", msgid), say("en", msgid)
    return Both(fr=fr[:1].upper() + fr[1:], en=en[:1].upper() + en[1:])
