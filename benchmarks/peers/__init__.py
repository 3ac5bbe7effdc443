"""symhep beside other packages that make programs from formulas: values and derivatives of the same Python functions.

cases.py has the formulas, pairs.py what they are called with, one module per package the rest; table.py the tables.
"""
