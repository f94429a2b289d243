"""Drafts of mappings: looks at a file that nobody has described yet, and says in a mapping what it seems to be."""

from producers.mapping_draft.draft import draft_mapping
from producers.mapping_draft.toml_text import Known

__all__ = ["Known", "draft_mapping"]
