"""The form by which people give proof, as data: a kind of check describes it, and the windows show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

#: What people give: something that they state in writing, or a document.
Proof = Literal["statement", "document"]


@dataclass(frozen=True)
class Sentence:
    """Words for people: a msgid and its facts."""

    msgid: str = ""
    facts: Mapping[str, date] = field(default_factory=dict)


@dataclass(frozen=True)
class Field:
    """One field of a form. `control` says how it is filled in; an area may stay empty."""

    name: str
    control: Literal["one_of", "area", "file", "day"]
    label: str
    hint: Sentence = Sentence()
    options: tuple[tuple[str, str], ...] = ()
    value: str = ""


@dataclass(frozen=True)
class Form:
    """A form: its name, the last part of the address that it is sent to, its fields, and the word on its button.

    With `opened_by` it stays shut until people press these words.
    """

    name: str
    sent_to: str
    fields: tuple[Field, ...]
    submit: str
    opened_by: str = ""
