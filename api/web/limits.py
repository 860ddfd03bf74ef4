"""How often one may knock: tries at the doors are counted in the database, right for every process of the web alike.

Counted are whole quarters of an hour, under a digest of what is counted: who asks, by the address of their connection,
and whose letter is asked for. Where a proxy stands in front, the connection's address is the one that the proxy names,
if the settings say that it is to be believed (SPHERES_TRUSTED_PROXIES), and the proxy's own otherwise.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

from fastapi import Request
from sqlalchemy import bindparam
from sqlalchemy.dialects.postgresql import insert
from starlette.exceptions import HTTPException

from api.access.session import Installation, installation_of
from domain.kernel import col, scalar
from models.access import RateCount

_log = logging.getLogger("spheres.web")

SPAN: Final = timedelta(minutes=15)

#: A whole agency may reach us by one address: at nine in the morning all of its staff sign in.
SIGN_IN_TRIES: Final = 200
#: Links asked for by letter from one address of the network.
LETTERS_FROM_ONE_PLACE: Final = 30
#: Links asked for to one address of mail: from one place and from all. Whoever types another's address over and over
#: uses up what is theirs to ask for, and leaves its owner some.
LETTERS_TO_ONE_ADDRESS: Final = 5
LETTERS_TO_ONE_ADDRESS_FROM_ALL: Final = 15
_adding = insert(RateCount).values(key=bindparam("key"), starts_at=bindparam("starts_at"), tries=1)
#: One statement, which of two at the same instant lets each see its own number.
_TRY: Final = _adding.on_conflict_do_update(
    index_elements=[col(RateCount.key), col(RateCount.starts_at)], set_={"tries": col(RateCount.tries) + 1}
).returning(col(RateCount.tries))


class TooMany(HTTPException):
    """There were too many tries. Retry-After says in how many seconds the next one counts anew."""

    def __init__(self, seconds: int) -> None:
        super().__init__(429, headers={"Retry-After": str(seconds)})


def hit(installation: Installation, what: str, subject: str, *, most: int) -> None:
    """Count one more try of `what` by or for `subject`, kept whatever becomes of the request. Raises TooMany."""
    at = installation.clock()
    begun = datetime.fromtimestamp(at.timestamp() // SPAN.total_seconds() * SPAN.total_seconds(), UTC)
    key = hashlib.sha256(f"{what}\n{subject}".encode()).hexdigest()
    with installation.transaction() as session:
        tries = scalar(session, _TRY, {"key": key, "starts_at": begun}) or 1
    if tries > most:
        if tries == most + 1:
            _log.warning("too many tries", extra={"part": what})
        raise TooMany(max(1, int((begun + SPAN - at).total_seconds())))


def hit_for_letter(installation: Installation, request: Request, address: str) -> None:
    """Count a link that is asked for to an address, before it is known whether a person has it. Raises TooMany.

    What one place asked for past its own limits does not count for the others.
    """
    place, address = place_of(request), address.lower()
    hit(installation, "letter_from", place, most=LETTERS_FROM_ONE_PLACE)
    hit(installation, "letter_to_from", f"{address}\n{place}", most=LETTERS_TO_ONE_ADDRESS)
    hit(installation, "letter_to", address, most=LETTERS_TO_ONE_ADDRESS_FROM_ALL)


def from_one_place(what: str, *, most: int) -> Callable[[Request], None]:
    """A route's dependency: as `hit`, for the place that the request comes from."""

    def knock(request: Request) -> None:
        hit(installation_of(request), what, place_of(request), most=most)

    return knock


#: For every route by which someone comes in, whatever the means: a dependency of theirs.
sign_in_tried: Final = from_one_place("sign_in", most=SIGN_IN_TRIES)


def place_of(request: Request) -> str:
    """Where a request comes from. Of IPv6 a whole network: the holder of one address there has all of them."""
    host = request.client.host if request.client is not None else ""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or ip_network((address, 64), strict=False))
    return str(address)
