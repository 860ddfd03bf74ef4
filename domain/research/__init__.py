"""The evaluative research (FU-8, FU-9, ER-1 to ER-5): studies, their exports, and measures."""

from domain.research import approvers as approvers
from domain.research import exports as exports
from domain.research import groups as groups
from domain.research import measures as measures
from domain.research import removals as removals
from domain.research import staff_consents as staff_consents
from domain.research import studies as studies
from domain.research.approvers import ANSWER_EXPORT as ANSWER_EXPORT
from domain.research.fields import FIELDS as FIELDS
from domain.research.fields import FOLLOW_UP_STATES as FOLLOW_UP_STATES
from domain.research.known import Known as Known
from domain.research.papers import FILES as FILES
from domain.research.papers import FileKind as FileKind
from domain.research.removals import Removal as Removal
from domain.research.studies import REMOVE_ROWS as REMOVE_ROWS
from domain.research.studies import EthicsApproval as EthicsApproval
from domain.research.studies import StudyDescription as StudyDescription
