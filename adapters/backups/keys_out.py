"""The participants' keys out of every copy in which they outlived their days, whether new copies are made or not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from adapters.backups.faults import BackupError, telling
from adapters.backups.keeping import Keeping, is_credible, is_past
from adapters.backups.manifest import PEOPLE_KEYS, read_manifest
from adapters.key_files import settle


@dataclass(frozen=True)
class _Held:
    """Keys that lie in a copy, or in what is left of one: since when, and for which address where that is said."""

    keys: Path
    since: datetime
    installation: str | None


def take_out_keys(folder: Path, installation: str, keeping: Keeping, now: datetime) -> int:
    """Remove them from the copies of every address in `folder`, and from what a killed process left; how many went.

    The newest copy of this installation keeps its own, however old: with the machine gone they would be in no place.
    It needs no database and no lock: of two who do it at once, one finds nothing left. Raises BackupError.
    """
    with telling(folder):
        held = list(_held(folder))
    stays = _newest(held, installation, now)
    past = [one.keys for one in held if one is not stays and is_past(one.since, keeping, now)]
    with telling(folder):
        for keys in past:
            keys.unlink(missing_ok=True)
            with suppress(FileNotFoundError):  # another removed the whole copy
                settle(keys.parent)
    return len(past)


def _held(folder: Path) -> Iterator[_Held]:
    for one in folder.iterdir():
        keys = one / PEOPLE_KEYS
        try:
            written = datetime.fromtimestamp(keys.stat().st_mtime, UTC)
        except OSError:  # none lie there, or no one of us may look
            continue
        try:
            manifest = read_manifest(one)
        except BackupError:
            yield _Held(keys, written, None)
        else:
            yield _Held(keys, manifest.taken_at, None if one.name.startswith(".") else manifest.installation)


def _newest(held: Sequence[_Held], installation: str, now: datetime) -> _Held | None:
    """The newest whole copy of this address, else of any; of a moment that is yet to come only where there is no other.

    After a change of the address, and before the first copy under the new one, that of the former is all there is.
    """
    whole = [one for one in held if one.installation is not None]
    return max(
        whole, key=lambda one: (one.installation == installation, is_credible(one.since, now), one.since), default=None
    )
