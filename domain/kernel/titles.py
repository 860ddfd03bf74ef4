"""Titles in both languages, and how a row is called in one of them."""

from __future__ import annotations

from typing import Protocol

from locales import typeset


class Titled(Protocol):
    """A row with a title in French and in English."""

    @property
    def title_fr(self) -> str:
        """The French title."""

    @property
    def title_en(self) -> str:
        """The English title."""


def title_of(row: Titled | type[Titled], language: str) -> str:
    """The title of a row in a language, typeset; or, given a model, the column that it is kept in."""
    found: str = getattr(row, f"title_{language}")
    return found if isinstance(row, type) else typeset(language, found)
