"""The embedded engine: an append-only log in SQLite, for one process on one host.

Promised: what publish returned is on disk; order per partition; groups within the process; retention only of what every
registered group has read. Not promised: several processes or hosts, replication, network file systems.
"""
