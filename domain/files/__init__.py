"""Documents given as proof, cleaned of metadata, and tables that leave as files.

`pdfs`, `pdf_words` and `workbooks` are shown too, and loaded where they are first used: their libraries are large.
"""

from domain.files import images as images
from domain.files import packages as packages
from domain.files import readable as readable
from domain.files import signatures as signatures
from domain.files import spreadsheets as spreadsheets
from domain.files.reading_workbooks import ReadBook as ReadBook
from domain.files.reading_workbooks import ReadCell as ReadCell
from domain.files.reading_workbooks import ReadSheet as ReadSheet
from domain.files.reading_workbooks import Row as Row
from domain.files.reading_workbooks import column_letters as column_letters
from domain.files.spreadsheets import XLSX as XLSX
from domain.files.spreadsheets import Cell as Cell
from domain.files.spreadsheets import FormSheet as FormSheet
from domain.files.spreadsheets import Sheet as Sheet
from domain.files.spreadsheets import Value as Value
