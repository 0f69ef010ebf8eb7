"""What you need to test your own skills and playbooks."""
