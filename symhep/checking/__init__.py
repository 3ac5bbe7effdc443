"""What a graph's values are, in any precision, and whether a program has them."""
