"""The registration by which an installation sends and reads its mail through Microsoft Graph."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from adapters.environment import SettingsError, id_of, text_of
from adapters.registration import Registration, host_of

_PUBLIC_GRAPH: Final = "https://graph.microsoft.com"
_ADDRESS: Final = re.compile(r"[A-Za-z0-9!#$%&'*+=?^_`{|}~.-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_SYSTEM: Final = re.compile(r"[a-z][a-z0-9-]{0,60}")
#: Every variable of this registration.
VARIABLES: Final = (
    *("GRAPH_CLIENT_ID", "GRAPH_TENANT", "GRAPH_MAILBOX", "GRAPH_CLIENT_SECRET_FILE", "GRAPH_CERTIFICATE_FILE"),
    *("GRAPH_AUTHORITY", "GRAPH_URL", "GRAPH_CA_FILE", "GRAPH_ACCOUNTS"),
)


@dataclass(frozen=True, kw_only=True)
class GraphSettings(Registration):
    """The registration in the tenant that has the mailbox, and the shared mailbox that letters come from.

    `mailbox` is its address: of the sender, of the meetings' organizer, and of the place to which answers come back.
    `accounts` is the system of the program whose accounts are in the tenant's directory, such as secure-network, where
    the registration may close them; "" where people do. `authority` and `url` are the cloud's addresses without a path,
    over TLS: there is no way of setting another.
    """

    word: ClassVar[str] = "GRAPH"

    mailbox: str
    url: str = _PUBLIC_GRAPH
    accounts: str = ""


def graph_of(env: Mapping[str, str]) -> GraphSettings:
    """The registration, checked as far as this machine can. Raises SettingsError at the first error."""
    for name in ("GRAPH_CLIENT_ID", "GRAPH_TENANT", "GRAPH_MAILBOX"):
        if not text_of(env, name, ""):
            raise SettingsError(name, "is needed with SPHERES_MAIL=graph.")
    mailbox = text_of(env, "GRAPH_MAILBOX", "")
    if not _ADDRESS.fullmatch(mailbox):
        raise SettingsError("GRAPH_MAILBOX", "must be the mailbox's one plain address, such as spheres@example.org.")
    client_id = str(id_of("GRAPH_CLIENT_ID", text_of(env, "GRAPH_CLIENT_ID", "")))
    tenant = str(id_of("GRAPH_TENANT", text_of(env, "GRAPH_TENANT", "")))
    accounts = text_of(env, "GRAPH_ACCOUNTS", "")
    if accounts and not _SYSTEM.fullmatch(accounts):
        raise SettingsError("GRAPH_ACCOUNTS", "must be the name of one system, such as secure-network.")
    url = host_of(env, "GRAPH_URL", _PUBLIC_GRAPH)
    return GraphSettings.of(env, client_id=client_id, tenant=tenant, mailbox=mailbox, url=url, accounts=accounts)
