"""Prefect's server as a process of ours, which serves while it has the installation's one seat, and then ends.

`python -m api.cli.engine_server HOST PORT`, in the environment that the supervisor gives it. Where another machine has
the seat it waits, and has read little by then. The seat is held by the process that serves, so that one never is
without the other: neither where the supervisor is killed, nor where this process is.
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
from locales import N_, say
from locales.told import language_of_terminal

_log = logging.getLogger(__name__)

#: The status with which it ends where the seat is lost. It is started again, and waits with the others.
SEAT_LOST: Final = 75

_WAITS: Final = N_(
    "The engine's server runs on another machine of this installation. This one starts one where that is gone."
)
_AWAY: Final = N_("The engine's database does not answer, or does not let its server in. It is tried again.")
_LOST: Final = N_("The engine's server lost its seat, and ends: another machine may have it.")


def main() -> NoReturn:
    """Wait for the seat, then serve until a signal says stop."""
    # It has nothing in hand before it serves, and its server then takes the signals itself.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    logs.configure("engine")
    seated = threading.Event()
    threading.Thread(target=_hold, args=(seated,), name="seat", daemon=True).start()
    seated.wait()
    _serve()
    raise SystemExit(0)


def _hold(seated: threading.Event) -> None:
    """Have the seat, and end the process at once where it is lost, whatever its server is at."""
    status = 1
    try:
        asyncio.run(_have_the_seat(seated))
    except engine_seat.SeatLost:
        status = SEAT_LOST
        _tell(_LOST)
    except Exception:  # noqa: BLE001 - without the seat there is no serving, whatever was in the way
        _log.critical("the seat is not held", exc_info=True)
    finally:
        os._exit(status)


async def _have_the_seat(seated: threading.Event) -> None:
    url = os.environ.get("PREFECT_SERVER_DATABASE_CONNECTION_URL", "")
    connection = await engine_seat.take(url, waits=lambda: _tell(_WAITS), away=lambda: _tell(_AWAY))
    seated.set()
    await engine_seat.keep(connection)


def _serve() -> None:
    _, host, port = sys.argv
    # By its name: who waits has not read it.
    uvicorn.run("prefect.server.api.server:create_app", factory=True, host=host, port=int(port), log_level="error")


def _tell(msgid: str) -> None:
    sys.stderr.write(f"{say(language_of_terminal(os.environ), msgid)}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
