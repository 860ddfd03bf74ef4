"""The workbook of progress notes as it leaves the program: in the guide's form, one sheet a participant (FU-6).

It holds what people wrote, so that each participant in it has a line of the record. Its name and properties tell no
number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from sqlmodel import Session

from domain.files import Cell, FormSheet
from domain.follow_ups import workbook_form as form
from domain.follow_ups.information import InformationBox, information_within
from domain.follow_ups.locking import Followed
from domain.follow_ups.notes import ENDED, standing_weeks
from domain.follow_ups.self_reports import TIMES, self_reports_of
from domain.follow_ups.week_row import CHOICES, Week
from domain.follow_ups.weeks import weeks_between
from domain.kernel import Actor, Refusal, col, inside, local_day, only, scalars
from domain.participants import TOO_MANY
from domain.record import EXPORTED, Ground, record_export
from locales import N_, say
from models.follow_up import SelfReport
from models.record import Event

#: What the record calls it.
WORKBOOK: Final = "workbook"
#: So many workbooks a person may have within a day: each holds whatever was written of all of one's participants.
MOST_A_DAY: Final = 6
_DAY: Final = timedelta(days=1)

_HEADS_AT: Final = 9
_TITLES: Final = ((1, 1), (1, 4), (8, 1))
_MONTHS: Final = ((4, 2), (5, 2))
_MENUS: Final = ("why_none", "need", "worker_satisfaction", "participant_satisfaction", "activity_type")
_WIDE: Final = ("summary", "other_information", "other_workers")


class Exported(NamedTuple):
    """A follow-up of which a sheet is made: under whom and on what ground it is read, and whether the risk is told."""

    row: Followed
    by: Actor
    ground: Ground
    sees_risk: bool


def export(
    session: Session, chosen: Sequence[Exported], *, language: str, by: Actor, at: datetime
) -> tuple[str, list[FormSheet]]:
    """The title and the sheets of a workbook of these follow-ups, each told to the record as it is read.

    Raises Refusal: there is none, or the person had as many workbooks as they may have in a day.
    """
    if not chosen:
        raise Refusal("workbook.empty", N_("No follow-up is assigned to you: there is nothing to export."))
    _refuse_more(session, by, at)
    day = local_day(session, at)
    reports = self_reports_of(session, [one.row.id for one in chosen])
    sheets = []
    for place, one in enumerate(chosen, 1):
        written = {week: said for week, (_, said) in standing_weeks(session, one.row).items()}
        lines = len(written)
        record_export(session, "follow_up", one.row.id, what=WORKBOOK, lines=lines, ground=one.ground, by=one.by, at=at)
        box = information_within(session, one.row)
        name = "J" if place == 1 else f"J{place}"
        told = reports[one.row.id]
        sheets.append(_sheet(name, one, box, told, written, day=day, language=language))
    return say(language, N_("Progress notes")), sheets


def _refuse_more(session: Session, by: Actor, at: datetime) -> None:
    had = scalars(
        session,
        only(Event.at)
        .where(
            Event.verb == EXPORTED,
            Event.actor_id == by.person_id,
            col(Event.at) > at - _DAY,
            inside(Event.facts).contains({"what": WORKBOOK}),
        )
        .distinct()
        .order_by(col(Event.at).desc())
        .limit(MOST_A_DAY),
    ).all()
    if len(had) == MOST_A_DAY:
        raise Refusal(
            TOO_MANY,
            N_("You exported %(most)s workbooks within a day, the most one may. The next one in %(minutes)s min."),
            most=MOST_A_DAY,
            minutes=max(1, -(-int((had[-1] + _DAY - at).total_seconds()) // 60)),
        )


def _sheet(
    name: str,
    one: Exported,
    box: InformationBox,
    reports: Mapping[int, SelfReport],
    written: Mapping[date, Week],
    *,
    day: date,
    language: str,
) -> FormSheet:
    fields = list(form.COLUMNS)
    boxes = _information(one, box, language) | _self_reports(one, reports, language)
    boxes[8, 1] = form.FOLLOW_UPS.said(language)
    last = min(day, one.row.state_since) if one.row.state in ENDED else day
    weeks = sorted({*weeks_between(one.row.opened_on, last), *written})
    return FormSheet(
        name,
        boxes,
        _HEADS_AT,
        [word.said(language) for word in form.COLUMNS.values()],
        [_line(week, written.get(week), language) for week in weeks],
        titles=_TITLES,
        months=_MONTHS,
        menus={fields.index(one) + 1: list(form.words_of(one, language).values()) for one in _MENUS},
        wide=[1, *(fields.index(one) + 1 for one in _WIDE)],
    )


Boxes = dict[tuple[int, int], Cell]


def _information(one: Exported, box: InformationBox, language: str) -> Boxes:
    gender, risk = form.GENDERS.get(box.gender), form.RISKS.get(box.risk or "") if one.sees_risk else None
    told: Iterable[tuple[form.FormWord, Cell]] = (
        (form.NUMBER, box.number),
        (form.GENDER, gender.said(language) if gender else None),
        (form.BORN, box.born),
        (form.ENTERED, box.entered),
        (form.RISK, risk.said(language) if risk else None),
    )
    found: Boxes = {(1, 1): form.INFORMATION.said(language)}
    for row, (word, value) in enumerate(told, 2):
        found[row, 1] = word.said(language)
        if value is not None:
            found[row, 2] = value
    return found


def _self_reports(one: Exported, reports: Mapping[int, SelfReport], language: str) -> Boxes:
    found: Boxes = {(1, 4): form.SELF_REPORTS.said(language)}
    for row, word in enumerate((form.DONE, form.DONE_ON, form.RISK_THEN), 3):
        found[row, 4] = word.said(language)
    for column, n in enumerate(TIMES, 5):
        report = reports.get(n)
        done_on = report.done_on if report is not None else None
        found[2, column] = f"{form.TIME.said(language)} {n}"
        found[3, column] = (form.YES if done_on else form.NO).said(language)
        if report is not None and done_on is not None:
            found[4, column] = done_on
            if one.sees_risk and report.risk:
                found[5, column] = form.RISKS[report.risk].said(language)
    return found


def _line(week: date, said: Week | None, language: str) -> list[Cell]:
    """The row of a week; of one of which nothing is written, its day alone."""
    if said is None or said == Week():
        return [week]
    return [week, *(_cell(said, field, language) for field in list(form.COLUMNS)[1:])]


def _cell(said: Week, field: str, language: str) -> Cell:
    value = getattr(said, field)
    if value in ("", None, ()):
        return None
    if field == "communications":
        words = form.words_of(field, language)
        return ", ".join(words[code] for code in value)
    found: Cell = form.words_of(field, language)[value] if field in CHOICES else value
    return found
