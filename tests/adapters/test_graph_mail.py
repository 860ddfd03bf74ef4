"""Letters that leave through Graph: each as it was written, and once, whatever the service says or leaves unsaid."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from adapters import graph
from adapters.graph import Graph
from adapters.graph_mail import MARK, GraphMailer
from domain.mail.envelopes import CalendarPart, Mailbox, mime
from domain.mail.letters import Letter
from models.ports import Accepted, Later, Mailer, Refused, Unknown
from tests.fakes.entra import SECRET, listening
from tests.fakes.graph_server import GARBAGE, LOST, MAILBOX, PROSE, Bent, FakeGraph, Kept, serving_graph

PERSON = "zoe@untel.example"
AT = datetime(2026, 11, 23, 15, tzinfo=UTC)
INVITATION = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n"


def letter(
    number: int = 1, *, to: str = PERSON, name: str = "Zoé Untel", calendar: CalendarPart | None = None
) -> bytes:
    """A finished letter of ours."""
    return mime(
        Letter("Comité clinique : une date change", "Bonjour,\n\nÀ mercredi.", "<p>À mercredi.</p>"),
        sender=Mailbox(MAILBOX, "SPHÈRES"),
        to=Mailbox(to, name),
        message_id=f"<6b1f0a3e-5d0c-4a57-9e0e-{number:012d}@agency.example>",
        date=AT,
        language="fr",
        calendars=[calendar] if calendar else [],
    )


LETTER = letter()


class Clock:
    """The seconds of a process, as a test moves them."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeGraph]:
    with serving_graph(tmp_path_factory.mktemp("graph")) as fake:
        yield fake


@pytest.fixture
def fake(served: FakeGraph) -> FakeGraph:
    served.reset()
    return served


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make(fake: FakeGraph, clock: Clock) -> Iterator[Callable[..., GraphMailer]]:
    """Makes a mailer on the service: `make(certificate=True)`."""
    made: list[Graph] = []

    def making(**kind: Any) -> GraphMailer:
        made.append(Graph(fake.graph_settings(**kind), clock=clock))
        return GraphMailer(made[-1])

    yield making
    for one in made:
        one.close()


@pytest.fixture
def mailer(make: Callable[..., GraphMailer]) -> Mailer:
    return make()


def without_its_mark(message: bytes) -> bytes:
    first, _, rest = message.partition(b"\r\n")
    assert first.startswith(f"{MARK}: ".encode())
    return rest


# ------------------------------------------------------------------------------------------------- an honest service


def test_a_letter_reaches_its_reader_byte_for_byte_below_one_heading_of_ours(fake: FakeGraph, mailer: Mailer) -> None:
    assert mailer.send(to=PERSON, message=LETTER) == Accepted()
    (arrived,) = fake.delivered
    assert without_its_mark(arrived) == LETTER
    assert PERSON not in arrived.partition(b"\r\n")[0].decode()


def test_an_invitation_keeps_the_part_that_calendars_read(fake: FakeGraph, mailer: Mailer) -> None:
    mailer.send(to=PERSON, message=letter(calendar=CalendarPart("REQUEST", INVITATION)))
    parts = list(message_from_bytes(fake.delivered[0], policy=policy.default).walk())
    (part,) = [one for one in parts if one.get_content_type() == "text/calendar"]
    assert part["Content-Type"].params["method"] == "REQUEST"
    assert part.get_payload(decode=True) == INVITATION
    assert message_from_bytes(fake.delivered[0], policy=policy.default)["From"].addresses[0].addr_spec == MAILBOX


@pytest.mark.wide(4)
@pytest.mark.parametrize(
    "name",
    ["", "Untel, Zoé", "Untel, Zoe", 'Zoe "Z" \\ Untel', "director@agency.example", "a <b@c.example>", "É" * 150],
)
def test_whatever_a_reader_is_called_the_letter_is_to_their_address_alone(
    fake: FakeGraph, mailer: Mailer, name: str
) -> None:
    assert mailer.send(to=PERSON, message=letter(name=name)) == Accepted()
    assert fake.sent[0].to == (PERSON,)


def test_one_token_serves_until_it_ends(fake: FakeGraph, mailer: Mailer, clock: Clock) -> None:
    for number in range(3):
        mailer.send(to=PERSON, message=letter(number))
    assert fake.calls["token"] == 1
    clock.now += 3600 - 299
    fake.tokens.clear()  # it would still be taken, were it not for its end
    assert mailer.send(to=PERSON, message=letter(4)) == Accepted()
    assert (fake.calls["token"], fake.calls["send"]) == (2, 4)


@pytest.mark.wide(4)
@pytest.mark.parametrize("lasts", [0, -1, "soon", None, 10**12])
def test_a_token_that_does_not_say_well_how_long_it_lasts_serves_all_the_same(
    fake: FakeGraph, mailer: Mailer, clock: Clock, lasts: object
) -> None:
    fake.lasts = lasts
    assert mailer.send(to=PERSON, message=LETTER) == Accepted()
    clock.now += 86_400
    assert mailer.send(to=PERSON, message=LETTER) == Accepted()
    assert fake.calls["token"] == 2


def test_a_certificate_proves_us_as_a_secret_does(fake: FakeGraph, make: Callable[..., GraphMailer]) -> None:
    assert make(certificate=True).send(to=PERSON, message=LETTER) == Accepted()
    assert len(fake.delivered) == 1


def test_a_letter_asks_under_the_same_id_each_time_and_another_letter_under_another(
    fake: FakeGraph, mailer: Mailer
) -> None:
    for number in (1, 2, 1):
        mailer.send(to=PERSON, message=letter(number))
    first, second, third = fake.request_ids
    assert first == third != second


# -------------------------------------------------------------------------------------------- nobody is told twice


def test_a_letter_whose_answer_is_lost_is_found_and_not_sent_again(fake: FakeGraph, mailer: Mailer) -> None:
    fake.bent = {"send": [LOST]}
    assert mailer.send(to=PERSON, message=LETTER) == Unknown()
    assert mailer.send(to=PERSON, message=LETTER, again=True) == Accepted()
    assert len(fake.delivered) == 1


@pytest.mark.wide(4)
@pytest.mark.parametrize("status", [408, 500, 502, 504])
def test_of_a_gateway_that_fails_it_is_not_known_whether_the_letter_left_and_one_that_did_not_goes(
    fake: FakeGraph, mailer: Mailer, status: int
) -> None:
    fake.bent = {"send": [(status, {})]}
    assert mailer.send(to=PERSON, message=LETTER) == Unknown()
    assert mailer.send(to=PERSON, message=LETTER, again=True) == Accepted()
    assert (len(fake.delivered), fake.calls["send"]) == (1, 2)


def test_a_letter_that_goes_out_for_the_first_time_is_not_looked_for(fake: FakeGraph, mailer: Mailer) -> None:
    mailer.send(to=PERSON, message=LETTER)
    assert "find" not in fake.calls


def test_where_the_service_writes_another_message_id_the_letter_is_known_by_its_mark(
    fake: FakeGraph, mailer: Mailer
) -> None:
    fake.rewrites_ids = True
    mailer.send(to=PERSON, message=LETTER)
    assert mailer.send(to=PERSON, message=LETTER, again=True) == Accepted()
    assert len(fake.delivered) == 1


def test_where_the_service_cannot_look_for_a_mark_the_letter_is_known_by_its_message_id(
    fake: FakeGraph, mailer: Mailer
) -> None:
    fake.forgets_headings = True
    mailer.send(to=PERSON, message=LETTER)
    assert mailer.send(to=PERSON.upper(), message=letter(to=PERSON.upper()), again=True) == Accepted()
    assert len(fake.delivered) == 1


def test_where_the_service_knows_the_reader_by_another_address_the_letter_is_known_all_the_same(
    fake: FakeGraph, mailer: Mailer
) -> None:
    fake.knows_people_otherwise = True
    mailer.send(to=PERSON, message=LETTER)
    assert mailer.send(to=PERSON, message=LETTER, again=True) == Accepted()
    assert len(fake.delivered) == 1


def test_the_same_letter_goes_out_to_an_address_that_was_mended(fake: FakeGraph, mailer: Mailer) -> None:
    mailer.send(to="zoe@untle.example", message=letter(to="zoe@untle.example"))
    assert mailer.send(to=PERSON, message=LETTER, again=True) == Accepted()
    assert len(fake.delivered) == 2


def test_a_draft_is_not_a_letter_that_left(fake: FakeGraph, mailer: Mailer) -> None:
    fake.sent.append(Kept(LETTER, is_draft=True))
    assert mailer.send(to=PERSON, message=LETTER, again=True) == Accepted()
    assert len(fake.delivered) == 1


def test_a_copy_that_was_put_away_or_came_back_to_the_mailbox_itself_counts(fake: FakeGraph, mailer: Mailer) -> None:
    fake.arrive(LETTER, AT)
    assert mailer.send(to=PERSON, message=LETTER, again=True) == Accepted()
    assert fake.delivered == []


def test_a_first_page_with_nothing_on_it_is_not_the_end_of_the_search(fake: FakeGraph, mailer: Mailer) -> None:
    fake.finds_nothing_at_first = True
    mailer.send(to=PERSON, message=LETTER)
    assert mailer.send(to=PERSON, message=LETTER, again=True) == Accepted()
    assert len(fake.delivered) == 1


def test_a_letter_whose_copy_is_not_there_yet_goes_again_with_the_same_bytes(fake: FakeGraph, mailer: Mailer) -> None:
    """Once too often, and never once too few: readers of mail and calendars know the same letter."""
    fake.copies_late = True
    mailer.send(to=PERSON, message=LETTER)
    assert mailer.send(to=PERSON, message=LETTER, again=True) == Accepted()
    first, second = fake.delivered
    assert first == second


@pytest.mark.wide(4)
@pytest.mark.parametrize(
    ("bent", "outcome"),
    [
        (GARBAGE, Later("answer")),
        ((503, {}), Later("503", timedelta(seconds=30))),
        ((500, {}), Unknown()),
        ((403, {}), Refused(permanent=False, code="403")),
        ((404, {}), Refused(permanent=False, code="404")),
    ],
)
def test_a_letter_that_cannot_be_looked_for_waits(fake: FakeGraph, mailer: Mailer, bent: Bent, outcome: object) -> None:
    fake.bent = {"find": [bent]}
    assert mailer.send(to=PERSON, message=LETTER, again=True) == outcome
    assert "send" not in fake.calls


@pytest.mark.ci
def test_a_link_that_leads_elsewhere_is_not_followed_with_our_token(fake: FakeGraph, mailer: Mailer) -> None:
    with listening() as elsewhere:
        elsewhere.settimeout(0.2)
        fake.finds_nothing_at_first, fake.links_to = True, f"https://127.0.0.1:{elsewhere.getsockname()[1]}"
        assert mailer.send(to=PERSON, message=LETTER, again=True) == Later("answer")
        with pytest.raises(TimeoutError):
            elsewhere.accept()


# ------------------------------------------------------------------------------------------------------ a busy service


@pytest.mark.wide(5)
@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("17", 17),
        ("0", 30),  # as good as nothing said
        ("", 30),
        ("soon", 30),
        ("-5", 30),
        ("999999999999", 3600),
        ("Fri, 31 Dec 2099 23:59:59 GMT", 3600),
        ("Sun, 01 Feb 2026 00:00:00 GMT", 1),
    ],
)
def test_a_busy_service_is_left_alone_for_as_long_as_it_asks(
    fake: FakeGraph, mailer: Mailer, clock: Clock, status: int, said: str, seconds: int
) -> None:
    fake.bent = {"send": [(status, {"Retry-After": said})]}
    assert mailer.send(to=PERSON, message=LETTER) == Later(str(status), timedelta(seconds=seconds))
    clock.now += seconds - 1
    assert mailer.send(to=PERSON, message=letter(2)) == Later("throttled", timedelta(seconds=1))
    assert fake.calls["send"] == 1, "nothing was asked meanwhile"
    clock.now += 1
    assert mailer.send(to=PERSON, message=LETTER) == Accepted()


def test_the_moment_until_which_a_service_asks_for_silence_may_be_a_date(fake: FakeGraph, mailer: Mailer) -> None:
    until = format_datetime(datetime.now(UTC) + timedelta(minutes=2), usegmt=True)
    fake.bent = {"send": [(429, {"Retry-After": until})]}
    outcome = mailer.send(to=PERSON, message=LETTER)
    assert isinstance(outcome, Later)
    assert outcome.retry_after is not None
    assert timedelta(minutes=1) < outcome.retry_after <= timedelta(minutes=2)


# ------------------------------------------------------------------------------------------------------ who we are


def test_a_token_that_is_not_taken_before_its_end_is_replaced_once_and_the_letter_leaves_once(
    fake: FakeGraph, mailer: Mailer
) -> None:
    mailer.send(to=PERSON, message=LETTER)
    fake.tokens.clear()
    assert mailer.send(to=PERSON, message=letter(2)) == Accepted()
    assert (fake.calls["token"], len(fake.delivered)) == (2, 2)


def test_where_no_token_is_taken_it_is_our_own_trouble(fake: FakeGraph, mailer: Mailer) -> None:
    fake.bent = {"send": [(401, {}), (401, {})]}
    assert mailer.send(to=PERSON, message=LETTER) == Refused(permanent=False, code="401")
    assert (fake.calls["token"], fake.calls["send"]) == (2, 2)
    assert mailer.send(to=PERSON, message=LETTER) == Accepted()


def test_a_mailbox_that_we_are_not_let_into_is_our_own_trouble(
    fake: FakeGraph, make: Callable[..., GraphMailer]
) -> None:
    elsewhere = make(mailbox="director@agency.example")
    assert elsewhere.send(to=PERSON, message=LETTER) == Refused(permanent=False, code="403")
    assert fake.delivered == []


def test_a_secret_that_is_not_right_is_our_own_trouble_and_nothing_is_asked_of_the_service(
    fake: FakeGraph, mailer: Mailer
) -> None:
    fake.failing = {"token": (401, {"error": "invalid_client", "error_description": PROSE})}
    assert mailer.send(to=PERSON, message=LETTER) == Refused(permanent=False, code="credential")
    assert "send" not in fake.calls


def test_a_secret_whose_file_is_gone_is_our_own_trouble(fake: FakeGraph, mailer: Mailer) -> None:
    fake.secret_file.rename(fake.folder / "elsewhere")
    try:
        assert mailer.send(to=PERSON, message=LETTER) == Refused(permanent=False, code="credential")
    finally:
        (fake.folder / "elsewhere").rename(fake.secret_file)
    assert mailer.send(to=PERSON, message=LETTER) == Accepted()


@pytest.mark.parametrize(
    "failing",
    [
        {"token": (503, {"error": "temporarily_unavailable"})},
        {"token": (200, b"<html>")},
        {"token": (200, {"expires_in": 3600, "access_token": "two\r\nlines"})},
        {"token": (400, {"error": "something_new"})},
        {"description": (500, b"")},
        {"description": (200, b"{}")},
    ],
)
def test_a_directory_that_is_away_or_says_nonsense_lets_letters_wait(
    fake: FakeGraph, mailer: Mailer, failing: dict[str, Any]
) -> None:
    fake.failing = failing
    assert mailer.send(to=PERSON, message=LETTER) == Later("connect")
    assert "send" not in fake.calls


def test_a_service_that_is_away_lets_letters_wait(fake: FakeGraph, clock: Clock) -> None:
    with listening() as nobody:
        gone = nobody.getsockname()[1]
    there = Graph(fake.graph_settings(), clock=clock)
    try:
        there._own = f"https://127.0.0.1:{gone}/v1.0/users/{MAILBOX}"  # the directory answers
        assert GraphMailer(there).send(to=PERSON, message=LETTER) == Later("connect")
    finally:
        there.close()


def test_a_certificate_that_our_own_authority_does_not_vouch_for_gets_no_token_from_us(
    fake: FakeGraph, tmp_path: Path
) -> None:
    with serving_graph(tmp_path) as stranger:
        settings = fake.graph_settings()
        fooled = Graph(type(settings)(**{**vars(settings), "url": stranger.authority, "authority": stranger.authority}))
        try:
            assert GraphMailer(fooled).send(to=PERSON, message=LETTER) == Later("connect")
        finally:
            fooled.close()
        assert stranger.calls == {}


# ------------------------------------------------------------------------------------------------- what is not taken


@pytest.mark.wide(4)
@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (400, Refused(permanent=True, code="400")),
        (413, Refused(permanent=True, code="413")),
        (422, Refused(permanent=True, code="422")),
        (404, Refused(permanent=False, code="404")),
        (302, Refused(permanent=False, code="302")),
        (405, Refused(permanent=False, code="405")),
        (200, Unknown()),
    ],
)
def test_what_an_answer_means_for_a_letter(fake: FakeGraph, mailer: Mailer, status: int, outcome: object) -> None:
    fake.bent = {"send": [(status, {"Location": f"{fake.authority}/elsewhere"})]}
    assert mailer.send(to=PERSON, message=LETTER) == outcome
    assert fake.delivered == []


def test_a_letter_of_five_megabytes_will_never_be_taken(fake: FakeGraph, mailer: Mailer) -> None:
    assert mailer.send(to=PERSON, message=LETTER + b"x" * 5_000_000) == Refused(permanent=True, code="413")
    assert fake.delivered == []


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (letter(to="somebody@untel.example"), "address"),
        (LETTER.replace(b"\r\nSubject:", b"\r\nBcc: director@agency.example\r\nSubject:"), "message"),
        (LETTER.replace(b"\r\nSubject:", b"\r\nCc: director@agency.example\r\nSubject:"), "message"),
        (LETTER.replace(b"\r\nSubject:", b"\r\nTo: director@agency.example\r\nSubject:"), "message"),
        (LETTER.replace(b"<zoe@untel.example>", b"<zoe@untel.example>, director@agency.example"), "message"),
        (LETTER.replace(b"Message-ID:", b"X-Other:"), "message"),
        (
            LETTER.replace(b"@agency.example>\r\nContent", b"' or isDraft eq false@agency.example>\r\nContent"),
            "message",
        ),
        (LETTER.replace(b"Bonjour", "à".encode()), "message"),
        (b"no letter", "message"),
    ],
    ids=[
        "another reader",
        "blind copy",
        "copy",
        "two headings",
        "two readers",
        "no id",
        "an id that asks",
        "8 bit",
        "-",
    ],
)
def test_a_letter_that_could_reach_anybody_else_does_not_leave(
    fake: FakeGraph, mailer: Mailer, message: bytes, code: str
) -> None:
    assert message != LETTER
    assert mailer.send(to=PERSON, message=message, again=True) == Refused(permanent=True, code=code)
    assert fake.calls == {}


@pytest.mark.ci
def test_logs_hold_no_secret_no_token_no_address_and_nothing_that_the_service_wrote(
    fake: FakeGraph, mailer: Mailer, clock: Clock
) -> None:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    try:
        root.handlers[:] = [handler]  # as a library would write it, without the shape that logs have
        root.setLevel(logging.DEBUG)
        fake.bent = {"send": [(403, {}), (429, {}), (400, {}), LOST]}
        for number in range(4):
            mailer.send(to=PERSON, message=letter(number), again=number > 0)
            clock.now += 60
        fake.failing = {"token": (401, {"error": "invalid_client", "error_description": PROSE})}
        clock.now += 7200
        mailer.send(to=PERSON, message=LETTER)
        shaped = written.getvalue()
    finally:
        root.handlers[:] = before
        root.setLevel(level)
    for word in (SECRET, PROSE, *fake.tokens, PERSON, "Untel"):
        assert word not in shaped, word
    assert "Graph refuses us" in shaped


def test_the_lease_of_a_letter_is_longer_than_all_that_it_may_wait_for() -> None:
    from flows.post import LEASE  # noqa: PLC0415  # of a layer above: only this test compares them

    each = (graph._TIMEOUT.read or 0) + (graph._TIMEOUT.connect or 0)
    # Two look-ups and the sending, one of them again with a new token, which takes two calls.
    assert each * 6 < LEASE.total_seconds()
