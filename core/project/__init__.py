"""The document: clip, prompts, tracks, edits, history and its JSON. It loads nothing heavy."""
