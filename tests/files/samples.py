"""Files of the same events in every format, written by the libraries of the formats."""

import csv
from pathlib import Path

import numpy as np

EVENTS = 1000
RNG = np.random.default_rng(5)
PT1, PT2 = 20 + RNG.exponential(20, EVENTS), 20 + RNG.exponential(20, EVENTS)
ETA1, ETA2 = RNG.uniform(-2.4, 2.4, (2, EVENTS))
PHI1, PHI2 = RNG.uniform(-3.1, 3.1, (2, EVENTS))
COLUMNS = {
    "pt1": PT1,
    "eta1": ETA1,
    "phi1": PHI1,
    "pt2": PT2,
    "eta2": ETA2,
    "phi2": PHI2,
    "run": np.arange(EVENTS) // 7,
}
MASS = np.sqrt(2 * PT1 * PT2 * (np.cosh(ETA1 - ETA2) - np.cos(PHI1 - PHI2)))

KERNELS = """
import numpy as np
import symhep as sh

@sh.kernel
def dimuon_mass(pt1, eta1, phi1, pt2, eta2, phi2):
    return np.sqrt(2 * pt1 * pt2 * (np.cosh(eta1 - eta2) - np.cos(phi1 - phi2)))

@sh.kernel(parameters=("mass",))
def shapes(
    p: sh.Vector[4], C: sh.Symmetric[2], z: sh.Complex, q: {"x": sh.Scalar, "y": (sh.Scalar, sh.Boolean)}, mass, s=2.0
):
    m2 = p[0]**2 - p[1]**2 - p[2]**2 - p[3]**2
    det = C[0, 0] * C[1, 1] - C[0, 1]**2
    return {"m": m2 - mass, "all": (z * z, s * p), "det": det, "cut": (q["x"] > 0) & q["y"][1], "q": q["y"][0]}

@sh.kernel
def normalised(w):
    return w / sh.batch_sum(w)

@sh.kernel
def total(w):
    return {"sum": sh.batch_sum(w), "most": sh.batch_max(w)}

@sh.kernel
def power(x, n: sh.Static):
    return x**n

@sh.kernel
def triggered(x, fired: sh.Boolean):
    return sh.where(fired, x, 0.0)

@sh.kernel
def two_samples(x, y: sh.Scalar.over("mc")):
    return sh.batch_sum(x) + sh.batch_sum(y)
"""


def write(path: Path, columns=COLUMNS) -> Path:
    """Columns in the format of the path."""
    kind = path.suffix
    if kind == ".csv":
        with open(path, "w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(columns)
            rows.writerows(zip(*[[repr(x.item()) for x in c] for c in columns.values()]))
    elif kind == ".npz":
        np.savez(path, **columns)
    elif kind == ".npy":
        table = np.zeros(len(next(iter(columns.values()))), [(n, c.dtype, c.shape[1:]) for n, c in columns.items()])
        for n, c in columns.items():
            table[n] = c
        np.save(path, table)
    elif kind == ".parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.table(dict(columns)), path, row_group_size=300)
    else:
        import uproot

        with uproot.recreate(path) as file:
            file.mktree("tree", {n: c.dtype for n, c in columns.items()})
            for first in range(0, EVENTS, 300):
                file["tree"].extend({n: c[first : first + 300] for n, c in columns.items()})
    return path


def read(path: Path) -> dict[str, np.ndarray]:
    """The columns of a file."""
    kind = path.suffix
    if kind == ".csv":
        import pandas

        return {n: c.to_numpy() for n, c in pandas.read_csv(path).items()}
    if kind == ".npz":
        return dict(np.load(path, allow_pickle=False))
    if kind == ".parquet":
        import pyarrow.parquet as pq

        table = pq.read_table(path)
        return {n: np.array(table.column(n).to_pylist()) for n in table.column_names}
    import uproot

    with uproot.open(path) as file:
        return file["events"].arrays(library="np")
