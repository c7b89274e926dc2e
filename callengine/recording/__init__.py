"""Recording calls: both sides of the line as files, kept for a while, perhaps in S3. Off unless it is asked for."""
