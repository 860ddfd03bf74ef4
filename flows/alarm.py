"""Writes to who runs the installation, where an address of theirs is set, that the engine needs them.

The web looks, since it is there when the worker is not, and our own database tells: Prefect may be away as well. The
letter holds codes alone, in both languages, and none is sent within an hour of another.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from html import escape
from typing import Final
from uuid import uuid4

from sqlalchemy import delete, insert, text
from sqlmodel import Session

from domain.casework import living
from domain.kernel import col, every, of, run, select, there_is, tuples
from domain.mail import Letter, Mailbox, message_id, mime
from flows.engine import Means, programs
from flows.timetable import ROUNDS, is_late
from flows.troubles import LOOPS
from locales import LANGUAGES, N_, say
from models.access import RateCount
from models.engine import Beat, RoundMark
from models.ports import Accepted, Outcome, Refused, Unknown

_log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 60.0

#: At most one letter in this time, and of the same troubles one a day.
BETWEEN_LETTERS: Final = timedelta(hours=1)
AGAIN_AFTER: Final = timedelta(days=1)
#: Of two that look one writes. Where it died as it did so, another writes after this.
SENDING: Final = timedelta(minutes=5)

SILENT: Final = "engine.silent"
WITHOUT_PREFECT: Final = "engine.without_prefect"
#: Of a round, after its key: it does not fail, and does not come.
LATE: Final = "late"
#: What may be over in a moment is told where it lasts: a restart takes some seconds, an upgrade some minutes.
LASTS: Final[Mapping[str, timedelta]] = {
    SILENT: timedelta(minutes=1),
    WITHOUT_PREFECT: timedelta(minutes=15),
    LATE: timedelta(minutes=15),
    **dict.fromkeys(LOOPS, timedelta(minutes=1)),
}
#: This process is begun before the engine, which then has a database to bring to its version and a server to start.
STARTS_WITHIN: Final = timedelta(minutes=5)

_SUBJECT: Final = N_("The engine needs someone")
_FIRST: Final = N_("SPHÈRES at %(address)s: what is done automatically has a trouble.")
_LAST: Final = N_("People can go on working and nothing is lost. The coordination board says more.")
_WORDS: Final[Mapping[str, str]] = {
    SILENT: N_("No worker of the engine gives a sign of life: automatic steps, fixed times and letters wait."),
    WITHOUT_PREFECT: N_("Prefect does not answer: the engine works without it, and its pages show nothing new."),
}
_ROUND: Final = N_("Something that is done at fixed times fails.")
_LOOP: Final = N_("Something that is done all the time fails.")
_LATE: Final = N_("Something that is done at fixed times does not come.")

#: Any number that no other lock of ours uses.
_LOCK: Final = 0x414C


@dataclass
class Alarm:
    """What looks, for an installation at `address`: what it saw before is kept here, what was sent in the database.

    Several may look at the same time, as on two machines: one sends.
    """

    means: Means
    sender: Mailbox
    to: Mailbox
    address: str
    _since: dict[str, datetime] = field(default_factory=dict)
    _began: datetime | None = None
    _has_seen_a_worker: bool = False

    def look(self) -> bool:
        """Look once, and write where something has lasted that was not written about; whether a letter left.

        Blocks for as long as the mail takes. Raises what a database raises that is away.
        """
        at = self.means.clock()
        lasting = self._lasting(set(self._seen(at)), at)
        if not lasting or self.means.mailer is None or not self._may_write(lasting, at):
            return False
        outcome = self.means.mailer.send(to=self.to.address, message=self._letter(lasting, at))
        if not isinstance(outcome, Accepted | Unknown):
            _log.warning("a letter to the operator did not leave", extra={"code": outcome.code.replace(" ", "_")})
        self._note_what_came_of_it(lasting, outcome, at)
        return isinstance(outcome, Accepted)

    def _seen(self, at: datetime) -> Iterator[str]:
        """The codes of what is not well at this moment; of a round, with its key."""
        with self.means.open_sessions() as session:
            alive = tuples(session, select(Beat.at, Beat.prefect_up).where(*living(at)))
        self._has_seen_a_worker = self._has_seen_a_worker or bool(alive)
        # A clock that was put back begins the time anew.
        self._began = min(self._began or at, at)
        if not alive:
            if self._has_seen_a_worker or at - self._began >= STARTS_WITHIN:
                yield SILENT
        elif not any(prefect_up for _, prefect_up in alive):
            yield WITHOUT_PREFECT
        for program_id in programs(self.means):
            with self.means.sessions(program_id) as session:
                yield from self._seen_in(session, at, runs=bool(alive))

    def _seen_in(self, session: Session, at: datetime, *, runs: bool) -> Iterator[str]:
        """What fails in one program, and which rounds do not come though the engine `runs`.

        A trouble of what this version or these settings do no more is of no one's concern.
        """
        needed = {key for key, one in ROUNDS.items() if one.is_needed(self.means)}
        for mark in every(session, of(RoundMark).where(col(RoundMark.key).in_([*needed, *LOOPS]))):
            if mark.trouble:
                yield f"{mark.key}: {mark.trouble}"
            elif runs and mark.key in needed and mark.done_up_to and is_late(session, mark.key, at, mark.done_up_to):
                yield f"{mark.key}: {LATE}"

    def _lasting(self, seen: set[str], at: datetime) -> list[str]:
        """Those that were seen for long enough, without a look at which they were not."""
        self._since = {code: min(self._since.get(code, at), at) for code in seen}
        return sorted(code for code, since in self._since.items() if at - since >= _lasts(code))

    def _may_write(self, codes: Sequence[str], at: datetime) -> bool:
        """Whether a letter may leave now; where it may, no other may for a while. A clock that went back is no bar."""
        going, of_any, of_these = _keys(codes)
        with self.means.transaction() as session:
            run(session, text("select pg_advisory_xact_lock(:ours)"), {"ours": _LOCK})
            old = col(RateCount.starts_at) <= at - AGAIN_AFTER
            run(session, delete(RateCount).where(col(RateCount.key).in_((going, of_any, of_these)), old))
            for key, span in ((going, SENDING), (of_any, BETWEEN_LETTERS), (of_these, AGAIN_AFTER)):
                lately = (col(RateCount.starts_at) > at - span, col(RateCount.starts_at) <= at)
                if there_is(session, select(RateCount.key).where(RateCount.key == key, *lately)):
                    return False
            _note(session, at, going)
        return True

    def _note_what_came_of_it(self, codes: Sequence[str], outcome: Outcome, at: datetime) -> None:
        """Note for how long no other letter leaves: of these troubles for a day, where they were told.

        Where our account was refused it may be put right within the hour; where the relay was away, at the next look.
        """
        going, of_any, of_these = _keys(codes)
        with self.means.transaction() as session:
            run(session, delete(RateCount).where(col(RateCount.key) == going, col(RateCount.starts_at) == at))
            if isinstance(outcome, Accepted | Unknown):
                _note(session, at, of_any, of_these)
            elif isinstance(outcome, Refused):
                _note(session, at, of_any)

    def _letter(self, codes: Sequence[str], at: datetime) -> bytes:
        """The letter, in one language after the other."""
        said = [
            paragraph
            for language in LANGUAGES
            for paragraph in (
                say(language, _FIRST, address=self.address),
                *(f"{say(language, _words(code))} [{code}]" for code in codes),
                say(language, _LAST),
            )
        ]
        letter = Letter(
            " / ".join(say(language, _SUBJECT) for language in LANGUAGES),
            "\n\n".join(said) + "\n",
            "".join(f"<p>{escape(one)}</p>\n" for one in said),
        )
        domain = self.sender.address.rpartition("@")[2]
        return mime(
            letter, sender=self.sender, to=self.to, message_id=message_id(uuid4(), domain), date=at, language="fr"
        )


def _lasts(code: str) -> timedelta:
    """For how long a code is to be seen before it is told."""
    key, _, what = code.partition(": ")
    return LASTS.get(LATE if what == LATE else key, timedelta(0))


def _words(code: str) -> str:
    """What a code means, in words that are still to be translated."""
    key, _, what = code.partition(": ")
    return _WORDS.get(code) or (_LATE if what == LATE else _LOOP if key in LOOPS else _ROUND)


def _note(session: Session, at: datetime, *keys: str) -> None:
    run(session, insert(RateCount), [{"key": key, "starts_at": at, "tries": 1} for key in keys])


def _keys(codes: Sequence[str]) -> tuple[str, str, str]:
    """By what it is known when any letter was begun, when any left, and when one about these."""
    return _digest("going"), _digest("any"), _digest(" ".join(codes))


def _digest(what: str) -> str:
    return hashlib.sha256(f"operator: {what}".encode()).hexdigest()
