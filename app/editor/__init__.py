"""The editor: one file for each group of operations."""
