"""The engine: its server, its pool, its workers, the rounds that are late and the cases that are held up."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Final

from api.cli.checkup.asking import Reply, ask
from api.cli.checkup.finding import Check, Finding, Group, named, words
from api.cli.checkup.house import Away, House
from domain.casework import SILENT_AFTER, engine_state, living, tending
from domain.kernel import run, select
from flows import seats
from flows.timetable import OF_THE_MAILBOX, ROUNDS, is_late, marks_of
from locales import N_
from models.engine import Beat

RUNS: Final = Check("engine.runs", N_("The installation runs here"))
SERVER: Final = Check("engine.server", N_("The engine’s server answers to its word"))
IN_POOL: Final = Check("engine.pool", N_("The engine’s work pool is there, and a worker works it"))
WORKERS: Final = Check("engine.workers", N_("A worker of ours gives signs of life"))
WAITING: Final = Check("engine.waiting", N_("No case waits for the engine for long"))
ROUND_TIMES: Final = Check("engine.rounds", N_("No timed round is late"))
HELD_UP: Final = Check("engine.cases", N_("No case is held up"))

#: The pool of `flows.pool`, which reads Prefect: that alone would take the doctor longer than all it asks.
POOL: Final = "spheres"

_STOPPED: Final = N_("The installation does not run here.")
_BEING_WRITTEN: Final = N_("The demonstration is still being written: the worker comes after it.")
_START: Final = N_("Start it (spheres up), or see what it wrote as it ended.")
_SEE_SERVER: Final = N_(
    "It is started again by itself, and work goes on without it. If it stays away, look into what “spheres up” wrote, "
    "and at the disk and the database named in PREFECT_DATABASE_URL."
)
_RESTART: Final = N_("Stop and start the installation: spheres up")
_SEE_PAGE: Final = N_(
    "The page “The engine” names the cases, with “Try again”; codes tell the people of the program what to do."
)


def look(house: House) -> Iterator[Finding]:
    """Look at the web and the server first, which need no database of ours."""
    yield _runs(house)
    yield from _server(house)
    try:
        yield from _by_rows(house)
    except Away as away:
        yield from (one.not_asked(away.why) for one in (WORKERS, WAITING, ROUND_TIMES, HELD_UP))


def _runs(house: House) -> Finding:
    """Whether the web answers. That it does not is a fault where the one who asks says so: else it may be stopped."""
    if house.runs:
        return RUNS.ok(N_("Its web answers."))
    seen = words(_STOPPED)
    return RUNS.wrong(seen, words(_START)) if house.has_to_run else RUNS.not_asked(seen)


# ------------------------------------------------------------------------------------------------------- its server


def _server(house: House) -> Iterator[Finding]:
    address, file = _address(house), house.settings.engine_word
    is_up = ask(address, "/api/health") is not None
    if not is_up:
        seen = words(N_("Nothing answers at %(address)s."), address=address)
        yield SERVER.wrong(seen, words(_SEE_SERVER)) if house.runs else SERVER.not_asked(words(_STOPPED))
        yield IN_POOL.not_asked(seen)
        return
    try:
        word = file.read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        yield SERVER.wrong(
            words(N_("Its word cannot be read from %(file)s (%(error)s)."), file=str(file), error=type(error).__name__),
            words(_RESTART),
        )
        yield IN_POOL.not_asked(words(N_("Without its word the server tells nothing.")))
        return
    pool = ask(address, f"/api/work_pools/{POOL}", {"Authorization": _basic(word)})
    if pool is None or pool.status == HTTPStatus.UNAUTHORIZED:
        yield SERVER.wrong(
            words(
                N_("What answers at %(address)s does not take the word in %(file)s."), address=address, file=str(file)
            ),
            words(N_("Another program, or another installation, may have the port: see SPHERES_PREFECT_PORT.")),
        )
        yield IN_POOL.not_asked(words(N_("Without its word the server tells nothing.")))
        return
    yield SERVER.ok(N_("It answers at %(address)s, and takes the word in %(file)s."), address=address, file=str(file))
    yield IN_POOL.not_asked(words(_BEING_WRITTEN)) if house.is_being_written else _pool(pool)


def _address(house: House) -> str:
    """Where the server is: on this machine, or on the one that says that it has it."""
    here = house.settings.engine_here.removesuffix("/api")
    if ask(here, "/api/health") is not None:
        return here
    try:
        with house.before_a_program() as session:
            return seats.address_elsewhere(session).removesuffix("/api") or here
    except Away:
        return here


def _basic(word: str) -> str:
    return f"Basic {base64.b64encode(word.encode()).decode('ascii')}"


def _pool(pool: Reply) -> Finding:
    said = pool.said if isinstance(pool.said, Mapping) else {}
    if pool.status == HTTPStatus.NOT_FOUND:
        return IN_POOL.wrong(words(N_("There is no pool “%(pool)s”."), pool=POOL), words(_RESTART))
    if said.get("status") != "READY":
        return IN_POOL.wrong(
            words(N_("The pool “%(pool)s” is “%(status)s”."), pool=POOL, status=str(said.get("status", pool.status))),
            words(N_("No worker asks it for work: rounds are done by the worker itself, later. Restart: spheres up")),
        )
    return IN_POOL.ok(N_("The pool “%(pool)s” is ready."), pool=POOL)


# ------------------------------------------------------------------------------------------------------ what it does


def _by_rows(house: House) -> Iterator[Finding]:
    if house.is_being_written:
        yield from (one.not_asked(words(_BEING_WRITTEN)) for one in (WORKERS, WAITING, ROUND_TIMES, HELD_UP))
        return
    alive = _alive(house)
    runs = alive > 0 or house.runs
    yield _workers(house, alive)
    if not runs:
        yield from (one.not_asked(words(_STOPPED)) for one in (WAITING, ROUND_TIMES))
    else:
        yield _waiting(house)
        yield _rounds(house)
    yield _held_up(house)


def _alive(house: House) -> int:
    with house.before_a_program() as session:
        beats = run(session, select(Beat.at, Beat.process).where(*living(house.at)))
        return len(beats.all())


def _workers(house: House, alive: int) -> Finding:
    if alive:
        return WORKERS.ok(N_("Workers alive: %(count)s."), count=alive)
    if not house.runs:
        return WORKERS.not_asked(words(_STOPPED))
    return WORKERS.wrong(
        words(N_("None gave a sign of life in the last %(seconds)s s."), seconds=int(SILENT_AFTER.total_seconds())),
        words(N_("It is started again by itself. If it stays away, look into what “spheres up” wrote.")),
    )


def _waiting(house: House) -> Finding:
    waiting, behind = 0, False
    for program_id, *_ in house.programs:
        with house.of_program(program_id) as session:
            state = engine_state(session, house.at)
        waiting, behind = waiting + state.waiting, behind or state.is_behind
    if behind:
        return WAITING.wrong(
            words(N_("Cases that wait: %(count)s, some for more than a minute."), count=waiting),
            words(N_("See whether a worker lives and the machine has processor time left. Nothing is lost.")),
        )
    return WAITING.ok(N_("Cases that wait: %(count)s."), count=waiting)


def _rounds(house: House) -> Finding:
    late: list[str] = []
    for program_id, key, *_ in house.programs:
        with house.of_program(program_id) as session:
            done = marks_of(session)
            late += [f"{one} ({key})" for one in _needed(house) if is_late(session, one, house.at, done.get(one))]
    if late:
        return ROUND_TIMES.wrong(
            words(N_("Late: %(rounds)s."), rounds=named(late)),
            words(N_("The worker does within a minute what is overdue. If it stays so, look into what it wrote.")),
        )
    return ROUND_TIMES.ok(
        N_("Rounds: %(count)s, in programs: %(programs)s."), count=len(_needed(house)), programs=len(house.programs)
    )


def _needed(house: House) -> list[str]:
    reads_mail = house.settings.graph is not None and not house.is_demonstration
    return [key for key in ROUNDS if key != OF_THE_MAILBOX or reads_mail]


def _held_up(house: House) -> Finding:
    codes: Counter[str] = Counter()
    for program_id, *_ in house.programs:
        with house.of_program(program_id) as session:
            codes.update(tending.stuck_by_code(session))
    if codes:
        told = named([f"{code} {count}" for code, count in codes.most_common()])
        return HELD_UP.warn(words(N_("Held up, by code: %(codes)s."), codes=told), words(_SEE_PAGE))
    return HELD_UP.ok(N_("None is."))


GROUP: Final = Group("engine", N_("The engine"), (RUNS, SERVER, IN_POOL, WORKERS, WAITING, ROUND_TIMES, HELD_UP), look)
