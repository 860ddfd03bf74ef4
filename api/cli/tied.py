"""Runs a module as `python -m` does, in a process that is told to end when the one that started it is gone.

`python -m api.cli.tied PARENT MODULE ARGUMENTS…`. Whoever is killed (`kill -9`) ends nothing itself: what it kept alive
would go on, with its ports and the engine's seat, and nothing would start it again. The kernel tells it, where it is
Linux. It reads nothing else: what it runs starts as soon as it would alone.
"""

from __future__ import annotations

import ctypes
import os
import runpy
import signal
import sys

#: Of prctl(2): the signal that a process gets when the thread that started it has ended.
_SET_SIGNAL_AT_PARENTS_DEATH = 1


def main() -> None:
    """Tie this process to its parent, and become the module."""
    _, parent, name, *arguments = sys.argv
    _tie_to(int(parent))
    sys.argv[1:] = arguments
    runpy.run_module(name, run_name="__main__", alter_sys=True)


def _tie_to(parent: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_SIGNAL_AT_PARENTS_DEATH, int(signal.SIGTERM))
    if os.getppid() != parent:  # it was gone before that
        os._exit(1)


if __name__ == "__main__":
    main()
