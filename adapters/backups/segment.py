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
    try:
        handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(handle, "wb") as file:  # noqa: PTH123  # a descriptor, not a path
            file.write(content)
            file.flush()
            os.fsync(handle)
        unfinished.replace(place)
        folder = os.open(place.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except OSError as refused:
        sys.exit(f"not archived: {type(refused).__name__} {refused.errno}")
