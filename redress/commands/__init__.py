"""The subcommands of `redress`, a file each."""
