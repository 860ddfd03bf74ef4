"""What each partner owes under its agreement, kept true by what happens.

clauses.py: what is owed, and what frees from it · projection.py: how it stands, written down · asking.py: what is asked
of people · attestations.py: what they state, give and waive · to_accept.py, accepting.py: who accepts proof ·
triggers.py: which acts have it judged at once. How each kind of check judges is in `domain.declarations.checks`.
"""
