"""What the service answers, as frozen data. Fields that a newer service adds are left aside."""
