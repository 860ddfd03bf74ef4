"""The sentence of a refusal, as its reader reads it."""

from __future__ import annotations

from domain.kernel import Refusal
from locales import current_language, say


def sentence_of(refusal: Refusal, language: str | None = None) -> str:
    """A refusal in the reader's language."""
    return say(language or current_language(), refusal.sentence, **refusal.facts)
