"""`spheres mail test`: each way in which a relay fails us is said with what to do, and no password ever is."""

from __future__ import annotations

import socket
import ssl
import sys
from collections.abc import Callable
from email import message_from_bytes
from email.policy import SMTP
from pathlib import Path
from typing import Any

import pytest
import trustme

from adapters.postgres import EmbeddedPostgres
from adapters.settings import Settings
from api.cli import main
from api.cli.installation import _welcome
from locales import speaking
from tests.fakes.graph_server import MAILBOX, Bent, serving_graph
from tests.fakes.smtp_server import PERSON, PROSE, SmtpServer
from tests.fakes.stubborn_relay import StubbornRelay

PASSWORD = "s3cr3t-of-the-relay"

#: Runs `spheres mail test` with these settings and gives its status, what it said, and that on the error channel.
Test = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def mail_test(
    authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Test:
    """In English, to a relay on this machine, signed in; no database may be asked for."""
    word, ca_file = tmp_path / "word", tmp_path / "ca.pem"
    word.write_text(PASSWORD + "\n", encoding="utf-8")
    authority.cert_pem.write_to_path(str(ca_file))
    monkeypatch.setattr("api.cli.mail.PATIENCE", 0.5)
    monkeypatch.setattr(EmbeddedPostgres, "start", lambda *_, **__: pytest.fail("a database was asked for"))

    def run(to: str = PERSON, **settings: object) -> tuple[int, str, str]:
        given: dict[str, Any] = {
            "SPHERES_LANG": "en",
            "SPHERES_DATA": tmp_path / "data",
            "SMTP_HOST": "127.0.0.1",
            "SMTP_FROM": "avis@spheres.example",
            "SMTP_TLS": "starttls",
            "SMTP_CA_FILE": ca_file,
            "SMTP_USER": "avis",
            "SMTP_PASSWORD_FILE": word,
        } | settings
        for name, value in given.items():
            monkeypatch.setenv(name, "" if value is None else str(value))
        monkeypatch.setattr(sys, "argv", ["spheres", "mail", "test", to])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        assert PASSWORD not in said.out + said.err
        assert "Traceback" not in said.out + said.err
        return int(ended.value.code or 0), said.out, said.err

    return run


CLEAR = {"SMTP_TLS": "none", "SMTP_CA_FILE": None}


def tls(authority: trustme.CA, name: str = "127.0.0.1") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


def test_a_test_letter_is_taken_and_each_step_is_told(mail_test: Test, authority: trustme.CA) -> None:
    with SmtpServer(tls=tls(authority), credentials=("avis", PASSWORD)) as relay:
        status, out, err = mail_test(SMTP_PORT=relay.port)
    assert (status, err) == (0, "")
    assert [line.partition(" ")[0] for line in out.splitlines()] == [
        *("Connecting", "Waiting", "Encrypting", "Signing", "Naming", "Naming", "Handing", "Taken:")
    ]
    (letter,) = relay.received
    assert (letter.to, letter.sender, letter.encrypted, letter.signed_in) == (
        PERSON,
        "avis@spheres.example",
        True,
        True,
    )
    read = message_from_bytes(letter.message, policy=SMTP)
    assert read["Subject"] == "A test letter of SPHÈRES"
    body = read.get_body(("plain",))
    assert body is not None
    assert "http://localhost:8400" in body.get_content()


def test_it_speaks_the_terminals_language_and_so_does_the_letter(mail_test: Test) -> None:
    with SmtpServer() as relay:
        status, out, _ = mail_test(
            SPHERES_LANG="fr", SMTP_PORT=relay.port, SMTP_USER=None, SMTP_PASSWORD_FILE=None, **CLEAR
        )
    assert status == 0
    assert "Connexion" in out
    assert message_from_bytes(relay.received[0].message, policy=SMTP)["Subject"] == "Lettre d’essai de SPHÈRES"


def test_tls_at_once_is_taken_too(mail_test: Test, authority: trustme.CA) -> None:
    with SmtpServer(tls=tls(authority), at_once=True, credentials=("avis", PASSWORD)) as relay:
        assert mail_test(SMTP_PORT=relay.port, SMTP_TLS="implicit")[0] == 0


@pytest.mark.ci
def test_a_relay_that_waits_for_tls_is_known_by_that(mail_test: Test, authority: trustme.CA) -> None:
    with SmtpServer(tls=tls(authority), at_once=True) as relay:
        status, _, err = mail_test(SMTP_PORT=relay.port)
    assert (status, err) == (1, "The relay waits for TLS at once. Set SMTP_TLS=implicit, and no SMTP_STARTTLS.\n")


def test_a_relay_that_greets_before_tls_is_known_by_that(mail_test: Test) -> None:
    with SmtpServer() as relay:
        status, _, err = mail_test(SMTP_PORT=relay.port, SMTP_TLS="implicit")
    assert (status, "greets before TLS" in err, "SMTP_TLS=starttls" in err) == (1, True, True)
    assert relay.received == []


def test_a_relay_without_tls_is_told_nothing(mail_test: Test) -> None:
    with SmtpServer() as relay:
        status, _, err = mail_test(SMTP_PORT=relay.port)
    assert (status, "offers no STARTTLS" in err) == (1, True)
    assert relay.received == []


@pytest.mark.wide(8)
@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize("wrong", ["stranger", "name"])
def test_a_certificate_that_is_not_trusted_is_named(
    mail_test: Test, authority: trustme.CA, wrong: str, at_once: bool
) -> None:
    context = tls(trustme.CA()) if wrong == "stranger" else tls(authority, "elsewhere.test")
    with SmtpServer(tls=context, at_once=at_once) as relay:
        status, _, err = mail_test(SMTP_PORT=relay.port, SMTP_TLS="implicit" if at_once else "starttls")
    assert (status, "not trusted" in err, "SMTP_CA_FILE" in err) == (1, True, True)


def test_a_wrong_password_is_said_and_not_shown(mail_test: Test, authority: trustme.CA) -> None:
    with SmtpServer(tls=tls(authority), credentials=("avis", "another")) as relay:
        status, _, err = mail_test(SMTP_PORT=relay.port)
    assert (status, "sign-in is refused (535 5.7.8)" in err, "SMTP_USER" in err) == (1, True, True)


@pytest.mark.parametrize(
    ("where", "answer", "said"),
    [
        ("mail", f"550 5.7.1 {PROSE}", "The sender avis@spheres.example is refused (550 5.7.1)."),
        ("rcpt", f"550 5.1.1 {PROSE}", f"The recipient {PERSON} is refused (550 5.1.1)."),
        ("rcpt", f"451 4.7.1 {PROSE}", "The relay puts the letter off (451 4.7.1)"),
        ("data", f"554 {PROSE}", "The letter itself is refused (554 5.9.9)."),
        ("data", SmtpServer.DROP, "it may have arrived"),
    ],
)
def test_what_the_relay_refuses_is_said_by_its_code_and_not_in_its_words(
    mail_test: Test, where: str, answer: str, said: str
) -> None:
    with SmtpServer() as relay:
        getattr(relay, where).append(answer)
        status, _, err = mail_test(SMTP_PORT=relay.port, SMTP_USER=None, SMTP_PASSWORD_FILE=None, **CLEAR)
    assert (status, said in err) == (1, True), err
    assert "Untel" not in err


@pytest.mark.nightly
def test_a_relay_that_takes_the_connection_and_never_answers_is_said(mail_test: Test) -> None:
    with StubbornRelay("greeting") as relay:
        status, out, err = mail_test(SMTP_PORT=relay.port)
    assert (status, "does not answer" in err) == (1, True)
    assert out.splitlines()[-1] == "Waiting for its greeting…"


@pytest.mark.ci
def test_a_relay_that_falls_silent_later_is_said_too(mail_test: Test, authority: trustme.CA) -> None:
    with StubbornRelay("MAIL", "drips", tls=tls(authority)) as relay:
        status, _, err = mail_test(SMTP_PORT=relay.port)
    assert (status, "stopped answering" in err) == (1, True)


def test_nobody_at_the_port_and_a_name_that_leads_nowhere_are_told_apart(mail_test: Test) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        status, _, err = mail_test(SMTP_PORT=taken.getsockname()[1])
    assert (status, "Nothing takes connections there." in err) == (1, True)
    status, _, err = mail_test(SMTP_HOST="relay..invalid")
    assert (status, "The name relay..invalid leads nowhere." in err) == (1, True)


@pytest.mark.parametrize("to", ["", "nadia", "nadia@exemple.québec", "a@b.org\r\nRCPT TO:<c@d.org>", "Nadia <a@b.org>"])
def test_an_address_that_is_none_is_refused_by_a_sentence(mail_test: Test, to: str) -> None:
    status, out, err = mail_test(to, SMTP_PORT=1)
    assert (status, out, "[mail.address]" in err) == (1, "", True)


def test_without_any_mail_it_says_what_to_set(mail_test: Test) -> None:
    status, _, err = mail_test(**NO_RELAY)
    assert (status, "SMTP_HOST" in err, "SPHERES_MAIL=graph" in err) == (2, True, True)


def test_a_setting_that_cannot_be_is_status_two(mail_test: Test) -> None:
    status, _, err = mail_test(SMTP_TLS="yes")
    assert (status, err.startswith("SMTP_TLS ")) == (2, True)


def test_in_the_demonstration_the_letter_is_a_file(mail_test: Test, tmp_path: Path) -> None:
    status, out, _ = mail_test(SPHERES_DEMO="yes")
    (file,) = (tmp_path / "data" / "mail").iterdir()
    assert status == 0
    assert str(file.parent) in out
    assert message_from_bytes(file.read_bytes())["To"] == PERSON


NO_RELAY = dict.fromkeys(
    ("SMTP_HOST", "SMTP_FROM", "SMTP_TLS", "SMTP_CA_FILE", "SMTP_USER", "SMTP_PASSWORD_FILE"), None
)


@pytest.mark.ci
@pytest.mark.wide(8)
@pytest.mark.parametrize(
    ("bent", "status", "said"),
    [
        ([], 0, "Taken:"),
        ([(403, {})], 1, f"The registration may not send from {MAILBOX} (403)."),
        ([(404, {})], 1, f"There is no mailbox {MAILBOX} (404)."),
        ([(500, {})], 1, "it may have arrived"),
        ([(400, {})], 1, "does not take the letter (400)"),
    ],
)
def test_by_graph_it_says_what_microsoft_refuses(
    mail_test: Test, tmp_path: Path, bent: list[Bent], status: int, said: str
) -> None:
    with serving_graph(tmp_path) as fake:
        fake.reset()
        fake.bent["send"] = bent
        given = fake.graph_settings()
        answered, out, err = mail_test(
            SPHERES_MAIL="graph",
            GRAPH_CLIENT_ID=given.client_id,
            GRAPH_TENANT=given.tenant,
            GRAPH_MAILBOX=given.mailbox,
            GRAPH_AUTHORITY=given.authority,
            GRAPH_URL=given.url,
            GRAPH_CLIENT_SECRET_FILE=given.secret_file,
            GRAPH_CA_FILE=given.ca_file,
            **NO_RELAY,
        )
        assert (answered, said in out + err) == (status, True), out + err
        assert len(fake.delivered) == (status == 0)


def test_a_start_says_that_letters_wait_and_how_people_come_in(capsys: pytest.CaptureFixture[str]) -> None:
    relay = {"SMTP_HOST": "relay.example", "SMTP_FROM": "spheres@example.org"}
    with speaking("en"):
        _welcome(Settings.from_env({}), 1.0)
        without = capsys.readouterr().out
        _welcome(Settings.from_env(relay), 1.0)
        by_relay = capsys.readouterr().out
        _welcome(Settings.from_env({"SPHERES_DEMO": "yes"}), 1.0)
        shown = capsys.readouterr().out
    assert "No way of sending letters is set, so that all of them wait." in without
    assert "links that are handed over" in without
    assert "No way of sending letters" not in by_relay + shown
