"""Starting our processes for a measure, waiting until they serve, and ending them."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from api.cli.pulse import answers
from bench.ground import ROOT

WAIT_SECONDS = 120.0


@contextlib.contextmanager
def running(command: Sequence[str], environment: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process of ours, asked to end afterwards. What it says goes to `log`, shown where it fails."""
    clean = _clean(log.parent)
    with log.open("ab") as said:
        process = subprocess.Popen(
            command, env={**clean, **environment}, cwd=ROOT, stdout=said, stderr=subprocess.STDOUT
        )
    try:
        yield process
    except BaseException:
        sys.stderr.write(log.read_text(encoding="utf-8", errors="replace")[-4000:])
        raise
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def compile_all(folder: Path) -> None:
    """Have the byte code of everything there, as an installation has it: a start does not wait for the compiler."""
    # Prefect's home is made as it is imported: here, and not in the user's own.
    environment = {**_clean(folder), "PREFECT_HOME": str(folder / "prefect")}
    command = [
        sys.executable,
        "-c",
        (
            "import api.app, api.cli.commands, api.cli.installation, api.cli.engine_server, flows.worker, "
            "api.cli.engine_app"
        ),
    ]
    subprocess.run(command, env=environment, cwd=ROOT, check=True)


def _clean(folder: Path) -> dict[str, str]:
    """Our environment without settings of ours, and with byte code, also where the machine forbids or lacks it."""
    strange = ("SPHERES_", "PREFECT_", "PYTHONDONTWRITEBYTECODE")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(strange)}
    return {**clean, "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}


def module(name: str, *arguments: str) -> list[str]:
    """The command that runs a module in this Python."""
    return [sys.executable, "-m", name, *arguments]


def wait_for(asked: Callable[[], bool], what: str, process: subprocess.Popen[bytes], every: float = 0.02) -> float:
    """Wait until `asked` is true; the seconds that it took. Raises RuntimeError where it never is."""
    begun = time.monotonic()
    while not asked():
        if process.poll() is not None or time.monotonic() - begun > WAIT_SECONDS:
            msg = f"{what} did not come; the process ended with {process.poll()}"
            raise RuntimeError(msg)
        time.sleep(every)
    return time.monotonic() - begun


def serves(url: str) -> Callable[[], bool]:
    """Whether an address answers."""
    return lambda: answers(url)


def free_port() -> int:
    """A port of loopback that nobody has now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port
