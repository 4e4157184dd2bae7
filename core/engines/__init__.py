"""Video engines besides VIVID, one a file, and which of them a folder of weights is for."""
