"""A demo Store: a tyre, wheel and battery shop's API over real HTTP, with SQLite behind it.

It runs in a process of its own (`python -m callengine.services.demo_store`) and stands where a shop's own
system stands in production: the engine reaches it through `STORE_API_URL` alone and imports nothing of it.
"""
