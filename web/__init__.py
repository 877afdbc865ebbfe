"""Doors and pages: Flask for people, a few lines of WSGI for webhooks."""
