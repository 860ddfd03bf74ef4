"""Declared files: YAML that people write, read strictly, with each complaint at its file, line and path."""
