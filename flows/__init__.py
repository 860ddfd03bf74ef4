"""The program's protocols, one folder each, and what carries their cases forward."""
