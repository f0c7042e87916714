#!/usr/bin/env python3
"""doxygen_comments.py: a header's plain comments as Doxygen reads them: in front of a declaration, or behind it in its line.
SPDX-License-Identifier: MIT

Usage: ci/doxygen_comments.py FILE (docs/Doxyfile: INPUT_FILTER), of a header; prints what Doxygen is to read.
The headers are read as they stand far more often than as pages, so their comments stay plain. Lines keep their numbers. A
comment behind "int32_t t, n;" is about both, which Doxygen has no way to say: there each name gets it.
"""
import pathlib
import re
import sys

COMMENT = re.compile(r"(?ms)^([^\n]*?)/\*(?!\*)(.*?)\*/")
SEVERAL = re.compile(r"(\s*(?:const )?\w+ )([*\w][^();{}]*,[^();{}]*);\s*")


def behind(code, text):
    several = SEVERAL.fullmatch(code)
    if not several:
        return f"{code}/**<{text}*/"
    names, once = several.group(2).split(","), " ".join(text.split())
    kind = several.group(1)
    out = kind + "".join(f"{name.strip()}; /**< {once} */ {kind.strip()} " for name in names[:-1])
    return f"{out}{names[-1].strip()}; /**<{text}*/"


def main():
    header = pathlib.Path(sys.argv[1])
    text = header.read_text(encoding="utf-8")
    text = re.sub(r"^/\*(.*)\n( \* SPDX[^\n]*\n \*)", r"/** @file\n *\1\n *", text, count=1)
    text = COMMENT.sub(lambda found: behind(*found.groups()) if found.group(1).strip() else f"{found.group(1)}/**{found.group(2)}*/", text)
    if header.name == "problem.h":
        text += (pathlib.Path(__file__).parent.parent / "docs" / "api.dox").read_text(encoding="utf-8")
    sys.stdout.write(text)


main()
