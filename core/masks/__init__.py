"""Mask sequences, the six operators, PNG in and out."""
