"""The logs: one JSON object a line, of fields that are listed here and have a known shape, and of nothing else.

A line says what happened in a sentence of ours that never changes, and beside it ids, codes, counts and places in our
code. What a library writes is cut down to its name, its level and the kind of error: its text may quote what a person
typed. So a name, an address or a token has no field to stand in.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Final
from uuid import UUID

#: Whose sentences are ours, written in the code: the first part of a logger's name.
OURS: Final = frozenset({"spheres", "api", "flows", "meetings", "domain", "models", "adapters", "locales", "__main__"})

_CODE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,79}")
_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{12}")
_ROUTE: Final = re.compile(r"(/[a-z0-9_.-]*|/\{[a-z_]+(:[a-z]+)?\})*")
_PLACE: Final = re.compile(r"[A-Za-z0-9_.]{1,120}:[0-9]{1,6}")

#: What may stand in a line beside its sentence, and the shape it must have. Counts and durations are numbers.
FIELDS: Final[Mapping[str, re.Pattern[str] | None]] = {
    "request": _ID,
    "method": re.compile(r"[A-Z]{3,10}"),
    "route": _ROUTE,
    "status": None,
    "ms": None,
    "action": _CODE,
    "why": _CODE,
    "program": _ID,
    "case": _ID,
    "code": _CODE,
    "part": _CODE,
    "error": _CODE,
    "cause": _CODE,
    "place": _PLACE,
    "count": None,
    "seconds": None,
}


class OneLine(logging.Formatter):
    """Writes a record as one JSON object, with the fields that are allowed and no others."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        return json.dumps(self.fields(record), ensure_ascii=True)

    def fields(self, record: logging.LogRecord) -> dict[str, object]:
        """The fields of a record that are allowed, each in its shape, and no others."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "process": self._process,
            "logger": record.name if _CODE.fullmatch(record.name) else "",
        }
        if record.name.partition(".")[0] in OURS and isinstance(record.msg, str):
            # As it is written in the code: what would be filled in may be anything.
            line["what"] = record.msg
        for name in FIELDS:
            value = _shaped(name, getattr(record, name, None))
            if value is not None:
                line[name] = value
        if record.exc_info and record.exc_info[1] is not None:
            line |= told_of(record.exc_info[1])
        return line


class AtTerminal(OneLine):
    """Writes the same of a record for a person at a terminal: the sentence, and its ids."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        told = self.fields(record)
        about = ", ".join(str(told[name]) for name in FIELDS if name in told)
        return f"{self._process}: {told.get('what', told['logger'])}{f' ({about})' if about else ''}"


def told_of(error: BaseException) -> dict[str, str]:
    """An error without its text: its kind, the place where it arose, and the kind of the error behind it."""
    told = {"error": type(error).__name__, "place": place_of(error.__traceback__)}
    behind = error.__cause__ or error.__context__
    if behind is not None:
        told["cause"] = type(behind).__name__
    return {name: value for name, value in told.items() if _shaped(name, value)}


def place_of(at: TracebackType | None) -> str:
    """The module and line in which an error arose; "" where that is not known."""
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    return f"{at.tb_frame.f_globals.get('__name__')}:{at.tb_lineno}" if at is not None else ""


def configure(process: str, *, filters: Iterable[logging.Filter] = ()) -> None:
    """Route all that this process logs through here: handlers that libraries set up are removed.

    `process` is one of our words: web, worker, supervisor, prepare. `filters` may add fields to each record. Warnings
    and uncaught errors are logged as well instead of being printed with their text. At a terminal the lines are for
    people, and those on what went well are left out. May be called again.
    """
    handler = logging.StreamHandler(sys.stderr)
    at_terminal = sys.stderr.isatty()
    handler.setFormatter(AtTerminal(process) if at_terminal else OneLine(process))
    for one in filters:
        handler.addFilter(one)
    # A line that cannot be written must not print what it was to hold.
    logging.raiseExceptions = False
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in list(logging.root.manager.loggerDict):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    # At a terminal a line for each request would bury the sentences that are for people; a service keeps them.
    logging.getLogger("spheres").setLevel(logging.WARNING if at_terminal else logging.INFO)
    logging.captureWarnings(True)
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        logging.getLogger("spheres").critical("an error that nobody caught", exc_info=(kind, error, trace))


def _uncaught_in_thread(hook: threading.ExceptHookArgs) -> None:
    if hook.exc_value is not None and not issubclass(hook.exc_type, SystemExit):
        _uncaught(hook.exc_type, hook.exc_value, hook.exc_traceback)


def _shaped(name: str, value: object) -> str | int | float | None:
    """A field's value where it has the shape that the field must have; None where it is absent or has another."""
    shape = FIELDS[name]
    if value is None or isinstance(value, bool):
        return None
    if shape is None:
        return round(value, 1) if isinstance(value, int | float) else None
    text = str(value) if isinstance(value, str | UUID) else ""
    return text if text and shape.fullmatch(text) else None
