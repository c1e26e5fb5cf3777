"""What happens when users come and go, and what they own."""
