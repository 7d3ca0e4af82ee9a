"""Followup over HTTP."""
