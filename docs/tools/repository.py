"""A MkDocs hook: files that stand outside docs/ become pages, and links lead to them.

README.md is the front page. What a page links to in the repository becomes a page itself, a source
file with its lines. So every page reads the same on the site and in the repository, and stands
there once.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[2]

#: Path in the repository -> path on the site; whatever else is linked goes below `source/`.
PAGES = {
    "README.md": "index.md",
    "recipes/README.md": "recipes.md",
    "recipes/results/ripple_tank.md": "results/ripple_tank.md",
    "recipes/results/digits.md": "results/digits.md",
    "recipes/results/watch.md": "results/watch.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}
LINK = re.compile(r"(\]\()([^)\s#:]+)(#[^)\s]*)?(?=[)\s])")
LANGUAGES = {".py": "python", ".toml": "toml", ".txt": "text", "": "text"}

_places: dict[str, str] = {}


def on_files(files, config):
    """Adds the pages, and remembers where every file of the repository stands on the site."""
    _places.clear()
    _places.update({f"docs/{file.src_uri}": file.src_uri for file in files})
    _places.update(PAGES)
    for path, uri in places_of_links(_places).items():
        _places[path] = uri
    for path, uri in _places.items():
        if not path.startswith("docs/"):
            files.append(_file(config, path, uri))
    return files


def on_page_markdown(markdown, page, config, files):
    """Turns links between files of the repository into links between pages."""
    paths = {uri: path for path, uri in _places.items()}
    path = paths.get(page.file.src_uri)
    return markdown if path is None else relinked(markdown, path, _places)


def places_of_links(places: dict[str, str]) -> dict[str, str]:
    """The files of the repository that pages link to, as far as they are no pages yet."""
    found, waiting = {}, [path for path in places if path.endswith(".md")]
    while waiting:
        for path in links(waiting.pop()):
            if path not in places and path not in found and (ROOT / path).is_file():
                suffix = "" if path.endswith((".md", ".png", ".svg")) else ".md"
                found[path] = _beside(path, places) or f"source/{path}{suffix}"
                waiting += [path] * path.endswith(".md")
    return found


def links(path: str) -> Iterator[str]:
    """The paths in the repository that a page there links to."""
    text = (ROOT / path).read_text(encoding="utf-8")
    for match in LINK.finditer(text):
        yield _target(path, match[2])


def relinked(markdown: str, path: str, places: dict[str, str]) -> str:
    """A page with links to pages.

    Args:
        markdown: its text.
        path: its path in the repository.
        places: path in the repository -> path on the site.
    """

    def replaced(match):
        place = places.get(_target(path, match[2]))
        if place is None:
            return match[0]
        link = posixpath.relpath(place, posixpath.dirname(places[path]) or ".")
        return f"{match[1]}{link}{match[3] or ''}"

    return LINK.sub(replaced, markdown)


def _target(path, link):
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), link))


def _beside(path, places):
    """Where the file stands on the site if its folder's pages have a folder there."""
    folder = posixpath.dirname(path)
    homes: Iterable[str] = {
        posixpath.dirname(uri) for page, uri in places.items() if posixpath.dirname(page) == folder
    }
    home = max(homes, default="")
    return home and f"{home}/{posixpath.basename(path)}"


def _file(config, path, uri):
    if path.endswith((".png", ".svg")):
        return File.generated(config, uri, abs_src_path=os.fspath(ROOT / path))
    text = (ROOT / path).read_text(encoding="utf-8")
    if not path.endswith(".md"):
        language = LANGUAGES.get(Path(path).suffix, "text")
        # Found by their links; the search is for pages.
        head = "---\nsearch:\n  exclude: true\n---\n"
        text = f"{head}# {path}\n\n``````{language}\n{text}``````\n"
    return File.generated(config, uri, content=text)
