"""What developing, testing and showing Placecard needs besides Placecard itself."""
