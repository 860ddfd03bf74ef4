"""The ledger of what must not come back: a file of lines that is only ever added to, kept apart from the database.

A line is one object of JSON: its number, the moment, a kind, opaque ids and facts, the digest of the line before, and a
signature by a seal key. The last signature so vouches for every line before it. Lines are on the disk for good before
`append` returns. One process writes at a time, of one machine or of several that share the folder.

A line that a crash cut in the middle was never acknowledged. It has no end, by which it is known, and the next one to
write removes it. Keep the backup of this folder apart from the database's: put back together, they agree.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple, Self
from uuid import UUID

from adapters.key_files import settle
from models.ports import NOT_RUN, LedgerFact, LedgerLine, LedgerNote, NoLedger, NoSealKey, OtherEpoch, Ran, SealKeys

NAME: Final = "ledger.jsonl"
#: The kind of a first line that carries on one which was missing, or was not what it had been.
ACCEPTED: Final = "accepted"

#: What a fact may be, besides a number or yes or no: an id, a digest, a moment or a day, a code, a number of a series.
_OPAQUE: Final = re.compile(
    r"|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|[0-9a-f]{16,64}"
    r"|\d{4}-\d{2}-\d{2}(T[0-9:.]+([+-]\d{2}:\d{2}|Z)?)?"
    r"|[a-z][a-z0-9_]*(\.[a-z0-9_]+)*"
    r"|#?[A-Z0-9-]*\d"
)
_LONGEST: Final = 80
#: What reading something that is no line raises.
_NO_LINE: Final = (ValueError, TypeError, AttributeError)
#: So much of the end of the file is read to find its last line; more where that is longer.
_TAIL_BYTES: Final = 1 << 16
#: With less on its disk, the next line may not fit.
_ROOM_BYTES: Final = 1 << 16
#: So long the lock is waited for, which others keep for some milliseconds: who sleeps with it holds up no one for ever.
_READ_SECONDS: Final = 1.0
_WRITE_SECONDS: Final = 10.0


class _Fields(NamedTuple):
    """What a line of the file holds, in the order in which it is written; `mac` signs what stands before it."""

    n: int
    at: str
    kind: str
    program: str
    id: str
    more: dict[str, LedgerFact]
    xid: int
    server: str
    epoch: int
    before: str
    key: str
    mac: str = ""

    @classmethod
    def read(cls, content: bytes) -> Self:
        """What a line of the file holds. Raises ValueError and TypeError for what is none."""
        return cls(**json.loads(content))

    @property
    def signed(self) -> bytes:
        """What the signature is of."""
        return _written({name: value for name, value in self._asdict().items() if name != "mac"})

    @property
    def whole(self) -> bytes:
        """The line as it is written."""
        return _written(self._asdict())

    def line(self, content: bytes) -> LedgerLine:
        """What it says, read from this content. Raises ValueError, TypeError and AttributeError for what is no line."""
        note = LedgerNote(
            str(self.kind),
            datetime.fromisoformat(self.at),
            UUID(self.program) if self.program else None,
            UUID(self.id) if self.id else None,
            dict(self.more),
        )
        digest = hashlib.sha256(content).hexdigest()
        return LedgerLine(int(self.n), note, int(self.xid), int(self.epoch), digest, str(self.server))


class _GoesOn(NamedTuple):
    """What lines that are written together share: their transaction, and their epoch."""

    ran: Ran
    epoch: int


@dataclass(frozen=True)
class _Seen:
    """How far the file was read by this process: which file, how many bytes, and its last line."""

    inode: int
    size: int
    last: LedgerLine | None


class FileLedger:
    """The ledger in one folder. Each call opens the file anew, so that it may be put back while the program runs."""

    def __init__(self, folder: Path, keys: SealKeys) -> None:
        self.path: Final = folder / NAME
        self._keys = keys
        self._seen: _Seen | None = None

    def append(
        self, notes: Sequence[LedgerNote], *, ran: Ran = NOT_RUN, epoch: int | None = None, within: int | None = None
    ) -> Sequence[LedgerLine]:
        """Write lines, on the disk for good. Raises NoLedger, OtherEpoch, and none is written.

        Raises ValueError for what is no opaque.
        """
        for note in notes:
            _refuse_text(note)
        with self._locked(fcntl.LOCK_EX) as handle:
            last, size = self._tip(handle)
            if within is not None and within != (last.epoch if last else 0):
                raise OtherEpoch
            goes_on = _GoesOn(ran, epoch if epoch is not None else last.epoch if last else 0)
            lines: list[LedgerLine] = []
            written = b""
            for note in notes:
                line, content = self._made(note, last, goes_on)
                lines.append(line)
                written += content + b"\n"
                last = line
            try:
                _write_whole(handle, written)
                os.fsync(handle)
            except OSError as refused:
                with suppress(OSError):
                    os.ftruncate(handle, size)
                raise _unusable(self.path, refused) from None
            self._seen = _Seen(os.fstat(handle).st_ino, size + len(written), last)
        return lines

    def last(self) -> LedgerLine | None:
        """The last whole line. Raises NoLedger."""
        with self._locked(fcntl.LOCK_SH) as handle:
            return self._end(handle)[0]

    def refuse_unwritable(self) -> None:
        """Raises NoLedger where it is missing, was changed, cannot be written, or where its disk has no room left."""
        with self._locked(fcntl.LOCK_EX) as handle:
            self._tip(handle)
            try:
                self._keys.current()
            except NoSealKey as missing:
                raise NoLedger(missing.sentence, **missing.facts) from None
            disk = os.fstatvfs(handle)
            if disk.f_flag & os.ST_RDONLY or disk.f_bavail * disk.f_frsize < _ROOM_BYTES:
                raise _unusable(self.path, OSError())

    def since(self, n: int) -> Sequence[LedgerLine]:
        """The lines from this number on, each checked. Only so much of the end of the file is read. Raises NoLedger."""
        with self._locked(fcntl.LOCK_SH) as handle:
            last, size = self._end(handle)
            if last is None or last.n < n:
                return []
            if last.n == n:
                return [last]
            found: list[LedgerLine] = []
            before: LedgerLine | None = None
            written, is_first = _tail(handle, size, n)
            for one in written:
                before = self._checked(one, before, is_first=is_first and before is None)
                found.append(before)
        return [line for line in found if line.n >= n]

    def lines(self) -> Sequence[LedgerLine]:
        """Every whole line, checked from the first to the last. Raises NoLedger.

        Each holds the digest of the one before, so that the last signature vouches for all. Where that does not hold,
        every signature is looked at, to say after which line the file was changed.
        """
        with self._locked(fcntl.LOCK_SH) as handle:
            content = _read(handle, 0, os.fstat(handle).st_size)
        return self._in_a_chain(content) or list(self._each(content))

    def readable(self) -> Sequence[LedgerLine]:
        """The lines up to the first one that is not right: none, where the file is missing."""
        lines: list[LedgerLine] = []
        with suppress(NoLedger), self._locked(fcntl.LOCK_SH) as handle:
            content = _read(handle, 0, os.fstat(handle).st_size)
            for line in self._each(content):
                lines.append(line)  # noqa: PERF402  # those before the first wrong one stay
        return lines

    def _in_a_chain(self, content: bytes) -> list[LedgerLine]:
        """The lines, where each follows the one before and the last one is signed; none where that is not so."""
        written = content[: content.rfind(b"\n") + 1].split(b"\n")[:-1]
        lines: list[LedgerLine] = []
        try:
            for one in written:
                fields = _Fields.read(one)
                line, before = fields.line(one), lines[-1] if lines else None
                if not _follows(fields, line, before, is_first=before is None):
                    return []
                lines.append(line)
        except _NO_LINE:
            return []
        if lines:
            try:
                self._checked(written[-1], lines[-2] if lines[1:] else None, is_first=not lines[1:])
            except NoLedger:
                return []
        return lines

    def _each(self, content: bytes) -> Iterator[LedgerLine]:
        before: LedgerLine | None = None
        for written in content[: content.rfind(b"\n") + 1].split(b"\n")[:-1]:
            before = self._checked(written, before, is_first=before is None)
            yield before

    def begin_anew(self, notes: Sequence[LedgerNote], *, after: int, epoch: int, at: datetime) -> None:
        """Put the file aside under another name, and begin one that goes on after a number. Raises NoLedger."""
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
        goes_on = _GoesOn(NOT_RUN, epoch)
        line, content = self._made(LedgerNote(ACCEPTED, at), None, goes_on, n=after + 1)
        whole = content + b"\n"
        for note in notes:
            line, content = self._made(note, line, goes_on)
            whole += content + b"\n"
        unfinished = self.path.with_name(f"{NAME}.{stamp}.part")
        try:
            handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                _write_whole(handle, whole)
                os.fsync(handle)
            finally:
                os.close(handle)
            if self.path.exists():
                self.path.with_name(f"{NAME}.{stamp}.aside").hardlink_to(self.path)
            unfinished.replace(self.path)
            settle(self.path.parent)
        except OSError as refused:
            raise _unusable(self.path, refused) from None
        self._seen = None

    # ------------------------------------------------------------------------------------------------- the lines

    def _made(
        self, note: LedgerNote, before: LedgerLine | None, goes_on: _GoesOn, *, n: int | None = None
    ) -> tuple[LedgerLine, bytes]:
        try:
            key_id = self._keys.current()
            fields = _Fields(
                n=n if n is not None else before.n + 1 if before else 1,
                at=note.at.astimezone(UTC).isoformat(timespec="microseconds"),
                kind=note.kind,
                program=str(note.program_id) if note.program_id else "",
                id=str(note.id) if note.id else "",
                more=dict(note.more),
                xid=goes_on.ran.xid,
                server=goes_on.ran.server,
                epoch=goes_on.epoch,
                before=before.digest if before else "",
                key=key_id,
            )
            mac = self._keys.sign(key_id, fields.signed)
        except NoSealKey as missing:
            raise NoLedger(missing.sentence, **missing.facts) from None
        if mac is None:
            raise NoLedger("the key that signs now is not among the keys")
        content = fields._replace(mac=mac).whole
        return fields.line(content), content

    def _checked(self, content: bytes, before: LedgerLine | None, *, is_first: bool) -> LedgerLine:
        """A line as it is read, after its signature and its place are checked. Raises NoLedger."""
        try:
            fields = _Fields.read(content)
            line = fields.line(content)
            is_same = fields.whole == content
        except _NO_LINE:
            raise self._changed(before) from None
        try:
            signature = self._keys.sign(str(fields.key), fields.signed)
        except NoSealKey as missing:
            raise NoLedger(missing.sentence, **missing.facts) from None
        if signature is None:
            raise NoLedger(
                "Line %(line)s of %(file)s was signed with a key that is not here: put the file of the seal keys back. "
                "Where there is no copy of it, say so with: spheres ledger accept",
                line=line.n,
                file=str(self.path),
            )
        if not is_same or signature != fields.mac or not _follows(fields, line, before, is_first=is_first):
            raise self._changed(before)
        return line

    # -------------------------------------------------------------------------------------------------- the file

    @contextmanager
    def _locked(self, how: int) -> Iterator[int]:
        """The file, open and locked, as the one that lies there now. Raises NoLedger where it is missing.

        Where another keeps it locked for long, who reads goes on without the lock, and who would write is refused.
        """
        while True:
            try:
                handle = os.open(self.path, os.O_RDWR | os.O_APPEND)
            except FileNotFoundError:
                raise NoLedger(
                    "%(file)s is missing: put it back from its copy. Where there is none, say so with: "
                    "spheres ledger accept",
                    file=str(self.path),
                ) from None
            except OSError as refused:
                raise _unusable(self.path, refused) from None
            try:
                is_mine = _is_locked(handle, how)
                if not is_mine and how == fcntl.LOCK_EX:
                    raise NoLedger(
                        "%(file)s is kept by another process that does not let it go: let that one go on, or end it.",
                        file=str(self.path),
                    )
                if self._is_there(handle):
                    # Lines are whole up to the last end of one, also beside a writer who sleeps. But they may yet be
                    # taken back: what is remembered was read under the lock.
                    seen = self._seen
                    try:
                        yield handle
                    finally:
                        self._seen = self._seen if is_mine else seen
                    return
            finally:
                os.close(handle)  # and the lock with it

    def _is_there(self, handle: int) -> bool:
        """Whether the open file is the one that has the name: it may have been put aside while we waited."""
        try:
            return os.fstat(handle).st_ino == self.path.stat().st_ino
        except OSError:
            return False

    def _tip(self, handle: int) -> tuple[LedgerLine | None, int]:
        """The last line and the size of the file, after what a crash cut off was removed. Raises NoLedger."""
        last, size = self._end(handle)
        torn = os.fstat(handle).st_size - size
        if torn:
            try:
                os.ftruncate(handle, size)
                os.fsync(handle)
            except OSError as refused:
                raise _unusable(self.path, refused) from None
        return last, size

    def _end(self, handle: int) -> tuple[LedgerLine | None, int]:
        """The last whole line, and where it ends. Only what others wrote since is read. Raises NoLedger."""
        found, seen = os.fstat(handle), self._seen
        if seen is not None and seen.inode == found.st_ino and found.st_size >= seen.size:
            last, size = self._after(handle, seen.last, seen.size, found.st_size)
        else:
            last, size = self._from_the_end(handle, found.st_size)
            if seen is not None and seen.last is not None and (last is None or last.n < seen.last.n):
                raise self._older(seen.last.n)
        self._seen = _Seen(found.st_ino, size, last)
        return last, size

    def _after(self, handle: int, last: LedgerLine | None, begins: int, ends: int) -> tuple[LedgerLine | None, int]:
        content = _read(handle, begins, ends - begins)
        whole = content[: content.rfind(b"\n") + 1]
        for written in whole.split(b"\n")[:-1]:
            last = self._checked(written, last, is_first=last is None)
        return last, begins + len(whole)

    def _from_the_end(self, handle: int, size: int) -> tuple[LedgerLine | None, int]:
        """The last whole line, checked against the one before it."""
        length = _TAIL_BYTES
        while True:
            begins = max(0, size - length)
            content = _read(handle, begins, size - begins)
            parts = content.split(b"\n")
            if begins == 0 or len(parts) > 3:  # noqa: PLR2004  # what was cut, the line before, the last one, and what is torn
                break
            length *= 2
        lines = parts[(0 if begins == 0 else 1) : -1]
        ends = size - len(parts[-1])
        if not lines:
            return None, ends
        before = self._checked(lines[-2], None, is_first=False) if len(lines) > 1 else None
        return self._checked(lines[-1], before, is_first=before is None), ends

    def _changed(self, before: LedgerLine | None) -> NoLedger:
        return NoLedger(
            "%(file)s was changed after line %(line)s: put its newest copy back. Where there is none, say so with: "
            "spheres ledger accept",
            file=str(self.path),
            line=before.n if before else 0,
        )

    def _older(self, seen: int) -> NoLedger:
        return NoLedger(
            "%(file)s ends before line %(line)s, which was written: put its newest copy back. Where there is none, say "
            "so with: spheres ledger accept",
            file=str(self.path),
            line=seen,
        )


def has_lines(folder: Path) -> bool:
    """Whether a whole line was ever written there. No signature is looked at: the keys may be away. Raises NoLedger."""
    try:
        with (folder / NAME).open("rb") as file:
            return file.readline().endswith(b"\n")
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as refused:
        raise _unusable(folder / NAME, refused) from None


def make_ledger(folder: Path) -> bool:
    """Make the folder with an empty ledger, where there is none. Whether it was made: of two at once, one makes it.

    Raises NoLedger where it cannot be written.
    """
    try:
        missing = [one for one in (folder, *folder.parents) if not one.exists()]
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            os.close(os.open(folder / NAME, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            return False
        settle(folder)
        for one in missing:
            settle(one.parent)
    except OSError as refused:
        raise _unusable(folder, refused) from None
    return True


def _refuse_text(note: LedgerNote) -> None:
    """Raises ValueError for a fact in which a name or people's words could stand."""
    values: list[LedgerFact] = [note.kind]
    for key, value in note.more.items():
        values += [key, *value] if isinstance(value, list) else [key, value]
    if any(isinstance(value, str) and not (len(value) <= _LONGEST and _OPAQUE.fullmatch(value)) for value in values):
        msg = "the ledger takes ids, codes, numbers and moments, and never a text"
        raise ValueError(msg)


def _is_locked(handle: int, how: int) -> bool:
    """Lock the file, unless another keeps it for as long as one waits."""
    until = time.monotonic() + (_WRITE_SECONDS if how == fcntl.LOCK_EX else _READ_SECONDS)
    while True:
        try:
            fcntl.flock(handle, how | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                return False
            time.sleep(0.005)
        else:
            return True


def _follows(fields: _Fields, line: LedgerLine, before: LedgerLine | None, *, is_first: bool) -> bool:
    """Whether a line carries on the one before; the first one carries on nothing. Unknown where that was not read."""
    if before is not None:
        return line.n == before.n + 1 and fields.before == before.digest and line.epoch >= before.epoch
    return not is_first or (fields.before == "" and (line.n == 1 or line.note.kind == ACCEPTED))


def _written(fields: dict[str, object]) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode("ascii")


def _read(handle: int, begins: int, length: int) -> bytes:
    content = b""
    while len(content) < length:
        part = os.pread(handle, length - len(content), begins + len(content))
        if not part:
            break
        content += part
    return content


def _tail(handle: int, size: int, n: int) -> tuple[list[bytes], bool]:
    """The whole lines of the end of a file, from one of this number or before on; whether they begin with its first."""
    length = _TAIL_BYTES
    while True:
        begins = max(0, size - length)
        lines = _read(handle, begins, size - begins).split(b"\n")[(1 if begins else 0) : -1]
        if not begins or (lines and _number_of(lines[0]) <= n):
            return lines, not begins
        length *= 2


def _number_of(content: bytes) -> int:
    """The number that a line says it has; 0 of what is no line, which is then found to be none."""
    try:
        return _Fields.read(content).n
    except _NO_LINE:
        return 0


def _write_whole(handle: int, content: bytes) -> None:
    while content:
        content = content[os.write(handle, content) :]


def _unusable(place: Path, refused: OSError) -> NoLedger:
    return NoLedger("%(place)s cannot be used (%(error)s)", place=str(place), error=type(refused).__name__)
