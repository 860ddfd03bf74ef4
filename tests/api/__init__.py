"""The tests of the windows: pages, their languages and their look."""
