"""The evaluative research (FU-8, FU-9, ER-1 to ER-5): consents, studies, their exports, and measures."""

from domain.research import consents as consents
