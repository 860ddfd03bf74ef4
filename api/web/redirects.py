"""Sending a browser to another site, after a form of ours.

No page of ours lets a form lead elsewhere (`form-action 'self'`), and browsers hold every redirection after a form to
that, however many sites it goes over. So the answer to the form is a page, which goes on by itself, with or without
the script, and has a link for those in a hurry.
"""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import HTMLResponse

from api.web.rendering import render


def pass_on(request: Request, address: str, *, title: str, text: str) -> HTMLResponse:
    """A page that says where one goes, `title` and `text` in the reader's language, and goes there at once."""
    return render(
        request, "passing_on.html", headers={"Refresh": f"0; url={address}"}, title=title, text=text, address=address
    )
