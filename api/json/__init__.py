"""The JSON window: the same verbs as the pages, for other programs."""
