"""Whether a decision is in effect: what the partners' agreements ask for, and the one question that all ask (GV-4)."""

from domain.endorsement import letters as letters
from domain.endorsement.counting import counted as counted
from domain.endorsement.counting import counts_by as counts_by
from domain.endorsement.counting import does_it_count as does_it_count
from domain.endorsement.counting import ended_since as ended_since
from domain.endorsement.counting import it_counts as it_counts
from domain.endorsement.counting import refuse_unless_it_counts as refuse_unless_it_counts
from domain.endorsement.counting import waits_for_it as waits_for_it
from domain.endorsement.counting import why_it_does_not_count as why_it_does_not_count
from domain.endorsement.partners import FREED as FREED
from domain.endorsement.partners import OWES_AGAIN as OWES_AGAIN
from domain.endorsement.partners import PartnerWord as PartnerWord
from domain.endorsement.partners import outcome as outcome
