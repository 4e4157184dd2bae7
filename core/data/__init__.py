"""Procedural video, made while training."""
