"""One service's database: the transaction, and what travels in it (outbox, progress, parked keys, timers, leases)."""
