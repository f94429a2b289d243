"""Which runs may write the pages of docs/."""

from __future__ import annotations

from pathlib import Path

from local_stack.pages import DOCS, page_to_write


def test_a_trial_does_not_take_the_place_of_a_page_of_docs(tmp_path: Path) -> None:
    said: list[str] = []
    soak = DOCS / "soak.md"
    assert soak.exists()
    assert page_to_write(soak, said.append, trial=False) == soak
    assert page_to_write(tmp_path / "soak.md", said.append, trial=True) == tmp_path / "soak.md"
    assert page_to_write(None, said.append, trial=True) is None
    assert said == []
    assert page_to_write(soak, said.append, trial=True) is None
    assert said == [f"{soak} is not written: it is the page of a whole run, and this one is shorter."]
