"""The Linux calls that Python has no function for, through ctypes.

Invariants: every call raises OSError whose ``filename`` says what was tried; nothing is retried.
Must not know: what the calls are used for.
"""

import ctypes
import errno
import os
import struct

__all__ = [
    "attach_tree",
    "bind",
    "bound_capabilities",
    "clone",
    "detach",
    "die_with_parent",
    "enter_mounts",
    "forbid_new_privileges",
    "forget_inheritable",
    "hide_from_peers",
    "is_supported",
    "make_read_only",
    "mount",
    "open_tree",
    "pivot",
    "reap_orphans",
    "unshare",
]

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 1 << 5, 1 << 12, 1 << 14, 1 << 18
CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID = 1 << 17, 1 << 27, 1 << 28, 1 << 29

_CALLS = {  # clone, pivot_root: the numbers that differ by machine (asm/unistd.h)
    "x86_64": (56, 155),
    "aarch64": (220, 41),
    "riscv64": (220, 41),
}
_CLONE, _PIVOT_ROOT = _CALLS.get(os.uname().machine, (0, 0))
# The same on every machine.
_OPEN_TREE, _MOVE_MOUNT = 428, 429  # Linux >= 5.2
_MOUNT_SETATTR = 442  # Linux >= 5.12
_OPEN_TREE_CLONE, _MOVE_MOUNT_F_EMPTY_PATH = 1, 4
_MNT_DETACH = 2
_AT_FDCWD, _AT_RECURSIVE, _MOUNT_ATTR_RDONLY = -100, 0x8000, 1
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_CAPBSET_DROP = 1, 4, 24
_PR_SET_CHILD_SUBREAPER, _PR_SET_NO_NEW_PRIVS = 36, 38
_SIGCHLD = 17
_CAPABILITY_VERSION_3 = 0x20080522

_libc = ctypes.CDLL(None, use_errno=True)
# Holds the interpreter's lock over the call: the child of a clone must find it as it was.
_libc_locked = ctypes.PyDLL(None, use_errno=True)


def is_supported() -> bool:
    """Return whether the call numbers of this machine are known."""
    return _CLONE != 0


def _check(result: int, what: str) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), what)
    return result


def _syscall(what: str, number: int, *args: int | bytes) -> int:
    values = [arg if isinstance(arg, bytes) else ctypes.c_long(arg) for arg in args]
    return _check(_libc.syscall(ctypes.c_long(number), *values), what)


def clone(flags: int) -> int:
    """Fork into new namespaces; return 0 in the child. The caller has a single thread."""
    zero = ctypes.c_long(0)
    number, word = ctypes.c_long(_CLONE), ctypes.c_long(flags | _SIGCHLD)
    result: int = _libc_locked.syscall(number, word, zero, zero, zero, zero)
    return _check(result, "make process namespaces")


def unshare(flags: int, what: str) -> None:
    """Enter new namespaces with this process."""
    _check(_libc.unshare(flags), what)


def mount(source: str, target: str, kind: str, flags: int = 0, options: str = "") -> None:
    """Mount a file system of a kind."""
    result = _libc.mount(
        os.fsencode(source), os.fsencode(target), kind.encode(),
        ctypes.c_ulong(flags), os.fsencode(options),
    )  # fmt: skip
    if result < 0:
        _check(result, f"mount {kind or source} on {target}")


def bind(source: str, target: str) -> None:
    """Show what is at ``source``, with all mounts below it, at ``target`` too."""
    mount(source, target, "", MS_BIND | MS_REC)


def open_tree(path: bytes, what: str) -> int:
    """Return a descriptor of a copy of the mounts at ``path``, attached nowhere. Linux >= 5.2."""
    flags = _OPEN_TREE_CLONE | _AT_RECURSIVE | os.O_CLOEXEC
    return _syscall(what, _OPEN_TREE, _AT_FDCWD, path, flags)


def attach_tree(tree: int, target: str) -> None:
    """Show what ``open_tree`` gave at a folder."""
    what = f"attach a folder at {target}"
    flags = _MOVE_MOUNT_F_EMPTY_PATH
    _syscall(what, _MOVE_MOUNT, tree, b"", _AT_FDCWD, os.fsencode(target), flags)


def detach(target: str) -> None:
    """Take a mount, with all below it, out of sight."""
    _check(_libc.umount2(os.fsencode(target), _MNT_DETACH), f"detach {target}")


def pivot(new: bytes, old: bytes) -> None:
    """Make ``new`` the root and put the former root at ``old``."""
    _syscall("change the root", _PIVOT_ROOT, new, old)


def make_read_only(target: str) -> None:
    """Make a mount and all below it read-only. OSError ENOSYS before Linux 5.12."""
    attr = struct.pack("QQQQ", _MOUNT_ATTR_RDONLY, 0, 0, 0)
    _syscall(
        f"make {target} read-only",
        _MOUNT_SETATTR, _AT_FDCWD, os.fsencode(target), _AT_RECURSIVE, attr, len(attr),
    )  # fmt: skip


def _prctl(what: str, option: int, value: int) -> None:
    zero = ctypes.c_ulong(0)
    _check(_libc.prctl(option, ctypes.c_ulong(value), zero, zero, zero), what)


def die_with_parent(signal: int) -> None:
    """Get this signal when the thread that started this process ends."""
    _prctl("tie to the parent", _PR_SET_PDEATHSIG, signal)


def reap_orphans() -> None:
    """Become the parent of every descendant whose own parent ends."""
    _prctl("become a reaper", _PR_SET_CHILD_SUBREAPER, 1)


def forbid_new_privileges() -> None:
    """Make set-user-id programs and file capabilities powerless from here on."""
    _prctl("forbid new privileges", _PR_SET_NO_NEW_PRIVS, 1)


def hide_from_peers() -> None:
    """Let no process of the same user trace this one or read its memory."""
    _prctl("hide from peers", _PR_SET_DUMPABLE, 0)


def bound_capabilities(keep: int) -> None:
    """Let no program started from here on gain a capability outside the bit set ``keep``.

    This process keeps those it has: it starts no program in its own name.
    """
    for number in range(64):
        if not keep >> number & 1:
            try:
                _prctl(f"drop capability {number}", _PR_CAPBSET_DROP, number)
            except OSError as error:
                if error.errno == errno.EINVAL:  # above the last one that this kernel knows
                    return
                raise


def forget_inheritable() -> None:
    """Pass on no capability that this process was itself given to pass on."""
    header = struct.pack("Ii", _CAPABILITY_VERSION_3, 0)
    data = ctypes.create_string_buffer(24)
    _check(_libc.capget(header, data), "read capabilities")
    effective, permitted, _, effective_high, permitted_high, _ = struct.unpack("6I", data.raw)
    words = (effective, permitted, 0, effective_high, permitted_high, 0)
    _check(_libc.capset(header, struct.pack("6I", *words)), "set capabilities")


def enter_mounts(namespace: int) -> None:
    """Enter the mount namespace that the descriptor names, at its root."""
    _check(_libc.setns(namespace, CLONE_NEWNS), "enter the spawner's mounts")
