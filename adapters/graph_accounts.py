"""Accounts in the tenant's directory by Microsoft Graph: the Accounts port. Closing disables one and ends its sign-ins.

Nothing is deleted: what a person wrote stays their organization's. The registration needs the right to disable users,
which mail does not need; without it, a person closes accounts, as where no directory is set.
"""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from typing import Final

from adapters.graph import Answer, Graph
from models.ports import Accepted, AccountState, Later, Outcome, Refused, Unknown

#: A user principal name or an object id; anything else leads nowhere, and to no one else.
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9'+=_~.@-]{0,119}")
_JSON: Final = {"Content-Type": "application/json"}
_STATES: Final[dict[bool, AccountState]] = {True: "open", False: "closed"}


class GraphAccounts:
    """Closes the accounts of one system, and says whether they are closed; see `models.ports.Accounts`."""

    def __init__(self, graph: Graph, system: str) -> None:
        self._graph = graph
        self._system = system

    @property
    def system(self) -> str:
        """The system whose accounts are in this directory."""
        return self._system

    def close(self, user_name: str) -> Outcome:
        """Disable an account, then end its sign-ins: in the other order one could begin in between."""
        if not _NAME.fullmatch(user_name):
            return Refused(permanent=True, code="name")
        disabled = self._graph.ask(
            "PATCH",
            self._graph.address_of(user_name),
            body=json.dumps({"accountEnabled": False}).encode(),
            headers=_JSON,
        )
        outcome = _outcome(disabled)
        if not isinstance(outcome, Accepted):
            return outcome
        return _outcome(self._graph.ask("POST", self._graph.address_of(user_name, "/revokeSignInSessions"), body=b""))

    def state(self, user_name: str) -> AccountState | Later | Refused:
        """Whether the account is enabled, as the directory says now."""
        if not _NAME.fullmatch(user_name):
            return "absent"
        answer = self._graph.ask("GET", self._graph.address_of(user_name, "?$select=accountEnabled"))
        if isinstance(answer, Unknown):
            return Later("connect")
        if not isinstance(answer, Answer):
            return answer
        if answer.status == HTTPStatus.NOT_FOUND:
            return "absent"
        told = answer.told() if answer.is_yes else None
        enabled = told.get("accountEnabled") if told is not None else None
        return _STATES[enabled] if isinstance(enabled, bool) else Later("answer")


def _outcome(answer: Answer | Later | Refused | Unknown) -> Outcome:
    if not isinstance(answer, Answer):
        return answer
    if answer.status in (HTTPStatus.OK, HTTPStatus.NO_CONTENT):
        return Accepted()
    return Unknown() if answer.is_yes else Refused(permanent=True, code=answer.code)
