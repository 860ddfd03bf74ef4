"""What a run tells Prefect's server in words: our own sentences, ids, counts and codes, and nothing else.

Prefect's own lines hold the text and the traceback of each error, and are sent nowhere.
"""

from __future__ import annotations

import logging
from typing import Final

from prefect.context import FlowRunContext, TaskRunContext
from prefect.logging.handlers import APILogHandler

told: Final = logging.getLogger(__name__)
"""Where a flow says what it did, with the fields that a log may have."""


class _ToPrefect(APILogHandler):
    """Sends a line to the page of the run in which it is said. What is done plainly has no page."""

    def emit(self, record: logging.LogRecord) -> None:
        """Send it, where it is said in a run."""
        if FlowRunContext.get() is not None or TaskRunContext.get() is not None:
            super().emit(record)


def tell_prefect(written: logging.Formatter) -> None:
    """Have what is told from now on sent to Prefect's server, `written` so that nothing but allowed fields is in it."""
    handler = _ToPrefect()
    handler.setFormatter(written)
    told.handlers[:] = [handler]
    told.setLevel(logging.INFO)
    told.propagate = False
