"""Tests that hold the project against the facts of the guide."""
