"""What `spheres doctor` looks at: a module a group of checks, listed in `api.cli.checkup.groups`."""
