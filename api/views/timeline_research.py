"""What the record says of the research, in words: studies by title, exports by number, and no participant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from api.views.timeline_readings import Reading, reading
from locales import N_
from models.research import Study, StudyExport

#: Verb to sentence and shape, as in `api.views.timeline`.
SENTENCES: Final[Mapping[str, tuple[str, str]]] = {
    "study.opened": (N_("Study opened: %(subject)s."), "half"),
    "study.ethics_renewed": (
        N_("%(subject)s: the ethics approval, until %(before)s, is renewed until %(ends_on)s."),
        "full",
    ),
    "study.recipient_named": (N_("%(subject)s: %(person)s receives its exports."), "half"),
    "study.recipient_removed": (N_("%(subject)s: %(person)s no longer receives its exports."), "skip"),
    "study.removal_confirmed": (N_("%(subject)s: the rows to remove that %(person)s held were removed."), "full"),
    "study.ended": (N_("%(subject)s: the study ended."), "stop"),
    "study_export.asked": (N_("Export asked for: %(subject)s."), "ask"),
    "study_export.made": (N_("Export approved and made: %(subject)s. People in it: %(people)s."), "full"),
    "study_export.refused": (N_("Export refused: %(subject)s."), "stop"),
    "study_export.taken_back": (N_("Export no longer asked for: %(subject)s."), "skip"),
    "study_export.closed": (N_("Export closed, as somebody in it withdrew: %(subject)s."), "stop"),
    "staff_research_consent.kept": (N_("%(subject)s: consent to take part in the research was recorded."), "full"),
    "staff_research_consent.withdrawn": (
        N_("%(subject)s: consent to take part in the research was withdrawn."),
        "stop",
    ),
}

#: How the words for each kind of thing are read.
READINGS: Final[Mapping[str, Reading]] = {
    "study": reading(Study, Study),
    "study_export": reading(StudyExport, Study, StudyExport.n, by=[(StudyExport.study_id, Study)]),
}
