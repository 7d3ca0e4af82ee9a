"""Remedies: how amounts are counted, which options there are, who must agree, and what the ledger holds."""
