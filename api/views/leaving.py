"""What the page of a departure shows beside that of any case: what becomes of each thing in hand, line by line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

from api.access import summaries
from api.access.cases import to_task
from api.access.people import to_person
from api.access.permissions import Action, allows
from api.access.session import Desk
from api.views import departures
from domain.declarations.protocol import Protocol
from domain.departure import gathering, giving_back, hand_overs_in_bulk
from domain.kernel.rows import surely
from domain.roles.sight import calls_who_barred
from models.casework import Case


def leaving_of(
    desk: Desk,
    case: Case,
    protocol: Protocol,
    *,
    receipt: Sequence[hand_overs_in_bulk.Line] | None = None,
    done: bool = False,
) -> dict[str, Any] | None:
    """The leaver, and each thing in hand with its step; None where a case is about no leaver.

    A thing whose step asks about it stands in the step's own line (`left`, by the task's id). One that needs no
    settling stands in the stage of its kind (`others`), and what no step is about in `by_itself`. A departure that was
    called off has nothing left to settle: `after_all` says what its person keeps, and does not have again.
    """
    departure = gathering.departure_of(desk.session, case.id)
    if departure is None:
        return None
    kept = calls_who_barred(desk.session, desk.asker.person_id)
    own = case.subject_id == desk.asker.person_id
    called_off = departure.called_off_at is not None
    found = (
        []
        if called_off
        else departures.left_of(desk.session, case, desk.at, desk.language, may_settle=True, asker=desk.asker, own=own)
    )
    stages = {step.settles: step.stage for step in protocol.steps if step.settles}
    others: dict[str, list[departures.Left]] = {}
    by_itself = []
    for one in found:
        if one.task is None and one.kind in stages:
            others.setdefault(stages[one.kind], []).append(one)
        elif one.task is None:
            by_itself.append(one)
    left = {one.task.id: one for one in found if one.task is not None}
    (shown,) = departures.departures_shown(desk.session, [case])
    summed_up = summaries.summaries_in(desk.session, desk.asker, case)
    after_all = _after_all(desk, case, kept)
    return {
        "departure": shown,
        "after_all": after_all,
        "own": own,
        "left": left,
        "others": others,
        "by_itself": by_itself,
        "is_empty": not found and not called_off,
        "keeps_back": departures.keeps_back(desk.session, desk.asker, case.id),
        "settles": _settles(desk, case, left.values()),
        "settled": {
            one.task_id: one for one in departures.settled_of(desk.session, desk.asker, case.id, desk.language)
        },
        "summaries": {one.task_id: may for one, may in summed_up},
        "receipt": None if receipt is None else [line for line in receipt if not kept(line.title_en)],
        "fit": {
            line.task_id: departures.fit_in_words(line.proposal, desk.language)
            for line in receipt or ()
            if line.proposal is not None
        },
        "done": done,
        "names": departures.people_names(desk.session) if receipt is not None or after_all else {},
        "may_offer": allows(Action.OFFER_FOLLOW_UPS, departures.to_offers(desk.session, desk.asker, case)) is not None
        and any(one.kind == "follow_up" for one in left.values()),
    }


def _after_all(desk: Desk, case: Case, kept: Callable[[str], bool]) -> dict[str, Any] | None:
    """What a person keeps whose departure was called off, as the reader may see it, and where they are invited anew."""
    found = giving_back.after_all(desk.session, case.id, desk.at)
    if found is None:
        return None
    invites = allows(Action.INVITE, to_person(desk.asker, surely(case.subject_id))) is not None
    return {
        "again": [one for one in found.in_hand if (one.kind, one.id) in found.again and not kept(one.title.en)],
        "in_hand": [one for one in found.in_hand if (one.kind, one.id) not in found.again and not kept(one.title.en)],
        "terms": found.terms,
        "of_others": [one for one in (*found.roles, *found.parts, *found.seats) if not kept(one.title.en)],
        "has_seats": bool(found.seats),
        "invited_anew": found.invited_anew,
        "invites": invites,
    }


def _settles(desk: Desk, case: Case, left: Iterable[departures.Left]) -> set[UUID]:
    """The tasks by which the reader settles a thing."""
    return {
        one.task.id
        for one in left
        if one.task is not None
        and allows(Action.SETTLE_HOLDING, to_task(desk.session, desk.asker, one.task, case)) is not None
    }
