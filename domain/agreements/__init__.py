"""Agreements: their versions, letters and signed files, the roles they create, and what their dates allow."""
