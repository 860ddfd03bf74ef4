"""Tests of the copies."""
