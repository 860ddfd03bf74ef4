"""The keys of participants end to end: made, rotated and swept at the terminal; missing, wrong, left behind."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlmodel import Session

from adapters.keys import FileSealKeys
from adapters.people_keys import FilePeopleKeys, make_people_keys
from domain.kernel.refusals import Refusal
from domain.participants import referring, retention
from domain.participants.identity import open_identity
from tests.api.test_cli import Say, at, command
from tests.cast import AT, ROOT, Cast
from tests.conftest import FILES_AGE, Database
from tests.referring import ONDINE, participant_of
from tests.sealing import seal_all

__all__ = ["at", "command"]


@pytest.fixture
def folder(
    cast: Cast, at: Callable[[Database], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Say
) -> Path:
    """The keys of an installation on the cast's database, made at the terminal."""
    monkeypatch.setenv("SPHERES_SEAL_KEY_FILE", str(tmp_path / "seal.json"))
    monkeypatch.setenv("SPHERES_PEOPLE_KEYS", str(tmp_path / "people"))
    at(cast.database)
    status, out, _ = command("keys", "init")
    assert (status, str(tmp_path / "people") in out) == (0, True)
    return tmp_path / "people"


@contextmanager
def _with(cast: Cast, folder: Path) -> Iterator[Session]:
    with cast.session() as session:
        session.info["keys"] = FilePeopleKeys(folder)
        yield session


def _referred(cast: Cast, folder: Path) -> UUID:
    with _with(cast, folder) as session:
        by = cast.actor("worker_ccsmtl")
        referral_id = referring.begin_referral(session, ONDINE, by=by, at=AT)
        referring.send_referral(session, referral_id, ONDINE, by=by, at=AT)
        return participant_of(session, referral_id)


def _name(cast: Cast, folder: Path, participant_id: UUID) -> str:
    with _with(cast, folder) as session:
        return open_identity(session, participant_id, by=cast.actor("coordinator"), at=AT, ground="role").name


def _refused(cast: Cast, folder: Path, participant_id: UUID, code: str) -> None:
    """Nothing opens, one sentence says so, and neither the database nor the record has changed by it."""
    with pytest.raises(Refusal) as refused:
        _name(cast, folder, participant_id)
    assert refused.value.code == code
    assert "Ondine" not in str(refused.value)
    with cast.session() as session:
        reads = session.scalar(text("select count(*) from event where verb = 'read' and facts->>'what' = 'identity'"))
    assert reads == 0, "what was not read is not told as read"


def test_keys_are_made_once_and_after_a_rotation_every_name_opens_still(cast: Cast, folder: Path, command: Say) -> None:
    participant_id = _referred(cast, folder)
    master = (folder / "master.json").read_bytes()
    status, out, _ = command("keys", "init")
    assert (status, "Nothing was changed" in out) == (0, True)
    assert (folder / "master.json").read_bytes() == master
    status, out, _ = command("keys", "rotate")
    assert (status, "under a new master key: 1." in out) == (0, True)
    assert (folder / "master.json").read_bytes() != master
    assert _name(cast, folder, participant_id) == "Ondine Fougère-Lys"


@FILES_AGE
def test_a_sweep_takes_old_keys_that_no_row_speaks_of_and_no_other(cast: Cast, folder: Path, command: Say) -> None:
    participant_id, orphan, young = _referred(cast, folder), uuid4(), uuid4()
    for key_id in (orphan, young):
        FilePeopleKeys(folder).make(key_id)
    long_ago = (datetime.now(UTC) - retention.WITHOUT_ROW - timedelta(hours=1)).timestamp()
    for key_id in (participant_id, orphan):
        os.utime(folder / "wrapped" / str(key_id), (long_ago, long_ago))
    status, out, _ = command("keys", "sweep")
    assert (status, "destroyed: 1." in out) == (0, True)
    assert {one.name for one in (folder / "wrapped").iterdir()} == {str(participant_id), str(young)}
    assert _name(cast, folder, participant_id) == "Ondine Fougère-Lys"


def test_with_the_key_file_missing_nothing_opens_and_none_is_made_in_its_place(
    cast: Cast, folder: Path, command: Say
) -> None:
    participant_id = _referred(cast, folder)
    kept = (folder / "master.json").read_bytes()
    (folder / "master.json").unlink()
    _refused(cast, folder, participant_id, "keys.unusable")
    for asked in ("init", "rotate"):
        status, _, err = command("keys", asked)
        assert status == 2, asked
        assert str(folder) in err
        assert not (folder / "master.json").exists(), "another one would open nothing"
    (folder / "master.json").write_bytes(kept)
    (folder / "master.json").chmod(0o600)
    assert _name(cast, folder, participant_id) == "Ondine Fougère-Lys", "nothing was lost"


def test_with_the_key_file_of_another_installation_nothing_opens(cast: Cast, folder: Path, tmp_path: Path) -> None:
    participant_id = _referred(cast, folder)
    make_people_keys(tmp_path / "theirs")
    shutil.copy(tmp_path / "theirs" / "master.json", folder / "master.json")
    _refused(cast, folder, participant_id, "keys.unusable")


def test_a_database_that_was_copied_without_its_keys_tells_nobody_s_name(
    cast: Cast, folder: Path, tmp_path: Path
) -> None:
    participant_id = _referred(cast, folder)
    make_people_keys(tmp_path / "elsewhere")
    _refused(cast, tmp_path / "elsewhere", participant_id, "keys.gone")
    with cast.session() as session:
        row = session.execute(text("select sealed, names, marks from participant")).one()
    for kept in (bytes(row.sealed), bytes(row.names), " ".join(row.marks).encode()):
        assert b"Ondine" not in kept
        assert "Fougère".encode() not in kept


def prepared(tmp_path: Path, **named: str) -> tuple[int, str]:
    """What `spheres up` has done first, with keys where they lie by themselves: its status, and what it says."""
    environment = {**os.environ, "SPHERES_DATA": str(tmp_path / "data"), "SPHERES_LANG": "en"}
    for name in ("SPHERES_SEAL_KEY_FILE", "SPHERES_PEOPLE_KEYS"):
        environment.pop(name)
    environment |= named
    done = subprocess.run(
        [sys.executable, "-m", "api.cli.migrated"], env=environment, cwd=ROOT, capture_output=True, check=False
    )
    return done.returncode, (done.stdout + done.stderr).decode()


@pytest.mark.nightly
def test_a_new_installation_makes_its_keys_and_one_that_lost_them_makes_none_in_their_place(
    cast: Cast, folder: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "data" / "keys"
    status, said = prepared(tmp_path)
    assert (status, "The seal key is made" in said) == (0, True)
    assert (kept / "people" / "master.json").exists()
    assert prepared(tmp_path) == (0, "")

    participant_id = _referred(cast, folder)
    shutil.rmtree(kept / "people")
    status, said = prepared(tmp_path)
    assert (status, "participants whose keys are not here" in said) == (2, True)
    assert not (kept / "people").exists(), "new ones would find nobody in what leaves"
    shutil.copytree(folder, kept / "people")
    assert prepared(tmp_path) == (0, "")
    assert _name(cast, kept / "people", participant_id) == "Ondine Fougère-Lys"

    seal_all(cast, FileSealKeys(kept / "seal.json"))
    (kept / "seal.json").unlink()
    status, said = prepared(tmp_path)
    assert (status, "sealed with keys that are not here" in said) == (2, True)
    assert not (kept / "seal.json").exists(), "sealed by two keys, the record would read as changed"
    shutil.copy(tmp_path / "seal.json", kept / "seal.json")
    status, said = prepared(tmp_path)
    assert (status, "spheres ledger accept" in said) == (2, True), "of another key the ledger is no one's: it is told"


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    "name",
    [
        pytest.param("SPHERES_SEAL_KEY_FILE", marks=pytest.mark.ci),
        pytest.param("SPHERES_PEOPLE_KEYS", marks=pytest.mark.nightly),
    ],
)
def test_an_installation_whose_settings_lead_to_no_keys_does_not_start(tmp_path: Path, name: str) -> None:
    """Nothing would be sealed, and nobody referred, until somebody read the log."""
    status, said = prepared(tmp_path, **{name: str(tmp_path / "nowhere")})
    assert (status, said.splitlines()[0].startswith(f"{name} leads to no keys")) == (2, True), said
    assert len(said.splitlines()) == 1
