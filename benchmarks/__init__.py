"""Side by side with other packages: python -m benchmarks (or make bench) prints the tables.

With derivatives, beside other packages that make programs from formulas: python -m benchmarks.peers. On their own:
python -m benchmarks.fit (an unbinned fit to convergence, beside JAX), .derivatives (gradients next to values),
.compile_time, .cached_start, .special_functions, .straight_line.
"""

import os

os.environ.setdefault("SYMHEP_CACHE", "off")  # times to compile are not those to read a file
