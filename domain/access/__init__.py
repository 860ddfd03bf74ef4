"""How people get in: invitations and links, accounts of a directory, passkeys, and sign-ins."""
