"""How the engine does, as who runs the installation reads it: each section of the page, which JSON gives too.

A section is read by one function and shown by the template of its name. One more is one more line of `SECTIONS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from api.access import outgoing_mail
from api.access.permissions import Action, is_allowed
from api.access.session import RequestContext
from domain.casework import (
    SILENT_AFTER,
    EngineState,
    RunsOfKind,
    copies_state,
    engine_state,
    letters_given_up,
    oldest_letter,
    post_state,
    tending,
)
from domain.kernel import col, every, of
from flows import seats
from flows.reminders import BEGUN
from flows.timetable import NOT_LATE, OF_THE_MAILBOX, ROUNDS, late_by, next_due
from flows.troubles import DESTROY, DOORS, HANDS, LEDGER, LOOPS, POST, RESTORED, SEAL, WATCH
from locales import N_, say
from models.engine import Beat, RoundMark

#: What is told as lately.
LATELY: Final = timedelta(days=1)
#: So many of the cases that were carried plainly are shown.
MOST_PLAIN: Final = 20
#: A worker that starts does what is overdue within this.
_LOOKS_WITHIN: Final = timedelta(minutes=3)
#: With this name one signs in to the engine's server.
USER: Final = "spheres"

#: What each timed round does, and each loop, by its key; reminders say when they were begun too.
ROUND_WORDS: Final[Mapping[str, str]] = {
    DOORS: N_("Ending access and seats after a last day"),
    HANDS: N_("Opening departures, and gathering what they ask for"),
    SEAL: N_("Sealing the record"),
    DESTROY: N_("Destroying the keys of what is no longer kept"),
    LEDGER: N_("Noting, outside the database, how far the record has come"),
    RESTORED: N_("Writing to those concerned after a restore"),
    POST: N_("Sending letters"),
    "remind": N_("Reminders, one digest a day"),
    BEGUN: N_("Reminders, when they were last begun"),
    "gatherings": N_("Invitations, agendas and drafted dates"),
    "incoming": N_("Reading the mailbox for answers to invitations"),
    "head": N_("Mailing the record's last seal"),
    "begin": N_("Starting what is due to begin, once a day"),
    "obligations": N_("Status of each obligation, once a day"),
    "endorsements": N_("Reminding partners that have not answered about a decision, once a day"),
    "agreements": N_("Warnings about agreements that end soon"),
    "contacts": N_("Lost contact, breaks that end and missing notes"),
    "retention": N_("Removing what is no longer kept, once a day"),
    WATCH: N_("Warnings about unusual readings"),
    "sweep": N_("Cleaning up, and catching up on what was missed"),
}

#: Why a case was carried without Prefect.
WHY_PLAIN: Final[Mapping[str, str]] = {
    "away": N_("Prefect did not answer"),
    "busy": N_("Prefect had enough to do"),
    "slow": N_("Prefect did not begin in time"),
    "failed": N_("Prefect failed with it"),
    "": N_("not recorded"),
}


@dataclass(frozen=True)
class WorkerShown:
    """A process of the engine: when it last gave a sign, and since when it sees Prefect up or away."""

    name: str
    machine: str
    seen_at: datetime
    is_alive: bool
    prefect_up: bool
    prefect_since: datetime | None


@dataclass(frozen=True)
class ServerShown:
    """The engine's server: where it is, whether it answers (None: not known yet), and how one signs in.

    Without an `address` it is not known, or runs on the `machine` that is named, and is reached from there alone.
    """

    address: str
    machine: str
    answers: bool | None
    user: str
    word_file: str


@dataclass(frozen=True)
class HealthShown:
    """Whether the engine works at all: its workers, its server, and what of the program waits for it."""

    is_silent: bool
    is_behind: bool
    waiting: int
    waiting_since: datetime | None
    workers: Sequence[WorkerShown]
    server: ServerShown


@dataclass(frozen=True)
class RoundShown:
    """A timed round of the program: when it ran last and by what, when it comes next, and for how long it is late.

    `trouble` is the code by which it fails, since `troubled_since`; "" where it does not.
    """

    key: str
    title: str
    ran_at: datetime | None
    ran_by: str
    found: int
    next_at: datetime | None
    late: timedelta
    is_late: bool
    trouble: str
    troubled_since: datetime | None


@dataclass(frozen=True)
class StuckShown:
    """The cases that are held up, the first hundred of them, and how many each code holds up."""

    total: int
    by_code: Mapping[str, int]
    cases: Sequence[tending.StuckCase]
    may_retry: bool


@dataclass(frozen=True)
class PlainShown:
    """How often cases were carried since a moment, and the last ones that were carried plainly."""

    since: datetime
    by_prefect: int
    why: Mapping[str, int]
    cases: Sequence[tending.PlainRun]


@dataclass(frozen=True)
class LettersShown:
    """The program's letters: how many wait, since when the oldest does, and how many were given up by each code.

    Of those that wait some were `tried`, the last of them answered by `code`; `is_still` where none leaves any more.
    """

    waiting: int
    tried: int
    code: str
    is_still: bool
    oldest: datetime | None
    failed: Mapping[str, int]
    may_open: bool


def engine_of(context: RequestContext) -> EngineState:
    """The engine as the program's people see it: of its rounds and loops, those that are done here and were ever done.

    A trouble of what these settings or this version do no more is no trouble.
    """
    state = engine_state(context.session, context.at, watched_since=context.watched_since)
    known = {*_needed(context), *LOOPS, BEGUN}
    return replace(
        state, rounds=[mark for mark in state.rounds if mark.key in known and (mark.done_up_to or mark.trouble)]
    )


def health(context: RequestContext) -> HealthShown:
    """Whether workers live, the server answers, and what waits."""
    state = engine_of(context)
    beats = every(context.session, of(Beat).order_by(col(Beat.at).desc(), col(Beat.process)))
    return HealthShown(
        is_silent=state.is_silent,
        is_behind=state.is_behind,
        waiting=state.waiting,
        waiting_since=state.waiting_since,
        workers=[
            WorkerShown(
                beat.process,
                beat.machine,
                beat.at,
                abs(context.at - beat.at) <= SILENT_AFTER,  # one ahead was given before a clock was put back
                beat.prefect_up,
                beat.prefect_since,
            )
            for beat in beats
        ],
        server=_server(context),
    )


def _server(context: RequestContext) -> ServerShown:
    """The engine's server, of this machine or another. One that only its own machine reaches is not asked from here."""
    server, machine = context.installation.engine_server, seats.machine_of(context.session)
    is_here = machine in ("", seats.machine())
    elsewhere = "" if is_here else seats.address_elsewhere(context.session).removesuffix("/api")
    if not is_here and not elsewhere:
        return ServerShown("", machine, None, USER, "")
    server.follow(elsewhere)
    return ServerShown(server.address, machine, server.answers(), USER, server.word_file)


def rounds(context: RequestContext) -> list[RoundShown]:
    """Every round that is done in the program, those that are late first, and what is done all the time and fails."""
    marks = {mark.key: mark for mark in every(context.session, of(RoundMark))}
    failing = [key for key in LOOPS if key in marks and marks[key].trouble]
    shown = [_round(context, key, marks.get(key)) for key in (*_needed(context), *failing)]
    return sorted(shown, key=lambda one: (not one.trouble, not one.is_late, -one.late))


def _needed(context: RequestContext) -> list[str]:
    """The rounds that are done here: answers are read where there is a mailbox."""
    return [key for key in ROUNDS if key != OF_THE_MAILBOX or context.installation.reads_mail]


def _round(context: RequestContext, key: str, found: RoundMark | None) -> RoundShown:
    is_timed, mark = key in ROUNDS, found or RoundMark(program_id=context.program.id, key=key)
    late = late_by(context.session, key, context.at, mark.done_up_to) if is_timed else NOT_LATE
    return RoundShown(
        key=key,
        title=say(context.language, ROUND_WORDS[key]),
        ran_at=mark.ran_at,
        ran_by=mark.ran_by,
        found=mark.found,
        next_at=next_due(context.session, key, context.at) if is_timed else None,
        late=late,
        is_late=is_timed and late > ROUNDS[key].patience and not context.is_being_written,
        trouble=mark.trouble,
        troubled_since=mark.troubled_since,
    )


@dataclass(frozen=True)
class LateRound:
    """A round that did not come when it was due, in words."""

    title: str
    due_at: datetime


def late_rounds(context: RequestContext, marks: Iterable[RoundMark]) -> list[LateRound]:
    """The rounds that are late by more than the engine lets pass, the latest first, given what is known of each.

    None while a demonstration is being written, nor where the engine was just started and has not looked yet. One that
    never was done is of a new program, or of an engine that never ran, which is told otherwise.
    """
    done = {mark.key: mark.done_up_to for mark in marks}
    since = context.watched_since
    if context.is_being_written or (since is not None and context.at - since < _LOOKS_WITHIN):
        return []
    late = {key: late_by(context.session, key, context.at, done[key]) for key in _needed(context) if done.get(key)}
    return [
        LateRound(say(context.language, ROUND_WORDS[key]), context.at - by)
        for key, by in sorted(late.items(), key=lambda one: -one[1])
        if by > ROUNDS[key].patience
    ]


def in_hand(context: RequestContext) -> list[tending.CaseInHand]:
    """The cases that workers have in hand now, the first hundred of them."""
    return tending.in_hand(context.session, context.at)


def in_hand_total(context: RequestContext) -> int:
    """How many cases workers have in hand now."""
    return tending.count_in_hand(context.session, context.at)


def stuck(context: RequestContext) -> StuckShown:
    """The cases that are held up."""
    by_code = tending.stuck_by_code(context.session)
    cases = tending.stuck(context.session) if by_code else []
    return StuckShown(
        sum(by_code.values()), by_code, cases, may_retry=is_allowed(Action.TEND_ENGINE, context.asker.at_large)
    )


def plain(context: RequestContext) -> PlainShown:
    """Which cases Prefect did not show lately, and why."""
    since = context.at - LATELY
    counted = tending.count_runs(context.session, since)
    cases = tending.plain_runs(context.session, since, most=MOST_PLAIN) if counted.plainly else []
    return PlainShown(since, counted.by_prefect, counted.plainly, cases)


def letters(context: RequestContext) -> LettersShown:
    """What became of the program's letters."""
    found = post_state(context.session, context.at)
    return LettersShown(
        waiting=found.queued,
        tried=found.waiting,
        code=found.code,
        is_still=found.is_still,
        oldest=oldest_letter(context.session),
        failed=letters_given_up(context.session),
        may_open=is_allowed(Action.SEE_POST, outgoing_mail.given_of(context)),
    )


def copies(context: RequestContext) -> list[RunsOfKind]:
    """How the copies of the installation stand, and the trials of them: the kinds that ever ran."""
    return copies_state(context.session, context.at, context.installation.copies)


@dataclass(frozen=True)
class Section:
    """A part of the page: its key, which its template is called by, and what reads it."""

    key: str
    read: Callable[[RequestContext], object]


SECTIONS: Final = (
    Section("health", health),
    Section("stuck", stuck),
    Section("rounds", rounds),
    Section("in_hand", in_hand),
    Section("plain", plain),
    Section("letters", letters),
    Section("copies", copies),
)
"""The parts of the page in their order: how the engine does comes first."""


def read_engine(context: RequestContext) -> dict[str, object]:
    """Every section as it stands, by its key."""
    return {one.key: one.read(context) for one in SECTIONS}
