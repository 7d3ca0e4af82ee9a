"""Routing's decisions: pure, a file each."""
