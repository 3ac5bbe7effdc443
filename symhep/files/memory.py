"""How much memory this process has in use."""

from __future__ import annotations

import re
import sys
from pathlib import Path

_UNKNOWN = 300_000_000  # what Python and the packages take where the system does not tell


def in_use() -> int:
    """Bytes of memory that this process has now; where that is not known, the most that it ever had.

    >>> in_use() > 1_000_000
    True
    """
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return most_in_use()
    import resource

    return pages * resource.getpagesize()


def most_in_use() -> int:
    """Bytes of memory that this process had at most.

    >>> most_in_use() >= 1_000_000
    True
    """
    try:  # what `getrusage` says begins with the memory of the process that started this one
        found = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
        if found:
            return int(found[1]) * 1024
    except OSError:
        pass
    try:
        import resource
    except ImportError:  # Windows
        return _UNKNOWN
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
