"""Measures Redress against floors, the barest programs that do the same writes. `make bench` writes the page."""
