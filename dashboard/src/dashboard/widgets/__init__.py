"""What is asked of Farebox: trainings, and the keys under which things that cost are asked."""
