"""Followup owns the case: its state, clocks, promises and callback, as a fold of facts that are only ever added.

It hears what intake received, what routing understood and assigned, and what notify sent, in any order between them;
commands of staff and machines add the rest. It says every change on `redress.cases`, each time with the whole case.
"""
