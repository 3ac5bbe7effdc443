"""ROOT: TTrees and RNTuples, read by uproot; a TTree is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from symhep.errors import MissingPackage, listing, message, nearest
from symhep.files.columns import OBJECT, Chunk, Column, FileError, Jagged, Values, plain, split, split_values, whole

TREE = "events"  # the name of the TTree that is written
_TREES = ("TTree", "TNtuple", "TNtupleD", "ROOT::RNTuple", "ROOT::Experimental::RNTuple")


def uproot() -> Any:
    """The package; raises MissingPackage without it."""
    try:
        import uproot
    except ImportError:
        raise MissingPackage("uproot", extra="hep") from None
    return uproot


class Reader:
    """A TTree or RNTuple of a ROOT file; the only one, or the one that is named."""

    def __init__(self, path: Path, tree: str | None = None) -> None:
        self.path = path
        try:
            self._file = uproot().open(path, object_cache=None, array_cache=None)
        except (ValueError, OSError, uproot().deserialization.DeserializationError) as error:
            raise FileError(f"{path} cannot be read: {str(error).strip().splitlines()[0]}") from None
        self._tree = self._file[self._chosen(tree)]
        self.names = list(self._tree.keys())
        self._awkward = False

    def _chosen(self, name: str | None) -> str:
        kinds = self._file.classnames(cycle=False)
        trees = [n for n, kind in kinds.items() if kind in _TREES]
        if name is None and len(trees) == 1:
            return trees[0]
        if name is not None and name in trees:
            return name
        if not trees:
            raise FileError(f"{self.path} has no TTree or RNTuple, but {listing(kinds)}")
        if name is None:
            what = f"{self.path} has {len(trees)} trees: {listing(trees)}"
            raise FileError(message(what, instead=f"--tree {trees[0]}"))
        like = nearest(name, trees) or trees
        what = f"{self.path} has no tree {name!r}"
        raise FileError(message(what, instead=listing([f"--tree {n}" for n in like], "or")))

    def count(self, names: Sequence[str]) -> int:
        return self._tree.num_entries

    def column(self, name: str) -> Column:
        branch = self._tree[name]
        interpretation = getattr(branch, "interpretation", None)
        if interpretation is None:
            return self._of_ntuple(name, branch)
        kind = branch.typename
        if isinstance(interpretation, uproot().AsJagged):
            inner = interpretation.content
            if isinstance(inner, uproot().AsDtype) and not inner.inner_shape:
                size = branch.uncompressed_bytes / max(branch.num_entries, 1)
                return Column(name, _number(inner), jagged=True, type=kind, list_bytes=size)
        elif isinstance(interpretation, uproot().AsDtype) and interpretation.to_dtype.fields is None:
            return Column(name, _number(interpretation), interpretation.inner_shape, type=kind)
        return Column(name, OBJECT, type=kind, text=isinstance(interpretation, uproot().AsStrings))

    def _of_ntuple(self, name: str, field: Any) -> Column:
        """A column of an RNTuple: what its first event is."""
        import awkward

        form = self._tree.arrays([name], entry_stop=0, library="ak")[name].layout.form
        kind, inner = str(field.typename), form
        jagged = isinstance(form, awkward.forms.ListOffsetForm)
        shape: tuple[int, ...] = ()
        if jagged:
            inner = form.content
        elif isinstance(form, awkward.forms.RegularForm):
            inner, shape = form.content, (form.size,)
        if not isinstance(inner, awkward.forms.NumpyForm) or form.parameter("__array__") == "string":
            return Column(name, OBJECT, type=kind)
        shape = (*shape, *inner.inner_shape)
        return Column(name, np.dtype(inner.primitive), shape, jagged and not shape, kind, list_bytes=64.0)

    def overhead(self, names: Sequence[str]) -> tuple[float, float]:
        # what is read of the file comes in whole baskets, which are decompressed and then cut
        baskets = sum(_basket_bytes(self._tree[n]) for n in names)
        return 2 * sum(self.column(n).nbytes for n in names), 4.0 * baskets

    def chunks(self, names: Sequence[str], kept: Sequence[str], size: int) -> Iterator[Chunk]:
        library = "ak" if any(self.column(n).jagged for n in names) else "np"
        start = 0
        parts = self._tree.iterate(list(names), step_size=size, library=library, how=dict)
        while True:
            try:
                part = next(parts, None)
            except Exception as error:  # uproot and the packages that decompress raise whatever comes
                said = str(error).strip().splitlines() or [type(error).__name__]
                raise FileError(f"{self.path} cannot be read after event {start:,}: {said[0]}") from error
            if part is None:
                return
            columns = {n: _values(part[n], library) for n in names}
            events = len(columns[names[0]])
            yield Chunk(start, events, columns)
            start += events

    def fraction(self) -> float:
        return 1.0

    def close(self) -> None:
        self._file.close()


def _number(interpretation: Any) -> np.dtype:
    return interpretation.to_dtype.base.newbyteorder("=")


def _basket_bytes(branch: Any) -> float:
    """The size of a basket; of an RNTuple, whose clusters are large, a guess."""
    if not hasattr(branch, "num_baskets"):
        return 4e6
    return branch.uncompressed_bytes / max(branch.num_baskets, 1)


def _values(array: Any, library: str) -> Values:
    if library == "np":
        return array
    import awkward

    if array.ndim == 1 or not array.layout.is_list or array.layout.is_regular:
        return awkward.to_numpy(array)
    lengths = awkward.to_numpy(awkward.num(array))
    return Jagged(awkward.to_numpy(awkward.flatten(array)), np.concatenate([[0], np.cumsum(lengths)]))


class Writer:
    """A TTree `events`: arrays are branches of fixed size, complex numbers two branches; names without brackets."""

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        made = split(columns, shapes=True, complexes=False)
        self._names = {c.name: plain(c.name) for c in made}
        self._check(made)
        self._file = uproot().recreate(path, compression=uproot().LZ4(1))  # zlib would take longer than most kernels
        kinds = {self._names[c.name]: np.dtype((c.dtype, c.shape)) if c.shape else c.dtype for c in made}
        self._file.mktree(TREE, kinds)

    def _check(self, columns: Sequence[Column]) -> None:
        for c in columns:
            if c.dtype.kind not in "biuf":
                what = f"a TTree has no place for {'text' if c.dtype == OBJECT else c.dtype}, as in {c.name!r}"
                raise FileError(message(what, instead="-o with .csv or .parquet"))
        short = list(self._names.values())
        twice = [n for n, s in self._names.items() if short.count(s) > 1]
        if twice:
            raise FileError(f"in a TTree the columns {listing(twice)} would have the same name, {plain(twice[0])}")

    def write(self, columns: Mapping[str, np.ndarray]) -> None:
        made = {}
        for name, values in split_values(columns, shapes=True, complexes=False).items():
            reason = f"{name!r} has missing values and holds {values.dtype}, and a TTree has no place for them"
            made[self._names[name]] = np.ascontiguousarray(whole(values, reason))
        self._file[TREE].extend(made)

    def finish(self) -> None:
        """uproot keeps the file whole after every chunk."""

    def close(self) -> None:
        self._file.close()
