"""The web frame: problems, credentials, strict bodies, idempotency, paging, versions, health."""
