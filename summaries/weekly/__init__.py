"""The weekly summary: what was signal in a week, what was noise, what is not known, and what to ask. A model first,
without a renderer: pages, files and letters are made of it."""
