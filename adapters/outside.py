"""The outside world as the settings name it: how letters are sent, which mailbox is read, what closes accounts."""

import logging
from collections.abc import Callable

from adapters.folder_mail import FolderMailer
from adapters.mail import ANSWER_SECONDS, SmtpMailer
from adapters.settings import Settings
from adapters.smtp_dialogue import Step
from adapters.smtp_settings import Smtp
from models.ports import Accounts, Inbox, Mailer

_log = logging.getLogger(__name__)


def outside_of(settings: Settings) -> tuple[Mailer | None, Inbox | None, Accounts | None]:
    """How letters are sent, the mailbox that is read, and the directory that closes accounts.

    In a demonstration, where no person is real, a folder and neither. Otherwise the relay that is set, or the mailbox
    of Microsoft Graph. Without a mailer, letters wait; without a directory, people close accounts.
    """
    if settings.demo:
        return FolderMailer(settings.data / "mail"), None, None
    if settings.graph is not None:
        # Read where it is used: a worker with a relay need not hold what speaks to Graph and its directory.
        from adapters.graph import Graph  # noqa: PLC0415
        from adapters.graph_accounts import GraphAccounts  # noqa: PLC0415
        from adapters.graph_inbox import GraphInbox  # noqa: PLC0415
        from adapters.graph_mail import GraphMailer  # noqa: PLC0415

        graph = Graph(settings.graph)
        accounts = GraphAccounts(graph, settings.graph.accounts) if settings.graph.accounts else None
        return GraphMailer(graph), GraphInbox(graph), accounts
    if settings.smtp is None:
        _log.warning("neither SMTP_HOST nor SPHERES_MAIL is set: letters wait")
        return None, None, None
    return by_relay(settings.smtp), None, None


def by_relay(
    smtp: Smtp, *, timeout: float = ANSWER_SECONDS, begins: Callable[[Step], None] = lambda _: None
) -> SmtpMailer:
    """The mailer of a relay, which reads its password at each connection. `timeout` and `begins` as it takes them."""
    return SmtpMailer(
        smtp.host,
        smtp.port,
        envelope_from=smtp.sender,
        username=smtp.username or None,
        password=smtp.password if smtp.username else None,
        encryption=smtp.encryption,
        ca_file=smtp.ca_file,
        timeout=timeout,
        begins=begins,
    )
