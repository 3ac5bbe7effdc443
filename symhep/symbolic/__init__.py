"""sympy expressions in and out."""
