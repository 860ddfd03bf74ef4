"""Mail by Microsoft Graph: the Mailer port over sendMail, which takes a finished letter and says no more than "taken".

sendMail cannot tell by itself that a letter is the same as before. So a letter that may have been sent already is
looked for in the mailbox first. It looks by a mark in its headings, and by its Message-ID, which Exchange is not known
to keep.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from email import policy
from email.parser import BytesHeaderParser
from email.utils import getaddresses
from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode
from uuid import NAMESPACE_URL, uuid5

from adapters.graph import Answer, Graph
from models.ports import Accepted, Later, Outcome, Refused, Unknown

#: In lower case, as Exchange names the property that it makes of a heading.
MARK: Final = "x-spheres-letter"
#: The properties that Exchange makes of headings that it does not know (PS_INTERNET_HEADERS).
_OF_HEADINGS: Final = "00020386-0000-0000-C000-000000000046"

_MESSAGE_ID: Final = re.compile(r"<[A-Za-z0-9._-]{1,64}@[A-Za-z0-9.-]{1,253}>")
#: The letter itself will never be taken.
_OF_THE_LETTER: Final = frozenset(
    {HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY}
)
#: The service does not know how to look so.
_CANNOT_LOOK_SO: Final = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_IMPLEMENTED})
_MOST_PAGES: Final = 5


class GraphMailer:
    """Sends letters out of one mailbox, which keeps a copy of each among what it sent."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    def send(self, *, to: str, message: bytes, again: bool = False) -> Outcome:
        """Send one letter; see `Mailer.send`. Its bytes leave as they are, below one heading of ours."""
        letter = _letter(message)
        if letter is None:
            return Refused(permanent=True, code="message")
        if letter.to != to:  # Graph goes by the headings, and by nothing else
            return Refused(permanent=True, code="address")
        if again:
            has_left = self._has_left(letter)
            if has_left is not False:
                return Accepted() if has_left is True else has_left
        answer = self._graph.ask(
            "POST",
            self._graph.address("/sendMail"),
            body=b64encode(f"{MARK}: {letter.mark}\r\n".encode("ascii") + message),
            headers={"Content-Type": "text/plain", "client-request-id": letter.mark},
        )
        if not isinstance(answer, Answer):
            return answer
        if answer.status == HTTPStatus.ACCEPTED:
            return Accepted()
        if answer.is_yes:  # from something on the way that says yes to everything
            return Unknown()
        return Refused(permanent=answer.status in _OF_THE_LETTER, code=answer.code)

    def _has_left(self, letter: _Letter) -> bool | Outcome:
        """Whether the letter is in the mailbox and no draft; an outcome where that cannot be known now."""
        by_mark = (
            f"singleValueExtendedProperties/any(p:p/id eq 'String {{{_OF_HEADINGS}}} Name {MARK}'"
            f" and p/value eq '{letter.mark}')"
        )
        found = self._finds(by_mark, letter, marked=True)
        return found if found is not False else self._finds(f"internetMessageId eq '{letter.id}'", letter, marked=False)

    def _finds(self, which: str, letter: _Letter, *, marked: bool) -> bool | Outcome:
        # Of the whole mailbox: what was sent may have been put away, or may still be leaving.
        query = urlencode({"$filter": which, "$select": "id,isDraft,toRecipients", "$top": "10"})
        address = self._graph.address(f"/messages?{query}")
        for _ in range(_MOST_PAGES):
            page = self._page(address)
            if not isinstance(page, _Page):
                return page
            if any(_is_sent(one, letter, marked=marked) for one in page.rows):
                return True
            if page.following is None:
                return False
            if not self._graph.is_own(page.following):
                return Later("answer")
            address = str(page.following)
        return Later("answer")

    def _page(self, address: str) -> _Page | bool | Outcome:
        """Some of what was found; False where it cannot be looked for so, or an outcome where that is not known."""
        answer = self._graph.ask("GET", address)
        if not isinstance(answer, Answer):
            return answer
        if answer.status in _CANNOT_LOOK_SO:
            return False
        if answer.status == HTTPStatus.NOT_FOUND:  # of a search: it is the mailbox that is not there
            return Refused(permanent=False, code=answer.code)
        told = answer.told() if answer.is_yes else None
        rows = None if told is None else told.get("value")
        if told is None or not isinstance(rows, list):
            return Later("answer")
        return _Page(rows, told.get("@odata.nextLink"))


@dataclass(frozen=True, slots=True)
class _Page:
    rows: Sequence[object]
    following: object


@dataclass(frozen=True, slots=True)
class _Letter:
    id: str
    to: str

    @property
    def mark(self) -> str:
        """An opaque id of this letter to this address: the same letter to an address that was mended has another."""
        return str(uuid5(NAMESPACE_URL, f"mid:{self.id} {self.to}"))


def _letter(message: bytes) -> _Letter | None:
    """What a finished letter says of itself; None where it is none, or could reach anyone else."""
    if not message.isascii() or b"\r\n\r\n" not in message:
        return None
    # compat32: the headings as they were written, not as a parser would mend them.
    head = BytesHeaderParser(policy=policy.compat32).parsebytes(message)
    ids, to = head.get_all("Message-ID", []), head.get_all("To", [])
    if len(ids) != 1 or len(to) != 1 or "Cc" in head or "Bcc" in head:
        return None
    message_id, addresses = str(ids[0]).strip(), getaddresses([str(to[0])])
    if not _MESSAGE_ID.fullmatch(message_id) or len(addresses) != 1:
        return None
    return _Letter(message_id, addresses[0][1])


def _is_sent(one: object, letter: _Letter, *, marked: bool) -> bool:
    """Whether what was found is the letter: sent, and to the same address where only its Message-ID was looked for."""
    if not isinstance(one, Mapping) or one.get("isDraft") is not False:
        return False
    return marked or letter.to.lower() in _recipients(one)


def _recipients(one: Mapping[str, object]) -> Iterator[str]:
    listed = one.get("toRecipients")
    for recipient in listed if isinstance(listed, list) else ():
        box = recipient.get("emailAddress") if isinstance(recipient, Mapping) else None
        address = box.get("address") if isinstance(box, Mapping) else None
        if isinstance(address, str):
            yield address.lower()
