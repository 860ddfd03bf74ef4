"""The words for obligations: each state, why a fact counts or does not, and what a fact is about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from locales import N_

STATES: Final[Mapping[str, str]] = {
    "cannot_be_met": N_("Can no longer be met"),
    "missed": N_("Not met"),
    "at_risk": N_("At risk"),
    "awaiting_record": N_("Awaiting record"),
    "given": N_("Submitted, to review"),
    "nothing_recorded": N_("Nothing recorded yet"),
    "on_track": N_("On track"),
    "not_yet": N_("Too early to tell"),
    "met": N_("Met"),
    "waived": N_("Waived"),
    "no_occasion": N_("No occasion"),
}
#: Why a fact counts, or counts neither way.
WHY: Final[Mapping[str, str]] = {
    "present": N_("present"),
    "remote": N_("present remotely"),
    "alternate": N_("by an alternate"),
    "alternate_does_not_count": N_("by an alternate, who does not count for this"),
    "alternate_too_often": N_("by an alternate, over the limit"),
    "excused": N_("excused"),
    "absent": N_("absent"),
    "cancelled": N_("cancelled"),
    "without_quorum": N_("adjourned without quorum"),
    "came_without_quorum": N_("came; adjourned without quorum"),
    "awaited": N_("not recorded: the coordination is asked to"),
    "not_recorded_yet": N_("not recorded yet"),
    "to_come": N_("to come"),
    "waived": N_("waived that day"),
    "called_off": N_("waived or cancelled"),
    "late": N_("too late"),
    "in_time": N_("in time"),
    "in_period": N_("of this period"),
    "other_period": N_("of another period"),
    "unfinished": N_("its procedure was not completed"),
    "not_endorsed": N_("not endorsed by the committee yet"),
    "given": N_("submitted, to review"),
    "returned": N_("returned: to submit again"),
    "held": N_("attested as met"),
    "not_held": N_("attested as not met"),
}
#: What a fact is about.
KINDS: Final[Mapping[str, str]] = {
    "meeting": N_("Meeting"),
    "task": N_("Task"),
    "document": N_("Document"),
    "attestation": N_("Attestation"),
    "count": N_("Count"),
}
