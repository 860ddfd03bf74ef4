"""A directory of the tests' own on loopback, over TLS, with Entra's addresses: honest until a test bends it.

No honest provider makes a bad token, so this one makes every kind. It checks what Entra checks: the registration, its
secret or certificate, the address to return to, PKCE, and that a code is used once.
"""

from __future__ import annotations

import json
import secrets
import socket
import ssl
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID, uuid4

import jwt
import trustme
import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from jwt.algorithms import RSAAlgorithm

from adapters.entra_settings import SEVERAL_TENANTS, EntraSettings

CLIENT_ID: Final = "8d9e1f00-0000-4000-8000-0000000000c1"
TENANT: Final = UUID("11111111-0000-4000-8000-000000000001")
OTHER_TENANT: Final = UUID("22222222-0000-4000-8000-000000000002")
STRANGE_TENANT: Final = UUID("33333333-0000-4000-8000-000000000003")
SECRET: Final = "a word of the registration"
HERE: Final = "https://spheres.example"
RETURN_TO: Final = f"{HERE}/auth/callback"
LEFT_TO: Final = f"{HERE}/sign-in"


class _Absent:
    """Stands for what is left out; it is called alike in every process, as the names of tests must be."""

    def __repr__(self) -> str:
        return "absent"


#: In a bent token or description: without this claim.
ABSENT: Final = _Absent()


@dataclass(frozen=True)
class Account:
    """Someone's account in the directory of a tenant. Two of them may carry one address."""

    object_id: UUID = field(default_factory=uuid4)
    tenant: UUID = TENANT
    email: str = "someone@agency.example"


@dataclass
class Bend:
    """How the next token lies. Everything else about it is honest, so that one thing is tried at a time."""

    claims: Mapping[str, Any] = field(default_factory=dict)
    head: Mapping[str, Any] = field(default_factory=dict)
    algorithm: str = "RS256"
    key: Any = None  # signs instead of the published one
    whole: str | None = None  # the token itself, letter by letter


@dataclass
class _Code:
    account: Account
    asked: dict[str, str]


class FakeEntra:
    """The directory. `signing` is the key that it signs with, `kid` its name; `calls` counts what it was asked."""

    def __init__(self, folder: Path) -> None:
        self.authority = ""
        self.folder = folder
        self.ca = trustme.CA()
        self.ca_file = folder / "ca.pem"
        self.ca.cert_pem.write_to_path(str(self.ca_file))
        self.secret_file = folder / "secret"
        self.secret_file.write_text(SECRET + "\n", encoding="utf-8")
        self.certificate_file, self._certificate = self._certified()
        self.reset()

    def reset(self) -> None:
        """Honest again, as at the start."""
        self.signing, self.kid = some_key("first"), "first"
        self.published: list[dict[str, Any]] = [jwk(self.signing, self.kid)]
        self.bend = Bend()
        self.description: dict[str, Any] = {}
        self.failing: dict[str, tuple[int, Any]] = {}
        self.calls: dict[str, int] = {}
        self._codes: dict[str, _Code] = {}

    def settings(self, *, several: bool = False, certificate: bool = False) -> EntraSettings:
        """The registration of an installation: of one tenant, or of two on its list."""
        return EntraSettings(
            client_id=CLIENT_ID,
            tenant=SEVERAL_TENANTS if several else str(TENANT),
            tenants=frozenset({TENANT, OTHER_TENANT} if several else {TENANT}),
            authority=self.authority,
            secret_file=None if certificate else self.secret_file,
            certificate_file=self.certificate_file if certificate else None,
            ca_file=self.ca_file,
        )

    def authorize(self, address: str, account: Account) -> dict[str, str]:
        """What someone's browser brings back from `address`, once they have signed in there: the posted form."""
        asked = self._asked(address)
        code = secrets.token_urlsafe(16)
        self._codes[code] = _Code(account, asked)
        return {"code": code, "state": asked["state"], "session_state": str(uuid4()), "client_info": "e30"}

    def turned_down(self, address: str, error: str = "access_denied") -> dict[str, str]:
        """As `authorize`, of someone who went back, or whom the directory did not let through."""
        return {
            "error": error,
            "error_description": "AADSTS: nobody reads this",
            "state": self._asked(address)["state"],
        }

    def id_token(self, account: Account, nonce: str) -> str:
        """The token of someone who signed in: honest but for how it is bent."""
        if self.bend.whole is not None:
            return self.bend.whole
        now = int(time.time())
        tenant, bend = account.tenant, self.bend
        honest = {
            "ver": "2.0",
            "iss": f"{self.authority}/{tenant}/v2.0",
            "aud": CLIENT_ID,
            "sub": sha256(account.object_id.bytes).hexdigest(),
            "tid": str(tenant),
            "oid": str(account.object_id),
            "preferred_username": account.email,
            "email": account.email,
            "nonce": nonce,
            "iat": now,
            "nbf": now,
            "exp": now + 3600,
        }
        claims = honest | dict(bend.claims)
        head = {"typ": "JWT", "alg": bend.algorithm, "kid": self.kid} | dict(bend.head)
        signed = ".".join(_part({n: v for n, v in part.items() if v is not ABSENT}) for part in (head, claims))
        # Not by PyJWT's `encode`, which refuses to write the stranger lies.
        signer = jwt.get_algorithm_by_name(bend.algorithm)
        key = signer.prepare_key(self.signing if bend.key is None else bend.key) if bend.algorithm != "none" else None
        return f"{signed}.{urlsafe_b64encode(signer.sign(signed.encode(), key)).rstrip(b'=').decode()}"

    def rotate(self, name: str) -> None:
        """Sign with a new key from now on, and publish it alone."""
        self.signing, self.kid = some_key(name), name
        self.published = [jwk(self.signing, name)]

    def app(self) -> FastAPI:
        """The directory's addresses."""
        app = FastAPI(openapi_url=None)

        @app.get("/{tenant}/v2.0/.well-known/openid-configuration")
        def describe(tenant: str) -> Response:
            return self._answer("description", self._describe(tenant))

        @app.get("/{tenant}/discovery/v2.0/keys")
        def keys(tenant: str) -> Response:  # noqa: ARG001  # each tenant publishes the same
            return self._answer("keys", {"keys": self.published})

        @app.post("/{tenant}/oauth2/v2.0/token")
        async def token(tenant: str, request: Request) -> Response:
            form = dict(parse_qsl((await request.body()).decode()))
            status, body = self._token(tenant, form)
            return self._answer("token", body, status)

        return app

    def _answer(self, place: str, body: Any, status: int = 200) -> Response:
        self.calls[place] = self.calls.get(place, 0) + 1
        if place in self.failing:
            status, body = self.failing[place]
        if isinstance(body, bytes):
            return Response(body, status)
        return JSONResponse(body, status)

    def _describe(self, tenant: str) -> dict[str, Any]:
        there = f"{self.authority}/{tenant}"
        whose = "{tenantid}" if tenant == SEVERAL_TENANTS else tenant
        about = {
            "issuer": f"{self.authority}/{whose}/v2.0",
            "authorization_endpoint": f"{there}/oauth2/v2.0/authorize",
            "token_endpoint": f"{there}/oauth2/v2.0/token",
            "jwks_uri": f"{there}/discovery/v2.0/keys",
            "end_session_endpoint": f"{there}/oauth2/v2.0/logout",
        } | self.description
        return {name: value for name, value in about.items() if value is not ABSENT}

    def _asked(self, address: str) -> dict[str, str]:
        """What a browser was sent here with; a directory refuses anything else before it asks who somebody is."""
        asked = dict(parse_qsl(urlsplit(address).query))
        assert address.startswith(f"{self.authority}/")
        assert asked["client_id"] == CLIENT_ID
        assert asked["redirect_uri"] == RETURN_TO
        assert (asked["response_type"], asked["response_mode"]) == ("code", "form_post")
        assert (asked["code_challenge_method"], len(asked["code_challenge"])) == ("S256", 43)
        assert set(asked["scope"].split()) == {"openid", "profile"}
        return asked

    def _token(self, tenant: str, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        if not self._is_registered(tenant, form):
            return 401, {"error": "invalid_client", "error_description": "AADSTS7000215: the secret is not right"}
        held = self._codes.pop(form.get("code", ""), None)
        proof = urlsafe_b64encode(sha256(form.get("code_verifier", "").encode()).digest()).rstrip(b"=").decode()
        if (
            held is None
            or form.get("redirect_uri") != held.asked["redirect_uri"]
            or proof != held.asked["code_challenge"]
        ):
            return 400, {"error": "invalid_grant", "error_description": "AADSTS54005: the code was used already"}
        answer: dict[str, Any] = {"token_type": "Bearer", "expires_in": 3600, "access_token": "none of ours"}
        token = self.id_token(held.account, held.asked["nonce"])
        return 200, answer | {"id_token": token, "scope": "openid profile"}

    def _is_registered(self, tenant: str, form: dict[str, str]) -> bool:
        if form.get("client_id") != CLIENT_ID:
            return False
        if "client_assertion" not in form:
            return form.get("client_secret") == self.secret_file.read_text(encoding="utf-8").strip()
        said = jwt.decode(
            form["client_assertion"],
            self._certificate.public_key(),  # type: ignore[arg-type]  # ours is of RSA
            algorithms=["PS256"],
            audience=f"{self.authority}/{tenant}/oauth2/v2.0/token",
        )
        return bool(said["iss"] == said["sub"] == CLIENT_ID)

    def _certified(self) -> tuple[Path, x509.Certificate]:
        """A key and its certificate in one file, as an operator makes them."""
        made = self.ca.issue_cert("registration.example", key_type=trustme.KeyType.RSA)
        file = self.folder / "registration.pem"
        certificate = made.cert_chain_pems[0].bytes()
        file.write_bytes(made.private_key_pem.bytes() + certificate)
        return file, x509.load_pem_x509_certificate(certificate)


@contextmanager
def serving(folder: Path) -> Iterator[FakeEntra]:
    """The directory on a free port of loopback, under a certificate that only its own CA vouches for."""
    fake = FakeEntra(folder)
    chain = folder / "server.pem"
    fake.ca.issue_cert("localhost", "127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(chain))
    with listening() as listener, over_tls(fake.app(), chain, listener) as address:
        fake.authority = address
        yield fake


@contextmanager
def listening() -> Iterator[socket.socket]:
    """A free port of loopback, held."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)
        yield listener


@contextmanager
def over_tls(app: Any, chain: Path, listener: socket.socket) -> Iterator[str]:
    """Serves `app` on a port that is held, with this key and certificate; gives its address."""
    config = uvicorn.Config(app, log_level="error", lifespan="off", ssl_certfile=chain, ssl_keyfile=chain)
    config.load()
    assert isinstance(config.ssl, ssl.SSLContext)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    end = time.monotonic() + 10
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        assert time.monotonic() < end, "the server did not start in time"
        time.sleep(0.01)
    try:
        yield f"https://localhost:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)


@cache
def some_key(name: str, bits: int = 2048) -> RSAPrivateKey:
    """A key of RSA under a name of its own; making one takes a while, so it is made once."""
    assert name
    return generate_private_key(public_exponent=65537, key_size=bits)


def jwk(key: RSAPrivateKey, kid: str, **other: Any) -> dict[str, Any]:
    """A key as the directory publishes it."""
    public: dict[str, Any] = json.loads(RSAAlgorithm.to_jwk(key.public_key()))
    return {name: public[name] for name in ("kty", "n", "e")} | {"kid": kid, "use": "sig"} | other


def _part(said: Mapping[str, Any]) -> str:
    return urlsafe_b64encode(json.dumps(said).encode()).rstrip(b"=").decode()
