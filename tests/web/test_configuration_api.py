"""The configuration by API: what is sent is checked, compared, proposed and applied as on the command line."""

from __future__ import annotations

import base64
import io
import stat
import struct
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from adapters.documents.bundle_files import write_bundle
from adapters.documents.bundle_zip import LARGEST, files_of_zip, zip_of
from oppsync.domain.configuration.bundle import fingerprint, governed
from oppsync.domain.configuration.faults import BadBundle
from oppsync.domain.configuration.files import KIND_OF_FILE, MANIFEST
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.values.roles import PersonRole
from oppsync.domain.values.scopes import READS_ONLY, TOKEN_LASTS
from oppsync.services.admin.commands import CreateToken
from oppsync.services.set_up.commands import NameFirm
from sandbox.firm.demo_firm import reference_rows
from tests.harness.builders import TENANT
from tests.unit.test_configuration_imports import WRONG_TABLES
from tests.web.browser import Browser
from tests.web.office import Office, email
from tests.web.test_connections import Api
from web.bundles import bundle_of, bundle_of_zip

FIRM = "Acme Advisory"
ROWS = governed(reference_rows())
FILES = {name: content.decode() for name, content in write_bundle(FIRM, ROWS).items()}
DEARER = FILES | {"rates.csv": FILES["rates.csv"].replace(",160,", ",170,", 1)}


@pytest.fixture
def ida(app: Flask, office: Office) -> Api:
    """Who administers integrations."""
    office.hire("ida", PersonRole.INTEGRATION_ADMIN)
    return Api(app, office.token("ida"))


def go_live(office: Office) -> None:
    with office.application.engine.begin() as connection:
        connection.execute(text("update tenants set went_live_at = now()"))


def packed(files: Mapping[str, str]) -> str:
    return base64.b64encode(zip_of({name: content.encode() for name, content in files.items()})).decode()


def read(api: Api, path: str) -> Any:
    answer = api("GET", path)
    assert answer.status_code == 200, answer.text
    return answer.json


def done(api: Api, path: str, body: object = None) -> Any:
    answer = api("POST", path, body)
    assert answer.status_code in (200, 204), answer.text
    return answer.json if answer.status_code == 200 else None


def test_a_firm_begins_by_a_zip_and_its_export_is_that_zip(ida: Api, app: Flask, office: Office) -> None:
    assert read(ida, "/configuration")["version"] is None
    assert done(ida, "/configuration/check", {"files": FILES})["rows"] == len(ROWS)

    made = done(ida, "/configuration/proposals", {"zip": packed(FILES), "note": "the beginning"})

    assert (made["version"], made["changed"], made["proposal_id"]) == (1, len(ROWS), None)
    now = read(ida, "/configuration")
    assert (now["fingerprint"], now["firm"], now["is_recorded"]) == (fingerprint(ROWS), FIRM, True)
    assert now["version"]["made_by"] == "person:ida@acme.example"
    assert now["rows"]["rates.csv"] == FILES["rates.csv"].count("\n") - 1
    exported = ida("GET", "/configuration/export")
    assert exported.mimetype == "application/zip"
    assert exported.data == base64.b64decode(packed(FILES))
    reader = Api(app, office.token("olga"))
    assert read(reader, "/configuration/versions")["rows"][0]["note"] == "the beginning"


@pytest.mark.parametrize("name", ["ed", "tom"])
def test_what_the_pages_refuse_the_api_refuses(name: str, ida: Api, app: Flask, office: Office) -> None:
    """Cost rates and margins are for those who may open the configuration."""
    done(ida, "/configuration/proposals", {"files": FILES})
    other = Api(app, office.token(name))
    refused = [other("POST", f"/configuration/{each}", {"files": FILES}) for each in ("diff", "check")]
    for path in ("", "/export", "/proposals", "/versions", "/versions/1", "/rows/cost_rate"):
        refused.append(other("GET", f"/configuration{path}"))
    assert {(answer.status_code, (answer.json or {})["code"]) for answer in refused} == {(403, "FORBIDDEN")}


CONFIGURING = "finance approver or integration admin"


@pytest.mark.parametrize(
    ("path", "roles"),
    [
        ("/configuration/proposals", CONFIGURING),
        ("/configuration/revert", CONFIGURING),
        ("/configuration/import", CONFIGURING),
        ("/configuration/backtest", CONFIGURING),
        ("/configuration/rows/rates.csv", CONFIGURING),
        ("/configuration/proposals/01890000-0000-7000-8000-000000000009/approve", "finance approver"),
        ("/connections", "integration admin"),
        ("/connections/crm/pause", "integration admin"),
        ("/connections/crm/test", "integration admin or operations"),
    ],
)
def test_a_refusal_names_the_roles_that_may_do_it_and_the_scope_comes_before_the_body(
    path: str, roles: str, app: Flask, office: Office
) -> None:
    """Others may open the pages, which helps nobody who wants to do this."""
    office.hire("dora", PersonRole.DELIVERY_APPROVER)
    office.hire("both", PersonRole.INTEGRATION_ADMIN, PersonRole.FINANCE_APPROVER)
    barred = Api(app, office.token("dora"))("POST", path, {"files": {}}).json or {}
    assert (barred["code"], barred["detail"]) == (
        "FORBIDDEN",
        f"This needs the role {roles}. An administrator gives it.",
    )
    command = CreateToken(TENANT, COMMAND_LINE, "reads", email("both"), READS_ONLY, TOKEN_LASTS)
    read_only = Api(app, office.application.dispatch(command))("POST", path, {"files": {}}).json or {}
    assert read_only["code"] == "SCOPE_MISSING"


def test_the_name_in_the_files_comes_out_as_it_was_applied_and_renames_nothing(
    ida: Api, browser: Callable[[str], Browser], office: Office
) -> None:
    """It names whose files they are: a test installation's may be promoted to the one of another name."""
    office.application.dispatch(NameFirm(TENANT, COMMAND_LINE, "Acme", "Europe/Berlin"))
    done(ida, "/configuration/proposals", {"files": FILES})
    go_live(office)
    manifest = {"oppsync.yaml": FILES["oppsync.yaml"].replace(FIRM, "Acme Test")}
    promoted = FILES | manifest

    shown = done(ida, "/configuration/diff", {"files": promoted})
    assert (shown["firm_before"], shown["firm_after"], shown["firm_here"]) == (FIRM, "Acme Test", "Acme")
    assert shown["differences"] == []
    assert done(ida, "/configuration/proposals", {"files": promoted})["version"] == 2

    now = read(ida, "/configuration")
    assert (now["firm"], now["firm_in_files"]) == ("Acme", "Acme Test")
    with office.application.uow.reading() as uow:
        assert uow.tenants.get(TENANT).name == "Acme"
    for address, files in (("", promoted), ("?version=2", promoted), ("?version=1", FILES)):
        assert ida("GET", f"/configuration/export{address}").data == base64.b64decode(packed(files))
    assert read(ida, "/configuration/versions/2")["firm_before"] == FIRM
    page = browser("ida")
    told = f"Its files name the firm Acme Test, and before {FIRM}."
    assert told in page.get("/configuration/versions/2").words
    assert "Acme; the files name it Acme Test" in page.get("/configuration").words
    done(ida, "/configuration/revert", {"version": 1})
    assert ida("GET", "/configuration/export").data == base64.b64decode(packed(FILES))


def test_a_difference_is_shown_row_by_row_and_applied_against_what_was_compared(ida: Api) -> None:
    done(ida, "/configuration/proposals", {"files": FILES})

    shown = done(ida, "/configuration/diff", {"files": DEARER})

    (row,) = shown["differences"]
    assert (row["file"], row["change"], row["moves_money"]) == ("rates.csv", "changed", True)
    assert row["fields"] == [{"field": "hourly", "was": "160", "now": "170"}]
    assert shown["before"] == {"fingerprint": fingerprint(ROWS), "number": 1}
    assert shown["needs_second_person"] is False
    body = {"files": DEARER, "against": shown["before"]["fingerprint"]}
    assert done(ida, "/configuration/proposals", body)["version"] == 2
    late = ida("POST", "/configuration/proposals", body | {"files": FILES})
    assert (late.status_code, (late.json or {})["code"]) == (409, "CONFIGURATION_CHANGED")
    assert read(ida, "/configuration/versions/2")["differences"] == [row]
    again = {"version": 1, "note": "too dear", "against": fingerprint(ROWS)}
    assert ida("POST", "/configuration/revert", again).status_code == 409
    assert done(ida, "/configuration/revert", {"version": 1, "note": "too dear"})["version"] == 3
    assert read(ida, "/configuration/versions")["rows"][0]["reverts_to"] == 1
    for missing in (9, 2**31, 10**30):
        assert ida("GET", f"/configuration/versions/{missing}").status_code == 404
        assert ida("GET", f"/configuration/export?version={missing}").status_code == 404
        assert ida("POST", "/configuration/revert", {"version": missing}).status_code == 404


def test_of_a_live_firm_a_second_person_approves_and_the_refusal_says_who_can(
    ida: Api, app: Flask, office: Office
) -> None:
    done(ida, "/configuration/proposals", {"files": FILES})
    go_live(office)
    ana, kim, tom = (Api(app, office.token(name)) for name in ("ana", "kim", "tom"))

    proposed = done(ana, "/configuration/proposals", {"files": DEARER, "note": "dearer"})

    assert (proposed["version"], proposed["needs"]) == (None, "finance approver")
    address = f"/configuration/proposals/{proposed['proposal_id']}"
    assert [row["note"] for row in read(kim, "/configuration/proposals")["rows"]] == ["dearer"]
    seen = read(kim, address)
    assert (seen["is_overtaken"], len(seen["difference"]["differences"])) == (False, 1)
    own = ana("POST", f"{address}/approve", {})
    assert (own.status_code, (own.json or {})["code"]) == (403, "OWN_PROPOSAL")
    assert (own.json or {})["detail"] == "You proposed this: Kim can."
    assert tom("POST", f"{address}/approve", {}).status_code == 403
    assert done(kim, f"{address}/approve", {"comment": "agreed"})["version"] == 2
    assert kim("POST", f"{address}/approve", {}).status_code == 409
    other = done(ana, "/configuration/proposals", {"files": FILES})["proposal_id"]
    lines = FILES["regions.yaml"].replace("name: North America", "name: The Americas")
    assert lines != FILES["regions.yaml"]
    renamed = {**DEARER, "regions.yaml": lines}
    assert done(kim, "/configuration/proposals", {"files": renamed})["version"] == 3
    overtaken = read(kim, f"/configuration/proposals/{other}")
    assert overtaken["is_overtaken"]
    assert [row["what"] for row in overtaken["difference"]["differences"]] == ["changed: hourly 170 -> 160"]
    assert kim("POST", f"/configuration/proposals/{other}/reject", {"comment": ""}).status_code == 422
    assert done(kim, f"/configuration/proposals/{other}/reject", {"comment": "not now"}) is None
    assert read(ana, "/configuration/proposals")["rows"] == []


def test_who_may_not_propose_is_refused_and_reads(app: Flask, office: Office) -> None:
    olga = Api(app, office.token("olga"))
    for path, body in (("proposals", {"files": FILES}), ("revert", {"version": 1})):
        assert olga("POST", f"/configuration/{path}", body).status_code == 403
    assert done(olga, "/configuration/diff", {"files": FILES})["firm_after"] == FIRM
    assert app.test_client().get("/api/v1/configuration").status_code == 401


def test_every_fault_has_its_file_line_field_and_what_to_do(ida: Api) -> None:
    wrong = FILES | {
        "rates.csv": FILES["rates.csv"].replace(",160,", ",16O,", 1),
        "regions.yaml": FILES["regions.yaml"].replace("2025-01-01", "1.1.2025", 1),
        "prices.csv": "",
    }
    alone = ida("POST", "/configuration/check", {"files": wrong}).json or {}
    assert [(each["file"], each["line"]) for each in alone["errors"]] == [("prices.csv", 0)]
    del wrong["prices.csv"]

    for path in ("check", "diff", "proposals"):
        refused = ida("POST", f"/configuration/{path}", {"files": wrong})
        assert refused.status_code == 422
        problem = refused.json or {}
        assert problem["code"] == "BAD_BUNDLE"
        assert problem["detail"] == f"The configuration has {len(problem['errors'])} faults; errors lists each."
        rate = next(each for each in problem["errors"] if each["file"] == "rates.csv")
        assert (rate["pointer"], rate["field"], rate["fix"]) == (
            "/files/rates.csv",
            "hourly",
            "Write a number as 1234.50",
        )
        assert rate["line"] == 1 + [",160," in line for line in FILES["rates.csv"].split("\n")].index(True)
        assert "'16O' is not a number" in rate["message"]
    assert read(ida, "/configuration")["version"] is None


@pytest.mark.parametrize("name", ["N" * 5_000, "A\\u0000B", "Northwind\\u202e"])
def test_a_firm_s_name_is_one_line_that_can_be_read_again(ida: Api, name: str) -> None:
    refused = ida("POST", "/configuration/proposals", {"files": FILES | {"oppsync.yaml": named(name)}})

    assert refused.status_code == 422
    (fault,) = (refused.json or {})["errors"]
    assert (fault["file"], fault["field"]) == ("oppsync.yaml", "firm")
    assert read(ida, "/configuration")["version"] is None


def named(name: str) -> str:
    return f'format: 1\nfirm: "{name}"\n'


def test_a_table_is_previewed_and_imported_and_each_fault_has_its_place(ida: Api) -> None:
    done(ida, "/configuration/proposals", {"files": FILES})
    table = "region,role,currency,card,hourly\nNA,Consultant,USD,NA 2027,175\n"
    body = {"file": "rates.csv", "content": base64.b64encode(table.encode()).decode(), "since": "2027-01-01"}

    shown = done(ida, "/configuration/import/preview", body)

    assert [row["change"] for row in shown["differences"]] == ["ended", "added"]
    assert read(ida, "/configuration")["version"]["number"] == 1
    assert done(ida, "/configuration/import", body | {"against": fingerprint(ROWS)})["version"] == 2
    assert done(ida, "/configuration/import", body)["changed"] == 0
    assert ida("POST", "/configuration/import", body | {"against": fingerprint(ROWS)}).status_code == 409
    wrong = body | {"content": base64.b64encode(table.replace("175", "17.5.0").encode()).decode()}
    wrong["numbers"] = "comma"
    (fault,) = (ida("POST", "/configuration/import", wrong).json or {})["errors"]
    assert (fault["file"], fault["line"]) == ("rates.csv", 2)
    for other in ({"file": "regions.yaml"}, {"content": "!"}, {"numbers": "x"}, {"since": "x"}):
        assert ida("POST", "/configuration/import", body | other).status_code == 422
    for content in WRONG_TABLES.values():
        sent = body | {"content": base64.b64encode(content).decode()}
        assert ida("POST", "/configuration/import/preview", sent).status_code == 422


def test_files_or_a_zip_are_sent_and_not_both(ida: Api) -> None:
    for body in ({}, {"files": FILES, "zip": packed(FILES)}, {"zip": "no base64!"}, {"zip": "ä"}):
        assert ida("POST", "/configuration/check", body).status_code == 422


def entry(name: str, content: bytes = b"", *, link: bool = False) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        info = zipfile.ZipInfo(name)
        info.external_attr = (stat.S_IFLNK | 0o777) << 16 if link else 0
        info.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(info, content)
    return made.getvalue()


def lying_about_its_size() -> bytes:
    """A zip bomb that states one byte for what is 50 million."""
    bomb = bytearray(entry("rates.csv", b"0" * 50_000_000))
    size = struct.pack("<L", 50_000_000)
    while size in bomb:
        bomb[bomb.index(size) : bomb.index(size) + 4] = struct.pack("<L", 1)
    return bytes(bomb)


WRONG_ZIPS = {
    "no zip": b"PK\x03\x04 no zip",
    "empty": b"",
    "a way out": entry("../rates.csv"),
    "a way out in between": entry("a/../../rates.csv"),
    "a way out of Windows": entry("..\\rates.csv"),
    "an absolute path": entry("/etc/rates.csv"),
    "a drive": entry("C:\\rates.csv"),
    "a link": entry("rates.csv", b"/etc/passwd", link=True),
    "a bomb": entry("rates.csv", b"0" * (LARGEST + 1)),
    "a bomb of YAML": entry("regions.yaml", b"- " * 1_000_000),
    "a bomb that lies": lying_about_its_size(),
    "another encoding": zip_of({MANIFEST: b"format: 1\nfirm: M\xfcller\n"}),
    "two folders": zip_of({"a/rates.csv": b"", "b/rates.csv": b""}),
    "many entries": zip_of({f"{number}.csv": b"" for number in range(300)}),
    "no file of ours": zip_of({"passwd": b""}),
}


WHAT_IS_WRONG = {
    "no zip": "cannot be read",
    "empty": "cannot be read",
    "a way out": "leads out of the zip file",
    "a way out in between": "leads out of the zip file",
    "a way out of Windows": "leads out of the zip file",
    "an absolute path": "leads out of the zip file",
    "a drive": "leads out of the zip file",
    "a link": "is a link",
    "a bomb": "files are longer than 4000000 bytes together",
    "a bomb of YAML": "YAML files are longer than 1000000 bytes together",
    "a bomb that lies": "cannot be read",
    "another encoding": "is not UTF-8",
    "two folders": "has files in several folders",
    "many entries": "has 300 entries",
    "no file of ours": "is no file of a bundle",
}


@pytest.mark.parametrize("name", WRONG_ZIPS)
def test_a_wrong_zip_is_refused_with_what_is_wrong(ida: Api, name: str) -> None:
    for path in ("check", "diff", "proposals"):
        body = {"zip": base64.b64encode(WRONG_ZIPS[name]).decode()}
        refused = ida("POST", f"/configuration/{path}", body)
        assert (refused.status_code, (refused.json or {})["code"]) == (422, "BAD_BUNDLE")
        told = [each["message"] for each in (refused.json or {})["errors"]]
        assert any(WHAT_IS_WRONG[name] in message for message in told), told
    assert read(ida, "/configuration")["version"] is None


def test_a_folder_that_somebody_packed_is_read_and_notes_beside_it_are_left_alone() -> None:
    files = {name: content.encode() for name, content in FILES.items()}
    beside = {"__MACOSX/acme/._rates.csv": b"\x00", "acme/README.md": b"Ours.", "acme/.git/config": b""}
    folder = {f"acme/{name}": content for name, content in files.items()}

    assert files_of_zip(zip_of(folder | beside)) == files


SOUND_ZIP = zip_of({name: content.encode() for name, content in FILES.items()})
names = st.one_of(
    st.sampled_from([*KIND_OF_FILE, MANIFEST, "../x.csv", "/x", "a/b.yaml", "\x00", "con", "x" * 300]),
    st.text(),
)
contents = st.one_of(
    st.binary(max_size=200),
    st.sampled_from([content.encode() for content in FILES.values()]),
    st.text(max_size=200).map(lambda some: some.encode("utf-16")),
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.one_of(
        st.binary(max_size=300),
        st.tuples(st.integers(0, len(SOUND_ZIP) - 1), st.binary(min_size=1, max_size=8)).map(
            lambda at: SOUND_ZIP[: at[0]] + at[1] + SOUND_ZIP[at[0] + len(at[1]) :]
        ),
        st.integers(0, len(SOUND_ZIP)).map(lambda end: SOUND_ZIP[:end]),
        st.dictionaries(names, contents, max_size=4).map(
            lambda files: zip_of({name: content for name, content in files.items() if "\x00" not in name})
        ),
    )
)
def test_whatever_bytes_are_sent_as_a_zip_are_read_or_refused_with_faults(content: bytes) -> None:

    with suppress(BadBundle):
        assert bundle_of_zip(content).firm


@settings(max_examples=100)
@given(st.dictionaries(st.one_of(names, st.text()), st.one_of(st.text(), st.just("\ud800")), max_size=4))
def test_whatever_files_are_sent_are_read_or_refused_with_faults(files: dict[str, str]) -> None:

    with pytest.raises(BadBundle):
        bundle_of(files, None)


def test_nothing_that_is_wrong_is_half_applied(ida: Api, office: Office) -> None:
    done(ida, "/configuration/proposals", {"files": FILES})
    half = {name: content for name, content in DEARER.items() if name != "legal_entities.yaml"}

    assert ida("POST", "/configuration/proposals", {"files": half}).status_code == 422

    with office.uow.reading() as uow:
        assert fingerprint(uow.configurations.rows(TENANT)) == fingerprint(ROWS)
