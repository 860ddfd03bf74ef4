"""What pages and answers say of a workbook of progress notes that was sent: each code in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from domain.follow_ups import RowFault, imported_books
from locales import N_, current_language, gettext, say

KINDS: Final[Mapping[str, tuple[str, str]]] = {
    "new": (N_("new"), "full"),
    "changed": (N_("changed"), "half"),
    "same": (N_("same"), "skip"),
    "empty": (N_("nothing written"), "empty"),
    "fault": (N_("not understood"), "stop"),
}
#: Why a sheet is not read.
TROUBLES: Final[Mapping[str, str]] = {
    "hidden": N_("This sheet is hidden: it was not read."),
    "empty": N_("This sheet is empty."),
    "no_table": N_("This sheet has no table of weeks: it was not read."),
    "not_theirs": N_("This sheet is not of a participant whose notes you may write: it was not read."),
    "no_number": N_("No participant’s number was found in the information box, such as #2026-02."),
    "twice": N_("An earlier sheet has the same participant’s number."),
}
#: What was found in the file besides.
TOLD: Final[Mapping[str, str]] = {
    "links": N_("The workbook has links to other files. They were not followed."),
    "formulas": N_("The workbook has formulas. The values saved with them were read; nothing was computed."),
}
#: A week's fields as they are named in what a row changes.
FIELDS: Final[Mapping[str, str]] = {
    "met": N_("meetings"),
    "minutes": N_("minutes"),
    "communications": N_("other communications"),
    "why_none": N_("why none"),
    "why_other": N_("which other reason"),
    "main_activity": N_("main activity"),
    "need": N_("need targeted"),
    "worker_satisfaction": N_("worker’s satisfaction"),
    "participant_satisfaction": N_("participant’s satisfaction"),
    "activity_type": N_("type of activity"),
    "summary": N_("summary"),
    "other_information": N_("other information"),
    "other_workers": N_("other workers"),
}


def sheet_name(sheet: imported_books.ImportedSheet) -> str:
    """What a sheet is called: by its place, and by its name where that is the form's own."""
    if sheet.name:
        return gettext(N_("Sheet %(position)s (%(name)s)")) % {"position": sheet.position, "name": sheet.name}
    return gettext(N_("Sheet %(position)s")) % {"position": sheet.position}


def fault_in_words(fault: RowFault) -> str:
    """Why a cell was not understood."""
    return say(current_language(), fault.sentence, **fault.facts)


def changes_in_words(changed: tuple[str, ...]) -> str:
    """What a row changes."""
    return ", ".join(gettext(FIELDS[name]) for name in changed)
