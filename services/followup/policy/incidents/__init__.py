"""Decisions about incidents: who is a member, what can be done to one, and what that does to its members' cases."""
