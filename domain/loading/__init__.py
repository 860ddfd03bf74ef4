"""Loading a program from its file, and writing it out again."""

from domain.loading import exporting as exporting
from domain.loading import loading as loading
from domain.loading.exporting import last_loaded as last_loaded
from domain.loading.loading import load as load
from domain.loading.loading import new_program_id as new_program_id
