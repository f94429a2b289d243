"""A soak: half of peak for half an hour through the real parts, and whether memory, files and threads stay flat."""
