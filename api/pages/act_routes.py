"""The declared acts on the pages: each a form, which is shown again with what was typed where a rule refuses."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, Any, Generic, TypeVar

from fastapi import APIRouter, Form, Request, Response

from api.access.session import InContext, RequestContext
from api.acts.declaring import Act, ActSubject, On, Parts, Sent, endpoint_of, part
from api.pages.forms import Text, Typed
from api.pages.frame import see_other
from api.pages.idempotent_forms import AtOnce, IdempotentForm
from api.web.given import ActInput, OnForm, form_of, words_of
from domain.kernel import Refusal

Row = TypeVar("Row")

Seen = Annotated[int | None, Form()]
MustHaveSeen = Annotated[int, Form()]
Texts = Annotated[list[str] | None, Form()]

Shown = Callable[[On[Row], Request, Typed], Response]
"""The page that has the form, with what was typed."""
After = Callable[[On[Row], str], str]
"""Where the asker comes back to after an act, given where it leads: it may have taken the thing from them."""
Answered = Callable[[On[Row], Request, Any], Response]
"""The page that says what an act did, from what its function gave."""


@dataclass(frozen=True)
class FormSent(Sent):
    """A form as it was sent, by its key, in the version that was seen, and after what the page before showed."""

    request: Request
    once: IdempotentForm | None = None
    seen: int | None = None
    shown: str = ""


def act_pages(
    router: APIRouter,
    subject: ActSubject[Row],
    shown: Shown[Row],
    *,
    after: After[Row] | None = None,
    answered: Answered[Row] | None = None,
    must_have_seen: bool = False,
    under: str = "",
    as_form: type[ActForm[Row]] | None = None,
) -> None:
    """Put the acts of a subject on the pages. Each leads where its declaration says, else `after` may say otherwise.

    Where it is `answered` by a page, it leads nowhere.

    `must_have_seen` where a form without the version that was seen is not taken; `under` where the pages stand under
    another page's address; `as_form` where a form takes more than an act declares.
    """
    for act in subject.acts:
        form = (as_form or ActForm)(subject, act, shown, after, answered, must_have_seen=must_have_seen)
        path = (under + subject.path + act.path).removeprefix(router.prefix)
        router.add_api_route(path, endpoint_of(act, form.answer, form.parts(), Response), methods=["POST"])


class ActForm(Generic[Row]):
    """One act as a form: what it asks for, how that is read, and where the act leads."""

    def __init__(
        self,
        subject: ActSubject[Row],
        act: Act,
        shown: Shown[Row],
        after: After[Row] | None = None,
        answered: Answered[Row] | None = None,
        *,
        must_have_seen: bool = False,
    ) -> None:
        self.subject, self.act, self.shown, self.after, self.answered = subject, act, shown, after, answered
        self.must_have_seen = must_have_seen
        self.reads = act.on_form()
        asked = [*self.reads.values(), *(fields_of(act.said) if act.said else ())]
        self.lists = {one.name for one in asked if one.is_list}
        self.fields = {one.name: one.otherwise for one in asked}
        self.words = words_of(act.said) if act.said and not act.nominative else ()

    def answer(self, given: Parts) -> Response:
        """Do the act and lead on; where a rule refuses, the page again with what was typed."""
        sent = FormSent.of(given)
        on, typed = self.opened(sent)
        done: list[Any] = []

        def act() -> str:
            done.append(self.do(on, given, typed))
            return self._leads_to(on, given, done[0])

        attempt = sent.once.attempt if sent.once is not None else partial(_attempt, sent.context)
        place = attempt(act)
        if isinstance(place, Refusal):
            return self.again(on, sent, typed, place)
        return see_other(place) if self.answered is None else self.answered(on, sent.request, done[0])

    def opened(self, sent: FormSent) -> tuple[On[Row], Parts]:
        """The thing, as it was found for who asks, with the version that they saw; and what they typed."""
        on, given = replace(self.subject.open(self.act, sent.context, sent.parts), seen=sent.seen), sent.parts
        return on, {name: given[name] or [] if name in self.lists else given[name] for name in self.fields}

    def do(self, on: On[Row], given: Parts, typed: Parts) -> Any:
        """Do the act; what its function gave. Raises Refusal."""
        said = self.act.said.from_form(typed, on.context) if self.act.said else None
        return self.act.call(on, said, {name: self._part(name, given) for name in self.act.parts})

    def again(self, on: On[Row], sent: FormSent, typed: Parts, refusal: Refusal) -> Response:
        """The page of the form, with what was typed and why it was refused."""
        form = self.act.form_of(typed, sent.parts)
        return self.shown(on, sent.request, Typed(form, refusal, typed, self.words))

    def _leads_to(self, on: On[Row], given: Parts, done: Any) -> str:
        """The address to which the act leads."""
        act, place = self.act, self.subject.leads_to(self.act, on, done)
        if act.leads is not None:
            return place
        place = f"{place}#{act.place.format(**given)}" if act.place else place
        return self.after(on, place) if self.after else place

    def _part(self, name: str, given: Parts) -> Any:
        one = self.reads.get(name)
        return given[name] if one is None or one.read is None else one.read(given[one.name])

    def parts(self) -> list[inspect.Parameter]:
        """What the route takes: what it works with, the parts of its address, and the fields."""
        in_address = (self.subject.parts | self.act.parts).items()
        return [
            part("context", InContext),
            part("request", Request),
            *(part(name, one.annotation) for name, one in in_address if name not in self.reads),
            *self._sent_twice(),
            *(part(name, Text, otherwise) for name, otherwise in self.fields.items() if name not in self.lists),
            *(part(name, Texts, None) for name in self.lists),
        ]

    def _sent_twice(self) -> Iterator[inspect.Parameter]:
        """How it may be sent twice: by its key, and by the version that was seen."""
        if self.act.once and self.fields:  # a button alone sends nothing
            yield part("once", AtOnce)
        if self.act.versioned:
            yield part("seen", MustHaveSeen) if self.must_have_seen else part("seen", Seen, None)


def fields_of(said: type[ActInput]) -> Sequence[OnForm]:
    """The fields that the form of a shape has, each with how it gives them; a shape may name those that are `typed`."""
    named: Sequence[str] = getattr(said, "typed", ())
    return [OnForm(name=name) for name in named] or [*form_of(said).values()]


def _attempt(context: RequestContext, act: Callable[[], str]) -> str | Refusal:
    """Do an act that may be repeated as it is: where it leads, or why not."""
    places: list[str] = []
    return context.attempt(lambda: places.append(act())) or places[0]
