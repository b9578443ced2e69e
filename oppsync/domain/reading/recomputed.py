"""A plan that was made again from what was kept of it, compared with the one that is stored."""

from __future__ import annotations

from pydantic import computed_field

from oppsync.domain.configuration.versions import ConfigurationUse
from oppsync.domain.plan.plan import Plan, PlanContent, plan_hash, short_hash
from oppsync.domain.planning.inputs import PlanInputs
from oppsync.domain.reading.plan_changes import PlanChange, plan_changes
from oppsync.domain.values.findings.finding import Finding
from oppsync.domain.values.model import Code, Frozen, Text


class Recomputed(Frozen):
    """`plan`: the hash of the stored plan; `hash`: of the one that was made again, None where this release
    makes none, because of `findings`. `made_by`: the release that made the stored plan, by `configuration`;
    `release`: this one. `changes`: what the one made again says otherwise."""

    plan: Code
    made_by: Text
    configuration: ConfigurationUse
    release: Text
    hash: Code | None = None
    changes: tuple[PlanChange, ...] = ()
    findings: tuple[Finding, ...] = ()

    @computed_field  # type: ignore[prop-decorator]
    @property
    def is_same(self) -> bool:
        """Bit for bit: the hash is that of the whole content."""
        return self.hash == self.plan

    @computed_field  # type: ignore[prop-decorator]
    @property
    def in_words(self) -> str:
        by = f"made by release {self.made_by} and the configuration's {self.configuration}"
        this = "this is the same release" if self.release == self.made_by else f"this is release {self.release}"
        if self.is_same:
            return f"Plan {short_hash(self.plan)}, {by}: made again, it is the same bit for bit ({this})."
        count = len(self.changes)
        differing = "1 value differs" if count == 1 else f"{count} values differ"
        differs = differing if self.hash else "no plan comes of it"
        return f"Plan {short_hash(self.plan)}, {by}: made again, {differs}; {this}."


def recomputed(
    plan: Plan, inputs: PlanInputs, made: PlanContent | tuple[Finding, ...], release: str
) -> Recomputed:
    found = made if isinstance(made, PlanContent) else None
    return Recomputed(
        plan=plan.hash,
        made_by=inputs.release,
        configuration=inputs.configuration,
        release=release,
        hash=plan_hash(found) if found else None,
        changes=plan_changes(plan.content, found) if found and found != plan.content else (),
        findings=() if isinstance(made, PlanContent) else made,
    )
