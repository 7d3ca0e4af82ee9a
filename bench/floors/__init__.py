"""Floors: the barest programs that do the same writes, each started as a process of its own."""
