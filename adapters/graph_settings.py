"""The registration by which an installation sends and reads its mail through Microsoft Graph."""

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from adapters.environment import SettingsError, id_of, path_of, text_of
from adapters.registration import PUBLIC_CLOUD, credential_of, files_of, host_of, trust_of

_PUBLIC_GRAPH: Final = "https://graph.microsoft.com"
_ADDRESS: Final = re.compile(r"[A-Za-z0-9!#$%&'*+=?^_`{|}~.-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_SYSTEM: Final = re.compile(r"[a-z][a-z0-9-]{0,60}")
#: Every variable of this registration.
VARIABLES: Final = (
    *("GRAPH_CLIENT_ID", "GRAPH_TENANT", "GRAPH_MAILBOX", "GRAPH_CLIENT_SECRET_FILE", "GRAPH_CERTIFICATE_FILE"),
    *("GRAPH_AUTHORITY", "GRAPH_URL", "GRAPH_CA_FILE", "GRAPH_ACCOUNTS"),
)


@dataclass(frozen=True)
class GraphSettings:
    """The registration in the tenant that has the mailbox, and the shared mailbox that letters come from.

    `mailbox` is its address: of the sender, of the meetings' organizer, and of the place to which answers come back.
    `accounts` is the system of the program whose accounts are in the tenant's directory, such as secure-network, where
    the registration may close them; "" where people do. `authority` and `url` are the cloud's addresses without a path,
    over TLS: there is no way of setting another.
    """

    client_id: str
    tenant: str
    mailbox: str
    authority: str = PUBLIC_CLOUD
    url: str = _PUBLIC_GRAPH
    secret_file: Path | None = None
    certificate_file: Path | None = None
    ca_file: Path | None = None
    accounts: str = ""

    def credential(self) -> str | dict[str, str]:
        """Our proof for msal, read anew each time. Raises SettingsError."""
        return credential_of("GRAPH", self.secret_file, self.certificate_file)

    def trusted(self) -> ssl.SSLContext | None:
        """The authorities that are trusted for Microsoft, where the system's do not decide. Raises SettingsError."""
        return trust_of("GRAPH", self.ca_file)


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
    secret, certificate = files_of(env, "GRAPH")
    graph = GraphSettings(
        client_id=client_id,
        tenant=tenant,
        mailbox=mailbox,
        authority=host_of(env, "GRAPH_AUTHORITY", PUBLIC_CLOUD),
        url=host_of(env, "GRAPH_URL", _PUBLIC_GRAPH),
        secret_file=secret,
        certificate_file=certificate,
        ca_file=path_of(env, "GRAPH_CA_FILE"),
        accounts=accounts,
    )
    graph.credential()  # what is missing is told now, not with the first letter
    graph.trusted()
    return graph
