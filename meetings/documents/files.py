"""What the file of a document is called."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Final, Literal

DocumentKind = Literal["agenda", "addendum", "minutes", "register", "statement"]

_CALLED: Final[Mapping[str, Mapping[DocumentKind, str]]] = {
    "fr": {
        "agenda": "ordre-du-jour",
        "addendum": "addenda",
        "minutes": "proces-verbal",
        "register": "registre-des-decisions",
        "statement": "bilan-annuel",
    },
    "en": {
        "agenda": "agenda",
        "addendum": "addendum",
        "minutes": "minutes",
        "register": "register-of-decisions",
        "statement": "yearly-statement",
    },
}
_KEY: Final = re.compile(r"[a-z][a-z0-9_-]{0,60}")


def file_name(
    kind: DocumentKind,
    committee: str,
    day: date,
    language: str,
    *,
    form: Literal["pdf", "docx"] = "pdf",
    addendum: int = 0,
) -> str:
    """A file's name in plain ASCII, the day first so that a folder sorts itself: "2026-12-02-clinical-agenda.pdf".

    `committee` is the key of whose it is, a committee or a partner; `day` is local. The second addendum is called
    "…-addendum-2". Raises ValueError for a key that is none, and KeyError for another language: nothing that was typed
    gets into a file's name.
    """
    if not _KEY.fullmatch(committee):
        raise ValueError("a key is small letters, digits, - and _")
    parts = [day.isoformat(), committee.replace("_", "-"), _CALLED[language][kind]]
    if addendum:
        parts.append(str(addendum))
    return f"{'-'.join(parts)}.{form}"
