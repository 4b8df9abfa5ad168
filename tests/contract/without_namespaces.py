"""Runs a program that the kernel lets make no namespaces, as in a locked-down container.

    python without_namespaces.py PROGRAM ARGUMENTS...

A seccomp filter answers EPERM to unshare, setns, mount and every clone that asks for a
namespace, and ENOSYS to clone3, so that what is tested is a real refusal, not a pretended one.
"""

import ctypes
import os
import struct
import sys

_NR = {  # clone, unshare, setns, mount, clone3
    "x86_64": (56, 272, 308, 165, 435),
    "aarch64": (220, 97, 268, 40, 435),
}
_NAMESPACES = 0x7E020000  # CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
_LOAD, _IF_EQUAL, _IF_ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06
_ALLOW, _EPERM, _ENOSYS = 0x7FFF0000, 0x00050001, 0x00050026
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _FILTER = 38, 22, 2


def _program() -> bytes:
    clone, unshare, setns, mount, clone3 = _NR[os.uname().machine]
    return b"".join(
        struct.pack("HBBI", *step)
        for step in (
            (_LOAD, 0, 0, 0),  # the number of the call
            (_IF_EQUAL, 8, 0, unshare),
            (_IF_EQUAL, 7, 0, setns),
            (_IF_EQUAL, 6, 0, mount),
            (_IF_EQUAL, 4, 0, clone3),
            (_IF_EQUAL, 0, 2, clone),
            (_LOAD, 0, 0, 16),  # its first argument
            (_IF_ANY_BIT, 2, 0, _NAMESPACES),
            (_RETURN, 0, 0, _ALLOW),
            (_RETURN, 0, 0, _ENOSYS),
            (_RETURN, 0, 0, _EPERM),
        )
    )


def forbid_namespaces() -> None:
    """Forbid them to this process and to all that it starts."""
    libc = ctypes.CDLL(None, use_errno=True)
    code = ctypes.create_string_buffer(_program())
    rules = ctypes.create_string_buffer(
        struct.pack("HxxxxxxP", len(_program()) // 8, ctypes.addressof(code))
    )
    zero = ctypes.c_ulong(0)
    for option, value, more in (
        (_PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1), zero),
        (_PR_SET_SECCOMP, ctypes.c_ulong(_FILTER), ctypes.byref(rules)),
    ):
        if libc.prctl(option, value, more, zero, zero) != 0:
            code_ = ctypes.get_errno()
            raise OSError(code_, os.strerror(code_))


if __name__ == "__main__":
    forbid_namespaces()
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 - this is what it is for
