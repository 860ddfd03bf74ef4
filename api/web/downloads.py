"""Documents of a meeting as a window gives them: files to keep, never shown as pages of ours."""

from __future__ import annotations

from typing import Literal

from fastapi import Response

from domain.mail import Attachment

Language = Literal["fr", "en"]
Form = Literal["pdf", "docx"]


def download(file: Attachment) -> Response:
    """A file as an attachment. Its name is plain ASCII, as `meetings.documents.issuing` makes it."""
    return Response(
        file.content,
        media_type=file.media_type,
        headers={
            "Content-Disposition": f'attachment; filename="{file.name}"',
            "Content-Security-Policy": "default-src 'none'; sandbox",
        },
    )
