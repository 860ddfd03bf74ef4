"""What the record says of follow-ups, in words: by the participant's number, in days, counts and codes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from api.views.follow_ups import CASE_OUTCOMES, INTENSITIES, KINDS, MEANS, REASONS, STRATEGIES
from api.views.timeline_readings import Reading, reading
from locales import N_
from models.follow_up import FollowUp
from models.participant import Participant

SENTENCES: Final[Mapping[str, tuple[str, str]]] = {
    "follow_up.opened": (N_("Follow-up opened: %(subject)s."), "half"),
    "follow_up.assigned": (N_("%(subject)s: %(kind)s is now %(worker)s (%(organization)s)."), "full"),
    "follow_up.part_ended": (N_("%(subject)s: %(worker)s is no longer there (%(kind)s)."), "stop"),
    "follow_up.vacant": (N_("%(subject)s: no worker assigned; the coordinator was asked."), "late"),
    "follow_up.intensity_set": (N_("%(subject)s: effort required: %(intensity)s."), "half"),
    "follow_up.paused": (N_("%(subject)s: a break was agreed, until %(returns_on)s."), "wait"),
    "follow_up.resumed": (N_("%(subject)s: back from the break."), "half"),
    "follow_up.deactivated": (N_("%(subject)s: inactive. %(reason)s."), "skip"),
    "follow_up.completed": (N_("%(subject)s: completed; participant and team agree."), "full"),
    "follow_up.reactivated": (N_("%(subject)s: resumed."), "half"),
    "follow_up.tried": (N_("%(subject)s: attempt to reach them on %(day)s (%(means)s). Answered: %(reached)s."), "ask"),
    "follow_up.no_show": (N_("%(subject)s: missed meeting of %(day)s; minutes waited: %(minutes)s."), "late"),
    "follow_up.strategy_agreed": (N_("%(subject)s: agreed after the missed meeting: %(strategy)s."), "full"),
    "follow_up.activity_planned": (N_("%(subject)s: an activity is planned for %(day)s."), "half"),
    "follow_up.activity_moved": (N_("%(subject)s: the activity of %(was)s is now on %(day)s."), "half"),
    "follow_up.activity_called_off": (N_("%(subject)s: the activity of %(day)s was cancelled."), "skip"),
    "follow_up.activity_left": (N_("%(subject)s: removed from the activity of %(day)s."), "skip"),
    "follow_up.summary_saved": (N_("%(subject)s: the summary for the Clinical Committee was saved."), "half"),
    "follow_up.summarized": (N_("%(subject)s: the summary for the Clinical Committee is complete."), "full"),
    "follow_up.self_reported": (N_("%(subject)s: self-report questionnaire, time %(n)s, recorded: %(day)s."), "half"),
    "follow_up.issue_raised": (N_("%(subject)s: an issue is raised before the Clinical Committee."), "ask"),
    "follow_up.issue_taken_back": (N_("%(subject)s: the issue raised before the committee was taken back."), "skip"),
    "follow_up.discussed": (N_("%(subject)s: discussed by the Clinical Committee (%(outcome)s)."), "full"),
    "follow_up.processes_marked": (N_("%(subject)s: processes of the week of %(week)s marked."), "half"),
    "note_import.previewed": (
        N_("A workbook of notes was looked at. New rows: %(new)s, changed: %(changed)s, sheets: %(sheets)s."),
        "wait",
    ),
    "note_import.saved": (N_("A workbook of notes was saved. New rows: %(new)s, changed: %(changed)s."), "full"),
    "note_import.taken_back": (
        N_("A workbook of notes was taken back. Rows as before: %(back)s, left as they are: %(stays)s."),
        "stop",
    ),
    "follow_up.noted": (N_("%(subject)s: note of the week of %(week)s; finished: %(complete)s."), "full"),
}

PEOPLE: Final = ("worker", "instead_of")
_ANSWERS: Final = {"True": N_("yes"), "False": N_("no")}
#: The words for the codes that a fact may hold, of a line about a follow-up.
WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "kind": KINDS,
    "means": MEANS,
    "reason": REASONS,
    "strategy": STRATEGIES,
    "intensity": INTENSITIES,
    "reached": _ANSWERS,
    "complete": _ANSWERS,
    "outcome": CASE_OUTCOMES,
}


READINGS: Final[Mapping[str, Reading]] = {
    "follow_up": reading(FollowUp, Participant.number, by=[(FollowUp.participant_id, Participant)])
}
