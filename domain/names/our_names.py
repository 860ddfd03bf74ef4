"""The names and contacts of a program's staff and organizations, which are no participant's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlmodel import Session

from domain.kernel import only, run
from domain.names import contacts
from domain.names.folding import letters_of, words_of
from models.program import Organization, Person


@dataclass(frozen=True)
class Ours:
    """The names and contacts of the staff and the organizations, word by word and whole."""

    names: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()
    digits: frozenset[str] = frozenset()
    mailboxes: frozenset[str] = frozenset()

    @classmethod
    def of(cls, texts: Iterable[str]) -> Ours:
        """The names, telephones and e-mail addresses in these texts."""
        every = tuple(texts)
        # A name in two parts is one word where it stands in a text: "Grand’Ourse", "Clair-de-Lune".
        whole = {letters_of(one) for text in every for one in text.split()}
        return cls(
            frozenset(letters_of(text) for text in every),
            frozenset(whole.union(*({word.letters for word in words_of(text)} for text in every))),
            frozenset(digits[-contacts.WHOLE :] for text in every if (digits := contacts.digits_of(text))),
            frozenset(contacts.bare_address(text) for text in every if "@" in text),
        )


def ours(session: Session) -> list[str]:
    """Each name, e-mail address and telephone of the session's program's staff, and each name of its organizations."""
    people = run(session, only(Person.given_name, Person.family_name, Person.email, Person.phone))
    places = run(session, only(Organization.name_fr, Organization.name_en, Organization.short_name))
    own = [
        text
        for given, family, *contact in people
        for text in (f"{given} {family}", *(written for written in contact if written))
    ]
    return [*own, *(name for row in places for name in row)]
