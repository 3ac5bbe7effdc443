"""Reductions over the events of a batch, the stages they cut a program into, and arguments bound once."""
