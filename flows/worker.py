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
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from adapters import engine_settings
from domain.kernel import col, only, put_row, rows, scalar
from domain.mail import delivery
from flows.engine import CarryUnderWay, Means, code_of, in_hand

if __name__ == "__main__":
    # Prefect reads its settings as it is imported, below; what the supervisor gave stands.
    for _name, _value in engine_settings.CLIENT.items():
        os.environ.setdefault(_name, _value)
    os.environ.setdefault("PREFECT_API_URL", f"http://127.0.0.1:{os.environ.get('SPHERES_PREFECT_PORT') or 8401}/api")

from prefect import Flow
from prefect.client.schemas.objects import FlowRun
from prefect.flow_engine import run_flow_async
from prefect.states import Pending
from sqlalchemy import delete
from sqlmodel import Session

from adapters import logs
from adapters.database import Listener, listen, make_engine, open_session, program_session
from adapters.environment import SettingsError
from adapters.keys import FileSealKeys
from adapters.mail import SmtpMailer
from adapters.outside import outside_of
from adapters.people_keys import FilePeopleKeys
from adapters.settings import Settings
from domain.casework import Claim, wakeups
from domain.mail import Mailbox, stationery_for
from domain.participants import names_known
from flows import departing, destroying, post, rounds, sealing, watching
from flows.admission.flow import admission
from flows.asking import RunClient, asking, asking_patiently
from flows.automations import make_automations
from flows.carry import carry, plainly, protocol_flow
from flows.departure.flow import departure
from flows.deployments import CASE_ID, WORKER, Deployed, register
from flows.health import AWAY_SECONDS, Prefect
from flows.lost_runs import end_lost_runs, living_workers
from flows.onboarding.flow import onboarding
from flows.pool import EngineWorker
from flows.protocols import letter_folders
from flows.told import tell_prefect
from locales.told import language_of_terminal
from models.casework import Case
from models.engine import Beat
from models.ports import NoKeys, NoSealKey

_log = logging.getLogger(__name__)

#: Each case is the worker's own for so long, and longer while it lives: another has it soon after it died.
LEASE: Final = timedelta(seconds=20)
RENEW_SECONDS: Final = 5.0
RUN_SECONDS: Final = 60.0
PLAIN_RUN_SECONDS: Final = 40.0
CONCURRENCY: Final = 8
#: Prefect's server takes one or two runs a second. What gets no place, or does not begin, in these seconds is carried
#: plainly, so that nobody waits for it.
BY_PREFECT_AT_ONCE: Final = 2
PLACE_SECONDS: Final = 0.25
BEGIN_SECONDS: Final = 0.75
#: After one that did not begin in time the next would not either: for so long none is asked for, and no person waits.
SPARED_SECONDS: Final = 5.0
#: Between two rushes: each connection is a process of the database of some 5 MB, and a case at a time takes so many.
CONNECTIONS_KEPT: Final = 4

#: News of a change come by notification; this is for what they missed, and for what waits for its time.
LOOK_AGAIN_SECONDS: Final = 5.0
BEAT_SECONDS: Final = 5.0
#: Without a key nothing is sealed, and that is said so often.
NO_KEY_SECONDS: Final = 60.0
OVERDUE_LOOK_SECONDS: Final = 60.0
#: How often it is looked whether what Prefect knows of us still holds, and whether it believes a run that is gone.
TEND_SECONDS: Final = 60.0
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

FLOWS: Final[dict[str, Flow[[str], Any]]] = {"onboarding": onboarding, "departure": departure, "admission": admission}
"""The protocols that have a flow of their own; another gets one by its key."""


@dataclass
class Worker:
    """The loops. `ears` opens what listens for changes; `prefect_url` is the address of Prefect's API, or ""."""

    means: Means
    ears: Callable[[], Listener]
    prefect_url: str = ""
    name: str = field(default_factory=lambda: f"worker-{uuid4().hex[:12]}")
    between_letters: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        self.prefect = Prefect(self.prefect_url)
        self.stopping = asyncio.Event()
        self._woken = asyncio.Event()
        self._posted = asyncio.Event()
        self._slots = asyncio.Semaphore(CONCURRENCY)
        self._in_hand: dict[asyncio.Task[None], Claim] = {}
        self._places = asyncio.Semaphore(BY_PREFECT_AT_ONCE)
        self._by_prefect: set[asyncio.Task[None]] = set()
        self._engine: EngineWorker | None = None
        self._deployed: Deployed | None = None
        self._speaking = copy_context()
        self._spared_until = 0.0

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
                self._work_for_prefect,
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
        for running in self._by_prefect:
            running.cancel()
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
        if self._engine is not None:
            self._engine.woken.set()

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
        with suppress(TimeoutError):
            await asyncio.wait_for((until or self.stopping).wait(), seconds)

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
            if await self._carry_by_prefect(claim):
                return
            async with asyncio.timeout(PLAIN_RUN_SECONDS):
                await carry(claim, self.means, plainly(self.means))
        except Exception as error:  # noqa: BLE001 - the case is tried again, and its page shows the code
            await self._put_back(claim, code_of(error))

    async def _carry_by_prefect(self, claim: Claim) -> bool:
        """Whether the case was carried and its wake-up acknowledged, whatever Prefect says of it afterwards.

        Not where Prefect is away or busy, or does not begin in time: then it is to be carried plainly, and a run that
        begins late does nothing.
        """
        if self._engine is None or time.monotonic() < self._spared_until:
            return False
        if not await self.prefect.is_up() or not await self._has_place():
            return False
        hand = CarryUnderWay(claim, self.means)
        # In the context in which the worker's client is known: else each run would open a connection of its own.
        running = asyncio.create_task(self._run_by_prefect(hand), context=self._speaking.copy())
        self._by_prefect.add(running)
        running.add_done_callback(self._give_place_back)
        began = asyncio.create_task(hand.begun.wait())
        await asyncio.wait([running, began], timeout=BEGIN_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        began.cancel()
        if hand.take("plain"):
            self._spared_until = time.monotonic() + SPARED_SECONDS
            return False
        await asyncio.wait([running], timeout=RUN_SECONDS)
        if not running.done():
            running.cancel()
            self.prefect.doubt()
        if hand.outcome is None and hand.fault:
            await self._put_back(claim, hand.fault)
            return True
        return hand.outcome is not None

    async def _has_place(self) -> bool:
        """Whether Prefect's server is asked for few runs enough to be asked for one more."""
        try:
            await asyncio.wait_for(self._places.acquire(), PLACE_SECONDS)
        except TimeoutError:
            return False
        return True

    def _give_place_back(self, running: asyncio.Task[None]) -> None:
        self._by_prefect.discard(running)
        self._places.release()

    async def _run_by_prefect(self, hand: CarryUnderWay) -> None:
        """Have a run of the case's protocol made, and run it here at once: no worker takes one that is Pending."""
        engine, deployed, claim = self._engine, self._deployed, hand.claim
        try:
            key = await asyncio.to_thread(self._protocol_of, claim)
            if engine is None or deployed is None or key not in deployed.protocols:
                return
            client = engine.asking
            run = await client.create_flow_run_from_deployment(
                deployed.protocols[key],
                parameters={CASE_ID: str(claim.case_id)},
                state=Pending(),
                name=f"{key}-{str(claim.case_id)[:8]}",
                tags=[f"program:{claim.program_id}", f"{WORKER}{self.name}"],
                idempotency_key=f"{claim.case_id}:{claim.want}:{claim.attempts}:{self.name}",
            )
            in_hand.set(hand)
            with client.holding(run):
                await engine.follow(
                    run.id,
                    run_flow_async(
                        FLOWS.get(key) or protocol_flow(key),
                        flow_run=run,
                        parameters={CASE_ID: str(claim.case_id)},
                        return_type="state",
                    ),
                )
        except Exception as error:  # noqa: BLE001 - Prefect's own trouble is not the case's
            if not self.stopping.is_set():  # else its server was told to end as well
                _log.warning("Prefect failed with a case", extra={"case": claim.case_id, "error": type(error).__name__})
            self.prefect.doubt()

    def _protocol_of(self, claim: Claim) -> str:
        with self.means.sessions(claim.program_id) as session:
            return scalar(session, only(Case.protocol).where(Case.id == claim.case_id)) or ""

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
        while not self.stopping.is_set():
            was_up = await self._works_with_prefect()
            await asyncio.to_thread(self._sign, was_up)
            next_at = time.monotonic() + BEAT_SECONDS
            # Where Prefect came or went, that is told at once.
            while time.monotonic() < next_at and not self.stopping.is_set():
                if await self._works_with_prefect() != was_up:
                    break
                await self._pause(AWAY_SECONDS)

    async def _works_with_prefect(self) -> bool:
        """Whether Prefect's server answers and takes this worker: one that refuses it does as little as none."""
        return await self.prefect.is_up() and self._engine is not None

    def _sign(self, prefect_up: bool) -> None:
        at = self.means.clock()
        with self.means.transaction() as session:
            put_row(session, Beat(process=self.name, at=at, prefect_up=prefect_up))
            rows.run(session, delete(Beat).where(col(Beat.at) < at - OLD_BEAT))

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
        while not self.stopping.is_set():
            try:
                await asyncio.to_thread(destroying.destroy, self.means)
            except NoKeys:
                _log.warning("nothing is destroyed: the participants' keys cannot be used; see spheres keys init")
            await self._pause(destroying.DESTROY_SECONDS)

    async def _watch(self) -> None:
        while not self.stopping.is_set():
            await asyncio.to_thread(watching.watch, self.means)
            await self._pause(watching.WATCH_SECONDS)

    # --------------------------------------------------------------------------------------------------- departures

    async def _see_off(self) -> None:
        looked_at = 0.0
        while not self.stopping.is_set():
            await asyncio.to_thread(departing.close_doors, self.means)
            if time.monotonic() - looked_at > departing.HANDS_SECONDS:
                looked_at = time.monotonic()
                await asyncio.to_thread(departing.look_at_hands, self.means)
            await self._pause(departing.DOORS_SECONDS)

    # ------------------------------------------------------------------------------------------------------- rounds

    async def _work_for_prefect(self) -> None:
        """Be a worker of Prefect's pool for as long as its server answers: it hands out the rounds that are due."""
        while not self.stopping.is_set():
            if await self.prefect.is_up():
                try:
                    await self._work_while_it_answers()
                except Exception as error:  # noqa: BLE001 - Prefect is a hint: an overdue round is run without it
                    if not self.stopping.is_set():
                        _log.warning("Prefect does not hand out the rounds", extra={"error": type(error).__name__})
                    self.prefect.doubt()
            await self._pause(AWAY_SECONDS)

    async def _work_while_it_answers(self) -> None:
        async with asking_patiently() as patient:
            await make_automations(patient)
            deployed = await register(patient, self.means)
        async with asking() as client, EngineWorker(self.name, client, lambda run: self._begin(client, run)) as engine:
            self._engine, self._deployed, self._speaking = engine, deployed, copy_context()
            try:
                async with asyncio.TaskGroup() as both:
                    both.create_task(engine.work(self.stopping.is_set))
                    both.create_task(self._tend(client, engine))
                if self._by_prefect:  # they end by this client
                    await asyncio.wait(self._by_prefect, timeout=FAREWELL_SECONDS)
            finally:
                self._engine = self._deployed = None

    async def _begin(self, client: RunClient, run: FlowRun) -> object:
        """Run what Prefect's schedule, or an operator, has asked for."""
        deployed = self._deployed
        return deployed and await deployed.begin(client, run, self.means, self.name)

    async def _tend(self, client: RunClient, engine: EngineWorker) -> None:
        """Register anew what is no longer as it should be, and end the runs that no living worker has."""
        while not self.stopping.is_set():
            if self._deployed is not None and not await self._deployed.stands(client, self.means):
                async with asking_patiently() as patient:
                    self._deployed = await register(patient, self.means)
            alive = await asyncio.to_thread(living_workers, self.means)
            await end_lost_runs(client, me=self.name, mine=list(engine.running), alive=alive, at=self.means.clock())
            await self._pause(TEND_SECONDS)

    async def _look_for_overdue(self) -> None:
        while not self.stopping.is_set():
            await self._pause(OVERDUE_LOOK_SECONDS)
            await self._overdue_rounds()

    async def _overdue_rounds(self) -> None:
        for key in rounds.ROUNDS:
            if not self.stopping.is_set() and await asyncio.to_thread(rounds.is_overdue, self.means, key):
                _log.warning("a round is overdue: the worker runs it", extra={"part": key})
                with suppress(Exception):  # which the log tells: it holds up no other round, and is overdue still
                    await asyncio.to_thread(rounds.run_round, self.means, key, "worker")


# ---------------------------------------------------------------------------------------------------- as a process


async def main(settings: Settings) -> None:
    """Run the worker of an installation until SIGTERM or SIGINT. Raises SettingsError without a database."""
    if settings.database_url is None:
        raise SettingsError("DATABASE_URL", "is needed by the worker; `spheres up` gives it.")
    url = settings.database_url
    # Every case in hand may block in one thread, besides the ears, the letters, the seals, the doors and the rounds.
    threads = CONCURRENCY + 11
    engine = make_engine(
        url, pool_size=CONNECTIONS_KEPT, in_a_rush=threads - CONNECTIONS_KEPT, application_name="spheres worker"
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
    worker = Worker(
        Means(
            sessions,
            lambda: open_session(engine),
            lambda: datetime.now(UTC),
            mailer,
            FileSealKeys(settings.seal_keys),
            inbox,
            accounts,
            settings.base_url,
        ),
        ears=lambda: listen(url, wakeups.WAKE_CHANNEL, delivery.POST_CHANNEL),
        prefect_url=os.environ.get("PREFECT_API_URL", ""),
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
