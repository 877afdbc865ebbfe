"""The only SQL of the house. SQLite or PostgreSQL, the same statements on both."""
