"""The process of `spheres up` that stays: it starts the database and keeps the web, Prefect and the worker alive.

`python -m api.cli.installation`, in the environment of `spheres up`. It lives as long as the installation and reads no
more than it needs: what prepares the database are processes of their own, gone when they are done. With `--join` it is
one more machine of an installation that another began: it waits for the database instead of making it.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import time as time_of_day
from typing import Final, NoReturn

from adapters import engine_settings, engine_word, logs
from adapters.environment import SettingsError
from adapters.ledger import has_lines
from adapters.places import WORKING, is_there
from adapters.postgres import DatabaseUrls
from adapters.settings import Settings
from api.cli import demonstration, stopping
from api.cli.by_clock import AtATimeOfDay, EachMinute
from api.cli.databases import databases
from api.cli.lone_ledger import refuse_without_server
from api.cli.place import data_folder, refuse_keys_that_are_not_there, refuse_taken_port
from api.cli.spoken import NO_MAIL, Ending, fail, tell, tell_apart, write_apart
from api.cli.supervise import Process, run_step, supervise, tied
from locales import N_, current_language, speaking
from locales.told import Told, language_of_terminal

#: People wait for the web: it is started again soon, also where it dies at once several times.
_WEB_WAITS_SECONDS: Final = 5.0
#: A line that is not used is kept longer than a proxy keeps it, which for nginx is a minute: who ends it first must be
#: the one who asks, or a request is sent into a line that is just being ended, and is answered 502.
_LINE_KEPT_SECONDS: Final = 75
#: The services of Prefect's server still start when it answers, each with a look at its database.
_PREFECT_SETTLES_SECONDS: Final = 3.0
#: Keys that outlived their days are removed then, where no time for copies is set.
_KEYS_GO_AT: Final = time_of_day(3)
#: Of the system's allocator, where it is glibc's. It gives each thread a heap of its own, and what one has let go no
#: other uses; of our threads one works at a time, and they need no more than one heap.
_ONE_HEAP: Final[Mapping[str, str]] = {"MALLOC_ARENA_MAX": "1"}


def main(*, demo: bool | None = None, join: bool = False) -> NoReturn:
    """Start everything and keep it alive until a signal says stop. A wrong setting is a sentence and status 2.

    Whether it is the demonstration is what `demo` says, else the environment. `join` is for one more machine.
    """
    with speaking(language_of_terminal(os.environ)):
        try:
            status = _keep({**os.environ, **demonstrating(demo)}, join=join)
        except _NotPrepared as failed:
            raise SystemExit(failed.status) from None
        except Told as error:
            fail(error.told_in(current_language()), 2)
        except Ending as error:
            fail(str(error), 2)
        finally:
            stopping.hold_back()  # one that comes as the process ends would break that off
    raise SystemExit(status)


def demonstrating(demo: bool | None) -> dict[str, str]:
    """What the environment says of a demonstration, asked for or declined; None where it says nothing."""
    return {} if demo is None else {"SPHERES_DEMO": "yes" if demo else "no"}


class _NotPrepared(Exception):
    """Preparing the database failed, and has said why."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def _keep(environment: dict[str, str], *, join: bool) -> int:
    logs.configure("supervisor")
    settings = Settings.from_env(environment)
    if join:
        _refuse_what_is_not_shared(settings)
    if settings.database_url is not None and settings.prefect_database_url is None:
        raise SettingsError("PREFECT_DATABASE_URL", "is needed with DATABASE_URL; the engine keeps its runs apart.")
    if settings.demo and not join:
        demonstration.refuse_without_a_checkout()
    if not is_there(settings.data / WORKING):  # which is told where the folder is taken
        _refuse_before_anything_is_made(settings, environment)
    begun = time.monotonic()

    refuse_taken_port(settings.host, settings.port, "SPHERES_PORT")
    refuse_taken_port(settings.prefect_host, settings.prefect_port, "SPHERES_PREFECT_PORT")
    with data_folder(settings.data):
        if stopping.is_asked():
            return 0
        if not join:
            _announce_writing(settings)
        with databases(settings, make=True, kept=write_apart) as urls:
            steps = _steps_of_one_more if join else _steps
            return supervise(
                _processes(settings, urls, environment, join=join),
                prepare=steps(settings, urls, environment),
                begun=begun,
                say=write_apart,
                when_ready={"web": lambda seconds: _welcome(settings, seconds)},
                stopped=lambda: tell(N_("Stopping…")),
                meanwhile={
                    "web": lambda seconds: _be_patient(settings, seconds),
                    "prefect": lambda seconds: tell(
                        N_("The engine's server is ready, after %(seconds)s s."), seconds=f"{seconds:.1f}"
                    ),
                },
            )


def _refuse_before_anything_is_made(settings: Settings, environment: dict[str, str]) -> None:
    """Refuse where something else has to come first. Raises Ending, NoLedger, SettingsError, _NotPrepared."""
    if settings.database_url is None:
        refuse_without_server(settings)
    elif has_lines(settings.ledger):
        # Who stays reads nothing that speaks to a database.
        status = run_step(tied("api.cli.migrated", "--look"), environment)
        if status:
            raise _NotPrepared(status)
    refuse_keys_that_are_not_there(settings)


def _refuse_what_is_not_shared(settings: Settings) -> None:
    """Refuse to join where the machines would not have the same database, or the same keys. Raises SettingsError."""
    if settings.database_url is None:
        raise SettingsError(
            "DATABASE_URL",
            "is needed with --join: the database that comes with the program serves its own machine alone.",
        )
    for name, named in (
        ("SPHERES_PEOPLE_KEYS", settings.people_key_folder),
        ("SPHERES_SEAL_KEY_FILE", settings.seal_key_file),
    ):
        if named is None:
            raise SettingsError(name, "is needed with --join: it leads to the keys that all machines share.")
    if settings.ledger_folder is None:
        raise SettingsError("SPHERES_LEDGER", "is needed with --join: it leads to the ledger that all machines share.")


def _announce_writing(settings: Settings) -> None:
    """Have pages say that the demonstration is being written, before anything answers, until it is done.

    Without room even for an empty file they say at once that the demonstration could not be written.
    """
    with suppress(OSError):
        settings.being_written.unlink(missing_ok=True)
        if settings.demo:
            settings.being_written.touch(mode=0o600)


def _steps(settings: Settings, urls: DatabaseUrls, environment: dict[str, str]) -> list[Callable[[], None]]:
    """What prepares the database: the tables, on which all else works, then a demonstration and the year behind it."""
    steps = [lambda: _prepare(tied("api.cli.migrated"), urls, environment)]
    if settings.demo:
        steps.append(lambda: _demonstrate(settings, urls, environment))
    return steps


def _steps_of_one_more(_: Settings, urls: DatabaseUrls, environment: dict[str, str]) -> list[Callable[[], None]]:
    """What one more machine does before it works on a database that another prepares."""
    return [lambda: _prepare(tied("api.cli.migrated", "--join"), urls, environment)]


def _demonstrate(settings: Settings, urls: DatabaseUrls, environment: dict[str, str]) -> None:
    """Have the demonstration written where it is not: where that fails, all else goes on, and is told so."""
    if not settings.being_written.exists():
        return  # as the tables were brought up to date it was seen to be there
    tell_apart(N_("The demonstration is being written: its people first, then their past year."))
    try:
        _prepare(tied(demonstration.MODULE), urls, environment)
    except _NotPrepared as failed:
        if failed.status != demonstration.NOT_WRITTEN:
            tell_apart(
                N_(
                    "Writing the demonstration was broken off. The first page says what is there; "
                    "stop and start again to write it again."
                )
            )
    else:
        if not stopping.is_asked():
            tell_apart(N_("The demonstration is written."))
    finally:
        settings.being_written.unlink(missing_ok=True)


def _prepare(command: list[str], urls: DatabaseUrls, environment: dict[str, str]) -> None:
    """Have a process of its own do a step. Raises _NotPrepared where it failed."""
    status = run_step(command, {**environment, "DATABASE_URL": urls.app, "DATABASE_OWNER_URL": urls.owner})
    if status:
        raise _NotPrepared(status)


def _be_patient(settings: Settings, seconds: float) -> None:
    """Say where the first page is before all is prepared: a demonstration's year takes longer than all else."""
    if settings.demo:
        tell(N_("SPHÈRES is at %(address)s after %(seconds)s s."), address=settings.base_url, seconds=f"{seconds:.1f}")


def _welcome(settings: Settings, seconds: float) -> None:
    tell(N_("SPHÈRES is at %(address)s (ready in %(seconds)s s)."), address=settings.base_url, seconds=f"{seconds:.1f}")
    if settings.demo:
        tell(N_("This is the demonstration: choose who to be. Letters are on the page “Outgoing mail”."))
    if not settings.letters_leave:
        tell(NO_MAIL)
        tell(N_("Until then people sign in with links that are handed over, created on the page “Access”."))
    if settings.base_url.startswith("https:") and not settings.trusted_proxies:
        # We speak no TLS ourselves: something stands in front.
        tell(
            N_(
                "No proxy is named in SPHERES_TRUSTED_PROXIES: everyone behind a proxy counts as "
                "one person, and too many sign-in attempts by one lock out the others."
            )
        )
    tell(N_("Stop with Ctrl-C."))


def _processes(
    settings: Settings, urls: DatabaseUrls, environment: dict[str, str], *, join: bool = False
) -> list[Process]:
    environment = {**_ONE_HEAP, **environment, **_without_a_proxy(environment, settings.prefect_host)}
    prefect_home = settings.data / "prefect"
    prefect_home.mkdir(mode=0o700, exist_ok=True)
    word = engine_word.word_of(settings.engine_word)
    shared = {
        **environment,
        **engine_settings.client_settings(settings.engine_here, prefect_home, word),
        "DATABASE_URL": urls.app,
        "SPHERES_BASE_URL": settings.base_url,
    }
    # The web and the worker never own the database, whatever the supervisor was given.
    shared.pop("DATABASE_OWNER_URL", None)
    shared.pop("PREFECT_DATABASE_URL", None)
    # On a server of the operator's nothing serves before the step has seen the walls, the keys and the tables: one more
    # machine may wait for them for long. The embedded database has both by its make, and its first page is waited for.
    seen_first = 0 if settings.database_url is None else 1
    # In the order in which they are waited for: on a small machine Prefect does not take a core from the first page.
    return [
        Process(
            "web",
            tied(
                "uvicorn",
                "--factory",
                "api.app:from_environment",
                "--host",
                settings.host,
                "--port",
                str(settings.port),
                "--log-level",
                "warning",
                "--no-access-log",
                "--no-server-header",
                "--no-date-header",
                "--timeout-keep-alive",
                str(_LINE_KEPT_SECONDS),
                "--ws",
                "none",  # we have no such address: what asks for one is answered as anything else, by the application
                *_proxies(settings),
            ),
            shared,
            ready=f"http://{_reached_at(settings.host)}:{settings.port}/healthz",
            longest_wait=_WEB_WAITS_SECONDS,
            after=seen_first,
        ),
        Process(
            "prefect",
            tied("api.cli.engine_server", settings.prefect_host, str(settings.prefect_port)),
            {
                **_without_secrets(environment),
                **engine_settings.server_settings(
                    settings.prefect_host, settings.prefect_port, urls.prefect, prefect_home, word
                ),
            },
            ready=f"{settings.engine_here}/health",
            outlives=True,  # a case in the worker's hand tells it how far it came
            settles=_PREFECT_SETTLES_SECONDS,
            may_wait=join,
            after=seen_first,
        ),
        # It needs the tables, and carries nothing of a demonstration whose year is still being written.
        Process("worker", tied("flows.worker"), shared, after=2 if settings.demo and not join else 1),
        *_by_clock(settings, environment),
    ]


def _by_clock(settings: Settings, environment: dict[str, str]) -> list[Process]:
    """What makes copies by schedule, and what copies new keys into the archive, as a command at the terminal would."""
    made: list[Process] = []
    at = settings.backups.at
    if settings.backups.archive is not None and settings.database_url is None:
        made.append(EachMinute("keys ahead", tied("adapters.backups.keys_ahead"), environment, after=1))
    if at is not None or settings.backups.to is not None:  # where none are made, old keys go all the same
        at = at or _KEYS_GO_AT
        made.append(AtATimeOfDay("copies", tied("api.cli.scheduled"), environment, after=1, at=at))
    return made


def _reached_at(host: str) -> str:
    """Where we reach, from this machine, what listens at `host`: all of its addresses, or one of them."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # asked, and not listened at
    return f"[{host}]" if ":" in host else host


def _without_a_proxy(environment: dict[str, str], engine_at: str) -> dict[str, str]:
    """What keeps our processes' words to each other on this machine, where an operator's proxy leads to the outside."""
    before = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    ours = ["localhost", "127.0.0.1", *([] if engine_at in ("localhost", "127.0.0.1") else [engine_at])]
    said = ",".join(part for part in (before, *ours) if part)
    return {"no_proxy": said, "NO_PROXY": said}


def _proxies(settings: Settings) -> list[str]:
    """The proxies whose word counts for where a request comes from: none, unless the settings name one."""
    if not settings.trusted_proxies:
        return ["--no-proxy-headers"]
    return ["--proxy-headers", "--forwarded-allow-ips", ",".join(settings.trusted_proxies)]


def _without_secrets(environment: dict[str, str]) -> dict[str, str]:
    """Prefect's server gets no way to the program's own database."""
    withheld = (
        *("DATABASE_URL", "DATABASE_OWNER_URL", "PREFECT_DATABASE_URL"),
        *("SMTP_PASSWORD_FILE", "SPHERES_SEAL_KEY_FILE", "SPHERES_PEOPLE_KEYS", "SPHERES_LEDGER"),
        *("ENTRA_CLIENT_SECRET_FILE", "ENTRA_CERTIFICATE_FILE"),
        *("GRAPH_CLIENT_SECRET_FILE", "GRAPH_CERTIFICATE_FILE"),
    )
    return {name: value for name, value in environment.items() if name not in withheld}


if __name__ == "__main__":
    stopping.heed()
    main(join="--join" in sys.argv[1:])
