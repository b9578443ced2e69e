"""How a place in a row is said to people."""

from __future__ import annotations

from itertools import pairwise


def place_in_words(field: str) -> str:
    """`phases.0.tasks.1.name` -> `phase 1 > task 2 > name`: what stands in a list is counted from 1. A file is
    a list of rows. Names within names keep their dots: some have dots of their own."""
    found: list[str] = []
    names: list[str] = []
    for before, step in pairwise(["rows", *field.split(".")]):
        if step.isdigit():
            found.append(".".join([*names[:-1], f"{_one_of(before)} {int(step) + 1}"]))
            names = []
        else:
            names.append(step)
    return " > ".join([*found, ".".join(names)] if names else found)


def _one_of(name: str) -> str:
    """`currencies` -> `currency`, `phases` -> `phase`."""
    if name.endswith("ies"):
        return f"{name[:-3]}y"
    return name.removesuffix("s")
