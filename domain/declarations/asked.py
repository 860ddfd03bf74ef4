"""What a step asks to be filled in when it is handed in: folders, an amount, a reason, as its protocol declares."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from domain.declared import Bilingual, GrammarPart, Key, Wrong
from locales import N_

#: The largest amount that a file may let a step ask for, in dollars: more is a slip, or no petty cash.
MOST_DOLLARS = 100_000


class Choice(GrammarPart):
    """One thing that may be asked for, such as a folder."""

    id: Key
    title: Bilingual


class AskedPart(GrammarPart):
    """One part of what is filled in. `words` are free, and appear on pages alone, in no letter.

    Of a list, `one` or `several` are chosen. An `amount` is in dollars and cents: more than nothing, and `at_most` that
    many dollars.
    """

    id: Key
    title: Bilingual
    help: Bilingual | None = None
    kind: Literal["words", "amount", "one", "several"]
    choices: tuple[Choice, ...] = ()
    at_most: Annotated[int, Field(ge=1, le=MOST_DOLLARS)] | None = None
    required: bool = True

    @model_validator(mode="after")
    def _of_its_kind(self) -> AskedPart:
        if bool(self.choices) != (self.kind in ("one", "several")):
            raise Wrong(N_("“choices” belong to “one” and “several”, and there are some."), at=("choices",))
        if (self.at_most is None) == (self.kind == "amount"):
            raise Wrong(N_("An amount, and nothing else, says “at_most”: so many dollars."), at=("at_most",))
        return self
