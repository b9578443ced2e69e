"""The files to deploy in a Salesforce org: all fields that are read, and this installation's address filled
in."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from adapters.connectors.package import write_package
from adapters.crm.salesforce import wire
from oppsync.domain.work.connections import Connection, ConnectionRole
from oppsync.kernel.errors import InvalidInput

URL = "https://oppsync.firm.example/webhooks/salesforce-1f"
CONNECTION = Connection(
    tenant_id="default", id="salesforce-1f", role=ConnectionRole.CRM, vendor="salesforce", name="Org"
)
NAMESPACE = "{http://soap.sforce.com/2006/04/metadata}"


@pytest.fixture
def main(tmp_path: Path) -> Path:
    assert write_package(CONNECTION, URL, tmp_path / "org") > 80
    return tmp_path / "org" / "force-app" / "main" / "default"


def test_each_field_that_is_read_or_written_is_in_it_and_no_other(main: Path) -> None:
    there = {
        f"{path.parents[1].name}.{path.name.partition('.')[0]}" for path in main.glob("objects/*/fields/*.xml")
    }
    custom = {name for name in wire.FIELDS - wire.NAMED_ONLY if name.endswith("__c")}

    assert there - custom == {
        "Billing_Milestone__c.Opportunity__c",
        "Oppsync_Webhook__mdt.Url__c",
        "Oppsync_Webhook__mdt.Secret__c",
    }
    assert custom <= there


def test_the_integration_user_reads_all_of_it_and_writes_five_fields(main: Path) -> None:
    (path,) = main.glob("permissionsets/*")
    granted = {
        rule.findtext(f"{NAMESPACE}field"): rule.findtext(f"{NAMESPACE}editable")
        for rule in ElementTree.parse(path).getroot().iter(f"{NAMESPACE}fieldPermissions")  # noqa: S314
    }

    assert {name for name in wire.FIELDS - wire.NAMED_ONLY if name.endswith("__c")} <= granted.keys()
    written = {f"Opportunity.{name}" for name, _ in wire.WriteBackRecord.fields()}
    assert {name for name, editable in granted.items() if editable == "true"} == written


@pytest.mark.parametrize(
    ("trigger", "of", "moments"),
    [
        ("OppsyncOpportunity", "Opportunity", {"insert", "update", "delete", "undelete"}),
        ("OppsyncLine", "OpportunityLineItem", {"insert", "update", "delete"}),
        ("OppsyncMilestone", "Billing_Milestone__c", {"insert", "update", "delete"}),
        ("OppsyncAccount", "Account", {"update", "delete", "undelete"}),
        ("OppsyncUser", "User", {"update"}),
    ],
)
def test_its_triggers_tell_of_deletions_and_of_what_belongs_to_a_deal(
    main: Path, trigger: str, of: str, moments: set[str]
) -> None:
    first = (main / "triggers" / f"{trigger}.trigger").read_text().splitlines()[0]
    named = re.fullmatch(rf"trigger {trigger} on {of} \((.*)\) {{", first)

    assert named is not None, first
    assert set(named[1].split(", ")) == {f"after {moment}" for moment in moments}


def test_picklists_offer_what_is_understood(main: Path) -> None:
    models = {*wire.BILLING_MODELS, wire.MIXED}
    for name, known in {"Billing_Model__c": models, "Cap_Scope__c": wire.CAP_SCOPES}.items():
        root = ElementTree.parse(main / "objects/Opportunity/fields" / f"{name}.field-meta.xml").getroot()  # noqa: S314
        assert {each.text for each in root.iter(f"{NAMESPACE}fullName")} - {name} == set(known)


# The folders of a project, each with what its files are called and their root element.
KINDS = {
    "classes/*.cls-meta.xml": "ApexClass",
    "triggers/*.trigger-meta.xml": "ApexTrigger",
    "objects/*/*.object-meta.xml": "CustomObject",
    "objects/*/fields/*.field-meta.xml": "CustomField",
    "customMetadata/*.md-meta.xml": "CustomMetadata",
    "permissionsets/*.permissionset-meta.xml": "PermissionSet",
    "remoteSiteSettings/*.remoteSite-meta.xml": "RemoteSiteSetting",
}


def test_it_is_a_project_as_salesforce_s_command_line_takes_it(main: Path) -> None:
    project = json.loads((main.parents[2] / "sfdx-project.json").read_text())
    version = project["sourceApiVersion"]
    assert project["packageDirectories"] == [{"path": "force-app", "default": True}]
    assert re.fullmatch(r"\d\d\.0", version)
    files = {path for path in main.rglob("*") if path.is_file()}
    named = {path for pattern in KINDS for path in main.glob(pattern)}
    sources = {path for path in files if path.suffix in (".cls", ".trigger")}

    assert files == named | sources
    assert {path.with_name(f"{path.name}-meta.xml") for path in sources} <= named
    for pattern, element in KINDS.items():
        assert list(main.glob(pattern)), pattern
        for path in main.glob(pattern):
            root = ElementTree.parse(path).getroot()  # noqa: S314
            assert root.tag == f"{NAMESPACE}{element}", path
            assert root.findtext(f"{NAMESPACE}apiVersion", version) == version, path
            assert root.findtext(f"{NAMESPACE}status", "Active") == "Active", path


NEEDED = {
    "Text": {"length"},
    "LongTextArea": {"length", "visibleLines"},
    "Number": {"precision", "scale"},
    "Percent": {"precision", "scale"},
    "Currency": {"precision", "scale"},
    "Checkbox": {"defaultValue"},
    "Picklist": {"valueSet"},
    "MasterDetail": {"referenceTo", "relationshipName", "relationshipOrder"},
    "Date": set(),
    "DateTime": set(),
    "Url": set(),
}


def test_each_field_has_what_its_type_needs(main: Path) -> None:
    for path in main.glob("objects/*/fields/*.xml"):
        root = ElementTree.parse(path).getroot()  # noqa: S314
        has = {child.tag.removeprefix(NAMESPACE) for child in root}
        kind = root.findtext(f"{NAMESPACE}type") or ""

        assert {"fullName", "label", *NEEDED[kind]} <= has, path
        assert root.findtext(f"{NAMESPACE}fullName") == path.name.partition(".")[0]
        # Salesforce refuses to say that one is not needed which always is.
        assert kind != "MasterDetail" or "required" not in has, path


def test_nothing_is_granted_that_a_permission_set_may_not_name(main: Path) -> None:
    """Fields that always have a value, and lines, which go by their deal and product, stop a deployment."""
    (path,) = main.glob("permissionsets/*")
    root = ElementTree.parse(path).getroot()  # noqa: S314
    always = {
        f"{path.parents[1].name}.{path.name.partition('.')[0]}"
        for path in main.glob("objects/*/fields/*.xml")
        if "<type>MasterDetail</type>" in path.read_text() or "<required>true</required>" in path.read_text()
    }

    assert "Billing_Milestone__c.Opportunity__c" in always
    assert always.isdisjoint(each.text for each in root.iter(f"{NAMESPACE}field"))
    objects = {each.text for each in root.iter(f"{NAMESPACE}object")}
    assert objects == {"Account", "Billing_Milestone__c", "Opportunity", "Product2"}
    assert root.find(f"{NAMESPACE}license") is None


def test_its_own_tests_cover_each_trigger_that_is_deployed(main: Path) -> None:
    """Salesforce demands 75 % of each class and trigger of what the named tests run alone."""
    tests = (main / "classes" / "OppsyncNotifierTest.cls").read_text()
    assert tests.startswith("@IsTest")
    for trigger in main.glob("triggers/*.trigger"):
        found = re.match(r"trigger \w+ on (\w+) ", trigger.read_text())
        assert found is not None
        made = rf"(insert new {found[1]}\b|new {found[1]}\(|^\s+{found[1]} \w+ = \[SELECT)"
        assert re.search(made, tests, re.MULTILINE), trigger.name


def test_it_is_filled_with_the_address_and_holds_no_placeholder_and_no_secret(main: Path) -> None:
    texts = {path.name: path.read_text() for path in main.rglob("*") if path.is_file()}

    assert URL in texts["Oppsync_Webhook.Default.md-meta.xml"]
    assert "<url>https://oppsync.firm.example</url>" in texts["oppsync.remoteSite-meta.xml"]
    assert not [name for name, text in texts.items() if "@WEBHOOK" in text or "@CONNECTION" in text]
    assert "Secret__c" not in texts["Oppsync_Webhook.Default.md-meta.xml"]
    for path in main.rglob("*.xml"):
        ElementTree.parse(path)  # noqa: S314


def test_a_folder_in_use_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("")

    with pytest.raises(InvalidInput, match="not empty"):
        write_package(CONNECTION, URL, tmp_path)
