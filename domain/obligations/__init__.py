"""What each partner owes under its agreement, kept true by what happens.

clauses.py: what is owed, and what frees from it · projection.py: how it stands, written down · asking.py: what is asked
of people · attestations.py: what they state, give and waive · to_accept.py, accepting.py: who accepts proof ·
triggers.py: which acts have it judged at once. How each kind of check judges is in `domain.declarations.checks`.
"""

from domain.obligations import accepting as accepting
from domain.obligations import attestations as attestations
from domain.obligations import entering_late as entering_late
from domain.obligations import reading as reading
from domain.obligations import to_accept as to_accept
from domain.obligations import triggers as triggers
from domain.obligations import waiving as waiving
from domain.obligations import wording as wording
from domain.obligations.asking import ASKS as ASKS
from domain.obligations.attestations import DocumentOf as DocumentOf
from domain.obligations.clauses import waivers as waivers
from domain.obligations.clauses import waivers_of_no_day as waivers_of_no_day
from domain.obligations.entering_late import StaysVacant as StaysVacant
from domain.obligations.entering_late import stays_vacant as stays_vacant
from domain.obligations.owing import acts_among as acts_among
from domain.obligations.projection import RECORD as RECORD
from domain.obligations.projection import keep as keep
from domain.obligations.reading import WORST_FIRST as WORST_FIRST
from domain.obligations.reading import GivenDocument as GivenDocument
from domain.obligations.reading import PeriodRead as PeriodRead
from domain.obligations.reading import StatementGiven as StatementGiven
from domain.obligations.reading import StepDocument as StepDocument
from domain.obligations.reading import at_risk as at_risk
from domain.obligations.to_accept import ACCEPT as ACCEPT
from domain.obligations.to_accept import GIVE_AGAIN as GIVE_AGAIN
from domain.obligations.triggers import OF_CASES as OF_CASES
from domain.obligations.triggers import judge_touched as judge_touched
from domain.obligations.triggers import touched_by_case as touched_by_case
from domain.obligations.wording import STATES as STATES
