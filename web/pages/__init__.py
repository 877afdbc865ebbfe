"""One module a room: read what was asked, call one flow or query, render."""
