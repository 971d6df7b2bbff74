# SPDX-License-Identifier: MIT
"""Builds the extension against the installed library that pkg-config finds.

SFSHM_CFLAGS and SFSHM_LIBS, if they are set, take the place of pkg-config: for
a library that is built but not installed.
"""

import glob
import os
import shlex
import subprocess
import sysconfig

from setuptools import Extension, setup


def flags(variable, option):
    if variable in os.environ:
        return shlex.split(os.environ[variable])
    try:
        said = subprocess.check_output(["pkg-config", option, "sfshm"], text=True)
    except (OSError, subprocess.CalledProcessError):
        raise SystemExit(
            "sfshm: pkg-config does not find the library: install it first "
            "(cmake --install build), or set PKG_CONFIG_PATH to the folder of "
            "its sfshm.pc"
        )
    return shlex.split(said)


if not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")):
    raise SystemExit(
        "sfshm: the headers of this Python are missing: install the package "
        "python3-dev (Debian) or python3-devel (Fedora)"
    )
libs = flags("SFSHM_LIBS", "--libs")
# The loader finds a library outside its own folders by this path.
rpath = ["-Wl,-rpath," + flag[2:] for flag in libs if flag.startswith("-L")]

setup(
    ext_modules=[
        Extension(
            "sfshm._core",
            sorted(glob.glob("core/*.c")),
            depends=["core/core.h"],
            define_macros=[("_GNU_SOURCE", None)],
            extra_compile_args=["-std=gnu11", "-O2"] + flags("SFSHM_CFLAGS", "--cflags"),
            extra_link_args=libs + rpath,
        )
    ]
)
