"""Offering every follow-up of a departure at once, each to the worker who fits it best."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from domain.accompaniment import proposals
from domain.casework import hold_case
from domain.declared import Bilingual
from domain.departure.hand_overs import propose
from domain.departure.offers import unanswered
from domain.departure.parts_left import fit_for, part_of
from domain.holdings import FOLLOW_UP
from domain.kernel import Actor, Refusal, both, col, every, of, only, tuples
from domain.record import events
from locales import N_
from models.casework import Task
from models.departure import HandOver

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BulkOffer:
    """What a bulk proposal does with one follow-up: offered to a worker, or why not, by a refusal's code and words.

    One that still waits for an answer stays with the worker it was offered to, and says so. `proposal` has what spoke
    for and against the worker.
    """

    task_id: UUID
    title_fr: str
    title_en: str
    to_id: UUID | None
    refused: str = ""
    why: Bilingual | None = None
    proposal: proposals.WorkerProposal | None = None


def propose_all(session: Session, case_id: UUID, *, dry_run: bool, by: Actor, at: datetime) -> list[BulkOffer]:
    """Offer each follow-up that was not offered yet to the worker who fits it best; one line each, none left out.

    A dry run does the same and rolls it back, so that what it says is what happens. What is refused or fails for one
    holds up no other. Each offer counts in its worker's load, so that one worker does not get them all. A worker who
    refused one is not offered it again here. A second run offers nothing; nor does the second of two at once. One that
    waits for an answer is listed, and so is one without an answer in time. That is offered to another worker on its
    own. A run that offers nothing writes nothing.
    """
    hold_case(session, case_id, seen=None)
    rows = every(
        session,
        of(Task)
        .where(Task.case_id == case_id, Task.holding == FOLLOW_UP, Task.state == "open")
        .order_by(col(Task.title_en), col(Task.id)),
    )
    whole = session.begin_nested()
    standing = {row.task_id: row for row in unanswered(session, col(HandOver.case_id) == case_id)}
    refused_by = _refused_by(session, case_id)
    lines = [
        _stands(row, standing[row.id])
        if row.id in standing
        else _propose_one(session, row, refused_by.get(row.id, ()), by, at)
        for row in rows
    ]
    if dry_run:
        whole.rollback()
        return lines
    whole.commit()
    refused = sum(1 for line in lines if line.refused)
    offered = len(lines) - refused
    if offered:
        facts = {"offered": offered, "refused": refused}
        events.write(session, "hand_overs.proposed", "case", case_id, by=by, at=at, case_id=case_id, **facts)
    return lines


def _propose_one(session: Session, task: Task, refused_by: Collection[UUID], by: Actor, at: datetime) -> BulkOffer:
    part = part_of(session, task)
    try:
        with session.begin_nested():
            fit = fit_for(session, task, part.person_id, at) if part else []
            if not fit:
                return _not_offered(task, "hand_over.nobody_fits", both(_NOBODY_FITS))
            best = next((one_of for one_of in fit if one_of.person_id not in refused_by), None)
            if best is None:
                return _not_offered(task, "hand_over.all_refused", both(_ALL_REFUSED))
            propose(session, task.id, best.person_id, by=by, at=at)
    except Refusal as refusal:
        return _not_offered(task, refusal.code, both(refusal.sentence, **refusal.facts))
    except Exception as failed:  # noqa: BLE001 - one that fails is told of in the receipt, and holds up no other
        _log.warning("a follow-up is not offered", extra={"task": task.id, "error": type(failed).__name__})
        return _not_offered(task, "hand_over.failed", both(_FAILED))
    return BulkOffer(task.id, task.title_fr, task.title_en, best.person_id, proposal=best)


def _not_offered(task: Task, refused: str, why: Bilingual, *, to_id: UUID | None = None) -> BulkOffer:
    """The line of a follow-up that is not offered now, with why; `to_id` where it waits for an answer of theirs."""
    return BulkOffer(task.id, task.title_fr, task.title_en, to_id, refused, why)


_NOBODY_FITS = N_(
    "No worker can be given this follow-up now: each is absent, leaving, being "
    "onboarded, barred, without an agreement in force, or from an organization with "
    "which the participant does not share. That consent can be asked."
)

_ALL_REFUSED = N_(
    "Every worker who could be given this follow-up refused it. Speak with them and "
    "offer it separately, or leave it vacant with the reason."
)

_FAILED = N_("This one could not be offered. Offer it separately; the others are not affected.")


def _refused_by(session: Session, case_id: UUID) -> dict[UUID, set[UUID]]:
    """Those who refused each follow-up of a departure, by its task."""
    refused = only(HandOver.task_id, HandOver.to_id).where(HandOver.case_id == case_id, HandOver.state == "refused")
    found: dict[UUID, set[UUID]] = defaultdict(set)
    for task_id, person_id in tuples(session, refused):
        found[task_id].add(person_id)
    return found


def _stands(task: Task, offer: HandOver) -> BulkOffer:
    """The line of a follow-up offered before: its worker has days left to answer, or did not answer in time."""
    if offer.lapsed_at is not None:
        return _not_offered(task, "hand_over.silent", both(_SILENCE))
    return _not_offered(task, "hand_over.waits", both(_WAITS, day=offer.answer_by), to_id=offer.to_id)


_WAITS = N_("Already offered; the answer is due by %(day)s.")

_SILENCE = N_("No answer came in time. Offer it to someone else, separately.")
