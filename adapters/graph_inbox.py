"""What comes into a mailbox, by Microsoft Graph: the Inbox port over its delta, a page at a time."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote, urlencode

from adapters.graph import MOST_JSON, Answer, Graph
from models.ports import Incoming, Later, Lost, Refused, Unknown

_log = logging.getLogger(__name__)

#: Mails a page: each is fetched on its own, and a page is dealt with as one.
PAGE: Final = 25
_LONGEST_PLACE: Final = 16_384
#: Ids that stay the same where a person moves a mail to another folder between the page and the fetching.
_IDS: Final = 'IdType="ImmutableId"'
_GONE: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
#: The answers about a place that is too old, or a mailbox that was moved.
_PLACE_IS_LOST: Final = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.GONE})


@dataclass(frozen=True)
class _Page:
    """A page of what came: its rows, the place after it, and whether there is more now."""

    rows: Sequence[Any]
    following: str
    more: bool


class GraphInbox:
    """The inbox of one mailbox. Nothing in it is changed, marked as read or moved: people read there too."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    @property
    def name(self) -> str:
        """See `models.ports.Inbox`."""
        return self._graph.mailbox

    def read(self, *, place: str, since: datetime, most_bytes: int) -> Incoming | Lost | Later | Refused:
        """See `models.ports.Inbox`."""
        if place and not self._graph.is_own(place):
            return Lost()
        answer = self._get(place or self._beginning(since), f"{_IDS}, odata.maxpagesize={PAGE}")
        if not isinstance(answer, Answer):
            return answer
        if place and answer.status in _PLACE_IS_LOST:
            return Lost()
        if not answer.is_yes:
            return Refused(permanent=False, code=answer.code)
        page = self._page(answer)
        if page is None:
            return Later("answer")
        messages = self._fetched(page.rows, most_bytes)
        return Incoming(tuple(messages), page.following, page.more) if isinstance(messages, list) else messages

    def _get(self, address: str, prefer: str, *, most: int = MOST_JSON) -> Answer | Later | Refused:
        answer = self._graph.ask("GET", address, headers={"Prefer": prefer}, most=most)
        return Later("connect") if isinstance(answer, Unknown) else answer

    def _page(self, answer: Answer) -> _Page | None:
        """A page and the place after it; None where it says neither, or leads elsewhere."""
        told = answer.told()
        rows = None if told is None else told.get("value")
        if told is None or not isinstance(rows, list):
            return None
        more = "@odata.nextLink" in told
        following = told.get("@odata.nextLink" if more else "@odata.deltaLink")
        if not isinstance(following, str) or not self._graph.is_own(following) or len(following) > _LONGEST_PLACE:
            _log.error("Graph leads elsewhere than to the mailbox, or nowhere: nothing was read")
            return None
        return _Page(rows, following, more)

    def _beginning(self, since: datetime) -> str:
        """The start of a reading: what came since that moment, and then what comes; no change of older mails."""
        moment = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        query = {"changeType": "created", "$select": "id", "$filter": f"receivedDateTime ge {moment}"}
        return self._graph.address(f"/mailFolders/inbox/messages/delta?{urlencode(query)}")

    def _fetched(self, rows: Sequence[Any], most_bytes: int) -> list[bytes] | Later | Refused:
        """Each mail of a page as it arrived, or why the page cannot be read now. What is gone since is left out."""
        found: list[bytes] = []
        for row in rows:
            if not isinstance(row, Mapping) or "@removed" in row or not isinstance(row.get("id"), str):
                continue
            address = self._graph.address(f"/messages/{quote(row['id'], safe='')}/$value")
            # One byte more than is ever taken, so that what is too large is known as such.
            answer = self._get(address, _IDS, most=most_bytes + 1)
            if not isinstance(answer, Answer):
                return answer
            if answer.is_yes:
                found.append(answer.body)
            elif answer.status not in _GONE:
                return Later(answer.code)
        return found
