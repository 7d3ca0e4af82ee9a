"""Every event as a model: the one thing that services share about each other."""
