"""What PostgreSQL runs to archive one file: `segment.py PATH NAME FOLDER PUBLIC_KEY`. Status 0 says that it lies there.

It is run by its path, as the account of the server, and knows nothing of the program: it has to start fast. Whatever
fails is a status that is not 0, and the server keeps the file and tries again.
"""

import hashlib
import os
import sys
import zlib
from pathlib import Path

from pyrage import encrypt, x25519


def main(path: str, name: str, folder: str, public_key: str) -> int:
    """Archive one file, once: a second time it may come again, after a crash, and has to be the same."""
    content = Path(path).read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    place, mark = Path(folder) / f"{name}.age", Path(folder) / f"{name}.sha256"
    if place.exists():
        return 0 if mark.read_text(encoding="ascii") == digest else 1
    sealed = encrypt(zlib.compress(content, 1), [x25519.Recipient.from_str(public_key)])
    put(mark, digest.encode("ascii"))  # first: where it is there alone, it is written again
    put(place, sealed)
    return 0


def put(place: Path, content: bytes) -> None:
    """Write a file whole under another name, put it on the disk for good, and give it its name."""
    unfinished = place.with_name(f".{place.name}.part")
    unfinished.unlink(missing_ok=True)
    try:
        unfinished.touch(mode=0o600)
        unfinished.write_bytes(content)
        settle(unfinished)
        unfinished.replace(place)
        settle(place.parent)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise


def settle(place: Path) -> None:
    """Put a file's content, or a folder's entries, on the disk for good."""
    handle = os.open(place, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except OSError as refused:
        sys.exit(f"not archived: {type(refused).__name__} {refused.errno}")
