"""From the user's function to a graph: the values that stand for numbers, and what is done with them."""
