"""Routing owns how each text was understood and to whom it was given, with the evidence, and the
handlers' load.

It hears `redress.policy`, `redress.complaints` and `redress.cases`; it says complaint.understood,
triage_requested, assigned, unassigned and corrected on `redress.assignments`.
"""
