"""Side by side with other packages: python -m benchmarks (or make bench) prints the tables."""
