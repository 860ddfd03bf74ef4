"""The windows of a program: its pages, its programming interface and its command line."""
