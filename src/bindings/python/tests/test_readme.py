# SPDX-License-Identifier: MIT
"""The programs of the README run as they stand."""

import os
import re
import unittest

import sfshm

README = os.path.join(os.path.dirname(__file__), "..", "README.md")


class Readme(unittest.TestCase):
    def test_its_programs(self):
        with open(README) as file:
            blocks = re.findall(r"^```python\n(.*?)^```", file.read(), re.M | re.S)
        self.assertEqual(len(blocks), 4)
        name = f"test-{os.getpid()}-readme"
        for block in blocks:
            if "dogpile" in block:
                try:
                    import dogpile.cache  # noqa: F401
                except ImportError:
                    continue
            try:
                names = {"__name__": "readme"}
                exec(block.replace('"shop"', f'"{name}"'), names)
            finally:
                sfshm.unlink(name)


if __name__ == "__main__":
    unittest.main()
