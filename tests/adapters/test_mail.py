"""Mail over a real SMTP server on loopback that misbehaves, and into the demonstration's folder."""

import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from email import policy
from email.parser import BytesParser
from pathlib import Path

import pytest
import trustme

from adapters.folder_mail import FolderMailer
from adapters.mail import SmtpMailer
from adapters.outside import by_relay
from adapters.smtp_settings import Smtp
from models.ports import Accepted, Later, Mailer, Refused, Unknown
from tests.fakes.smtp_server import PERSON, PROSE, SmtpServer
from tests.fakes.stubborn_relay import Manner, StubbornRelay, Where

NOTICE = "6b1f0a3e-5d0c-4a57-9e0e-2f1d3c4b5a69"

LETTER = (
    f"Message-ID: <{NOTICE}@spheres.example.org>\r\n"
    "From: avis@spheres.example.org\r\n"
    f"To: {PERSON}\r\n"
    "Subject: Bonjour\r\n"
    "\r\n"
    "Un mot.\r\n"
).encode("ascii")


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with SmtpServer() as running:
        yield running


@pytest.fixture
def mailer(server: SmtpServer) -> Iterator[SmtpMailer]:
    yield from _mailer(server)


def _mailer(server: SmtpServer, **settings: object) -> Iterator[SmtpMailer]:
    given = {"envelope_from": "avis@spheres.example.org", "encryption": "none", "timeout": 5.0, **settings}
    made = SmtpMailer("127.0.0.1", server.port, **given)  # type: ignore[arg-type]  # a test's settings, by name
    yield made
    made.close()


def test_a_letter_arrives_byte_for_byte(server: SmtpServer, mailer: SmtpMailer) -> None:
    assert mailer.send(to=PERSON, message=LETTER) == Accepted()
    (letter,) = server.received
    assert letter.message == LETTER
    assert letter.to == PERSON
    assert letter.sender == "avis@spheres.example.org"


def test_the_relay_learns_the_domain_of_the_letters_and_not_the_name_of_the_machine(
    server: SmtpServer, mailer: SmtpMailer
) -> None:
    mailer.send(to=PERSON, message=LETTER)
    assert server.received[0].ehlo == "spheres.example.org"


def test_lines_that_begin_with_a_dot_arrive_as_they_were_written(server: SmtpServer, mailer: SmtpMailer) -> None:
    dotted = LETTER + b".\r\n..\r\n.hidden\r\nan end . here\r\n.\r\nafter what looks like the end\r\n"
    assert mailer.send(to=PERSON, message=dotted) == Accepted()
    assert server.received[0].message == dotted


def test_a_line_of_998_characters_passes_and_one_of_999_is_not_sent(server: SmtpServer, mailer: SmtpMailer) -> None:
    assert mailer.send(to=PERSON, message=LETTER + b"x" * 998 + b"\r\n") == Accepted()
    assert mailer.send(to=PERSON, message=LETTER + b"x" * 999 + b"\r\n") == Refused(True, "message")
    assert len(server.received) == 1


@pytest.mark.parametrize(
    "broken",
    [b"a\nb\r\n", b"a\rb\r\n", b"a\r\n.\n\r\nMAIL FROM:<x@y.org>\r\n", "é\r\n".encode(), b"a\0b\r\n"],
    ids=["lone LF", "lone CR", "smuggled end", "not ASCII", "NUL"],
)
def test_bytes_that_servers_read_differently_do_not_leave(
    server: SmtpServer, mailer: SmtpMailer, broken: bytes
) -> None:
    assert mailer.send(to=PERSON, message=LETTER + broken) == Refused(True, "message")
    assert server.connections == 0


@pytest.mark.parametrize(
    "address",
    [
        "",
        "nadia",
        "nadia@exemple.québec",
        "zoé@example.org",
        "a@b.org\r\nRCPT TO:<c@d.org>",
        "a@b.org> NOTIFY",
        "<a@b.org>",
    ],
)
def test_an_address_that_could_mean_something_else_to_the_relay_is_not_spoken(
    server: SmtpServer, mailer: SmtpMailer, address: str
) -> None:
    assert mailer.send(to=address, message=LETTER) == Refused(True, "address")
    assert server.connections == 0


def test_an_unknown_person_is_a_lasting_refusal_and_the_next_letter_still_goes(
    server: SmtpServer, mailer: SmtpMailer
) -> None:
    server.unknown.add("parti@example.org")
    assert mailer.send(to="parti@example.org", message=LETTER) == Refused(True, "550 5.1.1")
    assert mailer.send(to=PERSON, message=LETTER) == Accepted()
    assert server.connections == 1


def test_greylisting_is_later_and_then_accepted(server: SmtpServer, mailer: SmtpMailer) -> None:
    server.rcpt.append("451 4.7.1 come back in five minutes")
    assert mailer.send(to=PERSON, message=LETTER) == Later("451 4.7.1")
    assert mailer.send(to=PERSON, message=LETTER) == Accepted()
    assert len(server.received) == 1


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (f"554 {PROSE}", Refused(True, "554 5.9.9")),
        (f"550 {PERSON} is not wanted", Refused(True, "550")),
        ("452 4.3.1 disk full", Later("452 4.3.1")),
        ("500 1.2.3.4 spoke", Refused(True, "500")),
    ],
)
def test_the_answer_to_the_text_decides(
    server: SmtpServer, mailer: SmtpMailer, answer: str, outcome: Refused | Later
) -> None:
    server.data.append(answer)
    assert mailer.send(to=PERSON, message=LETTER) == outcome


def test_a_sender_that_is_refused_is_our_own_matter_and_not_the_letters(server: SmtpServer, mailer: SmtpMailer) -> None:
    server.mail.append("550 5.7.1 you may not send")
    assert mailer.send(to=PERSON, message=LETTER) == Refused(False, "550 5.7.1")


def test_what_a_server_writes_in_prose_goes_nowhere(server: SmtpServer, mailer: SmtpMailer) -> None:
    server.rcpt.append(f"450 {PERSON} {PROSE}")
    outcome = mailer.send(to=PERSON, message=LETTER)
    assert outcome == Later("450")
    with pytest.raises(ValueError, match="never a text") as refused:
        Later(f"450 {PERSON}")
    assert PERSON not in str(refused.value)


def test_a_connection_lost_after_the_text_is_unknown_and_a_second_try_brings_the_same_bytes(
    server: SmtpServer, mailer: SmtpMailer
) -> None:
    server.data.append(SmtpServer.DROP)
    assert mailer.send(to=PERSON, message=LETTER) == Unknown()
    assert mailer.send(to=PERSON, message=LETTER) == Accepted()
    first, second = server.received
    assert first.message == second.message == LETTER


def test_a_server_that_does_not_answer_in_time_leaves_it_unknown(server: SmtpServer) -> None:
    server.data.append(SmtpServer.SLOW)
    for mailer in _mailer(server, timeout=0.3):
        assert mailer.send(to=PERSON, message=LETTER) == Unknown()


def test_a_server_that_is_slow_before_the_text_has_nothing_and_is_tried_later(server: SmtpServer) -> None:
    server.rcpt.append(SmtpServer.SLOW)
    for mailer in _mailer(server, timeout=0.3):
        assert mailer.send(to=PERSON, message=LETTER) == Later("connect")
        assert server.received == []


def test_one_connection_serves_a_batch(server: SmtpServer, mailer: SmtpMailer) -> None:
    for _ in range(20):
        assert mailer.send(to=PERSON, message=LETTER) == Accepted()
    assert server.connections == 1
    mailer.close()
    assert mailer.send(to=PERSON, message=LETTER) == Accepted()
    assert server.connections == 2


def test_a_kept_connection_that_the_relay_closed_costs_no_attempt(server: SmtpServer, mailer: SmtpMailer) -> None:
    mailer.send(to=PERSON, message=LETTER)
    server.hang_up()
    assert mailer.send(to=PERSON, message=LETTER) == Accepted()
    assert [letter.connection for letter in server.received] == [1, 2]


def test_a_relay_that_counts_letters_a_connection_gets_the_next_on_a_new_one() -> None:
    with SmtpServer(letters_a_connection=2) as server:
        for mailer in _mailer(server):
            assert [mailer.send(to=PERSON, message=LETTER) for _ in range(5)] == [Accepted()] * 5
    assert [letter.connection for letter in server.received] == [1, 1, 2, 2, 3]


def test_a_relay_that_hangs_up_on_a_new_connection_as_well_is_tried_later(
    server: SmtpServer, mailer: SmtpMailer
) -> None:
    server.mail += ["421 4.3.2 closing", "421 4.3.2 closing"]
    assert mailer.send(to=PERSON, message=LETTER) == Later("421 4.3.2")
    assert mailer.send(to=PERSON, message=LETTER) == Later("421 4.3.2")
    assert mailer.send(to=PERSON, message=LETTER) == Accepted()
    assert len(server.received) == 1


def test_a_connection_idle_for_long_is_replaced(
    server: SmtpServer, mailer: SmtpMailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailer.send(to=PERSON, message=LETTER)
    monkeypatch.setattr("adapters.mail.IDLE", -1.0)
    assert mailer.send(to=PERSON, message=LETTER) == Accepted()
    assert server.connections == 2


def test_no_server_at_all_is_later() -> None:
    with SmtpServer() as gone:
        port = gone.port
    mailer = SmtpMailer("127.0.0.1", port, envelope_from="avis@example.org", encryption="none", timeout=2)
    assert mailer.send(to=PERSON, message=LETTER) == Later("connect")


def test_a_letter_larger_than_the_relay_takes_is_not_even_offered() -> None:
    with SmtpServer(size_limit=1_000) as server:
        for mailer in _mailer(server):
            large = LETTER + b"x" * 70 + b"\r\n" * 600
            assert mailer.send(to=PERSON, message=large) == Refused(True, "size")
            assert mailer.send(to=PERSON, message=LETTER) == Accepted()


def test_letters_from_several_threads_share_the_connection_one_at_a_time(
    server: SmtpServer, mailer: SmtpMailer
) -> None:
    outcomes: list[object] = []
    threads = [
        threading.Thread(target=lambda: outcomes.append(mailer.send(to=PERSON, message=LETTER))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert outcomes == [Accepted()] * 8
    assert server.connections == 1


# ------------------------------------------------------------------------------------- encryption and signing in


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("authority") / "ca.pem"
    authority.cert_pem.write_to_path(file)
    return file


def _tls(authority: trustme.CA, name: str = "127.0.0.1") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


def test_the_letter_travels_encrypted_and_signed_in(authority: trustme.CA, ca_file: Path) -> None:
    with SmtpServer(tls=_tls(authority), credentials=("avis", "mot de passe")) as server:
        given = {"encryption": "starttls", "ca_file": ca_file, "username": "avis", "password": lambda: "mot de passe"}
        for mailer in _mailer(server, **given):
            assert [mailer.send(to=PERSON, message=LETTER) for _ in range(3)] == [Accepted()] * 3
    assert {(letter.encrypted, letter.signed_in) for letter in server.received} == {(True, True)}
    assert server.connections == server.sign_ins == 1


def test_a_relay_that_offers_no_encryption_gets_nothing(server: SmtpServer, ca_file: Path) -> None:
    for mailer in _mailer(server, encryption="starttls", ca_file=ca_file):
        assert mailer.send(to=PERSON, message=LETTER) == Refused(False, "starttls")
    assert server.received == []


def test_a_relay_that_wants_encryption_and_is_not_asked_for_it_refuses_us(authority: trustme.CA) -> None:
    with SmtpServer(tls=_tls(authority)) as server:
        for mailer in _mailer(server):
            assert mailer.send(to=PERSON, message=LETTER) == Refused(False, "530")


@pytest.mark.parametrize("wrong", ["stranger", "name"])
def test_a_certificate_that_is_not_the_relays_stops_before_any_word(
    authority: trustme.CA, ca_file: Path, wrong: str
) -> None:
    context = _tls(trustme.CA()) if wrong == "stranger" else _tls(authority, "elsewhere.test")
    with SmtpServer(tls=context, credentials=("avis", "secret")) as server:
        for mailer in _mailer(
            server, encryption="starttls", ca_file=ca_file, username="avis", password=lambda: "secret"
        ):
            assert mailer.send(to=PERSON, message=LETTER) == Refused(False, "tls")
    assert server.received == []
    assert server.sign_ins == 0


def test_a_wrong_password_is_not_the_letters_fault(authority: trustme.CA, ca_file: Path) -> None:
    with SmtpServer(tls=_tls(authority), credentials=("avis", "secret")) as server:
        for mailer in _mailer(server, encryption="starttls", ca_file=ca_file, username="avis", password=lambda: "faux"):
            assert mailer.send(to=PERSON, message=LETTER) == Refused(False, "535 5.7.8")
    assert server.received == []


def test_settings_that_contradict_each_other_are_refused_without_repeating_the_password() -> None:
    for settings in (
        {"username": "avis", "password": lambda: "secret", "encryption": "none"},
        {"username": "avis é", "password": lambda: "secret"},
        {"username": "avis"},
        {"envelope_from": "zoé@example.org"},
        {"envelope_from": "a@b.org\r\nDATA"},
    ):
        given = {"envelope_from": "avis@example.org", **settings}
        with pytest.raises(ValueError, match=r"password|ASCII") as refused:
            SmtpMailer("relay.example.org", 587, **given)  # type: ignore[arg-type]  # wrong on purpose
        assert "secret" not in str(refused.value)


def test_a_relay_that_wants_tls_at_once_gets_it(authority: trustme.CA, ca_file: Path) -> None:
    with SmtpServer(tls=_tls(authority), at_once=True, credentials=("avis", "secret")) as server:
        given = {"encryption": "implicit", "ca_file": ca_file, "username": "avis", "password": lambda: "secret"}
        for mailer in _mailer(server, **given):
            assert [mailer.send(to=PERSON, message=LETTER) for _ in range(3)] == [Accepted()] * 3
    assert [(letter.message, letter.encrypted, letter.signed_in) for letter in server.received] == [
        (LETTER, True, True)
    ] * 3
    assert server.connections == 1


@pytest.mark.parametrize("wrong", ["stranger", "name"])
def test_a_relay_with_tls_at_once_and_anothers_certificate_hears_no_word(
    authority: trustme.CA, ca_file: Path, wrong: str
) -> None:
    context = _tls(trustme.CA()) if wrong == "stranger" else _tls(authority, "elsewhere.test")
    with SmtpServer(tls=context, at_once=True, credentials=("avis", "secret")) as server:
        given = {"encryption": "implicit", "ca_file": ca_file, "username": "avis", "password": lambda: "secret"}
        for mailer in _mailer(server, **given):
            assert mailer.send(to=PERSON, message=LETTER) == Refused(False, "tls")
    assert (server.received, server.sign_ins) == ([], 0)


def test_a_relay_that_greets_in_clear_where_tls_is_wanted_at_once_is_told_no_password(
    server: SmtpServer, ca_file: Path
) -> None:
    given = {"encryption": "implicit", "ca_file": ca_file, "username": "avis", "password": lambda: "secret"}
    for mailer in _mailer(server, **given):
        assert mailer.send(to=PERSON, message=LETTER) == Refused(False, "tls")
    assert server.received == []


def test_the_password_is_read_again_at_each_connection(authority: trustme.CA, ca_file: Path, tmp_path: Path) -> None:
    file = tmp_path / "word"
    file.write_text("first\n", encoding="utf-8")
    with SmtpServer(tls=_tls(authority), credentials=("avis", "first")) as server:
        relay = Smtp("127.0.0.1", server.port, "starttls", "avis@spheres.example.org", "avis", file, ca_file)
        with closing(by_relay(relay)) as mailer:
            assert mailer.send(to=PERSON, message=LETTER) == Accepted()
            server.credentials = ("avis", "second")
            file.write_text("second\n", encoding="utf-8")
            server.hang_up()
            assert mailer.send(to=PERSON, message=LETTER) == Accepted(), "as soon as it is changed"
            mailer.close()
            for lost in ("", "\n", "deuxième"):
                file.write_text(lost, encoding="utf-8")
                assert mailer.send(to=PERSON, message=LETTER) == Refused(False, "password")
            file.unlink()
            assert mailer.send(to=PERSON, message=LETTER) == Refused(False, "password")
            before = server.connections
            file.write_text("second", encoding="utf-8")
            assert mailer.send(to=PERSON, message=LETTER) == Accepted(), "as soon as it is back"
    assert (before, server.connections) == (2, 3), "without a password the relay is not bothered"


# ------------------------------------------------------------------------------------------------------ time limits

#: Longer than any limit of these tests, and far shorter than a relay that is stubborn holds on.
ENOUGH_SECONDS = 60.0

STEPS: list[Where] = ["greeting", "EHLO", "STARTTLS", "handshake", "AUTH", "MAIL", "RCPT", "DATA"]


def _against(relay: StubbornRelay, ca_file: Path, **settings: object) -> Iterator[SmtpMailer]:
    given = {
        "envelope_from": "avis@spheres.example.org",
        "encryption": "starttls",
        "ca_file": ca_file,
        "username": "avis",
        "password": lambda: "secret",
        "timeout": 0.5,
        "letter_timeout": 30.0,
        **settings,
    }
    made = SmtpMailer("127.0.0.1", relay.port, **given)  # type: ignore[arg-type]  # a test's settings, by name
    yield made
    made.close()


@pytest.mark.ci
@pytest.mark.wide(8)
@pytest.mark.parametrize("manner", ["silent", "drips"])
@pytest.mark.parametrize("where", STEPS)
def test_a_relay_that_holds_on_to_one_step_does_not_hold_the_letters(
    authority: trustme.CA, ca_file: Path, where: Where, manner: Manner
) -> None:
    with StubbornRelay(where, manner, tls=_tls(authority)) as relay:
        for mailer in _against(relay, ca_file):
            begun = time.monotonic()
            assert mailer.send(to=PERSON, message=LETTER) == Later("connect")
            assert time.monotonic() - begun < ENOUGH_SECONDS


@pytest.mark.ci
@pytest.mark.wide(8)
@pytest.mark.parametrize("manner", ["silent", "drips"])
@pytest.mark.parametrize("where", ["handshake", "greeting", "MAIL"])
def test_so_it_is_where_tls_comes_at_once(authority: trustme.CA, ca_file: Path, where: Where, manner: Manner) -> None:
    with StubbornRelay(where, manner, tls=_tls(authority), at_once=True) as relay:
        for mailer in _against(relay, ca_file, encryption="implicit"):
            begun = time.monotonic()
            assert mailer.send(to=PERSON, message=LETTER) == Later("connect")
            assert time.monotonic() - begun < ENOUGH_SECONDS


@pytest.mark.ci
@pytest.mark.parametrize("manner", ["silent", "drips"])
def test_a_relay_that_has_the_letter_and_never_answers_for_it_leaves_it_unknown(
    authority: trustme.CA, ca_file: Path, manner: Manner
) -> None:
    with StubbornRelay("text", manner, tls=_tls(authority)) as relay:
        for mailer in _against(relay, ca_file):
            begun = time.monotonic()
            assert mailer.send(to=PERSON, message=LETTER) == Unknown()
            assert time.monotonic() - begun < ENOUGH_SECONDS


@pytest.mark.ci
@pytest.mark.wide(8)
@pytest.mark.parametrize("encryption", ["none", "starttls"])
def test_a_relay_that_never_reads_the_letter_cannot_have_it(
    authority: trustme.CA, ca_file: Path, encryption: str
) -> None:
    large = LETTER + b"x\r\n" * 3_000_000
    with StubbornRelay("body", tls=_tls(authority)) as relay:
        for mailer in _against(relay, ca_file, encryption=encryption, letter_timeout=2.0):
            begun = time.monotonic()
            assert mailer.send(to=PERSON, message=large) == Later("connect")
            assert time.monotonic() - begun < ENOUGH_SECONDS


@pytest.mark.ci
def test_a_letter_has_a_limit_of_its_own_however_patiently_each_answer_comes(
    authority: trustme.CA, ca_file: Path
) -> None:
    with StubbornRelay("", pause=0.2, tls=_tls(authority)) as relay:
        for mailer in _against(relay, ca_file, timeout=5.0, letter_timeout=0.5):
            assert mailer.send(to=PERSON, message=LETTER) == Later("connect")
        assert not any(said.startswith("MAIL") for said in relay.heard)
        for mailer in _against(relay, ca_file, timeout=5.0):
            assert mailer.send(to=PERSON, message=LETTER) == Accepted()


@pytest.mark.ci
@pytest.mark.parametrize("manner", ["silent", "drips"])
def test_a_farewell_that_is_not_answered_ends_too(authority: trustme.CA, ca_file: Path, manner: Manner) -> None:
    with StubbornRelay("QUIT", manner, tls=_tls(authority)) as relay:
        for mailer in _against(relay, ca_file):
            assert mailer.send(to=PERSON, message=LETTER) == Accepted()
            begun = time.monotonic()
            mailer.close()
            assert time.monotonic() - begun < ENOUGH_SECONDS
        assert relay.heard[-1].upper() == "QUIT"


@pytest.mark.parametrize("name", ["a" * 70 + ".example", "relay.invalid", "relais..example"])
def test_a_relay_whose_name_leads_nowhere_is_later_and_no_crash(name: str) -> None:
    mailer = SmtpMailer(name, 25, envelope_from="avis@example.org", encryption="none", timeout=5.0)
    assert mailer.send(to=PERSON, message=LETTER) == Later("connect")


# ---------------------------------------------------------------------------------------------------- the folder


def test_the_demonstrations_letters_are_files_that_a_mail_reader_opens(tmp_path: Path) -> None:
    mailer: Mailer = FolderMailer(tmp_path / "mail")
    assert mailer.send(to=PERSON, message=LETTER) == Accepted()
    (file,) = (tmp_path / "mail").iterdir()
    assert file.name == f"{NOTICE}.eml"
    assert file.read_bytes() == LETTER
    read = BytesParser(policy=policy.default).parsebytes(file.read_bytes())
    assert read["Subject"] == "Bonjour"


def test_the_same_letter_sent_twice_is_one_file_and_the_first_one(tmp_path: Path) -> None:
    mailer = FolderMailer(tmp_path)
    mailer.send(to=PERSON, message=LETTER)
    before = (tmp_path / f"{NOTICE}.eml").stat().st_mtime_ns
    assert mailer.send(to=PERSON, message=LETTER) == Accepted()
    assert [file.name for file in tmp_path.iterdir()] == [f"{NOTICE}.eml"]
    assert (tmp_path / f"{NOTICE}.eml").stat().st_mtime_ns == before


@pytest.mark.parametrize("sent_id", ["../../etc/cron@x", "..@x", "a/b@x", "C:\\x@y", "x" * 300 + "@y", "é@y"])
def test_a_letter_never_chooses_where_it_is_written(tmp_path: Path, sent_id: str) -> None:
    folder = tmp_path / "mail"
    message = LETTER.replace(f"{NOTICE}@spheres.example.org".encode(), sent_id.encode())
    assert FolderMailer(folder).send(to=PERSON, message=message) == Accepted()
    assert [entry.name for entry in tmp_path.iterdir()] == ["mail"]
    (file,) = folder.iterdir()
    assert len(file.name) == len("0" * 64 + ".eml")


def test_a_letter_without_an_id_is_refused(tmp_path: Path) -> None:
    anonymous = b"Subject: x\r\n\r\ny\r\n"
    assert FolderMailer(tmp_path).send(to=PERSON, message=anonymous) == Refused(True, "message")


def test_a_folder_that_cannot_be_written_makes_the_letter_wait_and_leaves_no_half_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("adapters.folder_mail.os.fsync", no_room)
    assert FolderMailer(tmp_path).send(to=PERSON, message=LETTER) == Later("folder")
    assert list(tmp_path.iterdir()) == []
    monkeypatch.undo()
    (tmp_path / "file").write_text("in the way")
    assert FolderMailer(tmp_path / "file").send(to=PERSON, message=LETTER) == Later("folder")
