"""Rooms register with lower ones: in every process, and never silently not at all."""

import subprocess
import sys
from datetime import UTC, datetime
from typing import get_args

import pytest

from domain.casework import cases
from domain.casework.proofs import GIVEN, JUDGES
from domain.declarations.protocol import Step
from domain.kernel import hooks
from domain.kernel.hooks import Unowned, hook, refuse_unowned

_WHOLE = """
import sys, {module}
if "domain.joined" not in sys.modules:
    sys.exit("the process does not import it")  # the check itself does, from here on
from domain import joined
from domain.casework.proofs import JUDGES
from domain.kernel import hooks
hooks.refuse_unowned()
missing = [one.__name__ for one in joined.REGISTERING if one.__name__ not in sys.modules]
sys.exit(repr(missing) if missing or set(JUDGES) != {{"empty_hands", "interviews"}} else 0)
"""


@pytest.mark.parametrize(
    "module", ["api.cli.commands", *(pytest.param(one, marks=pytest.mark.ci) for one in ("api.app", "flows.worker"))]
)
def test_each_process_has_every_room_that_registers(module: str) -> None:
    whole = subprocess.run([sys.executable, "-c", _WHOLE.format(module=module)], check=False, capture_output=True)
    assert whole.returncode == 0, whole.stderr.decode()


def test_a_hook_without_an_owner_raises_and_keeps_a_process_from_starting() -> None:
    @hook
    def something(day: datetime) -> None:
        """Something that no room does."""

    try:
        with pytest.raises(Unowned, match="something"):
            something(datetime.now(UTC))
        with pytest.raises(Unowned, match="something"):
            refuse_unowned()
    finally:
        hooks._DECLARED.remove(something)


def test_every_kind_of_evidence_is_given_or_judged() -> None:
    kinds = set(get_args(Step.model_fields["evidence"].annotation))
    assert kinds == GIVEN | set(JUDGES)
    assert not GIVEN & set(JUDGES)


def test_departures_say_what_a_case_gathers() -> None:
    assert [does.__module__ for does in cases.gather.owners] == ["domain.departure.gathering"]
