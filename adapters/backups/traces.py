"""What a restore has put so far, noted before it is put: what is cut off takes away its own and nothing else."""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal

from adapters.backups import dumps
from adapters.backups.faults import BackupError, telling
from adapters.backups.keys_packed import beside_of
from adapters.backups.manifest import Content
from adapters.key_files import settle, write_beside
from adapters.places import WORKING
from adapters.postgres import EmbeddedPostgres, PostgresError

#: In the working folder.
_NOTE: Final = "put.json"
#: Lies in the server's folder from before it is put into its place until the mark is gone: by it we know our own.
_OURS: Final = "restored-by"

#: What a restore brings back: a server's folder, the rows of a database, or the keys alone.
Kind = Literal["folder", "database", "keys"]


@dataclass
class _Note:
    """What was put, or is about to be: of keys, each file as it was; of a server, a word that lies in it."""

    kind: str = ""
    places: list[str] = field(default_factory=list)
    keys: dict[str, list[object]] = field(default_factory=dict)
    server: str = ""
    database: list[str] = field(default_factory=list)


class Traces:
    """The mark of a restore in a data folder, which is its working folder, and the note in it of what it puts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.working = folder / WORKING
        self._note = _Note()

    # ------------------------------------------------------------------------------------------------- what is noted

    def will_put(self, places: Sequence[Path]) -> None:
        """Note the places of keys before anything of them is written, beside them or in them."""
        self._write(places=[str(place) for place in places])

    def note_keys(self, files: Mapping[Path, Path]) -> None:
        """Note each file of keys that lies beside its place, and where it will lie."""
        self._write(keys={str(place): _seen(file) for file, place in files.items()})

    def note_server(self, server: Path) -> None:
        """Note the files of a server that will be put into their place."""
        word = secrets.token_hex(16)
        self._write(server=word)
        with telling(server):
            write_beside(server / _OURS, word.encode()).replace(server / _OURS)

    def note_database(self, url: str, content: Content) -> None:
        """Note into which database what will be loaded."""
        self._write(database=[dumps.which(url), _digest(content)])

    def loaded(self, url: str) -> bool:
        """Whether a database holds, to the row, what the note says was loaded into it. Raises BackupError."""
        noted = self._read().database
        if noted[:1] != [dumps.which(url)]:
            return False
        with dumps.signed_in(url) as connection:
            return noted[1:] == [_digest(dumps.content_of(connection))]

    # -------------------------------------------------------------------------------------------- the mark, and undoing

    def refuse_another(self, kind: Kind) -> None:
        """Refuse to go on where one of another kind was cut off: what it put would be left. Raises BackupError."""
        if self._read().kind not in ("", kind):
            raise BackupError(
                "no_place",
                "A restore of another kind was cut off in %(folder)s. Nothing was changed: do that one again first, "
                "with the same command.",
                folder=self.folder,
            )

    def begin(self, kind: Kind) -> None:
        """Put up the mark, where it does not stand yet."""
        with telling(self.folder):
            self.working.mkdir(mode=0o700, exist_ok=True)
            self._write(kind=kind)
            settle(self.folder)

    def undo(self, *, but_whole_keys: bool = False) -> None:
        """Take away what was put, as far as it is still what was put. The mark stays. Raises BackupError.

        Keys that lie there whole may be left.
        """
        noted = self._read()
        _stop(self.working / "postgres")
        with telling(self.folder):
            places, keys = [Path(one) for one in noted.places], noted.keys
            for place in places:
                shutil.rmtree(beside_of(place), ignore_errors=True)
            are_ours = {file for file, seen in keys.items() if _is_as(Path(file), seen)}
            # Beside what came there since, nothing is taken away: a set of keys is whole or of no use.
            if not (_files_in(places) - are_ours or (but_whole_keys and len(are_ours) == len(keys))):
                self._undo_keys(places, are_ours)
            self._undo_server(noted.server)
            for left in self.working.iterdir():
                if left.is_dir():
                    shutil.rmtree(left)

    def end(self) -> None:
        """Take down the mark, the last of all. Raises BackupError."""
        with telling(self.working):
            for left in self.working.iterdir():
                if left.is_dir():
                    shutil.rmtree(left)
            shutil.rmtree(self.working)
            settle(self.folder)
            if (self.folder / "postgres").exists():
                (self.folder / "postgres" / _OURS).unlink(missing_ok=True)

    def _undo_keys(self, places: Sequence[Path], files: Iterable[str]) -> None:
        for file in files:
            Path(file).unlink()
        for folder in (*(one for place in places for one in (place / "wrapped", place)), self.folder / "keys"):
            with suppress(OSError):
                folder.rmdir()  # refused where anything lies in it

    def _undo_server(self, word: str) -> None:
        home = self.folder / "postgres"
        if word and (home / _OURS).exists() and (home / _OURS).read_text(encoding="ascii") == word:
            _stop(home)
            shutil.rmtree(home)

    # ----------------------------------------------------------------------------------------------------- the file

    def _write(self, **said: Any) -> None:
        self._note = replace(self._note, **said)
        file = self.working / _NOTE
        with telling(file):
            write_beside(file, json.dumps(asdict(self._note)).encode()).replace(file)
            settle(self.working)

    def _read(self) -> _Note:
        """The note of this restore, or of one that was cut off. Where there is none, nothing was put yet."""
        try:
            return _Note(**json.loads((self.working / _NOTE).read_bytes()))
        except (FileNotFoundError, ValueError, TypeError):
            return _Note()


@contextmanager
def marked(
    folder: Path,
    kind: Kind,
    refuse: Callable[[Traces], None],
    *,
    brings_keys: bool,
    emptied: Callable[[], bool] = lambda: True,
) -> Iterator[Traces]:
    """The mark of a restore in a data folder: where the block raises, what it put is taken away, the mark last.

    What one that was cut off has put is taken away first; both sets of keys that lie there whole stay where this one
    brings none: they may be all that there are. `refuse` looks then whether anything lies where something
    would be put, and raises: the mark of the one before stays. `emptied` empties a database again where the block
    raises, and says whether it did: the mark stays where it could not.
    """
    traces = Traces(folder)
    if traces.working.exists():
        traces.refuse_another(kind)
        traces.undo(but_whole_keys=not brings_keys)
    refuse(traces)
    traces.begin(kind)
    try:
        yield traces
    except BaseException:
        traces.undo()
        if emptied():
            traces.end()
        raise
    traces.end()


def _seen(file: Path) -> list[object]:
    """By what we know a file again: another one in its place, or another content, is not ours."""
    stood = file.lstat()
    return [stood.st_dev, stood.st_ino, hashlib.sha256(file.read_bytes()).hexdigest()]


def _files_in(places: Sequence[Path]) -> set[str]:
    below = (one for place in places for one in (place, *place.rglob("*")))
    return {str(one) for one in below if one.is_file()}


def _is_as(file: Path, seen: object) -> bool:
    try:
        return _seen(file) == seen
    except (FileNotFoundError, NotADirectoryError):
        return False


def _digest(content: Content) -> str:
    return hashlib.sha256(json.dumps(asdict(content), sort_keys=True).encode()).hexdigest()


def _stop(server: Path) -> None:
    try:
        EmbeddedPostgres(server).stop()
    except PostgresError as refused:
        raise BackupError("failed", refused.sentence, **refused.facts) from None
