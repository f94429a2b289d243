"""The rows of the board Service, one a module."""
