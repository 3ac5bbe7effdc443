"""For the tests of all folders: nothing is kept in the user's cache, or taken from it, unless a test asks for one."""

import os

os.environ.setdefault("SYMHEP_CACHE", "off")
