"""Structures that a column keeps whole as JSON, read as typed values and written back as they were read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, Self, TypeVar, cast

from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy import Dialect
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql.operators import OperatorType
from sqlalchemy.types import TypeDecorator, TypeEngine
from sqlmodel import Field

JsonObject = dict[str, object]
"""JSON that another grammar reads: the one that declared it."""


class Stored(BaseModel):
    """A declared structure, never anything nominative. What it has no field for it keeps, so that digests cover it."""

    model_config = ConfigDict(frozen=True, strict=True, extra="allow", defer_build=True)

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> Self:
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


S = TypeVar("S", bound=Stored)


class StoredAs(TypeDecorator[S], Generic[S]):
    """The type of a column, or of a part of one, that keeps such a structure."""

    impl = JSONB
    cache_ok = True

    def __init__(self, shape: type[S]) -> None:
        super().__init__()
        self.shape = shape

    def process_bind_param(self, value: S | None, dialect: Dialect) -> Any:  # noqa: ARG002 - SQLAlchemy gives it
        """What is written: the JSON that the structure stands for."""
        return value.as_stored() if isinstance(value, Stored) else value

    def process_result_value(self, value: Any, dialect: Dialect) -> S | None:  # noqa: ARG002 - SQLAlchemy gives it
        """What is read."""
        return None if value is None else self.shape.read(value)

    def coerce_compared_value(self, op: OperatorType | None, value: Any) -> TypeEngine[Any]:
        """A key that is asked for in the JSON is a text, and no such structure."""
        return self.impl_instance.coerce_compared_value(op, value)


def stored(shape: type[Stored], **kwargs: Any) -> Any:
    """A column that keeps a structure of this shape."""
    return Field(sa_type=StoredAs(shape), **kwargs)
