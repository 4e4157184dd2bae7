"""What the screen and other programs see of the editor: operations, the project view, facts and
preflight notes.
"""
