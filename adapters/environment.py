"""One variable of the environment at a time: as text, a path, a port, a yes or no, an id, and what a file holds."""

from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from uuid import UUID

from locales.told import Told

_YES: Final = frozenset({"1", "true", "yes", "on"})
_NO: Final = frozenset({"0", "false", "no", "off"})
_HIGHEST_PORT: Final = 65535


class SettingsError(Told):
    """A setting that cannot be used. `sentence` goes on after the variable's name, and never shows a secret's value."""

    def __init__(self, variable: str, sentence: str, /, **facts: object) -> None:
        super().__init__(sentence, **facts)
        self.variable = variable

    def told_in(self, language: str) -> str:
        """The whole sentence, which begins with the variable's name, in "fr" or "en"."""
        return f"{self.variable} {super().told_in(language)}"


def text_of(env: Mapping[str, str], name: str, default: str) -> str:
    """A variable without the spaces around it; an empty one counts as none."""
    return env.get(name, "").strip() or default


def path_of(env: Mapping[str, str], name: str) -> Path | None:
    """The absolute path of a file or folder, None where none is named."""
    given = text_of(env, name, "")
    try:
        return Path(given).expanduser().absolute() if given else None
    except RuntimeError:
        raise SettingsError(name, "begins with the home of a user who is not known on this machine.") from None


def port_of(env: Mapping[str, str], name: str, default: int) -> int:
    """A port. Raises SettingsError."""
    given = text_of(env, name, str(default))
    if not (given.isascii() and given.isdigit() and 1 <= int(given) <= _HIGHEST_PORT):
        raise SettingsError(name, "must be a port, a number from 1 to %(highest)s.", highest=_HIGHEST_PORT)
    return int(given)


def truth_of(env: Mapping[str, str], name: str, *, default: bool) -> bool:
    """A yes or a no. Raises SettingsError."""
    given = text_of(env, name, "").lower()
    if not given:
        return default
    if given not in _YES | _NO:
        raise SettingsError(name, "must be yes or no.")
    return given in _YES


def is_this_machine(host: str) -> bool:
    """Whether `host` can be reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def contents_of(name: str, file: Path) -> str:
    """What a file holds, in UTF-8; `name` is the variable that names it. Raises SettingsError."""
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise SettingsError(name, "names a file that cannot be read.") from None


def id_of(name: str, text: str) -> UUID:
    """An id, as text that was read from the variable `name`. Raises SettingsError."""
    try:
        return UUID(text)
    except ValueError:
        raise SettingsError(name, "must be an id such as 01234567-89ab-cdef-0123-456789abcdef.") from None
