"""What a person is given of their own file, as a table and as data: it says what the paper says, in their language.

The data keep the codes beside the words, for another system to read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from domain.files import spreadsheets
from locales import N_, say
from meetings.documents.person_paper import LISTED, PaperFact, PaperPart, PaperPiece, PersonPaper

#: The heads of the table: a line for each thing that is said.
_HEADS: Final = (N_("No."), N_("Part of the file"), N_("What it is"), N_("Day"), N_("Of what"), N_("What is said"))
#: What stands between two cells, as spreadsheets in that language read them.
_BETWEEN: Final = {"fr": ";", "en": ","}


def as_csv(content: PersonPaper) -> bytes:
    """The same as a table, in words and in the person's language, that opens in the spreadsheets of that language."""
    heads = [say(content.language, one) for one in _HEADS]
    return spreadsheets.as_csv(heads, _lines(content), between=_BETWEEN[content.language])


def _lines(content: PersonPaper) -> Iterator[tuple[int, str, str, str, str, str]]:
    pieces = ((part, one) for part in content.parts for one in part.pieces)
    for n, (part, piece) in enumerate(pieces, 1):
        day = content.said_day(piece)
        if part.listed:
            yield n, part.title, part.title, day, say(content.language, LISTED[1].title), piece.title
            continue
        # Some pieces say by their title all that there is to say.
        for one in (*piece.facts, *piece.words) or (PaperFact("", say(content.language, N_("Yes")), ""),):
            yield n, part.title, piece.title, day, one.label, one.said


def as_json(content: PersonPaper) -> bytes:
    """The same as data: each field by its name and code, for another system, and in words, for the person."""
    told = {
        "request": content.number,
        "kind": content.kind,
        "title": content.title,
        "language": content.language,
        "file": content.known_as,
        "on": content.on.isoformat(),
        "pieces": [_as_data(part, one) for part in content.parts for one in part.pieces],
    }
    return json.dumps(told, ensure_ascii=False, indent=1).encode()


def _as_data(part: PaperPart, piece: PaperPiece) -> dict[str, object]:
    fields = [
        {"name": one.name, "label": one.label, "value": one.said} | ({} if one.code is None else {"code": one.code})
        for one in (*piece.facts, *piece.words)
    ]
    on = piece.on.isoformat() if piece.on else None
    return {"part": part.title, "kind": piece.kind, "title": piece.title, "on": on, "fields": fields}
