"""A page with a form on it, shown with what was typed where a rule refused it."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse

from api.access.session import RequestContext
from api.pages.forms import Typed
from api.pages.frame import page


def typed_page(context: RequestContext, request: Request, name: str, typed: Typed, **shown: Any) -> HTMLResponse:
    """The page `name` with what was `typed` on it; what was refused of it gives the status and the page's refusal."""
    return page(context, request, name, refused=typed.refusal, typed=typed, **shown)
