"""Pages for people: the live page, and what leaders and the public read. Points come from the history store."""
