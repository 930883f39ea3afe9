"""Checks a built site: every link inside it leads somewhere, and nothing comes from a network.

python docs/tools/check_site.py build/docs
"""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

#: Tags whose link a browser loads by itself, so that it must not lead out of the site.
LOADED = {"audio", "iframe", "img", "link", "script", "source", "video"}
IN_STYLES = re.compile(r"(?:url\(|@import\s)\s*[\"']?((?:https?:)?//[^\"')\s]+)")


class Page(HTMLParser):
    """The links of a page, as (tag, attribute, link), and the names that links may point to."""

    def __init__(self, text: str):
        super().__init__()
        self.links: list[tuple[str, str]] = []
        self.anchors: set[str] = {""}
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        """Collects what a tag has."""
        for name, value in attrs:
            if name in ("href", "src") and value:
                self.links.append((tag, value))
            elif name == "srcset" and value:
                self.links += [(tag, part.split()[0]) for part in value.split(",")]
            elif name == "id" or (name == "name" and tag == "a"):
                self.anchors.add(value or "")


def faults(site: Path) -> list[str]:
    """One line for each fault of the site.

    Args:
        site: the folder that was built.
    """
    files = sorted(site.rglob("*.html"))
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in files}
    found = [
        f"{path.relative_to(site)}: {fault}"
        for path, page in pages.items()
        for tag, link in page.links
        if (fault := _fault(site, pages, path, tag, link))
    ]
    for path in sorted(site.rglob("*.css")):
        loaded = IN_STYLES.findall(path.read_text(encoding="utf-8"))
        found += [f"{path.relative_to(site)}: loads {link}" for link in loaded]
    return found


def _fault(site, pages, path, tag, link):
    """What is wrong with a link of the page at a path; None for nothing."""
    parts = urlsplit(link)
    if parts.scheme == "data":
        return None
    if parts.scheme or parts.netloc:
        # rel="canonical" and the like do not occur: the site has no address of its own.
        return f"loads {link}" if tag in LOADED else None
    target = path
    if parts.path:
        base = site if parts.path.startswith("/") else path.parent
        target = (base / unquote(parts.path).lstrip("/")).resolve()
    if target.is_dir():
        target = target / "index.html"
    if not target.is_file():
        return f"{link} leads nowhere"
    page = pages.get(target)
    if page is not None and unquote(parts.fragment) not in page.anchors:
        return f"{link}: the page has no such part"
    return None


def main(folder: str) -> int:
    """Prints the faults of a site; 0 where there is none."""
    site = Path(folder).resolve()
    lines = faults(site)
    pages = len(list(site.rglob("*.html")))
    print(*lines, f"{pages} pages, {len(lines)} faults", sep="\n")
    return 1 if lines or not pages else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
