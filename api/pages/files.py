"""Files that people send with a form, and files that they kept, as pages take and give them."""

from __future__ import annotations

from types import ModuleType
from typing import Annotated
from urllib.parse import quote

from fastapi import File, Response, UploadFile

from domain.casework import LARGEST_DOCUMENT
from domain.kernel import Refusal
from locales import N_

Sent = Annotated[UploadFile | None, File()]
"""A file as it was sent; None where none was chosen."""


def read_sent(document: UploadFile | None) -> tuple[str, bytes]:
    """The name and the bytes of a file that was sent. Raises Refusal where none was chosen."""
    if document is None or not document.filename:
        raise Refusal("document.missing", N_("Choose the file."))
    return document.filename, document.file.read(LARGEST_DOCUMENT + 1)  # one byte more than is kept: it is too large


def table_files() -> ModuleType:
    """What makes workbooks. It is read where one is made: it is twelve megabytes of every process otherwise."""
    from domain.files import workbooks  # noqa: PLC0415

    return workbooks


def kept_file(name: str, content_type: str, content: bytes | None) -> Response:
    """A file as it was given, to be kept and never to be shown by the browser as a page of ours."""
    return Response(
        bytes(content or b""),
        media_type=content_type,
        headers={
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
            "Content-Security-Policy": "default-src 'none'; sandbox",
        },
    )
