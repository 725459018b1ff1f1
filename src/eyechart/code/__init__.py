"""Which code decides a result, and whether it is what it was. Read from files; nothing of it is run."""
