"""What the program lends: the inventory of things with a serial number, and in whose hands each is (ON-D03, DP-07)."""
