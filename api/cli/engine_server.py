"""Prefect's server as a process of ours, which serves while it has the installation's one seat, and then ends.

`python -m api.cli.engine_server HOST PORT`, in the environment that the supervisor gives it. Where another machine has
the seat it waits, and has read little by then. The seat is held by the process that serves, so that one never is
without the other: neither where the supervisor is killed, nor where this process is. A server that hangs would keep the
seat from every machine, so that the process asks itself whether it answers, and ends where it does not.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
from typing import Final, NoReturn

import uvicorn

from adapters import engine_seat, logs
from api.cli.pulse import answers
from locales import N_, say
from locales.told import language_of_terminal

_log = logging.getLogger(__name__)

#: The status with which it ends where the seat is lost. It is started again, and waits with the others.
SEAT_LOST: Final = 75
#: And where its server does not answer.
SILENT: Final = 70
#: How often it asks itself, how long an answer may take, and how often in a row there may be none. Before the first
#: answer there may be none for ten minutes: a newer version first brings its database up to date.
ASK_SECONDS: Final = 10.0
ANSWER_SECONDS: Final = 5.0
MOST_UNHEARD: Final = 4
MOST_UNHEARD_AT_FIRST: Final = 60

_WAITS: Final = N_(
    "The engine's server runs on another machine of this installation. This one starts one where that is gone."
)
_AWAY: Final = N_("The engine's database does not answer, or does not let its server in. It is tried again.")
_LOST: Final = N_("The engine's server lost its seat, and ends: another machine may have it.")
_HANGS: Final = N_("The engine's server does not answer, and ends: it is started again, here or on another machine.")


class Hangs(Exception):
    """The server has the seat, and does not answer."""


def main() -> NoReturn:
    """Wait for the seat, then serve until a signal says stop."""
    # It has nothing in hand before it serves, and its server then takes the signals itself.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    logs.configure("engine")
    _, host, port = sys.argv
    seated = threading.Event()
    at = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    threading.Thread(target=_hold, args=(seated, f"http://{at}/api/health"), name="seat", daemon=True).start()
    seated.wait()
    _serve(host, int(port))
    raise SystemExit(0)


def _hold(seated: threading.Event, health: str) -> None:
    """Have the seat, and end the process at once where it is lost or the server hangs, whatever that is at."""
    status = 1
    try:
        asyncio.run(_have_the_seat(seated, health))
    except engine_seat.SeatLost:
        status = SEAT_LOST
        _tell(_LOST)
    except Hangs:
        status = SILENT
        _tell(_HANGS)
    except Exception:  # noqa: BLE001 - without the seat there is no serving, whatever was in the way
        _log.critical("the seat is not held", exc_info=True)
    finally:
        os._exit(status)


async def _have_the_seat(seated: threading.Event, health: str) -> None:
    url = os.environ.get("PREFECT_SERVER_DATABASE_CONNECTION_URL", "")
    connection = await engine_seat.take(url, waits=lambda: _tell(_WAITS), away=lambda: _tell(_AWAY))
    seated.set()
    both = [asyncio.create_task(engine_seat.keep(connection)), asyncio.create_task(_see_that_it_answers(health))]
    ended, _ = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    for one in ended:
        one.result()


async def _see_that_it_answers(health: str) -> None:
    """Ask the server for as long as it answers. Raises Hangs once it does not.

    What counts is how often in a row: time passes also while the whole process is halted.
    """
    left = MOST_UNHEARD_AT_FIRST
    while left > 0:
        await asyncio.sleep(ASK_SECONDS)
        left = MOST_UNHEARD if await asyncio.to_thread(answers, health, timeout_seconds=ANSWER_SECONDS) else left - 1
    raise Hangs


def _serve(host: str, port: int) -> None:
    # By its name: who waits has not read it.
    uvicorn.run("api.cli.engine_app:create_app", factory=True, host=host, port=port, log_level="error")


def _tell(msgid: str) -> None:
    sys.stderr.write(f"{say(language_of_terminal(os.environ), msgid)}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
