"""What an operator and the board see of the service: webhook in, health, metrics, checks, setting up."""
