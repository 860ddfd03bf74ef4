"""How people get in: invitations and links, accounts of a directory, passkeys, and sign-ins."""

from domain.access import doors as doors
from domain.access import identities as identities
from domain.access import invitations as invitations
from domain.access import passkeys as passkeys
from domain.access import sign_ins as sign_ins
from domain.access import voiding as voiding
from domain.access.doors import ENROLMENT as ENROLMENT
from domain.access.doors import INVITATION as INVITATION
from domain.access.doors import Leads as Leads
from domain.access.identities import KnownPerson as KnownPerson
from domain.access.identities import ProvenAccount as ProvenAccount
from domain.access.sign_ins import IDLE as IDLE
from domain.access.sign_ins import LONGEST as LONGEST
from domain.access.sign_ins import Means as Means
from domain.access.sign_ins import NotLetIn as NotLetIn
from domain.access.sign_ins import device_of as device_of
from domain.access.sites import Site as Site
from domain.access.sites import site_of as site_of
from domain.access.voiding import KEEPS_OUT as KEEPS_OUT
