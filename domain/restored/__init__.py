"""What a restore left to decide: who decides what, doing it again by the real act, and saying that it stays undone."""

from domain.restored import deciding as deciding
from domain.restored import matters as matters
from domain.restored import reports as reports
from domain.restored import standing as standing
