"""The physics library: one file per subject, each function written for one event.

Conventions: natural units, energies in GeV, metric (+, -, -, -), four-vectors (E, px, py, pz), angles in radians.
"""
