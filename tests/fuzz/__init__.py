"""A million real events, damaged by chance from a seed: `python -m tests.fuzz`. What came of it is docs/fuzzing.md."""
