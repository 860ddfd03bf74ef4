"""What people give to an act: a body in JSON, strict; or a form, each field as it was typed.

One shape says both. A body is checked by pydantic before the route is called. A form is read inside the act, so that
what was typed is shown again where it cannot be read: each field by its type, or as the shape says with `on_form`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Self, Union, cast, get_args, get_origin
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StrictInt, StringConstraints
from pydantic.fields import FieldInfo

from api.access.session import RequestContext
from api.web.readers import day_of, day_or_none, id_or_none
from domain.participants import LONGEST_LINE


def _iso_day(value: object) -> object:
    """A day is written YYYY-MM-DD: pydantic alone would read 0 as 1970."""
    if isinstance(value, str) and len(value) == 10:  # noqa: PLR2004  # YYYY-MM-DD
        return value
    if type(value) is date:
        return value
    msg = "use YYYY-MM-DD"
    raise ValueError(msg)


Day = Annotated[date, BeforeValidator(_iso_day)]
#: No control character but the line break and the tab: what people type, and nothing that a terminal obeys.
_PLAIN: Final = r"^[^\x00-\x08\x0b-\x1f\x7f]*$"
PlainText = Annotated[str, StringConstraints(max_length=100_000, pattern=_PLAIN)]
#: One line of what is known of somebody who is referred.
Line = Annotated[PlainText, StringConstraints(max_length=LONGEST_LINE)]
#: A few words of something, such as a serial number.
Short = Annotated[PlainText, StringConstraints(max_length=500)]
#: Some paragraphs, as of what was said in a meeting.
Said = Annotated[PlainText, StringConstraints(max_length=10_000)]
#: The key of a role or a protocol, as its file writes it.
Key = Annotated[str, StringConstraints(max_length=61, pattern=r"^[a-z0-9_-]*$")]


Version = Annotated[
    StrictInt | None,
    Field(ge=0, le=2**31 - 1, description="The version that was read, 0 for none; not looked at without."),
]


def _written(value: object) -> object:
    """A moment is written as a text: pydantic alone would read a number as one of 1970."""
    if value is None or isinstance(value, str | datetime):
        return value
    msg = "use YYYY-MM-DDTHH:MM:SS with an offset"
    raise ValueError(msg)


Moment = Annotated[AwareDatetime, BeforeValidator(_written)]


@dataclass(frozen=True)
class OnForm:
    """How a form gives a field: what reads it (by its type where None), under which name, and what it is if empty."""

    read: Callable[[Any], Any] | None = None
    name: str = ""
    otherwise: str = ""
    is_list: bool = False


def on_form(read: Callable[[str], Any] | None = None, *, name: str = "", otherwise: str = "") -> OnForm:
    """Says of a field how a form gives it. `read` may raise Refusal."""
    return OnForm(read, name, otherwise)


#: Of a field that no form has: there its default stands.
NOT_ON_FORM: Final = "not_on_form"


def yes(text: str) -> bool:
    """Whether a box is ticked."""
    return text == "yes"


def or_none(text: str) -> str | None:
    """A choice, None where nothing was chosen."""
    return text or None


class ActInput(BaseModel):
    """What is given to an act. A body with what the shape does not know is refused; of a form it is not read."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @classmethod
    def from_form(cls, typed: Mapping[str, object], context: RequestContext) -> Self:  # noqa: ARG003 - some read local hours
        """What a form says, read and not checked further: the verb refuses what it cannot take. Raises Refusal."""
        fields = form_of(cls)
        read = {field: one.read(typed[one.name]) for field, one in fields.items() if one.read}
        return cast("Self", cls.model_construct(**read))


class ReasonGiven(ActInput):
    """Why."""

    reason: PlainText


@cache
def form_of(shape: type[ActInput]) -> dict[str, OnForm]:
    """How a form gives each field of a shape. Raises TypeError at a field whose type says nothing of that."""
    found = {}
    for name, field in shape.model_fields.items():
        if NOT_ON_FORM in field.metadata:
            continue
        found[name] = how_given(name, field.annotation, field.metadata, shape.__name__)
    return found


@cache
def words_of(shape: type[ActInput]) -> tuple[str, ...]:
    """The names of the fields of a shape's form in which people write in their own words."""
    fields = form_of(shape) if not hasattr(shape, "typed") else {name: OnForm(name=name) for name in shape.model_fields}
    return tuple(fields[name].name for name, one in shape.model_fields.items() if name in fields and _is_written(one))


def _is_written(field: FieldInfo) -> bool:
    said = (*field.metadata, *(of for part in get_args(field.annotation) for of in getattr(part, "__metadata__", ())))
    return any(isinstance(one, StringConstraints) and one.pattern == _PLAIN for one in said)


def how_given(name: str, annotation: Any, metadata: Iterable[object], where: str) -> OnForm:
    """How a form gives what has this name and type, with what is said of it besides. Raises TypeError, as above."""
    said = next((one for one in metadata if isinstance(one, OnForm)), OnForm())
    return replace(
        said,
        read=said.read or reader_of(annotation, f"{where}.{name}"),
        name=said.name or name,
        is_list=get_origin(annotation) is list,
    )


#: What reads the text of a field, by its type, and whether it may be left out.
_READERS: Final[Mapping[tuple[object, bool], Callable[[str], Any]]] = {
    (str, False): str,
    (str, True): or_none,
    (bool, False): yes,
    (date, False): day_of,
    (date, True): day_or_none,
    (UUID, True): id_or_none,
}


def reader_of(annotation: Any, where: str) -> Callable[[Any], Any]:
    """What reads the text of a field of a type, or its texts where it has several.

    Raises TypeError where the type says nothing of that.
    """
    if get_origin(annotation) is list:
        (of,) = get_args(annotation)
        read_one = _READERS.get((_plain(of)[0], True)) or reader_of(of, where)
        return lambda texts: [read_one(text) for text in texts if text]
    read = _READERS.get(_plain(annotation))
    if read is None:
        msg = f"say with on_form how a form gives {where}"
        raise TypeError(msg)
    return read


def _plain(annotation: Any) -> tuple[object, bool]:
    """The type of a field without what is said of it besides, and whether it may be None."""
    if get_origin(annotation) is Annotated:
        return _plain(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        parts = [one for one in get_args(annotation) if one is not NoneType]
        return (_plain(parts[0])[0] if len(parts) == 1 else annotation), len(parts) < len(get_args(annotation))
    if get_origin(annotation) is Literal:
        return str, False
    return annotation, False
