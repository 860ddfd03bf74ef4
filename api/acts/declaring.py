"""How an act of people is declared: once, for the pages and for JSON.

    FOLLOW_UP = Subject("/follow-ups/{follow_up_id}", find)

    @FOLLOW_UP.act(Action.KEEP_FOLLOW_UP, "/attempts", form="attempt", once=True)
    def record_attempt(on: On[Row], said: AttemptGiven) -> None: ...

A subject says where a thing is and how it is found. An act says which action it asks for, its address below the
thing's, and what is given; its function calls the verb. `api.pages.act_routes` and `api.json.act_routes` make a route
of each act. Both go in one order: the key's answer given again, the thing found, the action required, the version
looked at, what was said, the verb, the answer.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from functools import cached_property
from typing import Any, Final, Generic, Self, TypeVar
from uuid import UUID

from fastapi import APIRouter
from sqlmodel import Session

from api.access.permissions import Action, action_of, asks, require, to_program
from api.access.permissions import Given as Relations
from api.access.session import SAFE_METHODS, RequestContext
from api.web.given import ActInput, OnForm, how_given
from domain.kernel import Actor

Row = TypeVar("Row")
Parts = Mapping[str, Any]
"""What a request gives, by the names of its parts: of an address, the fields of a form, and what it works with."""
Found = tuple[Row, Relations | Actor | None]
"""A thing, and what the asker is to it; or the actor, where that was asked; or None where the act asks."""
WhichForm = str | Callable[[Parts], str]
"""The form of an act, with the parts of its address in it; or what finds it by what was typed."""
Do = TypeVar("Do", bound=Callable[..., Any])

#: The name of a part of an address.
_PART: Final = re.compile(r"{(\w+)}")


@dataclass(frozen=True)
class On(Generic[Row]):
    """What an act is done to: the thing as it was found, the actor, and the version that they saw."""

    context: RequestContext
    row: Row
    given: Relations
    actor: Actor | None
    ids: Parts
    seen: int | None = None

    @property
    def by(self) -> Actor:
        """The actor of the act, as its subject found it. Raises RuntimeError where the act itself asks."""
        if self.actor is None:
            msg = "this act asks for itself, by what is said"
            raise RuntimeError(msg)
        return self.actor

    @property
    def id(self) -> UUID:
        """The id of the thing."""
        found: UUID = list(self.ids.values())[-1]
        return found

    @property
    def session(self) -> Session:
        """The transaction of the request."""
        return self.context.session

    @property
    def at(self) -> datetime:
        """The moment of the request."""
        return self.context.at


@dataclass(frozen=True)
class Sent:
    """A request for an act as it came: what its route works with, and all its `parts` by name."""

    context: RequestContext
    parts: Parts

    @classmethod
    def of(cls, parts: Parts) -> Self:
        """The request with these parts."""
        return cls(parts=parts, **{one.name: parts[one.name] for one in fields(cls) if one.name in parts})


@dataclass(frozen=True)
class Act:
    """One act as it is declared."""

    action: Action
    do: Callable[..., Any]
    said: type[ActInput] | None
    parts: dict[str, inspect.Parameter]  # of its address, besides those of its subject's
    path: str
    form: WhichForm
    place: str
    once: bool
    versioned: bool
    method: str
    json_path: str
    status: int
    leads: Callable[[On[Any], Any], str] | None
    nominative: bool

    def on_form(self) -> dict[str, OnForm]:
        """The parts of its address over JSON that the page's form has as fields, each with how it gives them."""
        in_path = _PART.findall(self.path)
        return {
            name: how_given(name, one.annotation, getattr(one.annotation, "__metadata__", ()), self.do.__name__)
            for name, one in self.parts.items()
            if name not in in_path
        }

    def form_of(self, typed: Parts, parts: Parts) -> str:
        """The form that is shown again where a rule refuses; `parts` are at least those of the address."""
        return self.form.format(**parts) if isinstance(self.form, str) else self.form(typed)

    def call(self, on: On[Any], said: ActInput | None, parts: Parts) -> Any:
        """Do it. Raises Refusal."""
        return self.do(on, **({} if said is None else {"said": said}), **parts)


@dataclass(frozen=True)
class ActSubject(Generic[Row]):
    """What acts are done to: the address of one, and how it is found for an action, with what the asker is to it.

    `find` raises Forbidden where the asker may not know of the thing, or there is none. It may ask itself, and then
    gives the actor; or gives None where the act asks, by what is said. What is written of a `nominative` subject may
    name a participant, and stands in no refusal where its form is gone.
    """

    path: str
    find: Callable[..., Found[Row]]
    nominative: bool = False
    acts: list[Act] = field(default_factory=list)

    def act(
        self,
        action: Action,
        path: str = "",
        *,
        form: WhichForm = "",
        place: str = "",
        once: bool = False,
        versioned: bool = False,
        json: str = "POST",
        status: int | None = None,
        leads: Callable[[On[Row], Any], str] | None = None,
    ) -> Callable[[Do], Do]:
        """Declare an act, whose address is `path` below the subject's. Raises TypeError where it does not fit.

        `form` is the page's, `place` the part of the page to come back to. `once` and `versioned` say how it may be
        sent twice. `json` is its method there, with its own path where that differs; "/" is the subject's. A part that
        the page's address lacks is a field of the form. It `leads` to its subject, or to where this says.
        """
        method, _, own = json.partition(" ")
        json_path = own.removesuffix("/") if own else path

        def declare(do: Do) -> Do:
            given = dict(inspect.signature(do, eval_str=True).parameters)
            given.pop("on")
            said = given.pop("said", None)
            if said is not None and not (isinstance(said.annotation, type) and issubclass(said.annotation, ActInput)):
                msg = f"{do.__name__}: what is said has no shape"
                raise TypeError(msg)
            if set(_PART.findall(json_path)) != given.keys() or not set(_PART.findall(path)) <= given.keys():
                msg = f"{do.__name__}: its address has not the parts {sorted(given)}"
                raise TypeError(msg)
            self.acts.append(
                Act(
                    action=action,
                    do=do,
                    said=None if said is None else said.annotation,
                    parts=given,
                    path=path,
                    form=form,
                    place=place,
                    once=once,
                    versioned=versioned,
                    method=method,
                    json_path=json_path,
                    status=status or (201 if once else 200),
                    leads=leads,
                    nominative=self.nominative,
                )
            )
            return do

        return declare

    @cached_property
    def parts(self) -> dict[str, inspect.Parameter]:
        """The parts of the address of one, by their names."""
        given = inspect.signature(self.find, eval_str=True).parameters
        return {name: given[name] for name in _PART.findall(self.path)}

    def open(self, act: Act, context: RequestContext, parts: Parts) -> On[Row]:
        """Find the thing for an act, and the asker's part in it, by what the request gives. Raises Forbidden."""
        ids = {name: parts[name] for name in self.parts}
        row, given = self.find(context, act.action, **ids)
        if given is None or isinstance(given, Actor):
            return On(context, row, {}, given, ids)
        return On(context, row, given, require(act.action, given), ids)

    def leads_to(self, act: Act, on: On[Row], done: Any) -> str:
        """Where an act leads: to its own place, or to the thing."""
        return act.leads(on, done) if act.leads is not None else self.path.format(**on.ids)


def of_program(context: RequestContext, _: Action) -> tuple[None, Relations]:
    """Finds the program at large, for what is added to it."""
    return None, to_program(context.asker)


def asks_itself(_: RequestContext, __: Action) -> tuple[None, None]:
    """Finds nothing: what is said names who may, and the act asks the table for them."""
    return None, None


def endpoint_of(
    act: Act, answer: Callable[[Parts], Any], parts: Iterable[inspect.Parameter], shape: Any
) -> Callable[..., Any]:
    """A route's endpoint that answers an act: named, described and marked as it, with these parts of a request."""

    def endpoint(**given: Any) -> Any:
        return answer(given)

    endpoint.__name__ = endpoint.__qualname__ = act.do.__name__
    endpoint.__doc__ = act.do.__doc__
    endpoint.__signature__ = inspect.Signature(list(parts), return_annotation=shape)  # type: ignore[attr-defined]
    endpoint.__act__ = act  # type: ignore[attr-defined]
    return asks(act.action)(endpoint)


def part(name: str, kind: Any, otherwise: Any = inspect.Parameter.empty) -> inspect.Parameter:
    """One part of a request that an endpoint takes."""
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=kind, default=otherwise)


class ActRouter(APIRouter):
    """A module's routes, which read or do a declared act. Raises TypeError at any other, and at one without action."""

    def add_api_route(self, path: str, endpoint: Callable[..., Any], **how: Any) -> None:
        """Add a route."""
        methods = set(how.get("methods") or {"GET"})
        if action_of(endpoint) is None or not (methods <= SAFE_METHODS or hasattr(endpoint, "__act__")):
            msg = f"{' '.join(sorted(methods))} {self.prefix}{path} is no declared act: declare it in api/acts"
            raise TypeError(msg)
        super().add_api_route(path, endpoint, **how)
