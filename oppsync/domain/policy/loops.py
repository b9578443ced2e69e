"""Whether a condition looks through one list for each item of another, which takes seconds and much memory."""

from __future__ import annotations

import re

LOOPS = ("all", "exists", "exists_one")
# Text in all the ways that CEL writes it, and comments, in which names and brackets are none.
TEXT_OR_COMMENT = r"""
    [bB]?[rR][bB]?(?:\"\"\".*?\"\"\"|'''.*?'''|"[^"\n]*"|'[^'\n]*')
    | \"\"\"(?:[^\\]|\\.)*?\"\"\" | '''(?:[^\\]|\\.)*?'''
    | "(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*'
    | //[^\n]*
"""
_PART = re.compile(rf"{TEXT_OR_COMMENT} | \w+ | [()]", re.VERBOSE | re.DOTALL)


def has_loop_in_loop(condition: str) -> bool:
    """Whether the name of a loop stands inside the brackets of another."""
    depth, begun, named = 0, list[int](), False
    for part in _PART.findall(condition):
        if part == "(":
            depth += 1
            if named:
                begun.append(depth)
        elif part == ")":
            if begun and begun[-1] == depth:
                begun.pop()
            depth -= 1
        elif part in LOOPS and begun:
            return True
        named = part in LOOPS or (named and part.startswith("//"))
    return False
