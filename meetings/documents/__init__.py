"""The documents of a meeting, in French and in English: agenda, addendum, minutes, register of decisions."""
