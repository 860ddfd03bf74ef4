"""The engine's one long-lived process: it carries the cases that changed, delivers letters, seals and keeps time.

Its loops share nothing but the database. What it was doing when it died can be found again: a case by its lease, a
letter by its own, a round by its mark. Start it with `python -m flows.worker`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID, uuid4

from adapters import engine_settings
from domain.kernel import col, put_row, rows
from domain.mail import delivery
from flows.engine import ActFailed, Means, code_of, pause

if __name__ == "__main__":
    # Prefect reads its settings as it is imported, below; what the supervisor gave stands.
    for _name, _value in engine_settings.CLIENT.items():
        os.environ.setdefault(_name, _value)
    if "PREFECT_API_URL" not in os.environ:
        _host = os.environ.get("SPHERES_PREFECT_HOST") or "127.0.0.1"
        os.environ["PREFECT_API_URL"] = f"http://{_host}:{os.environ.get('SPHERES_PREFECT_PORT') or 8401}/api"

from sqlalchemy import delete, or_
from sqlmodel import Session

from adapters import logs
from adapters.clock import DatabaseClock
from adapters.database import Listener, listen, make_engine, open_session, program_session
from adapters.environment import SettingsError
from adapters.keys import FileSealKeys
from adapters.ledger import FileLedger
from adapters.mail import SmtpMailer
from adapters.outside import outside_of
from adapters.people_keys import FilePeopleKeys
from adapters.settings import Settings
from domain.casework import SILENT_AFTER, Claim, wakeups
from domain.mail import Mailbox, stationery_for
from domain.participants import names_known
from domain.restoring import refuse_another_epoch
from flows import apart, departing, destroying, post, rounds, sealing, seats, watching
from flows.by_prefect import ByPrefect
from flows.carry import carry, plainly
from flows.health import AWAY_SECONDS, Prefect
from flows.protocols import letter_folders
from flows.told import tell_prefect
from locales.told import language_of_terminal
from models.engine import Beat
from models.ports import NoKeys, NoLedger, NoSealKey

_log = logging.getLogger(__name__)

#: Each case is the worker's own for so long, and longer while it lives: another has it soon after it died.
LEASE: Final = timedelta(seconds=20)
RENEW_SECONDS: Final = 5.0
PLAIN_RUN_SECONDS: Final = 40.0
CONCURRENCY: Final = 8
#: Between two rushes: each connection is a process of the database of some 5 MB, and a case at a time takes so many.
CONNECTIONS_KEPT: Final = 4

#: News of a change come by notification; this is for what they missed, and for what waits for its time.
LOOK_AGAIN_SECONDS: Final = 5.0
BEAT_SECONDS: Final = 5.0
#: Without a key nothing is sealed, and that is said so often.
NO_KEY_SECONDS: Final = 60.0
OVERDUE_LOOK_SECONDS: Final = 60.0
#: The next round waits for one that is made up for no longer than this. It goes on beside it, or hangs.
OVERDUE_ROUND_SECONDS: Final = 120.0
#: A loop that failed, such as while the database restarts, begins again after this.
MEND_SECONDS: Final = 1.0
#: How long what is in hand may still take when the worker is told to stop, and then what is broken off. The supervisor
#: waits for both.
FAREWELL_SECONDS: Final = 2.0
BREAKING_OFF_SECONDS: Final = 0.5
#: The signals that tell the worker to stop.
_STOPS: Final = (signal.SIGTERM, signal.SIGINT)
#: The signs of life of workers that are gone are kept for so long.
OLD_BEAT: Final = timedelta(days=1)

LETTERS_AT_A_TIME: Final = 10


@dataclass
class Worker:
    """The loops. `ears` opens what listens for changes.

    `prefect_url` is the address of Prefect's API where its server runs on this machine, or "", and `known_as` the same
    address as other machines reach it. `word` is what the server asks for.
    """

    means: Means
    ears: Callable[[], Listener]
    prefect_url: str = ""
    known_as: str = ""
    word: str = field(default="", repr=False)
    name: str = field(default_factory=lambda: f"worker-{uuid4().hex[:12]}")
    between_letters: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        self.prefect = Prefect(self.prefect_url, self._engine_elsewhere, word=self.word)
        self.stopping = asyncio.Event()
        self.by_prefect = ByPrefect(self.prefect, self.means, self.name, self.stopping)
        self._woken = asyncio.Event()
        self._posted = asyncio.Event()
        self._slots = asyncio.Semaphore(CONCURRENCY)
        self._in_hand: dict[asyncio.Task[None], Claim] = {}
        self._made_up_for: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Work until `stop`, then finish what is in hand within some seconds, and give back the rest."""
        loops = [
            asyncio.create_task(self._forever(body))
            for body in (
                self._hear,
                self._take_cases,
                self._renew,
                self._give_signs,
                self._deliver,
                self._seal,
                self._destroy,
                self._watch,
                self._see_off,
                self.by_prefect.keep_asking,
                self.by_prefect.work,
                self._look_for_overdue,
            )
        ]
        await self.stopping.wait()
        if self._in_hand:
            await asyncio.wait(self._in_hand, timeout=FAREWELL_SECONDS)
        for carrying, claim in list(self._in_hand.items()):
            carrying.cancel()
            with suppress(Exception):
                await asyncio.to_thread(self._change, claim, wakeups.let_go)
        self.by_prefect.break_off()
        await asyncio.wait([*loops, *self._in_hand], timeout=BREAKING_OFF_SECONDS)
        for loop in loops:
            loop.cancel()
        await asyncio.wait([*loops, *self._in_hand], timeout=BREAKING_OFF_SECONDS)
        with suppress(Exception):
            await asyncio.to_thread(self._sign_off)

    def stop(self) -> None:
        """Take no new work."""
        self.stopping.set()
        self._woken.set()
        self._posted.set()
        self.by_prefect.wake()

    async def _forever(self, body: Callable[[], Awaitable[None]]) -> None:
        while not self.stopping.is_set():
            try:
                await body()
            except Exception as error:  # noqa: BLE001 - a loop never ends: the database may be restarting
                _log.warning(
                    "a loop failed and begins again", extra={"part": body.__name__, "error": type(error).__name__}
                )
                await self._pause(MEND_SECONDS)

    async def _pause(self, seconds: float, until: asyncio.Event | None = None) -> None:
        """Wait, at most until `until` or the end of the work."""
        await pause(until or self.stopping, seconds)

    async def _hear(self) -> None:
        with self.ears() as ears:
            while not self.stopping.is_set():
                if await asyncio.to_thread(ears.wait, 1.0):
                    self._woken.set()
                    self._posted.set()

    # ------------------------------------------------------------------------------------------------------- cases

    async def _take_cases(self) -> None:
        while not self.stopping.is_set():
            await self._slots.acquire()
            # Cleared before looking: a change that comes right after the look is heard.
            self._woken.clear()
            claim = None
            try:
                if not self.stopping.is_set():
                    claim = await asyncio.to_thread(self._claim)
            finally:
                if claim is None:
                    self._slots.release()
            if claim is None:
                await self._pause(LOOK_AGAIN_SECONDS, self._woken)
                continue
            carrying = asyncio.create_task(self._carry(claim))
            self._in_hand[carrying] = claim
            carrying.add_done_callback(self._put_down)

    def _put_down(self, carrying: asyncio.Task[None]) -> None:
        del self._in_hand[carrying]
        self._slots.release()
        # The case may have changed again while it was locked: no one could take it when that was said.
        self._woken.set()

    def _claim(self) -> Claim | None:
        with self.means.transaction() as session:
            return wakeups.claim(session, worker=self.name, at=self.means.clock(), lease=LEASE)

    async def _carry(self, claim: Claim) -> None:
        """Carry one case: by Prefect where it begins in time, else plainly. A failure is put back, by its code."""
        try:
            why_plain = await self.by_prefect.carry(claim)
            if not why_plain:
                return
            async with asyncio.timeout(PLAIN_RUN_SECONDS):
                await carry(claim, self.means, plainly(self.means), why_plain=why_plain)
        except ActFailed as failed:
            await self._put_back(claim, failed.code)
        except Exception as error:  # noqa: BLE001 - the case is tried again, and its page shows the code
            await self._put_back(claim, code_of(error))

    async def _put_back(self, claim: Claim, code: str) -> None:
        """Put the case back to be tried again soon. If that fails the database is away, and the lease may yet end."""
        _log.warning("a case is put back", extra={"case": claim.case_id, "code": code})
        until = time.monotonic() + LEASE.total_seconds()
        while time.monotonic() < until:
            try:
                await asyncio.to_thread(
                    self._change,
                    claim,
                    lambda session, taken: wakeups.put_back(session, taken, trouble=code, at=self.means.clock()),
                )
            except Exception as error:  # noqa: BLE001 - as above
                _log.warning("a case cannot be put back", extra={"case": claim.case_id, "error": type(error).__name__})
                await asyncio.sleep(MEND_SECONDS)
            else:
                return

    def _change(self, claim: Claim, change: Callable[[Session, Claim], bool]) -> None:
        with self.means.transaction(claim.program_id) as session:
            change(session, claim)

    async def _renew(self) -> None:
        while not self.stopping.is_set():
            if self._in_hand:
                await asyncio.to_thread(self._renew_leases)
            await self._pause(RENEW_SECONDS)

    def _renew_leases(self) -> None:
        with self.means.transaction() as session:
            wakeups.renew(session, worker=self.name, at=self.means.clock(), lease=LEASE)

    # ------------------------------------------------------------------------------------------------ signs of life

    async def _give_signs(self) -> None:
        said, since = None, self.means.clock()
        while not self.stopping.is_set():
            was_up = self.by_prefect.works
            if was_up is not said:
                said, since = was_up, self.means.clock()
            await asyncio.to_thread(self._sign, was_up, since)
            next_at = time.monotonic() + BEAT_SECONDS
            # Where Prefect came or went, that is told at once.
            while time.monotonic() < next_at and not self.stopping.is_set():
                if self.by_prefect.works != was_up:
                    break
                await self._pause(AWAY_SECONDS)

    def _sign(self, prefect_up: bool, since: datetime) -> None:
        at = self.means.clock()
        with self.means.transaction() as session:
            beat = Beat(process=self.name, at=at, prefect_up=prefect_up, prefect_since=since, machine=seats.machine())
            put_row(session, beat)
            if prefect_up and self.prefect.is_here:
                seats.hold(session, self.known_as or self.prefect_url, at=at)
            # One that lies ahead is of a clock that was put back: who lives gives another within seconds.
            gone = or_(col(Beat.at) < at - OLD_BEAT, col(Beat.at) > at + SILENT_AFTER)
            rows.run(session, delete(Beat).where(gone))

    def _sign_off(self) -> None:
        with self.means.transaction() as session:
            rows.run(session, delete(Beat).where(col(Beat.process) == self.name))

    # ------------------------------------------------------------------------------------------------------ letters

    async def _deliver(self) -> None:
        while not self.stopping.is_set():
            self._posted.clear()
            done = await asyncio.to_thread(post.deliver, self.means, most=LETTERS_AT_A_TIME)
            if done.rest:
                await self._pause(done.rest_for.total_seconds())
            elif done.attempts < LETTERS_AT_A_TIME:
                await asyncio.to_thread(self.between_letters)
                await self._pause(LOOK_AGAIN_SECONDS, self._posted)

    # ------------------------------------------------------------------------------------------------------- seals

    async def _seal(self) -> None:
        while not self.stopping.is_set():
            try:
                await asyncio.to_thread(sealing.seal, self.means)
            except NoSealKey:
                _log.warning("nothing is sealed: the seal key is missing or cannot be used; see spheres keys init")
                await self._pause(NO_KEY_SECONDS)
            else:
                await self._pause(sealing.SEAL_SECONDS)

    async def _destroy(self) -> None:
        looked_at = time.monotonic()
        while not self.stopping.is_set():
            looks = [destroying.destroy, apart.look_after]
            if time.monotonic() - looked_at > apart.READ_SECONDS:
                looked_at = time.monotonic()
                looks.append(apart.destroy_what_is_listed)
            for look in looks:  # where the keys are away, the ledger is looked after all the same
                await self._look(look)
            await self._pause(destroying.DESTROY_SECONDS)

    async def _look(self, look: Callable[[Means], object]) -> None:
        try:
            await asyncio.to_thread(look, self.means)
        except NoKeys:
            _log.warning("nothing is destroyed: the participants' keys cannot be used; see spheres keys init")
        except NoLedger:
            _log.warning("the ledger cannot be written: nothing ends, and no letter leaves, until it can")
        except Exception as error:  # noqa: BLE001 - people are told of it where it is looked; the next look comes soon
            _log.warning("a look failed", extra={"part": look.__name__, "error": type(error).__name__})

    async def _watch(self) -> None:
        while not self.stopping.is_set():
            await asyncio.to_thread(watching.watch, self.means)
            await self._pause(watching.WATCH_SECONDS)

    # --------------------------------------------------------------------------------------------------- departures

    async def _see_off(self) -> None:
        looked_at = 0.0
        while not self.stopping.is_set():
            await self._look(departing.close_doors)
            if time.monotonic() - looked_at > departing.HANDS_SECONDS:
                looked_at = time.monotonic()
                await self._look(departing.look_at_hands)
            await self._pause(departing.DOORS_SECONDS)

    # ------------------------------------------------------------------------------------------------------- rounds

    def _engine_elsewhere(self) -> str:
        with self.means.open_sessions() as session:
            return seats.address_elsewhere(session, ours=self.known_as or self.prefect_url)

    async def _look_for_overdue(self) -> None:
        while not self.stopping.is_set():
            await self._pause(OVERDUE_LOOK_SECONDS)
            await self._overdue_rounds()

    async def _overdue_rounds(self) -> None:
        """Make up for the rounds that are overdue, one after the other; one that hangs holds up no other for long."""
        for key in rounds.ROUNDS:
            if self.stopping.is_set() or key in self._made_up_for:
                continue
            making_up = asyncio.create_task(asyncio.to_thread(self._make_up_for, key))
            self._made_up_for[key] = making_up
            making_up.add_done_callback(partial(self._is_made_up_for, key))
            await asyncio.wait([making_up], timeout=OVERDUE_ROUND_SECONDS)

    def _is_made_up_for(self, key: str, _: asyncio.Task[None]) -> None:
        del self._made_up_for[key]

    def _make_up_for(self, key: str) -> None:
        # A failure, which the log and the board tell, holds up no other round: it is overdue still.
        with suppress(Exception):
            if rounds.is_overdue(self.means, key):
                _log.warning("a round is overdue: the worker runs it", extra={"part": key})
                rounds.run_round(self.means, key, "worker", self.stopping.is_set)


# ---------------------------------------------------------------------------------------------------- as a process


async def main(settings: Settings) -> None:
    """Run the worker of an installation until SIGTERM or SIGINT. Raises SettingsError without a database."""
    if settings.database_url is None:
        raise SettingsError("DATABASE_URL", "is needed by the worker; `spheres up` gives it.")
    url = settings.database_url
    # Every case in hand may block in one thread, besides the ears, the letters, the seals, the doors and the rounds.
    threads = CONCURRENCY + 11
    seal_keys = FileSealKeys(settings.seal_keys)
    engine = make_engine(
        url,
        pool_size=CONNECTIONS_KEPT,
        in_a_rush=threads - CONNECTIONS_KEPT,
        application_name="spheres worker",
        ledger=FileLedger(settings.ledger, seal_keys),
        agree=refuse_another_epoch,
    )
    paper = stationery_for(
        sender=Mailbox(settings.sender, "SPHÈRES"),
        base_url=settings.base_url,
        folders=letter_folders(),
        known=names_known,
    )
    keys = FilePeopleKeys(settings.people_keys)

    def sessions(program_id: UUID) -> Session:
        session = program_session(engine, program_id)
        session.info.update(letter_templates=paper, keys=keys)
        return session

    mailer, inbox, accounts = outside_of(settings)
    clock = DatabaseClock(engine)
    clock.look()
    worker = Worker(
        Means(sessions, lambda: open_session(engine), clock, mailer, seal_keys, inbox, accounts, settings.base_url),
        ears=lambda: listen(url, wakeups.WAKE_CHANNEL, delivery.POST_CHANNEL),
        prefect_url=os.environ.get("PREFECT_API_URL", ""),
        known_as=settings.engine_from_elsewhere,
        word=os.environ.get("PREFECT_API_AUTH_STRING", ""),
        between_letters=mailer.close if isinstance(mailer, SmtpMailer) else lambda: None,
    )
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(threads, thread_name_prefix="engine"))

    def stop() -> None:
        _hush_prefect()
        loop.call_soon_threadsafe(worker.stop)

    _at_a_signal(stop)
    try:
        await worker.run()
    finally:
        engine.dispose()


def _at_a_signal(stop: Callable[[], object]) -> None:
    """Make a thread wait for the signal to stop, without a handler.

    While a flow runs Prefect replaces our handler with its own. That one raises an error wherever the loop just is, and
    counts the run as crashed.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)

    def wait() -> None:
        signal.sigwait(_STOPS)
        stop()

    threading.Thread(target=wait, name="signals", daemon=True).start()


def _hush_prefect() -> None:
    """Keep Prefect from reporting each run that is broken off: its case goes to the next worker."""
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] == "prefect":
            logging.getLogger(name).disabled = True


async def _until_the_end(settings: Settings) -> None:
    """Work, and then end for certain: a thread that waits for a server that is gone has nothing left to lose."""
    await main(settings)
    ending = threading.Timer(MEND_SECONDS, os._exit, (0,))
    ending.daemon = True
    ending.start()


def run() -> int:
    """The process: read the settings and work until a signal. Returns its exit status."""
    logs.configure("worker")
    tell_prefect(logs.AtTerminal("worker"))
    try:
        settings = Settings.from_env(os.environ)
        asyncio.run(_until_the_end(settings))
    except SettingsError as wrong:
        sys.stderr.write(f"{wrong.told_in(language_of_terminal(os.environ))}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(run())
