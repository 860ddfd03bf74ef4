"""The ports: free, or ours."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from typing import Final

from api.cli.checkup.asking import ask
from api.cli.checkup.finding import Check, Finding, Group, words
from api.cli.checkup.house import House
from locales import N_

WEB: Final = Check("ports.web", N_("The port of the web is free, or ours"))
ENGINE: Final = Check("ports.engine", N_("The port of the engine’s server is free, or ours"))

_CONNECT_SECONDS: Final = 2.0
_FREE_IT: Final = N_("End what listens there, or set %(setting)s to another port.")


def look(house: House) -> Iterator[Finding]:
    """Look at each."""
    settings = house.settings
    yield _judged(WEB, settings.host, settings.port, "SPHERES_PORT", is_ours=house.runs)
    health = ask(settings.engine_here.removesuffix("/api"), "/api/health")
    is_ours = health is not None and health.said is True
    yield _judged(ENGINE, settings.prefect_host, settings.prefect_port, "SPHERES_PREFECT_PORT", is_ours=is_ours)


def _judged(check: Check, host: str, port: int, setting: str, *, is_ours: bool) -> Finding:
    facts: dict[str, object] = {"port": str(port), "setting": setting}
    if is_ours:
        return check.ok(N_("Port %(port)s is ours."), **facts)
    state = _state(host, port)
    if state == "free":
        return check.ok(N_("Port %(port)s is free."), **facts)
    if state == "taken":
        return check.wrong(
            words(N_("Something else listens at port %(port)s, or ours does not answer."), **facts),
            words(_FREE_IT, **facts),
        )
    return check.wrong(
        words(N_("Port %(port)s cannot be used here (%(why)s)."), why=state, **facts), words(_FREE_IT, **facts)
    )


def _state(host: str, port: int) -> str:
    """Free, taken, or the name of the error with which the system refuses the port to us."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as one:
        one.settimeout(_CONNECT_SECONDS)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port left a moment ago is free
        try:
            one.bind((host, port))  # and not listened at: who starts meanwhile is not in the way
        except PermissionError as refused:
            return type(refused).__name__
        except OSError as refused:
            return "taken" if refused.errno == errno.EADDRINUSE else type(refused).__name__
    return "free"


GROUP: Final = Group("ports", N_("Ports"), (WEB, ENGINE), look)
