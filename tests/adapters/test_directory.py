"""Signing in at a directory: whom an honest one proves, how a token may lie, and what one that is away does.

The lies are those of a table: each row says all that is true of a sign-in but for one thing.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit
from uuid import UUID

import httpx2
import pytest

from adapters.directory import Entra
from adapters.id_tokens import Directory, prove
from models.ports import Begun, Proven, ProviderUnavailable, SignInProvider, Unproven
from tests.fakes.entra import (
    ABSENT,
    CLIENT_ID,
    LEFT_TO,
    OTHER_TENANT,
    RETURN_TO,
    SECRET,
    STRANGE_TENANT,
    TENANT,
    Account,
    Bend,
    FakeEntra,
    jwk,
    serving,
    some_key,
)

ALICE = Account(UUID("aaaaaaaa-0000-4000-8000-00000000000a"), TENANT, "alice@agency.example")
#: Someone else, in another tenant, whose account carries the same address.
HER_NAMESAKE = Account(UUID("bbbbbbbb-0000-4000-8000-00000000000b"), OTHER_TENANT, "alice@agency.example")
STRANGER = Account(UUID("cccccccc-0000-4000-8000-00000000000c"), STRANGE_TENANT)


class Clock:
    """The seconds of a process, as a test moves them."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeEntra]:
    """The directory of this module's tests."""
    with serving(tmp_path_factory.mktemp("entra")) as fake:
        yield fake


@pytest.fixture
def fake(served: FakeEntra) -> FakeEntra:
    """The directory, honest."""
    served.reset()
    return served


@pytest.fixture
def clock() -> Clock:
    """What the provider believes to be the time of its process."""
    return Clock()


@pytest.fixture
def make(fake: FakeEntra, clock: Clock) -> Iterator[Callable[..., Entra]]:
    """Makes a provider on the directory: `make(several=True, certificate=True)`."""
    made: list[Entra] = []

    def making(**kind: bool) -> Entra:
        made.append(Entra(fake.settings(**kind), return_to=RETURN_TO, left_to=LEFT_TO, clock=clock))
        return made[-1]

    yield making
    for one in made:
        one.close()


def begun(provider: SignInProvider) -> Begun:
    """A sign-in that began."""
    found = provider.begin()
    assert isinstance(found, Begun), found
    return found


def signed_in(
    provider: SignInProvider, fake: FakeEntra, account: Account = ALICE
) -> Proven | Unproven | ProviderUnavailable:
    """What a whole sign-in of an account comes to."""
    began = begun(provider)
    return provider.finish(began.kept, fake.authorize(began.address, account))


def test_an_honest_directory_proves_who_came_back(make: Callable[..., Entra], fake: FakeEntra) -> None:
    assert signed_in(make(), fake) == Proven(TENANT, ALICE.object_id)


def test_two_tenants_with_one_address_are_two_people(make: Callable[..., Entra], fake: FakeEntra) -> None:
    provider = make(several=True)
    assert signed_in(provider, fake) == Proven(TENANT, ALICE.object_id)
    assert signed_in(provider, fake, HER_NAMESAKE) == Proven(OTHER_TENANT, HER_NAMESAKE.object_id)


def test_a_guest_is_an_object_of_the_tenant_that_invited_them(make: Callable[..., Entra], fake: FakeEntra) -> None:
    fake.bend = Bend(claims={"idp": f"https://sts.windows.net/{OTHER_TENANT}/", "acct": 1})
    assert signed_in(make(), fake) == Proven(TENANT, ALICE.object_id)


def test_a_certificate_proves_us_as_a_secret_does(make: Callable[..., Entra], fake: FakeEntra) -> None:
    assert signed_in(make(certificate=True), fake) == Proven(TENANT, ALICE.object_id)


def test_each_sign_in_has_a_state_a_nonce_and_a_proof_of_its_own_and_shows_none_of_our_secrets(
    make: Callable[..., Entra],
) -> None:
    provider = make()
    first, second = begun(provider), begun(provider)
    for name in ("state", "nonce", "code_verifier"):
        assert first.kept[name] != second.kept[name]
    query = dict(parse_qsl(urlsplit(first.address).query))
    assert {query["state"], query["nonce"], query["code_challenge"]} & {
        first.kept["code_verifier"],
        first.kept["nonce"],
    } == set()
    assert SECRET not in first.address
    assert CLIENT_ID in first.address


def test_people_are_asked_by_which_account_where_that_is_wanted_and_nowhere_else(
    make: Callable[..., Entra], fake: FakeEntra
) -> None:
    provider = make()
    assert "prompt" not in parse_qs(urlsplit(begun(provider).address).query)
    chosen = provider.begin(choosing=True)
    assert isinstance(chosen, Begun)
    assert parse_qs(urlsplit(chosen.address).query)["prompt"] == ["select_account"]
    assert isinstance(provider.finish(chosen.kept, fake.authorize(chosen.address, ALICE)), Proven)


# What a token may not say.

NOW = int(time.time())
NONE = Bend(algorithm="none")
SYMMETRIC = Bend(algorithm="HS256", key="a word that anyone can find out, long enough to be one")

LIES: dict[str, tuple[Bend, str]] = {
    "expired an hour ago": (Bend(claims={"exp": NOW - 3600, "iat": NOW - 7200, "nbf": NOW - 7200}), "expired"),
    "not before tomorrow": (Bend(claims={"nbf": NOW + 86_400}), "not_yet"),
    "made tomorrow": (Bend(claims={"iat": NOW + 86_400}), "not_yet"),
    "never expires": (Bend(claims={"exp": ABSENT}), "claims"),
    "an hour that is no number": (Bend(claims={"exp": "soon"}), "token"),
    "for another application": (Bend(claims={"aud": "8d9e1f00-0000-4000-8000-0000000000c2"}), "audience"),
    "for us among others": (Bend(claims={"aud": [CLIENT_ID, "another"]}), "audience"),
    "for us in capitals": (Bend(claims={"aud": CLIENT_ID.upper()}), "audience"),
    "for nobody": (Bend(claims={"aud": ABSENT}), "claims"),
    "by another issuer": (Bend(claims={"iss": f"https://elsewhere.example/{TENANT}/v2.0"}), "issuer"),
    "by no issuer": (Bend(claims={"iss": ABSENT}), "claims"),
    "by the issuer of another tenant": (Bend(claims={"tid": str(OTHER_TENANT)}), "tenant"),
    "by a list of issuers": (Bend(claims={"iss": ["https://elsewhere.example"]}), "issuer"),
    "of no tenant": (Bend(claims={"tid": ABSENT}), "claims"),
    "of a tenant that is no id": (Bend(claims={"tid": "agency.example"}), "claims"),
    "of a tenant in another spelling": (Bend(claims={"tid": f"{{{TENANT}}}"}), "claims"),
    "of no object": (Bend(claims={"oid": ABSENT}), "claims"),
    "of an object that is an address": (Bend(claims={"oid": "alice@agency.example"}), "claims"),
    "of an object that is a number": (Bend(claims={"oid": 7}), "claims"),
    "of no subject": (Bend(claims={"sub": ABSENT}), "claims"),
    "of another sign-in": (Bend(claims={"nonce": "another's"}), "token"),
    "of no sign-in": (Bend(claims={"nonce": ABSENT}), "token"),
    "signed by another key under the same name": (Bend(key=some_key("stranger's")), "signature"),
    "signed by a key that nobody published": (Bend(key=some_key("stranger's"), head={"kid": "stranger's"}), "key"),
    "signed by a key without a name": (Bend(head={"kid": ABSENT}), "key"),
    "signed by a key whose name is a number": (Bend(head={"kid": 7}), "token"),
    "signed by nobody": (NONE, "algorithm"),
    "signed with a word": (SYMMETRIC, "algorithm"),
    "signed with another algorithm": (Bend(algorithm="RS512"), "algorithm"),
    "brings its own key": (
        Bend(key=some_key("stranger's"), head={"kid": "own", "jwk": jwk(some_key("stranger's"), "own")}),
        "key",
    ),
    "says that more must be understood": (Bend(head={"crit": ["exp"], "exp": 1}), "token"),
    "no token": (Bend(whole="none"), "token"),
    "nothing": (Bend(whole=""), "token"),
    "three empty parts": (Bend(whole=".."), "token"),
    "three parts of nonsense": (Bend(whole="a.b.c"), "token"),
    "a list instead of claims": (Bend(whole="eyJhbGciOiJSUzI1NiJ9.W10.AA"), "token"),
    "no text at all": (Bend(whole="é.ü.ö"), "token"),
}


@pytest.mark.wide(3)
@pytest.mark.parametrize("lie", LIES)
def test_a_token_that_lies_proves_nobody(lie: str, make: Callable[..., Entra], fake: FakeEntra) -> None:
    fake.bend, code = LIES[lie]
    assert signed_in(make(), fake) == Unproven(code)


def test_the_table_of_lies_would_notice_a_token_that_tells_the_truth(
    make: Callable[..., Entra], fake: FakeEntra
) -> None:
    # The clock of now, and not of when the tests were gathered: that may be minutes ago.
    now = int(time.time())
    fake.bend = Bend(claims={"exp": now + 60, "iat": now - 30, "nbf": now - 30}, head={"typ": "JWT"})
    assert signed_in(make(), fake) == Proven(TENANT, ALICE.object_id)


def test_what_msal_asks_too_is_asked_of_the_token_itself(fake: FakeEntra, clock: Clock) -> None:
    trusted = fake.settings().trusted()
    assert trusted is not None
    with httpx2.Client(verify=trusted) as http:
        there = f"{fake.authority}/{TENANT}/v2.0"
        directory = Directory(http, there, expected_issuer=there, clock=clock)

        def proved(nonce: str) -> Proven | Unproven | ProviderUnavailable:
            token = fake.id_token(ALICE, "the one that was sent")
            return prove(token, directory, audience=CLIENT_ID, tenants={TENANT}, nonce=nonce)

        assert proved("the one that was sent") == Proven(TENANT, ALICE.object_id)
        assert proved("another") == Unproven("nonce")
        assert proved("") == Unproven("nonce")
        fake.bend = Bend(claims={"nonce": 7})
        assert proved("the one that was sent") == Unproven("nonce")


@pytest.mark.ci
def test_a_tenant_that_is_not_on_the_list_proves_nobody(make: Callable[..., Entra], fake: FakeEntra) -> None:
    assert signed_in(make(several=True), fake, STRANGER) == Unproven("tenant")
    assert signed_in(make(), fake, HER_NAMESAKE) == Unproven("tenant"), "one tenant allows itself alone"


def test_a_tenant_cannot_speak_for_another(make: Callable[..., Entra], fake: FakeEntra) -> None:
    fake.bend = Bend(claims={"tid": str(OTHER_TENANT), "oid": str(HER_NAMESAKE.object_id)})
    assert signed_in(make(several=True), fake) == Unproven("issuer")


@pytest.mark.ci
def test_a_key_signs_for_the_tenant_that_it_was_published_for(make: Callable[..., Entra], fake: FakeEntra) -> None:
    fake.published = [jwk(fake.signing, "first", issuer=f"{fake.authority}/{OTHER_TENANT}/v2.0")]
    provider = make(several=True)
    assert signed_in(provider, fake) == Unproven("issuer")
    assert signed_in(provider, fake, HER_NAMESAKE) == Proven(OTHER_TENANT, HER_NAMESAKE.object_id)
    fake.published = [jwk(fake.signing, "first", issuer=f"{fake.authority}/{{tenantid}}/v2.0")]
    assert signed_in(make(several=True), fake) == Proven(TENANT, ALICE.object_id)


@pytest.mark.wide(4)
@pytest.mark.parametrize(
    "published",
    [
        {"use": "enc"},
        {"alg": "RS512"},
        {"kty": "oct", "k": "c2VjcmV0"},
        {"n": "AQAB"},  # a key of 17 bits
        {"n": "no number"},
        {"n": None},
        {"kid": 7},
        {"issuer": ["a list"]},
    ],
    ids=lambda published: next(iter(published)),
)
def test_a_published_key_that_does_not_sign_id_tokens_is_passed_over(
    published: dict[str, Any], make: Callable[..., Entra], fake: FakeEntra
) -> None:
    fake.published = [jwk(fake.signing, "first") | published]
    assert signed_in(make(), fake) == Unproven("key")


def test_a_key_that_is_too_small_is_passed_over(make: Callable[..., Entra], fake: FakeEntra) -> None:
    small = some_key("small", 1024)
    fake.published = [jwk(small, "small")]
    fake.bend = Bend(key=small, head={"kid": "small"})
    assert signed_in(make(), fake) == Unproven("key")


# What a browser may not bring back.


def test_an_answer_of_another_sign_in_or_of_none_proves_nobody(make: Callable[..., Entra], fake: FakeEntra) -> None:
    provider = make()
    mine, theirs = begun(provider), begun(provider)
    answer = fake.authorize(theirs.address, ALICE)
    assert provider.finish(mine.kept, answer) == Unproven("state")
    assert provider.finish(mine.kept, answer | {"state": mine.kept["state"]}) == Unproven("code"), "PKCE binds the code"
    assert provider.finish(mine.kept, {}) == Unproven("state")
    assert provider.finish(mine.kept, {"state": "é"}) == Unproven("state")
    assert provider.finish(mine.kept, {"state": mine.kept["state"]}) == Unproven("answer")


def test_a_code_is_used_once(make: Callable[..., Entra], fake: FakeEntra) -> None:
    provider = make()
    began = begun(provider)
    answer = fake.authorize(began.address, ALICE)
    assert isinstance(provider.finish(began.kept, answer), Proven)
    assert provider.finish(began.kept, answer) == Unproven("code")


def test_someone_who_goes_back_is_told_apart_from_what_the_directory_refuses(
    make: Callable[..., Entra], fake: FakeEntra
) -> None:
    provider = make()
    began = begun(provider)
    assert provider.finish(began.kept, fake.turned_down(began.address)) == Unproven("cancelled")
    assert provider.finish(began.kept, fake.turned_down(began.address, "interaction_required")) == Unproven("provider")
    foreign = fake.turned_down(began.address) | {"state": "another"}
    assert provider.finish(began.kept, foreign) == Unproven("state")


# Keys that change, and a directory that is away.


@pytest.mark.ci
def test_new_keys_are_found_at_the_first_token_under_one(
    make: Callable[..., Entra], fake: FakeEntra, clock: Clock
) -> None:
    provider = make()
    assert isinstance(signed_in(provider, fake), Proven)
    clock.now += 3600
    fake.rotate("second")
    assert signed_in(provider, fake) == Proven(TENANT, ALICE.object_id)
    assert fake.calls["keys"] == 2


@pytest.mark.ci
def test_tokens_under_unknown_keys_have_the_keys_fetched_once_a_minute(
    make: Callable[..., Entra], fake: FakeEntra, clock: Clock
) -> None:
    provider = make()
    signed_in(provider, fake)
    fake.bend = Bend(head={"kid": "made up"}, key=some_key("stranger's"))
    for _ in range(3):
        assert signed_in(provider, fake) == Unproven("key")
    assert fake.calls["keys"] == 1, "fetched a moment ago"
    clock.now += 61
    for _ in range(3):
        assert signed_in(provider, fake) == Unproven("key")
    assert fake.calls["keys"] == 2


@pytest.mark.ci
def test_a_key_that_was_withdrawn_is_believed_for_a_day_at_most(
    make: Callable[..., Entra], fake: FakeEntra, clock: Clock
) -> None:
    provider = make()
    assert isinstance(signed_in(provider, fake), Proven)
    old = fake.signing
    fake.rotate("second")
    fake.bend = Bend(key=old, head={"kid": "first"})
    assert isinstance(signed_in(provider, fake), Proven), "nobody told us yet"
    clock.now += 24 * 3600 + 1
    assert signed_in(provider, fake) == Unproven("key")


def test_many_who_sign_in_at_once_fetch_the_keys_once(make: Callable[..., Entra], fake: FakeEntra) -> None:
    provider = make()
    together = threading.Barrier(8)

    def one(_: int) -> Proven | Unproven | ProviderUnavailable:
        together.wait()
        return signed_in(provider, fake)

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(one, range(8)))
    assert found == [Proven(TENANT, ALICE.object_id)] * 8
    assert fake.calls["keys"] == 1


@pytest.mark.parametrize("place", ["description", "keys"])
@pytest.mark.parametrize(
    ("answer", "code"),
    [((503, {"error": "busy"}), "busy"), ((200, b"<html>"), "answer"), ((200, [1]), "answer"), ((200, {}), "answer")],
)
def test_nobody_is_sent_to_a_directory_whose_word_could_not_be_checked(
    place: str, answer: tuple[int, Any], code: str, make: Callable[..., Entra], fake: FakeEntra
) -> None:
    fake.failing[place] = answer
    provider = make()
    assert provider.begin() == ProviderUnavailable(code)
    assert provider.farewell() == ""


@pytest.mark.parametrize(
    "described",
    [
        {"issuer": "https://elsewhere.example/v2.0"},
        {"issuer": ABSENT},
        {"jwks_uri": ABSENT},
        {"jwks_uri": ["a list"]},
        {"authorization_endpoint": ABSENT},
        {"token_endpoint": ABSENT},
    ],
    ids=str,
)
def test_a_directory_that_calls_itself_something_else_is_not_believed(
    described: dict[str, Any], make: Callable[..., Entra], fake: FakeEntra
) -> None:
    fake.description = described
    assert make().begin() == ProviderUnavailable("answer")


@pytest.mark.ci
def test_nothing_is_sent_or_fetched_unencrypted_whatever_the_directory_says(
    make: Callable[..., Entra], fake: FakeEntra
) -> None:
    plain = fake.authority.replace("https", "http")
    for place in ("jwks_uri", "authorization_endpoint", "token_endpoint"):
        fake.description = {place: f"{plain}/{TENANT}/oauth2/v2.0/token"}
        assert make().begin() == ProviderUnavailable("answer")
    assert fake.calls.keys() == {"description", "keys"}


def test_keys_that_vanish_during_a_sign_in_are_a_directory_that_is_away(
    make: Callable[..., Entra], fake: FakeEntra, clock: Clock
) -> None:
    provider = make()
    began = begun(provider)
    answer = fake.authorize(began.address, ALICE)
    fake.failing["keys"] = (500, {})
    clock.now += 2 * 24 * 3600
    assert provider.finish(began.kept, answer) == ProviderUnavailable("busy")


def test_one_that_does_not_answer_is_left_alone_for_a_while_and_then_asked_again(
    make: Callable[..., Entra], fake: FakeEntra, clock: Clock
) -> None:
    provider = make()
    fake.failing["description"] = (500, {})
    for _ in range(3):
        assert provider.begin() == ProviderUnavailable("busy")
    assert fake.calls["description"] == 1, "nobody waits for one that is known to be away"
    del fake.failing["description"]
    clock.now += 11
    assert isinstance(provider.begin(), Begun)


def test_a_directory_that_nobody_vouches_for_is_not_spoken_to(
    fake: FakeEntra, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What the environment says of certificates does not matter where we were told whom to trust.
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, str(fake.ca_file))
    folder = tmp_path_factory.mktemp("stranger")
    with serving(folder) as stranger:
        settings = fake.settings()
        provider = Entra(
            type(settings)(**{**vars(settings), "authority": stranger.authority}), return_to=RETURN_TO, left_to=LEFT_TO
        )
        assert provider.begin() == ProviderUnavailable("connect")
        assert stranger.calls == {}
        provider.close()


def test_the_environments_bundle_does_not_stand_in_for_the_file_that_we_were_given(
    make: Callable[..., Entra], fake: FakeEntra, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    assert isinstance(signed_in(make(), fake), Proven)


@pytest.mark.wide(4)
@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ((401, {"error": "invalid_client"}), ProviderUnavailable("credential")),
        ((400, {"error": "unauthorized_client"}), ProviderUnavailable("credential")),
        ((400, {"error": "invalid_grant"}), Unproven("code")),
        ((500, {"error": "server_error"}), ProviderUnavailable("busy")),
        ((503, b"<html>"), ProviderUnavailable("busy")),
        ((200, b"<html>"), Unproven("token")),
        ((200, ["a list"]), Unproven("token")),
        ((200, {}), Unproven("token")),
        ((200, {"id_token": 7}), Unproven("token")),
        ((200, {"id_token": {"a": 1}}), Unproven("token")),
        ((302, {}), Unproven("token")),
    ],
)
def test_whatever_the_tokens_address_answers_is_an_outcome(
    answer: tuple[int, Any], outcome: object, make: Callable[..., Entra], fake: FakeEntra
) -> None:
    fake.failing["token"] = answer
    assert signed_in(make(), fake) == outcome


def test_a_secret_that_is_no_longer_right_is_told_to_the_operator_and_mended_without_a_restart(
    make: Callable[..., Entra], fake: FakeEntra, caplog: pytest.LogCaptureFixture
) -> None:
    provider = make()
    fake.failing["token"] = (401, {"error": "invalid_client"})
    with caplog.at_level(logging.WARNING, "adapters.directory"):
        assert signed_in(provider, fake) == ProviderUnavailable("credential")
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    del fake.failing["token"]
    fake.secret_file.write_text("")
    try:
        assert provider.begin() == ProviderUnavailable("credential")
        fake.secret_file.write_text("another word, which the registration has now")
        assert isinstance(signed_in(provider, fake), Proven)
    finally:
        fake.secret_file.write_text(SECRET)


@pytest.mark.ci
def test_nothing_nominative_and_no_secret_is_logged(
    make: Callable[..., Entra], fake: FakeEntra, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        for bend, _ in LIES.values():
            fake.bend = bend
            signed_in(make(), fake)
        fake.failing["token"] = (500, {})
        signed_in(make(), fake)
    said = "\n".join(record.getMessage() for record in caplog.records)
    for word in ("alice", SECRET, str(ALICE.object_id), str(TENANT), CLIENT_ID, "eyJ"):
        assert word not in said


def test_signing_out_there_comes_back_to_us(make: Callable[..., Entra], fake: FakeEntra) -> None:
    provider = make()
    place = urlsplit(provider.farewell())
    assert f"{place.scheme}://{place.netloc}{place.path}" == f"{fake.authority}/{TENANT}/oauth2/v2.0/logout"
    assert dict(parse_qsl(place.query)) == {"client_id": CLIENT_ID, "post_logout_redirect_uri": LEFT_TO}


@pytest.mark.parametrize("end", [ABSENT, "http://login.example/logout", 7])
def test_a_directory_without_a_way_out_is_left_without_a_word(
    end: object, make: Callable[..., Entra], fake: FakeEntra
) -> None:
    fake.description = {"end_session_endpoint": end}
    assert make().farewell() == ""
