"""Sentences of the catalogue, and titles of rows, in both languages at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from domain.declared.reading import Bilingual
from locales import say


def both(sentence: str, /, **facts: object) -> Bilingual:
    """A sentence of the catalogue in both languages."""
    return Bilingual(fr=say("fr", sentence, **facts), en=say("en", sentence, **facts))


def titled(row: Mapping[str, Any], *, fr: str = "title_fr", en: str = "title_en") -> Bilingual:
    """What a row says of itself in both languages."""
    return Bilingual(fr=row[fr], en=row[en] or row[fr])
