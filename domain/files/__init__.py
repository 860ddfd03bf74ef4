"""Documents given as proof, cleaned of metadata, and tables that leave as files."""

from domain.files import images as images
from domain.files import packages as packages
from domain.files import pdfs as pdfs
from domain.files import readable as readable
from domain.files import spreadsheets as spreadsheets
from domain.files.pdf_words import words_of as words_of
from domain.files.spreadsheets import XLSX as XLSX
from domain.files.spreadsheets import Sheet as Sheet
from domain.files.spreadsheets import Value as Value
from domain.files.workbooks import as_table as as_table
from domain.files.workbooks import as_workbook as as_workbook
