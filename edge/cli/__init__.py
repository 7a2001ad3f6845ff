"""The ``edge`` command: parse, call, print."""
