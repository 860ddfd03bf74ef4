"""The matrix: who may ask what of which thing, for every route that the application has.

`expected.txt` holds it, to be read and reviewed; `python -m tests.matrix` writes it anew. A new route needs a word in
`asked.py` on what is sent to it, where it takes anything, and its rows in `expected.txt`.
"""
