"""The document: clip, prompts, tracks, edits, history and its JSON. Pure Python."""
