"""The directory in which people have their account: Microsoft Entra ID, by msal, a new application each sign-in.

MSAL makes the addresses and fetches the token; `adapters.id_tokens` says whether the token tells the truth.
"""

from __future__ import annotations

import hmac
import logging
import time
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Final
from urllib.parse import urlencode

import httpx2
import msal  # type: ignore[import-untyped]  # it has no types
from msal.exceptions import MsalError  # type: ignore[import-untyped]  # the same

from adapters.entra_settings import SEVERAL_TENANTS, EntraSettings
from adapters.environment import SettingsError
from adapters.for_msal import OUR_FAULT, ForMsal, NoTokens
from adapters.id_tokens import Directory, Unreachable, prove
from models.ports import Begun, FlowKept, Proven, ProviderUnavailable, Unproven

_log = logging.getLogger(__name__)

_TIMEOUT: Final = httpx2.Timeout(10.0, connect=5.0)


class Entra:
    """People sign in at Entra ID: authorization code with PKCE, answered by a form that the browser posts.

    `return_to` is our address that Entra answers at, `left_to` where it sends those who signed out; both are written
    in the registration, letter by letter.
    """

    def __init__(
        self, settings: EntraSettings, *, return_to: str, left_to: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._return_to = return_to
        self._left_to = left_to
        # A client of our own: MSAL's obeys REQUESTS_CA_BUNDLE before what it is told. No redirection is followed, so
        # that our secret goes nowhere else.
        trusted = settings.trusted()
        self._http = httpx2.Client(timeout=_TIMEOUT, verify=True if trusted is None else trusted)
        self._authority = f"{settings.authority}/{settings.tenant}"
        several = settings.tenant == SEVERAL_TENANTS
        issuer = f"{settings.authority}/{'{tenantid}' if several else settings.tenant}/v2.0"
        self._directory = Directory(self._http, f"{self._authority}/v2.0", expected_issuer=issuer, clock=clock)
        #: What MSAL remembers of the directory between applications; no token is in it.
        self._remembered: dict[str, object] = {}

    def begin(self, *, choosing: bool = False) -> Begun | ProviderUnavailable:
        """See `models.ports.SignInProvider`."""
        try:
            self._directory.published()  # people are not sent where we could not check the answer afterwards
        except Unreachable as away:
            _log.warning("the directory does not answer", extra={"code": away.code})
            return ProviderUnavailable(away.code)
        application = self._application()
        if isinstance(application, ProviderUnavailable):
            return application
        # No scope of ours: "profile", which MSAL adds, is what puts `oid` into the token.
        flow = application.initiate_auth_code_flow(
            [], redirect_uri=self._return_to, response_mode="form_post", prompt="select_account" if choosing else None
        )
        address = str(flow.pop("auth_uri"))
        return Begun(address, flow) if address.startswith("https://") else ProviderUnavailable("answer")

    def finish(self, kept: FlowKept, answer: Mapping[str, str]) -> Proven | Unproven | ProviderUnavailable:
        """See `models.ports.SignInProvider`."""
        if not hmac.compare_digest(answer.get("state", "").encode(), str(kept["state"]).encode()):
            return Unproven("state")
        if "error" in answer:
            return Unproven("cancelled" if answer["error"] == "access_denied" else "provider")
        if not answer.get("code"):
            return Unproven("answer")
        token = self._fetched(kept, {"state": answer["state"], "code": answer["code"]})
        if not isinstance(token, str):
            return token
        return prove(
            token,
            self._directory,
            audience=self._settings.client_id,
            tenants=self._settings.tenants,
            nonce=sha256(str(kept["nonce"]).encode()).hexdigest(),  # as MSAL sends it
        )

    def farewell(self) -> str:
        """See `models.ports.SignInProvider`."""
        try:
            end = self._directory.published().end_session
        except Unreachable as away:
            _log.warning("the directory is not told of a sign-out", extra={"code": away.code})
            return ""
        if not end:
            return ""
        there = urlencode({"client_id": self._settings.client_id, "post_logout_redirect_uri": self._left_to})
        return f"{end}{'&' if '?' in end else '?'}{there}"

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def _fetched(self, kept: FlowKept, answer: Mapping[str, str]) -> str | Unproven | ProviderUnavailable:
        """The ID token that the directory gives for the code that came back."""
        application = self._application()
        if isinstance(application, ProviderUnavailable):
            return application
        try:
            found = application.acquire_token_by_auth_code_flow(dict(kept), dict(answer))
        except httpx2.HTTPError as away:
            return _away(away)
        except MsalError:
            return ProviderUnavailable("busy")
        except Exception as stumbled:  # noqa: BLE001  # MSAL reads an unverified token with no care for its shape
            _log.warning("the directory's answer cannot be read", extra={"error": type(stumbled).__name__})
            return Unproven("token")
        if not isinstance(found, dict):
            return Unproven("token")
        error = found.get("error")
        if error in OUR_FAULT:
            _log.error("the directory refuses our registration or its secret", extra={"code": error})
            return ProviderUnavailable("credential")
        if error:
            return Unproven("code")
        token = found.get("id_token")
        return token if isinstance(token, str) else Unproven("token")

    def _application(self) -> msal.ConfidentialClientApplication | ProviderUnavailable:
        """An application for one sign-in: a shared one would keep the tokens of everyone who ever came."""
        try:
            return msal.ConfidentialClientApplication(
                self._settings.client_id,
                client_credential=self._settings.credential(),
                authority=self._authority,
                instance_discovery=False,  # the operator names the cloud; no other host is asked whether it is one
                exclude_scopes=["offline_access"],  # we sign people in, and ask nothing in their name afterwards
                http_client=ForMsal(self._http),
                http_cache=self._remembered,
                token_cache=NoTokens(),
            )
        except SettingsError as gone:
            _log.error("nobody can sign in: a setting cannot be used", extra={"code": gone.variable})
            return ProviderUnavailable("credential")
        except httpx2.HTTPError as away:
            return _away(away)
        except Exception as stumbled:  # noqa: BLE001  # MSAL reads a description with no care for its shape
            _log.warning("the directory's description cannot be read", extra={"error": type(stumbled).__name__})
            return ProviderUnavailable("answer")


def _away(error: httpx2.HTTPError) -> ProviderUnavailable:
    code = "timeout" if isinstance(error, httpx2.TimeoutException) else "connect"
    _log.warning("the directory does not answer", extra={"code": code})
    return ProviderUnavailable(code)
