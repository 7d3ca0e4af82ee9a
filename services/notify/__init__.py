"""Notify owns what is sent: messages, attempts, receipts, and the feed of all events for other systems.

It hears every topic (for the feed) and decides from the whole case what to tell the customer. It says what became of
each message on `redress.notifications`. Contact points are fetched from the vault at the moment of sending, never kept.
"""
