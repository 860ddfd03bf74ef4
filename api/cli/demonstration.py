"""The one door to the demonstration, which is no part of the product: `demo/` stands beside it in a source checkout.

`spheres up` starts it as a process of its own. No module of the product imports it, so that the product does without.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from api.cli.spoken import Ending
from locales import N_, current_language, say

#: What writes the demonstration, as a process, for where `refuse_without_a_checkout` lets it start.
MODULE: Final = "demo"
#: The status of that process where it could not write the demonstration, and has said why.
NOT_WRITTEN: Final = 3

_BESIDE: Final = Path(__file__).resolve().parents[2] / "demo" / "__main__.py"


def refuse_without_a_checkout() -> None:
    """Raises Ending where the demonstration does not stand beside the product, as in what a wheel installs."""
    if not _BESIDE.is_file():
        raise Ending(
            say(
                current_language(),
                N_("The demonstration comes with the source checkout only. Start without it: spheres up --no-demo"),
            )
        )
