"""Catalogue of weights and where they lie on disk."""
