"""Prefect's server as an application, which looks at the queue of its own tasks less often than Prefect would.

Those tasks mark what is late and what is cleaned up, once in many seconds. To look for them four times a second was a
quarter of what an idle server did, and no setting of Prefect's slows it down. Read by who has the seat alone.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Final

from docket import Worker
from fastapi import FastAPI
from prefect.server.api import background_workers
from prefect.server.api.server import create_app as prefects_own

#: How often the queue is looked at, and what is due in it. A task that is asked for at once is taken at once.
LOOK: Final = timedelta(seconds=1)


def create_app() -> FastAPI:
    """Prefect's application, with a slower look. A test says where a newer Prefect has its worker elsewhere."""
    vars(background_workers)["Worker"] = partial(Worker, minimum_check_interval=LOOK, scheduling_resolution=LOOK)
    return prefects_own()
