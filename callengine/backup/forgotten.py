"""Who was forgotten after a backup was taken is in it all the same: a restore has to forget them again."""


async def forget_again(_database_url: str) -> int:
    """Apply the list of who was forgotten to what has been restored; gives the calls cleared. The one place that
    `callengine restore` calls; nothing is on the list while there is no `callengine forget`."""
    return 0
