"""Sealing words and what is nominative under a data key, and opening them: the only place that asks for a key.

What is sealed is a structure with a name for its place ("identity", "referral/ID"): it opens there and nowhere else.
The keys are the session's (`session.info["keys"]`), given by the window or the worker. A participant's key has their
own id; that of other words about people is in `models.redaction.WordKey`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from sqlmodel import Session

from domain.kernel.refusals import Refusal
from domain.kernel.scope import program_of
from domain.kernel.typed_words import refuse_no_text
from locales import N_
from models.ports import KeyGone, Keys, NoKeys, NotSealed

#: What is sealed: a structure of JSON, of which each place knows the shape.
Facts = Mapping[str, object]
Told = dict[str, Any]


def new_key(session: Session, key_id: UUID) -> None:
    """Make a data key, before the rows that need it: a key without a row is swept, never the reverse.

    Raises Refusal where the keys cannot be used: nothing is saved that could not be opened again.
    """
    with _told():
        keys_of(session).make(key_id)


def seal(session: Session, key_id: UUID, place: str, facts: Facts) -> bytes:
    """Seal facts that people typed, under a data key for one place.

    Raises Refusal: what is no text, the keys cannot be used, or the key is destroyed. Every sealed text comes this way,
    so that the rule of what is text cannot be forgotten.
    """
    refuse_no_text(facts)
    return seal_again(session, key_id, place, facts)


def seal_again(session: Session, key_id: UUID, place: str, facts: Facts) -> bytes:
    """Seal what was taken once, under another key or for another place: it is kept as it was said. Raises Refusal."""
    clear = json.dumps(facts, ensure_ascii=False, separators=(",", ":")).encode()
    with _told():
        return keys_of(session).seal(key_id, clear, about=_about(session, key_id, place))


def unseal(session: Session, key_id: UUID, place: str, sealed: bytes) -> Told:
    """Open what was sealed under a data key for this place. It writes no record: the one who shows it does.

    Raises Refusal.
    """
    with _told():
        clear = keys_of(session).open(key_id, bytes(sealed), about=_about(session, key_id, place))
    facts: Told = json.loads(clear)
    return facts


def seal_file(session: Session, key_id: UUID, place: str, content: bytes) -> bytes:
    """Seal the bytes of a file for one place. Raises Refusal."""
    with _told():
        return keys_of(session).seal(key_id, content, about=_about(session, key_id, place))


def unseal_file(session: Session, key_id: UUID, place: str, sealed: bytes) -> bytes:
    """The bytes of a file that was sealed for this place. It writes no record, as `unseal`. Raises Refusal."""
    with _told():
        return keys_of(session).open(key_id, bytes(sealed), about=_about(session, key_id, place))


def mark(session: Session, kind: str, value: str) -> str:
    """A blind mark of a value, the program's own: equal values have equal marks. Raises Refusal."""
    with _told():
        return keys_of(session).mark(f"{program_of(session)}|{kind}|{value}")


def digest_under(session: Session, key_id: UUID, thing: str) -> str:
    """A digest of a thing under one data key: without the key it tells nothing, and under another it is another."""
    with _told():
        return keys_of(session).digest(key_id, _about(session, key_id, thing))


def keys_of(session: Session) -> Keys:
    """The keys of this session. Raises NoKeys where it was given none."""
    keys: Keys | None = session.info.get("keys")
    if keys is None:
        raise NoKeys("this session was given no keys")
    return keys


def _about(session: Session, key_id: UUID, place: str) -> str:
    return f"{program_of(session)}|{key_id}|{place}"


@contextmanager
def _told() -> Iterator[None]:
    """Turns an error of the keys into a sentence for people. Which file it is stays with the operator."""
    try:
        yield
    except NoKeys:
        raise Refusal(
            "keys.unusable",
            N_("What is sealed cannot be opened or saved now: its keys cannot be used. Nothing was lost nor changed."),
        ) from None
    except KeyGone:
        raise Refusal("keys.gone", N_("What was sealed here is destroyed, and can no longer be read.")) from None
    except NotSealed:
        raise Refusal(
            "keys.damaged", N_("What is sealed here was changed or moved since. It cannot be opened.")
        ) from None
