"""What others see in a calendar file: six readers, none of which the program shares its writing with.

Each reader is given whole files, as bytes, and two days, and answers with what it shows from the first day up to, and
without, the second: the occurrences of a series, those moved where they were moved to, without those cancelled.
"""
