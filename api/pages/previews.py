"""Before a change of dates is made: a page that shows who hears of it, and what; then the button that makes it.

What is shown is what the very change would write, made and taken back. The second click makes it only where the same
letters would leave still; else the page is shown again, as it is now. The same click sent again, by two fingers or from
the page before, is answered as the first one was: it is done, and once.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeVar
from uuid import UUID

from fastapi import Request, Response

from api.access.session import RequestContext
from api.pages.frame import page, see_other
from api.views.names import people_by_id
from api.web.idempotency import IdempotencyKey
from domain.kernel import Refusal
from locales import N_
from meetings import wording
from meetings.committees import committees as committees_of
from meetings.committees import title_of
from meetings.invitations import UNREACHED, PersonalNews, letters_in, people_in
from models.program import Person

#: What each kind of letter says, as the list of letters calls it.
KINDS: Final[Mapping[str, str]] = {
    "invitation": N_("Invitation"),
    "update": N_("Change of dates or hours"),
    "moved": N_("Change of day or hour"),
    "restored": N_("It takes place after all"),
    "details": N_("Change of place or link"),
    "cancelled": N_("Cancellation"),
    "continued": N_("It continues at the new hour"),
    "removed": N_("No longer expected"),
    "unreached": N_("People to tell in another way"),
    "minutes": N_("Minutes of the meeting"),
    "minutes_corrected": N_("Corrected minutes"),
}


Made = TypeVar("Made")

_KEY: Final = re.compile(r"[A-Za-z0-9_-]{1,100}")


@dataclass(frozen=True)
class Click:
    """The second click: the digest of what its page showed, and that page's key; each "" where there is none."""

    digest: str
    once: IdempotencyKey

    @classmethod
    def of(cls, context: RequestContext, request: Request, shown: str) -> Click:
        """That which a form sends as `shown`."""
        digest, _, key = shown.partition("-")
        return cls(
            digest, IdempotencyKey(context, f"{request.method} {request.url.path}", key if _KEY.fullmatch(key) else "")
        )

    def led_to(self, fields: Sequence[tuple[str, str]]) -> str | None:
        """Where the same click led before, None where it is the first. Raises Refusal where it was another one."""
        before = self.once.before(json.dumps([self.digest, *fields]), otherwise=_sent_otherwise())
        return None if before is None else str(before.location)

    def leads_to(self, location: str) -> Response:
        """Go there, and so does the same click again."""
        self.once.keep(303, location)
        return see_other(location)


@dataclass(frozen=True)
class Preview:
    """What is about to be changed, as the page says it: its title, what it comes to, and where it is sent.

    `fields` are the form as it was typed, carried to the second click; `back` is where one goes instead, and `done`
    where afterwards; `shown` is the digest of the letters that the asker saw, and the key of the page that showed them,
    "" before they saw any; `nothing` is said where there is no letter.
    """

    title: str
    facts: Sequence[tuple[str, str]]
    back: str
    action: str = ""
    fields: Sequence[tuple[str, str]] = field(default_factory=tuple)
    shown: str = ""
    done: str = ""
    is_harsh: bool = False
    nothing: str = N_("No calendar changes.")

    @property
    def leads_to(self) -> str:
        """Where one goes once it is done."""
        return self.done or self.back


def previewed(
    context: RequestContext, request: Request, ask: Preview, change: Callable[[], tuple[PersonalNews, ...]]
) -> Response | Refusal:
    """Make `change` where the asker saw the letters that it sends, and go back; else show them, and change nothing.

    Where a rule refuses the change, nothing is kept, and the refusal is given back.
    """
    told = in_two_clicks(Click.of(context, request, ask.shown), ask.fields, ask.leads_to, change, digest_of)
    if isinstance(told, Response | Refusal):
        return told
    # A coordinator who hears only whom it does not reach is nobody whom the change tells.
    news = [one for one in told if one.kind != UNREACHED]
    return page(
        context,
        request,
        "letters_to_send.html",
        ask=ask,
        digest=digest_of(told),
        has_changed=bool(ask.shown),
        people=_hearers(context, told),
        hearing=people_in(news),
        kinds=[(KINDS[kind], len({one.person_id for one in news if one.kind == kind})) for kind in _kinds_of(news)],
        sending=letters_in(news),
        unreached=people_in([one for one in news if not one.has_address]),
    )


def in_two_clicks(
    click: Click,
    fields: Sequence[tuple[str, str]],
    leads_to: str,
    change: Callable[[], Made],
    digest_of: Callable[[Made], str],
    keep: Callable[[Made], object] = lambda _: None,
) -> Response | Refusal | Made:
    """Make a change, and `keep` it where the click's page showed what it comes to; else give that, and take it back.

    The same click sent again only leads where it led before. Where a rule refuses the change, nothing is kept, and the
    refusal is given back.
    """
    session = click.once.context.session
    try:
        point = session.begin_nested()
        before = click.led_to(fields)
        if before is not None:
            point.rollback()
            return see_other(before)
        made = change()
        if click.digest == digest_of(made):
            keep(made)
            done = click.leads_to(leads_to)
            point.commit()
            return done
    except Refusal as refusal:
        session.rollback()
        return refusal
    point.rollback()
    return made


def digest_of(told: Sequence[PersonalNews]) -> str:
    """A digest of who is told what: two of the same letters are alike."""
    lines = sorted(
        f"{one.person_id} {one.committee_id} {one.kind} {one.method} {one.starts.isoformat()} {one.has_address}"
        for one in told
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _sent_otherwise() -> Refusal:
    """A page's key sent with another change than the page had shown. No one who clicks what they see gets this."""
    return Refusal("form.sent_before", N_("This form was already sent with other content. Start again."))


def _kinds_of(told: Sequence[PersonalNews]) -> list[str]:
    return list(dict.fromkeys(one.kind for one in told))


class NewsLine(NamedTuple):
    """One thing that a letter says: of what kind, of which meeting, and of whose where several committees are told."""

    kind: str
    about: str
    committee: str


class Hearer(NamedTuple):
    """A person who hears of a change, and all that their letter says."""

    person: Person
    has_address: bool
    news: list[NewsLine]


def _hearers(context: RequestContext, told: Sequence[PersonalNews]) -> list[Hearer]:
    """Each person who hears of it, in the order of their names, with all that their letter says."""
    people = people_by_id(context, {one.person_id for one in told})
    committees = {one.committee_id for one in told}
    titles = {row.id: title_of(row, context.language) for row in committees_of(context.session).values()}
    news: dict[UUID, list[PersonalNews]] = {}
    for one in sorted(told, key=lambda one: one.starts):
        news.setdefault(one.person_id, []).append(one)
    return [
        Hearer(
            person,
            all(one.has_address for one in news[person_id]),
            [
                NewsLine(
                    KINDS[one.kind],
                    wording.when(context.language, one.starts),
                    titles[one.committee_id] if len(committees) > 1 else "",
                )
                for one in news[person_id]
            ],
        )
        for person_id, person in people.items()
    ]
