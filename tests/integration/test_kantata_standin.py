"""The Kantata stand-in over real sockets."""

import json
import sqlite3
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest

from sandbox.standins.control import KantataControl
from sandbox.standins.process import running, start
from tests.harness.waiting import HANG_SECONDS
from tests.integration.standin_calls import Answer, call

TOKEN = "kantata-demo-token"


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with running("kantata", tmp_path / "kantata.sqlite3") as address:
        yield address


def ask(url: str, method: str, path: str, body: Any = None, token: str = TOKEN) -> Answer:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    return call(url, method, f"/api/v1/{path}", None if body is None else json.dumps(body), headers=headers)


def created(url: str, reference: str, title: str = "Globex") -> str:
    body = {"workspace": {"title": title, "creator_role": "maven", "external_reference": reference}}
    workspace_id = ask(url, "POST", "workspaces.json", body).json["results"][0]["id"]
    assert isinstance(workspace_id, str)
    return workspace_id


def references_in_the_books(folder: Path) -> list[str]:
    db = sqlite3.connect(folder / "kantata.sqlite3", timeout=HANG_SECONDS)
    try:
        return [row[0] for row in db.execute("SELECT external_reference FROM workspaces ORDER BY id")]
    finally:
        db.close()


def test_a_project_is_created_found_by_our_reference_and_updated(url: str) -> None:
    workspace_id = created(url, "oppsync:1")
    created(url, "oppsync:10")
    found = ask(url, "GET", "workspaces.json?external_reference=oppsync%3A1").json
    assert (found["count"], found["results"]) == (1, [{"key": "workspaces", "id": workspace_id}])
    assert found["workspaces"][workspace_id]["title"] == "Globex"

    change = {"workspace": {"description": "PRJ-1", "status_key": 305, "start_date": "2026-04-01"}}
    assert ask(url, "PUT", f"workspaces/{workspace_id}.json", change).status == 200
    read = ask(url, "GET", f"workspaces/{workspace_id}").json["workspaces"][workspace_id]
    assert (read["description"], read["status"]["key"], read["start_date"]) == ("PRJ-1", 305, "2026-04-01")
    assert [change["kind"] for change in KantataControl(url).changes(workspace_id)] == ["create", "update"]


def test_nothing_keeps_two_projects_from_having_one_reference(url: str) -> None:
    created(url, "oppsync:1")
    created(url, "oppsync:1")
    assert ask(url, "GET", "workspaces.json?external_reference=oppsync:1").json["count"] == 2


def test_a_list_comes_in_pages(url: str) -> None:
    ids = [created(url, f"oppsync:{number}") for number in range(5)]
    pages = [ask(url, "GET", f"workspaces.json?page={page}&per_page=2").json for page in (1, 2, 3, 4)]
    assert [result["id"] for page in pages for result in page["results"]] == ids
    assert [page["count"] for page in pages] == [5] * 4
    assert pages[0]["meta"] == {"count": 5, "page_count": 3, "page_number": 1, "page_size": 2}


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "workspaces.json", {"workspace": {"creator_role": "maven"}}, 422),
        ("POST", "workspaces.json", {"workspace": {"title": "x", "creator_role": "king"}}, 422),
        ("POST", "workspaces.json", {"workspace": {"title": "x", "creator_role": "maven", "colour": 1}}, 422),
        ("POST", "workspaces.json", {}, 422),
        ("PUT", "workspaces/77.json", {"workspace": {"title": "x"}}, 404),
        ("GET", "workspaces/77.json", None, 404),
        ("GET", "nonsense.json", None, 404),
        ("GET", "workspaces.json?page=0", None, 422),
    ],
)
def test_a_bad_request_gets_a_list_of_errors(url: str, method: str, path: str, body: Any, status: int) -> None:
    answer = ask(url, method, path, body)
    assert answer.status == status
    assert set(answer.json["errors"][0]) == {"type", "message"}


def test_a_wrong_token_opens_nothing(url: str) -> None:
    answer = ask(url, "GET", "workspaces.json", token="guess")
    assert (answer.status, answer.json["errors"][0]["type"]) == (401, "oauth")


def test_the_books_outlive_the_process(tmp_path: Path) -> None:
    books = tmp_path / "kantata.sqlite3"
    process, address = start("kantata", books)
    workspace_id = created(address, "oppsync:1")
    process.kill()
    process.wait()
    with running("kantata", books) as address:
        assert [workspace["id"] for workspace in KantataControl(address).workspaces()] == [workspace_id]


def test_a_create_whose_answer_is_lost_is_in_the_books_but_not_yet_in_a_lagging_search(
    url: str, tmp_path: Path
) -> None:
    KantataControl(url).faults(
        [
            {"method": "POST", "drop_connection": True, "after_commit": True},
            {"method": "GET", "search_lag_seconds": 600},
        ]
    )
    with pytest.raises((OSError, HTTPException)):
        created(url, "oppsync:1")
    assert references_in_the_books(tmp_path) == ["oppsync:1"]
    assert ask(url, "GET", "workspaces.json?external_reference=oppsync:1").json["count"] == 0
    assert ask(url, "GET", "workspaces.json?external_reference=oppsync:1").json["count"] == 1


def test_a_throttled_call_is_answered_in_kantatas_own_shape(url: str, tmp_path: Path) -> None:
    KantataControl(url).faults([{"status": 429, "retry_after": 3}])
    answer = ask(url, "GET", "workspaces.json")
    assert (answer.status, answer.headers["retry-after"]) == (429, "3")
    assert answer.json["errors"]
    assert references_in_the_books(tmp_path) == []
