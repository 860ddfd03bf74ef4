"""From a referral to a number: triage, first meetings, corrections, duplicates."""

from domain.admissions import asking_referrers as asking_referrers
from domain.admissions import correcting as correcting
from domain.admissions import duplicates as duplicates
from domain.admissions import first_meetings as first_meetings
from domain.admissions import numbers as numbers
from domain.admissions import triage as triage
from domain.admissions.asking_referrers import ASKABLE as ASKABLE
from domain.admissions.asking_referrers import ASKED as ASKED
from domain.admissions.duplicates import Duplicate as Duplicate
from domain.admissions.triage import OWED as OWED
from domain.admissions.triage import Finding as Finding
from domain.admissions.triage import owe_findings as owe_findings
from domain.admissions.triage import refuse as refuse
