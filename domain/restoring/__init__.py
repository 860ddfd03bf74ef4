"""A restore: how it is found, what is void and done again at once, and what waits for a person to decide."""

from domain.restoring.disagreements import told_of_ledger as told_of_ledger
from domain.restoring.finding import Found as Found
from domain.restoring.finding import look as look
from domain.restoring.finding import refuse_another_epoch as refuse_another_epoch
from domain.restoring.heads import note_head as note_head
from domain.restoring.judging import Disagrees as Disagrees
from domain.restoring.redoing import accept as accept
from domain.restoring.redoing import begin as begin
from domain.restoring.redoing import destroy_keys as destroy_keys
from domain.restoring.redoing import destroy_what_is_listed as destroy_what_is_listed
from domain.restoring.redoing import lock as lock
from domain.restoring.redoing import put_aside as put_aside
from domain.restoring.redoing import redo as redo
from domain.restoring.telling import tell as tell
