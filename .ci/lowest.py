"""Prints the lower bounds of setup.py's ranges as a constraints file for pip.

    python .ci/lowest.py test parquet > lowest.txt

The arguments are extras, whose bounds come besides the package's own.
"""

import ast
import re
import sys
from pathlib import Path

SETUP = Path(__file__).resolve().parents[1] / "setup.py"


def lowest(extras: list[str]) -> list[str]:
    """The lower bounds, `name==version`, of the package's requirements and of some extras'.

    Raises:
        ValueError: a requirement of the package itself has no lower bound.
    """
    values = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in ast.parse(SETUP.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Assign)
        and node.targets[0].id in ("INSTALL_REQUIRES", "EXTRAS_REQUIRE")
    }
    lines = [*values["INSTALL_REQUIRES"]]
    for extra in extras:
        lines += values["EXTRAS_REQUIRE"][extra]
    found = [re.match(r"([\w-]+)(?:[>=]=([\d.]+))?", line) for line in lines]
    for match, line in zip(found, lines, strict=True):
        if match[2] is None and line in values["INSTALL_REQUIRES"]:
            raise ValueError(
                f"INSTALL_REQUIRES must have a lower bound for each; received {line!r}."
            )
    return [f"{match[1]}=={match[2]}" for match in found if match[2]]


if __name__ == "__main__":
    print(*lowest(sys.argv[1:]), sep="\n")
