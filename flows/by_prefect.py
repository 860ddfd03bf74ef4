"""A worker's dealings with Prefect: it carries cases by its runs, and takes from its pool the rounds that are due.

Prefect is a hint. What it does not take in time the worker does without it, and each of its failures is its own alone.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from contextvars import Context, copy_context
from typing import Any, Final

from prefect import Flow
from prefect.client.schemas.objects import FlowRun
from prefect.events.worker import EventsWorker
from prefect.flow_engine import run_flow_async
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import Pending

from domain.casework import Claim
from domain.kernel import only, scalar
from flows.admission.flow import admission
from flows.asking import RunClient, asking, asking_patiently
from flows.automations import make_automations
from flows.carry import protocol_flow
from flows.departure.flow import departure
from flows.deployments import CASE_ID, WORKER, Deployed, register
from flows.engine import ActFailed, CarryUnderWay, Means, in_hand, pause
from flows.health import AWAY_SECONDS, Prefect
from flows.lost_runs import end_lost_runs, living_workers
from flows.onboarding.flow import onboarding
from flows.pool import EngineWorker
from models.casework import Case

_log = logging.getLogger(__name__)

RUN_SECONDS: Final = 60.0
#: Prefect's server takes one or two runs a second. What gets no place in the first of these seconds, or has not begun
#: by the second, is carried plainly, so that nobody waits for it. Both count from when the case was taken in hand.
AT_ONCE: Final = 2
PLACE_SECONDS: Final = 0.05
BEGIN_SECONDS: Final = 0.75
#: After one that did not begin in time the next would not either: for so long none is asked for, and no person waits.
SPARED_SECONDS: Final = 5.0
#: How often it is looked whether what Prefect knows of us still holds, and whether it believes a run that is gone.
TEND_SECONDS: Final = 60.0
#: How long runs may still take that end by the client of a server that is left.
LEAVING_SECONDS: Final = 2.0

FLOWS: Final[dict[str, Flow[[str], Any]]] = {"onboarding": onboarding, "departure": departure, "admission": admission}
"""The protocols that have a flow of their own; another gets one by its key."""


class ByPrefect:
    """What the worker `name` does by the server that `prefect` finds, until `stopping`."""

    def __init__(self, prefect: Prefect, means: Means, name: str, stopping: asyncio.Event) -> None:
        self.prefect = prefect
        self.means = means
        self.name = name
        self.stopping = stopping
        self._places = asyncio.Semaphore(AT_ONCE)
        self._running: set[asyncio.Task[None]] = set()
        self._engine: EngineWorker | None = None
        self._deployed: Deployed | None = None
        #: In which Prefect's client speaks to the server that answers now.
        self._speaking: Context = copy_context()
        self._spared_until = 0.0

    @property
    def works(self) -> bool:
        """Whether Prefect's server answered lately and takes this worker: one that refuses it does as little as none.

        It is known without a question, for which a person would wait; `keep_asking` asks.
        """
        return self.prefect.seems_up and self._engine is not None

    async def keep_asking(self) -> None:
        """Ask now and then whether the server answers. One that hangs holds up this alone."""
        while not self.stopping.is_set():
            await self.prefect.is_up()
            await pause(self.stopping, AWAY_SECONDS)

    def wake(self) -> None:
        """Look at the pool at once, and so see that the work is over."""
        if self._engine is not None:
            self._engine.woken.set()

    def break_off(self) -> None:
        """Break off what runs: its case goes to the next worker."""
        for running in self._running:
            running.cancel()

    # ------------------------------------------------------------------------------------------------------- cases

    async def carry(self, claim: Claim) -> str:
        """Why the case is to be carried plainly: Prefect is away, busy or slow to begin, or failed with it.

        "" where it was carried and its wake-up acknowledged, whatever Prefect says of it afterwards. A run that begins
        late does nothing. Raises ActFailed where the case has to be tried again.
        """
        clock = asyncio.get_running_loop().time
        begins_by = clock() + BEGIN_SECONDS
        if not self.works:
            return "away"
        if clock() < self._spared_until or not await self._has_place():
            return "busy"
        hand = CarryUnderWay(claim, self.means)
        # In the context in which the worker's client is known: else each run would open a connection of its own.
        running = asyncio.create_task(self._run(hand), context=self._speaking.copy())
        self._running.add(running)
        running.add_done_callback(self._give_place_back)
        began = asyncio.create_task(hand.begun.wait())
        await asyncio.wait([running, began], timeout=max(0.0, begins_by - clock()), return_when=asyncio.FIRST_COMPLETED)
        began.cancel()
        if hand.take("plain"):
            self._spared_until = clock() + SPARED_SECONDS
            return "slow"
        await asyncio.wait([running], timeout=RUN_SECONDS)
        if not running.done():
            running.cancel()
            self.prefect.doubt()
        if hand.outcome is None and hand.fault:
            raise ActFailed(hand.fault)
        return "" if hand.outcome is not None else "failed"

    async def _has_place(self) -> bool:
        """Whether Prefect's server is asked for few runs enough to be asked for one more."""
        try:
            await asyncio.wait_for(self._places.acquire(), PLACE_SECONDS)
        except TimeoutError:
            return False
        return True

    def _give_place_back(self, running: asyncio.Task[None]) -> None:
        self._running.discard(running)
        self._places.release()

    async def _run(self, hand: CarryUnderWay) -> None:
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

    # ------------------------------------------------------------------------------------------------------- rounds

    async def work(self) -> None:
        """Be a worker of Prefect's pool for as long as its server answers: it hands out the rounds that are due."""
        while not self.stopping.is_set():
            if await self.prefect.is_up():
                try:
                    await self._work_while_it_answers()
                except Exception as error:  # noqa: BLE001 - Prefect is a hint: an overdue round is run without it
                    if not self.stopping.is_set():
                        _log.warning("Prefect does not hand out the rounds", extra={"error": type(error).__name__})
                    self.prefect.doubt()
            await pause(self.stopping, AWAY_SECONDS)

    async def _work_while_it_answers(self) -> None:
        """Work for the server that answers now, until it is gone or another machine's has taken its place."""
        url = self.prefect.url
        with temporary_settings({PREFECT_API_URL: url}):
            deployed = await self._register()
            async with (
                asking() as client,
                EngineWorker(self.name, client, lambda run: self._begin(client, run)) as engine,
            ):
                self._engine, self._deployed, self._speaking = engine, deployed, copy_context()
                try:
                    async with asyncio.TaskGroup() as both:
                        both.create_task(engine.work(lambda: self._is_left(url)))
                        both.create_task(self._tend(client, engine, url))
                    if self._running:  # they end by this client
                        await asyncio.wait(self._running, timeout=LEAVING_SECONDS)
                finally:
                    self._engine = self._deployed = None
                    await self._turn_away_from_it()

    async def _register(self) -> Deployed:
        async with asking_patiently() as patient:
            await make_automations(patient)  # a server that came back empty has lost them too
            return await register(patient, self.means)

    def _is_left(self, url: str) -> bool:
        """Whether the work for a server is over: the worker stops, or another machine's answers in its place."""
        return self.stopping.is_set() or self.prefect.url != url

    async def _begin(self, client: RunClient, run: FlowRun) -> object:
        """Run what Prefect's schedule, or an operator, has asked for."""
        deployed = self._deployed
        return deployed and await deployed.begin(client, run, self.means, self.name)

    async def _tend(self, client: RunClient, engine: EngineWorker, url: str) -> None:
        """Register anew what is no longer as it should be, and end the runs that no living worker has."""
        while not self._is_left(url):
            if self._deployed is not None and not await self._deployed.stands(client, self.means):
                self._deployed = await self._register()
            alive = await asyncio.to_thread(living_workers, self.means)
            await end_lost_runs(client, me=self.name, mine=list(engine.running), alive=alive, at=self.means.clock())
            await pause(self.stopping, TEND_SECONDS)

    async def _turn_away_from_it(self) -> None:
        """Have what Prefect tells of runs from now on not go to the server that is left, as long as it would try."""
        if not self.stopping.is_set():
            left = EventsWorker.drain_all(timeout=AWAY_SECONDS, at_exit=False)
            if inspect.isawaitable(left):
                await left
