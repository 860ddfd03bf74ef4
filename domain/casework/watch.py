"""What the engine is doing, as people see it: whether it lives, what waits, its rounds, and whether mail is sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, func
from sqlmodel import Session

from domain.kernel import Question, ask_ahead, built, col, every, in_program, of, only, run, scalar, select, value_of
from models.casework import Task
from models.engine import Beat, InboxPlace, RoundMark, WakeUp
from models.outbox import Notice

#: The worker gives a sign of life every few seconds; after this long without one it counts as stopped.
SILENT_AFTER = timedelta(seconds=30)
#: A change that the engine has not dealt with for so long means that it is behind.
BEHIND_AFTER = timedelta(minutes=1)
#: Prefect's server is started again by itself; away for so long, it is not coming back by itself.
GONE_AFTER = timedelta(minutes=10)
#: Letters that were tried and did not leave, while no other did, for so long: it is the sender's own trouble.
STILL_AFTER = timedelta(minutes=10)


def living(at: datetime) -> tuple[ColumnElement[bool], ...]:
    """The conditions that a sign of life is of a worker that lives at a moment.

    One that lies ahead is of a clock that was put back since, and of a worker that gave none after that.
    """
    return col(Beat.at) > at - SILENT_AFTER, col(Beat.at) < at + SILENT_AFTER


@dataclass(frozen=True)
class EngineState:
    """The engine at one moment, for one program. Times are UTC moments.

    `seen_at` is the last sign of life, None where there never was one; `prefect_since`, since when its worker sees
    Prefect up, or away. `waiting` counts this program's cases that
    changed and were not carried since, the oldest of them since `waiting_since`. `stuck` counts the automatic steps
    that were given up and need a person. `watched_since` is when the web began to look, None where it always did: both
    start together, and the engine takes some seconds more.
    """

    at: datetime
    seen_at: datetime | None
    prefect_up: bool
    prefect_since: datetime | None
    waiting: int
    waiting_since: datetime | None
    stuck: int
    rounds: list[RoundMark]
    watched_since: datetime | None = None

    @property
    def is_silent(self) -> bool:
        """Whether no worker gives a sign of life."""
        # What is ahead was said by a clock that was put back since.
        heard = (moment for moment in (self.seen_at, self.watched_since) if moment is not None)
        return not any(abs(self.at - moment) <= SILENT_AFTER for moment in heard)

    @property
    def troubled(self) -> list[RoundMark]:
        """The rounds that failed and were not done since, the one that failed first before the others."""
        failed = [(mark.troubled_since, mark) for mark in self.rounds if mark.troubled_since is not None]
        return [mark for _, mark in sorted(failed, key=itemgetter(0))]

    @property
    def prefect_is_gone(self) -> bool:
        """Whether a living worker sees Prefect away for longer than a restart takes."""
        long_ago = self.prefect_since is not None and self.at - self.prefect_since > GONE_AFTER
        return long_ago and not self.prefect_up and not self.is_silent

    @property
    def is_behind(self) -> bool:
        """Whether something has waited for the engine longer than it should."""
        return self.waiting_since is not None and self.at - self.waiting_since > BEHIND_AFTER


def engine_state(session: Session, at: datetime, *, watched_since: datetime | None = None) -> EngineState:
    """The engine as it stands at the moment `at`, to a web that looks since `watched_since`."""
    ask_ahead(session, *ASKED_OF_ENGINE)
    beat = run(session, _BEAT, {}).first()
    waiting, since = run(session, _WAITING, {}).one()
    stuck = scalar(session, _STUCK, {})
    rounds = every(session, _ROUNDS, {})
    return EngineState(
        at=at,
        seen_at=beat.at if beat else None,
        prefect_up=bool(beat and beat.prefect_up),
        prefect_since=beat.prefect_since if beat else None,
        waiting=waiting,
        waiting_since=since,
        stuck=stuck or 0,
        rounds=rounds,
        watched_since=watched_since,
    )


@dataclass(frozen=True)
class PostState:
    """The mail at one moment, for one program: whether letters leave, and whether the answers to them are read.

    `queued` counts all letters that have not left. `waiting` counts those of them that were tried and wait to be tried
    again, the oldest written at `since`; `code` is the last answer. `left_since` says whether any letter left after
    that one was written. `unread_since` is the moment since when the mailbox of the answers is missing, or closed to
    us; None where it is read.
    """

    at: datetime
    queued: int
    waiting: int
    since: datetime | None
    code: str
    left_since: bool
    unread_since: datetime | None
    unread_code: str

    @property
    def is_still(self) -> bool:
        """Whether no letter leaves: the mailbox or the relay that sends them is away, or refuses us."""
        return self.since is not None and not self.left_since and self.at - self.since > STILL_AFTER


def post_state(session: Session, at: datetime) -> PostState:
    """The mail as it stands at the moment `at`."""
    ask_ahead(session, *ASKED_OF_POST)
    counted: Any = run(session, _QUEUED, {}).one()
    queued, waiting, since = counted  # since when is none where no letter waits
    code = scalar(session, _LAST_CODE, {})
    left = since is not None and bool(scalar(session, only(Notice.id).where(col(Notice.sent_at) > since).limit(1)))
    unread_since, unread_code = run(session, _UNREAD, {}).first() or (None, "")
    return PostState(
        at=at,
        queued=queued,
        waiting=waiting,
        since=since,
        code=code or "",
        left_since=left,
        unread_since=unread_since,
        unread_code=unread_code,
    )


def oldest_letter(session: Session) -> datetime | None:
    """When the oldest letter was written that has not left; None where none waits."""
    return scalar(session, select(value_of(func.min(col(Notice.created_at)))).where(_is_queued))


def letters_given_up(session: Session) -> dict[str, int]:
    """How many letters were not delivered, by the code of the last answer, the most frequent first."""
    count = func.count().label("letters")
    asked = only(Notice.code, count).where(Notice.state == "failed").group_by(col(Notice.code))
    return {row.code: row.letters for row in run(session, asked.order_by(count.desc(), col(Notice.code)))}


_BEAT: Final = built(select(Beat.at, Beat.prefect_up, Beat.prefect_since).order_by(col(Beat.at).desc()).limit(1))
_WAITING: Final = built(
    select(func.count(), func.min(col(WakeUp.wanted_at))).where(in_program(WakeUp), col(WakeUp.want) > col(WakeUp.have))
)
_STUCK: Final = built(select(func.count()).where(in_program(Task), Task.act_state == "stuck"))
_ROUNDS: Final = built(of(RoundMark).order_by(col(RoundMark.key)))
#: What `engine_state` asks.
ASKED_OF_ENGINE: Final = tuple(Question[Any](one) for one in (_BEAT, _WAITING, _STUCK, _ROUNDS))

_is_queued: Final = and_(in_program(Notice), col(Notice.state) == "queued")
_was_tried: Final = col(Notice.attempts) > 0
_QUEUED: Final = built(
    select(
        value_of(func.count()),
        value_of(func.count().filter(_was_tried)),
        value_of(func.min(col(Notice.created_at)).filter(_was_tried)),
    ).where(_is_queued)
)
_LAST_CODE: Final = built(
    select(Notice.code).where(_is_queued, _was_tried).order_by(col(Notice.next_attempt_at).desc()).limit(1)
)
_UNREAD: Final = built(
    only(InboxPlace.troubled_since, InboxPlace.trouble)
    .where(InboxPlace.trouble != "")
    .order_by(col(InboxPlace.troubled_since).desc())
    .limit(1)
)
#: What `post_state` asks, but for whether a letter left since.
ASKED_OF_POST: Final = tuple(Question[Any](one) for one in (_QUEUED, _LAST_CODE, _UNREAD))
