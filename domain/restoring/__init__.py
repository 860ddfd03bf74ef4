"""A restore: how it is found, what is void and done again at once, and what waits for a person to decide."""

from domain.restoring import finding as finding
from domain.restoring import heads as heads
from domain.restoring import redoing as redoing
from domain.restoring import telling as telling
from domain.restoring.disagreements import told_of_ledger as told_of_ledger
from domain.restoring.disagreements import why_of_ledger as why_of_ledger
from domain.restoring.finding import Found as Found
from domain.restoring.finding import refuse_another_epoch as refuse_another_epoch
from domain.restoring.judging import Disagrees as Disagrees
