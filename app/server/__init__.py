"""The web server: the page, its pictures and uploads, the API, crash reports."""
