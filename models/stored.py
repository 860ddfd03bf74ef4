"""Structures that a column keeps whole as JSON, read as typed values and written back as they were read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, cast

from pydantic import BaseModel, ConfigDict, ValidationError

from models.base import Structured, structured

JsonObject = dict[str, object]
"""JSON that another grammar reads: the one that declared it."""


class Stored(BaseModel):
    """A declared structure, never anything nominative. What it has no field for it keeps, so that digests cover it."""

    model_config = ConfigDict(frozen=True, strict=True, extra="allow", defer_build=True)

    @classmethod
    def read(cls, kept: Mapping[str, object]) -> Self:
        """The structure in this JSON. JSON of another shape stays as it is, for its digest to tell."""
        try:
            return cls.model_validate(kept)
        except ValidationError:
            return cast("Self", cls.model_construct(None, **kept))

    def as_stored(self) -> JsonObject:
        """The JSON that it was read from: what is left out there is left out here."""
        return self.model_dump(exclude_unset=True, warnings=False)


class InBoth(Stored):
    """Words in both languages."""

    fr: str
    en: str


def stored_as(shape: type[Stored]) -> Structured:
    """The type of a column, or of a part of one, that keeps a structure of this shape."""
    return Structured(shape.read, shape.as_stored)


def stored(shape: type[Stored]) -> Any:
    """A column that keeps a structure of this shape."""
    return structured(shape.read, shape.as_stored)
