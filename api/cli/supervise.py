"""Keeping the program's processes alive: the web, Prefect's server and the worker, started again when one dies."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Final

from api.cli import stopping
from api.cli.pulse import Pulse, answers
from locales import N_, current_language
from locales import say as words

_ENDED: Final = N_("%(name)s ended with status %(status)s; it is started again in %(seconds)s s.")
_SILENT: Final = N_("%(name)s does not answer any more; it is ended.")
#: A process that served for less before it died waits before it is started again, twice as long each time.
STEADY_SECONDS = 10.0
LONGEST_WAIT_SECONDS = 30.0
#: One that should answer and never did counts as dying at once for so long: on a slow machine it starts slowly.
LONG_SECONDS = 60.0
_DOUBLINGS: Final = 10
#: How long a process has to finish what it has in hand, and then what the others needed for that. With what else is
#: to be done, all has ended within 8 s of a signal.
FAREWELL_SECONDS = 4.5
LAST_FAREWELL_SECONDS = 1.5
#: How much gets ready at once: reading modules takes a core each, and what is started first is waited for first.
AT_ONCE = max(2, os.cpu_count() or 2)
#: How long the others hold back for a process that does not answer: late is better than never.
PATIENCE_SECONDS = 20.0
_LOOK_SECONDS = 0.2


@dataclass
class Process:
    """One process to keep alive. `ready` is an address that answers once it serves; empty where it has none.

    `after` is how many steps of preparing are to be through before it starts. `outlives` says that others finish with
    its help, so that it is told to end once they have. `settles` is for how many seconds after its first answer it
    still gets ready. Until then it has nothing in hand, and is ended without being asked: asked in the middle of its
    start, Prefect's server fails at its own end and says so at length. `longest_wait` is for how many seconds at most
    it waits before it is started again. `may_wait` says that it does not answer for as long as another machine is ahead
    of it: none holds back for it.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(repr=False)
    ready: str = ""
    after: int = 0
    outlives: bool = False
    settles: float = 0.0
    longest_wait: float = LONGEST_WAIT_SECONDS
    may_wait: bool = False
    running: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    answered: float = 0.0
    quick_deaths: int = 0
    start_at: float = 0.0
    pulse: Pulse | None = None

    def start(self) -> None:
        """Start it."""
        # Away from the terminal's Ctrl-C, which would end all of them at once: the supervisor ends each in its turn.
        self.running = subprocess.Popen(  # noqa: S603  # our own commands
            self.command, env=dict(self.environment), process_group=0
        )
        self.started = time.monotonic()
        self.answered = 0.0
        self.pulse = None

    def look(self, say: Callable[[str], None]) -> None:
        """Start it if it does not run: again where it died, after a wait where it dies quickly.

        One that served and answers no more is ended: it would keep its port, and what it alone may have.
        """
        now = time.monotonic()
        if self.running is None:
            if now >= self.start_at:
                self.start()
            return
        status = self.running.poll()
        if self._lives(now):
            self.quick_deaths = 0
        elif status is not None:
            self.quick_deaths += 1
        if status is None:
            self._end_if_silent(say)
            return
        # Twice as long each time, up to a number that no day of dying makes too large to reckon with.
        wait = min(self.longest_wait, 0.5 * 2 ** min(self.quick_deaths, _DOUBLINGS)) if self.quick_deaths else 0.0
        say(words(current_language(), _ENDED, name=self.name, status=status, seconds=f"{wait:.0f}"))
        self.running = None
        self.start_at = now + wait

    def _lives(self, now: float) -> bool:
        """Whether it has served for a while, or has run for long: its next death is a new one."""
        serves_since = self.answered if self.ready else self.started
        return (serves_since > 0 and now - serves_since > STEADY_SECONDS) or now - self.started > LONG_SECONDS

    def _end_if_silent(self, say: Callable[[str], None]) -> None:
        if self.running is not None and self.pulse is not None and self.pulse.is_gone():
            say(words(current_language(), _SILENT, name=self.name))
            self.running.kill()  # also where it is halted
            self.pulse = None

    @property
    def was_started(self) -> bool:
        """Whether it ever was started."""
        return self.started > 0

    def ask(self) -> None:
        """Note when it first answers, if it does by now."""
        if self.answered or self.running is None or self.running.poll() is not None:
            return
        if not self.ready or answers(self.ready):
            self.answered = time.monotonic()
            self.pulse = Pulse(self.ready) if self.ready else None

    def tell_to_end(self) -> None:
        """Let it finish what it has in hand; what can have nothing ends at once."""
        if self.running is not None:
            (self.running.terminate if self.has_settled else self.running.kill)()

    @property
    def has_settled(self) -> bool:
        """Whether it may have something in hand."""
        return not self.ready or (self.answered > 0 and time.monotonic() - self.answered >= self.settles)


def supervise(
    processes: Sequence[Process],
    *,
    prepare: Sequence[Callable[[], None]],
    begun: float,
    say: Callable[[str], None],
    when_ready: Mapping[str, Callable[[float], None]],
    meanwhile: Mapping[str, Callable[[float], None]] | None = None,
    stopped: Callable[[], None] = lambda: None,
) -> int:
    """Start every process and keep it alive until a signal says stop, then end them.

    They start in their order while the steps of `prepare` run in a thread, one after the other, and never more than
    `AT_ONCE` are getting ready, of which preparing is one. Whatever a step raises ends them all; at a signal, no other
    step begins. `when_ready` is called once for each process named, when all is prepared, with the seconds since
    `begun` (of `time.monotonic`); `meanwhile` as soon as one answers: before that, where `when_ready` names it too.
    `stopped` is called when a signal came. Needs `stopping.heed`.
    """
    told = _Told(when_ready, meanwhile or {}, begun)
    steps = _Steps(prepare)
    try:
        with ThreadPoolExecutor(1, thread_name_prefix="prepare") as apart:
            # In the caller's context: what is prepared may say something, in the language of the terminal.
            preparing = apart.submit(copy_context().run, steps.run)
            while not stopping.is_asked():
                if preparing.done():
                    preparing.result()
                for process in processes:
                    is_its_turn = process.after <= steps.passed and _may_start(process, processes, preparing)
                    if process.was_started or is_its_turn:
                        process.look(say)
                    process.ask()
                told.of_those({process.name for process in processes if process.answered}, prepared=preparing.done())
                time.sleep(_LOOK_SECONDS)
            stopped()
    finally:
        end(processes)
    return 0


_Tell = Mapping[str, Callable[[float], None]]


@dataclass
class _Told:
    """What is told of each process that answers: once when all is prepared, and once before that."""

    when_ready: _Tell
    meanwhile: _Tell
    begun: float
    early: set[str] = field(default_factory=set)
    ready: set[str] = field(default_factory=set)

    def of_those(self, answered: set[str], *, prepared: bool) -> None:
        """Tell of those that answer, as it is now."""
        when_ready = self.when_ready if prepared else {}
        meanwhile = {name: tell for name, tell in self.meanwhile.items() if name not in when_ready}
        for telling, told in ((meanwhile, self.early), (when_ready, self.ready)):
            for name in telling.keys() & (answered - told):
                told.add(name)
                telling[name](time.monotonic() - self.begun)


@dataclass
class _Steps:
    """What is prepared, one step after the other until a signal says stop, and how many are through."""

    steps: Sequence[Callable[[], None]]
    passed: int = 0

    def run(self) -> None:
        for step in self.steps:
            if stopping.is_asked():
                return
            step()
            self.passed += 1


def _may_start(process: Process, processes: Sequence[Process], preparing: Future[None]) -> bool:
    """Whether it is this process's turn, and fewer than `AT_ONCE` others are getting ready."""
    earlier = processes[: processes.index(process)]
    if not all(other.was_started for other in earlier):
        return False
    late = time.monotonic() - PATIENCE_SECONDS
    getting_ready = [one for one in earlier if not one.answered and one.started > late and not one.may_wait]
    return len(getting_ready) + (not preparing.done()) < AT_ONCE


def run_step(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Have a process of its own do a step, away from the terminal's Ctrl-C. Returns its status, 0 where a signal came.

    A signal that says stop breaks it off: each step is one transaction or several whole ones, and goes on from there
    at the next start.
    """
    step = subprocess.Popen(command, env=dict(environment), process_group=0)  # noqa: S603  # our own command
    while not stopping.is_asked():
        try:
            return step.wait(_LOOK_SECONDS)
        except subprocess.TimeoutExpired:
            continue
    step.terminate()
    _wait([step], _LOOK_SECONDS)
    return 0


def end(processes: Sequence[Process]) -> None:
    """Ask every process to finish, those that the others need for it at last, and end what does not."""
    for others_need_it, patience in ((False, FAREWELL_SECONDS), (True, LAST_FAREWELL_SECONDS)):
        running = [one for one in processes if one.running and one.outlives is others_need_it]
        for one in running:
            one.tell_to_end()
        _wait([one.running for one in running if one.running], patience)


def _wait(running: Sequence[subprocess.Popen[bytes]], patience_seconds: float) -> None:
    deadline = time.monotonic() + patience_seconds
    for one in running:
        try:
            one.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            one.kill()
            one.wait()


def module(name: str, *arguments: str) -> list[str]:
    """The command that runs one of our modules in this Python."""
    return [sys.executable, "-m", name, *arguments]


def tied(name: str, *arguments: str) -> list[str]:
    """The same for what is to end with this process, whatever ends it. Started by a thread that lives as long."""
    return module("api.cli.tied", str(os.getpid()), name, *arguments)
