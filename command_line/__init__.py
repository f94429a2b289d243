"""The `kept` command: one module a command, wired together in `main`."""
