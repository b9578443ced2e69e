"""The account that the servers run as. Postgres refuses to run as root, so under root both servers use another
one.

That user often may not enter the folders they live in: a checkout in `/root`, a temporary folder of root's own.
Nothing is copied or opened for it; the servers keep root's right to pass closed folders, and only that.
"""

import ctypes
import os
import pwd
import stat
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

# <linux/prctl.h>, <linux/securebits.h> and <linux/capability.h>
PR_SET_SECUREBITS = 28
SECBIT_NO_SETUID_FIXUP = 1 << 2
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAP_DAC_OVERRIDE = 1
CAPABILITY_VERSION_3 = 0x20080522


@dataclass(frozen=True)
class SystemUser:
    """An ordinary user of this machine."""

    uid: int
    gid: int
    passes_closed_folders: bool = False

    def own(self, folder: Path) -> None:
        os.chown(folder, self.uid, self.gid)

    def may_enter(self, folder: os.stat_result) -> bool:
        """Whether the folder's own mode lets this user through."""
        if folder.st_uid == self.uid:
            return bool(folder.st_mode & stat.S_IXUSR)
        if folder.st_gid == self.gid:
            return bool(folder.st_mode & stat.S_IXGRP)
        return bool(folder.st_mode & stat.S_IXOTH)

    def can_reach(self, path: Path) -> bool:
        return all(self.may_enter(folder.stat()) for folder in path.resolve().parents)


def system_user_for(home: Path, *needed: Path) -> SystemUser | None:
    """The account for servers that live in `home`: its owner, or `nobody`. None: stay who we are.

    It passes closed folders only where it could not reach everything `needed` otherwise.
    """
    if os.geteuid() != 0:
        return None
    owner = home.stat()
    if owner.st_uid != 0:
        account = SystemUser(owner.st_uid, owner.st_gid)
    else:
        nobody = pwd.getpwnam("nobody")
        account = SystemUser(nobody.pw_uid, nobody.pw_gid)
    return replace(account, passes_closed_folders=not all(account.can_reach(path) for path in needed))


def become(account: SystemUser) -> Callable[[], None]:
    """A `preexec_fn` that becomes `account`; it raises where the system refuses (Popen: SubprocessError)."""
    libc = ctypes.CDLL(None, use_errno=True)

    def before_exec() -> None:
        os.setgroups([])
        os.setgid(account.gid)
        if account.passes_closed_folders:
            # access(2), by which initdb looks for its programs, ignores the kept capability without this.
            _demand(libc.prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0))
        os.setuid(account.uid)
        if account.passes_closed_folders:
            _keep_one_capability(libc, CAP_DAC_OVERRIDE)

    return before_exec


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
    _demand(libc.capset(ctypes.byref(_Header(CAPABILITY_VERSION_3, 0)), sets))
    _demand(libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0))


def _demand(result: int) -> None:
    """Raise the error of a failed system call."""
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
