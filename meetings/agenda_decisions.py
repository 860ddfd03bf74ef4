"""The decisions that come on an agenda: those that are open, objected to, or not yet endorsed by all. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Final

from sqlalchemy import func
from sqlmodel import or_
from sqlmodel.sql.expression import SelectOfScalar

from domain.endorsement import OWES_AGAIN, it_counts
from domain.kernel import SHAPE, also, col, every, joins, local_day, of, surely, value_of
from locales import N_, say
from meetings import endorsements
from meetings.agenda_rules import OBJECTION, SILENCE, NewItem, RuleContext
from meetings.endorsements import Endorsed
from models.agenda import AUDIENCES, AgendaItem, ItemReason
from models.casework import SETTLED, Task
from models.minutes import Decision

#: A decision's words that go into an item's title, of which the register has the whole.
LONGEST_EXTRACT: Final = 120


class _DecisionForSome(Decision):
    """A decision with the last day of its task, and who may read the item that it was taken on."""

    model_config = SHAPE
    task_due_on: date | None = also(Task.due_on)
    audience: str = also(value_of(func.coalesce(col(AgendaItem.audience), AUDIENCES[0])))


def open_ones(table: RuleContext) -> Iterator[NewItem]:
    """Those late on the day of the meeting first, then by their last day.

    Each is for those alone who may read the item that it was taken on, since the title has its words.
    """
    found = (
        _decisions_for_some()
        .where(
            Decision.committee_id == table.committee.id,
            Decision.state == "open",
            it_counts(),  # one that waits for the partners asks nothing of anybody yet
            or_(col(Task.id).is_(None), col(Task.state).not_in([*SETTLED, "cancelled"])),
        )
        .order_by(col(Decision.due_on).asc().nulls_last(), col(Decision.number))
    )
    for row in every(table.session, found):
        due = row.task_due_on or row.due_on
        facts = {"decided": _day_of(table, row.decided_at)}
        reason = ItemReason("decision_undated", facts=facts)
        if due is not None:
            code = "decision_late" if due < table.day else "decision_open"
            reason = ItemReason(code, facts={**facts, "due": due.isoformat()})
        yield _for_its_readers(table, "decision", row, _title_of_decision(row), [reason])


def _decisions_for_some() -> SelectOfScalar[_DecisionForSome]:
    """Decisions with their tasks, and the items that they were taken on."""
    return (
        of(_DecisionForSome)
        .outerjoin(AgendaItem, joins(Decision.item_id, AgendaItem))
        .outerjoin(Task, joins(Decision.task_id, Task))
    )


def _for_its_readers(
    table: RuleContext, kind: str, row: _DecisionForSome, title: tuple[str, str], reasons: Iterable[ItemReason]
) -> NewItem:
    """An item about a decision, for those alone who may read the item of the decision."""
    drawn = table.drawn(kind, str(row.id), title, *reasons)
    return replace(drawn, audience=max(drawn.audience, row.audience, key=AUDIENCES.index))


def to_settle(table: RuleContext) -> Iterator[NewItem]:
    """One for each decision of any committee to which a partner objects, then for each on which one is silent still.

    An objection comes at once, also where it stops nothing; silence, once its partners were asked again and the last
    day of that is past on the day of the meeting, or where none of them is a partner any more.
    """
    rows = every(
        table.session,
        _decisions_for_some()
        .where(col(Decision.needs_endorsement), Decision.state != "withdrawn")
        .order_by(col(Decision.decided_at), col(Decision.number)),
    )
    said = endorsements.endorsements(table.session, [row.id for row in rows], at=table.at)
    silent: list[NewItem] = []
    for row in rows:
        if objected := _objected(table, row, said[row.id]):
            title = _title_of_decision(row, _OBJECTION, _OBJECTION_SHORT)
            yield _for_its_readers(table, OBJECTION, row, title, objected)
        elif unheard := _unheard(table, row, said[row.id]):
            title = _title_of_decision(row, _SILENCE, _SILENCE_SHORT)
            silent.append(_for_its_readers(table, SILENCE, row, title, unheard))
    yield from silent


def _objected(table: RuleContext, row: Decision, said: Iterable[Endorsed]) -> list[ItemReason]:
    """That each partner objects to a decision, and what that does."""
    does = _HOW_IT_OBJECTS.get(row.endorsement, "objected")
    return [
        ItemReason(
            "objected_own_waiver" if one.stake == OWES_AGAIN else does,
            facts={"partner": one.organization, "day": _day_of(table, one.said_at)},
        )
        for one in said
        if one.word.objects
    ]


def _unheard(table: RuleContext, row: Decision, said: Iterable[Endorsed]) -> list[ItemReason]:
    """That partners are silent on a pending decision although they were asked again, or that none of them is left."""
    if row.endorsement != "pending":
        return []
    facts = {"decided": _day_of(table, row.decided_at)}
    missing = [one.organization for one in said if one.word.is_awaited]
    if not missing:
        return [ItemReason("nobody_left", facts=facts)]
    if row.asked_again_at is None or surely(row.endorse_by) >= table.day:
        return []
    asked = _day_of(table, row.asked_again_at)
    return [ItemReason("silent", facts={**facts, "partner": partner, "day": asked}) for partner in missing]


#: By what the partners made of the decision, what an objection to it does.
_HOW_IT_OBJECTS: Final[Mapping[str, str]] = {"endorsed": "objected_in_vain", "earlier": "objected_before"}


def _day_of(table: RuleContext, moment: datetime | None) -> str:
    return local_day(table.session, moment or table.at).isoformat()


_OBJECTION, _OBJECTION_SHORT = N_("Objection to decision %(number)s: %(text)s"), N_("Objection to decision %(number)s")
_SILENCE, _SILENCE_SHORT = (
    N_("Not yet endorsed by all, decision %(number)s: %(text)s"),
    N_("Not yet endorsed by all: decision %(number)s"),
)


def _title_of_decision(
    row: Decision, whole: str = N_("Decision %(number)s: %(text)s"), number_alone: str = N_("Decision %(number)s")
) -> tuple[str, str]:
    """Its number and its words; the number alone in a language in which it has no words."""
    titles = []
    for language, text in (("fr", row.text_fr), ("en", row.text_en)):
        said = " ".join(text.split())
        short = said if len(said) <= LONGEST_EXTRACT else said[:LONGEST_EXTRACT].rsplit(" ", 1)[0] + "…"
        words = whole if short else number_alone
        titles.append(say(language, words, number=row.number, text=short))
    return titles[0], titles[1]
