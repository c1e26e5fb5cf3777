"""The service's responses as frozen data. Fields that a newer service adds are ignored."""
