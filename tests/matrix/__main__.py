"""Writes `expected.txt` anew: `python -m tests.matrix`, or only the routes that have a text in their name.

    python -m tests.matrix "/incidents"

What is written is what the application answers now: read the difference before it is committed.
"""

from __future__ import annotations

import sys

import pytest

if __name__ == "__main__":
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    sys.exit(pytest.main(["tests/matrix/writing.py", f"--write-matrix={wanted}", "-q", "-m", ""]))
