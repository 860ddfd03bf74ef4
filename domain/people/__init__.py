"""People of the program's organizations: appointments, absences, seats, and their calendars."""

from domain.people import absences as absences
from domain.people import appointment_rows as appointment_rows
from domain.people import calendar_readers as calendar_readers
from domain.people import people as people
from domain.people import privacy_officers as privacy_officers
from domain.people import seat_holders as seat_holders
from domain.people.people import PersonWritten as PersonWritten
from domain.people.people import add_person as add_person
from domain.people.people import appoint as appoint
from domain.people.people import folded as folded
from domain.people.seat_holders import SECOND as SECOND
