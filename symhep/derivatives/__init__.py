"""Derivatives of graphs and kernels."""
