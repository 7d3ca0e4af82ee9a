"""Followup's decisions: pure, with time and ids as arguments."""
