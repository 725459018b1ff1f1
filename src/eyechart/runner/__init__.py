"""Makes one run, or several that are trained together as the members of one program."""
