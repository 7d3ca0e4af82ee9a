"""Whether a system at rest kept its promises: what the databases and the log hold, held against each other."""
