"""The account of the embedded servers, and what that user can reach."""

import os
from pathlib import Path

import pytest

from sandbox.embedded.system_user import SystemUser, system_user_for

OWNER = SystemUser(os.geteuid(), os.getegid() + 1)
IN_GROUP = SystemUser(os.geteuid() + 1, os.getegid())
STRANGER = SystemUser(os.geteuid() + 1, os.getegid() + 1)


@pytest.mark.parametrize(
    ("mode", "who_may_enter"),
    [
        (0o777, {OWNER, IN_GROUP, STRANGER}),
        (0o711, {OWNER, IN_GROUP, STRANGER}),
        (0o750, {OWNER, IN_GROUP}),
        (0o700, {OWNER}),
        (0o744, {OWNER}),  # it may list the folder, but not enter it
        (0o077, {IN_GROUP, STRANGER}),
    ],
)
def test_a_folder_lets_those_in_whom_its_mode_names(
    tmp_path: Path, mode: int, who_may_enter: set[SystemUser]
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    os.chown(folder, os.geteuid(), os.getegid())
    folder.chmod(mode)
    assert {who for who in (OWNER, IN_GROUP, STRANGER) if who.may_enter(folder.stat())} == who_may_enter
    folder.chmod(0o700)


def test_one_closed_folder_on_the_way_is_enough_also_behind_a_link(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    (closed / "open").mkdir(parents=True)
    closed.chmod(0o700)
    link = tmp_path / "link"
    link.symlink_to(closed / "open")
    assert SystemUser(os.geteuid(), os.getegid()).can_reach(link / "data")
    assert not STRANGER.can_reach(link / "data")
    assert STRANGER.can_reach(Path("/data"))


def test_only_root_becomes_somebody_else_and_nobody_becomes_root(tmp_path: Path) -> None:
    account = system_user_for(tmp_path, tmp_path / "data")
    assert (account is None) == (os.geteuid() != 0)
    assert account is None or account.uid != 0
