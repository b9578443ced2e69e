"""What one plan says otherwise than another of the same deal, field by field, for people who compare them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from oppsync.domain.plan.approvals import required_in_words
from oppsync.domain.plan.plan import Plan, PlanContent
from oppsync.domain.values.model import Code, Frozen, Text
from oppsync.kernel.json_pointer import leaves

# Of a plan that changed in more places, the timeline names so many and counts the rest.
MOST_TOLD = 20
THE_DEAL = "the deal"


class PlanChange(Frozen):
    """One difference. `part`: the deal, or the project or billing line, by its name; `path` is its path in the
    plan. `field` is empty where the whole part is new, or no longer planned."""

    part: Text
    path: Text = ""
    field: Text = ""
    before: Text = ""
    after: Text = ""

    @property
    def in_words(self) -> str:
        if not self.field:
            return f"{self.part}: {'new' if self.after else 'no longer planned'}"
        return f"{self.part}: {self.field}: {self.before or 'empty'} -> {self.after or 'empty'}"


class PlanChanges(Frozen):
    """A plan, the one in whose place it was made, and where they differ."""

    before: Code
    after: Code
    rows: tuple[PlanChange, ...]


def changes_between(before: Plan, after: Plan) -> PlanChanges:
    return PlanChanges(before=before.hash, after=after.hash, rows=plan_changes(before.content, after.content))


def plan_changes(before: PlanContent, after: PlanContent) -> tuple[PlanChange, ...]:
    """Projects and billing lines are compared by their paths, so that one more of them moves no other."""
    was, now = dict(_parts(before)), dict(_parts(after))
    changes = tuple(change for key in {**was, **now} for change in _of_part(was.get(key), now.get(key)))
    return (*changes, *_approvals_in_full(before, after))


def _approvals_in_full(before: PlanContent, after: PlanContent) -> Iterator[PlanChange]:
    """By the steps' codes and orders, where the sentence about who approves reads the same."""
    same_words = required_in_words(before.required) == required_in_words(after.required)
    if same_words and before.required != after.required:
        was, now = (
            ", ".join(f"{step.step} at order {step.order}" for step in content.required)
            for content in (before, after)
        )
        yield PlanChange(part=THE_DEAL, field="approvals", before=was, after=now)


Part = tuple[str, str, Mapping[str, str]]  # name, path, fields


def _of_part(was: Part | None, now: Part | None) -> Iterator[PlanChange]:
    if was is None or now is None:
        name, path, _fields = was or now or ("", "", {})
        yield PlanChange(part=name, path=path, before=name if was else "", after=name if now else "")
        return
    name, path, new = now
    old = was[2]
    for field in {**old, **new}:
        if old.get(field, "") != new.get(field, ""):
            yield PlanChange(
                part=name, path=path, field=field, before=old.get(field, ""), after=new.get(field, "")
            )


def _parts(content: PlanContent) -> Iterator[tuple[tuple[str, str], Part]]:
    document: Mapping[str, Any] = content.document()
    nodes = document["nodes"]
    yield ("deal", ""), (THE_DEAL, "", _of_deal(content, document))
    for node in nodes:
        yield ("node", node["path"]), (node["name"], node["path"], _fields(node, but=("path", "lines")))
        for line in node["lines"]:
            fields = _fields(line, but=("path",)) | {"project": node["path"]}
            yield ("line", line["path"]), (line["description"], line["path"], fields)


def _of_deal(content: PlanContent, document: Mapping[str, Any]) -> dict[str, str]:
    """Who approves in one sentence: a step more would move each of the others."""
    fields = _fields(document, but=("nodes", "schema", "approvals"))
    return fields | {"approvals": required_in_words(content.required)}


def _fields(document: Mapping[str, Any], but: tuple[str, ...]) -> dict[str, str]:
    """Each value that contains no other, by its place in words: `terms day`, `amount amount`."""
    kept = {name: value for name, value in document.items() if name not in but}
    return {
        place.removeprefix("/").replace("/", " ").replace("_", " "): _text(value)
        for place, value in leaves(kept)
    }


def _text(value: Any) -> str:
    return "" if value is None or value in ({}, []) else str(value)[:2_000]
