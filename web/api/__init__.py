"""The API: JSON for programs under /api/v1, each route with the permission that it needs."""
