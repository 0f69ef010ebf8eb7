"""Many processes on one machine: started, watched, restarted, and taken down in order."""
