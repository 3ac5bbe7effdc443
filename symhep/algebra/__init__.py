"""Exact arithmetic on nodes: smart constructors, n-ary sums and products, monomials and their sums."""
