# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# For the tests of the Python binding: the interpreter with the binding, as pip
# has installed it for this build. They read it after lib/tap.sh.

python=/usr/bin/python3
export PYTHONPATH=$SFSHM_BUILD/python/site PYTHONDONTWRITEBYTECODE=1
# Some packages keep a list of what is installed there.
export XDG_CACHE_HOME=$TMP

[ -f "$SFSHM_BUILD/python/stamp" ] ||
	skip_all "the Python binding is not built: install python3-dev," \
		"python3-pip, python3-setuptools and python3-wheel, and configure anew"

# python_has MODULE
python_has()
{
	"$python" -c "import $1" 2>/dev/null
}
