"""The divisors of all sums and monomials of a form, indexed by where they occur, with what each would save."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from symhep.algebra.form import Form
from symhep.algebra.monomials import (
    UNIT,
    Factor,
    Monomial,
    common,
    divide,
    divides,
    factors,
    length,
    times,
    to_power,
)
from symhep.algebra.nary import Rational, tidy

Kernel = tuple[int, int, Rational]  # the first two terms a + r*b of a kernel: monomial, monomial, r
Pair = tuple[Factor, Factor]
Place = tuple[int, int, list[int]]  # a sum, the common part g, and the terms g*a, g*b, ... there

_REACH = 40  # in longer sums and monomials a term meets only so many others: all pairs would grow as the square
_MASK = (1 << 64) - 1
_OUTPUTS = -1  # stands for the outputs among the users of a monomial


def mix(*keys: int) -> int:
    """One 64-bit key from several, in order."""
    h = 0x517CC1B727220A95
    for k in keys:
        h = ((h ^ (k & _MASK)) * 0x9FB21C651E98DF25 + 0x2545F4914F6CDD1D) & _MASK
        h ^= h >> 29
    return h


class Divisors:
    """A form's sums over numbered monomials, and every divisor of two terms or two factors that occurs in them."""

    def __init__(self, form: Form) -> None:
        self.form = form
        self.rooted = form.rooted()
        self.monomials: list[Monomial] = []
        self.numbers: dict[Monomial, int] = {}
        self.keys: list[int] = []
        self.lengths: list[int] = []
        self.multiples: dict[tuple[int, int], int] = {}
        self.unit = self.number(UNIT)
        self.sums = {s: {self.number(m): c for m, c in terms.items()} for s, terms in form.sums.items()}
        self.products = {p: self.number(m) for p, m in form.products.items()}
        self.args = {b: [(c, self.number(m)) for c, m in args] for b, args in form.args.items()}
        self.outputs = [(c, self.number(m)) for c, m in form.outputs]
        self.users: dict[int, dict[int, int]] = {}
        self.kernels: dict[Kernel, dict[int, list[tuple[int, int]]]] = {}
        self.met: dict[tuple[int, int], dict[int, Kernel]] = {}  # of a term of a sum: others and the kernels with them
        self.pairs: dict[Pair, dict[int, int]] = {}
        self.quotients: dict[tuple[int, int], tuple[int, int]] = {}
        self.touched: dict[Kernel | Pair, None] = {}
        self.parts: dict[tuple[int, int], dict[int, Rational]] = {}  # what a monomial is multiplied by in a sum
        self.factor_gains: dict[tuple[int, int], int] = {}
        self.parts_of: dict[int, list[tuple[int, int]]] = {}
        for base in form.live():
            self.enter(base)
        for _, m in self.outputs:
            self.use(m, _OUTPUTS)

    # monomials by number -------------------------------------------------------------------------------------------

    def number(self, m: Monomial) -> int:
        n = self.numbers.get(m)
        if n is None:
            n = self.numbers[m] = len(self.monomials)
            self.monomials.append(m)
            self.lengths.append(length(m))
            keys = self.form.keys
            self.keys.append(mix(*[x for k, e in sorted([(keys[b], e) for b, e in m]) for x in (k, e)]))
        return n

    def times(self, m: int, g: int) -> int:
        known = self.multiples.get((m, g))
        if known is None:
            known = self.multiples[m, g] = self.number(times(self.monomials[m], self.monomials[g]))
        return known

    def divide(self, m: int, g: int) -> int:
        return m if g == self.unit else self.number(divide(self.monomials[m], self.monomials[g]))

    # index ---------------------------------------------------------------------------------------------------------

    def monomials_of(self, base: int) -> list[int]:
        if base in self.sums:
            return list(self.sums[base])
        return [self.products[base]] if base in self.products else [m for _, m in self.args[base]]

    def enter(self, base: int) -> None:
        for m in self.monomials_of(base):
            self.use(m, base)
        if base in self.sums:
            entered: list[int] = []
            for m in sorted(self.sums[base], key=self.keys.__getitem__):
                for q in entered[-_REACH:]:
                    self.meet(base, q, m)
                entered.append(m)

    def use(self, m: int, base: int) -> None:
        users = self.users.get(m)
        if users is None:
            users = self.users[m] = {}
            for pair, often in self.factor_pairs(m):
                self.pairs.setdefault(pair, {})[m] = often
                self.touched[pair] = None
        users[base] = users.get(base, 0) + 1

    def disuse(self, m: int, base: int) -> None:
        users = self.users[m]
        users[base] -= 1
        if not users[base]:
            del users[base]
        if not users:
            del self.users[m]
            for pair, _ in self.factor_pairs(m):
                del self.pairs[pair][m]

    def factor_pairs(self, m: int) -> Iterator[tuple[Pair, int]]:
        found = factors(self.monomials[m])
        found.sort(key=lambda f: (self.form.keys[f[0][0]], f[0][1]))
        for i, (x, n) in enumerate(found):
            if n > 1:
                yield (x, x), n // 2
            for y, k in found[i + 1 : i + _REACH]:
                yield (x, y), min(n, k)

    def kernel_of(self, s: int, m: int, q: int) -> tuple[Kernel, int, int]:
        """The divisor of two terms of a sum, and the terms in the kernel's order."""
        if self.keys[m] > self.keys[q]:
            m, q = q, m
        known = self.quotients.get((m, q))
        if known is None:
            g = common(self.monomials[m], self.monomials[q])
            a, b = self.number(divide(self.monomials[m], g)), self.number(divide(self.monomials[q], g))
            known = self.quotients[m, q] = a, b
        a, b = known
        terms = self.sums[s]
        if self.keys[a] <= self.keys[b]:
            return (a, b, ratio(terms[q], terms[m])), m, q
        return (b, a, ratio(terms[m], terms[q])), q, m

    def meet(self, s: int, m: int, q: int) -> None:
        kernel, first, second = self.kernel_of(s, m, q)
        self.kernels.setdefault(kernel, {}).setdefault(s, []).append((first, second))
        self.met.setdefault((s, m), {})[q] = kernel
        self.met.setdefault((s, q), {})[m] = kernel
        self.touched[kernel] = None

    def part(self, s: int, m: int, q: int, kernel: Kernel) -> None:
        places = self.kernels[kernel]
        places[s] = [pair for pair in places[s] if pair != (m, q) and pair != (q, m)]
        if not places[s]:
            del places[s]

    def add_term(self, s: int, m: int, c: Rational) -> None:
        terms = self.sums[s]
        if m in terms:
            c = tidy(terms[m] + c)
            self.remove_term(s, m)
            if not c:
                return
        others = list(terms)
        terms[m] = c
        self._forget(s)
        self.use(m, s)
        if len(others) > _REACH:
            others = sorted(others, key=lambda q: (self.keys[q] - self.keys[m]) & _MASK)[:_REACH]
        for q in others:
            self.meet(s, m, q)

    def remove_term(self, s: int, m: int) -> None:
        for q, kernel in self.met.pop((s, m), {}).items():
            self.part(s, m, q, kernel)
            del self.met[s, q][m]
        del self.sums[s][m]
        self._forget(s)
        self.disuse(m, s)

    def _forget(self, s: int) -> None:
        for entry in self.parts_of.pop(s, ()):
            del self.parts[entry]
            self.factor_gains.pop(entry, None)

    def take_touched(self) -> list[Kernel | Pair]:
        """The divisors that occur in a new place since the last call."""
        touched, self.touched = list(self.touched), {}
        return touched

    # gain ----------------------------------------------------------------------------------------------------------

    def rank(self, divisor: Kernel | Pair) -> tuple:
        """Decides between divisors that save equally much: pairs first, then by structure."""
        if len(divisor) == 2:
            (b, e), (c, f) = divisor
            return 0, mix(self.form.keys[b], self.form.keys[c], e, f), 0
        return 1, mix(self.keys[divisor[0]], self.keys[divisor[1]]), divisor[2]

    def gain(self, divisor: Kernel | Pair) -> int:
        """Operations saved by putting the divisor in wherever it occurs."""
        if len(divisor) == 2:
            return sum(self.pairs[divisor].values()) - 1
        places = self.kernels[divisor]
        if len(places) == 1:
            ((s, pairs),) = places.items()
            if len(pairs) == 1:
                return self._gain_of_factor(divisor, s, pairs[0][0])
        return self._gain_of_kernel(*self.close(divisor)) if places else 0

    def _gain_of_factor(self, kernel: Kernel, s: int, m: int) -> int:
        """Of a kernel that occurs once: the same for all pairs of terms that have the same common part there."""
        g = self.divide(m, kernel[0])
        if g == self.unit:
            return 0
        known = self.factor_gains.get((s, g))
        if known is None:
            self.cofactors(s, g)  # when these change, the gain is forgotten with them
            known = self.factor_gains[s, g] = self._gain_of_kernel(*self.close(kernel))
        return known

    def close(self, kernel: Kernel) -> tuple[dict[int, Rational], list[Place]]:
        """The kernel with all the further terms that it has in every place, and the places, no term taken twice."""
        a, b, r = kernel
        found = []
        for s, pairs in self.kernels[kernel].items():
            for m, q in pairs:
                found.append((s, m, q, self.divide(m, a)))
        terms: dict[int, Rational] = {a: 1, b: r}
        terms.update(self._further_terms(found))
        places: list[Place] = []
        taken: set[tuple[int, int]] = set()
        for s, m, q, g in found:
            here = [m, q, *[self.times(t, g) for t in list(terms)[2:]]]
            if taken.isdisjoint([(s, t) for t in here]):
                taken.update([(s, t) for t in here])
                places.append((s, g, here))
        return terms, places

    def _further_terms(self, found: list[tuple[int, int, int, int]]) -> dict[int, Rational]:
        parts = [self.cofactors(s, g) for s, _, _, g in found]
        shared = set(parts[0]).intersection(*parts[1:])
        if len(shared) == 2:
            return {}
        (_, m, q, g), first = found[0], parts[0]
        shared -= {self.divide(m, g), self.divide(q, g)}
        scales = [self.sums[s][m] for s, m, _, _ in found]
        further = {}
        for t in sorted(shared, key=self.keys.__getitem__):
            r = ratio(first[t], scales[0])
            if all(part[t] == r * c for part, c in zip(parts, scales, strict=True)):
                further[t] = r
        return further

    def cofactors(self, s: int, g: int) -> dict[int, Rational]:
        """What a monomial is multiplied by in a sum, with the coefficients of the terms."""
        if g == self.unit:
            return self.sums[s]
        known = self.parts.get((s, g))
        if known is None:
            part, monomials = self.monomials[g], self.monomials
            known = {self.divide(t, g): k for t, k in self.sums[s].items() if divides(part, monomials[t])}
            self.parts[s, g] = known
            self.parts_of.setdefault(s, []).append((s, g))
        return known

    def _gain_of_kernel(self, kernel: dict[int, Rational], places: list[Place]) -> int:
        gain, exists = 0, False
        removed: dict[int, int] = {}
        made = set()
        for s, g, here in places:
            terms = self.sums[s]
            if g == self.unit and len(terms) == len(here):
                exists = True
                continue
            gain += len(here) - 1 + sum([abs(terms[t]) != 1 for t in here]) - (abs(terms[here[0]]) != 1)
            for t in here:
                removed[t] = removed.get(t, 0) + 1
            made.add(g)
        for m, n in removed.items():
            if n == sum(self.users[m].values()):
                gain += max(self.lengths[m] - 1, 0)
        gain -= sum([self.lengths[g] for g in made])
        if not exists:
            gain -= len(kernel) - 1 + sum([abs(r) != 1 for r in kernel.values()])
            gain -= sum([max(self.lengths[t] - 1, 0) for t in kernel if t not in self.users])
        return gain

    # change --------------------------------------------------------------------------------------------------------

    def apply(self, divisor: Kernel | Pair) -> None:
        """Make the divisor a base and put it in wherever it occurs."""
        if len(divisor) == 2:
            self._apply_pair(divisor)
        else:
            self._apply_kernel(*self.close(divisor))

    def _apply_kernel(self, kernel: dict[int, Rational], places: list[Place]) -> None:
        item = next((s for s, g, here in places if self._is_kernel(s, g, here)), None)
        if item is None:
            item = self.form.new_base("sum", (), mix(*sorted([self.keys[t] for t in kernel])))
            self.sums[item] = dict(kernel)
            self.enter(item)
        for s, g, here in places:
            if s != item:
                c = self.sums[s][here[0]]
                for t in here:
                    self.remove_term(s, t)
                self.add_term(s, self.number(times(self.monomials[g], ((item, 2),))), c)
        for s in dict.fromkeys([s for s, _, _ in places]):
            if len(self.sums[s]) == 1 and s not in self.rooted:
                self._dissolve(s)

    def _is_kernel(self, s: int, g: int, here: list[int]) -> bool:
        terms = self.sums[s]
        return g == self.unit and len(terms) == len(here) and terms[here[0]] == 1

    def _apply_pair(self, pair: Pair) -> None:
        (b, e), (c, f) = pair
        product = times(((b, e),), ((c, f),))
        item = self.form.new_base("product", (), mix(self.form.keys[b], self.form.keys[c], e, f))
        replaced = {}
        for m, often in self.pairs[pair].items():
            rest = divide(self.monomials[m], to_power(product, often))
            replaced[m] = self.number(times(rest, ((item, 2 * often),)))
        self._replace(replaced)
        self.products[item] = self.number(product)
        self.enter(item)

    def _replace(self, new: dict[int, int]) -> None:
        """Put monomials in the place of others, in all their users."""
        for m, q in new.items():
            for base, often in list(self.users[m].items()):
                if base in self.sums:
                    c = self.sums[base][m]
                    self.remove_term(base, m)
                    self.add_term(base, q, c)
                    continue
                for _ in range(often):
                    self.disuse(m, base)
                    self.use(q, base)
                if base in self.products:
                    self.products[base] = q
                elif base == _OUTPUTS:
                    self.outputs = [(c, q if x == m else x) for c, x in self.outputs]
                else:
                    self.args[base] = [(c, q if x == m else x) for c, x in self.args[base]]

    def _dissolve(self, s: int) -> None:
        """A sum that has become a single term: put the term in its place."""
        ((term, c),) = self.sums[s].items()
        value = self.monomials[term]
        holders = [m for m in self.users if any(b == s for b, _ in self.monomials[m])]
        if c != 1 and any(base in self.products for m in holders for base in self.users[m]):
            return
        for m in holders:
            ((_, e),) = [f for f in self.monomials[m] if f[0] == s]
            rest = tuple([f for f in self.monomials[m] if f[0] != s])
            q, factor = self.number(times(rest, to_power(value, e // 2))), tidy(Fraction(c) ** (e // 2))
            if factor != 1:
                self._scale(m, factor)
            self._replace({m: q})
        self.remove_term(s, term)
        del self.sums[s]

    def _scale(self, m: int, factor: Rational) -> None:
        """Multiply the coefficients of a monomial, in all its users."""
        for base in list(self.users[m]):
            if base in self.sums:
                c = tidy(self.sums[base][m] * factor)
                self.remove_term(base, m)
                self.add_term(base, m, c)
            elif base == _OUTPUTS:
                self.outputs = [(tidy(c * factor) if x == m else c, x) for c, x in self.outputs]
            else:
                self.args[base] = [(tidy(c * factor) if x == m else c, x) for c, x in self.args[base]]

    def write_back(self) -> Form:
        """The form with everything that was extracted."""
        form, m = self.form, self.monomials
        form.sums = {s: {m[t]: c for t, c in terms.items()} for s, terms in self.sums.items()}
        form.products = {p: m[t] for p, t in self.products.items()}
        form.args = {b: [(c, m[t]) for c, t in args] for b, args in self.args.items()}
        form.outputs = [(c, m[t]) for c, t in self.outputs]
        return form


def ratio(x: Rational, y: Rational) -> Rational:
    """x / y, exactly."""
    return x if y == 1 else -x if y == -1 else tidy(Fraction(x) / y)
