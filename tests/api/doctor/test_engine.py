"""The doctor at the engine, the clock and the letters: what is away, late, held up, wrong or stuck."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

import pytest
import trustme
from sqlalchemy import text, update

from adapters.settings import Settings
from api.cli.checkup import clock, engine, mail
from api.cli.checkup import house as houses
from api.cli.checkup.house import House
from domain.casework.wakeups import wake
from flows import pool, timetable
from flows.marks import set_mark
from models.base import table_of
from models.outbox import Notice
from models.record import Event
from tests.api.doctor.houses import ENGINE, as_superuser, environment, found, house, house_at, running
from tests.api.pages.test_post import give_up, one_letter
from tests.casework import open_onboarding
from tests.cast import AT, Cast
from tests.fakes.smtp_server import PROSE, SmtpServer
from tests.fakes.stubborn_relay import StubbornRelay
from tests.tending import give_sign, hold_up

_notice = table_of(Notice)
_event = table_of(Event)


@pytest.fixture
def ports() -> Iterator[dict[str, Any]]:
    """The ports at which a sound web and a sound engine's server answer."""
    with running() as at_ports:
        yield at_ports


def mark_all(cast: Cast) -> None:
    """Have every round done, in both programs."""
    for one in (cast, cast.other):
        with one.session() as session:
            for key in timetable.ROUNDS:
                set_mark(session, key, AT, "prefect")


# ---------------------------------------------------------------------------------------------------------- the engine


def test_a_sound_engine_is_well_in_everything(cast: Cast, tmp_path: Path, ports: dict[str, Any]) -> None:
    give_sign(cast)
    mark_all(cast)
    seen = found(engine.GROUP, house(cast, tmp_path, **ports))
    assert {check.key: one.state for check, one in seen.items() if one.state != "ok"} == {}


def test_the_pool_that_is_asked_for_is_the_one_that_the_engine_works() -> None:
    assert engine.POOL == pool.POOL


def test_an_installation_that_is_stopped_is_no_fault(cast: Cast, tmp_path: Path) -> None:
    seen = found(engine.GROUP, house(cast, tmp_path))
    assert {one.state for one in seen.values()} == {"not_asked", "ok"}
    assert seen[engine.SERVER].state == seen[engine.WORKERS].state == seen[engine.ROUND_TIMES].state == "not_asked"


def test_a_server_that_is_away_while_the_web_answers_is_wrong(cast: Cast, tmp_path: Path) -> None:
    with running() as at_ports:
        del at_ports["SPHERES_PREFECT_PORT"]
        seen = found(engine.GROUP, house(cast, tmp_path, **at_ports))
    assert seen[engine.SERVER].state == "wrong"
    assert seen[engine.IN_POOL].state == "not_asked"


def test_a_server_that_does_not_take_our_word_is_wrong(cast: Cast, tmp_path: Path) -> None:
    with running(word="spheres:another") as at_ports:
        seen = found(engine.GROUP, house(cast, tmp_path, **at_ports))
    assert seen[engine.SERVER].state == "wrong"
    assert "canary" not in seen[engine.SERVER].seen.told_in("en")


def test_a_word_that_is_gone_is_wrong(cast: Cast, tmp_path: Path, ports: dict[str, Any]) -> None:
    here = house(cast, tmp_path, **ports)
    here.settings.engine_word.unlink()
    assert found(engine.GROUP, here)[engine.SERVER].state == "wrong"


@pytest.mark.parametrize("pool", [(404, {}), (200, {"name": "spheres", "status": "NOT_READY"})], ids=["none", "idle"])
def test_a_pool_that_is_missing_or_has_no_worker_is_wrong(cast: Cast, tmp_path: Path, pool: tuple[int, object]) -> None:
    with running(engine={**ENGINE, "/api/work_pools/spheres": pool}) as at_ports:
        assert found(engine.GROUP, house(cast, tmp_path, **at_ports))[engine.IN_POOL].state == "wrong"


def test_a_worker_that_is_silent_while_the_web_answers_is_wrong(
    cast: Cast, tmp_path: Path, ports: dict[str, Any]
) -> None:
    give_sign(cast, at=AT - timedelta(minutes=2))
    assert found(engine.GROUP, house(cast, tmp_path, **ports))[engine.WORKERS].state == "wrong"


def test_rounds_that_are_late_are_named_with_their_program(cast: Cast, tmp_path: Path, ports: dict[str, Any]) -> None:
    mark_all(cast)
    with cast.other.session() as session:
        set_mark(session, "sweep", AT - timedelta(hours=5), "prefect")
    seen = found(engine.GROUP, house(cast, tmp_path, **ports))[engine.ROUND_TIMES]
    assert (seen.state, seen.seen.told_in("en")) == ("wrong", "Late: sweep (other-shore).")


def test_cases_that_are_held_up_are_counted_by_code_over_all_programs(cast: Cast, tmp_path: Path) -> None:
    hold_up(cast, open_onboarding(cast))
    hold_up(cast.other, open_onboarding(cast.other))
    seen = found(engine.GROUP, house(cast, tmp_path))[engine.HELD_UP]
    assert (seen.state, seen.seen.told_in("en")) == ("warn", "Held up, by code: seat.none 2.")


def test_cases_that_wait_for_long_are_wrong(cast: Cast, tmp_path: Path, ports: dict[str, Any]) -> None:
    give_sign(cast)
    case_id = open_onboarding(cast, at=AT - timedelta(minutes=5))
    with cast.session() as session:
        wake(session, case_id, at=AT - timedelta(minutes=5))
    assert found(engine.GROUP, house(cast, tmp_path, **ports))[engine.WAITING].state == "wrong"


def test_a_demonstration_that_is_still_being_written_is_waited_for(
    cast: Cast, tmp_path: Path, ports: dict[str, Any]
) -> None:
    here = house(cast, tmp_path, **ports)
    here.settings.being_written.touch()
    seen = found(engine.GROUP, here)
    assert {seen[one].state for one in (engine.WORKERS, engine.IN_POOL, engine.ROUND_TIMES)} == {"not_asked"}


# ----------------------------------------------------------------------------------------------------------- the clock


def test_a_sound_clock_is_well(cast: Cast, tmp_path: Path) -> None:
    seen = found(clock.GROUP, house(cast, tmp_path))
    assert {check.key: one.state for check, one in seen.items() if one.state != "ok"} == {}


@pytest.mark.parametrize(
    ("seconds", "state"), [(1, "ok"), (-5, "warn"), (5, "warn"), (90, "wrong"), (-86_400, "wrong")]
)
def test_clocks_that_are_apart_are_told(seconds: int, state: str) -> None:
    assert clock.compared(AT, AT + timedelta(seconds=seconds)).state == state


def test_a_machine_whose_clock_is_days_ahead_judges_the_workers_by_the_database_s(
    cast: Cast, tmp_path: Path, ports: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Ahead(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Ahead:
            return super().now(tz) + timedelta(days=5)

    for module in (clock, houses):
        monkeypatch.setattr(module, "datetime", Ahead)
    give_sign(cast, at=datetime.now(UTC))
    variables = environment(cast, tmp_path, **ports)
    here = House(Settings.from_env(variables), variables)
    assert found(clock.GROUP, here)[clock.AGAINST_DATABASE].state == "wrong"
    assert found(engine.GROUP, here)[engine.WORKERS].state == "ok"


def test_a_clock_that_went_back_behind_the_record_is_wrong(cast: Cast, tmp_path: Path) -> None:
    open_onboarding(cast)
    seen = found(clock.GROUP, house_at(AT - timedelta(days=1), environment(cast, tmp_path)))[clock.AGAINST_RECORD]
    assert seen.state == "wrong"


def test_a_zone_that_this_machine_does_not_know_is_named(cast: Cast, tmp_path: Path) -> None:
    with as_superuser(cast) as connection:
        connection.execute(text("update program set time_zone = 'Mars/Olympus' where key = 'other-shore'"))
    seen = found(clock.GROUP, house(cast, tmp_path))[clock.ZONES]
    assert (seen.state, seen.seen.told_in("en")) == ("wrong", "Unknown: Mars/Olympus.")


# --------------------------------------------------------------------------------------------------------- the letters

_RELAY: dict[str, Any] = {"SMTP_HOST": "127.0.0.1", "SMTP_FROM": "avis@spheres.example", "SMTP_TLS": "none"}
_PASSWORD = "canary-of-the-relay"


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def signed_in(authority: trustme.CA, tmp_path: Path) -> dict[str, Any]:
    """The variables of a relay that is signed in to under TLS."""
    word, ca_file = tmp_path / "relay-word", tmp_path / "ca.pem"
    word.write_text(_PASSWORD)
    word.chmod(0o600)
    authority.cert_pem.write_to_path(str(ca_file))
    more = {"SMTP_TLS": "starttls", "SMTP_CA_FILE": ca_file, "SMTP_USER": "avis", "SMTP_PASSWORD_FILE": word}
    return {**_RELAY, **more}


def tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


def test_a_relay_that_takes_us_is_well_and_gets_no_letter(
    cast: Cast, tmp_path: Path, authority: trustme.CA, signed_in: dict[str, Any]
) -> None:
    with SmtpServer(tls=tls(authority), credentials=("avis", _PASSWORD)) as relay:
        seen = found(mail.GROUP, house(cast, tmp_path, **signed_in, SMTP_PORT=relay.port))
    assert seen[mail.WAY].state == "ok"
    assert relay.sign_ins == 1
    assert relay.received == []


def test_a_relay_that_refuses_our_password_is_wrong_and_it_is_said_which_setting(
    cast: Cast, tmp_path: Path, authority: trustme.CA, signed_in: dict[str, Any]
) -> None:
    with SmtpServer(tls=tls(authority), credentials=("avis", "another")) as relay:
        seen = found(mail.GROUP, house(cast, tmp_path, **signed_in, SMTP_PORT=relay.port))[mail.WAY]
    told = f"{seen.seen.told_in('en')} {seen.todo.told_in('en') if seen.todo else ''}"
    assert seen.state == "wrong"
    assert "535 5.7.8" in told
    assert "SMTP_USER" in told
    assert _PASSWORD not in told
    assert PROSE not in told


def test_a_relay_whose_certificate_is_a_strangers_is_wrong(
    cast: Cast, tmp_path: Path, signed_in: dict[str, Any]
) -> None:
    with SmtpServer(tls=tls(trustme.CA())) as relay:
        seen = found(mail.GROUP, house(cast, tmp_path, **signed_in, SMTP_PORT=relay.port))[mail.WAY]
    assert seen.state == "wrong"
    assert seen.todo is not None
    assert "SMTP_CA_FILE" in seen.todo.told_in("en")


def test_a_relay_that_is_not_there_or_says_nothing_is_wrong(
    cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail, "PATIENCE_SECONDS", 0.2)
    with StubbornRelay("greeting") as relay:
        assert found(mail.GROUP, house(cast, tmp_path, **_RELAY, SMTP_PORT=relay.port))[mail.WAY].state == "wrong"
    assert found(mail.GROUP, house(cast, tmp_path, **_RELAY, SMTP_PORT=relay.port))[mail.WAY].state == "wrong"


def test_without_a_way_letters_wait_and_that_is_to_be_looked_at(cast: Cast, tmp_path: Path) -> None:
    assert found(mail.GROUP, house(cast, tmp_path))[mail.WAY].state == "warn"


@pytest.mark.parametrize(("days", "state"), [(400, "ok"), (10, "warn"), (-1, "wrong")])
def test_a_certificate_of_the_registration_that_ends_soon_is_told(
    cast: Cast, tmp_path: Path, authority: trustme.CA, days: int, state: str
) -> None:
    here = house(cast, tmp_path, **_graph(authority, tmp_path, here_until=days))
    assert found(mail.GROUP, here)[mail.WAY].state == state


def _graph(authority: trustme.CA, folder: Path, *, here_until: int) -> dict[str, Any]:
    ends = datetime.now(UTC) + timedelta(days=here_until)
    made = authority.issue_cert("spheres.example", not_after=ends)
    file = folder / "graph.pem"
    file.write_bytes(made.private_key_pem.bytes() + made.cert_chain_pems[0].bytes())
    file.chmod(0o600)
    an_id = "01234567-89ab-cdef-0123-456789abcdef"
    return {
        "SPHERES_MAIL": "graph",
        "GRAPH_CLIENT_ID": an_id,
        "GRAPH_TENANT": an_id,
        "GRAPH_MAILBOX": "spheres@example.org",
        "GRAPH_CERTIFICATE_FILE": file,
    }


def test_letters_that_were_given_up_are_told_by_their_code_and_to_nobody(cast: Cast, tmp_path: Path) -> None:
    open_onboarding(cast)
    give_up(cast, one_letter(cast))
    seen = found(mail.GROUP, house(cast, tmp_path))[mail.STUCK]
    assert (seen.state, seen.seen.told_in("en")) == ("warn", "Not delivered, by the last answer: 550 5.1.1 1.")


def test_letters_of_which_none_leaves_are_wrong(cast: Cast, tmp_path: Path) -> None:
    open_onboarding(cast, at=AT - timedelta(hours=1))
    with cast.session() as session:
        session.execute(update(_notice).values(attempts=2, code="connect"))
    seen = found(mail.GROUP, house(cast, tmp_path))[mail.STUCK]
    assert seen.state == "wrong"
    assert "connect" in seen.seen.told_in("en")
