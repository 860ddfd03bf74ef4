"""Sentences of the catalogue, and titles of rows, in both languages at once."""

from __future__ import annotations

from domain.declared import Bilingual
from domain.kernel.titles import Titled
from locales import say


def both(sentence: str, /, **facts: object) -> Bilingual:
    """A sentence of the catalogue in both languages."""
    return Bilingual(fr=say("fr", sentence, **facts), en=say("en", sentence, **facts))


def titled(row: Titled) -> Bilingual:
    """The title that a row has in both languages."""
    return Bilingual(fr=row.title_fr, en=row.title_en or row.title_fr)
