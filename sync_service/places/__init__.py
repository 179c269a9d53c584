"""What a card's text says about where: coordinates, links, parcels, addresses, districts."""
