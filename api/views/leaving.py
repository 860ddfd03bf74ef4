"""What the page of a departure shows beside that of any case: what becomes of each thing in hand, line by line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from api.access import summaries
from api.access.cases import to_task
from api.access.people import to_person
from api.access.permissions import Action, is_allowed
from api.access.session import RequestContext
from api.views.departures import DepartureLine, departures_shown, to_offers
from api.views.handed_over import Settled, settled_of
from api.views.left import Left, fit_in_words, keeps_back, left_of
from api.views.names import names_by_id, present
from domain.declarations import Protocol
from domain.departure import after_all as stays
from domain.departure import departure_of, hand_overs_in_bulk
from domain.holdings import FOLLOW_UP, Holding
from domain.kernel import surely
from domain.roles import calls_who_barred
from meetings import attendance
from models.casework import Case
from models.departure import Departure
from models.meeting import Meeting


@dataclass(frozen=True)
class Stayed:
    """What a person has whose departure was called off, as the reader may see it, and whether they are invited anew."""

    again: Sequence[Holding]
    in_hand: Sequence[Holding]
    terms: Mapping[UUID, stays.Term]
    of_others: Sequence[stays.OfAnother]
    has_seats: bool
    invited_anew: bool
    invites: bool


@dataclass(frozen=True)
class LeavingShown:
    """Who leaves, and each thing in hand with its step.

    A thing whose step asks about it stands in the step's own line (`left`, by the task's id). One that nobody has to
    settle stands in the stage of its kind (`others`), and what no step is about in `by_itself`. Of a departure that was
    called off nothing is left to settle: `after_all` says what its person has, and has not again.
    """

    departure: DepartureLine
    after_all: Stayed | None
    own: bool
    left: Mapping[UUID, Left]
    others: Mapping[str, Sequence[Left]]
    by_itself: Sequence[Left]
    is_empty: bool
    keeps_back: bool
    settles: set[UUID]
    settled: Mapping[UUID | None, Settled]
    summaries: Mapping[UUID, str]
    receipt: Sequence[hand_overs_in_bulk.BulkOffer] | None
    fit: Mapping[UUID, str]
    done: bool
    names: Mapping[UUID, str]
    may_offer: bool
    sat_after: Sequence[Meeting]


def leaving_of(
    context: RequestContext,
    case: Case,
    protocol: Protocol,
    *,
    receipt: Sequence[hand_overs_in_bulk.BulkOffer] | None = None,
    done: bool = False,
) -> LeavingShown | None:
    """What a case shows of the person who leaves; None where it is no departure.

    `receipt` says who its follow-ups would be offered to, or were where it is `done`.
    """
    departure = departure_of(context.session, case.id)
    if departure is None:
        return None
    kept = calls_who_barred(context.session, context.asker.person_id)
    own = case.subject_id == context.asker.person_id
    called_off = departure.called_off_at is not None
    found = [] if called_off else _left(context, case, own=own)
    left = {one.task.id: one for one in found if one.task is not None}
    others, by_itself = _without_step(found, protocol)
    (shown,) = departures_shown(context.session, [case])
    after_all = _after_all(context, case, kept)
    return LeavingShown(
        departure=shown,
        after_all=after_all,
        own=own,
        left=left,
        others=others,
        by_itself=by_itself,
        is_empty=not found and not called_off,
        keeps_back=keeps_back(context.session, context.asker, case.id),
        settles=_settles(context, case, left.values()),
        settled={one.task_id: one for one in settled_of(context.session, context.asker, case.id, context.language)},
        summaries={one.task_id: may for one, may in summaries.summaries_in(context.session, context.asker, case)},
        receipt=_receipt(receipt, kept),
        fit=_fit(receipt or (), context.language),
        done=done,
        names=_names(context, receipt, after_all),
        may_offer=_may_offer(context, case, left.values()),
        sat_after=_sat_after(context, departure),
    )


def _sat_after(context: RequestContext, departure: Departure) -> list[Meeting]:
    if departure.called_off_at is not None:
        return []
    return attendance.sat_after(context.session, departure.person_id, departure.organization_id, departure.last_day)


def _left(context: RequestContext, case: Case, *, own: bool) -> list[Left]:
    return left_of(context.session, case, context.at, context.language, may_settle=True, asker=context.asker, own=own)


def _without_step(found: Iterable[Left], protocol: Protocol) -> tuple[dict[str, list[Left]], list[Left]]:
    """The things that no open step asks about: by the stage of their kind, and those that no step is about."""
    stages = {step.settles: step.stage for step in protocol.steps if step.settles}
    others: dict[str, list[Left]] = {}
    by_itself = []
    for one in found:
        if one.task is None and one.kind in stages:
            others.setdefault(stages[one.kind], []).append(one)
        elif one.task is None:
            by_itself.append(one)
    return others, by_itself


def _receipt(
    lines: Sequence[hand_overs_in_bulk.BulkOffer] | None, kept: Callable[[str], bool]
) -> list[hand_overs_in_bulk.BulkOffer] | None:
    """The lines of what was offered, or would be, without what calls a participant who barred the reader."""
    return None if lines is None else [line for line in lines if not kept(line.title_en)]


def _fit(receipt: Iterable[hand_overs_in_bulk.BulkOffer], language: str) -> dict[UUID, str]:
    """What speaks for and against the workers that follow-ups are offered to, by the task."""
    return {line.task_id: fit_in_words(line.proposal, language) for line in receipt if line.proposal is not None}


def _names(
    context: RequestContext, receipt: Sequence[hand_overs_in_bulk.BulkOffer] | None, after_all: Stayed | None
) -> Mapping[UUID, str]:
    """The people of the program by name, where the page names one by their id."""
    return {} if receipt is None and after_all is None else names_by_id(context.session, present(context))


def _may_offer(context: RequestContext, case: Case, left: Iterable[Left]) -> bool:
    """Whether the reader may offer the follow-ups that are left."""
    may = is_allowed(Action.OFFER_FOLLOW_UPS, to_offers(context.session, context.asker, case))
    return may and any(one.kind == FOLLOW_UP for one in left)


def _after_all(context: RequestContext, case: Case, kept: Callable[[str], bool]) -> Stayed | None:
    """What a person keeps whose departure was called off, as the reader may see it, and where they are invited anew."""
    found = stays.after_all(context.session, case.id, context.at)
    if found is None:
        return None
    in_hand = [one for one in found.in_hand if not kept(one.title.en)]
    return Stayed(
        again=[one for one in in_hand if (one.kind, one.id) in found.again],
        in_hand=[one for one in in_hand if (one.kind, one.id) not in found.again],
        terms=found.terms,
        of_others=[one for one in (*found.roles, *found.parts, *found.seats) if not kept(one.title.en)],
        has_seats=bool(found.seats),
        invited_anew=found.invited_anew,
        invites=is_allowed(Action.INVITE, to_person(context.asker, surely(case.subject_id))),
    )


def _settles(context: RequestContext, case: Case, left: Iterable[Left]) -> set[UUID]:
    """The tasks by which the reader settles a thing."""
    given = {
        one.task.id: to_task(context.session, context.asker, one.task, case) for one in left if one.task is not None
    }
    return {task_id for task_id, what in given.items() if is_allowed(Action.SETTLE_HOLDING, what)}
