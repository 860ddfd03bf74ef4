"""What is answered while the past year of a demonstration's people is being written."""

from __future__ import annotations

from domain.kernel import Refusal
from locales import N_


def being_written() -> Refusal:
    """The refusal of whatever would change something meanwhile: the year would be built on it."""
    return Refusal(
        "demonstration.being_written",
        N_("The past year of these people is still being written. Nothing was changed: try again in some seconds."),
    )
