"""A MkDocs hook: the notebooks in docs/notebooks/ become pages, too."""

from __future__ import annotations

import json
from pathlib import Path

from mkdocs.structure.files import File


def on_files(files, config):
    """Adds a page for each notebook; the notebook stays beside it, for those who want to run it."""
    for file in list(files):
        if file.src_uri.endswith(".ipynb"):
            notebook = json.loads(Path(file.abs_src_path).read_text(encoding="utf-8"))
            uri = file.src_uri.removesuffix(".ipynb") + ".md"
            files.append(File.generated(config, uri, content=page(notebook, Path(uri).stem)))
    return files


def page(notebook: dict, name: str) -> str:
    """A notebook as Markdown: its text and its code."""
    parts = []
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        parts.append(source if cell["cell_type"] == "markdown" else f"```python\n{source}\n```")
    title, *rest = parts
    return "\n\n".join([title, f"As a notebook: [{name}.ipynb]({name}.ipynb)", *rest]) + "\n"
