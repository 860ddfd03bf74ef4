"""What a restore left to decide: who decides what, doing it again by the real act, and saying that it stays undone."""

from domain.restored.deciding import done_again as done_again
from domain.restored.deciding import hold as hold
from domain.restored.deciding import leave_undone as leave_undone
from domain.restored.deciding import note as note
from domain.restored.deciding import settle as settle
from domain.restored.matters import ASKED_OF_WAITING as ASKED_OF_WAITING
from domain.restored.matters import FOR_PRIVACY as FOR_PRIVACY
from domain.restored.matters import concerned as concerned
from domain.restored.matters import count_waiting as count_waiting
from domain.restored.matters import decided as decided
from domain.restored.matters import find as find
from domain.restored.matters import last_restoration as last_restoration
from domain.restored.matters import waiting as waiting
from domain.restored.reports import Report as Report
from domain.restored.reports import report as report
from domain.restored.standing import Can as Can
from domain.restored.standing import standing_of as standing_of
