"""Tasks over JSON: one's own work, and the doors of a task as resources that are posted to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

from fastapi import Response

from api.access.cases import to_case
from api.access.permissions import Action, allows, asks, require, to_program
from api.access.session import InContext, RequestContext
from api.access.tasks import find_task, own_work
from api.access.words import ReadWords, asked_of_said, said_with
from api.acts.declaring import On
from api.acts.tasks import TASK
from api.json.act_routes import act_resources
from api.json.described import api_routes
from api.json.idempotent_requests import etag
from api.json.shapes import (
    After,
    AskedShown,
    BesideShown,
    ChoiceShown,
    ComingShown,
    HolderShown,
    Limit,
    MovedShown,
    Page,
    TaskShown,
)
from api.views.tasks import names_of
from domain.casework import TaskOutcome, asked_of_pins, board, is_in_place, protocols_of, requests, words_in_place
from domain.declarations import AskedPart, Given, Instead
from domain.kernel import ask_ahead, only, run, title_of
from domain.roles import Falls, asked_of_who_barred
from models.casework import Case, Request, Task

router = api_routes("tasks", of_acts=True)


@router.get("/work")
@asks(Action.SEE_MY_WORK)
def my_work(context: InContext, limit: Limit = 50, after: After = None) -> Page[TaskShown]:
    """What is now for the asker to do or to approve, for themselves or for someone absent; the most pressing first."""
    require(Action.SEE_MY_WORK, to_program(context.asker))
    session, me, today = context.session, context.asker.person_id, context.asker.standing
    ask_ahead(session, *board.asked_of_mine(today, me), asked_of_who_barred(me))
    mine = board.counts_of(session, today, me)
    part = own_work(session, context.asker, mine.hats, most=limit, after=after)
    return Page[TaskShown].of(part, lambda rows: shown_tasks(context, rows), limit, mine.to_do + mine.to_approve)


@router.get("/tasks/{task_id}")
@asks(Action.SEE_TASK)
def get_task(task_id: UUID, context: InContext, response: Response) -> TaskShown:
    """One task."""
    task, case = find_task(context.session, context.asker, task_id)
    response.headers["ETag"] = etag(task.version)
    return shown_tasks(context, [task], with_notes=case is None or reads_notes(context, case), opens=True)[0]


def moved_shown(on: On[None], moved: TaskOutcome, response: Response) -> MovedShown:
    """What an act on a task did."""
    version = moved.version
    if version is None:
        version = run(on.session, only(Task.version).where(Task.id == on.id)).scalar_one()
    response.headers["ETag"] = etag(version)
    return MovedShown.model_validate(moved)


act_resources(router, TASK, moved_shown)


def reads_notes(context: RequestContext, case: Case) -> bool:
    """Whether what people wrote in a case is for the asker to read."""
    return allows(Action.READ_NOTES, to_case(context.session, context.asker, case)) is not None


def shown_tasks(
    context: RequestContext, rows: Sequence[Task], *, with_notes: bool = True, opens: bool = False
) -> list[TaskShown]:
    """Tasks as the window shows them, with those on whom each waits today.

    Notes and reasons go `with_notes` alone: those who have a part in the case read them (`Action.READ_NOTES`). Those
    about a participant are null in lists: `opens` has them opened, for the keepers of that file.
    """
    falls = _falls(context, rows, with_notes=with_notes)
    in_place = words_in_place(context.session, [row for row in rows if is_in_place(row, falls[row.id])])
    names = names_of(context, _people(falls.values()))
    written = _Written.of(context, rows, opens=opens) if with_notes else _NOT_READ
    return [
        TaskShown.about(
            row,
            asks=[_asked(part, context.language) for part in row.asks],
            given=written.given(row),
            note=written.words("note", row),
            reason=written.words("reason", row),
            beside=written.beside(row),
            title=_title(row, in_place.get(row.id), context.language),
            late=board.late_on(row, context.day),
            waits_on=_holders(falls[row.id], names),
            vacant=_is_vacant(falls[row.id]),
            waits_for=_coming(falls[row.id], names),
            needs_approval=row.approved_by_id is not None,
            automatic=bool(row.action),
        )
        for row in rows
    ]


def _falls(context: RequestContext, rows: Sequence[Task], *, with_notes: bool) -> dict[UUID, Falls | None]:
    """On whom each task falls today; what else is asked of them all is asked in the same statement."""
    both = [chain for row in rows for chain in (row.owed_by_id, row.approved_by_id)]
    cases = {row.case_id for row in rows if row.case_id is not None}
    ask_ahead(
        context.session,
        board.asked_of_chains(both),
        asked_of_pins(cases),
        *((requests.asked_of_newest([row.id for row in rows]), *asked_of_said(rows)) if with_notes else ()),
    )
    protocols_of(context.session, cases)
    links = board.chains(context.session, both)
    return {row.id: board.who(context.asker.standing, row, links) for row in rows}


def _people(falls: Iterable[Falls | None]) -> Iterator[UUID | None]:
    for one in falls:
        if one is not None:
            yield from (person for holder in one.holders for person in (holder.person_id, holder.acting_for))
            yield from (held.person_id for held in one.waits_for)


def _title(row: Task, instead: Instead | None, language: str) -> str:
    return title_of(row, language) if instead is None else instead.title.in_language(language)


def _is_vacant(falls: Falls | None) -> bool:
    return falls is not None and falls.vacant


def _holders(falls: Falls | None, names: Mapping[UUID, str]) -> list[HolderShown]:
    return [
        HolderShown.about(one, name=names[one.person_id], acting_for=names[one.acting_for] if one.acting_for else None)
        for one in (falls.holders if falls else ())
    ]


def _coming(falls: Falls | None, names: Mapping[UUID, str]) -> list[ComingShown]:
    return [ComingShown.about(one, name=names[one.person_id]) for one in (falls.waits_for if falls else ())]


@dataclass(frozen=True)
class _Written:
    """What people wrote with tasks, as the asker reads it: those about a participant apart, which `opens` opens."""

    requests: Mapping[UUID, Request]
    said: Mapping[UUID, ReadWords]
    opens: bool
    is_read: bool = True

    @classmethod
    def of(cls, context: RequestContext, rows: Sequence[Task], *, opens: bool) -> _Written:
        """Of these tasks. Raises Refusal where the keys cannot be used."""
        found = requests.newest(context.session, [row.id for row in rows])
        return cls(found, said_with(context, rows, opens=opens), opens)

    def given(self, row: Task) -> Given | None:
        """What was filled in last; null where nothing was, or the file of the participant is not the asker's."""
        is_kept = row.id not in self.said or self.said[row.id].is_kept
        return self.requests[row.id].given if row.id in self.requests and is_kept else None

    def words(self, name: Literal["note", "reason"], row: Task) -> str | None:
        """The note or the reason; about a participant null unless it is opened, and for who reads it not."""
        if not self.is_read:
            return None
        of_file = self.said.get(row.id)
        if of_file is None:
            return row.note if name == "note" else row.reason
        text = of_file.note if name == "note" else of_file.reason
        return text if self.opens and (of_file.is_kept or text) else None

    def beside(self, row: Task) -> list[BesideShown] | None:
        """What others wrote that belongs to a task about a participant, as `words`; nothing of any other task."""
        if not self.is_read:
            return None
        of_file = self.said.get(row.id)
        if of_file is None:
            return []
        if not (self.opens and of_file.is_kept):
            return None
        return [
            BesideShown(what=one.what, words=one.text, by=one.by_id, to=one.to_id, at=one.at) for one in of_file.beside
        ]


_NOT_READ: Final = _Written({}, {}, opens=False, is_read=False)


def _asked(kept: Mapping[str, object], language: str) -> AskedShown:
    part = AskedPart.model_validate(kept)
    return AskedShown(
        id=part.id,
        title=getattr(part.title, language),
        kind=part.kind,
        choices=[ChoiceShown(id=one.id, title=getattr(one.title, language)) for one in part.choices],
        at_most=part.at_most,
        required=part.required,
    )
