"""What the tests say of a refusal: by its code, whatever its sentence."""

from __future__ import annotations

import pytest

from domain.kernel.refusals import Refusal


def refused(code: str) -> pytest.RaisesExc[Refusal]:
    """What is done inside is refused with this code."""
    return pytest.RaisesExc(Refusal, check=lambda refusal: refusal.code == code)
