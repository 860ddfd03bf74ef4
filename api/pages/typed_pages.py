"""A page with a form on it, shown with what was typed where a rule refused it."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse

from api.access.session import Desk
from api.pages.forms import Typed
from api.pages.frame import page


def typed_page(desk: Desk, request: Request, name: str, typed: Typed, **context: Any) -> HTMLResponse:
    """The page `name` with what was `typed` on it; what was refused of it gives the status and the page's refusal."""
    return page(desk, request, name, refused=typed.refusal, typed=typed, **context)
