"""Nobody's name, address or words add a heading, a part or a recipient to a letter that leaves."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import parseaddr
from typing import Final

import psycopg
import pytest
from psycopg import sql
from sqlmodel import Session

from adapters.addresses import conninfo_of
from adapters.mail import SmtpMailer
from domain.access import invitations
from domain.casework import cases, tasks
from domain.kernel.refusals import Refusal
from domain.mail.envelopes import Mailbox
from domain.people import people
from flows.post import deliver
from models.program import Person
from tests.casework import complete, open_onboarding, step
from tests.cast import AT, Cast, letter_templates
from tests.fakes.smtp_server import Received, SmtpServer
from tests.flows.support import Clock, means_of

_THIEF: Final = "thief@elsewhere.example"

#: What no name holds that was typed in a page.
CONTROLS: Final = (
    f"\r\nBcc: {_THIEF}",
    f"\nTo: {_THIEF}",
    f"\rReply-To: {_THIEF}",
    f"\r\n\r\n--zq7\r\nContent-Type: text/html\r\n\r\n{_THIEF}",
    f"\r\n.\r\nMAIL FROM:<{_THIEF}>\r\nRCPT TO:<{_THIEF}>\r\nDATA\r\n",
    f"\x0bBcc: {_THIEF}",
    f"\x85Bcc: {_THIEF}",
    f"\u2028Bcc: {_THIEF}",
    "\x00",
    "\x1b[2J",
)

#: What one may be called, for all that a page can tell.
PRINTABLE: Final = (
    f'" <{_THIEF}>, "',
    f"<{_THIEF}>",
    f"{_THIEF}, {_THIEF}",
    f"Zq7 (a comment) ; group: {_THIEF};",
    "=?utf-8?q?=0D=0ABcc:_t@elsewhere.example?=",
    "=?utf-8?b?DQpCY2M6IHRAZWxzZXdoZXJlLmV4YW1wbGU=?=",
    '\\"\\',
    "--=_zq7--",
    "%0d%0aBcc:%20thief",
    "=cmd|'/C calc'!A0",
    "{{ 37 * 41 }}",
)

#: Columns whose words come into letters: names, what a region's files say, and what stands in a subject.
_INTO_LETTERS: Final[Mapping[str, Sequence[str]]] = {
    "program": ("title_fr", "title_en"),
    "organization": ("name_fr", "name_en", "short_name"),
    "role": ("title_fr", "title_en"),
    "protocol_version": ("title_fr", "title_en"),
}

#: To whom letters go when a case at CODIM opens and moves.
_WRITTEN_TO: Final = ("worker_codim", "manager_codim", "officer", "it_contact", "petty_cash_holder", "coordinator")

#: The headings of every letter, and no other.
_HEADINGS: Final = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Content-Language",
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
    "MIME-Version",
    "Content-Type",
]


def _in_turns() -> list[list[str]]:
    """All of the above, so many at a time as there are columns."""
    most = sum(len(columns) for columns in _INTO_LETTERS.values())
    words = itertools.cycle([*CONTROLS, *PRINTABLE])
    return [list(itertools.islice(words, most)) for _ in range(3)]


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with SmtpServer() as running:
        yield running


@pytest.mark.parametrize("hostile", CONTROLS, ids=ascii)
def test_no_name_and_no_address_with_a_control_character_is_taken_as_it_is(cast: Cast, hostile: str) -> None:
    """White space becomes a space in a name, and is left out around an address; anything else is refused."""
    kept = {
        "given_name": "Jaspe",
        "family_name": "Grenat",
        "email": "jaspe@codim.example",
        "phone": "",
        "language": "fr",
    }
    for field in ("given_name", "family_name", "email", "phone"):
        with cast.session() as session:
            with suppress(Refusal):
                people.update_person(
                    session,
                    cast.people["worker_codim"],
                    **{**kept, field: kept[field] + hostile},  # type: ignore[arg-type]  # texts, all of them
                    by=cast.actor("coordinator"),
                    at=AT,
                )
            held = _held(cast, "worker_codim", session)
        assert held[field].isprintable(), field
        assert held["email"] in ("worker.codim@codim.example", kept["email"]), field


@pytest.mark.ci
@pytest.mark.wide(8)
@pytest.mark.parametrize("names", [PRINTABLE[:6], PRINTABLE[5:]], ids=["some", "others"])
def test_a_name_that_reads_like_a_heading_is_a_name_in_every_letter(
    cast: Cast, server: SmtpServer, names: Sequence[str]
) -> None:
    called = dict(zip(_WRITTEN_TO, names, strict=True))
    for name, hostile in called.items():
        with cast.session() as session:
            people.update_person(
                session,
                cast.people[name],
                given_name=hostile,
                family_name="Grenat",
                email=f"{name.replace('_', '.')}@zq7.example",
                phone=None,
                language=cast.members[name].language,
                by=cast.actor("coordinator"),
                at=AT,
            )
    # What goes to the address of before tells of the new one, to the name of before.
    named = {_name_in(letter, "To") for letter in _sent(cast, server) if b"@zq7.example" in letter.message}
    assert named == {f"{hostile} Grenat" for hostile in called.values()}


@pytest.mark.ci
@pytest.mark.wide(8)
@pytest.mark.parametrize("hostile", _in_turns(), ids=["first", "second", "third"])
def test_whatever_a_region_calls_its_parts_adds_nothing_to_a_letter(
    cast: Cast, server: SmtpServer, hostile: Sequence[str]
) -> None:
    """Written past every rule: into the names of program, organizations, roles and protocols."""
    columns = [(table, column) for table, columns in _INTO_LETTERS.items() for column in columns]
    for (table, column), words in zip(columns, hostile, strict=True):
        _write(cast, table, column, f"Zq7{words}")
    letters = _sent(cast, server)
    assert sum("Zq7" in _text(letter) for letter in letters) > 5


@pytest.mark.parametrize("hostile", CONTROLS, ids=ascii)
@pytest.mark.parametrize(("column", "value"), [("given_name", "Jaspe"), ("email", "jaspe@codim.example")])
def test_a_name_or_an_address_written_past_every_rule_gets_no_letter(
    cast: Cast, server: SmtpServer, column: str, value: str, hostile: str
) -> None:
    _write(cast, "person", column, value + hostile)
    with pytest.raises(Refusal):
        _sent(cast, server)
    _left(cast, server)
    assert server.received == []


@pytest.mark.parametrize("hostile", CONTROLS, ids=ascii)
def test_no_letter_is_sent_for_an_installation_whose_name_or_address_holds_a_control_character(hostile: str) -> None:
    for name, address in (("SPHÈRES" + hostile, "s@program.example"), ("SPHÈRES", "s@program.example" + hostile)):
        with pytest.raises(Refusal):
            Mailbox(address, name)


@pytest.mark.parametrize("hostile", PRINTABLE, ids=ascii)
def test_the_name_of_an_installation_is_a_name(cast: Cast, server: SmtpServer, hostile: str) -> None:
    written_by = Mailbox("spheres@program.example", hostile)
    with cast.session() as session:
        session.info["letter_templates"] = replace(letter_templates(), sender=written_by)
        invitations.invite(session, cast.people["worker_codim"], by=cast.actor("coordinator"), at=AT)
    (letter,) = _left(cast, server)
    assert _name_in(letter, "From") == hostile


def _sent(cast: Cast, server: SmtpServer) -> list[Received]:
    """What leaves when a person is invited and a case opens and moves, each letter held to its own headings."""
    with cast.session() as session:
        invitations.invite(session, cast.people["worker_codim"], by=cast.actor("coordinator"), at=AT)
    case_id = open_onboarding(cast, "worker_codim", "codim")
    complete(cast, case_id, "request_secure_access")
    with cast.session() as session:
        task = step(session, case_id, "request_secure_access")
        tasks.reject_task(session, task["id"], by=cast.actor("manager_codim"), at=AT, reason="À revoir.")
        cases.cancel_case(session, case_id, by=cast.actor("coordinator"), at=AT, reason="Ne viendra pas.")
    return _left(cast, server)


def _left(cast: Cast, server: SmtpServer) -> list[Received]:
    """Everything in the outbox, sent to a real server."""
    mailer = SmtpMailer(
        "127.0.0.1", server.port, envelope_from="spheres@program.example", encryption="none", timeout=5.0
    )
    try:
        attempts = deliver(replace(means_of(cast, Clock()), mailer=mailer)).attempts
    finally:
        mailer.close()
    assert len(server.received) == attempts
    for letter in server.received:
        _hold(letter)
    return server.received


def _hold(letter: Received) -> None:
    """One letter: to one person, from us, with the headings and parts of any letter."""
    assert len(letter.recipients) == 1
    assert letter.sender == "spheres@program.example"
    read = _read(letter)
    assert read.keys() == _HEADINGS
    assert [one.addr_spec for one in read["To"].addresses] == [letter.to]
    assert letter.to.endswith(".example")
    assert letter.to != _THIEF
    assert [one.addr_spec for one in read["From"].addresses] == ["spheres@program.example"]
    for shown in (str(read["Subject"]), read["To"].addresses[0].display_name, read["From"].addresses[0].display_name):
        assert not [sign for sign in shown if unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp")]
    assert [part.get_content_type() for part in read.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    assert not any(part.defects for part in read.walk())
    # Nothing that a laxer reader than this one would take for a heading, in the lines as they are.
    head = letter.message.partition(b"\r\n\r\n")[0]
    starts = re.findall(rb"(?m)^([^\s:]+):", head)
    assert [start.decode() for start in starts] == _HEADINGS
    # Nor by decoding a heading before it is taken apart.
    assert "\n" not in str(make_header(decode_header(unfolded(head))))


def unfolded(head: bytes) -> str:
    """The headings in one line."""
    return head.decode("ascii").replace("\r\n", "")


def _read(letter: Received) -> EmailMessage:
    read = BytesParser(policy=policy.default).parsebytes(letter.message)
    assert isinstance(read, EmailMessage)
    return read


def _text(letter: Received) -> str:
    part = _read(letter).get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def _name_in(letter: Received, heading: str) -> str:
    """The name in a heading. The newer parser puts a space into one of two encoded words; the older reads it right."""
    name, _ = parseaddr(message_from_bytes(letter.message)[heading])
    return str(make_header(decode_header(name)))


def _held(cast: Cast, name: str, session: Session) -> Mapping[str, str]:
    person = session.get(Person, (cast.program_id, cast.people[name]))
    assert person is not None
    return {**person.model_dump(), "phone": person.phone or ""}


def _write(cast: Cast, table: str, column: str, value: str) -> None:
    """Write into every row of a table, past every rule; but for NUL, which the database cannot hold."""
    with psycopg.connect(conninfo_of(cast.database.admin_url)) as admin:
        statement = sql.SQL("update {} set {} = %s").format(sql.Identifier(table), sql.Identifier(column))
        assert admin.execute(statement, [value.replace("\x00", "\x01")]).rowcount > 0
