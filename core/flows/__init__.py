"""Load, decide, save, ask. No sleeping, no tries, no except: core/jobs.py does that for everyone."""
