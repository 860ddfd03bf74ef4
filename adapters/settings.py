"""What the operator sets, read once from the environment and checked before anything starts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from adapters.backup_settings import NO_BACKUPS, BackupSettings, backups_of
from adapters.entra_settings import EntraSettings, entra_of
from adapters.environment import SettingsError, is_this_machine, port_of, text_of, truth_of
from adapters.graph_settings import VARIABLES as GRAPH_VARIABLES
from adapters.graph_settings import GraphSettings, graph_of
from adapters.mail_addresses import ENVELOPE
from adapters.places import data_of, lasting_path_of
from adapters.smtp_settings import VARIABLES as SMTP_VARIABLES
from adapters.smtp_settings import Smtp, smtp_of
from adapters.variables import refuse_misspelt
from locales import N_

if TYPE_CHECKING:
    from sqlalchemy import URL


@dataclass(frozen=True)
class Settings:
    """Everything that differs from one installation to another.

    Without `database_url` the embedded server is used, under `data`. `base_url` is the address that people type,
    without a final slash; links in letters begin with it. `demo` loads fictitious people and lets anyone be one.
    `trusted_proxies` are the addresses that are believed about where a request comes from. `prefect_host` is where
    Prefect's server listens, and `prefect_url` how other machines reach it, where that is not the same.
    """

    data: Path
    host: str
    port: int
    prefect_port: int
    base_url: str
    demo: bool
    smtp: Smtp | None = None
    graph: GraphSettings | None = None
    entra: EntraSettings | None = None
    seal_key_file: Path | None = None
    people_key_folder: Path | None = None
    backups: BackupSettings = NO_BACKUPS
    ledger_folder: Path | None = None
    trusted_proxies: tuple[str, ...] = ()
    prefect_host: str = "127.0.0.1"
    prefect_url: str = ""
    database_url: str | None = field(default=None, repr=False)
    database_owner_url: str | None = field(default=None, repr=False)
    prefect_database_url: str | None = field(default=None, repr=False)
    operator_email: str = ""  # of who runs the installation: the engine's troubles are written there

    @property
    def seal_keys(self) -> Path:
        """The file of the keys by which the record is sealed: beside the data, where no other is named."""
        return self.seal_key_file or self.data / "keys" / "seal.json"

    @property
    def people_keys(self) -> Path:
        """The folder of the participants' data keys: beside the data, where no other is named."""
        return self.people_key_folder or self.data / "keys" / "people"

    @property
    def engine_word(self) -> Path:
        """The file of the word that Prefect's server asks for: with the keys that machines share, or with the data."""
        return self.people_key_folder / "engine-word" if self.people_key_folder else self.data / "prefect-auth"

    @property
    def engine_here(self) -> str:
        """The address of Prefect's API where its server runs on this machine, as this machine reaches it."""
        return f"{_http(self.prefect_host, self.prefect_port)}/api"

    @property
    def engine_from_elsewhere(self) -> str:
        """The same address as other machines reach it; theirs alone where it is this machine's own name for itself."""
        return f"{self.prefect_url}/api" if self.prefect_url else self.engine_here

    @property
    def ledger(self) -> Path:
        """The folder of the ledger of what must not come back: beside the data, where no other is named."""
        return self.ledger_folder or self.data / "ledger"

    @property
    def being_written(self) -> Path:
        """The file that is there while a demonstration's people, or the year behind them, are being written."""
        return self.data / "demonstration.being-written"

    @property
    def letters_leave(self) -> bool:
        """Whether letters are sent, or in a demonstration shown: otherwise they wait until a way of sending is set."""
        return self.demo or self.graph is not None or self.smtp is not None

    @property
    def sender(self) -> str:
        """The sender of letters. Without mail they stay on this machine, and come from an address that cannot exist."""
        if self.graph is not None:
            return self.graph.mailbox
        return self.smtp.sender if self.smtp else "coordination@spheres.example"

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "Settings":
        """Read the settings; an empty variable counts as none. Raises SettingsError at the first error."""
        refuse_misspelt(env)
        host = text_of(env, "SPHERES_HOST", "127.0.0.1")
        port = port_of(env, "SPHERES_PORT", 8400)
        prefect_port = port_of(env, "SPHERES_PREFECT_PORT", 8401)
        if port == prefect_port:
            raise SettingsError("SPHERES_PREFECT_PORT", "must differ from SPHERES_PORT.")
        prefect_host = _prefect_host(env)
        app, owner, prefect = _databases(env)
        base_url = _base_url(env, host, port)
        smtp, graph = _mail(env)
        return cls(
            data=data_of(env),
            host=host,
            port=port,
            prefect_port=prefect_port,
            base_url=base_url,
            demo=truth_of(env, "SPHERES_DEMO", default=False),
            smtp=smtp,
            graph=graph,
            seal_key_file=lasting_path_of(env, "SPHERES_SEAL_KEY_FILE"),
            people_key_folder=lasting_path_of(env, "SPHERES_PEOPLE_KEYS"),
            backups=backups_of(env),
            ledger_folder=lasting_path_of(env, "SPHERES_LEDGER"),
            trusted_proxies=_proxies(env),
            prefect_host=prefect_host,
            prefect_url=_prefect_url(env),
            entra=entra_of(env, base_url),
            database_url=app,
            database_owner_url=owner,
            prefect_database_url=prefect,
            operator_email=_operator(env),
        )


def _operator(env: Mapping[str, str]) -> str:
    name = "SPHERES_OPERATOR_EMAIL"
    given = text_of(env, name, "")
    if given and not ENVELOPE.fullmatch(given):
        raise SettingsError(name, "must be one plain address, such as operations@example.org.")
    return given


def _databases(env: Mapping[str, str]) -> tuple[str | None, str | None, str | None]:
    """The application's, the owner's and Prefect's address: all three of one PostgreSQL, or none of them."""
    app = _database(env, "DATABASE_URL", "psycopg")
    owner = _database(env, "DATABASE_OWNER_URL", "psycopg")
    prefect = _database(env, "PREFECT_DATABASE_URL", "asyncpg")
    if app is None:
        for name, given in (("DATABASE_OWNER_URL", owner), ("PREFECT_DATABASE_URL", prefect)):
            if given is not None:
                raise SettingsError(name, "is set without DATABASE_URL; set both, or neither.")
        return None, None, None
    if owner is not None and owner.username == app.username:
        raise SettingsError("DATABASE_URL", "signs in as the owner; the application needs a role that owns nothing.")
    return _written(app), _written(owner), _written(prefect)


def _written(url: "URL | None") -> str | None:
    return url.render_as_string(hide_password=False) if url is not None else None


def _database(env: Mapping[str, str], name: str, driver: str) -> "URL | None":
    given = text_of(env, name, "")
    if not given:
        return None
    # Read where an address is given: with the embedded server, the process that stays needs none of it.
    from adapters.addresses import conninfo_of, read_address  # noqa: PLC0415

    try:
        url = read_address(given)
        if driver == "psycopg":
            conninfo_of(url)  # else the first to connect would fail
    except ValueError:
        raise SettingsError(name, "is not an address such as postgresql://role:password@server/database.") from None
    if url.get_backend_name() not in ("postgresql", "postgres"):
        raise SettingsError(name, "must be the address of a PostgreSQL database (postgresql://...).")
    if not url.username or not url.database:
        raise SettingsError(name, "must name a role and a database (postgresql://role:password@server/database).")
    # One driver, also where the address names another: the program is tried with no other.
    return url.set(drivername=f"postgresql+{driver}")


def _base_url(env: Mapping[str, str], host: str, port: int) -> str:
    name = "SPHERES_BASE_URL"
    given = text_of(env, name, "")
    if not given:
        if not is_this_machine(host):
            raise SettingsError(name, "is needed where SPHERES_HOST is open to other machines; links begin with it.")
        return _of_this_machine(host, port)
    parts = _address(given)
    if parts is None:
        raise SettingsError(name, "is not an address such as https://spheres.example.")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise SettingsError(name, "must end after the host or its port: the program is served at the root.")
    if parts.scheme == "http" and not is_this_machine(parts.hostname or ""):
        raise SettingsError(name, "must begin with https:// so that nobody on the way can read or change anything.")
    return f"{parts.scheme}://{parts.netloc}"


def _of_this_machine(host: str, port: int) -> str:
    # Its name, and not its number, to which no browser binds a passkey.
    return _http("localhost" if host == "127.0.0.1" else host, port)


def _http(host: str, port: int) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _prefect_host(env: Mapping[str, str]) -> str:
    """Where Prefect's server listens: one address, by which it is reached as well."""
    name = "SPHERES_PREFECT_HOST"
    host = text_of(env, name, "127.0.0.1")
    if host in ("0.0.0.0", "::", "*"):  # noqa: S104  # refused
        raise SettingsError(name, "must be the one address of this machine by which the others reach it.")
    if _address(_http(host, 1)) is None or "/" in host:
        raise SettingsError(name, "must be an address of this machine, such as 10.0.0.5.")
    return host


def _prefect_url(env: Mapping[str, str]) -> str:
    """How other machines reach what stands before Prefect's server here, where something does."""
    name = "SPHERES_PREFECT_URL"
    given = text_of(env, name, "")
    parts = _address(given) if given else None
    if given and (parts is None or parts.path.strip("/") or parts.query or parts.fragment):
        raise SettingsError(name, "is not an address such as https://one.spheres.example:8443.")
    return f"{parts.scheme}://{parts.netloc}" if parts else ""


def _address(given: str) -> SplitResult | None:
    """An address of the web by its parts; None where it is none, or says who signs in there."""
    try:
        parts = urlsplit(given)
        _ = parts.port  # raises where it is no number
    except ValueError:
        return None
    is_one = parts.scheme in ("http", "https") and parts.hostname and parts.username is None
    return parts if is_one else None


def _proxies(env: Mapping[str, str]) -> tuple[str, ...]:
    """The addresses, or networks, of the proxies in front of us."""
    name = "SPHERES_TRUSTED_PROXIES"
    given = tuple(part.strip() for part in text_of(env, name, "").split(",") if part.strip())
    for one in given:
        try:
            network = ip_network(one)
        except ValueError:
            raise SettingsError(name, "must be addresses or networks, such as 10.0.0.5 or 10.0.0.0/24.") from None
        if network.prefixlen == 0:
            raise SettingsError(name, "must not be everyone: then each asker would say for themselves who they are.")
    return given


def _mail(env: Mapping[str, str]) -> tuple[Smtp | None, GraphSettings | None]:
    """How mail is sent: by a relay, by a mailbox through Graph, or not at all. Never by both."""
    name = "SPHERES_MAIL"
    kind = text_of(env, name, "").lower()
    if kind not in ("", "smtp", "graph"):
        raise SettingsError(name, "must be smtp or graph.")
    unused: tuple[str, ...] = GRAPH_VARIABLES
    why = N_("is set without SPHERES_MAIL=graph.")
    if kind == "graph":
        unused, why = ("SMTP_HOST", *SMTP_VARIABLES), N_("is set beside SPHERES_MAIL=graph; keep one of the two.")
    for other in unused:
        if text_of(env, other, ""):
            raise SettingsError(other, why)
    if kind == "graph":
        return None, graph_of(env)
    smtp = smtp_of(env)
    if kind == "smtp" and smtp is None:
        raise SettingsError("SMTP_HOST", "is needed with SPHERES_MAIL=smtp.")
    return smtp, None
