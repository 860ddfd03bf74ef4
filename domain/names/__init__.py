"""The look of names, telephones, addresses and dates of birth in a text, and their places in it."""
