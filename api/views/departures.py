"""Departures as the windows see them: what is left and with whom, what was settled, and what one person was given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Uuid, bindparam, exists, literal
from sqlmodel import Session, or_
from sqlmodel.sql.expression import SelectOfScalar

from api.access.permissions import (
    Action,
    Asker,
    Given,
    SeenCase,
    closed_to,
    find_case,
    keeps_file,
    oversees,
    require,
    to_case,
    to_duty,
    to_person,
    to_program,
)
from api.views.follow_ups import BARS
from domain.accompaniment import proposals
from domain.casework import board, words
from domain.casework.case_letters import case_title
from domain.departure import drafts, endings, gathering, hand_overs, settling, successors
from domain.holdings.duty import APPROVAL, TASK
from domain.holdings.follow_ups import FOLLOW_UP
from domain.holdings.roles import TENURE, role_of
from domain.kernel.actors import Actor
from domain.kernel.asking import Question, built
from domain.kernel.refusals import Refusal
from domain.kernel.rows import (
    SHAPE,
    also,
    col,
    every,
    in_program,
    joins,
    of,
    only,
    same,
    scalar,
    select,
    surely,
    tuples,
)
from domain.kernel.scope import local_day
from domain.kernel.titles import title_of
from domain.roles.roles import standing
from domain.roles.sight import calls_who_barred, task_is_open_to
from locales import N_, say, show_day
from models.casework import Case, Task
from models.departure import Departure, HandOver, Settlement
from models.program import Organization, Person


@dataclass(frozen=True)
class Left:
    """One thing that a leaver has in hand: its next holder, or the task that asks about it, and until when."""

    kind: str
    id: UUID
    title: str
    href: str
    next_ones: tuple[str, ...]  # who has it by themselves, once its holder is gone
    task: Task | None  # the step that asks about it, while it is open
    choices: tuple[tuple[str, str], ...]  # how it can be settled: the form's value, and the words for it
    missing_since: datetime | None
    offer: Offer | None = None  # of a follow-up: the last one
    settled_by: tuple[str, ...] = ()  # on whom the task waits
    not_now: tuple[str, ...] = ()  # of a follow-up: who cannot be given it, with why
    nobody: str = ""  # why nobody can take it over by name, where it is of a kind that somebody could
    case_title: str = ""  # of a task or an approval of a case about no participant: which case, for whoever settles it


@dataclass(frozen=True)
class Offer:
    """The last time that a follow-up was offered: to whom, by when they answer, and what they said."""

    name: str
    state: str
    answer_by: date
    silent: bool
    way: str


@dataclass(frozen=True)
class Settled:
    """One thing that was settled: what it was, who has it now or how it ended, by whom and when."""

    title: str
    successor: str
    ended: str
    note: str
    by: str
    at: datetime
    from_whom: str = ""
    case_id: UUID | None = None
    task_id: UUID | None = None
    has_words: bool = False  # about a participant: they are opened on the task's own page


def find_departure(session: Session, asker: Asker, case_id: UUID) -> tuple[Departure, SeenCase]:
    """A departure that the asker may see, and its case. Raises Forbidden, also where there is none."""
    case = find_case(session, asker, case_id)
    require(Action.SEE_CASE, to_case(session, asker, case))
    departure = gathering.departure_of(session, case_id)
    if departure is None:
        raise Refusal("departure.none", N_("This case is not a departure."))
    return departure, case


def to_departure(asker: Asker, person_id: UUID, organization_id: UUID) -> Given:
    """What the asker is to a person who leaves an organization."""
    given = to_program(asker, organizations=[organization_id])
    return given | {relation: who for relation, who in to_person(asker, person_id).items() if relation == "self"}


def opener(asker: Asker, person_id: UUID, organization_id: UUID) -> Actor:
    """The actor under whom the asker opens a departure. Raises Forbidden."""
    return require(Action.OPEN_DEPARTURE, to_departure(asker, person_id, organization_id))


def to_offers(session: Session, asker: Asker, case: Case) -> Given:
    """What the asker is to a departure whose follow-ups are offered: also whether handing one over is theirs to do.

    As it is the host organization's manager's while there is no coordinator.
    """
    rows = every(
        session,
        of(Task).where(
            Task.case_id == case.id,
            Task.holding == FOLLOW_UP,
            Task.state == "open",
        ),
    )
    rows = list({row.owed_by_id: row for row in rows}.values())
    links = board.chains(session, [chain for row in rows for chain in (row.owed_by_id, row.approved_by_id)])
    given = to_case(session, asker, case)
    for row in rows:
        given |= to_duty(asker, row, links)
    return given


def left_of(
    session: Session,
    case: Case,
    at: datetime,
    language: str,
    *,
    may_settle: bool,
    asker: Asker,
    own: bool = False,
) -> list[Left]:
    """All that the leaver of a departure has in hand and is not settled, the kinds in their order.

    It leaves out what is about a participant who barred the reader, and steps that the reader is not shown
    (`closed_to`). `own` says that the reader is the leaver.
    """
    kept = calls_who_barred(session, asker.person_id)
    settled = gathering.settled_in(session, case.id)
    found = [
        one
        for one in gathering.in_hand(session, case, at)
        if (one.kind, one.id) not in settled and not kept(one.title.en)
    ]
    rows = every(
        session,
        of(Task).where(
            Task.case_id == case.id,
            Task.holding != "",
            Task.state == "open",
        ),
    )
    asking = {(row.holding, row.item): row for row in rows}
    closed = closed_to(session, asker, [row.id for row in rows])
    found = [one for one in found if (task := asking.get((one.kind, one.item))) is None or task.id not in closed]
    if not oversees(session, asker, case):  # what no step asks about is seen by who keeps the file alone
        alone = [one for one in found if (one.kind, one.item) not in asking]
        calls = words.about(session, [words.OfTask(one.id, None, one.item, one.title.en) for one in alone])
        keeps = {whose: keeps_file(session, asker, whose) is not None for whose in set(calls.values())}
        found = [one for one in found if one not in alone or one.id not in calls or keeps[calls[one.id]]]
    names = people_names(session)
    today, links = standing(session, local_day(session, at)), board.chains(session, [row.owed_by_id for row in rows])
    case_titles = _case_titles(session, [one.id for one in found if one.kind in (TASK, APPROVAL)], language)
    offers, agreed = hand_overs.last_offers(session, case.id), hand_overs.ways_agreed(session, case.id)
    departure = gathering.departure_of(session, case.id)
    over = departure is not None and not drafts.is_authors_alone(session, departure, at)
    lines = []
    for one in found:
        task = asking.get((one.kind, one.item))
        not_now: tuple[str, ...] = ()
        nobody = ""
        falls = board.who(today, task, links) if task is not None else None
        ways: list[tuple[str, str]] = []
        if task is not None and may_settle and case.state == "open":
            thought_of = _thought_of(session, task, case, at)
            ways = _takers(session, task, case, at, thought_of, names, language)
            if not ways and endings.TAKEN_OVER[one.kind] and not thought_of:
                nobody = say(language, successors.why_nobody(session, task))
            ends = endings.endings(one.kind, own=own, over=over)
            if "with_the_role" in ends and endings.would_be_nobodys(session, task, case, at):
                ends = tuple(end for end in ends if end != "with_the_role")
            ways += [(f"end:{end}", say(language, endings.ENDS[end])) for end in ends]
            not_now = _not_now(thought_of, names, language)
            if not ways:
                nobody = say(language, _NOBODY_BUT_ITS_AUTHOR)
        lines.append(
            Left(
                one.kind,
                one.id,
                one.title.in_language(language),
                one.href,
                tuple(names[person] for person in one.goes_to),
                task,
                tuple(ways),
                settling.missing_since(session, task) if task is not None and one.kind == "equipment" else None,
                _offer(offers.get(task.id), names, agreed.get(one.item, "")) if task is not None else None,
                tuple(names[holder.person_id] for holder in falls.holders) if falls is not None else (),
                not_now,
                nobody,
                case_titles.get(one.id, ""),
            )
        )
    return lines


def _case_titles(session: Session, task_ids: Sequence[UUID], language: str) -> dict[UUID, str]:
    """Of which case each of these tasks is, where it is about no participant: several are called the same."""
    case_of = dict(
        tuples(
            session,
            only(Task.id, surely(Task.case_id))
            .join(Case, joins(Task.case_id, Case))
            .where(col(Task.id).in_(task_ids), col(Case.participant_id).is_(None)),
        )
    )
    cases = every(session, of(Case).where(col(Case.id).in_(set(case_of.values()))))
    titles = {one.id: case_title(session, one, language) for one in cases}
    return {task_id: titles[case_id] for task_id, case_id in case_of.items()}


def keeps_back(session: Session, asker: Asker, case_id: UUID) -> bool:
    """Whether a departure still asks something that the asker is not shown, since a participant barred them."""
    found = only(Task.id).where(
        Task.case_id == case_id,
        Task.state == "open",
        ~task_is_open_to(literal(asker.person_id, Uuid())),
    )
    return scalar(session, found.limit(1)) is not None


def _thought_of(session: Session, task: Task, case: Case, at: datetime) -> list[proposals.Proposal]:
    """The workers to consider for a follow-up that is to be handed over; none for any other thing."""
    if task.holding != "follow_up":
        return []
    return hand_overs.considered_for(session, task, surely(case.subject_id), at)


def _takers(
    session: Session,
    task: Task,
    case: Case,
    at: datetime,
    thought_of: Sequence[proposals.Proposal],
    names: Mapping[UUID, str],
    language: str,
) -> list[tuple[str, str]]:
    """Who can take a thing over, as choices: of a follow-up who fits best first, with why; else by name."""
    if task.holding == "follow_up":
        return [(f"to:{one.person_id}", said_of(one, names, language)) for one in thought_of if one.possible]
    able = set(successors.may_take_over(session, task, case, at))
    # A role is most often somebody's of the same organization: they come first, after whoever is to begin in it.
    today = standing(session, local_day(session, at))
    there: frozenset[UUID] = frozenset()
    begin: dict[UUID, date] = {}
    if task.holding == TENURE:
        place, role = surely(case.organization_id), role_of(session, UUID(task.item))
        there = frozenset(held.person_id for held in today.tenures if held.organization_id == place)
        begin = {held.person_id: held.starts_on for held in reversed(today.to_hold(role, place))}
    in_order = sorted(
        (person for person in names if person in able),
        key=lambda person: (person not in begin, person not in there),
    )
    return [(f"to:{person}", _said_of_taker(names[person], begin.get(person), language)) for person in in_order]


def _said_of_taker(name: str, begins_on: date | None, language: str) -> str:
    if begins_on is None:
        return say(language, _TO, name=name)
    return say(language, _TO_WHO_BEGINS, name=name, day=show_day(language, begins_on))


def _not_now(thought_of: Sequence[proposals.Proposal], names: Mapping[UUID, str], language: str) -> tuple[str, ...]:
    """Who cannot be given the follow-up that is asked about, with why: seen before anything is offered."""
    return tuple(
        f"{names.get(one.person_id, '')} ({', '.join(say(language, BARS[bar]) for bar in one.load.bars)})"
        for one in thought_of
        if not one.possible
    )


def said_of(proposal: proposals.Proposal, names: Mapping[UUID, str], language: str) -> str:
    """A worker to whom a follow-up can be offered, with what speaks for them and against. DP-03a, DP-03b."""
    return f"{names.get(proposal.person_id, '')} – {fit_in_words(proposal, language)}"


def fit_in_words(proposal: proposals.Proposal, language: str) -> str:
    """What speaks for a worker to whom a follow-up can be offered, and against them."""
    reasons = [
        *([N_("has met the participant")] if proposal.met else []),
        N_("speaks the language") if proposal.speaks else N_("speaks another language"),
        *([N_("knows the person")] if proposal.knew and not proposal.met else []),
        N_("has time for it") if proposal.roomy else N_("more than there is time for"),
        *([N_("goes to the same area")] if proposal.nearby else []),
    ]
    percent = round(proposal.load.share_with(proposal.offered) * 100)
    return ", ".join(
        [*(say(language, one) for one in reasons), say(language, N_("%(percent)s %% taken"), percent=percent)]
    )


def _offer(row: HandOver | None, names: Mapping[UUID, str], way: str) -> Offer | None:
    if row is None:
        return Offer("", "", date.min, False, way) if way else None
    return Offer(
        names[row.to_id],
        row.state,
        row.answer_by,
        row.lapsed_at is not None,
        way or row.way,
    )


_TO = N_("Goes to %(name)s")
_TO_WHO_BEGINS = N_("Goes to %(name)s, who begins there on %(day)s")
_NOBODY_BUT_ITS_AUTHOR = N_("Until the last day is over, only its author decides what becomes of it.")


def settled_of(session: Session, asker: Asker, case_id: UUID, language: str) -> list[Settled]:
    """What was settled in a departure, the last first, as the asker may see it."""
    return _settled(session, asker, language, col(Settlement.case_id) == case_id)


def handed_over_to(session: Session, asker: Asker, language: str) -> list[Settled]:
    """What departures handed over to the asker, the last first."""
    return _settled(session, asker, language, col(Settlement.successor_id) == asker.person_id)


def was_handed_over_to(session: Session, person_id: UUID) -> bool:
    """Whether a departure ever handed anything over to this person."""
    return bool(scalar(session, *asked_of_handed_over(person_id)))


def asked_of_handed_over(person_id: UUID) -> Question[SelectOfScalar[bool]]:
    """What `was_handed_over_to` asks."""
    return Question(_HANDED_OVER, {"person": person_id})


_HANDED_OVER: Final = built(
    select(exists().where(in_program(Settlement), col(Settlement.successor_id) == bindparam("person", type_=Uuid())))
)


class _SettledRow(Settlement):
    """A settlement, with the step that asked for it and who leaves."""

    model_config = SHAPE
    title_fr: str = also(Task.title_fr)
    title_en: str = also(Task.title_en)
    item: str = also(Task.item)
    person_id: UUID = also(Departure.person_id)


def _settled(session: Session, asker: Asker, language: str, which: Any) -> list[Settled]:
    names = people_names(session)
    rows = every(
        session,
        of(_SettledRow)
        .join(Task, joins(Settlement.task_id, Task))
        .join(
            Departure,
            same(Departure, Settlement) & (col(Departure.case_id) == col(Settlement.case_id)),
        )
        # What came to rest by itself and is back in their hands is not settled: it is among what is left.
        .where(
            which,
            task_is_open_to(literal(asker.person_id, Uuid())),
            or_(Settlement.ended_as != gathering.BY_ITSELF, Task.state == "done"),
            ~gathering.was_taken_back(),
        )
        .order_by(col(Settlement.settled_at).desc(), col(Settlement.id)),
    )
    closed = closed_to(session, asker, {row.task_id for row in rows})
    rows = [row for row in rows if row.task_id not in closed]
    sealed = words.stand_with(session, [row.task_id for row in rows])
    about = words.about(
        session,
        [words.OfTask(row.task_id, row.case_id, row.item, row.title_en) for row in rows if row.task_id in sealed],
    )
    keeps = {one: keeps_file(session, asker, one) is not None for one in set(about.values())}
    return [
        Settled(
            title_of(row, language),
            names.get(row.successor_id, "") if row.successor_id else "",
            _ended(row.ended_as, language),
            row.note,
            names.get(row.settled_by, "") if row.settled_by else "",
            row.settled_at,
            names.get(row.person_id, ""),
            row.case_id,
            row.task_id,
            has_words=row.task_id in about and keeps[about[row.task_id]],
        )
        for row in rows
    ]


def _ended(as_: str, language: str) -> str:
    return say(language, endings.ENDS[as_]) if as_ else ""


def answerer(session: Session, asker: Asker, hand_over_id: UUID) -> Actor:
    """The actor under whom the asker answers an offer. Raises Forbidden, also where there was none."""
    offered = any(row.id == hand_over_id for row in hand_overs.offered_to(session, asker.person_id))
    given = to_person(asker, asker.person_id) if offered else to_program(asker)
    return require(Action.ANSWER_HAND_OVER, given)


def people_names(session: Session) -> dict[UUID, str]:
    """Every person of the program by name, in the order of their family names."""
    rows = tuples(session, only(Person.id, Person.given_name, Person.family_name).order_by(col(Person.sort_key)))
    return {person_id: f"{given_name} {family_name}".strip() for person_id, given_name, family_name in rows}


def way_of(value: str) -> tuple[UUID | None, str]:
    """What a choice of `Left.choices` says: a successor, or an ending. Raises Refusal where it is none."""
    what, _, which = value.partition(":")
    if what == "end" and which:
        return None, which
    try:
        return (UUID(which), "") if what == "to" else _no_way()
    except ValueError:
        return _no_way()


def _no_way() -> tuple[UUID | None, str]:
    raise Refusal("holding.one_way", N_("Say who takes this over, or how it ends: one of the two."))


class DepartureShown(Departure):
    """A departure with names, and the state of its case."""

    model_config = SHAPE
    given_name: str = also(Person.given_name)
    family_name: str = also(Person.family_name)
    short_name: str = also(Organization.short_name)
    state: str = also(Case.state)

    @property
    def name(self) -> str:
        """Who leaves."""
        return f"{self.given_name} {self.family_name}"


def departures_shown(session: Session, cases: list[Case]) -> list[DepartureShown]:
    """The departures of these cases with names, the last day soonest first."""
    if not cases:
        return []
    return every(
        session,
        of(DepartureShown)
        .join(Case, joins(Departure.case_id, Case))
        .join(Person, joins(Departure.person_id, Person))
        .join(Organization, joins(Departure.organization_id, Organization))
        .where(col(Departure.case_id).in_([case.id for case in cases]))
        .order_by(col(Departure.last_day), col(Person.sort_key)),
    )
