"""The page at the end of a simulation: one file that needs nothing else, with pictures of the years and what broke.

The same seed gives the same page, but for what stands in elements of the class `seconds`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import jinja2

from simulation import chapters
from simulation.counted import Kept, Wrong, Years
from simulation.figures import Cell, Chapter, Drawing, Table, number
from simulation.promises import promises
from simulation.routes import ActInWords, Routes

_FOLDER: Final = Path(__file__).parent


@dataclass(frozen=True)
class Facts:
    """What a simulation was: of which program, from which seed, over which days, and the command that repeats it."""

    program: str
    seed: int
    first: date
    last: date
    command: str
    time_zone: str
    faults: Sequence[str] = ()
    routes: Routes = field(default_factory=Routes)
    seconds: float = 0.0


@dataclass(frozen=True)
class WrongInWords:
    """Something that went wrong, as the page tells it."""

    kind: str
    sentence: str
    when: str
    places: Sequence[str]
    seed: int
    command: str
    day: str
    acts: Sequence[ActInWords]


def write(path: Path, years: Years, facts: Facts) -> None:
    """Write the page."""
    path.write_text(page_of(years, facts), "utf-8")


def page_of(years: Years, facts: Facts) -> str:
    """The page, as one text."""
    draw = Drawing(years, facts.first, facts.last)
    told = [
        *(chapter(draw) for chapter in chapters.EVERY),
        chapters.acts(draw, facts.routes),
        chapters.engine(draw),
        chapters.files(draw),
        _promises(years),
    ]
    return (
        _environment()
        .get_template("report.html.jinja")
        .render(
            facts=facts,
            verdict=_verdict(years),
            figures=list(_figures(years, facts)),
            chapters=told,
            wrongs=[_wrong(one, facts) for one in _in_order(years)],
        )
    )


def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )


def _figures(years: Years, facts: Facts) -> Iterator[tuple[str, Cell]]:
    acts = sum(n for (method, _, _), n in years.asked.items() if method != "GET")
    yield "Days", Cell(number(years.days))
    yield "Acts", Cell(number(acts))
    yield "Pages and lists read", Cell(number(years.asked.total() - acts))
    yield "Letters sent", Cell(number(sum(week.letters.total() for week in years.weeks)))
    yield "Promises", Cell(number(len(years.promises)))
    yield "Looks at them", Cell(number(sum(kept.looks for kept in years.promises.values())))
    yield "Took (s)", Cell(number(round(facts.seconds, 1)), is_seconds=True)
    if years.seconds:
        slowest = f"{max(years.seconds) * 1000:.0f}"
        yield "Slowest reading of a week (ms)", Cell(slowest, is_seconds=True)


def _verdict(years: Years) -> str:
    kinds = [kind for kind, _ in years.wrongs]
    broken, faults = kinds.count("promise"), len(kinds) - kinds.count("promise")
    looked, every = len(years.promises), len(promises())
    if not kinds and looked < every:
        return f"The {looked} of {every} promises that were looked at held, and the program never failed."
    if not kinds:
        return "Every promise held, and the program never failed."
    said = [f"{broken} {'promise was' if broken == 1 else 'promises were'} broken"] if broken else []
    said += [f"the program failed in {faults} {'way' if faults == 1 else 'ways'}"] if faults else []
    whole = ", and ".join(said)
    return f"{whole[:1].upper()}{whole[1:]}."


# ------------------------------------------------------------------------------------------------------ what went wrong


def _in_order(years: Years) -> list[Wrong]:
    return sorted(years.wrongs.values(), key=lambda one: (one.first, one.kind, one.sentence))


def _wrong(one: Wrong, facts: Facts) -> WrongInWords:
    zone = ZoneInfo(facts.time_zone)
    when = f"On {one.first.isoformat()}" if one.first == one.last else f"From {one.first} to {one.last}"
    return WrongInWords(
        kind="Broken promise" if one.kind == "promise" else "Failure",
        sentence=one.sentence,
        when=f"{when}, {number(one.times)} {'time' if one.times == 1 else 'times'}",
        places=one.places,
        seed=one.seed,
        command=one.command or facts.command,
        day=one.first.isoformat(),
        acts=[facts.routes.in_words(act, zone) for act in one.acts],
    )


# --------------------------------------------------------------------------------------------------------- the promises


def _promises(years: Years) -> Chapter:
    """Every promise, those that were never looked at among them."""
    sentences = {one.sentence for one in promises()} | set(years.promises)
    rows = [_row(sentence, years.promises.get(sentence, Kept())) for sentence in sorted(sentences)]
    heads = ("Promise", "Looked at", "Rows read", "Broken on days", "First seen broken", "Milliseconds in all")
    says = (
        "Rows read: what the statements of its looks gave. A promise that counts in the database alone reads no row"
        " while it holds."
    )
    return Chapter("promises", "Promises", says, (), [Table(f"Promises: {number(len(rows))}", heads, rows)])


def _row(sentence: str, kept: Kept) -> Sequence[Cell | str]:
    return (
        sentence,
        number(kept.looks),
        number(kept.rows) if kept.rows else "–",
        number(len(kept.broke)),
        kept.broke[0].isoformat() if kept.broke else "–",
        Cell(number(round(kept.seconds * 1000)), is_seconds=True),
    )
