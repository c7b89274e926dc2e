"""One call: the nursery, its four tasks, and the pure rules they follow."""
