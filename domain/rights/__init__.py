"""What a person asks about their own data: by when it is answered, what they are given, and what they said of it."""

from domain.rights import done_first as done_first
from domain.rights import finding as finding
from domain.rights import packages as packages
from domain.rights import requests as requests
from domain.rights import statements as statements
from domain.rights.done_first import CORRECT as CORRECT
from domain.rights.held import Held as Held
from domain.rights.requests import ANSWER as ANSWER
from domain.rights.requests import RequestGiven as RequestGiven
from domain.rights.statements import Statement as Statement
