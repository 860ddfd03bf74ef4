"""How the fields of a referral are given and answered over JSON, each by its kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, Final, Literal, TypeVar, cast

from pydantic import BaseModel, Field, StrictBool, StringConstraints, create_model

from api.web.given import Day, Line, PlainText, on_form
from api.web.readers import age_or_none
from domain.participants import LONGEST_TEXT, OLDEST, Kind, ReferralField

Criterion = Literal["AD-C0", "AD-C1", "AD-C2", "AD-C3", "AD-C4", "AD-C5"]
Words = Annotated[PlainText, StringConstraints(max_length=LONGEST_TEXT)]
_Language = Annotated[PlainText, StringConstraints(max_length=20)]
_Age = Annotated[int | None, Field(strict=True, ge=0, le=OLDEST), on_form(age_or_none)]

#: The type of a field of each kind as it is given, and what it is where it is left out.
_GIVEN: Final[Mapping[Kind, tuple[Any, Any]]] = {
    "line": (Line, ""),
    "email": (Line, ""),
    "telephone": (Line, ""),
    "area": (Line, ""),
    "text": (Words, ""),
    "day": (Day | None, None),
    "age": (_Age, None),
    "languages": (Annotated[list[_Language], Field(max_length=20)], Field(default_factory=list)),
    "facts": (dict[Criterion, Words], Field(default_factory=dict)),
    "yes": (StrictBool, False),
}
#: The type of a field of each kind as it is answered.
_SHOWN: Final[Mapping[Kind, Any]] = {
    "day": Day | None,
    "age": int | None,
    "languages": list[str],
    "facts": dict[str, str],
    "yes": bool,
}

Shape = TypeVar("Shape", bound=BaseModel)
#: Fields of a shape as pydantic takes them: the type of each, and what it is where it is left out.
Fields = Mapping[str, tuple[Any, Any]]


def given(fields: Iterable[ReferralField]) -> Fields:
    """The fields of a shape in which a referral is given."""
    return {one.name: _given(one) for one in fields}


def _given(one: ReferralField) -> tuple[Any, Any]:
    if one.kind == "choice":
        return Literal["", *one.choices], ""
    return _GIVEN[one.kind]


def corrected(fields: Iterable[ReferralField]) -> Fields:
    """The fields of a shape in which some are corrected, and those that are left out stay."""
    kinds = {one.name: _given(one) for one in fields}
    return {name: (of if empty is None else of | None, None) for name, (of, empty) in kinds.items()}


def shown(fields: Iterable[ReferralField]) -> Fields:
    """The fields of an answer in which each has been said, if only that it is empty."""
    return {one.name: (_SHOWN.get(one.kind, str), ...) for one in fields}


def perhaps_shown(fields: Iterable[ReferralField]) -> Fields:
    """The fields of an answer about a referral in which not each was asked for, when it was written."""
    return {one.name: (_SHOWN.get(one.kind, str), _given(one)[1]) for one in fields}


def with_fields(made: Fields) -> Callable[[type[Shape]], type[Shape]]:
    """Give a shape these fields, behind its own."""

    def give(shape: type[Shape]) -> type[Shape]:
        found: type[Shape] = create_model(
            shape.__name__, __base__=shape, __module__=shape.__module__, __doc__=shape.__doc__, **cast("Any", made)
        )
        return found

    return give
