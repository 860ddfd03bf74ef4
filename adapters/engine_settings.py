"""What Prefect is told, in one place: by the supervisor to its server, and to the worker that asks it.

Prefect reads these as it is imported. Its server keeps states, times and codes for an operator to look at; no text of
ours has more in it than that (docs/architecture.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

#: How long old runs are kept.
DAYS_KEPT: Final = 90
#: Connections that the server keeps; each is a process of PostgreSQL of 6 to 10 MB. More are opened in a rush.
CONNECTIONS_KEPT: Final = 3
#: By which name the server's connections are known in its database: who takes its seat ends those left of another.
SERVER_NAME: Final = "spheres engine"

#: Of every process that knows Prefect. One retry, and a short wait: a call that hung for long where the server died in
#: the middle of a run would keep a case from being carried plainly.
CLIENT: Final[Mapping[str, str]] = {
    "DO_NOT_TRACK": "1",
    "PREFECT_CLI_PROMPT": "false",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
    "PREFECT_CLIENT_MAX_RETRIES": "1",
    "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED": "false",
    "PREFECT_API_REQUEST_TIMEOUT": "3",
    "PREFECT_LOGGING_LEVEL": "WARNING",  # of its own lines; ours, which are sent to it, have their own level
    "PREFECT_LOGGING_TO_API_ENABLED": "true",
    "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "false",
}


def client_settings(api_url: str, home: Path, word: str) -> dict[str, str]:
    """The environment of a process that asks the server at `api_url`, with the installation's shared word."""
    return {**CLIENT, "PREFECT_HOME": str(home), "PREFECT_API_URL": api_url, "PREFECT_API_AUTH_STRING": word}


def server_settings(host: str, port: int, database_url: str, home: Path, word: str) -> dict[str, str]:
    """The environment of the server: one address, nothing sent out, old runs swept away.

    Its page asks for `/api` where it is, so that it works under any name and through a tunnel. The second page of
    Prefect's asks an address outside at each look, and stays off.
    """
    return {
        **client_settings(f"http://{f'[{host}]' if ':' in host else host}:{port}/api", home, word),
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "PREFECT_LOGGING_TO_API_ENABLED": "false",
        "PREFECT_SERVER_API_AUTH_STRING": word,
        "PREFECT_SERVER_API_HOST": host,
        "PREFECT_SERVER_API_PORT": str(port),
        "PREFECT_SERVER_UI_API_URL": "/api",
        "PREFECT_SERVER_UI_V2_ENABLED": "false",
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        "PREFECT_SERVER_UI_STATIC_DIRECTORY": str(home / "ui"),
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": database_url,
        "PREFECT_SERVER_DATABASE_SQLALCHEMY_POOL_SIZE": str(CONNECTIONS_KEPT),
        "PREFECT_SERVER_DATABASE_SQLALCHEMY_CONNECT_ARGS_APPLICATION_NAME": SERVER_NAME,
        "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "15",
        "PREFECT_SERVER_SERVICES_SCHEDULER_RECENT_DEPLOYMENTS_LOOP_SECONDS": "15",
        # None of our runs pauses, holds a lease of the server's or leaves anything to clean up behind its worker.
        "PREFECT_SERVER_SERVICES_PAUSE_EXPIRATIONS_ENABLED": "false",
        "PREFECT_SERVER_SERVICES_REPOSSESSOR_ENABLED": "false",
        "PREFECT_SERVER_SERVICES_CLEANUP_RECONCILER_ENABLED": "false",
        "PREFECT_SERVER_SERVICES_LATE_RUNS_LOOP_SECONDS": "30",
        "PREFECT_SERVER_EVENTS_PROACTIVE_GRANULARITY": "PT10S",
        "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "200",
        "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "50",
        "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
        "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
        "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": str(DAYS_KEPT * 86_400),
    }
