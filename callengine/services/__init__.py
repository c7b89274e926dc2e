"""The world behind the ports: database, registry, Store, the asyncio bridge."""
