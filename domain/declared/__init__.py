"""Declared files: YAML that people write, read strictly, with each complaint at its file, line and path."""

from domain.declared.guide_ids import GUIDE_IDS as GUIDE_IDS
from domain.declared.problems import DeclaredErrors as DeclaredErrors
from domain.declared.problems import FileProblem as FileProblem
from domain.declared.problems import PathOf as PathOf
from domain.declared.problems import Wrong as Wrong
from domain.declared.problems import nearest as nearest
from domain.declared.problems import shown as shown
from domain.declared.reading import Bilingual as Bilingual
from domain.declared.reading import Declared as Declared
from domain.declared.reading import GrammarPart as GrammarPart
from domain.declared.reading import GuideId as GuideId
from domain.declared.reading import Key as Key
from domain.declared.reading import Text as Text
from domain.declared.reading import each_once as each_once
from domain.declared.reading import load_declared as load_declared
from domain.declared.reading import load_declared_text as load_declared_text
