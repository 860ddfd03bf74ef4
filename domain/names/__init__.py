"""The look of names, telephones, addresses and dates of birth in a text, and their places in it."""

from domain.names.folding import WALL as WALL
from domain.names.folding import Folded as Folded
from domain.names.folding import TextWord as TextWord
from domain.names.hiding import Hides as Hides
from domain.names.hiding import hides as hides
from domain.names.hiding import takes_out as takes_out
from domain.names.known import Someone as Someone
from domain.names.known import phones_of as phones_of
from domain.names.our_names import Ours as Ours
from domain.names.our_names import ours as ours
from domain.names.search import NamePlace as NamePlace
from domain.names.search import Search as Search
from domain.names.search import Written as Written
from domain.names.shapes import Kind as Kind
from domain.names.shapes import Shape as Shape
from domain.names.shapes import shapes_in as shapes_in
