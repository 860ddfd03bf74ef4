"""Every variable of the environment that the program reads, and what stops a start where one is misspelt."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Final

from adapters.environment import SettingsError

KNOWN: Final = frozenset(
    {
        *("SPHERES_DATA", "SPHERES_HOST", "SPHERES_PORT", "SPHERES_BASE_URL", "SPHERES_TRUSTED_PROXIES"),
        *("SPHERES_PREFECT_PORT", "SPHERES_PREFECT_HOST", "SPHERES_PREFECT_URL", "SPHERES_DEMO"),
        *("SPHERES_LANG", "SPHERES_SEAL_KEY_FILE", "SPHERES_PEOPLE_KEYS"),
        *("SPHERES_BACKUP_TO", "SPHERES_BACKUP_KEY", "SPHERES_BACKUP_AT", "SPHERES_BACKUP_KEEP"),
        *("SPHERES_BACKUP_KEYS_DAYS", "SPHERES_DRILL_KEY_FILE", "SPHERES_ARCHIVE", "SPHERES_PGBACKREST"),
        "SPHERES_LEDGER",
        *("SPHERES_OPERATOR_EMAIL", "SPHERES_MAIL", "DATABASE_URL", "DATABASE_OWNER_URL", "PREFECT_DATABASE_URL"),
        *("SMTP_HOST", "SMTP_PORT", "SMTP_TLS", "SMTP_STARTTLS", "SMTP_CA_FILE", "SMTP_USER"),
        *("SMTP_PASSWORD_FILE", "SMTP_FROM"),
        *("GRAPH_MAILBOX", "GRAPH_CLIENT_ID", "GRAPH_TENANT", "GRAPH_CERTIFICATE_FILE", "GRAPH_CLIENT_SECRET_FILE"),
        *("GRAPH_ACCOUNTS", "GRAPH_AUTHORITY", "GRAPH_URL", "GRAPH_CA_FILE"),
        *("ENTRA_CLIENT_ID", "ENTRA_TENANT", "ENTRA_ALLOWED_TENANTS", "ENTRA_CERTIFICATE_FILE"),
        *("ENTRA_CLIENT_SECRET_FILE", "ENTRA_AUTHORITY", "ENTRA_CA_FILE"),
    }
)
"""README tells what each means; a test holds this list against README and against what is read."""

_OURS: Final = "SPHERES_"
#: How alike a name without SPHERES_ before it is to the one that was meant, and another name, which may be another
#: program's: there one letter in nine may be wrong, or two be swapped.
_ALIKE, _NEARLY_THE_SAME = 0.5, 0.88


def refuse_misspelt(env: Mapping[str, str]) -> None:
    """Refuse a variable that is set and not known, and name the one that was probably meant. Raises SettingsError.

    Every name that begins with SPHERES_ counts. Another one may be another program's: it counts only where it is nearly
    one of ours, and that one is not set.
    """
    for name in sorted(env):
        if name in KNOWN or not env[name].strip():
            continue
        near = _meant_by(name.upper())
        if near and (name.upper().startswith(_OURS) or not env.get(near, "").strip()):
            raise SettingsError(name, "is not known: did you mean %(nearest)s?", nearest=near)
        if name.upper().startswith(_OURS):
            raise SettingsError(name, "is not known. README lists every variable, under Configuration.")


def _meant_by(name: str) -> str:
    """The known variable that this name in capitals most likely stands for, or ""."""
    if name.startswith(_OURS):
        ends = {known.removeprefix(_OURS): known for known in sorted(KNOWN)}
        near = get_close_matches(name.removeprefix(_OURS), ends, n=1, cutoff=_ALIKE)
        return ends[near[0]] if near else ""
    near = get_close_matches(name, sorted(KNOWN), n=1, cutoff=_NEARLY_THE_SAME)
    return near[0] if near and abs(len(near[0]) - len(name)) <= 1 else ""
