"""The choices of a week's row in words, by their column: for pages, and for the codebook of what research receives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from locales import N_

WHY_NONE: Final[Mapping[str, str]] = {
    "not_scheduled": N_("not scheduled"),
    "no_news": N_("no news"),
    "impossible": N_("impossible"),
    "withdrew": N_("withdrew"),
    "other": N_("other"),
}
COMMUNICATIONS: Final[Mapping[str, str]] = {
    "telephone": N_("telephone"),
    "text_message": N_("text message"),
    "messenger": N_("Messenger"),
    "email": N_("e-mail"),
    "other": N_("another way"),
}
NEEDS: Final[Mapping[str, str]] = {
    "emergency": N_("emergency"),
    "stability": N_("stability"),
    "participation": N_("participation"),
    "recovery": N_("recovery"),
    "relationship": N_("relationship"),
}
SATISFACTIONS: Final[Mapping[str, str]] = {
    "dissatisfied": N_("dissatisfied"),
    "somewhat_satisfied": N_("somewhat satisfied"),
    "satisfied": N_("satisfied"),
    "very_satisfied": N_("very satisfied"),
}
ACTIVITY_TYPES: Final[Mapping[str, str]] = {
    "medical": N_("medical"),
    "recreational": N_("recreational"),
    "sports": N_("sports"),
    "cultural": N_("cultural"),
    "social": N_("social"),
    "legal": N_("legal"),
    "community": N_("community"),
    "clinical": N_("clinical"),
    "other": N_("other"),
}
#: Each by its column.
CHOICE_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "why_none": WHY_NONE,
    "communications": COMMUNICATIONS,
    "need": NEEDS,
    "worker_satisfaction": SATISFACTIONS,
    "participant_satisfaction": SATISFACTIONS,
    "activity_type": ACTIVITY_TYPES,
}
