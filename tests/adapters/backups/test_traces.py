"""What a restore that was cut off takes away again: what it put itself, and nothing else."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from adapters.backups.faults import BackupError
from adapters.backups.keys_packed import packed
from adapters.backups.manifest import PEOPLE_KEYS
from adapters.backups.restoring import KeyPlaces
from adapters.backups.traces import Traces, marked
from adapters.keys import make_seal_key
from adapters.people_keys import FilePeopleKeys, make_people_keys


class _Keys:
    """Both sets of keys, as a copy holds them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        make(folder)

    def keys(self, name: str) -> object:
        return packed(self.folder / ("people" if name == PEOPLE_KEYS else "seal.json"))


def make(folder: Path) -> None:
    make_seal_key(folder / "seal.json")
    make_people_keys(folder / "people")
    FilePeopleKeys(folder / "people").make(uuid4())


def held(folder: Path) -> dict[str, bytes]:
    return {str(one.relative_to(folder)): one.read_bytes() for one in folder.rglob("*") if one.is_file()}


@pytest.fixture
def copy(tmp_path: Path) -> _Keys:
    return _Keys(tmp_path / "copy")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@pytest.fixture
def cut_off(copy: _Keys, data: Path) -> KeyPlaces:
    """The places of keys after a restore was killed that had put them."""
    places = KeyPlaces(data / "keys" / "seal.json", data / "keys" / "people")
    traces = Traces(data)
    traces.begin("folder")
    places.put(copy, traces)  # type: ignore[arg-type]
    return places


def again(data: Path, places: KeyPlaces, *, brings_keys: bool) -> None:
    """Begin it anew, and come to the end."""
    with marked(data, "folder", lambda _: places.refuse_taken() if brings_keys else None, brings_keys=brings_keys):
        pass


def test_what_it_put_itself_is_taken_away_and_it_begins_anew(data: Path, cut_off: KeyPlaces) -> None:
    again(data, cut_off, brings_keys=True)
    assert list(data.iterdir()) == []


def test_keys_that_lie_there_whole_stay_where_none_are_brought(data: Path, cut_off: KeyPlaces) -> None:
    before = held(data / "keys")
    again(data, cut_off, brings_keys=False)
    assert held(data / "keys") == before
    assert len(before) == 3


def _by_hand(places: KeyPlaces) -> None:
    shutil.rmtree(places.people_keys.parent)
    make(places.people_keys.parent)


def _over_them(places: KeyPlaces) -> None:
    made = places.people_keys.parent.with_name("made")
    make(made)
    for one in made.rglob("*.json"):  # the same files, with another content
        places.seal_keys.parent.joinpath(one.relative_to(made)).write_bytes(one.read_bytes())
    shutil.rmtree(made)


def _one_more(places: KeyPlaces) -> None:
    FilePeopleKeys(places.people_keys).make(uuid4())


@pytest.mark.parametrize("change", [_by_hand, _over_them, _one_more])
@pytest.mark.parametrize("brings_keys", [True, False])
def test_keys_that_came_there_since_stay(
    data: Path, cut_off: KeyPlaces, change: Callable[[KeyPlaces], None], *, brings_keys: bool
) -> None:
    change(cut_off)
    before = held(data / "keys")
    if brings_keys:
        with pytest.raises(BackupError, match="There are keys already"):
            again(data, cut_off, brings_keys=True)
        assert (data / "restoring").exists(), "nothing starts there yet"
    else:
        again(data, cut_off, brings_keys=False)
    assert held(data / "keys") == before


def test_keys_in_parts_are_taken_away_whether_any_are_brought_or_not(data: Path, cut_off: KeyPlaces) -> None:
    shutil.rmtree(cut_off.people_keys)
    (data / "keys" / "people.restoring").mkdir()
    again(data, cut_off, brings_keys=False)
    assert list(data.iterdir()) == []


def test_keys_outside_the_data_folder_are_taken_away_too(tmp_path: Path, copy: _Keys, data: Path) -> None:
    places = KeyPlaces(tmp_path / "a" / "seal.json", tmp_path / "b" / "people")
    traces = Traces(data)
    traces.begin("database")
    places.put(copy, traces)  # type: ignore[arg-type]
    with marked(data, "database", lambda _: places.refuse_taken(), brings_keys=True):
        pass
    assert [one.name for one in tmp_path.rglob("*.json") if not one.is_relative_to(copy.folder)] == []
    assert list(data.iterdir()) == []


def test_a_server_that_came_there_since_stays(data: Path) -> None:
    traces = Traces(data)
    traces.begin("folder")
    (traces.working / "postgres").mkdir()
    traces.note_server(traces.working / "postgres")
    (traces.working / "postgres").rename(data / "postgres")
    again(data, KeyPlaces(data / "x", data / "y"), brings_keys=True)
    assert not (data / "postgres").exists()
    traces = Traces(data)
    traces.begin("folder")
    (traces.working / "postgres").mkdir()
    traces.note_server(traces.working / "postgres")
    (data / "postgres" / "cluster").mkdir(parents=True)
    again(data, KeyPlaces(data / "x", data / "y"), brings_keys=True)
    assert (data / "postgres" / "cluster").exists()


def test_one_of_another_kind_is_done_again_first(data: Path, cut_off: KeyPlaces) -> None:
    before = held(data)
    with (
        pytest.raises(BackupError, match="of another kind was cut off"),
        marked(data, "keys", lambda _: cut_off.refuse_taken(), brings_keys=True),
    ):
        pass
    assert held(data) == before


def test_a_database_that_could_not_be_emptied_again_keeps_the_mark(data: Path) -> None:
    with pytest.raises(SystemExit), marked(data, "database", lambda _: None, brings_keys=False, emptied=lambda: False):
        raise SystemExit
    assert (data / "restoring").exists()
