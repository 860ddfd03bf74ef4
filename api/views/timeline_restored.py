"""The record in words, of what was decided after a restore."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from locales import N_

#: Verb to sentence and shape, as in `api.views.timeline`.
SENTENCES: Final[Mapping[str, tuple[str, str]]] = {
    "restored.done_again": (N_("After the restore, done again: %(matter)s."), "full"),
    "restored.left_undone": (N_("After the restore, no longer holds: %(matter)s."), "skip"),
    "restored.noted": (N_("After the restore, noted: %(matter)s."), "half"),
    "restored.cancelled": (N_("After the restore, cancelled in calendars: %(matter)s."), "stop"),
    "restored.kept": (N_("After the restore, kept: %(matter)s."), "full"),
}

WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "matter": {
        "access": N_("the end of an access"),
        "role": N_("the end of a role"),
        "departure": N_("a departure"),
        "consent": N_("the withdrawal of a consent"),
        "restriction": N_("the restriction of a file"),
        "redaction": N_("a redaction"),
        "agreement": N_("the end of an agreement"),
        "meeting": N_("a meeting that people were told of"),
        "other": N_("something that had ended"),
    }
}
