"""Clocks and ratios: how a cost is taken, how rounds are mixed, and how a figure is shown beside its goal."""

from __future__ import annotations

import contextlib
import gc
import math
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_PROC = Path("/proc")


@dataclass
class Cost:
    """What some operations cost: seconds for each, and CPU seconds of all, here and in other processes."""

    seconds: list[float] = field(default_factory=list)
    cpu_here: float = 0.0
    cpu_there: float = 0.0

    def add(self, one: Cost) -> None:
        """Take in what other operations cost."""
        self.seconds += one.seconds
        self.cpu_here += one.cpu_here
        self.cpu_there += one.cpu_there

    @property
    def operations(self) -> int:
        """How many operations it is of."""
        return len(self.seconds)

    @property
    def cpu(self) -> float:
        """CPU seconds an operation, of this process."""
        return self.cpu_here / self.operations

    @property
    def cpu_of_all(self) -> float:
        """CPU seconds an operation, of this process and of those that worked for it."""
        return (self.cpu_here + self.cpu_there) / self.operations

    @property
    def rate(self) -> float:
        """Operations a second, one after the other."""
        return self.operations / sum(self.seconds)

    def at(self, percent: float) -> float:
        """The seconds within which so many percent of the operations were done."""
        ordered = sorted(self.seconds)
        return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


@contextlib.contextmanager
def costing(pids: Callable[[], Iterable[int]] = tuple) -> Iterator[Cost]:
    """Take the CPU time of what happens inside, of this process and of the processes `pids` names."""
    cost = Cost()
    others = list(pids())
    there, here = cpu_of(others), time.process_time()
    yield cost
    cost.cpu_here = time.process_time() - here
    cost.cpu_there = cpu_of(others) - there


@contextlib.contextmanager
def timing(cost: Cost) -> Iterator[None]:
    """One operation of `cost`."""
    begun = time.perf_counter()
    yield
    cost.seconds.append(time.perf_counter() - begun)


def cpu_of(pids: Iterable[int]) -> float:
    """CPU seconds that these processes have used so far, ended threads included. 0.0 where the system does not tell."""
    used = 0
    for pid in pids:
        with contextlib.suppress(OSError):  # a process that ended meanwhile
            used += time.clock_gettime_ns(_clock_of(pid)) if tells_cpu() else 0
    return used / 1e9


def tells_cpu() -> bool:
    """Whether the system tells the CPU time of other processes."""
    return sys.platform == "linux"


def _clock_of(pid: int) -> int:
    """The clock of a process's CPU time, as `clock_getcpuclockid` of Linux makes its number."""
    return (~pid << 3) | 2


def memory_of(pids: Iterable[int]) -> int:
    """Bytes that these processes hold, what they share counted once. 0 where the system does not tell."""
    held = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for line in (_PROC / str(pid) / "smaps_rollup").read_text(encoding="ascii").splitlines():
                if line.startswith("Pss:"):
                    held += int(line.split()[1]) * 1024
    return held


def descendants(pid: int) -> list[int]:
    """A process and all that it started, as far as the system tells."""
    found, waiting = [], [pid]
    while waiting:
        one = waiting.pop()
        found.append(one)
        for children in (_PROC / str(one) / "task").glob("*/children"):
            with contextlib.suppress(OSError):
                waiting.extend(int(child) for child in children.read_text(encoding="ascii").split())
    return found


def yardstick() -> tuple[float, float]:
    """CPU seconds and seconds of a fixed piece of plain Python: how fast the machine is now, and how shared."""
    begun, used = time.perf_counter(), time.process_time()
    total = 0
    for number in range(2_000_000):
        total += number & 7
    assert total == 7_000_000, total
    return time.process_time() - used, time.perf_counter() - begun


def mixed(names: Sequence[str], rounds: int) -> Iterator[str]:
    """Each name once a round, in an order that turns by one: what the machine does meanwhile meets all alike."""
    for turn in range(rounds):
        shift = turn % len(names)
        yield from [*names[shift:], *names[:shift]]


def median(values: Iterable[float]) -> float:
    """The middle value."""
    return statistics.median(values)


@dataclass(frozen=True)
class Ratio:
    """A figure without a unit, or one that a goal is set for, and the goal that it is held to."""

    name: str
    value: float
    at_most: float | None = None
    at_least: float | None = None
    unit: str = ""

    @property
    def is_met(self) -> bool:
        """Whether the goal is met."""
        if self.at_most is not None and self.value > self.at_most:
            return False
        return self.at_least is None or self.value >= self.at_least

    def __str__(self) -> str:
        goal = f"at most {self.at_most:g}" if self.at_most is not None else f"at least {self.at_least:g}"
        unit = f" {self.unit}" if self.unit else ""
        return f"ratio {self.name:<34} {self.value:9.2f}{unit:<4} goal {goal:<13} {'ok' if self.is_met else 'MISSED'}"


def table(title: str, columns: Sequence[str], rows: Mapping[str, Sequence[str]]) -> str:
    """Figures in a table, the first column wide."""
    lines = [f"\n{title}", f"  {'':<34}" + "".join(f"{name:>15}" for name in columns)]
    lines += [f"  {name:<34}" + "".join(f"{value:>15}" for value in values) for name, values in rows.items()]
    return "\n".join(lines)


def an_item(
    title: str, ways: Mapping[str, Callable[[int], object]], items: tuple[int, int], rounds: int
) -> dict[tuple[str, int], float]:
    """The CPU here of each way by the item, made of few and of many: the median of the rounds, and printed as a table.

    Each way takes how many items it makes. What a first one reads once, the caller has read before.
    """
    cpu: dict[tuple[str, int], list[float]] = {(name, size): [] for name in ways for size in items}
    for size in items:
        for name in mixed(list(ways), rounds):
            gc.collect()
            with costing() as cost, timing(cost):
                ways[name](size)
            cpu[name, size].append(cost.cpu / size)
    found = {key: median(values) for key, values in cpu.items()}
    few, many = items
    rows = {name: (ms(found[name, few]), ms(found[name, many]), ms(found[name, many] * many)) for name in ways}
    print(table(f"{title} ({rounds} rounds)", (f"of {few}", f"of {many}", f"all {many}"), rows))
    return found


def ms(seconds: float) -> str:
    """Seconds, shown in milliseconds."""
    return f"{seconds * 1000:.2f} ms"
