"""The relay that takes an installation's mail, and how the way to it is encrypted."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, cast, get_args

from adapters.environment import SettingsError, contents_of, is_this_machine, path_of, port_of, text_of, truth_of
from adapters.mail_addresses import ENVELOPE
from adapters.registration import trust_of

#: How the way to the relay is encrypted: TLS from the first byte, TLS asked for once greeted, or not at all.
Encryption = Literal["implicit", "starttls", "none"]

#: The port on which a relay waits for TLS before it greets (RFC 8314).
_TLS_AT_ONCE: Final = 465
_TLS_AFTER: Final = 587
_PORTS: Final[Mapping[Encryption, int]] = {"implicit": _TLS_AT_ONCE, "starttls": _TLS_AFTER, "none": 25}
#: Every variable but SMTP_HOST, without which none of them means anything.
VARIABLES: Final = (
    *("SMTP_PORT", "SMTP_TLS", "SMTP_STARTTLS", "SMTP_CA_FILE"),
    *("SMTP_USER", "SMTP_PASSWORD_FILE", "SMTP_FROM"),
)


@dataclass(frozen=True)
class Smtp:
    """The relay that takes our mail. `ca_file` holds its trusted authorities where the system does not know them."""

    host: str
    port: int
    encryption: Encryption
    sender: str
    username: str = ""
    password_file: Path | None = None
    ca_file: Path | None = None

    def password(self) -> str:
        """The password, read anew each time so that it can be changed without a restart; "" without a user.

        Raises SettingsError where the file cannot be read, holds nothing, or what no relay can be told.
        """
        if self.password_file is None:
            return ""
        word = contents_of("SMTP_PASSWORD_FILE", self.password_file).rstrip("\r\n")
        if not word:
            raise SettingsError("SMTP_PASSWORD_FILE", "names a file that holds no password.")
        if not word.isascii() or not word.isprintable():
            raise SettingsError("SMTP_PASSWORD_FILE", "must name a file with a password of one line of plain ASCII.")
        return word


def smtp_of(env: Mapping[str, str]) -> Smtp | None:
    """The relay, None where none is named. Raises SettingsError at the first error."""
    host = text_of(env, "SMTP_HOST", "")
    if not host:
        for name in VARIABLES:
            if text_of(env, name, ""):
                raise SettingsError(name, "is set without SMTP_HOST.")
        return None
    username, password_file = _user(env)
    encryption = _encryption(env, host)
    if username and encryption == "none" and not is_this_machine(host):
        if text_of(env, "SMTP_TLS", ""):
            raise SettingsError("SMTP_TLS", "must not be none where SMTP_USER is set: a password is not sent in clear.")
        raise SettingsError("SMTP_STARTTLS", "must be on where SMTP_USER is set: a password is not sent in clear.")
    relay = Smtp(
        host=host,
        port=port_of(env, "SMTP_PORT", _PORTS[encryption]),
        encryption=encryption,
        sender=_sender(env),
        username=username,
        password_file=password_file,
        ca_file=_ca_file(env, encryption),
    )
    relay.password()  # a missing file is told now, not with the first letter
    return relay


def _encryption(env: Mapping[str, str], host: str) -> Encryption:
    """What SMTP_TLS says, or SMTP_STARTTLS, which is older; else what fits the port and where the relay is."""
    given = text_of(env, "SMTP_TLS", "").lower()
    if given and given not in get_args(Encryption):
        raise SettingsError("SMTP_TLS", "must be implicit, starttls or none.")
    older = _older(env)
    if given and older not in (None, given):
        raise SettingsError("SMTP_STARTTLS", "contradicts SMTP_TLS=%(given)s; keep SMTP_TLS alone.", given=given)
    if given or older:
        return cast("Encryption", given or older)
    if port_of(env, "SMTP_PORT", _TLS_AFTER) == _TLS_AT_ONCE:
        return "implicit"
    return "none" if is_this_machine(host) else "starttls"


def _older(env: Mapping[str, str]) -> Encryption | None:
    if not text_of(env, "SMTP_STARTTLS", ""):
        return None
    return "starttls" if truth_of(env, "SMTP_STARTTLS", default=True) else "none"


def _sender(env: Mapping[str, str]) -> str:
    sender = text_of(env, "SMTP_FROM", "")
    if not sender:
        raise SettingsError("SMTP_FROM", "is needed with SMTP_HOST: the address that our letters come from.")
    if not ENVELOPE.fullmatch(sender):
        raise SettingsError("SMTP_FROM", "must be one plain address, such as spheres@example.org.")
    return sender


def _user(env: Mapping[str, str]) -> tuple[str, Path | None]:
    """The name under which we sign in and the file of its password, or neither."""
    username = text_of(env, "SMTP_USER", "")
    file = path_of(env, "SMTP_PASSWORD_FILE")
    if bool(username) != bool(file):
        missing, given = ("SMTP_PASSWORD_FILE", "SMTP_USER") if username else ("SMTP_USER", "SMTP_PASSWORD_FILE")
        raise SettingsError(missing, "is needed with %(given)s.", given=given)
    if not username.isascii():
        raise SettingsError("SMTP_USER", "must be plain ASCII.")
    return username, file


def _ca_file(env: Mapping[str, str], encryption: Encryption) -> Path | None:
    file = path_of(env, "SMTP_CA_FILE")
    if file is not None and encryption == "none":
        raise SettingsError("SMTP_CA_FILE", "is set, and nothing is encrypted.")
    trust_of("SMTP", file)
    return file
