"""Where an installation keeps what it makes: never a folder that depends on the current directory."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from adapters.environment import SettingsError, path_of, text_of

#: The checkout that this program runs from; of a wheel, the folder of its packages.
_ROOT: Final = Path(__file__).resolve().parent.parent

#: Stands in a data folder while a restore is at work in it: nothing starts over what is there in part.
WORKING: Final = "restoring"
#: In a data folder, where copies are tried: nothing of it lasts longer than the trial.
ASIDE: Final = "aside"


def data_of(env: Mapping[str, str]) -> Path:
    """The data folder: SPHERES_DATA, else `data` in the checkout.

    A program installed from a wheel has no checkout, and its environment is thrown away at an upgrade. There it is
    `spheres` among the data of the user's programs, in XDG_DATA_HOME or ~/.local/share. Raises SettingsError.
    """
    given = lasting_path_of(env, "SPHERES_DATA")
    if given is None:
        given = _ROOT / "data" if _is_checkout(_ROOT) else _of_user(env) / "spheres"
    if is_there(given) and not given.is_dir():
        raise SettingsError("SPHERES_DATA", "must be a folder, and %(file)s is a file.", file=str(given))
    return given


def lasting_path_of(env: Mapping[str, str], name: str) -> Path | None:
    """The path of what is made where it is missing, None where none is named.

    Raises SettingsError for a relative one: at the next command it could name another place, and all be made anew.
    """
    if not (text_of(env, name, "") or "/").startswith(("/", "~")):
        raise SettingsError(name, "must be a whole path, which begins with / or ~: another hangs on where one stands.")
    return path_of(env, name)


def lock_file() -> Path | None:
    """The lock of the packages beside the program; None of a wheel, which has none."""
    lock = _ROOT / "lock" / "app.txt"
    return lock if _is_checkout(_ROOT) and is_there(lock) else None


def is_there(path: Path) -> bool:
    """Whether something is at this path, as far as we may look."""
    try:
        return path.exists()
    except OSError:
        return False


def _is_checkout(root: Path) -> bool:
    return (root / "pyproject.toml").is_file() and (root / "run.py").is_file()


def _of_user(env: Mapping[str, str]) -> Path:
    named = text_of(env, "XDG_DATA_HOME", "")
    if named.startswith("/"):  # the standard has any other ignored
        return Path(named)
    try:
        return Path.home() / ".local" / "share"
    except RuntimeError:
        raise SettingsError("SPHERES_DATA", "is needed: the user who runs this has no home.") from None
