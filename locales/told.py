"""An error that is a sentence for people, and the language of the terminal, where most of them are told."""

from __future__ import annotations

from collections.abc import Mapping

from locales import DEFAULT_LANGUAGE, is_language, say


class Told(Exception):
    """What could not be done, as an English msgid with %(named)s facts. A fact never holds a secret."""

    def __init__(self, sentence: str, /, **facts: object) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.facts = facts

    def told_in(self, language: str) -> str:
        """The sentence in "fr" or "en"."""
        return say(language, self.sentence, **self.facts)

    def __str__(self) -> str:
        return self.told_in("en")


def language_of_terminal(environment: Mapping[str, str]) -> str:
    """The language of the terminal: SPHERES_LANG, else the locale's, else French."""
    for name in ("SPHERES_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        code = environment.get(name, "")[:2].lower()
        if is_language(code):
            return code
    return DEFAULT_LANGUAGE
