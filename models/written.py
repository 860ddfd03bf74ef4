"""Values as a row keeps them in JSON, and as they are read back: local times, days, and parts by their names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from functools import cache
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter

from models.base import structured

Part = TypeVar("Part")


def as_json(value: Any) -> Any:
    """A value as it is kept: local times to the minute, sets in their order. The same value is always the same."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="minutes")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, frozenset):
        return list(map(as_json, sorted(value)))
    if isinstance(value, tuple | list):
        return list(map(as_json, value))
    if isinstance(value, Mapping):
        return {as_json(name): as_json(one) for name, one in sorted(value.items())}
    if is_dataclass(value):
        return {one.name: as_json(getattr(value, one.name)) for one in fields(value)}
    return value


def from_json(part: type[Part], kept: Mapping[str, object]) -> Part:
    """What `as_json` wrote of such a part. Raises ValueError for anything else."""
    return cast("Part", _reader(cast("Any", part)).validate_python(kept))


@cache
def _reader(part: Any) -> TypeAdapter[Any]:
    return TypeAdapter(part)


def kept_as(part: type[Any], **kwargs: Any) -> Any:
    """A column that is kept as JSON and read as such a part."""
    return structured(lambda kept: from_json(part, kept), as_json, **kwargs)
