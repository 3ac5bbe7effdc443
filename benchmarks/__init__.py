"""Side by side with other packages: python -m benchmarks (or make bench) prints the tables."""

import os

os.environ.setdefault("SYMHEP_CACHE", "off")  # times to compile are not those to read a file
