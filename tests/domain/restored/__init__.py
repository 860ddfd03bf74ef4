"""Tests of `domain.restored`."""
