"""Breaking a running system on purpose, under load, and holding it to its promises afterwards."""
