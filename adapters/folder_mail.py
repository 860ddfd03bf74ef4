"""The demonstration's mail: the Mailer port over a folder of .eml files."""

import hashlib
import os
import re
import tempfile
from email import policy
from email.parser import BytesHeaderParser
from pathlib import Path

from adapters.mail_addresses import ENVELOPE
from models.ports import Accepted, Later, Outcome, Refused

_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}")


class FolderMailer:
    """Each letter becomes a file of `folder` that any mail reader opens.

    The file is named after the letter's opaque Message-ID, so it tells nothing, and the same letter sent twice is one
    file. A file is there whole or not at all, even after a power cut.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, *, to: str, message: bytes, again: bool = False) -> Outcome:  # noqa: ARG002  # it is one file
        """Write one letter; see `Mailer.send`. The recipient stands in the letter itself."""
        if not ENVELOPE.fullmatch(to):
            return Refused(permanent=True, code="address")
        name = _file_name(message)
        if name is None:
            return Refused(permanent=True, code="message")
        try:
            self._write(self._folder / name, message)
        except OSError:  # no room, no right: the letter waits
            return Later("folder")
        return Accepted()

    def _write(self, file: Path, message: bytes) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if file.exists():
            return
        descriptor, unfinished = tempfile.mkstemp(dir=self._folder, prefix=".", suffix=".part")
        try:
            with os.fdopen(descriptor, "wb") as out:
                out.write(message)
                out.flush()
                os.fsync(out.fileno())
            Path(unfinished).replace(file)
        except BaseException:
            Path(unfinished).unlink(missing_ok=True)
            raise
        _sync_folder(self._folder)


def _file_name(message: bytes) -> str | None:
    """NAME.eml from the Message-ID, or None where the letter has none."""
    # compat32: the header as it was written, not as a parser would mend it.
    message_id = BytesHeaderParser(policy=policy.compat32).parsebytes(message).get("Message-ID", "")
    local = str(message_id).strip().removeprefix("<").partition("@")[0]
    if not local:
        return None
    # Any other spelling (a slash, a dot, a very long one) is hashed: a letter never chooses its path.
    if not _SAFE_NAME.fullmatch(local):
        local = hashlib.sha256(str(message_id).encode("utf-8", "surrogateescape")).hexdigest()
    return f"{local}.eml"


def _sync_folder(folder: Path) -> None:
    """Make a rename last. Windows cannot open a folder, and needs not."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
