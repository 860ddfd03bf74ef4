"""The web application: its routes, what guards every request, and how refusals and errors are answered."""

from __future__ import annotations

import logging
import os
import re
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import cached_property
from threading import Event, Thread
from typing import Any, Final
from urllib.parse import urlsplit

import anyio
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from psycopg.errors import UndefinedTable
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as NoConnection
from starlette.datastructures import URLPath
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Mount, NoMatchFound
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from adapters import logs
from adapters.backup_settings import BackupSettings
from adapters.clock import DatabaseClock
from adapters.closing import epoch_of
from adapters.database import BEHIND, make_engine
from adapters.environment import SettingsError
from adapters.keys import FileSealKeys
from adapters.ledger import FileLedger
from adapters.outside import outside_of
from adapters.people_keys import FilePeopleKeys
from adapters.settings import Settings
from api.access.engine_server import EngineServer
from api.access.permissions import Action, Forbidden, action_of, asks, is_for_anyone
from api.access.request_rates import TooManyRequests
from api.access.session import DESKS, Installation, NotSignedIn, context
from api.json import routes as json_routes
from api.json.described import PREFIX, with_problems
from api.pages import routes as page_routes
from api.pages.entra import CALLBACK, LEFT_TO
from api.web import answers
from api.web.by_address import ByAddress
from api.web.guard import Guard, is_here
from api.web.headers import SecurityHeaders
from api.web.language import LanguageMiddleware
from api.web.live import LivePages
from api.web.logs import AccessLog, InRequest
from api.web.pointing import Pointing
from api.web.rendering import STATIC
from domain.casework import CopySchedule
from domain.kernel import Refusal
from domain.mail import Mailbox, stationery_for
from domain.participants import names_known
from domain.restoring import Disagrees, refuse_another_epoch, told_of_ledger
from flows import alarm, apart
from flows.engine import Means
from flows.protocols import letter_folders
from locales import say
from locales.told import language_of_terminal
from models.ports import NoLedger, OtherEpoch, SignInProvider

_log = logging.getLogger(__name__)

#: So long the web waits for the first tables and the ledger, and so often it looks.
FIRST_START_SECONDS: Final = 30.0
_LOOK_SECONDS: Final = 0.2
#: Where an application on this machine describes its API.
DESCRIPTION: Final = f"{PREFIX}/openapi.json"
#: The name of a part of a route's address.
_PART: Final = re.compile(r"{(\w+)}")


class Application(FastAPI):
    """The application inside the language and the headers that every answer has, those that stand in for a fault too.

    The framework puts its answer to a fault around everything that `add_middleware` takes.
    """

    def build_middleware_stack(self) -> ASGIApp:
        """Everything that answers, in the reader's language, and the headers around it."""
        installation: Installation = self.state.installation
        return SecurityHeaders(LanguageMiddleware(super().build_middleware_stack()), is_https=installation.is_https)

    def openapi(self) -> dict[str, Any]:
        """What the API says of itself, with the shape that its problems have."""
        return with_problems(super().openapi())

    def url_path_for(self, name: str, /, **path_params: Any) -> URLPath:
        """The address of a route by its name. Raises NoMatchFound: no route of that name has these parts.

        The framework asks one route after the other, and each says no by an exception; a page has dozens of links.
        """
        written = self._addresses.get((name, frozenset(path_params)))
        parts = {key: str(value) for key, value in path_params.items()}
        if written is None or (
            "{path}" not in written and not all(part and "/" not in part for part in parts.values())
        ):
            raise NoMatchFound(name, path_params)
        return URLPath(written.format(**parts), protocol="http")

    @cached_property
    def _addresses(self) -> Mapping[tuple[str, frozenset[str]], str]:
        """How each route is written, by its name and the names of its parts; of a folder's files too."""
        found: dict[tuple[str, frozenset[str]], str] = {}
        for route in iter_route_contexts(self.routes):
            is_folder = isinstance(route.original_route, Mount)
            written = f"{route.path}/{{path}}" if is_folder else str(route.path_format)
            found.setdefault((str(route.name), frozenset(_PART.findall(written))), written)
        return found


def create_app(installation: Installation) -> FastAPI:
    """The application around one office. It describes its API where it is reached on this machine alone, and no page
    shows the description: what an installation can be asked is no business of who only reaches it.
    """
    described = DESCRIPTION if is_here(urlsplit(installation.base_url).hostname or "") else None
    app = Application(title="SPHÈRES", version="1", docs_url=None, redoc_url=None, openapi_url=described)
    app.state.installation = installation
    app.state.desks = anyio.CapacityLimiter(DESKS)
    app.state.live = LivePages()
    app.router.routes.extend(declared(_windows(demonstration=installation.demonstration)))
    app.router.middleware_stack = ByAddress(app.router)
    app.mount("/static", asks(Action.LOOK)(StaticFiles(directory=STATIC)), name="static")
    app.add_exception_handler(Refusal, answers.refused)
    app.add_exception_handler(Forbidden, answers.not_found)
    app.add_exception_handler(NotSignedIn, answers.not_signed_in)
    app.add_exception_handler(TooManyRequests, answers.slow_down)
    app.add_exception_handler(HTTPException, answers.http_error)
    app.add_exception_handler(RequestValidationError, answers.malformed)
    app.add_exception_handler(OperationalError, answers.database_away)
    app.add_exception_handler(NoConnection, answers.database_away)
    app.add_exception_handler(NoLedger, answers.ledger_away)
    app.add_exception_handler(Disagrees, answers.database_restored)
    app.add_exception_handler(OtherEpoch, answers.database_restored)
    app.add_exception_handler(Exception, answers.fault)
    app.add_middleware(Pointing)
    app.add_middleware(Guard, base_url=installation.base_url)  # around what reads a body: it says how large one may be
    app.add_middleware(AccessLog)  # around all of it: what the guard refuses is logged as well
    return app


def _windows(*, demonstration: bool) -> Iterator[BaseRoute]:
    """Every route of pages and JSON, as its module made it: what each asks for is worked out once a process."""
    # Pages first: an act has one name in both windows, and a form of ours finds its address by it. All on one level:
    # the framework looks through routers within routers once for each level.
    for router in (*page_routes.routers(demonstration=demonstration), *json_routes.ROUTERS):
        yield from router.routes


def declared(routes: Iterable[BaseRoute]) -> Iterator[BaseRoute]:
    """These routes. Raises TypeError at one without an action, or for the signed-in alone and without a context."""
    for route in routes:
        endpoint = getattr(route, "endpoint", None)
        action = action_of(endpoint)
        if action is None:
            msg = f"{_named(route)} names no action: mark its endpoint with @asks"
            raise TypeError(msg)
        if not is_for_anyone(action) and not _is_at_a_desk(getattr(route, "dependant", None)):
            msg = f"{_named(route)} is not for anyone, and does not ask who is signed in: give it a context"
            raise TypeError(msg)
        yield route


def _named(route: BaseRoute) -> str:
    return f"{' '.join(sorted(getattr(route, 'methods', None) or ()))} {getattr(route, 'path', route)}"


def _is_at_a_desk(dependant: Dependant | None) -> bool:
    return dependant is not None and (
        dependant.call is context or any(_is_at_a_desk(one) for one in dependant.dependencies)
    )


def from_environment() -> FastAPI:
    """The application as the supervisor starts it: `uvicorn --factory api.app:from_environment`."""
    settings = _settings()
    if settings.database_url is None:
        msg = "the web is started by `spheres up`, which gives it a database"
        raise RuntimeError(msg)
    logs.configure("web", filters=[InRequest()])
    engine = make_engine(
        settings.database_url,
        application_name="spheres web",
        ledger=FileLedger(settings.ledger, FileSealKeys(settings.seal_keys)),
        agree=refuse_another_epoch,
    )
    _refuse_a_restored(engine, settings)
    clock = DatabaseClock(engine)
    installation = Installation(
        engine=engine,
        letter_templates=stationery_for(
            sender=Mailbox(settings.sender, "SPHÈRES"),
            base_url=settings.base_url,
            folders=letter_folders(),
            known=names_known,
        ),
        base_url=settings.base_url,
        demonstration=settings.demo,
        engine_server=EngineServer(settings.engine_here.removesuffix("/api"), str(settings.engine_word)),
        reads_mail=settings.graph is not None and not settings.demo,
        directory=directory_of(settings),
        keys=FilePeopleKeys(settings.people_keys),
        letters_leave=settings.letters_leave,
        clock=clock,
        opened_at=(opened_at := clock()),
        is_being_written=settings.being_written.exists,
        copies=copies_asked_for(settings.backups, since=opened_at),
    )
    Thread(target=_note_heads, args=(installation, Event()), name="heads", daemon=True).start()
    if settings.operator_email:
        Thread(target=_look_out, args=(settings, installation, Event()), name="alarm", daemon=True).start()
    return create_app(installation)


def copies_asked_for(backups: BackupSettings, *, since: datetime) -> CopySchedule | None:
    """When copies are asked for by these settings, None where none is made by itself."""
    if backups.at is None:
        return None
    return CopySchedule(backups.last_due, tries=backups.drill_key_file is not None, since=since)


def _note_heads(installation: Installation, over: Event) -> None:
    """Have the ledger know how far the record came, also while there is no worker to do it."""
    means = Means(installation.of_program, installation.before_a_program, installation.clock, None)
    while not over.wait(apart.HEADS_SECONDS):
        try:
            apart.note_heads_for_the_worker(means)
        except Exception as error:  # noqa: BLE001 - the database or the ledger may be away: it looks again
            _log.warning("no head is noted in the ledger", extra={"error": type(error).__name__})


def _look_out(settings: Settings, installation: Installation, over: Event) -> None:
    """Write to who runs the installation when the engine needs them: this process is there when the worker is not."""
    mailer, inbox, _ = outside_of(settings)
    # By the inbox it is known whether the round of the mailbox is done here at all.
    means = Means(installation.of_program, installation.before_a_program, installation.clock, mailer, inbox=inbox)
    looking = alarm.Alarm(
        means, Mailbox(settings.sender, "SPHÈRES"), Mailbox(settings.operator_email), settings.base_url
    )
    while not over.wait(alarm.LOOK_SECONDS):
        try:
            looking.look()
        except Exception as error:  # noqa: BLE001 - the database may be restarting: it looks again
            _log.warning("the engine cannot be looked at", extra={"error": type(error).__name__})


def _settings() -> Settings:
    """The settings of this process. Ends it with a sentence and status 2 where one cannot be used."""
    try:
        return Settings.from_env(os.environ)
    except SettingsError as wrong:
        sys.stderr.write(f"{wrong.told_in(language_of_terminal(os.environ))}\n")
        raise SystemExit(2) from None


def _refuse_a_restored(engine: Engine, settings: Settings) -> None:
    """End with a sentence and status 2 where the ledger says that the database is an older copy, or is another's.

    While the database is away that is found at the first request. Where its tables are yet to come another process
    makes them, and the ledger after them: both are waited for.
    """
    language, gives_up = language_of_terminal(os.environ), time.monotonic() + FIRST_START_SECONDS
    is_first_start = False
    while True:
        try:
            epoch_of(engine)
        except OperationalError:
            return
        except ProgrammingError as behind:
            if not isinstance(behind.orig, UndefinedTable):
                raise
            is_first_start, why = True, say(language, BEHIND)
        except (Disagrees, NoLedger) as wrong:
            why = told_of_ledger(wrong, settings.ledger, language)
        else:
            return
        if not is_first_start or time.monotonic() > gives_up:
            sys.stderr.write(f"{why}\n")
            raise SystemExit(2)
        time.sleep(_LOOK_SECONDS)


def directory_of(settings: Settings) -> SignInProvider | None:
    """Where organizations keep their people's accounts, if this installation is registered there."""
    if settings.entra is None:
        return None
    # MSAL takes as long to import as all of the web: only an installation that has a directory waits for it.
    from adapters.directory import Entra  # noqa: PLC0415

    here = settings.base_url
    return Entra(settings.entra, return_to=f"{here}{CALLBACK}", left_to=f"{here}{LEFT_TO}")
