"""Drafts of mappings: looks at a file that nobody has described yet, and says in a mapping what it seems to be."""

from producers.mapping_draft.draft import Known, draft_mapping

__all__ = ["Known", "draft_mapping"]
