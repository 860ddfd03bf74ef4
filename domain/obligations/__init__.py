"""What each partner owes under its agreement, kept true by what happens.

windows.py: over which days a clause binds · facts.py: what the records hold · evaluation.py: how that stands ·
vacancies.py: how long a role was vacant · projection.py: writing it down · asking.py: asking people for what only they
can say · turns.py: whose turn it is to write · attestations.py: attestations, documents and waivers · triggers.py:
which acts have them judged at once.
"""
