"""The doctor at what lies on the machine: keys, settings, ports, and the versions that run."""

from __future__ import annotations

import errno
import os
import shutil
import socket
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from adapters.backups.marked import put_mark
from adapters.backups.pair import make_pair
from adapters.people_keys import FilePeopleKeys, make_people_keys
from api.cli.checkup import copies, keys, ledger, mail, ports, settings, versions
from api.cli.ledgers import before_any_program, compare_with_ledger
from models.ports import LedgerNote
from tests.api.doctor.houses import WORD, break_database, found, house, house_at, running
from tests.cast import AT, Cast
from tests.domain.test_copies import ran
from tests.fakes.ledger import on_disk
from tests.fakes.seal_keys import FakeSealKeys
from tests.referring import declare_admission, participant_of, refer
from tests.sealing import seal_all

# -------------------------------------------------------------------------------------------------- ledger and copies


def test_a_ledger_is_looked_at_line_by_line_and_with_its_database(cast: Cast, tmp_path: Path) -> None:
    here = house(cast, tmp_path)
    shutil.rmtree(tmp_path / "ledger")
    assert found(ledger.GROUP, here)[ledger.SOUND].state == "wrong", "the database knows one, and none is there"
    written = on_disk(cast.database, tmp_path)
    for _ in range(2):
        written.append([LedgerNote("ended", AT, None, None, {})])
    told = found(ledger.GROUP, here)
    assert told[ledger.SOUND].state == "ok"
    lines = written.path.read_text().splitlines(keepends=True)
    written.path.write_text(lines[0].replace("ended", "opened") + lines[1])
    told = found(ledger.GROUP, here)
    assert told[ledger.SOUND].state == "wrong"
    assert "ledger.jsonl was changed" in told[ledger.SOUND].seen.told_in("en")
    assert told[ledger.KNOWN].state == "not_asked"


def test_a_database_of_before_the_ledgers_last_line_does_not_belong_to_it(cast: Cast, tmp_path: Path) -> None:
    here = house(cast, tmp_path)
    with before_any_program(cast.database.owner_url) as session:
        compare_with_ledger(session, here.settings)
    assert {one.state for one in found(ledger.GROUP, here).values()} == {"ok"}
    break_database(cast, "delete from ledger_seen where n = (select max(n) from ledger_seen)")
    told = found(ledger.GROUP, here)[ledger.KNOWN]
    assert (told.state, "was restored from a copy" in told.seen.told_in("en")) == ("wrong", True)


def test_copies_that_nobody_set_are_told_and_those_that_fail_are_wrong(cast: Cast, tmp_path: Path) -> None:
    told = found(copies.GROUP, house(cast, tmp_path))
    assert [told[one].state for one in (copies.PLACE, copies.LAST, copies.TRIED)] == ["warn", "not_asked", "not_asked"]
    set_up = {"SPHERES_BACKUP_TO": tmp_path / "to", "SPHERES_BACKUP_KEY": make_pair(tmp_path / "key")}
    here = house(cast, tmp_path / "data", **set_up, SPHERES_BACKUP_AT="02:30")
    assert found(copies.GROUP, here)[copies.PLACE].state == "wrong", "the disk is not mounted"
    (tmp_path / "to").mkdir()
    unmarked = found(copies.GROUP, here)[copies.PLACE]
    assert unmarked.state == "wrong", "none was made there from the terminal"
    assert unmarked.todo is not None
    assert unmarked.todo.told_in("en") == "See that its disk is there, then run once: spheres backup"
    put_mark(tmp_path / "to")
    told = found(copies.GROUP, here)
    assert [told[one].state for one in (copies.PLACE, copies.LAST)] == ["ok", "wrong"], "there never was a good one"
    for code, hours, state in (("", 3, "ok"), ("disk_full", 2, "wrong")):
        ran(cast, code=code, ago=timedelta(hours=hours))
        last = found(copies.GROUP, here)[copies.LAST]
        assert last.state == state
        assert f"{AT - timedelta(hours=3):%Y-%m-%d %H:%M} UTC" in last.seen.told_in("en"), "the last good one"
    assert "disk_full" in found(copies.GROUP, here)[copies.LAST].seen.told_in("en")
    ran(cast, ago=timedelta(hours=1), next_in=None)
    assert found(copies.GROUP, here)[copies.LAST].state == "ok"
    later = house_at(AT + timedelta(days=2), here.environment)
    assert found(copies.GROUP, later)[copies.LAST].state == "wrong", "the last good one is older than one that was due"
    ran(cast, "drill", ago=timedelta(days=9), next_in=None)
    assert found(copies.GROUP, here)[copies.TRIED].state == "ok", "by hand, and none is asked for"
    weekly = house_at(AT, {**here.environment, "SPHERES_DRILL_KEY_FILE": str(tmp_path / "key")})
    assert found(copies.GROUP, weekly)[copies.TRIED].state == "wrong", "the next one is late"
    demonstration = house(cast, tmp_path / "demo", SPHERES_DEMO="yes", SPHERES_BASE_URL="http://localhost:8400")
    assert {one.state for one in found(copies.GROUP, demonstration).values()} == {"not_asked"}


def test_a_place_for_copies_that_a_copy_would_refuse_is_wrong(cast: Cast, tmp_path: Path) -> None:
    inside, link = tmp_path / "data" / "copies", tmp_path / "link"
    inside.mkdir(parents=True)
    link.symlink_to(inside)
    key = make_pair(tmp_path / "key")
    for folder in (inside, link):
        put_mark(folder)
        here = house(cast, tmp_path / "data", SPHERES_BACKUP_TO=folder, SPHERES_BACKUP_KEY=key)
        told = found(copies.GROUP, here)[copies.PLACE]
        assert (told.state, "lies in the data folder" in told.seen.told_in("en")) == ("wrong", True)
    (tmp_path / "to").mkdir()
    here = house(
        cast, tmp_path / "data", SPHERES_BACKUP_TO=tmp_path / "to", SPHERES_BACKUP_KEY=key, DATABASE_OWNER_URL=None
    )
    assert found(copies.GROUP, here)[copies.PLACE].state == "wrong", "a copy is made as the owner"


# ---------------------------------------------------------------------------------------------------------------- keys


def test_sound_keys_are_well_and_a_sample_is_opened(cast: Cast, tmp_path: Path) -> None:
    here = house(cast, tmp_path)
    FilePeopleKeys(here.settings.people_keys).make(uuid4())
    seen = found(keys.GROUP, here)
    assert {one.state for one in seen.values()} == {"ok"}
    assert seen[keys.MASTER].seen.told_in("en") == "Keys: 1. Opened, as a sample: 1."


def test_a_seal_key_that_is_gone_or_open_to_others_is_wrong(cast: Cast, tmp_path: Path) -> None:
    here = house(cast, tmp_path)
    here.settings.seal_keys.chmod(0o644)
    assert found(keys.GROUP, here)[keys.SEAL].state == "wrong"
    named = tmp_path / "elsewhere.json"
    assert found(keys.GROUP, house(cast, tmp_path, SPHERES_SEAL_KEY_FILE=named))[keys.SEAL].state == "wrong"


def test_keys_that_are_gone_are_wrong_where_the_database_was_written_with_them(cast: Cast, tmp_path: Path) -> None:
    here = house(cast, tmp_path)
    shutil.rmtree(tmp_path / "keys")
    seen = found(keys.GROUP, here)
    assert {seen[one].state for one in (keys.SEAL, keys.MASTER, keys.FOLDER)} == {"not_asked"}  # nothing needs them yet
    declare_admission(cast)
    refer(cast)
    seal_all(cast, FakeSealKeys())
    seen = found(keys.GROUP, here)
    assert {seen[one].state for one in (keys.SEAL, keys.MASTER, keys.FOLDER)} == {"wrong"}


def test_a_seal_key_of_another_installation_is_wrong(cast: Cast, tmp_path: Path) -> None:
    seal_all(cast, FakeSealKeys())
    seen = found(keys.GROUP, house(cast, tmp_path))[keys.SEAL]
    assert seen.state == "wrong"
    assert "last sealed with a key that is not in" in seen.seen.told_in("en")


def test_a_master_key_that_is_another_than_the_one_that_wrapped_is_wrong(cast: Cast, tmp_path: Path) -> None:
    here = house(cast, tmp_path)
    folder = here.settings.people_keys
    FilePeopleKeys(folder).make(uuid4())
    make_people_keys(tmp_path / "other")
    (tmp_path / "other" / "master.json").replace(folder / "master.json")
    seen = found(keys.GROUP, here)[keys.MASTER]
    assert seen.state == "wrong"
    assert seen.todo is not None
    assert "make no new ones" in seen.todo.told_in("en")


def test_a_master_key_that_is_gone_or_damaged_is_wrong(cast: Cast, tmp_path: Path) -> None:
    here = house(cast, tmp_path)
    master = here.settings.people_keys / "master.json"
    master.write_text("{")
    assert found(keys.GROUP, here)[keys.MASTER].state == "wrong"
    master.unlink()
    assert found(keys.GROUP, here)[keys.MASTER].state == "wrong"


def test_a_folder_of_keys_that_others_can_enter_is_wrong(cast: Cast, tmp_path: Path) -> None:
    here = house(cast, tmp_path)
    here.settings.people_keys.chmod(0o755)
    assert found(keys.GROUP, here)[keys.FOLDER].state == "wrong"


def test_a_folder_of_keys_that_cannot_be_written_is_wrong(
    cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda _, mode: not mode & os.W_OK)  # as on a disk that is read alone
    seen = found(keys.GROUP, house(cast, tmp_path))[keys.FOLDER]
    assert seen.state == "wrong"
    assert "nobody can be referred" in seen.seen.told_in("en")


def test_a_participant_whose_key_is_not_here_is_counted(cast: Cast, tmp_path: Path) -> None:
    declare_admission(cast)
    referral = refer(cast)  # sealed under keys of the tests, which lie elsewhere
    seen = found(keys.GROUP, house(cast, tmp_path))[keys.KNOWN]
    assert (seen.state, seen.seen.told_in("en")) == ("wrong", "Participants: 1. Without a key here: 1.")
    with cast.session() as session:
        FilePeopleKeys(tmp_path / "keys" / "people").make(participant_of(session, referral))
    assert found(keys.GROUP, house(cast, tmp_path))[keys.KNOWN].state == "ok"


# ------------------------------------------------------------------------------------------------------------ settings


def test_sound_settings_are_well(cast: Cast, tmp_path: Path) -> None:
    assert {one.state for one in found(settings.GROUP, house(cast, tmp_path)).values()} == {"ok"}


def test_another_account_that_cannot_look_in_is_told_that_all_else_may_be_untrue(
    cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "no")

    here = house(cast, tmp_path)
    monkeypatch.setattr(os, "scandir", refuse)
    assert found(settings.GROUP, here)[settings.ACCOUNT].state == "wrong"


def test_a_demonstration_beside_a_real_program_is_wrong(cast: Cast, tmp_path: Path) -> None:
    seen = found(settings.GROUP, house(cast, tmp_path, SPHERES_DEMO="yes"))[settings.PEOPLE]
    assert seen.state == "wrong"
    assert seen.todo is not None
    assert "--no-demo" in seen.todo.told_in("en")


@pytest.mark.parametrize("is_demonstration", [True, False])
def test_whether_a_demonstration_runs_is_asked_of_what_runs(cast: Cast, tmp_path: Path, is_demonstration: bool) -> None:
    """It was started with --demo or --no-demo, of which the doctor's own variables know nothing."""
    said = {"/healthz": (200, {"ok": True, "demonstration": is_demonstration})}
    with running(said) as ports:
        here = house(cast, tmp_path, SPHERES_DEMO="no" if is_demonstration else "yes", **ports)
        assert here.is_demonstration == is_demonstration
        people, way = found(settings.GROUP, here)[settings.PEOPLE], found(mail.GROUP, here)[mail.WAY]
    assert people.state == ("wrong" if is_demonstration else "ok"), "it is the cast's, which counts as real"
    assert way.state == ("ok" if is_demonstration else "warn")


def test_a_real_program_without_https_is_to_be_looked_at(cast: Cast, tmp_path: Path) -> None:
    seen = found(settings.GROUP, house(cast, tmp_path, SPHERES_BASE_URL=None, SPHERES_TRUSTED_PROXIES=None))
    assert seen[settings.ADDRESS].state == "warn"


def test_a_proxy_that_is_not_named_and_a_web_open_to_others_are_to_be_looked_at(cast: Cast, tmp_path: Path) -> None:
    assert found(settings.GROUP, house(cast, tmp_path, SPHERES_TRUSTED_PROXIES=None))[settings.PROXIES].state == "warn"
    open_to_all = {
        "SPHERES_HOST": "192.0.2.1",
        "SPHERES_BASE_URL": "http://localhost:1",
        "SPHERES_TRUSTED_PROXIES": None,
    }
    assert found(settings.GROUP, house(cast, tmp_path, **open_to_all))[settings.PROXIES].state == "warn"


def test_a_file_of_a_secret_that_others_can_read_is_named_and_not_shown(cast: Cast, tmp_path: Path) -> None:
    (tmp_path / "prefect-auth").write_text(WORD)
    (tmp_path / "prefect-auth").chmod(0o640)
    seen = found(settings.GROUP, house(cast, tmp_path))[settings.FILES]
    assert seen.state == "wrong"
    assert "prefect-auth" in seen.seen.told_in("en")
    assert WORD not in seen.seen.told_in("en")


# --------------------------------------------------------------------------------------------------------------- ports


def test_free_ports_and_our_own_are_well(cast: Cast, tmp_path: Path) -> None:
    assert {one.seen.told_in("en").split()[-1] for one in found(ports.GROUP, house(cast, tmp_path)).values()} == {
        "free."
    }
    with running() as at_ports:
        seen = found(ports.GROUP, house(cast, tmp_path, **at_ports))
    assert {one.seen.told_in("en").split()[-1] for one in seen.values()} == {"ours."}


def test_a_web_that_says_that_its_database_is_away_is_ours(cast: Cast, tmp_path: Path) -> None:
    away = {"/healthz": (503, {"title": "…", "status": 503})}
    with running(web=away) as at_ports:
        assert found(ports.GROUP, house(cast, tmp_path, **at_ports))[ports.WEB].state == "ok"


@pytest.mark.ci
def test_a_port_that_another_program_has_is_wrong(cast: Cast, tmp_path: Path) -> None:
    with running(web={}, engine={}) as at_ports:
        assert {one.state for one in found(ports.GROUP, house(cast, tmp_path, **at_ports)).values()} == {"wrong"}
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        port = silent.getsockname()[1]
        assert found(ports.GROUP, house(cast, tmp_path, SPHERES_PORT=port))[ports.WEB].state == "wrong"


def test_a_port_that_the_system_refuses_us_is_wrong(
    cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "no")

    here = house(cast, tmp_path)
    monkeypatch.setattr(socket.socket, "bind", refuse)  # as a port below 1024 does to an ordinary account
    seen = found(ports.GROUP, here)
    assert "PermissionError" in seen[ports.WEB].seen.told_in("en")


# ------------------------------------------------------------------------------------------------------------ versions


def test_this_python_and_the_packages_of_the_lock_are_told(cast: Cast, tmp_path: Path) -> None:
    seen = found(versions.GROUP, house(cast, tmp_path))
    assert seen[versions.PYTHON].state == "ok"
    assert seen[versions.PACKAGES].state in ("ok", "warn")  # whichever packages run the tests


def test_an_older_python_is_wrong() -> None:
    assert versions.judged((3, 10, 14)).state == "wrong"
    assert versions.judged((3, 11, 0)).state == "ok"


def test_a_package_that_is_another_or_missing_is_named() -> None:
    seen = versions.compared(
        'typer==0.0.1 \\\n    --hash=sha256:00\nno-such-package==1.0 \\\nno-such-either==1 ; sys_platform == "win32"\n'
    )
    assert seen.state == "warn"
    assert "typer" in seen.seen.told_in("en")
    assert "no-such-package –" in seen.seen.told_in("en")
    assert "no-such-either" not in seen.seen.told_in("en")
