"""What the pages' forms have in common: the details of a person, and what was typed while a rule refuses it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Annotated, Any

from fastapi import Depends, Form
from markupsafe import escape

from api.views.languages import codes_of
from domain.kernel import Refusal
from domain.people import PersonWritten

Text = Annotated[str, Form()]
"""A field as it was typed; empty where the form did not send it."""


@dataclass(frozen=True)
class Details:
    """What a form says of a person: their names, how they are reached, in which language, and what they speak."""

    given_name: Text = ""
    family_name: Text = ""
    email: Text = ""
    phone: Text = ""
    language: Text = "fr"
    spoken: Text = ""

    @property
    def fields(self) -> dict[str, str]:
        """The fields by name, as they were typed."""
        return asdict(self)

    @property
    def meant(self) -> PersonWritten:
        """What the verbs on people take: the languages that they speak by code."""
        return {
            "given_name": self.given_name,
            "family_name": self.family_name,
            "email": self.email,
            "phone": self.phone,
            "language": self.language,
            "spoken": codes_of(self.spoken),
        }


Detailed = Annotated[Details, Depends()]


@dataclass(frozen=True)
class Typed:
    """What came in with a form that a rule refused: which form, why, and its fields as they were typed.

    A page without such a form has `Typed()`, which holds nothing. `words` are the fields in which people write in their
    own words.
    """

    form: str = ""
    refusal: Refusal | None = None
    values: Mapping[str, object] = field(default_factory=dict)
    words: Sequence[str] = ()

    def get(self, form: str, name: str, otherwise: object = "") -> Any:
        """What stands in a field: what was typed in that form, else `otherwise`."""
        return self.values.get(name, otherwise) if form == self.form else otherwise

    def refused(self, refusal: Refusal) -> Typed:
        """The same form with its fields, and why a rule refused it."""
        return replace(self, refusal=refusal)

    def lost_from(self, html: str) -> list[str]:
        """What was written, of which a page has nothing: it has that form no more, or no such field."""
        written = (str(self.values.get(name, "")).strip() for name in self.words)
        return [text for text in written if text and str(escape(text)) not in html]
