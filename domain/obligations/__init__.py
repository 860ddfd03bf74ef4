"""What each partner owes under its agreement, kept true by what happens.

windows.py: over which days a clause binds · facts.py: what the records hold · judging.py: how that stands ·
vacancies.py: how long a role was vacant · keeping.py: writing it down, and asking people for what only they can say ·
turns.py: whose turn it is to · saying.py: attestations, documents and waivers · touching.py: which acts have them
judged at once.
"""
