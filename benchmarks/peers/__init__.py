"""The raw client and the task queues that Warren is measured beside, each set up the way its manual says."""
