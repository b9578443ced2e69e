"""Whom the servers run as. Postgres refuses to run as root, so there both servers run as somebody else."""

import ctypes
import os
import pwd
import stat
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

# <linux/prctl.h> and <linux/capability.h>
PR_SET_KEEPCAPS = 8
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAP_DAC_OVERRIDE = 1
CAPABILITY_VERSION_3 = 0x20080522


@dataclass(frozen=True)
class Account:
    """An ordinary user of this machine."""

    uid: int
    gid: int

    def own(self, folder: Path) -> None:
        os.chown(folder, self.uid, self.gid)


def account_for(home: Path) -> Account | None:
    """Whom to become for servers that live in `home`: its owner, or `nobody`. None: stay who we are."""
    if os.geteuid() != 0:
        return None
    owner = home.stat()
    if owner.st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


def become(account: Account, *paths: Path) -> Callable[[], None]:
    """A `preexec_fn` that becomes `account`, which can still reach all `paths` afterwards.

    A checkout or a temporary folder under a closed one (`/root`, pytest's) would lock the new user out of
    its own data and programs. On Linux it then keeps root's right to pass closed folders, and only that.
    """
    keep_access = sys.platform == "linux" and not all(open_to_all(path) for path in paths)
    libc = ctypes.CDLL(None, use_errno=True)

    def before_exec() -> None:
        os.setgroups([])
        os.setgid(account.gid)
        if keep_access:
            libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
        os.setuid(account.uid)
        if keep_access:
            _keep_one_capability(libc, CAP_DAC_OVERRIDE)

    return before_exec


def open_to_all(path: Path) -> bool:
    """Whether every folder above `path` lets any user through."""
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in path.resolve().parents)


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Set(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


def _keep_one_capability(libc: ctypes.CDLL, capability: int) -> None:
    """Drop all capabilities but one, and let that one survive exec (see capabilities(7), ambient set)."""
    bit = 1 << capability
    sets = (_Set * 2)(_Set(bit, bit, bit), _Set(0, 0, 0))
    libc.capset(ctypes.byref(_Header(CAPABILITY_VERSION_3, 0)), sets)
    libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0)
