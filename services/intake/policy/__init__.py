"""Decisions of intake, a file each. Pure: time, ids and randomness are arguments."""
