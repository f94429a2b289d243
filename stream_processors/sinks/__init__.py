"""Where results are shown: one module a sink."""
