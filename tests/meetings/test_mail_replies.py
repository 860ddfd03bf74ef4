"""Answers by mail, in the dialects of four calendars, and everything else that comes to the same address."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Final, get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from meetings.mail_replies import MOST_BYTES, MailReply, Reason, Stray, read_reply
from tests.meetings.replying import SABRE

ANNE: Final = "anne.roy@example.org"
UID: Final = "6f7c2a@spheres.example"
STAMP: Final = datetime(2026, 11, 3, 14, 5, 9, tzinfo=UTC)

#: As Exchange answers for one date: its own name of the zone, the address in capitals, a comment.
EXCHANGE: Final = """\
BEGIN:VCALENDAR
METHOD:REPLY
PRODID:Microsoft Exchange Server 2010
VERSION:2.0
BEGIN:VTIMEZONE
TZID:Eastern Standard Time
BEGIN:STANDARD
DTSTART:16010101T020000
TZOFFSETFROM:-0400
TZOFFSETTO:-0500
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=1SU;BYMONTH=11
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
TZOFFSETFROM:-0500
TZOFFSETTO:-0400
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=2SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE
BEGIN:VEVENT
ATTENDEE;PARTSTAT=DECLINED;CN=Anne Roy:MAILTO:ANNE.ROY@EXAMPLE.ORG
COMMENT;LANGUAGE=fr-CA:Je serai en formation\\, désolée.\\n
UID:6f7c2a@spheres.example
RECURRENCE-ID;TZID=Eastern Standard Time:20261111T133000
SUMMARY;LANGUAGE=fr-CA:Refusé : Comité clinique
DTSTART;TZID=Eastern Standard Time:20261111T133000
DTEND;TZID=Eastern Standard Time:20261111T160000
CLASS:PUBLIC
PRIORITY:5
DTSTAMP:20261103T140509Z
TRANSP:OPAQUE
STATUS:CONFIRMED
SEQUENCE:2
LOCATION;LANGUAGE=fr-CA:Salle Chênes
X-MICROSOFT-CDO-APPT-SEQUENCE:2
END:VEVENT
END:VCALENDAR
"""

#: As Google answers: in UTC, with all its own properties, for the whole series.
GOOGLE: Final = """\
BEGIN:VCALENDAR
PRODID:-//Google Inc//Google Calendar 70.9054//EN
VERSION:2.0
CALSCALE:GREGORIAN
METHOD:REPLY
BEGIN:VEVENT
DTSTART:20261007T173000Z
DTEND:20261007T200000Z
DTSTAMP:20261103T140509Z
ORGANIZER;CN=Programme:mailto:comites@spheres.example
UID:6f7c2a@spheres.example
ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=ACCEPTED;CN=anne.ro
 y@example.org;X-NUM-GUESTS=0:mailto:anne.roy@example.org
CREATED:20261001T120000Z
DESCRIPTION:
LAST-MODIFIED:20261103T140508Z
LOCATION:
SEQUENCE:0
STATUS:CONFIRMED
SUMMARY:Comité clinique
TRANSP:OPAQUE
END:VEVENT
END:VCALENDAR
"""

#: As Apple's calendar answers, by someone for another, a whole meeting.
APPLE: Final = """\
BEGIN:VCALENDAR
CALSCALE:GREGORIAN
METHOD:REPLY
PRODID:-//Apple Inc.//macOS 14.5//EN
VERSION:2.0
BEGIN:VEVENT
ATTENDEE;CN="Roy, Anne";CUTYPE=INDIVIDUAL;EMAIL="anne.roy@example.org";PARTSTAT=ACCEPTED
 ;SENT-BY="mailto:Bureau@example.org":mailto:anne.roy@example.org
DTEND;TZID=America/Toronto:20261209T110000
DTSTAMP:20261103T140509Z
DTSTART;TZID=America/Toronto:20261209T090000
ORGANIZER;CN="Programme":mailto:comites@spheres.example
SEQUENCE:0
SUMMARY:Comité directeur
UID:6f7c2a@spheres.example
BEGIN:VALARM
ACTION:DISPLAY
TRIGGER:-PT15M
END:VALARM
END:VEVENT
END:VCALENDAR
"""


def _mail(
    calendar: str | None,
    *,
    sender: str = "Anne Roy <anne.roy@example.org>",
    subject: str = "Refusé : Comité clinique",
    text: str = "Anne Roy a refusé.",
    encoding: str = "base64",
    method: str = "REPLY",
    headers: dict[str, str] | None = None,
    attached: str | None = None,
) -> bytes:
    """A mail as calendars send it: words, then the calendar's file as another form of them."""
    mail = EmailMessage()
    mail["From"] = sender
    mail["To"] = "comites@spheres.example"
    mail["Subject"] = subject
    for name, value in (headers or {}).items():
        mail[name] = value
    mail.set_content(text)
    if calendar is not None:
        content = calendar.replace("\n", "\r\n").encode()
        mail.add_alternative(
            content, maintype="text", subtype="calendar", cte=encoding, params={"charset": "utf-8", "method": method}
        ) if encoding == "base64" else mail.add_alternative(
            calendar, subtype="calendar", charset="utf-8", cte=encoding, params={"method": method}
        )
    if attached is not None:
        mail.add_attachment(attached.encode(), maintype="application", subtype="ics", filename="invite.ics")
    return mail.as_bytes()


def _taken(message: bytes) -> MailReply:
    reply = read_reply(message)
    assert isinstance(reply, MailReply), reply
    return reply


def _reason(message: bytes) -> str:
    stray = read_reply(message)
    assert isinstance(stray, Stray), stray
    return stray.reason


# ---------------------------------------------------------------------------------------------------------- dialects


def test_exchange_answers_for_one_date_in_its_own_zone_and_in_capitals() -> None:
    assert _taken(_mail(EXCHANGE)) == MailReply(
        uid=UID,
        recurrence=datetime(2026, 11, 11, 18, 30, tzinfo=UTC),
        partstat="declined",
        attendee=ANNE,
        sent_by=None,
        sequence=2,
        dtstamp=STAMP,
        from_address=ANNE,
        has_comment=True,
    )


def test_google_answers_for_the_whole_series_though_a_program_generated_the_mail() -> None:
    mail = _mail(GOOGLE, headers={"Auto-Submitted": "auto-generated"}, attached=GOOGLE)
    assert _taken(mail) == MailReply(
        uid=UID,
        recurrence=None,
        partstat="accepted",
        attendee=ANNE,
        sent_by=None,
        sequence=0,
        dtstamp=STAMP,
        from_address=ANNE,
        has_comment=False,
    )


def test_sabre_answers_for_one_date_with_the_sequence_that_it_keeps() -> None:
    reply = _taken(_mail(SABRE, encoding="8bit"))
    assert (reply.recurrence, reply.partstat, reply.sequence, reply.attendee) == (
        datetime(2026, 11, 18, 18, 30, tzinfo=UTC),
        "tentative",
        1,
        ANNE,
    )


@pytest.mark.parametrize(("calendar", "whole"), [(EXCHANGE, False), (GOOGLE, False), (SABRE, True), (APPLE, False)])
def test_the_calendar_that_takes_each_message_for_the_whole_gives_itself_away(calendar: str, whole: bool) -> None:
    assert _taken(_mail(calendar, sender="bureau@example.org" if calendar == APPLE else ANNE)).replaces is whole


def test_apple_answers_by_someone_for_another() -> None:
    reply = _taken(_mail(APPLE, sender='"Bureau, le" <bureau@example.org>', encoding="quoted-printable"))
    assert (reply.attendee, reply.sent_by, reply.from_address) == (ANNE, "bureau@example.org", "bureau@example.org")
    assert (reply.recurrence, reply.partstat, reply.has_comment) == (None, "accepted", False)


def test_a_calendar_that_is_only_attached_is_read_as_well() -> None:
    assert _taken(_mail(None, attached=GOOGLE)).partstat == "accepted"


def test_a_mail_that_is_nothing_but_the_calendar_is_read_as_well() -> None:
    head = "From: anne.roy@example.org\r\nContent-Type: text/calendar; method=REPLY; charset=utf-8\r\n\r\n"
    assert _taken(head.encode() + GOOGLE.replace("\n", "\r\n").encode()).uid == UID


def test_a_line_may_be_folded_in_the_middle_of_a_letter() -> None:
    """Some count octets and cut accents in two."""
    whole = GOOGLE.replace("6f7c2a", "séance-3").replace("\n", "\r\n").encode()
    cut = whole.index("é".encode()) + 1
    folded = whole[:cut] + b"\r\n " + whole[cut:]
    head = b"From: anne.roy@example.org\r\nContent-Type: text/calendar\r\n\r\n"
    assert _taken(head + folded).uid == _taken(head + whole).uid == "séance-3@spheres.example"


def test_what_an_alarm_says_of_itself_is_not_the_answers() -> None:
    alarm = "ACTION:EMAIL\nUID:alarm\nSEQUENCE:9\nCOMMENT:Ding\nATTENDEE:mailto:b@example.org"
    sender = "bureau@example.org"
    assert _taken(_mail(APPLE.replace("ACTION:DISPLAY", alarm), sender=sender)) == _taken(_mail(APPLE, sender=sender))


def test_one_who_sends_somebody_else_says_delegated() -> None:
    calendar = GOOGLE.replace("PARTSTAT=ACCEPTED", 'PARTSTAT=DELEGATED;DELEGATED-TO="mailto:paul@example.org"')
    assert _taken(_mail(calendar)).partstat == "delegated"


def test_a_comment_is_known_to_be_there_and_is_not_kept() -> None:
    google = GOOGLE.replace(";X-NUM-GUESTS=0", ';X-NUM-GUESTS=0;X-RESPONSE-COMMENT="Je serai en retard"')
    for calendar in (EXCHANGE, google):
        reply = _taken(_mail(calendar))
        assert reply.has_comment
        assert "retard" not in repr(reply)
        assert "formation" not in repr(reply)
    assert not _taken(_mail(EXCHANGE.replace("Je serai en formation\\, désolée.\\n", "\\n"))).has_comment


# --------------------------------------------------------------------------------------------------------------- zones


@pytest.mark.parametrize(
    "zone",
    [
        "Eastern Standard Time",
        "America/Toronto",
        "America/Montreal",
        '"America/Toronto"',
        "/freeassociation.sourceforge.net/America/Toronto",
        "/mozilla.org/20050126_1/America/Toronto",
    ],
)
def test_a_zone_that_is_known_by_name_makes_a_moment(zone: str) -> None:
    said = SABRE.replace("RECURRENCE-ID;TZID=America/Toronto", f"RECURRENCE-ID;TZID={zone}")
    reply = _taken(_mail(said))
    assert reply.recurrence == datetime(2026, 11, 18, 18, 30, tzinfo=UTC)
    assert not reply.has_no_zone


@pytest.mark.parametrize(
    "zone",
    [
        '"(UTC-05:00) Eastern Time (US & Canada)"',
        "Heure de l'Est",
        "Customized Time Zone",
        "../../etc/passwd",
        "/etc/localtime",
        "Europe",
    ],
)
def test_a_zone_that_nobody_knows_leaves_the_time_as_it_was_written(zone: str) -> None:
    reply = _taken(_mail(SABRE.replace("RECURRENCE-ID;TZID=America/Toronto", f"RECURRENCE-ID;TZID={zone}")))
    assert reply.recurrence == datetime(2026, 11, 18, 13, 30)
    assert reply.has_no_zone


def test_a_moment_a_floating_time_and_a_day_are_read_too() -> None:
    begun = "RECURRENCE-ID;TZID=America/Toronto:20261118T133000"
    in_utc = _taken(_mail(SABRE.replace(begun, "RECURRENCE-ID:20261118T183000Z")))
    floating = _taken(_mail(SABRE.replace(begun, "RECURRENCE-ID:20261118T133000")))
    day = _taken(_mail(SABRE.replace(begun, "RECURRENCE-ID;VALUE=DATE:20261118")))
    assert in_utc.recurrence == datetime(2026, 11, 18, 18, 30, tzinfo=UTC)
    assert (floating.recurrence, floating.has_no_zone) == (datetime(2026, 11, 18, 13, 30), True)
    assert (day.recurrence, day.has_no_zone) == (datetime(2026, 11, 18), True)


def test_a_zone_described_in_one_mail_is_not_believed_in_it_nor_in_the_next() -> None:
    """A parser keeps zones under their names, and carries their rules out: each second of a century, where one asks."""
    described = EXCHANGE.replace("Eastern Standard Time", "Zone of mine").replace("FREQ=YEARLY", "FREQ=SECONDLY")
    began = time.process_time()
    assert _taken(_mail(described)).has_no_zone
    assert time.process_time() - began < 5
    assert _taken(
        _mail(SABRE.replace("RECURRENCE-ID;TZID=America/Toronto", "RECURRENCE-ID;TZID=Zone of mine"))
    ).has_no_zone
    lying = EXCHANGE.replace("Eastern Standard Time", "America/Toronto").replace("-0500", "+0900")
    assert _taken(_mail(lying)).recurrence == datetime(2026, 11, 11, 18, 30, tzinfo=UTC)


# -------------------------------------------------------------------------------------------------------------- strays


def test_a_mail_of_someone_else_is_no_answer_but_says_whose_it_claims_to_be() -> None:
    stray = read_reply(_mail(GOOGLE, sender="Anne Roy <mallory@example.net>"))
    assert isinstance(stray, Stray)
    assert stray.reason == "from_differs"
    assert stray.claimed == replace(_taken(_mail(GOOGLE)), from_address="mallory@example.net")
    assert _reason(_mail(APPLE, sender="mallory@example.net")) == "from_differs"


@pytest.mark.parametrize(
    ("sender", "reason"),
    [
        ("anne.roy@example.org, mallory@example.net", "malformed"),
        ("mallory@example.net, <anne.roy@example.org>", "malformed"),
        ('"mallory <anne.roy@example.org>', "malformed"),
        ("<anne.roy@example.org> <mallory@example.net>", "malformed"),
        ("mallory@example.net (anne.roy@example.org)", "malformed"),
        ("anne.roy@example.org <mallory@example.net>", "from_differs"),
        ('"Anne <anne.roy@example.org>" <mallory@example.net>', "from_differs"),
        ("Anne Roy", "malformed"),
        ("", "malformed"),
    ],
)
def test_a_sender_who_could_be_read_in_two_ways_is_nobody(sender: str, reason: str) -> None:
    assert _reason(f"From: {sender}\nContent-Type: text/calendar\n\n{GOOGLE}".encode()) == reason


PASSED: Final = "spf=pass smtp.mailfrom=example.org; dkim=pass header.d=example.org;dmarc=pass (p=NONE dmarc=fail)"
FAILED: Final = (
    "spf=fail (sender IP is 192.0.2.1)\n smtp.mailfrom=example.net; dkim=none (message not signed)\n"
    " header.d=none;dmarc=fail action=none header.from=example.org;compauth=fail\n reason=001"
)


@pytest.mark.parametrize(
    ("results", "is_kept_aside"),
    [
        ([FAILED], True),
        (["mx.example.ca; DMARC = fail (p=none)"], True),
        (["mx.example.ca; spf=none; dmarc=none; compauth=fail reason=601"], True),
        ([PASSED], False),
        (["spf=softfail; dkim=fail; dmarc=pass"], False),  # forwarded, as many partners' mail is
        (["dmarc=none"], False),
        ([PASSED, FAILED], False),  # what a server on the way found, which does not hold where it was received
        ([FAILED, PASSED], True),  # what came with a forged mail helps it nothing
        (["("] * 3, False),
    ],
)
def test_what_the_server_that_received_a_mail_found_to_be_forged_is_no_answer(
    results: list[str], is_kept_aside: bool
) -> None:
    head = "".join(f"Authentication-Results: {one}\n" for one in results)
    read = read_reply(f"{head}From: {ANNE}\nContent-Type: text/calendar\n\n{GOOGLE}".encode())
    assert isinstance(read, Stray) is is_kept_aside
    if isinstance(read, Stray):
        assert read.reason == "failed_check"
        assert read.claimed is not None
        assert read.claimed.attendee == ANNE


def test_two_senders_are_none() -> None:
    twice = f"From: {ANNE}\nFrom: {ANNE}\nContent-Type: text/calendar\n\n{GOOGLE}"
    assert _reason(twice.encode()) == "malformed"
    assert _reason(f"Content-Type: text/calendar\n\n{GOOGLE}".encode()) == "malformed"


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto-Submitted": "auto-replied (vacation)"},
        {"Auto-Submitted": "auto-replied; owner-email=a@example.org"},
        {"X-Autoreply": "yes"},
        {"Precedence": "auto_reply"},
    ],
)
def test_a_machine_that_says_that_someone_is_away_answers_nothing(headers: dict[str, str]) -> None:
    assert _reason(_mail(None, subject="Absence du bureau", headers=headers)) == "auto_reply"
    assert _reason(_mail(GOOGLE, headers=headers)) == "auto_reply"


def test_mail_that_could_not_be_delivered_answers_nothing() -> None:
    report = (
        "From: MAILER-DAEMON@example.org\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
        f"--b\nContent-Type: text/plain\n\nUndeliverable\n--b\nContent-Type: message/rfc822\n\n{_mail(GOOGLE).decode()}"
        "\n--b--\n"
    )
    assert _reason(report.encode()) == "auto_reply"


def test_an_answer_that_hangs_on_a_mail_as_another_mail_is_not_the_senders() -> None:
    mail = EmailMessage()
    mail["From"] = ANNE
    mail.set_content("Voir ci-joint.")
    inner = EmailMessage()
    inner["From"] = ANNE
    inner.set_content(GOOGLE, subtype="calendar")
    mail.add_attachment(inner)
    assert _reason(mail.as_bytes()) == "no_calendar"


def test_words_alone_are_no_answer() -> None:
    assert _reason(_mail(None, text="Je ne pourrai pas être là.")) == "no_calendar"
    assert _reason(b"") == "malformed"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda text: text.replace("METHOD:REPLY", "METHOD:REQUEST"), "not_a_reply"),
        (lambda text: text.replace("METHOD:REPLY\n", ""), "not_a_reply"),
        (lambda text: text.replace("METHOD:REPLY", "METHOD:COUNTER"), "counter_proposal"),
        (lambda text: text.replace("PARTSTAT=ACCEPTED;", ""), "no_answer"),
        (lambda text: text.replace("PARTSTAT=ACCEPTED", "PARTSTAT=NEEDS-ACTION"), "no_answer"),
        (lambda text: text.replace("PARTSTAT=ACCEPTED", "PARTSTAT=YES"), "no_answer"),
        (lambda text: text.replace("UID:6f7c2a@spheres.example\n", ""), "malformed"),
        (lambda text: text.replace("UID:6f7c2a@spheres.example", "UID:" + "a" * 256), "malformed"),
        (lambda text: text.replace("UID:6f7c2a@spheres.example", "UID:a\u202eb"), "malformed"),
        (lambda text: text.replace("PRODID:", "PRODID:" + "a" * 2000), "malformed"),
        (lambda text: text.replace("END:VCALENDAR\n", ""), "malformed"),
        (lambda text: text.replace("mailto:anne.roy", "https:anne.roy"), "malformed"),
        (lambda text: text.replace("DTSTAMP:20261103T140509Z\n", ""), "malformed"),
        (lambda text: text.replace("DTSTAMP:20261103T140509Z", "DTSTAMP:20261103T140509"), "malformed"),
        (lambda text: text.replace("DTSTAMP:20261103T140509Z", "DTSTAMP:tomorrow"), "malformed"),
        (lambda text: text.replace("SEQUENCE:0", "SEQUENCE:-1"), "malformed"),
        (lambda text: text.replace("SEQUENCE:0", "SEQUENCE:99999999999999999999"), "malformed"),
        (lambda text: text.replace("SEQUENCE:0", "SEQUENCE:first"), "malformed"),
        (lambda text: text.replace("mailto:anne.roy@example.org", "invalid:nomail"), "malformed"),
        (lambda text: text.replace("SEQUENCE:0", "ATTENDEE;PARTSTAT=ACCEPTED:mailto:b@example.org"), "malformed"),
        (
            lambda text: text.replace("SEQUENCE:0", "RECURRENCE-ID;RANGE=THISANDFUTURE:20261118T183000Z"),
            "this_and_future",
        ),
        (lambda text: text.replace("END:VEVENT\n", ""), "malformed"),
        (lambda text: text.replace("VEVENT", "VTODO"), "malformed"),
        (lambda text: text + text, "malformed"),
        (lambda text: text.replace("END:VCALENDAR\n", text[text.index("BEGIN:VEVENT") :]), "several_events"),
        (lambda text: text.replace("SEQUENCE:0", "BEGIN:X\n" * 2000 + "END:X\n" * 2000), "malformed"),
        (lambda text: text.replace("LOCATION:", "DESCRIPTION:" + "é" * 40_000), "too_large"),
    ],
)
def test_what_is_no_answer_says_why(change: Callable[[str], str], reason: str) -> None:
    changed = change(GOOGLE)
    assert changed != GOOGLE
    assert _reason(_mail(changed)) == reason


def test_two_files_that_differ_are_not_chosen_between() -> None:
    mail = EmailMessage()
    mail["From"] = ANNE
    mail.set_content("Deux")
    for calendar in (GOOGLE, SABRE):
        mail.add_attachment(calendar.encode(), maintype="text", subtype="calendar")
    assert _reason(mail.as_bytes()) == "several_events"


# -------------------------------------------------------------------------------------------------------------- bounds


def test_five_megabytes_are_not_read() -> None:
    mail = _mail(GOOGLE) + b"\r\n" + b"A" * (5 * 1024 * 1024)
    began = time.process_time()
    assert _reason(mail) == "too_large"
    assert time.process_time() - began < 0.1
    assert _reason(b"A" * (MOST_BYTES + 1)) == "too_large"
    assert _reason(b"A" * MOST_BYTES) == "malformed"


_HEAD: Final = b"From: a@example.org\nContent-Type: text/calendar"


@pytest.mark.ci
@pytest.mark.parametrize(
    ("mail", "reason"),
    [
        pytest.param(
            b"From: a@example.org\n"
            + b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(3000)),
            "too_large",
            id="parts in parts",
        ),
        pytest.param(
            b"From: a@example.org\nContent-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 30_000,
            "too_large",
            id="parts",
        ),
        pytest.param(_HEAD + b'; x="' + b";" * 200_000, "too_large", id="semicolons"),
        pytest.param(_HEAD + b'; x="' + b";\r\n " * 50_000, "too_large", id="folded semicolons"),
        pytest.param(
            _HEAD.replace(b"\n", b"\r") + b'; x="' + b";\r " * 60_000, "too_large", id="semicolons on old lines"
        ),
        pytest.param(b"From: " + b"(" * 200_000 + b"\n\n", "malformed", id="parentheses"),
        pytest.param(b"From: " + b'"\\' * 100_000 + b"\n\n", "malformed", id="quotes"),
        pytest.param(b"From: a@" + b"a." * 100_000 + b"\n\n", "malformed", id="dots"),
        pytest.param(b"X: " + b"\n " * 100_000, "malformed", id="folds"),
        pytest.param(_HEAD + b"\n\n" + b"BEGIN:VCALENDAR\n" * 4000, "malformed", id="calendars"),
        pytest.param(
            _HEAD
            + b"\n\nBEGIN:VCALENDAR\nBEGIN:VEVENT\nATTENDEE;"
            + b'A="' * 20_000
            + b":x\nEND:VEVENT\nEND:VCALENDAR",
            "malformed",
            id="parameters",
        ),
        pytest.param(
            _HEAD
            + b"\n\nBEGIN:VCALENDAR\nMETHOD:REPLY\nBEGIN:VEVENT\n"
            + b"ATTENDEE:mailto:a@example.org\n" * 2000
            + b"END:VEVENT\nEND:VCALENDAR\n",
            "malformed",
            id="attendees",
        ),
    ],
)
def test_a_mail_made_to_keep_a_reader_busy_does_not(mail: bytes, reason: str) -> None:
    assert len(mail) <= MOST_BYTES
    began = time.process_time()
    assert _reason(mail) == reason
    assert time.process_time() - began < 3


def test_nothing_of_whose_mail_it_is_shows_in_what_is_logged() -> None:
    for mail in (_mail(APPLE, sender="bureau@example.org"), _mail(APPLE, sender="mallory@example.net")):
        shown = repr(read_reply(mail))
        assert all(word not in shown for word in ("anne", "bureau", "mallory", "Roy"))


# --------------------------------------------------------------------------------------------------------------- noise

_DIALECTS: Final = (EXCHANGE, GOOGLE, SABRE, APPLE)
_LINES: Final = sorted({line for text in _DIALECTS for line in text.splitlines()})


def _never_raises(mail: bytes) -> None:
    read = read_reply(mail)
    assert isinstance(read, MailReply) or read.reason in get_args(Reason)


@given(st.binary(max_size=2000))
@example(b"From: a@example.org\nContent-Type: text/calendar; charset=\xff\n\n")
def test_noise_is_no_answer(mail: bytes) -> None:
    assert isinstance(read_reply(mail), Stray)


@given(
    st.sampled_from(_DIALECTS),
    st.lists(st.tuples(st.integers(0, 1500), st.integers(0, 6), st.binary(max_size=6)), max_size=8),
    st.booleans(),
)
def test_a_mail_that_was_damaged_anywhere_is_read_or_is_not(
    calendar: str, damage: list[tuple[int, int, bytes]], in_base64: bool
) -> None:
    content = bytearray(calendar.encode())
    for place, removed, added in damage:
        content[place : place + removed] = added
    how = "base64" if in_base64 else "8bit"
    head = f"From: {ANNE}\nContent-Type: text/calendar; method=REPLY\nContent-Transfer-Encoding: {how}\n\n".encode()
    _never_raises(head + (base64.encodebytes(bytes(content)) if in_base64 else bytes(content)))
    _never_raises(bytes(content[:200]) + head + bytes(content[200:]))


@given(
    st.lists(
        st.one_of(
            st.sampled_from(_LINES),
            st.builds(
                "{}{}:{}".format,
                st.sampled_from(["UID", "DTSTAMP", "SEQUENCE", "RECURRENCE-ID", "ATTENDEE", "METHOD", "COMMENT"]),
                st.sampled_from(["", ";TZID=X", ";VALUE=DATE", ";VALUE=PERIOD", ";PARTSTAT=ACCEPTED", ';A="', ";;"]),
                st.text(max_size=30),
            ),
        ),
        max_size=12,
    )
)
def test_any_lines_within_an_event_are_read_or_are_not(lines: list[str]) -> None:
    text = "\n".join(["BEGIN:VCALENDAR", "METHOD:REPLY", "BEGIN:VEVENT", *lines, "END:VEVENT", "END:VCALENDAR", ""])
    _never_raises(f"From: {ANNE}\nContent-Type: text/calendar\n\n{text}".encode("utf-8", "surrogatepass"))
