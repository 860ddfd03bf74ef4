"""The record: what was done, read and refused, its seals and their check, and the register of incidents."""
