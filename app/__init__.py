"""The running program: command line, editor, jobs, workspace, server."""
