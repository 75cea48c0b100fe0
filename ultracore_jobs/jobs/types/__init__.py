"""One page for each job type. A new page is found by itself; nothing else is edited."""
