"""What the operator sets, read once from the environment and checked before anything starts."""

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

_YES: Final = frozenset({"1", "true", "yes", "on"})
_NO: Final = frozenset({"0", "false", "no", "off"})
_HIGHEST_PORT: Final = 65535

#: What ENTRA_TENANT says where people of several tenants sign in, each in their own.
SEVERAL_TENANTS: Final = "organizations"
_PUBLIC_CLOUD: Final = "https://login.microsoftonline.com"
_PEM: Final = re.compile(r"-----BEGIN ([A-Z ]+)-----.+?-----END \1-----", re.DOTALL)


class SettingsError(ValueError):
    """A setting that cannot be used. One sentence that names the variable and never shows a secret's value."""

    def __init__(self, variable: str, sentence: str) -> None:
        super().__init__(f"{variable} {sentence}")
        self.variable = variable


@dataclass(frozen=True)
class Smtp:
    """The relay that takes our mail."""

    host: str
    port: int
    starttls: bool
    sender: str
    username: str = ""
    password_file: Path | None = None

    def password(self) -> str:
        """The password, read anew each time so that it can be changed without a restart; "" without a user.

        Raises SettingsError where the file cannot be read or holds nothing.
        """
        if self.password_file is None:
            return ""
        word = _contents("SMTP_PASSWORD_FILE", self.password_file).rstrip("\r\n")
        if not word:
            raise SettingsError("SMTP_PASSWORD_FILE", "names a file that holds no password.")
        return word


@dataclass(frozen=True)
class EntraSettings:
    """The registration of this installation in Microsoft Entra ID, and whose people it lets sign in.

    `tenant` is the id of the one tenant in which all have an account, guests included, or `SEVERAL_TENANTS`; `tenants`
    are those whose word is taken. `authority` is the cloud's address without a tenant.
    """

    client_id: str
    tenant: str
    tenants: frozenset[UUID]
    authority: str = _PUBLIC_CLOUD
    secret_file: Path | None = None
    certificate_file: Path | None = None
    ca_file: Path | None = None

    def credential(self) -> str | dict[str, str]:
        """What proves us to Entra, as msal takes it: the secret, or the key with its certificate.

        Read anew each time, so that it can be changed without a restart. Raises SettingsError where the file cannot be
        read or does not hold it.
        """
        if self.certificate_file is not None:
            return _key_and_certificate(_contents("ENTRA_CERTIFICATE_FILE", self.certificate_file))
        assert self.secret_file is not None, "one of the two is always set"  # noqa: S101  # `_entra` sees to it
        word = _contents("ENTRA_CLIENT_SECRET_FILE", self.secret_file).strip()
        if not word:
            raise SettingsError("ENTRA_CLIENT_SECRET_FILE", "names a file that holds no secret.")
        return word

    def trusted(self) -> ssl.SSLContext | None:
        """Whom we believe to be Entra, where that is not for the system to say. Raises SettingsError."""
        if self.ca_file is None:
            return None
        try:
            return ssl.create_default_context(cafile=self.ca_file)
        except (OSError, ssl.SSLError):
            raise SettingsError("ENTRA_CA_FILE", "names a file that holds no certificates in PEM form.") from None


@dataclass(frozen=True)
class Settings:
    """Everything that differs from one installation to another.

    Without `database_url` the embedded server is used, under `data`. `base_url` is the address that people type,
    without a final slash; links in letters begin with it. `demo` loads fictitious people and lets anyone be one.
    `trusted_proxies` are the addresses whose word is taken for where a request comes from.
    """

    data: Path
    host: str
    port: int
    prefect_port: int
    base_url: str
    demo: bool
    smtp: Smtp | None = None
    entra: EntraSettings | None = None
    seal_key_file: Path | None = None
    trusted_proxies: tuple[str, ...] = ()
    database_url: str | None = field(default=None, repr=False)
    database_owner_url: str | None = field(default=None, repr=False)
    prefect_database_url: str | None = field(default=None, repr=False)

    @property
    def seal_keys(self) -> Path:
        """The file of the keys by which the record is sealed: beside the data, where no other is named."""
        return self.seal_key_file or self.data / "keys" / "seal.json"

    @property
    def sender(self) -> str:
        """Whom letters come from. Without mail they stay on this machine, and come from an address that cannot be."""
        return self.smtp.sender if self.smtp else "coordination@spheres.example"

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "Settings":
        """Read the settings, an empty variable counting as none. Raises SettingsError at the first that is wrong."""
        host = _text(env, "SPHERES_HOST", "127.0.0.1")
        port = _port(env, "SPHERES_PORT", 8400)
        prefect_port = _port(env, "SPHERES_PREFECT_PORT", 8401)
        if port == prefect_port:
            raise SettingsError("SPHERES_PREFECT_PORT", "must differ from SPHERES_PORT.")
        app, owner, prefect = _databases(env)
        base_url = _base_url(env, host, port)
        return cls(
            data=Path(_text(env, "SPHERES_DATA", "data")).expanduser().absolute(),
            host=host,
            port=port,
            prefect_port=prefect_port,
            base_url=base_url,
            demo=_truth(env, "SPHERES_DEMO", default=False),
            smtp=_smtp(env),
            seal_key_file=_path(env, "SPHERES_SEAL_KEY_FILE"),
            trusted_proxies=_proxies(env),
            entra=_entra(env, base_url),
            database_url=app,
            database_owner_url=owner,
            prefect_database_url=prefect,
        )


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
    if owner is not None and make_url(owner).username == make_url(app).username:
        raise SettingsError("DATABASE_URL", "signs in as the owner; the application needs a role that owns nothing.")
    return app, owner, prefect


def _database(env: Mapping[str, str], name: str, driver: str) -> str | None:
    given = _text(env, name, "")
    if not given:
        return None
    try:
        url = make_url(given)
    except (ArgumentError, ValueError):
        raise SettingsError(name, "is not an address such as postgresql://role:password@server/database.") from None
    if url.get_backend_name() not in ("postgresql", "postgres"):
        raise SettingsError(name, "must be the address of a PostgreSQL database (postgresql://...).")
    if not url.username or not url.database:
        raise SettingsError(name, "must name a role and a database (postgresql://role:password@server/database).")
    # One driver, whichever the address names: the program is tried with no other.
    return url.set(drivername=f"postgresql+{driver}").render_as_string(hide_password=False)


def _base_url(env: Mapping[str, str], host: str, port: int) -> str:
    name = "SPHERES_BASE_URL"
    given = _text(env, name, "")
    if not given:
        if not _is_this_machine(host):
            raise SettingsError(name, "is needed where SPHERES_HOST is open to other machines; links begin with it.")
        if host == "127.0.0.1":
            # Its name, and not its number, to which no browser binds a passkey.
            host = "localhost"
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"
    try:
        parts = urlsplit(given)
        _ = parts.port  # raises where it is no number
    except ValueError:
        raise SettingsError(name, "is not an address such as https://spheres.example.") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise SettingsError(name, "is not an address such as https://spheres.example.")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise SettingsError(name, "must end after the host or its port: the program is served at the root.")
    if parts.scheme == "http" and not _is_this_machine(parts.hostname):
        raise SettingsError(name, "must begin with https:// so that nobody on the way can read or change anything.")
    return f"{parts.scheme}://{parts.netloc}"


def _proxies(env: Mapping[str, str]) -> tuple[str, ...]:
    """The addresses, or networks, of the proxies in front of us."""
    name = "SPHERES_TRUSTED_PROXIES"
    given = tuple(part.strip() for part in _text(env, name, "").split(",") if part.strip())
    for one in given:
        try:
            network = ip_network(one)
        except ValueError:
            raise SettingsError(name, "must be addresses or networks, such as 10.0.0.5 or 10.0.0.0/24.") from None
        if network.prefixlen == 0:
            raise SettingsError(name, "must not be everyone: then each asker would say for themselves who they are.")
    return given


def _smtp(env: Mapping[str, str]) -> Smtp | None:
    host = _text(env, "SMTP_HOST", "")
    others = ("SMTP_PORT", "SMTP_USER", "SMTP_PASSWORD_FILE", "SMTP_STARTTLS", "SMTP_FROM")
    if not host:
        for name in others:
            if _text(env, name, ""):
                raise SettingsError(name, "is set without SMTP_HOST.")
        return None
    starttls = _truth(env, "SMTP_STARTTLS", default=not _is_this_machine(host))
    sender = _text(env, "SMTP_FROM", "")
    if not sender:
        raise SettingsError("SMTP_FROM", "is needed with SMTP_HOST: the address that our letters come from.")
    local, at, domain = sender.rpartition("@")
    if not (local and at and domain) or any(mark.isspace() or mark in "<>,;" for mark in sender):
        raise SettingsError("SMTP_FROM", "must be one plain address, such as spheres@example.org.")
    username = _text(env, "SMTP_USER", "")
    file = _text(env, "SMTP_PASSWORD_FILE", "")
    if bool(username) != bool(file):
        missing, given = ("SMTP_PASSWORD_FILE", "SMTP_USER") if username else ("SMTP_USER", "SMTP_PASSWORD_FILE")
        raise SettingsError(missing, f"is needed with {given}.")
    if username and not starttls and not _is_this_machine(host):
        raise SettingsError("SMTP_STARTTLS", "must be on where SMTP_USER is set: a password is not sent in clear.")
    relay = Smtp(
        host=host,
        port=_port(env, "SMTP_PORT", 587 if starttls else 25),
        starttls=starttls,
        sender=sender,
        username=username,
        password_file=Path(file).expanduser().absolute() if file else None,
    )
    relay.password()  # a missing file is told now, not with the first letter
    return relay


def _entra(env: Mapping[str, str], base_url: str) -> EntraSettings | None:
    """The registration in Entra, checked as far as this machine can; None where there is none."""
    client_id = _text(env, "ENTRA_CLIENT_ID", "")
    others = ("TENANT", "ALLOWED_TENANTS", "CLIENT_SECRET_FILE", "CERTIFICATE_FILE", "AUTHORITY", "CA_FILE")
    if not client_id:
        for name in (f"ENTRA_{other}" for other in others):
            if _text(env, name, ""):
                raise SettingsError(name, "is set without ENTRA_CLIENT_ID.")
        return None
    client_id = str(_uuid("ENTRA_CLIENT_ID", client_id))  # as tokens write it: the audience is compared to the letter
    if not base_url.startswith("https:"):
        raise SettingsError("SPHERES_BASE_URL", "must begin with https:// where people sign in by ENTRA_CLIENT_ID.")
    tenant, tenants = _tenants(env)
    secret, certificate = _file(env, "ENTRA_CLIENT_SECRET_FILE"), _file(env, "ENTRA_CERTIFICATE_FILE")
    if secret and certificate:
        raise SettingsError("ENTRA_CERTIFICATE_FILE", "is set beside ENTRA_CLIENT_SECRET_FILE; keep one of the two.")
    if not secret and not certificate:
        raise SettingsError("ENTRA_CERTIFICATE_FILE", "or ENTRA_CLIENT_SECRET_FILE is needed with ENTRA_CLIENT_ID.")
    entra = EntraSettings(
        client_id=client_id,
        tenant=tenant,
        tenants=tenants,
        authority=_authority(env),
        secret_file=secret,
        certificate_file=certificate,
        ca_file=_file(env, "ENTRA_CA_FILE"),
    )
    entra.credential()  # what is missing is told now, not to the first who signs in
    entra.trusted()
    return entra


def _tenants(env: Mapping[str, str]) -> tuple[str, frozenset[UUID]]:
    """At which tenant people sign in, and those whose word is taken."""
    tenant = _text(env, "ENTRA_TENANT", "")
    listed = _text(env, "ENTRA_ALLOWED_TENANTS", "").replace(",", " ").split()
    if tenant == SEVERAL_TENANTS:
        if not listed:
            raise SettingsError("ENTRA_ALLOWED_TENANTS", "is needed with ENTRA_TENANT=organizations: ids, with commas.")
        return tenant, frozenset(_uuid("ENTRA_ALLOWED_TENANTS", one) for one in listed)
    if not tenant:
        raise SettingsError("ENTRA_TENANT", "is needed with ENTRA_CLIENT_ID: the tenant's id, or organizations.")
    only = _uuid("ENTRA_TENANT", tenant)
    if listed:
        raise SettingsError("ENTRA_ALLOWED_TENANTS", "is for ENTRA_TENANT=organizations; one tenant allows itself.")
    return str(only), frozenset({only})


def _authority(env: Mapping[str, str]) -> str:
    name = "ENTRA_AUTHORITY"
    given = _text(env, name, _PUBLIC_CLOUD)
    try:
        parts = urlsplit(given)
        _ = parts.port  # raises where it is no number
    except ValueError:
        raise SettingsError(name, f"is not an address such as {_PUBLIC_CLOUD}.") from None
    plain = not (parts.path.strip("/") or parts.query or parts.fragment) and parts.username is None
    if parts.scheme != "https" or not parts.hostname or not plain:
        raise SettingsError(name, f"must be a host's address alone, such as {_PUBLIC_CLOUD}.")
    return f"https://{parts.netloc}"


def _key_and_certificate(pem: str) -> dict[str, str]:
    """The two parts of a file that holds a private key and its certificate. Raises SettingsError."""
    # Only an installation that has a certificate pays for this import, and it is the costly part of this module.
    from cryptography import x509  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    blocks = [(found[1], found[0]) for found in _PEM.finditer(pem)]
    keys = [block for kind, block in blocks if kind.endswith("PRIVATE KEY")]
    certificates = [block for kind, block in blocks if kind == "CERTIFICATE"]
    wrong = SettingsError("ENTRA_CERTIFICATE_FILE", "must hold a private key without a password, and its certificate.")
    if len(keys) != 1 or not certificates:
        raise wrong
    try:
        key = load_pem_private_key(keys[0].encode(), password=None)
        own = x509.load_pem_x509_certificate(certificates[0].encode())
    except (ValueError, TypeError):
        raise wrong from None
    if key.public_key() != own.public_key():
        raise wrong
    return {"private_key": keys[0], "public_certificate": certificates[0]}


def _contents(name: str, file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise SettingsError(name, "names a file that cannot be read.") from None


def _file(env: Mapping[str, str], name: str) -> Path | None:
    given = _text(env, name, "")
    return Path(given).expanduser().absolute() if given else None


def _uuid(name: str, text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise SettingsError(name, "must be an id such as 01234567-89ab-cdef-0123-456789abcdef.") from None


def _text(env: Mapping[str, str], name: str, default: str) -> str:
    return env.get(name, "").strip() or default


def _path(env: Mapping[str, str], name: str) -> Path | None:
    given = _text(env, name, "")
    return Path(given).expanduser().absolute() if given else None


def _port(env: Mapping[str, str], name: str, default: int) -> int:
    given = _text(env, name, str(default))
    if not (given.isascii() and given.isdigit() and 1 <= int(given) <= _HIGHEST_PORT):
        raise SettingsError(name, f"must be a port, a number from 1 to {_HIGHEST_PORT}.")
    return int(given)


def _truth(env: Mapping[str, str], name: str, *, default: bool) -> bool:
    given = _text(env, name, "").lower()
    if not given:
        return default
    if given not in _YES | _NO:
        raise SettingsError(name, "must be yes or no.")
    return given in _YES


def _is_this_machine(host: str) -> bool:
    """Whether `host` can be reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
