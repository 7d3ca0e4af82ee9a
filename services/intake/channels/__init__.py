"""The channels that complaints come by."""
