"""The tests of what is owed and by whom, of declared files and protocols."""
